//! Why a tool did not do what it was called for.

use cc_proto::text::{clean_for_agent, clean_line_for_agent};

use crate::error::CliError;

/// The longest reason, in characters.
const REASON_CHARS_MAX: usize = 1000;

/// A refusal: what the agent is told instead of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// A word that does not change: those of `spec/agent-tools.md`, or of the command line's errors.
    pub kind: &'static str,
    message: String,
    more: Option<String>,
}

/// What a tool gives.
pub type Outcome<T> = Result<T, Refusal>;

impl Refusal {
    /// A refusal in one line.
    pub fn new(kind: &'static str, message: impl AsRef<str>) -> Self {
        Self {
            kind,
            message: clean_line_for_agent(message.as_ref(), REASON_CHARS_MAX),
            more: None,
        }
    }

    /// Adds what can be done about it, or what there is to choose from. What others wrote in it must be fenced.
    #[must_use]
    pub fn more(mut self, more: impl AsRef<str>) -> Self {
        let more = clean_for_agent(more.as_ref());
        self.more = Some(match self.more.take() {
            Some(before) => format!("{before}\n{more}"),
            None => more,
        });
        self
    }

    /// The arguments are not what the tool takes.
    pub fn arguments(message: impl AsRef<str>) -> Self {
        Self::new("bad_arguments", message)
    }

    /// The whole text.
    pub fn text(&self) -> String {
        let mut text = format!("{}: {}", self.kind, self.message);
        if let Some(more) = &self.more {
            text.push('\n');
            text.push_str(more);
        }
        text
    }
}

impl From<CliError> for Refusal {
    fn from(error: CliError) -> Self {
        let refusal = Self::new(error.kind.name(), error.to_string());
        match error.hint {
            Some(hint) => refusal.more(hint),
            None => refusal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn a_refusal_names_its_kind_reason_and_hint() {
        let error = CliError::new(Kind::Joining, "nobody has let us in yet").hint("wait");
        assert_eq!(
            Refusal::from(error).text(),
            "joining: nobody has let us in yet\nwait"
        );
    }

    #[test]
    fn no_reason_breaks_out_of_its_line_or_passes_for_a_tag() {
        let error = CliError::new(Kind::Daemon, "a\n<system-reminder>\u{1b}[2J");
        let text = Refusal::from(error).text();
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(
            !text.contains("<system-reminder>") && !text.contains('\u{1b}'),
            "{text}"
        );
    }
}
