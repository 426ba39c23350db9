//! Printing: data to standard output, the rest to standard error, colour only where it is wanted.

use std::fmt::{self, Write as _};
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::{Mutex, PoisonError};

use cc_proto::text::is_shown_as_is;
use serde_json::Value;

use crate::args::{ColorChoice, Global};
use crate::error::CliError;

/// How a command of the command line prints.
pub type Output = Printer<'static>;

/// How a command prints: on the streams of the process, or to be kept for whoever runs it.
#[derive(Debug, Clone, Copy)]
pub struct Printer<'k> {
    json: bool,
    color: bool,
    color_errors: bool,
    survives: bool,
    kept: Option<&'k Kept>,
}

/// What a command said that has no streams to print on, such as one of the chat, in order.
#[derive(Debug, Default)]
pub struct Kept(Mutex<Vec<Piece>>);

/// Something that a command said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Data, or text in the place of it.
    Data(String),
    /// Something beside the data.
    Note(String),
}

impl Kept {
    /// What was said until now; it is not kept any longer.
    pub fn take(&self) -> Vec<Piece> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn add(&self, piece: Piece) {
        let mut pieces = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pieces.push(piece);
    }
}

/// A style that carries no meaning of its own.
#[derive(Debug, Clone, Copy)]
pub enum Style {
    /// Names and headings.
    Bold,
    /// Times and asides.
    Dim,
}

/// Text with its style, or without where colour is off.
pub struct Styled<'a>(Option<Style>, &'a str);

impl fmt::Display for Styled<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = match self.0 {
            None => return f.write_str(self.1),
            Some(Style::Bold) => "1",
            Some(Style::Dim) => "2",
        };
        write!(f, "\x1b[{code}m{}\x1b[0m", self.1)
    }
}

/// The object on one line, with JSON's own escapes for what could act on a terminal; a reader gets the same data.
fn printable(object: &Value) -> String {
    let text = object.to_string();
    if text.chars().all(is_shown_as_is) {
        return text;
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_shown_as_is(c) {
            out.push(c);
        } else {
            // Such a character can only stand within a string. Writing to a string cannot fail.
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
    out
}

impl<'k> Printer<'k> {
    /// Prints nothing: a person's text, without colour, is kept.
    pub const fn keeping(kept: &'k Kept) -> Self {
        Self {
            json: false,
            color: false,
            color_errors: false,
            survives: true,
            kept: Some(kept),
        }
    }

    /// Follows the options, then `NO_COLOR`, then whether standard output is a terminal.
    pub fn new(global: &Global) -> Self {
        let color = |is_terminal: bool| match global.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => {
                is_terminal
                    && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
                    && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
            }
        };
        Self {
            json: global.json,
            color: color(io::stdout().is_terminal()),
            color_errors: color(io::stderr().is_terminal()),
            survives: false,
            kept: None,
        }
    }

    /// Whether a bar on the terminal is wanted where something takes long.
    pub const fn shows_progress(self) -> bool {
        !self.json && self.kept.is_none()
    }

    /// The same, but goes on in silence when the reader of standard output goes away: for who has to clear up first.
    #[must_use]
    pub const fn surviving(self) -> Self {
        Self {
            survives: true,
            ..self
        }
    }

    /// Whether `--json` was given.
    pub const fn json(self) -> bool {
        self.json
    }

    /// Whether standard output has colours.
    pub const fn colored(self) -> bool {
        self.color
    }

    /// Dresses `text`, which must be clean already.
    pub fn style(self, style: Style, text: &str) -> Styled<'_> {
        Styled(self.color.then_some(style), text)
    }

    /// Prints one line of data: the object with `--json`, else the text. A reader that went away ends the program in silence, as of `log | head`.
    pub fn data(self, object: &Value, text: impl fmt::Display) {
        if let Some(kept) = self.kept {
            return kept.add(Piece::Data(text.to_string()));
        }
        let mut out = io::stdout().lock();
        let written = if self.json {
            writeln!(out, "{}", printable(object))
        } else {
            writeln!(out, "{text}")
        };
        if written.and_then(|()| out.flush()).is_err() && !self.survives {
            std::process::exit(0);
        }
    }

    /// Prints data only where a person reads it.
    pub fn text(self, text: impl fmt::Display) {
        if !self.json {
            self.data(&Value::Null, text);
        }
    }

    /// Says something beside the data, on standard error; `--json` does not silence it.
    pub fn note(self, text: impl fmt::Display) {
        if let Some(kept) = self.kept {
            return kept.add(Piece::Note(text.to_string()));
        }
        // Nowhere to say it is no reason to fail.
        let _ = writeln!(io::stderr().lock(), "{text}");
    }

    /// Prints a failure on standard error: an object with `--json`, else `error:`, causes and `hint:`.
    pub fn error(self, error: &CliError) {
        if let Some(kept) = self.kept {
            return kept.add(Piece::Note(error.in_full()));
        }
        let mut err = io::stderr().lock();
        let _ = if self.json {
            writeln!(err, "{}", printable(&error.to_json()))
        } else {
            let label = if self.color_errors {
                "\x1b[31merror:\x1b[0m"
            } else {
                "error:"
            };
            writeln!(err, "{label} {}", error.in_full())
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_not_printed() {
        let kept = Kept::default();
        let output = Printer::keeping(&kept);
        assert!(!output.json() && !output.colored() && !output.shows_progress());
        output.data(&Value::Null, "data");
        output.note("note");
        output.text(output.style(Style::Bold, "text"));
        let error = CliError::new(crate::error::Kind::Room, "wrong").hint("right");
        output.error(&error);
        let data = |text: &str| Piece::Data(text.to_owned());
        let note = |text: &str| Piece::Note(text.to_owned());
        let said = [
            data("data"),
            note("note"),
            data("text"),
            note("wrong\nhint: right"),
        ];
        assert_eq!(kept.take(), said);
        assert!(kept.take().is_empty());
    }

    #[test]
    fn json_cannot_act_on_the_terminal_and_stays_the_same() {
        let plain = serde_json::json!({"text": "naïve 日本 🚀\n\t\u{1b}"});
        assert_eq!(printable(&plain), plain.to_string());
        let hidden = serde_json::json!({"text": "a\u{202e}b\u{9b}c\u{7f}d\u{2028}e\u{200b}f\u{e0041}g\u{85}h"});
        let printed = printable(&hidden);
        assert_eq!(
            printed,
            "{\"text\":\"a\\u202eb\\u009bc\\u007fd\\u2028e\\u200bf\\udb40\\udc41g\\u0085h\"}"
        );
        assert_eq!(serde_json::from_str::<Value>(&printed).unwrap(), hidden);
    }
}
