//! The one formatting of the files: two spaces, keys in order, ASCII alone.
//!
//! Other characters are escaped, so that a hostile text cannot hide in an editor or a review. A text
//! with long runs is written as its parts, so that a file can be read whole.

use std::io;

use serde::Serialize as _;
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};
use serde_json::{Map, Value, json};

use super::Case;

/// The bytes of a case's file.
pub fn to_text(case: &Case) -> String {
    let case = Case {
        input: parted(sorted(&case.input)),
        expect: parted(sorted(&case.expect)),
        ..case.clone()
    };
    let mut bytes = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut bytes, Ascii(PrettyFormatter::new()));
    case.serialize(&mut serializer).expect("a case serialises");
    bytes.push(b'\n');
    String::from_utf8(bytes).expect("JSON is UTF-8")
}

/// With the keys in order, whichever order `serde_json` was built to keep.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut pairs: Vec<_> = map.iter().collect();
            pairs.sort_by_key(|(key, _)| *key);
            pairs
                .into_iter()
                .map(|(key, value)| (key.clone(), sorted(value)))
                .collect()
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

/// The only field of a text that is written as its parts: each a text, or a pair of a text and how
/// often it comes.
const PARTS: &str = "parts";
/// Shortest run, in characters, that is written as a pair.
const RUN_CHARS_MIN: usize = 128;

/// With every text that has long runs written as its parts.
fn parted(value: Value) -> Value {
    match value {
        Value::String(text) => parts(&text).unwrap_or(Value::String(text)),
        Value::Array(items) => items.into_iter().map(parted).collect(),
        Value::Object(map) => map
            .into_iter()
            .map(|(key, value)| (key, parted(value)))
            .collect(),
        other => other,
    }
}

fn parts(text: &str) -> Option<Value> {
    if text.len() < RUN_CHARS_MIN {
        return None;
    }
    let chars: Vec<char> = text.chars().collect();
    let (mut parts, mut plain, mut at) = (Vec::new(), String::new(), 0);
    while at < chars.len() {
        let (unit, times) = [1, 2]
            .into_iter()
            .map(|unit| (unit, run(&chars[at..], unit)))
            .max_by_key(|(unit, times)| (unit * times, usize::MAX - unit))?;
        if unit * times < RUN_CHARS_MIN {
            plain.push(chars[at]);
            at += 1;
            continue;
        }
        if !plain.is_empty() {
            parts.push(json!(std::mem::take(&mut plain)));
        }
        let unit_text: String = chars[at..at + unit].iter().collect();
        parts.push(json!([unit_text, times]));
        at += unit * times;
    }
    if parts.is_empty() {
        return None;
    }
    if !plain.is_empty() {
        parts.push(json!(plain));
    }
    Some(json!({ PARTS: parts }))
}

/// How often the first `unit` characters come one after another.
fn run(chars: &[char], unit: usize) -> usize {
    let Some(first) = chars.get(..unit) else {
        return 0;
    };
    chars
        .chunks_exact(unit)
        .take_while(|next| *next == first)
        .count()
}

/// The value that a file holds, every text whole.
pub fn whole(value: Value) -> Value {
    match value {
        Value::Object(map) => join(&map).unwrap_or_else(|| {
            map.into_iter()
                .map(|(key, value)| (key, whole(value)))
                .collect()
        }),
        Value::Array(items) => items.into_iter().map(whole).collect(),
        other => other,
    }
}

fn join(map: &Map<String, Value>) -> Option<Value> {
    let parts = map.get(PARTS).filter(|_| map.len() == 1)?.as_array()?;
    let whole: Option<String> = parts
        .iter()
        .map(|part| match part {
            Value::String(text) => Some(text.clone()),
            pair => {
                let times = usize::try_from(pair.get(1)?.as_u64()?).ok()?;
                Some(pair.get(0)?.as_str()?.repeat(times))
            }
        })
        .collect();
    whole.map(Value::String)
}

struct Ascii<'a>(PrettyFormatter<'a>);

impl Formatter for Ascii<'_> {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        for c in fragment.chars() {
            if matches!(c, ' '..='~') {
                writer.write_all(&[c as u8])?;
            } else {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }

    fn begin_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}
