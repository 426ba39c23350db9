//! JSON as text with places: where each value stands, so that an edit touches only its own bytes.
//!
//! Comments, and a comma after the last part, are passed over where a file may have them: the text is judged
//! and looked through in a shadow of the same length, in which they are spaces.

use std::ops::Range;

/// What a file may have that strict JSON has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Lax {
    pub comments: bool,
    pub trailing_commas: bool,
}

/// A text, its shadow, and the places of its values.
#[derive(Debug)]
pub(super) struct Parsed<'a> {
    pub text: &'a str,
    shadow: String,
    comments: Vec<Range<usize>>,
    pub root: Node,
}

/// A value and the bytes it stands in.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub span: Range<usize>,
    pub shape: Shape,
}

#[derive(Debug, Clone)]
pub(super) enum Shape {
    Object(Vec<Member>),
    Array(Vec<Node>),
    Text(String),
    Other,
}

/// One `"key": value`; the span of a member runs from its key to the end of its value.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub key: String,
    pub key_start: usize,
    pub value: Node,
}

impl Node {
    /// The members, when this is an object.
    pub fn members(&self) -> Option<&[Member]> {
        match &self.shape {
            Shape::Object(members) => Some(members),
            _ => None,
        }
    }

    /// The items, when this is an array.
    pub fn items(&self) -> Option<&[Node]> {
        match &self.shape {
            Shape::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The text, when this is a string.
    pub fn text(&self) -> Option<&str> {
        match &self.shape {
            Shape::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The value of the first member of that name; `None` if this is no object or has none.
    pub fn member(&self, key: &str) -> Option<&Node> {
        let member = self.members()?.iter().find(|member| member.key == key)?;
        Some(&member.value)
    }

    /// The value at a path of keys.
    pub fn at(&self, path: &[String]) -> Option<&Node> {
        path.iter().try_fold(self, |node, key| node.member(key))
    }

    /// What is in it: its members' values or its items.
    pub fn children(&self) -> Vec<&Node> {
        match &self.shape {
            Shape::Object(members) => members.iter().map(|member| &member.value).collect(),
            Shape::Array(items) => items.iter().collect(),
            Shape::Text(_) | Shape::Other => Vec::new(),
        }
    }

    /// The spans of the members or items, in order.
    pub fn parts(&self) -> Vec<Range<usize>> {
        match &self.shape {
            Shape::Object(members) => {
                let span = |member: &Member| member.key_start..member.value.span.end;
                members.iter().map(span).collect()
            }
            Shape::Array(items) => items.iter().map(|item| item.span.clone()).collect(),
            Shape::Text(_) | Shape::Other => Vec::new(),
        }
    }

    /// Every string in it, in order.
    pub fn texts(&self) -> Vec<&str> {
        match &self.shape {
            Shape::Text(text) => vec![text],
            _ => self.children().into_iter().flat_map(Node::texts).collect(),
        }
    }
}

/// Finds the places of every value.
///
/// # Errors
/// serde_json's own error where the text is not JSON, in the text's own lines and columns.
pub(super) fn parse(text: &str, lax: Lax) -> Result<Parsed<'_>, serde_json::Error> {
    let (shadow, comments) = shadow(text, lax);
    // The strict parser judges; the scanner below then only looks for places.
    let _: serde_json::Value = serde_json::from_str(&shadow)?;
    let mut scanner = Scanner {
        text: &shadow,
        at: 0,
    };
    let root = scanner.value()?;
    Ok(Parsed {
        text,
        shadow,
        comments,
        root,
    })
}

/// The text with what `lax` allows made into spaces, and where the comments were.
fn shadow(text: &str, lax: Lax) -> (String, Vec<Range<usize>>) {
    let mut shadow = text.as_bytes().to_vec();
    let mut comments = Vec::new();
    let mut at = 0;
    // A comma that nothing but space and comments followed so far.
    let mut comma = None;
    let mut previous = b'{';
    while at < shadow.len() {
        let rest = &text.as_bytes()[at..];
        match rest[0] {
            b'"' => {
                at = string_end(text, at);
                comma = None;
                previous = b'"';
                continue;
            }
            b'/' if lax.comments && (rest.starts_with(b"//") || rest.starts_with(b"/*")) => {
                let end = if rest[1] == b'/' {
                    rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'))
                } else {
                    let close = rest[2..].windows(2).position(|two| two == b"*/");
                    close.map(|close| close + 4)
                };
                let Some(end) = end.or_else(|| (rest[1] == b'/').then_some(rest.len())) else {
                    // Not closed: left for the parser to refuse.
                    break;
                };
                for byte in &mut shadow[at..at + end] {
                    if !matches!(byte, b'\n' | b'\r') {
                        *byte = b' ';
                    }
                }
                comments.push(at..at + end);
                at += end;
                continue;
            }
            // Only behind a part.
            b',' => comma = Some(at).filter(|_| !b"{[,:".contains(&previous)),
            b'}' | b']' => {
                if let Some(comma) = comma.take().filter(|_| lax.trailing_commas) {
                    shadow[comma] = b' ';
                }
            }
            b' ' | b'\t' | b'\n' | b'\r' => {}
            _ => comma = None,
        }
        if !rest[0].is_ascii_whitespace() {
            previous = rest[0];
        }
        at += 1;
    }
    // Only whole characters were replaced, by ASCII.
    (String::from_utf8_lossy(&shadow).into_owned(), comments)
}

/// The end of the string that begins at `at`, or of the text.
fn string_end(text: &str, mut at: usize) -> usize {
    let bytes = text.as_bytes();
    at += 1;
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl Scanner<'_> {
    fn peek(&self) -> u8 {
        self.text.as_bytes().get(self.at).copied().unwrap_or(b'}')
    }

    fn skip_space(&mut self) {
        while self.at < self.text.len() && self.peek().is_ascii_whitespace() {
            self.at += 1;
        }
    }

    fn value(&mut self) -> Result<Node, serde_json::Error> {
        self.skip_space();
        let start = self.at;
        let shape = match self.peek() {
            b'{' => self.object()?,
            b'[' => self.array()?,
            b'"' => Shape::Text(self.string()?),
            _ => {
                let ends =
                    |byte: u8| matches!(byte, b',' | b']' | b'}') || byte.is_ascii_whitespace();
                while self.at < self.text.len() && !ends(self.peek()) {
                    self.at += 1;
                }
                Shape::Other
            }
        };
        Ok(Node {
            span: start..self.at,
            shape,
        })
    }

    fn object(&mut self) -> Result<Shape, serde_json::Error> {
        let mut members = Vec::new();
        self.at += 1;
        loop {
            self.skip_space();
            match self.peek() {
                b'}' => break,
                b',' => self.at += 1,
                _ => {
                    let key_start = self.at;
                    let key = self.string()?;
                    self.skip_space();
                    self.at += 1;
                    members.push(Member {
                        key,
                        key_start,
                        value: self.value()?,
                    });
                }
            }
        }
        self.at += 1;
        Ok(Shape::Object(members))
    }

    fn array(&mut self) -> Result<Shape, serde_json::Error> {
        let mut items = Vec::new();
        self.at += 1;
        loop {
            self.skip_space();
            match self.peek() {
                b']' => break,
                b',' => self.at += 1,
                _ => items.push(self.value()?),
            }
        }
        self.at += 1;
        Ok(Shape::Array(items))
    }

    fn string(&mut self) -> Result<String, serde_json::Error> {
        let start = self.at;
        self.at = string_end(self.text, start);
        serde_json::from_str(self.text.get(start..self.at).unwrap_or_default())
    }
}

impl Parsed<'_> {
    /// The text with `part` last in the object or array `container`, whose own depth is `depth`.
    pub fn append(&self, layout: &Layout, container: &Node, part: &str, depth: usize) -> String {
        let parts = container.parts();
        let Some(last) = parts.last() else {
            let start = container.span.start + 1;
            let inside = &self.text[start..container.span.end - 1];
            let after = if inside.contains('\n') {
                String::new()
            } else {
                layout.new_line(depth)
            };
            let inserted = format!("{}{part}{after}", layout.new_line(depth + 1));
            return replace(self.text, start..start, &inserted);
        };
        let gap = self.gap_before(last.start);
        let trailing = self.comma(last.end..container.span.end);
        let end = self.line_end(trailing.map_or(last.end, |comma| comma + 1), gap);
        if trailing.is_some() {
            return replace(self.text, end..end, &format!("{gap}{part},"));
        }
        let with = replace(self.text, end..end, &format!("{gap}{part}"));
        replace(&with, last.end..last.end, ",")
    }

    /// The text without the part at `index` of an object or array, its comma and the space before it.
    pub fn remove(&self, container: &Node, index: usize) -> String {
        let parts = container.parts();
        let part = parts[index].clone();
        let start = self.cut_start(&part);
        let next = parts.get(index + 1).map(|next| next.start);
        let after = self.comma(part.end..next.unwrap_or(container.span.end));
        let previous = index.checked_sub(1).map(|previous| parts[previous].end);
        match (previous, after, next) {
            (Some(previous), None, _) => {
                let before = self.comma(previous..part.start).unwrap_or(previous);
                let without = replace(self.text, start..part.end, "");
                let comma_end = (before + 1).min(start);
                replace(&without, before..comma_end, "")
            }
            (Some(_), Some(comma), _) => {
                let without = replace(self.text, comma..comma + 1, "");
                replace(&without, start..part.end, "")
            }
            (None, Some(comma), Some(_)) => {
                let rest = &self.text[comma + 1..];
                let space = rest.len() - rest.trim_start().len();
                let without = replace(self.text, comma..comma + 1 + space, "");
                replace(&without, part, "")
            }
            (None, after, _) => self.empty(container, start..part.end, after),
        }
    }

    /// Takes the only part out of a container; of what was around it only comments stay.
    fn empty(&self, container: &Node, part: Range<usize>, comma: Option<usize>) -> String {
        let inside = container.span.start + 1..container.span.end - 1;
        if !self.comments.iter().any(|it| inside.contains(&it.start)) {
            return replace(self.text, inside, "");
        }
        let without = comma.map_or_else(
            || self.text.to_owned(),
            |comma| replace(self.text, comma..comma + 1, ""),
        );
        replace(&without, part, "")
    }

    /// Where a comma stands in a span, be it one that the file may do without.
    fn comma(&self, span: Range<usize>) -> Option<usize> {
        span.clone().find(|at| {
            self.text.as_bytes()[*at] == b',' && !self.comments.iter().any(|it| it.contains(at))
        })
    }

    /// The space before a place, back to what is no space or to a comment.
    fn space_before(&self, at: usize) -> &str {
        let comment = self.comments.iter().rev().find(|it| it.end <= at);
        let bound = comment.map_or(0, |comment| comment.end);
        let before = &self.text[bound..at];
        &before[before.trim_end().len()..]
    }

    /// Where to cut so that the space before a part goes with it, but not a line break that ends a comment for what follows.
    fn cut_start(&self, part: &Range<usize>) -> usize {
        let space = self.space_before(part.start);
        let start = part.start - space.len();
        let comment = self.comments.iter().find(|it| it.end == start);
        let is_line = comment.is_some_and(|it| self.text[it.clone()].starts_with("//"));
        let rest = self.text[part.end..].trim_start_matches([' ', '\t', ',']);
        if !is_line || rest.starts_with(['\n', '\r']) {
            return start;
        }
        start + space.find('\n').map_or(0, |at| at + 1)
    }

    /// What a neighbour has in front: a line break and its indent, or the space on its line.
    fn gap_before(&self, at: usize) -> &str {
        let space = self.space_before(at);
        match space.rfind('\n') {
            Some(line) if space[..line].ends_with('\r') => &space[line - 1..],
            Some(line) => &space[line..],
            None => space,
        }
    }

    /// Behind the comments that stand on the line of `at`, where the next part gets a line of its own.
    fn line_end(&self, at: usize, gap: &str) -> usize {
        if !gap.contains('\n') {
            return at;
        }
        let mut end = at;
        loop {
            let rest = &self.text[end..];
            let blank = rest.len() - rest.trim_start_matches([' ', '\t']).len();
            let comment = self.comments.iter().find(|it| it.start == end + blank);
            match comment {
                Some(comment) => end = comment.end,
                None => return end,
            }
        }
    }

    /// A member's or item's bytes.
    pub fn source(&self, node: &Node) -> &str {
        &self.shadow[node.span.clone()]
    }
}

/// How a file lays out its values.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    /// What one level is indented by; `None` where everything stands on one line.
    unit: Option<String>,
    /// The file's line break.
    line_break: &'static str,
}

impl Layout {
    /// Reads the layout off the first member of the root.
    pub fn of(parsed: &Parsed<'_>) -> Self {
        let line_break = if parsed.text.contains("\r\n") {
            "\r\n"
        } else {
            "\n"
        };
        let unit = match parsed.root.parts().first() {
            None => Some("  ".to_owned()),
            Some(first) => {
                let gap = parsed.gap_before(first.start);
                gap.rfind('\n').map(|at| gap[at + 1..].to_owned())
            }
        };
        Self { unit, line_break }
    }

    /// Writes a JSON text as it stands at `depth` levels, its key before it if it has one.
    pub fn write(
        &self,
        key: Option<&str>,
        value: &str,
        depth: usize,
    ) -> Result<String, serde_json::Error> {
        let parsed = parse(value, Lax::default())?;
        let mut out = String::new();
        if let Some(key) = key {
            out.push_str(&serde_json::to_string(key)?);
            out.push_str(self.colon());
        }
        self.node(&parsed, &parsed.root, depth, &mut out)?;
        Ok(out)
    }

    fn node(
        &self,
        parsed: &Parsed<'_>,
        node: &Node,
        depth: usize,
        out: &mut String,
    ) -> Result<(), serde_json::Error> {
        let (open, close) = match node.shape {
            Shape::Object(_) => ('{', '}'),
            Shape::Array(_) => ('[', ']'),
            Shape::Text(_) | Shape::Other => {
                out.push_str(parsed.source(node));
                return Ok(());
            }
        };
        out.push(open);
        let keys: Vec<&str> = match node.members() {
            Some(members) => members.iter().map(|member| member.key.as_str()).collect(),
            None => Vec::new(),
        };
        let children = node.children();
        for (index, child) in children.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            out.push_str(&self.new_line(depth + 1));
            if let Some(key) = keys.get(index) {
                out.push_str(&serde_json::to_string(key)?);
                out.push_str(self.colon());
            }
            self.node(parsed, child, depth + 1, out)?;
        }
        if !children.is_empty() {
            out.push_str(&self.new_line(depth));
        }
        out.push(close);
        Ok(())
    }

    fn colon(&self) -> &'static str {
        if self.unit.is_some() { ": " } else { ":" }
    }

    fn new_line(&self, depth: usize) -> String {
        match &self.unit {
            None => String::new(),
            Some(unit) => format!("{}{}", self.line_break, unit.repeat(depth)),
        }
    }
}

/// Puts `with` in the place of those bytes.
pub(super) fn replace(text: &str, span: Range<usize>, with: &str) -> String {
    format!("{}{with}{}", &text[..span.start], &text[span.end..])
}
