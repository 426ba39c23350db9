//! What an agent takes in answer: JSON with a place for the text, or the text alone.

use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;

/// Stands where the text goes.
const CONTEXT: &str = "{context}";
/// Stands where the list of watched files goes.
const WATCH: &str = "{watch}";

/// An answer with a place for the text.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Template {
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Fixed(String),
    /// The text, as a JSON string.
    Quoted,
    /// The text as it is.
    Plain,
    /// The watched files, as a JSON array.
    Watch,
}

/// Why a text is no template.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// Neither JSON nor the text alone.
    #[error("an answer is JSON, or \"{CONTEXT}\" alone for plain text: {0}")]
    Json(#[from] serde_json::Error),
    /// JSON without exactly one place for the text.
    #[error(
        "an answer needs the value \"{CONTEXT}\" once, and \"{{watch}}\" at most once; it has them {context} and {watch} times"
    )]
    Places {
        /// How often the text has a place.
        context: usize,
        /// How often the watched files have one.
        watch: usize,
    },
}

impl TryFrom<String> for Template {
    type Error = TemplateError;

    fn try_from(text: String) -> Result<Self, TemplateError> {
        let text = text.trim();
        if text == CONTEXT {
            let pieces = vec![Piece::Plain];
            return Ok(Self { pieces });
        }
        let json: Value = serde_json::from_str(text)?;
        let count = |marker: &str| {
            let quoted = format!("\"{marker}\"");
            (values(&json, marker), text.matches(&quoted).count())
        };
        let (context, watch) = (count(CONTEXT), count(WATCH));
        // As often in the text as among its values: not as a key, and not spelled with escapes.
        if context != (1, 1) || watch.0 > 1 || watch.0 != watch.1 {
            return Err(TemplateError::Places {
                context: context.0,
                watch: watch.0,
            });
        }
        Ok(Self {
            pieces: pieces(text),
        })
    }
}

fn values(json: &Value, marker: &str) -> usize {
    match json {
        Value::String(text) => usize::from(text == marker),
        Value::Array(list) => list.iter().map(|value| values(value, marker)).sum(),
        Value::Object(map) => map.values().map(|value| values(value, marker)).sum(),
        _ => 0,
    }
}

fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = text;
    let markers = [
        (format!("\"{CONTEXT}\""), Piece::Quoted),
        (format!("\"{WATCH}\""), Piece::Watch),
    ];
    loop {
        let next = markers
            .iter()
            .filter_map(|(marker, piece)| Some((rest.find(marker)?, marker, piece)))
            .min_by_key(|(at, ..)| *at);
        let Some((at, marker, piece)) = next else {
            pieces.push(Piece::Fixed(rest.to_owned()));
            return pieces;
        };
        pieces.push(Piece::Fixed(rest[..at].to_owned()));
        pieces.push(piece.clone());
        rest = &rest[at + marker.len()..];
    }
}

impl Template {
    /// The answer with `text` in its place, a line break at its end.
    pub fn fill(&self, text: &str, watch: &[PathBuf]) -> Vec<u8> {
        let mut answer = Vec::with_capacity(text.len() + text.len() / 8 + 128);
        for piece in &self.pieces {
            match piece {
                Piece::Fixed(fixed) => answer.extend_from_slice(fixed.as_bytes()),
                Piece::Plain => answer.extend_from_slice(text.as_bytes()),
                // Strings serialise into memory without fail.
                Piece::Quoted => {
                    let _ = serde_json::to_writer(&mut answer, text);
                }
                Piece::Watch => {
                    let paths: Vec<_> = watch.iter().map(|path| path.to_string_lossy()).collect();
                    let _ = serde_json::to_writer(&mut answer, &paths);
                }
            }
        }
        answer.push(b'\n');
        answer
    }
}
