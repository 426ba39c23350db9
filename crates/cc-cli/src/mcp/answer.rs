//! What a tool gives: text, and what of it has to be remembered once it is on its way.

use std::path::PathBuf;

use cc_hook_generic::audit::{self, AuditEvent, AuditLine};
use cc_proto::id::{ArrivalNo, RoomId};
use cc_proto::limits::TEXT_BYTES_MAX;
use cc_proto::render::{Excerpt, ExcerptText, INJECTION_BYTES_MAX, Quote, excerpt};

use super::book::Book;
use super::desk::Desk;
use crate::when;

/// The longest text of one message alone: it is shown whole, unless it has a great many line breaks.
const WHOLE_BYTES_MAX: usize = TEXT_BYTES_MAX + 4096;

/// What a tool gives.
#[derive(Debug, Default)]
pub struct Answer {
    /// For the agent; whatever others wrote in it is fenced.
    pub text: String,
    /// The messages in it.
    pub shown: Option<Shown>,
}

/// Messages of a room in an answer.
#[derive(Debug)]
pub struct Shown {
    /// The room.
    pub room: RoomId,
    /// The room's folder.
    dir: PathBuf,
    /// Their lines.
    pub lines: Vec<ArrivalNo>,
    /// How many more were only counted.
    counted: u64,
    /// Whether waits are over with them.
    pub is_heard: bool,
}

impl Answer {
    /// An answer in which nothing is anybody else's.
    pub fn plain(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            shown: None,
        }
    }

    /// An answer with messages, and a line of ours after them.
    pub fn with_excerpt(book: &Book, fitted: ExcerptText, counted: u64, after: &str) -> Self {
        let mut text = fitted.text;
        if !after.is_empty() {
            text.push('\n');
            text.push_str(after);
        }
        Self {
            text,
            shown: Some(Shown {
                room: book.id,
                dir: book.dir.clone(),
                lines: fitted.shown,
                counted: counted + fitted.left_out,
                is_heard: false,
            }),
        }
    }

    /// An answer with lines of a room in it that are fenced already.
    pub fn with_lines(book: &Book, text: String, lines: Vec<ArrivalNo>) -> Self {
        Self {
            text,
            shown: Some(Shown {
                room: book.id,
                dir: book.dir.clone(),
                lines,
                counted: 0,
                is_heard: false,
            }),
        }
    }

    /// Of messages that were waited for.
    #[must_use]
    pub fn heard(mut self) -> Self {
        if let Some(shown) = &mut self.shown {
            shown.is_heard = true;
        }
        self
    }
}

impl Shown {
    /// Writes down which messages went to the agent. That it cannot be written is no reason to keep them from it.
    pub fn audit(&self, desk: &Desk) {
        let (Some(first), Some(last)) = (self.lines.first(), self.lines.last()) else {
            return;
        };
        let line = AuditLine::new(when::now(), &desk.agent, &desk.session, AuditEvent::Read)
            .range(ArrivalNo(first.0.saturating_sub(1)), *last)
            .told(&self.lines, self.counted);
        if let Err(error) = audit::append(&self.dir, &line) {
            tracing::warn!(%error, "what was read is not in the audit");
        }
    }
}

/// Which of several messages are left out where not all fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// The newest stay.
    Newest,
    /// The oldest stay: the others are read from the last of them on.
    Oldest,
    /// Those nearest to this line stay.
    Near(ArrivalNo),
}

/// A summary of the room; it is shown whole.
pub fn fit_summary(book: &Book, summary: (ArrivalNo, Quote)) -> ExcerptText {
    render(book, &[summary], true)
}

/// Renders as many of the messages as fit.
pub fn fit(book: &Book, mut quotes: Vec<(ArrivalNo, Quote)>, keep: Keep) -> ExcerptText {
    loop {
        let fitted = render(book, &quotes, false);
        if fitted.left_out == 0 || quotes.len() <= 1 {
            return fitted;
        }
        match keep {
            Keep::Newest => return fitted,
            Keep::Oldest => {
                quotes.pop();
            }
            Keep::Near(n) => {
                let far = |at: Option<&(ArrivalNo, Quote)>| at.map(|(at, _)| at.0.abs_diff(n.0));
                if far(quotes.first()) > far(quotes.last()) {
                    quotes.remove(0);
                } else {
                    quotes.pop();
                }
            }
        }
    }
}

fn render(book: &Book, quotes: &[(ArrivalNo, Quote)], summaries: bool) -> ExcerptText {
    let request = Excerpt {
        nonce: rand::random(),
        now: when::now(),
        room: book.id,
        name: &book.view.name,
        reader_nick: &book.view.nick,
        summaries,
        bytes_max: match quotes.len() {
            0 | 1 => WHOLE_BYTES_MAX,
            _ => INJECTION_BYTES_MAX,
        },
    };
    excerpt(&request, quotes)
}

/// `1 message`, `2 messages`.
pub fn messages(count: u64) -> String {
    if count == 1 {
        "1 message".to_owned()
    } else {
        format!("{count} messages")
    }
}
