//! What a proof proves, in words and as an object. Everything in it that people wrote is cleaned.

use std::fmt::Write as _;

use cc_proto::body::{Body, Kind as MessageKind};
use cc_proto::id::AuthorId;
use cc_proto::proof::{Excerpt, Membership, Proven};
use cc_proto::render::utc_time;
use cc_proto::text::{clean_line, clean_nick, clean_text};
use serde::Serialize;
use serde_json::Value;

use crate::commands::objects;

/// The longest room name that is shown, in characters.
const ROOM_NAME_CHARS_MAX: usize = 64;

const FORK_PROVES: &str = "Somebody with this author's key signed two different messages for the same place. \
     No honest program does that: the home was copied or restored and used twice, or its owner tells \
     different people different things.";
const FORK_NOT: &str = "Not proven: which of these it was; whose key it is; that the author is or was a member; \
     when either was written, as times are the author's claim.";
const MESSAGE_PROVES: &str = "Somebody with this author's key wrote this message at this place of this room, and had \
     been let into it.";
const MESSAGE_NOT: &str = "Not proven: whose key it is; when it was written, as the time is the author's claim; that \
     the author still belongs or the message still counts, as a removal or a retraction may not be in here; what \
     others answered, or that nothing was said between.";

/// `proof check`, and `proof export` beside the proof.
#[derive(Debug, Serialize)]
struct ProofObject {
    /// `fork` or `message`
    proves: &'static str,
    /// The room's id.
    room: String,
    /// The author's key.
    author: String,
    /// The author's chain.
    chain: u32,
    /// The place in it.
    seq: u64,
    /// The message, or the two of a fork.
    messages: Vec<MessageObject>,
    /// How the author belonged; null with a fork.
    membership: Option<MembershipObject>,
    /// In words, what is proven.
    proven: &'static str,
    /// In words, what is not.
    not_proven: &'static str,
}

#[derive(Debug, Serialize)]
struct MessageObject {
    id: String,
    /// By the author's clock, in unix milliseconds.
    ts: u64,
    kind: &'static str,
    /// The agent that wrote it; empty for a human.
    via: String,
    /// The text of a chat message, as it was written; null where it is not shown.
    text: Option<String>,
    /// How many places after it the signature stands that vouches for it; 0 where it is its own.
    vouched_after: usize,
}

#[derive(Debug, Serialize)]
struct MembershipObject {
    /// The room's name.
    room_name: String,
    /// Who made the room.
    root: String,
    /// The author's nick, a claim.
    nick: String,
    /// Who let the author in; empty for the room's maker.
    doors: Vec<String>,
}

/// The object that is printed with `--json`.
pub fn object(proven: &Proven) -> Value {
    let (proves, room, messages, membership) = match proven {
        Proven::Fork { room, left, right } => ("fork", room, vec![left, right], None),
        Proven::Message {
            room,
            message,
            membership,
        } => ("message", room, vec![message], Some(membership)),
    };
    let header = &messages[0].header;
    let (said, not_said) = statements(proven);
    objects::object(&ProofObject {
        proves,
        room: room.to_hex(),
        author: header.author.to_hex(),
        chain: header.chain.0,
        seq: header.seq.0,
        messages: messages
            .iter()
            .map(|message| message_object(message))
            .collect(),
        membership: membership.map(|membership| MembershipObject {
            room_name: membership.room_name.clone(),
            root: membership.root.to_hex(),
            nick: membership.nick.clone(),
            doors: membership.doors.iter().map(AuthorId::to_hex).collect(),
        }),
        proven: said,
        not_proven: not_said,
    })
}

fn message_object(message: &Excerpt) -> MessageObject {
    MessageObject {
        id: message.id.to_hex(),
        ts: message.header.ts.0,
        kind: MessageKind::from_number(message.header.kind).name(),
        via: message.header.via.clone(),
        text: match &message.body {
            Some(Body::Chat(chat)) => Some(chat.text.clone()),
            _ => None,
        },
        vouched_after: message.vouched_after,
    }
}

fn statements(proven: &Proven) -> (&'static str, &'static str) {
    match proven {
        Proven::Fork { .. } => (FORK_PROVES, FORK_NOT),
        Proven::Message { .. } => (MESSAGE_PROVES, MESSAGE_NOT),
    }
}

/// What people read; what is quoted is indented, so that it can neither pass for ours nor begin a proof.
pub fn in_words(proven: &Proven) -> String {
    let (said, not_said) = statements(proven);
    let mut text = String::new();
    match proven {
        Proven::Fork { room, left, right } => {
            let author = left.header.author.to_hex();
            place(&mut text, &room.to_hex(), &author, left);
            quoted(&mut text, "one message", left);
            quoted(&mut text, "the other", right);
        }
        Proven::Message {
            room,
            message,
            membership,
        } => {
            belonging(&mut text, membership);
            let author = message.header.author.to_hex();
            place(&mut text, &room.to_hex(), &author, message);
            quoted(&mut text, "message", message);
        }
    }
    text + said + "\n" + not_said
}

fn place(text: &mut String, room: &str, author: &str, message: &Excerpt) {
    let header = &message.header;
    line(text, "room", room);
    line(text, "author", author);
    line(
        text,
        "place",
        &format!("{} of chain {}", header.seq.0, header.chain.0),
    );
}

fn belonging(text: &mut String, membership: &Membership) {
    let name = clean_line(&membership.room_name, ROOM_NAME_CHARS_MAX);
    line(
        text,
        "room name",
        &format!("\"{}\"", name.replace('"', "'")),
    );
    line(text, "room made by", &membership.root.to_hex());
    let nick = clean_nick(&membership.nick)
        .map_or_else(|| "no nick".to_owned(), |nick| format!("@{nick}"));
    line(text, "author's nick", &nick);
    for door in &membership.doors {
        line(text, "let in by", &door.to_hex());
    }
}

fn quoted(text: &mut String, what: &str, message: &Excerpt) {
    line(text, what, &message.id.to_hex());
    let header = &message.header;
    let kind = MessageKind::from_number(header.kind).name();
    let via = match clean_nick(&header.via) {
        Some(agent) => format!(", via {agent}"),
        None if header.via.is_empty() => String::new(),
        None => ", via an agent".to_owned(),
    };
    line(
        text,
        "  dated",
        &format!("{} ({kind}{via})", utc_time(header.ts)),
    );
    let says = match &message.body {
        Some(Body::Chat(chat)) => clean_text(&chat.text).replace('\n', "\n      "),
        Some(_) => "in the proof".to_owned(),
        None => "not shown".to_owned(),
    };
    line(text, "  says", &says);
    let signed = match message.vouched_after {
        0 => "by itself".to_owned(),
        places => {
            format!("by the message {places} places later, which names it through those between")
        }
    };
    line(text, "  signed", &signed);
}

fn line(text: &mut String, what: &str, value: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{what}: {value}");
}
