//! JSON as text with places: where each value stands, so that an edit touches only its own bytes.

use std::ops::Range;

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

    /// The value of the only member of that name; `None` if this is no object or has none.
    pub fn member(&self, key: &str) -> Option<&Node> {
        self.members()?
            .iter()
            .find(|member| member.key == key)
            .map(|member| &member.value)
    }

    /// The spans of the members or items, in order.
    pub fn parts(&self) -> Vec<Range<usize>> {
        match &self.shape {
            Shape::Object(members) => members
                .iter()
                .map(|m| m.key_start..m.value.span.end)
                .collect(),
            Shape::Array(items) => items.iter().map(|item| item.span.clone()).collect(),
            Shape::Text(_) | Shape::Other => Vec::new(),
        }
    }
}

/// Finds the places of every value in a JSON text.
///
/// # Errors
/// serde_json's own error where the text is not JSON.
pub(super) fn parse(text: &str) -> Result<Node, serde_json::Error> {
    // The strict parser judges; the scanner below then only looks for places.
    let _: serde_json::Value = serde_json::from_str(text)?;
    let mut scanner = Scanner { text, at: 0 };
    scanner.value()
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
        while self.at < self.text.len() && matches!(self.peek(), b' ' | b'\t' | b'\n' | b'\r') {
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
                while self.at < self.text.len()
                    && !matches!(
                        self.peek(),
                        b',' | b']' | b'}' | b' ' | b'\t' | b'\n' | b'\r'
                    )
                {
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
        self.at += 1;
        while self.at < self.text.len() && self.peek() != b'"' {
            self.at += if self.peek() == b'\\' { 2 } else { 1 };
        }
        self.at += 1;
        serde_json::from_str(self.text.get(start..self.at).unwrap_or_default())
    }
}

/// How a file lays out its values.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    /// What one level is indented by; `None` where everything stands on one line.
    pub unit: Option<String>,
    /// The file's line break.
    pub line_break: &'static str,
}

impl Layout {
    /// Reads the layout off the first member of the root.
    pub fn of(text: &str, root: &Node) -> Self {
        let line_break = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let unit = match root.parts().first() {
            None => Some("  ".to_owned()),
            Some(first) => {
                let before = &text[root.span.start + 1..first.start];
                before.rfind('\n').map(|at| before[at + 1..].to_owned())
            }
        };
        Self { unit, line_break }
    }

    /// Writes a value (after its key, if it has one) as it stands at `depth` levels.
    pub fn write<T: serde::Serialize>(&self, key: Option<&str>, value: &T, depth: usize) -> String {
        use serde_json::ser::{PrettyFormatter, Serializer};
        let mut bytes = Vec::new();
        let (written, colon) = match &self.unit {
            None => (serde_json::to_writer(&mut bytes, value), ":"),
            Some(unit) => {
                let format = PrettyFormatter::with_indent(unit.as_bytes());
                (
                    value.serialize(&mut Serializer::with_formatter(&mut bytes, format)),
                    ": ",
                )
            }
        };
        debug_assert!(
            written.is_ok(),
            "writing strings and numbers to memory cannot fail"
        );
        let value = String::from_utf8_lossy(&bytes).replace('\n', &self.new_line(depth));
        match key {
            None => value,
            Some(key) => format!("\"{key}\"{colon}{value}"),
        }
    }

    fn new_line(&self, depth: usize) -> String {
        match &self.unit {
            None => String::new(),
            Some(unit) => format!("{}{}", self.line_break, unit.repeat(depth)),
        }
    }

    /// Puts `part` last into the object or array `container`, whose own depth is `depth`.
    pub fn append(&self, text: &str, container: &Node, part: &str, depth: usize) -> String {
        let parts = container.parts();
        let (at, inserted) = if let Some(last) = parts.last() {
            let previous_end = match parts.len() {
                1 => container.span.start + 1,
                count => parts[count - 2].end,
            };
            // Between two parts stand only spaces and one comma; the new part gets the spaces
            // that its neighbour has in front.
            let gap = text[previous_end..last.start]
                .rsplit(',')
                .next()
                .unwrap_or_default();
            (last.end, format!(",{gap}{part}"))
        } else {
            let start = container.span.start + 1;
            let inside = &text[start..container.span.end - 1];
            let after = if inside.contains('\n') {
                String::new()
            } else {
                self.new_line(depth)
            };
            (start, format!("{}{part}{after}", self.new_line(depth + 1)))
        };
        format!("{}{inserted}{}", &text[..at], &text[at..])
    }
}

/// Takes the part at `index` out of an object or array, with one comma and the space before it.
pub(super) fn remove(text: &str, container: &Node, index: usize) -> String {
    let parts = container.parts();
    let cut = match (index.checked_sub(1), parts.get(index + 1)) {
        (Some(previous), _) => parts[previous].end..parts[index].end,
        (None, Some(next)) => parts[index].start..next.start,
        (None, None) => container.span.start + 1..container.span.end - 1,
    };
    replace(text, cut, "")
}

/// Puts `with` in the place of those bytes.
pub(super) fn replace(text: &str, span: Range<usize>, with: &str) -> String {
    format!("{}{with}{}", &text[..span.start], &text[span.end..])
}
