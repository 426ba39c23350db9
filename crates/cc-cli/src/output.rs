//! Printing: data to standard output, the rest to standard error, colour only where it is wanted.

use std::fmt::{self, Write as _};
use std::io::{self, IsTerminal as _, Write as _};

use cc_proto::text::is_shown_as_is;
use serde_json::Value;

use crate::args::{ColorChoice, Global};
use crate::error::CliError;

/// How this command prints.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    json: bool,
    color: bool,
    color_errors: bool,
    survives: bool,
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

impl Output {
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
        }
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
    #[expect(clippy::unused_self, reason = "reads as a part of the output")]
    pub fn note(self, text: impl fmt::Display) {
        // Nowhere to say it is no reason to fail.
        let _ = writeln!(io::stderr().lock(), "{text}");
    }

    /// Prints a failure on standard error: an object with `--json`, else `error:`, causes and `hint:`.
    pub fn error(self, error: &CliError) {
        let mut err = io::stderr().lock();
        let _ = if self.json {
            writeln!(err, "{}", printable(&error.to_json()))
        } else {
            let label = if self.color_errors {
                "\x1b[31merror:\x1b[0m"
            } else {
                "error:"
            };
            let mut text = format!("{label} {}", error.message);
            for cause in &error.causes {
                text.push_str("\n  because: ");
                text.push_str(cause);
            }
            if let Some(hint) = &error.hint {
                text.push_str("\nhint: ");
                text.push_str(hint);
            }
            writeln!(err, "{text}")
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
