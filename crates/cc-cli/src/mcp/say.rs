//! `room_send` and `room_ask`: what the agent says.

use std::sync::Arc;

use cc_proto::body::Body;
use cc_proto::id::{ArrivalNo, MessageId};
use tokio::time::Instant;

use super::answer::Answer;
use super::arguments::{self, AskArguments, Reference, SendArguments};
use super::book::Book;
use super::desk::{self, Desk};
use super::refusal::{Outcome, Refusal};
use super::wait;
use crate::commands::send::check_text;
use crate::error::Kind;
use crate::home::Home;
use crate::rooms::KnownRoom;
use crate::rpc::{SendKind, SendParams, SendResult, SendRole};

/// How many of the newest lines are looked through for a message whose answer was lost.
const LOST_BACK_MAX: u64 = 10_000;

/// What is to be said, and where.
struct Draft {
    home: Home,
    room: KnownRoom,
    params: SendParams,
    /// The last line before it.
    before: ArrivalNo,
}

/// Carries out `room_send`.
pub async fn send(desk: &Arc<Desk>, arguments: SendArguments) -> Outcome<Answer> {
    let role = arguments.role.unwrap_or_default();
    let draft = draft(desk, arguments, role, SendKind::Chat).await?;
    let room = draft.room.id;
    let sent = post(draft).await?;
    Ok(Answer::plain(match (sent.held, sent.n, sent.id) {
        (Some(held), ..) => is_held(held),
        (None, Some(n), Some(id)) => format!(
            "Sent to room {} as line {n}, id {id}. It is on disk here and goes to the members as they are reached.",
            room.short()
        ),
        _ => return Err(not_understood()),
    }))
}

/// Carries out `room_summary` with a new summary.
pub async fn propose(desk: &Arc<Desk>, room: Option<String>, text: String) -> Outcome<Answer> {
    let arguments = SendArguments {
        text,
        room,
        reply_to: None,
        role: None,
    };
    let draft = draft(desk, arguments, SendRole::Message, SendKind::Summary).await?;
    let room = draft.room.id;
    let sent = post(draft).await?;
    Ok(Answer::plain(match (sent.held, sent.n) {
        (Some(held), _) => is_held(held),
        (None, Some(n)) => format!(
            "It is the newest summary of room {}, as line {n}.",
            room.short()
        ),
        _ => return Err(not_understood()),
    }))
}

/// Carries out `room_ask`.
pub async fn ask(desk: &Arc<Desk>, arguments: AskArguments) -> Outcome<Answer> {
    let deadline = arguments::deadline(arguments.deadline_seconds)?;
    let until = Instant::now() + deadline;
    let arguments = SendArguments {
        text: arguments.text,
        room: arguments.room,
        reply_to: arguments.reply_to,
        role: None,
    };
    let draft = draft(desk, arguments, SendRole::Message, SendKind::Chat).await?;
    let room = draft.room.id;
    let sent = post(draft).await?;
    if let Some(held) = sent.held {
        return Ok(Answer::plain(format!(
            "{} No answer was waited for.",
            is_held(held)
        )));
    }
    let id: Option<MessageId> = sent.id.and_then(|id| id.parse().ok());
    let (Some(n), Some(id)) = (sent.n, id) else {
        return Err(not_understood());
    };
    let found = wait::answer_to(desk, room, (ArrivalNo(n), id), until).await;
    let asked = format!("The question is line {n} of room {}.", room.short());
    match found {
        Ok(Some(mut answer)) => {
            answer.text.push('\n');
            answer.text.push_str(&asked);
            Ok(answer)
        }
        Ok(None) => Ok(Answer::plain(format!(
            "{asked} Nobody answered within {} seconds; room_wait waits on.",
            deadline.as_secs()
        ))),
        // The question is out: it must not be asked again for want of knowing that.
        Err(refusal) => Err(refusal.more(format!(
            "{asked} It was sent; only the wait for an answer ended."
        ))),
    }
}

/// Finds the room and the message that is answered, and refuses what no room takes.
async fn draft(
    desk: &Arc<Desk>,
    arguments: SendArguments,
    role: SendRole,
    kind: SendKind,
) -> Outcome<Draft> {
    check_text(&arguments.text)?;
    let desk = Arc::clone(desk);
    desk::blocking(move || {
        let connected = desk.connected()?;
        let room = connected.one(arguments.room.as_deref())?.clone();
        let book = Book::open(&connected.home, &room)?;
        let re = arguments.reply_to.as_ref();
        let re = re.map(|of| message(&book, of)).transpose()?;
        Ok(Draft {
            home: connected.home,
            params: SendParams {
                room: room.id.to_hex(),
                text: arguments.text,
                via: desk.agent.clone(),
                re: re.map(|id| id.to_hex()),
                kind,
                role,
                hold: desk.options.approve,
            },
            room,
            before: book.newest(),
        })
    })
    .await
}

/// The id of a message that can be answered.
pub fn message(book: &Book, of: &Reference) -> Outcome<MessageId> {
    let none = || Refusal::new("no_such_message", "reply_to names no message of the room");
    let by_line = |n: u64| {
        let line = book.line(ArrivalNo(n)).map_err(|_| none())?;
        line.id().ok_or_else(none)
    };
    match of {
        Reference::Line(n) => by_line(*n),
        Reference::Text(text) => {
            if let Ok(n) = text.trim().parse() {
                return by_line(n);
            }
            let id: MessageId = text.trim().parse().map_err(|_| {
                Refusal::arguments("reply_to is the number in a message's header, or the whole id")
            })?;
            book.find(&id)?.map(|_| id).ok_or_else(none)
        }
    }
}

/// Hands the message to the daemon. Where the daemon goes before it answered, the log tells whether it took it.
async fn post(draft: Draft) -> Outcome<SendResult> {
    let mut client = desk::daemon(&draft.home).await?;
    match client.call("send", &draft.params).await {
        Err(error) if error.kind == Kind::Gone => {}
        done => return Ok(done?),
    }
    // Once another daemon runs, the one before has ended, and what it wrote is in the log.
    let mut client = desk::daemon(&draft.home).await?;
    let (found, draft) = desk::blocking(move || Ok((written(&draft)?, draft))).await?;
    match found {
        Some(sent) => Ok(sent),
        None => Ok(client.call("send", &draft.params).await?),
    }
}

/// The line of a message that was to be sent, where it was written.
fn written(draft: &Draft) -> Outcome<Option<SendResult>> {
    let book = Book::open(&draft.home, &draft.room)?;
    let newest = book
        .newest()
        .0
        .min(draft.before.0.saturating_add(LOST_BACK_MAX));
    for n in draft.before.0 + 1..=newest {
        let line = book.line(ArrivalNo(n))?;
        let Ok(message) = &line.message else { continue };
        let header = message.header();
        let is_ours = header.author == book.view.me && !header.via.is_empty();
        let text = match message.body() {
            Some(Body::Chat(chat)) => Some(&chat.text),
            Some(Body::Summary(summary)) => Some(&summary.text),
            _ => None,
        };
        if is_ours && text == Some(&draft.params.text) {
            return Ok(Some(SendResult {
                id: Some(message.id().to_hex()),
                n: Some(n),
                held: None,
            }));
        }
    }
    Ok(None)
}

/// Says that something waits for the owner.
pub fn is_held(held: u64) -> String {
    format!(
        "Not sent yet: it is held as number {held} until the user approves it with cc-connect approve {held}."
    )
}

/// Says that the daemon's answer makes no sense.
pub fn not_understood() -> Refusal {
    Refusal::new("daemon", "the daemon's answer is not understood")
}
