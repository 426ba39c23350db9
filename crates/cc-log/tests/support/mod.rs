//! Rooms and messages for the tests of the log.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::path::{Path, PathBuf};

use cc_log::fault::FaultStorage;
use cc_log::{Line, LineInfo, LogReader, LogWriter, Recovery, Storage};
use cc_proto::body::{Body, Chat, File, Profile};
use cc_proto::history::History;
use cc_proto::id::{ArrivalNo, ChainId, Hash, MessageId, RoomId, Seq, Timestamp};
use cc_proto::identity::Identity;
use cc_proto::message::{Message, NewMessage};

pub const ROOM: RoomId = RoomId::from_bytes([1; 32]);
pub const INFO: LineInfo<'_> = LineInfo {
    nick: "bob",
    names_owner: false,
};

pub fn dir() -> PathBuf {
    PathBuf::from("/rooms/1")
}

pub fn log_path() -> PathBuf {
    dir().join("log.jsonl")
}

pub fn identity(seed: u8) -> Identity {
    Identity::from_seed([seed; 32])
}

pub fn me() -> cc_proto::id::AuthorId {
    identity(1).author()
}

/// A member who writes one message after another.
pub struct Author {
    identity: Identity,
    pub chain: ChainId,
    pub seq: u64,
    pub prev: Option<MessageId>,
    pub via: String,
}

impl Author {
    pub fn new(seed: u8) -> Self {
        Self {
            identity: identity(seed),
            chain: ChainId(u32::from(seed)),
            seq: 0,
            prev: None,
            via: String::new(),
        }
    }

    pub fn id(&self) -> cc_proto::id::AuthorId {
        self.identity.author()
    }

    pub fn says(&mut self, text: &str) -> Message {
        self.writes(Body::Chat(Chat { text: text.into() }))
    }

    pub fn shares(&mut self, name: &str) -> Message {
        self.writes(Body::File(File {
            name: name.into(),
            size: 148,
            hash: Hash::of(name.as_bytes()),
            media_type: "image/svg+xml".into(),
        }))
    }

    pub fn takes_nick(&mut self, nick: &str) -> Message {
        self.writes(Body::Profile(Profile { nick: nick.into() }))
    }

    pub fn writes(&mut self, body: Body) -> Message {
        self.seq += 1;
        let new = NewMessage {
            room: ROOM,
            chain: self.chain,
            seq: Seq(self.seq),
            prev: self.prev,
            ts: Timestamp(1_800_000_000_000 + self.seq),
            via: self.via.clone(),
            re: None,
            body,
        };
        let message = Message::write(&self.identity, new).unwrap();
        self.prev = Some(message.id());
        message
    }
}

pub fn open(disk: &FaultStorage) -> (LogWriter<FaultStorage>, Recovery) {
    LogWriter::open(disk.clone(), &dir(), ROOM, me()).unwrap()
}

pub fn append<S: Storage>(log: &mut LogWriter<S>, message: &Message) -> ArrivalNo {
    log.append(message, Timestamp(5), INFO).unwrap()
}

/// A log of `count` chat messages by one author, each committed.
pub fn log_of(disk: &FaultStorage, count: u64) -> (LogWriter<FaultStorage>, Vec<Message>) {
    let (mut log, _) = open(disk);
    let mut bob = Author::new(2);
    let messages: Vec<Message> = (1..=count)
        .map(|i| bob.says(&format!("message {i}")))
        .collect();
    for message in &messages {
        append(&mut log, message);
        log.commit().unwrap();
    }
    (log, messages)
}

/// The messages at a place, without their numbers.
pub fn messages_at<S: Storage>(
    log: &LogWriter<S>,
    author: &cc_proto::id::AuthorId,
    chain: ChainId,
    seq: Seq,
) -> Vec<Message> {
    let found = log.at(author, chain, seq).unwrap();
    found.into_iter().map(|(_, message)| message).collect()
}

pub fn reader(disk: &FaultStorage) -> LogReader<FaultStorage> {
    LogReader::open_in(disk.clone(), &dir()).unwrap()
}

pub fn lines(disk: &FaultStorage) -> Vec<Line> {
    let reader = reader(disk);
    reader
        .range(ArrivalNo(1), reader.len())
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap()
}

pub fn ids(lines: &[Line]) -> Vec<Option<MessageId>> {
    lines.iter().map(Line::id).collect()
}

/// Removes the index, so that what opens next rebuilds it.
pub fn remove_index(disk: &FaultStorage, dir: &Path) {
    for name in ["records", "places", "roster", "checkpoint", "committed"] {
        let _ = disk.remove(&dir.join("index").join(name));
    }
}
