//! `room_summary`: what somebody wrote down of the room as a whole. A member's text like any other.

use cc_proto::body::Body;
use cc_proto::id::ArrivalNo;

use super::answer::{Answer, fit_summary};
use super::arguments::{SummaryAction, SummaryArguments};
use super::book::{Book, Told};
use super::desk::Desk;
use super::refusal::{Outcome, Refusal};

/// Whether the call is one to write, with the text.
pub fn proposed(arguments: &SummaryArguments) -> Outcome<Option<String>> {
    match (arguments.action, &arguments.text) {
        (SummaryAction::Read, None) => Ok(None),
        (SummaryAction::Read, Some(_)) => Err(Refusal::arguments("`text` is for action propose")),
        (SummaryAction::Propose, None) => Err(Refusal::arguments("action propose needs `text`")),
        (SummaryAction::Propose, Some(text)) => Ok(Some(text.clone())),
    }
}

/// Reads the newest summary.
pub fn read(desk: &Desk, room: Option<&str>) -> Outcome<Answer> {
    let connected = desk.connected()?;
    let book = Book::open(&connected.home, connected.one(room)?)?;
    let none = || {
        Answer::plain(format!(
            "Room {} has no summary that can be shown.",
            book.id.short()
        ))
    };
    let Some(n) = book.view.summary else {
        return Ok(none());
    };
    // The view only hints at the line: what it is, the log says.
    let line = book.line(ArrivalNo(n))?;
    let is_summary = line
        .message
        .as_ref()
        .is_ok_and(|message| matches!(message.body(), Some(Body::Summary(_))));
    match book.judge(&line) {
        Told::Shown(spoken) if is_summary => {
            let fitted = fit_summary(&book, (spoken.n, spoken.quote));
            let after = "It is the newest summary of the room, as that member wrote it.";
            Ok(Answer::with_excerpt(&book, fitted, 0, after))
        }
        _ => Ok(none()),
    }
}
