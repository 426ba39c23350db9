//! Our entries within files that are edited line by line: a block of TOML, an item of a YAML list.

use std::ops::Range;

use super::fault::Fault;

const BEGIN: &str = "# cc-connect begin; `cc-connect uninstall` takes this out";
const END: &str = "# cc-connect end";
/// Behind [`BEGIN`] where the line before it had no line break, which goes with the block.
const JOINED: &str = " +nl";

/// Puts lines between our marks at the end of a text.
fn with_block(text: &str, lines: &str) -> String {
    let newline = newline(text);
    let joined = !text.is_empty() && !text.ends_with('\n');
    let mut out = text.to_owned();
    if joined {
        out.push_str(newline);
    }
    if !text.is_empty() {
        out.push_str(newline);
    }
    let mark = if joined { JOINED } else { "" };
    let block = format!("{BEGIN}{mark}\n{}\n{END}\n", lines.trim_matches('\n'));
    out.push_str(&block.replace('\n', newline));
    out
}

/// Where our block stands, with the line breaks that came with it.
fn block(text: &str) -> Result<Option<Range<usize>>, Fault> {
    let Some((begin, line)) = lines(text).find(|(_, line)| line.starts_with(BEGIN)) else {
        return Ok(None);
    };
    let end = lines(&text[begin..]).find(|(_, line)| line.trim_end() == END);
    let Some((end, last)) = end else {
        return Err(Fault::shape(BEGIN, "followed by its end"));
    };
    let mut start = begin;
    for part in [
        "\n",
        if line.trim_end().ends_with(JOINED) {
            "\n"
        } else {
            ""
        },
    ] {
        let before = &text[..start];
        if !part.is_empty() && before.ends_with('\n') {
            // A blank line of ours, or the line break that a last line got.
            let cut = before.len() - if before.ends_with("\r\n") { 2 } else { 1 };
            let is_blank = before[..cut].is_empty() || before[..cut].ends_with('\n');
            if is_blank || line.trim_end().ends_with(JOINED) {
                start = cut;
            }
        }
    }
    Ok(Some(start..begin + end + last.len()))
}

/// The lines of a text with their places, line breaks included.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split_inclusive('\n').scan(0, |at, line| {
        let start = *at;
        *at += line.len();
        Some((start, line))
    })
}

fn newline(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

fn cut(text: &str, span: Range<usize>) -> String {
    format!("{}{}", &text[..span.start], &text[span.end..])
}

/// TOML: a table of ours, as lines of its own at the end.
pub(super) mod toml_block {
    use std::ops::Range;

    use super::super::command::tools_program;
    use super::{BEGIN, END, Fault, JOINED, lines, with_block};

    /// The text with our table in it. `lines` has its head.
    pub fn put(text: &str, at: &[String], lines: &str) -> Result<String, Fault> {
        let there: toml::Table = toml::from_str(text)?;
        let ours: toml::Table = toml::from_str(lines)?;
        let by_hand = || Fault::ByHand(lines.trim().replace('\n', "; "));
        if let (Some(there), Some(ours)) = (table_at(&there, at), table_at(&ours, at)) {
            // One that is right already stays where it is.
            if ours
                .iter()
                .all(|(key, value)| there.get(key) == Some(value))
            {
                return Ok(text.to_owned());
            }
            // What else somebody wrote into it would be lost.
            if runs_tools(there) && there.keys().any(|key| !ours.contains_key(key)) {
                return Err(by_hand());
            }
        }
        let without = match take(text, at)? {
            Some(without) => without,
            None => text.to_owned(),
        };
        let mut before: toml::Table = toml::from_str(&without)?;
        if value_at(&before, at).is_some() {
            return Err(Fault::Taken(at.join(".")));
        }
        let new = with_block(&without, lines);
        // Where the table is written inline, ours cannot be added to it from elsewhere.
        let mut after: toml::Table = toml::from_str(&new).map_err(|_| by_hand())?;
        if value_at(&after, at) != value_at(&ours, at) {
            return Err(by_hand());
        }
        remove(&mut after, at);
        remove(&mut before, at);
        if after != before {
            return Err(by_hand());
        }
        Ok(new)
    }

    /// The text without our table and our marks, or `None` where there is neither.
    ///
    /// The table is known by what it runs: agents that write the file anew put tables of others between our marks,
    /// or drop a mark.
    pub fn take(text: &str, at: &[String]) -> Result<Option<String>, Fault> {
        let mut before: toml::Table = toml::from_str(text)?;
        let is_ours = table_at(&before, at).is_some_and(runs_tools);
        let spans = spans(text, at, is_ours);
        let mut without = String::new();
        let mut from = 0;
        for span in &spans {
            without.push_str(&text[from..span.start]);
            from = span.end;
        }
        without.push_str(&text[from..]);
        let shape = || Fault::shape(&at.join("."), "a table with lines of its own");
        let mut after: toml::Table = toml::from_str(&without).map_err(|_| shape())?;
        if is_ours && value_at(&after, at).is_some() {
            return Err(shape());
        }
        remove(&mut before, at);
        remove(&mut after, at);
        if before != after {
            return Err(shape());
        }
        Ok((!spans.is_empty()).then_some(without))
    }

    /// Our marks and the lines of our table and of those below it, in their order.
    fn spans(text: &str, at: &[String], is_ours: bool) -> Vec<Range<usize>> {
        let mut spans = Vec::new();
        let mut joined = None;
        let mut is_ours = is_ours;
        let (mut marked, mut within) = (false, false);
        // Comments and blank lines in our table, if more of the table follows.
        let mut loose = Vec::new();
        for (start, line) in lines(text) {
            let span = start..start + line.len();
            let bare = line.trim();
            if bare.starts_with(BEGIN) {
                let above = line_break_before(text, start);
                // The blank line that came with the block.
                let blank = above
                    .clone()
                    .filter(|above| above.start == 0 || text[..above.start].ends_with('\n'));
                if bare.ends_with(JOINED) {
                    let behind = blank.as_ref().map_or(start, |blank| blank.start);
                    joined = line_break_before(text, behind).map(|it| (it, start));
                }
                spans.extend(blank);
                spans.push(span);
                marked = true;
                continue;
            }
            if bare == END {
                spans.push(span);
                continue;
            }
            if bare.is_empty() || bare.starts_with('#') {
                if within {
                    loose.push(span);
                }
                continue;
            }
            if let Some(head) = head(bare) {
                is_ours |= marked && head == at;
                within = is_ours && head.starts_with(at);
                marked = false;
                loose.clear();
            }
            if within {
                spans.append(&mut loose);
                spans.push(span);
            }
        }
        // The last line gets its missing line break back as long as something follows it.
        if let Some((line_break, begin)) = joined {
            let ours = spans.iter().filter(|span| span.start >= begin);
            if ours.map(ExactSizeIterator::len).sum::<usize>() == text.len() - begin {
                spans.push(line_break);
            }
        }
        spans.sort_by_key(|span| span.start);
        spans
    }

    fn line_break_before(text: &str, at: usize) -> Option<Range<usize>> {
        let before = &text[..at];
        let bare = before.strip_suffix('\n')?;
        Some(bare.strip_suffix('\r').unwrap_or(bare).len()..at)
    }

    /// The keys of a line that is a table's head.
    fn head(line: &str) -> Option<Vec<String>> {
        if !line.starts_with('[') {
            return None;
        }
        let table: toml::Table = toml::from_str(line).ok()?;
        let mut keys = Vec::new();
        let mut inner = Some(&table);
        while let Some((key, value)) = inner.and_then(|table| table.iter().next()) {
            keys.push(key.clone());
            inner = value.as_table();
        }
        Some(keys)
    }

    fn table_at<'a>(table: &'a toml::Table, at: &[String]) -> Option<&'a toml::Table> {
        value_at(table, at)?.as_table()
    }

    fn runs_tools(table: &toml::Table) -> bool {
        let command = table.get("command").and_then(toml::Value::as_str);
        let args = table.get("args").and_then(toml::Value::as_array);
        let first = args.and_then(|args| args.first()?.as_str());
        let words: Vec<&str> = command.into_iter().chain(first).collect();
        tools_program(&words).is_some()
    }

    /// Every string in our table.
    pub fn strings(text: &str, at: &[String]) -> Result<Vec<String>, Fault> {
        let table: toml::Table = toml::from_str(text)?;
        let mut strings = Vec::new();
        if let Some(value) = value_at(&table, at) {
            collect(value, &mut strings);
        }
        Ok(strings)
    }

    fn collect(value: &toml::Value, strings: &mut Vec<String>) {
        match value {
            toml::Value::String(text) => strings.push(text.clone()),
            toml::Value::Array(items) => items.iter().for_each(|item| collect(item, strings)),
            toml::Value::Table(table) => {
                // The command comes before its arguments, whatever their order in the file.
                let mut values: Vec<_> = table.iter().collect();
                values.sort_by_key(|(key, _)| (*key != "command", (*key).clone()));
                for (_, value) in values {
                    collect(value, strings);
                }
            }
            _ => {}
        }
    }

    fn value_at<'a>(table: &'a toml::Table, at: &[String]) -> Option<&'a toml::Value> {
        let (last, above) = at.split_last()?;
        let mut table = table;
        for key in above {
            table = table.get(key)?.as_table()?;
        }
        table.get(last)
    }

    /// Takes a value out, and tables that only led to it.
    fn remove(table: &mut toml::Table, at: &[String]) {
        let Some((first, rest)) = at.split_first() else {
            return;
        };
        if rest.is_empty() {
            table.remove(first);
            return;
        }
        let inner = table.get_mut(first).and_then(toml::Value::as_table_mut);
        if let Some(inner) = inner {
            remove(inner, rest);
            if inner.is_empty() {
                table.remove(first);
            }
        }
    }
}

/// YAML: a file's path in a list at the top of the file, as `read:` of aider.
pub(super) mod yaml_list {
    use super::{Fault, block, cut, lines, newline, with_block};

    /// The text with the path in the list.
    pub fn put(
        text: &str,
        key: &str,
        path: &str,
        is_ours: &dyn Fn(&str) -> bool,
    ) -> Result<String, Fault> {
        let item = quoted(path)?;
        let by_hand = || Fault::ByHand(format!("{key}: [{item}]"));
        let mut text = text.to_owned();
        let there = ours(&text, key, is_ours);
        if there.iter().any(|it| it == path) {
            return Ok(text);
        }
        if let Some(without) = take(&text, key, is_ours)? {
            text = without;
        }
        let odd = |line: &str| {
            line.starts_with("...")
                || line.starts_with(['{', '[', '%', '\t'])
                || line.contains("\t-")
        };
        let all: Vec<(usize, &str)> = lines(&text).collect();
        let heads = all.iter().filter(|(_, line)| value_of(line, key).is_some());
        let starts = all.iter().filter(|(_, line)| line.starts_with("---"));
        if heads.clone().count() > 1 || starts.count() > 1 || all.iter().any(|(_, line)| odd(line))
        {
            return Err(by_hand());
        }
        let Some((at, line)) = heads.clone().next() else {
            if !text.is_empty() && all.iter().all(|(_, line)| is_blank(line)) {
                return Err(by_hand());
            }
            return Ok(with_block(&text, &format!("{key}:\n- {item}")));
        };
        let value = value_of(line, key).unwrap_or_default().trim();
        if value.starts_with('[') {
            let open = at + line.find('[').unwrap_or_default() + 1;
            let rest = text[open..].trim_start();
            let ours = if rest.starts_with(']') {
                format!("{item} ")
            } else {
                format!("{item}, ")
            };
            text.insert_str(open, &ours);
            return Ok(text);
        }
        if value.is_empty() || value.starts_with('#') {
            let behind = all.iter().filter(|(start, _)| start > at);
            for (start, line) in behind {
                let indent = line.len() - line.trim_start_matches(' ').len();
                if line[indent..].starts_with("- ") {
                    let new = format!("{}- {item}{}", &line[..indent], newline(&text));
                    let start = *start;
                    text.insert_str(start, &new);
                    return Ok(text);
                }
                if !is_blank(line) {
                    break;
                }
            }
        }
        // A single value, an anchor, a tag: not ours to rewrite.
        Err(by_hand())
    }

    /// The text without our item, or `None` where there is none.
    pub fn take(
        text: &str,
        key: &str,
        is_ours: &dyn Fn(&str) -> bool,
    ) -> Result<Option<String>, Fault> {
        let there = ours(text, key, is_ours);
        if there.is_empty() {
            return Ok(None);
        }
        let mut text = text.to_owned();
        if let Some(span) = block(&text)? {
            let lines: Vec<&str> = text[span.clone()].lines().map(str::trim).collect();
            let lines: Vec<&str> = lines.into_iter().filter(|line| !line.is_empty()).collect();
            if lines.len() != 4 {
                return Err(Fault::shape("# cc-connect begin", "a block of ours alone"));
            }
            text = cut(&text, span);
        }
        for path in there {
            let item = quoted(&path)?;
            let whole = lines(&text).find(|(_, line)| line.trim() == format!("- {item}"));
            if let Some((start, line)) = whole {
                let span = start..start + line.len();
                text = cut(&text, span);
                continue;
            }
            let flow = [format!("{item}, "), format!("{item} "), item.clone()];
            let found = flow.iter().find_map(|ours| {
                let at = text.find(ours.as_str())?;
                Some(at..at + ours.len())
            });
            if let Some(span) = found {
                text = cut(&text, span);
            }
        }
        Ok(Some(text))
    }

    /// Our paths in the list.
    pub fn ours(text: &str, key: &str, is_ours: &dyn Fn(&str) -> bool) -> Vec<String> {
        let mut found = Vec::new();
        let mut within = false;
        for (_, line) in lines(text) {
            let bare = line.trim();
            if value_of(line, key).is_some() {
                within = true;
            } else if !line.starts_with([' ', '-', '#']) && !bare.is_empty() {
                within = false;
            }
            if within && !bare.starts_with('#') {
                found.extend(paths(bare).into_iter().filter(|path| is_ours(path)));
            }
        }
        found
    }

    /// The strings in double quotes on a line.
    fn paths(line: &str) -> Vec<String> {
        let mut paths = Vec::new();
        let mut rest = line;
        while let Some(open) = rest.find('"') {
            let mut stream =
                serde_json::Deserializer::from_str(&rest[open..]).into_iter::<String>();
            match stream.next() {
                Some(Ok(path)) => {
                    let end = open + stream.byte_offset();
                    paths.push(path);
                    rest = &rest[end..];
                }
                _ => break,
            }
        }
        paths
    }

    fn quoted(path: &str) -> Result<String, Fault> {
        Ok(serde_json::to_string(path)?)
    }

    fn is_blank(line: &str) -> bool {
        let bare = line.trim();
        bare.is_empty() || bare.starts_with('#')
    }

    /// What stands behind `key:` at the beginning of a line.
    fn value_of<'a>(line: &'a str, key: &str) -> Option<&'a str> {
        let line = line.trim_start_matches('\u{feff}');
        let names = [key.to_owned(), format!("\"{key}\""), format!("'{key}'")];
        names.iter().find_map(|name| {
            let rest = line.strip_prefix(name.as_str())?;
            rest.trim_start_matches([' ', '\t']).strip_prefix(':')
        })
    }
}
