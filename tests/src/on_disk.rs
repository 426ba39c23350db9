//! Rooms written straight into a home, without a daemon: what a hook reads, made fast and in any amount.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use cc_log::{FsStorage, LineInfo, LogWriter, RosterView, Trust, ViewMember};
use cc_proto::{
    body::{Body, Chat},
    id::{AuthorId, ChainId, MessageId, RoomId, Seq, Timestamp},
    identity::Identity,
    message::{Message, NewMessage},
    text::names_reader,
};
use data_encoding::HEXLOWER;
use serde_json::json;

use crate::machine::Machine;

/// The owner's nick in a room made here.
pub const OWNER: &str = "alice";
/// How many messages are written to one commit.
const BATCH: usize = 1000;

/// Who writes, and where their chain stands.
#[derive(Debug)]
struct Pen {
    identity: Identity,
    chain: ChainId,
    seq: Seq,
    prev: Option<MessageId>,
}

/// A room of one machine that nobody else has: its owner and Bob, who says what the test wants.
#[derive(Debug)]
pub struct RoomOnDisk {
    id: RoomId,
    folder: PathBuf,
    log: LogWriter,
    bob: Pen,
}

impl RoomOnDisk {
    /// Makes the room that `byte` names, and a folder of that name for it in the machine's project.
    ///
    /// # Panics
    /// Where the disk does not take it.
    pub fn new(machine: &Machine, byte: u8) -> Self {
        let id = RoomId::from_bytes([byte; 32]);
        let dir = machine.room_dir(&id.to_hex());
        let [owner, bob] = [1, 2].map(|seed| Identity::from_seed([seed; 32]));
        let me = owner.author();
        fs::create_dir_all(machine.cc_home()).expect("a home");
        let (log, _) = LogWriter::open(FsStorage, &dir, id, me).expect("a new log");
        let mut view = RosterView::new(id, format!("room {byte}"), me, OWNER.to_owned());
        view.members = vec![member(me, OWNER, me), member(bob.author(), "bob", me)];
        view.save(&FsStorage, &dir).expect("a view");
        let folder = machine.project().join(format!("of-room-{byte}"));
        fs::create_dir(&folder).expect("a folder");
        let bob = Pen {
            identity: bob,
            chain: ChainId(1),
            seq: Seq(0),
            prev: None,
        };
        Self {
            id,
            folder: folder.canonicalize().expect("it is there"),
            log,
            bob,
        }
    }

    /// The folder that [`bind`] connects to the room.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Bob says these; they are on the disk when it returns.
    ///
    /// # Panics
    /// Where the log refuses one.
    pub fn say(&mut self, texts: &[String]) {
        self.bob.write(self.id, &mut self.log, texts);
    }
}

/// Connects the folder of each room to it.
///
/// # Panics
/// Where the disk does not take it.
pub fn bind(machine: &Machine, rooms: &[&RoomOnDisk]) {
    let binding = |room: &&RoomOnDisk| {
        let meta = fs::metadata(&room.folder).expect("it is there");
        json!({"room": room.id.to_hex(), "path": room.folder, "dev": meta.dev(), "ino": meta.ino()})
    };
    let bindings: Vec<_> = rooms.iter().map(binding).collect();
    let file = json!({"v": 1, "bindings": bindings});
    let path = machine.cc_home().join("bindings.json");
    fs::write(path, file.to_string()).expect("bindings");
}

/// Writes into the reader's log what the author's program would have signed, as if it had just come from there. Neither
/// of their daemons may run, and the author's may not write any more.
///
/// # Panics
/// Where the author has not written to the room before, or the log refuses a message.
pub fn write_as(author: &Machine, reader: &Machine, room: &str, texts: &[String]) {
    let [author, reader] = [author, reader].map(identity);
    let id = room.parse().expect("a room's id");
    let dir = reader.1.join("rooms").join(room);
    let opened = LogWriter::open(FsStorage, &dir, id, reader.0.author());
    let (mut log, _) = opened.expect("the log opens");
    let heads = log.heads();
    let me = author.0.author();
    let head = heads.iter().find(|head| head.author == me);
    let head = head.expect("a message of the author");
    let mut pen = Pen {
        identity: author.0,
        chain: head.chain,
        seq: head.seq,
        prev: Some(head.id),
    };
    pen.write(id, &mut log, texts);
    log.close().expect("the log closes");
}

impl Pen {
    fn write(&mut self, room: RoomId, log: &mut LogWriter, texts: &[String]) {
        for batch in texts.chunks(BATCH) {
            for text in batch {
                self.seq = Seq(self.seq.0 + 1);
                let ts = now();
                let message = NewMessage {
                    room,
                    chain: self.chain,
                    seq: self.seq,
                    prev: self.prev,
                    ts,
                    via: String::new(),
                    re: None,
                    body: Body::Chat(Chat { text: text.clone() }),
                };
                let message = Message::write(&self.identity, message).expect("it can be said");
                self.prev = Some(message.id());
                let info = LineInfo {
                    nick: "bob",
                    names_owner: names_reader(text, OWNER),
                };
                log.append(&message, ts, info).expect("the log takes it");
            }
            log.commit().expect("the log takes it");
        }
    }
}

/// A machine's identity and home.
fn identity(machine: &Machine) -> (Identity, PathBuf) {
    let home = machine.cc_home();
    let seed = fs::read_to_string(home.join("identity")).expect("an identity");
    let seed = HEXLOWER.decode(seed.trim().as_bytes()).expect("hex digits");
    let seed = seed.try_into().expect("a seed");
    (Identity::from_seed(seed), home)
}

fn member(author: AuthorId, nick: &str, me: AuthorId) -> ViewMember {
    ViewMember {
        author,
        nick: nick.to_owned(),
        petname: None,
        root: author == me,
        admin: false,
        trust: Trust::Inline,
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    Timestamp(since.map_or(0, |since| since.as_millis() as u64))
}
