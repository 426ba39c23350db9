//! Our entries within a JSON text: found, put in, taken out. No files here.

use std::collections::BTreeSet;
use std::ops::Range;

use serde_json::Value;

use super::command::{hook_program, tools_program};
use super::fault::Fault;
use super::json_text::{Lax, Layout, Member, Node, Parsed, parse, replace};

/// What belongs at a place in a JSON text, its value as JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// The keys that lead to the list or, for a member, to the value.
    pub at: Vec<String>,
    pub kind: Kind,
    pub value: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An item of a list, with our hook's command line somewhere in it.
    Item,
    /// A member of an object, with the command and arguments of our tools in it.
    Member,
}

/// How an agent's texts are read, and by which names its hook is called.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    pub names: Vec<String>,
    pub lax: Lax,
}

/// An entry of ours as it stands in a text.
struct Found {
    start: usize,
    entry: Entry,
}

/// The text with these entries in it.
pub(super) fn put(text: &str, entries: &[Entry], how: &Reading) -> Result<String, Fault> {
    let mut text = text.to_owned();
    for entry in entries {
        text = match entry.kind {
            Kind::Item => put_item(text, entry, how)?,
            Kind::Member => put_member(&text, entry, how)?,
        };
    }
    Ok(text)
}

/// The text without these entries, or `None` where it has none of them. `original` is the text before we came.
pub(super) fn take(
    text: &str,
    original: Option<&str>,
    entries: &[Entry],
    how: &Reading,
) -> Result<Option<String>, Fault> {
    let kept = kept(original, entries, how);
    let mut new = text.to_owned();
    for entry in entries {
        loop {
            let parsed = read(&new, how)?;
            let found = places(&parsed, entry, how)?;
            let Some(place) = found.first() else { break };
            let without = without(&parsed, entry, place, &kept);
            new = without;
        }
    }
    Ok((new != text).then_some(new))
}

/// Whether this text is the original with our entries put in and nothing else done.
pub(super) fn is_untouched(text: &str, original: &str, entries: &[Entry], how: &Reading) -> bool {
    let as_found = || -> Result<bool, Fault> {
        let parsed = read(text, how)?;
        let mut found = Vec::new();
        for entry in entries {
            for place in places(&parsed, entry, how)? {
                let node = parsed.root.at(&entry.at).and_then(|list| match entry.kind {
                    Kind::Item => list.items()?.get(place.trail[0]),
                    Kind::Member => Some(list),
                });
                let Some(node) = node else { return Ok(false) };
                let value = parsed.source(node).to_owned();
                found.push(Found {
                    start: node.span.start,
                    entry: Entry {
                        value,
                        ..entry.clone()
                    },
                });
            }
        }
        found.sort_by_key(|found| found.start);
        let entries: Vec<Entry> = found.into_iter().map(|found| found.entry).collect();
        Ok(put(original, &entries, how)? == text)
    };
    as_found().unwrap_or(false)
}

/// The programs that entries of ours in the text run.
pub(super) fn programs(text: &str, entry: &Entry, how: &Reading) -> Result<Vec<String>, Fault> {
    let parsed = read(text, how)?;
    let places = places(&parsed, entry, how)?;
    Ok(places.into_iter().map(|place| place.program).collect())
}

/// Whether nothing is left but what stood in a file of our making.
pub(super) fn is_base(text: &str, base: &str, how: &Reading) -> bool {
    let value = |text: &str| {
        let parsed = parse(text, how.lax).ok()?;
        serde_json::from_str::<Value>(parsed.source(&parsed.root)).ok()
    };
    // A comment is somebody's.
    !text.contains('/') && value(text).is_some_and(|left| Some(left) == value(base))
}

fn read<'a>(text: &'a str, how: &Reading) -> Result<Parsed<'a>, Fault> {
    Ok(parse(text, how.lax)?)
}

/// Where one entry of ours stands.
struct Place {
    /// From the list at the entry's path to the object that holds the command: indexes of parts. Empty for a member.
    trail: Vec<usize>,
    /// The command line, where there is one.
    line: Option<(String, Range<usize>)>,
    program: String,
}

/// Every place of ours, refusing what does not have the shape that the agent documents.
fn places(parsed: &Parsed<'_>, entry: &Entry, how: &Reading) -> Result<Vec<Place>, Fault> {
    let Some(node) = walk(parsed, &entry.at)? else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    match entry.kind {
        Kind::Member => {
            if let Some(program) = tools_program(&node.texts()) {
                found.push(Place {
                    trail: Vec::new(),
                    line: None,
                    program: program.to_owned(),
                });
            }
        }
        Kind::Item => {
            let what = entry.at.join(".");
            let items = node.items().ok_or_else(|| Fault::shape(&what, "a list"))?;
            let template: Value = serde_json::from_str(&entry.value)?;
            for (index, item) in items.iter().enumerate() {
                has_shape(item, &template, &what)?;
                hooks(item, &mut vec![index], how, &mut found)?;
            }
        }
    }
    Ok(found)
}

/// The value at a path, if it is there; every step to it has to be an object without doubled keys.
fn walk<'a>(parsed: &'a Parsed<'_>, at: &[String]) -> Result<Option<&'a Node>, Fault> {
    let mut node = &parsed.root;
    for (depth, key) in at.iter().enumerate() {
        let whole = match depth {
            0 => "the whole".to_owned(),
            _ => at[..depth].join("."),
        };
        let members = node
            .members()
            .ok_or_else(|| Fault::shape(&whole, "an object"))?;
        if members.iter().filter(|member| member.key == *key).count() > 1 {
            let what = at[..=depth].join(".");
            return Err(Fault::shape(&what, "given only once"));
        }
        match node.member(key) {
            Some(value) => node = value,
            None => return Ok(None),
        }
    }
    Ok(Some(node))
}

/// An item is an object, and a list where ours has one.
fn has_shape(item: &Node, template: &Value, list: &str) -> Result<(), Fault> {
    let Value::Object(template) = template else {
        return Ok(());
    };
    let members = item
        .members()
        .ok_or_else(|| Fault::shape(&format!("{list}[]"), "an object"))?;
    for (key, value) in template {
        let given = members.iter().filter(|member| member.key == *key).count();
        let what = format!("{list}[].{key}");
        if value.is_array() && item.member(key).and_then(Node::items).is_none() {
            return Err(Fault::shape(&what, "a list"));
        }
        if given > 1 {
            return Err(Fault::shape(&what, "given only once"));
        }
    }
    Ok(())
}

/// Every object below `node` that has our hook's command line in it; `node` itself may be one. One that stands under a key
/// given twice is refused: the agent reads one of the two.
fn hooks(
    node: &Node,
    trail: &mut Vec<usize>,
    how: &Reading,
    found: &mut Vec<Place>,
) -> Result<(), Fault> {
    let bare = node
        .text()
        .and_then(|line| Some((line, hook_program(line, &how.names)?)));
    if let Some((line, program)) = bare {
        found.push(Place {
            trail: trail.clone(),
            line: Some((line.to_owned(), node.span.clone())),
            program,
        });
    }
    let members = node.members().unwrap_or_default();
    for member in members {
        let line = member.value.text();
        let program = line.and_then(|line| hook_program(line, &how.names));
        if let (Some(line), Some(program)) = (line, program) {
            is_once(members, member)?;
            found.push(Place {
                trail: trail.clone(),
                line: Some((line.to_owned(), member.value.span.clone())),
                program,
            });
            return Ok(());
        }
    }
    for (index, child) in node.children().into_iter().enumerate() {
        let before = found.len();
        trail.push(index);
        hooks(child, trail, how, found)?;
        trail.pop();
        if found.len() > before
            && let Some(member) = members.get(index)
        {
            is_once(members, member)?;
        }
    }
    Ok(())
}

fn is_once(members: &[Member], member: &Member) -> Result<(), Fault> {
    if members.iter().filter(|it| it.key == member.key).count() > 1 {
        return Err(Fault::shape("each key of our entry", "given only once"));
    }
    Ok(())
}

fn put_item(mut text: String, entry: &Entry, how: &Reading) -> Result<String, Fault> {
    // Of several entries of ours the first stays.
    loop {
        let parsed = read(&text, how)?;
        let found = places(&parsed, entry, how)?;
        let Some(extra) = found.get(1) else { break };
        let without = without(&parsed, entry, extra, &BTreeSet::new());
        text = without;
    }
    let parsed = read(&text, how)?;
    let found = places(&parsed, entry, how)?;
    let Some(place) = found.first() else {
        return insert(&parsed, entry);
    };
    let wanted = line_of(&entry.value, how)?;
    Ok(match (&place.line, wanted) {
        (Some((line, span)), Some(wanted)) if *line != wanted => {
            replace(&text, span.clone(), &serde_json::to_string(&wanted)?)
        }
        _ => text,
    })
}

/// The command line in an entry's value.
fn line_of(value: &str, how: &Reading) -> Result<Option<String>, Fault> {
    let parsed = parse(value, Lax::default())?;
    let texts = parsed.root.texts();
    let mut lines = texts
        .into_iter()
        .filter(|text| hook_program(text, &how.names).is_some());
    Ok(lines.next().map(str::to_owned))
}

fn put_member(text: &str, entry: &Entry, how: &Reading) -> Result<String, Fault> {
    let parsed = read(text, how)?;
    let Some(node) = walk(&parsed, &entry.at)? else {
        return insert(&parsed, entry);
    };
    let value = |json: &str| serde_json::from_str::<Value>(json);
    let (there, wanted) = (value(parsed.source(node))?, value(&entry.value)?);
    if there == wanted {
        return Ok(text.to_owned());
    }
    if tools_program(&node.texts()).is_none() {
        return Err(Fault::Taken(entry.at.join(".")));
    }
    let layout = Layout::of(&parsed);
    let depth = entry.at.len();
    let Value::Object(members) = &wanted else {
        return Ok(text.to_owned());
    };
    if there.get("command").is_none() || !members.contains_key("command") {
        let written = layout.write(None, &entry.value, depth)?;
        return Ok(replace(text, node.span.clone(), &written));
    }
    // Whatever else the human wrote into our entry stays.
    let mut text = text.to_owned();
    for (key, wanted) in members {
        let parsed = read(&text, how)?;
        let Some(node) = walk(&parsed, &entry.at)? else {
            break;
        };
        text = match node.member(key) {
            None => {
                let written = layout.write(Some(key), &wanted.to_string(), depth + 1)?;
                parsed.append(&layout, node, &written, depth)
            }
            Some(there) if value(parsed.source(there))? != *wanted => {
                let written = layout.write(None, &wanted.to_string(), depth + 1)?;
                replace(&text, there.span.clone(), &written)
            }
            Some(_) => continue,
        };
    }
    Ok(text)
}

/// Puts an entry where none is, with the containers that lead to it.
fn insert(parsed: &Parsed<'_>, entry: &Entry) -> Result<String, Fault> {
    walk(parsed, &entry.at)?;
    let layout = Layout::of(parsed);
    let keys = match entry.kind {
        Kind::Item => entry.at.as_slice(),
        Kind::Member => &entry.at[..entry.at.len() - 1],
    };
    let mut depth = 0;
    let mut container = &parsed.root;
    while let Some(next) = keys.get(depth).and_then(|key| container.member(key)) {
        container = next;
        depth += 1;
    }
    let is_list = container.items().is_some();
    if !is_list && container.members().is_none() {
        return Err(Fault::shape(&keys[..depth].join("."), "an object"));
    }
    let mut missing = keys[depth..].to_vec();
    let mut value = entry.value.clone();
    match entry.kind {
        Kind::Item if !missing.is_empty() => value = format!("[{value}]"),
        Kind::Item => {}
        Kind::Member => missing.extend(entry.at.last().cloned()),
    }
    for key in missing.iter().skip(1).rev() {
        value = format!("{{{}:{value}}}", serde_json::to_string(key)?);
    }
    let key = missing.first().map(String::as_str);
    let written = layout.write(key, &value, depth + 1)?;
    Ok(parsed.append(&layout, container, &written, depth))
}

/// Takes out one entry, and what it leaves empty unless that is to be kept.
fn without(
    parsed: &Parsed<'_>,
    entry: &Entry,
    place: &Place,
    keep: &BTreeSet<Vec<String>>,
) -> String {
    let Some(list) = parsed.root.at(&entry.at) else {
        return parsed.text.to_owned();
    };
    let mut emptied = entry.kind == Kind::Member;
    if let Some((last, above)) = place.trail.split_last() {
        // The list, what of it holds ours, and so on down to what holds the command; with each, what we made it as.
        let item = serde_json::from_str::<Value>(&entry.value).unwrap_or_default();
        let mut chain = vec![(list, Value::Array(vec![item]))];
        for index in above {
            let (node, template) = &chain[chain.len() - 1];
            let next = (node.children()[*index], inside(template, node, *index));
            chain.push(next);
        }
        let mut level = above.len();
        let mut index = *last;
        while level > 0 && is_only_ours(parsed, chain[level].0, index, &chain[level].1) {
            level -= 1;
            index = place.trail[level];
        }
        if level < above.len() && is_needed(chain[level].0, index, &chain[level].1) {
            // Beside more than that the list stays, without ours.
            level += 1;
            index = place.trail[level];
        }
        if level > 0 || list.parts().len() > 1 || keep.contains(&entry.at) {
            return parsed.remove(chain[level].0, index);
        }
        emptied = true;
    }
    // The list, or the member itself, goes, and whatever held nothing else.
    let mut depth = entry.at.len();
    while emptied && depth > 1 {
        let above = &entry.at[..depth - 1];
        let only = parsed
            .root
            .at(above)
            .is_some_and(|it| it.parts().len() == 1);
        if !only || keep.contains(above) {
            break;
        }
        depth -= 1;
    }
    let holder = parsed
        .root
        .at(&entry.at[..depth - 1])
        .unwrap_or(&parsed.root);
    let members = holder.members().unwrap_or_default();
    let index = members
        .iter()
        .position(|member| member.key == entry.at[depth - 1]);
    index.map_or_else(
        || parsed.text.to_owned(),
        |index| parsed.remove(holder, index),
    )
}

/// The template's value for a child of a node that was made by it.
fn inside(template: &Value, node: &Node, index: usize) -> Value {
    let key = node.members().and_then(|members| members.get(index));
    match (template, key) {
        (Value::Object(object), Some(member)) => {
            object.get(&member.key).cloned().unwrap_or_default()
        }
        (Value::Array(items), _) => items.first().cloned().unwrap_or_default(),
        _ => Value::Null,
    }
}

/// Whether the part at `index` is a list that an object of this kind has to have.
fn is_needed(node: &Node, index: usize, template: &Value) -> bool {
    let member = node.members().and_then(|members| members.get(index));
    member.is_some_and(|member| template.get(&member.key).is_some_and(Value::is_array))
}

/// Whether a container holds nothing but what we put into it: the part at `index`, and in an object members
/// that are the template's.
fn is_only_ours(parsed: &Parsed<'_>, node: &Node, index: usize, template: &Value) -> bool {
    let Some(members) = node.members() else {
        return node.parts().len() == 1;
    };
    let mut others = members.iter().enumerate().filter(|(at, _)| *at != index);
    // What is beside such a list, as a matcher, goes with it.
    let is_needed = is_needed(node, index, template);
    others.all(|(_, member)| {
        if is_needed && member.value.children().is_empty() {
            return true;
        }
        let value = serde_json::from_str::<Value>(parsed.source(&member.value));
        value.is_ok_and(|value| template.get(&member.key) == Some(&value))
    })
}

/// The containers that were there before us and therefore stay, by their paths.
fn kept(original: Option<&str>, entries: &[Entry], how: &Reading) -> BTreeSet<Vec<String>> {
    let parsed = original.and_then(|original| parse(original, how.lax).ok());
    let Some(parsed) = parsed else {
        return BTreeSet::new();
    };
    let paths = entries.iter().flat_map(|entry| {
        let depths = 1..=entry.at.len();
        depths.map(|depth| entry.at[..depth].to_vec())
    });
    paths
        .filter(|path| parsed.root.at(path).is_some())
        .collect()
}
