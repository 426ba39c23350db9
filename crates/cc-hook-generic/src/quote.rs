//! A line of a log as it is shown to an agent, judged by the view.

use cc_log::{Line, LogReader, RosterView, Storage, Trust};
use cc_proto::body::{Body, Kind};
use cc_proto::id::ArrivalNo;
use cc_proto::render::Quote;

/// The chat message or summary of a line, unless it is not to be shown: what is damaged, was taken back or is void, and what is
/// by somebody whose words are not to reach the owner's agents in full.
pub fn quote(view: &RosterView, line: &Line) -> Option<Quote> {
    let message = line.message.as_ref().ok()?;
    let header = message.header();
    let text = match message.body()? {
        Body::Chat(chat) => &chat.text,
        Body::Summary(summary) => &summary.text,
        _ => return None,
    };
    let withheld = view.trust(&header.author) != Trust::Inline;
    if withheld || view.voids(header, &message.id()) {
        return None;
    }
    Some(Quote {
        name: view.name_of(&header.author),
        own: header.author == view.me,
        via: header.via.clone(),
        ts: header.ts,
        at: line.at,
        text: text.clone(),
    })
}

/// The room's newest summary that counts, and its line, where the view knows of one.
pub fn newest_summary<S: Storage>(
    view: &RosterView,
    log: &LogReader<S>,
) -> Option<(ArrivalNo, Quote)> {
    let line = log.line(ArrivalNo(view.summary?)).ok()?;
    let is_summary = line
        .message
        .as_ref()
        .is_ok_and(|message| message.kind() == Kind::Summary);
    let quote = quote(view, &line).filter(|_| is_summary)?;
    Some((line.n, quote))
}
