//! A room of a home, as the daemon leaves it behind: a log of signed messages, its index, the view.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use cc_log::{FsStorage, LineInfo, LogWriter, OpenError, RosterView, Trust, ViewMember};
use cc_proto::body::{Body, Chat, File, Genesis, InvitePolicy, Profile};
use cc_proto::files::{FilePlace, OWNER_FILE, PlaceOwner, SharedFile, file_place, is_folder};
use cc_proto::id::{ArrivalNo, AuthorId, ChainId, Hash, MessageId, RoomId, Seq, Timestamp};
use cc_proto::identity::Identity;
use cc_proto::message::{Message, NewMessage};
use cc_proto::text::names_reader;

use crate::report::Checked;

/// The owner of every home; the others follow.
pub(crate) const ALICE: usize = 0;
pub(crate) const BOB: usize = 1;
pub(crate) const CAROL: usize = 2;
pub(crate) const MALLORY: usize = 3;

/// How long to wait for a lock that nobody holds who runs.
const OPEN_DEADLINE: Duration = Duration::from_secs(5);

const NICKS: [&str; 4] = ["alice", "bob", "carol", "mallory"];

/// Somebody's key, always the same for the same number.
pub(crate) fn identity(who: usize) -> Identity {
    Identity::from_seed([who as u8 + 1; 32])
}

/// Somebody's public key.
pub(crate) fn author(who: usize) -> AuthorId {
    identity(who).author()
}

/// Opens a log of ours. An adapter that another thread is just starting holds what was open here until it runs,
/// the lock of a log that was closed since among it.
fn open(dir: &Path, id: RoomId) -> Checked<LogWriter> {
    let until = Instant::now() + OPEN_DEADLINE;
    loop {
        match LogWriter::open(FsStorage, dir, id, author(ALICE)) {
            Ok((writer, _)) => return Ok(writer),
            Err(OpenError::Locked { .. }) if Instant::now() < until => thread::yield_now(),
            Err(error) => return Err(error.into()),
        }
    }
}

fn nick(who: usize) -> String {
    let known = NICKS.get(who).map(|nick| (*nick).to_owned());
    known.unwrap_or_else(|| format!("member{who:02}"))
}

/// A message of a room, for what is expected of it.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    pub who: usize,
    pub via: String,
    pub ts: Timestamp,
    pub at: Timestamp,
    pub text: String,
    /// The file that it announces, and where that is.
    pub file: Option<(File, FilePlace)>,
}

impl Said {
    /// The file as it is told of.
    pub fn shared(&self) -> Option<SharedFile> {
        let (file, place) = self.file.as_ref()?;
        Some(SharedFile::new(file, place.clone()))
    }
}

/// What is to be written.
#[derive(Debug, Clone)]
pub(crate) struct Saying<'a> {
    pub who: usize,
    pub via: &'a str,
    pub ts: Timestamp,
    pub chain: u32,
    pub body: Body,
}

/// A room.
pub(crate) struct Room {
    pub id: RoomId,
    pub dir: PathBuf,
    pub view: RosterView,
    /// Under which name everybody is shown.
    pub names: BTreeMap<usize, String>,
    pub said: BTreeMap<u64, Said>,
    writer: Option<LogWriter>,
    chains: BTreeMap<(usize, u32), (u64, Option<MessageId>)>,
}

impl Room {
    /// Makes the room that `alice` founded and that the first `people` belong to.
    pub fn make(home: &Path, byte: u8, name: &str, people: usize) -> Checked<Self> {
        let genesis = Genesis {
            name: name.to_owned(),
            nick: nick(ALICE),
            invite_policy: InvitePolicy::Members,
            nonce: [byte; 16],
        };
        let genesis = Message::write(
            &identity(ALICE),
            NewMessage {
                room: RoomId::from_bytes([0; 32]),
                chain: ChainId(1),
                seq: Seq::FIRST,
                prev: None,
                ts: before(3_600_000),
                via: String::new(),
                re: None,
                body: Body::Genesis(genesis),
            },
        )?;
        let id = genesis.room();
        let dir = home.join("rooms").join(id.to_hex());
        let mut writer = open(&dir, id)?;
        let info = LineInfo {
            nick: NICKS[ALICE],
            names_owner: false,
        };
        writer.append(&genesis, before(3_600_000), info)?;
        writer.commit()?;
        let mut view = RosterView::new(id, name.to_owned(), author(ALICE), nick(ALICE));
        view.through = 1;
        view.members = (0..people).map(|who| member(who, &nick(who))).collect();
        view.save(&FsStorage, &dir)?;
        Ok(Self {
            id,
            dir,
            view,
            names: (0..people).map(|who| (who, nick(who))).collect(),
            said: BTreeMap::new(),
            writer: Some(writer),
            chains: BTreeMap::from([((ALICE, 1), (1, Some(genesis.id())))]),
        })
    }

    /// Somebody writes a text, a minute ago.
    pub fn say(&mut self, who: usize, text: &str) -> Checked<u64> {
        self.say_via(who, "", text)
    }

    /// The same by an agent, unless `via` is empty.
    pub fn say_via(&mut self, who: usize, via: &str, text: &str) -> Checked<u64> {
        self.say_at(who, via, before(60_000), text)
    }

    /// The same, its author's clock being at `ts`.
    pub fn say_at(&mut self, who: usize, via: &str, ts: Timestamp, text: &str) -> Checked<u64> {
        self.append(&Saying {
            who,
            via,
            ts,
            chain: 1,
            body: chat(text),
        })
    }

    /// Many texts at once, a line each; gives their numbers.
    pub fn say_all(&mut self, who: usize, texts: &[String]) -> Checked<Vec<u64>> {
        let mut numbers = Vec::with_capacity(texts.len());
        for text in texts {
            numbers.push(self.add(&Saying {
                who,
                via: "",
                ts: before(60_000),
                chain: 1,
                body: chat(text),
            })?);
        }
        self.writer()?.commit()?;
        Ok(numbers)
    }

    /// Somebody announces a file, which is not here.
    pub fn share(&mut self, who: usize, file: &File) -> Checked<u64> {
        self.share_via(who, "", file)
    }

    /// The same by an agent, unless `via` is empty.
    pub fn share_via(&mut self, who: usize, via: &str, file: &File) -> Checked<u64> {
        self.append(&Saying {
            who,
            via,
            ts: before(60_000),
            chain: 1,
            body: Body::File(file.clone()),
        })
    }

    /// The folder of the file that line `n` announces.
    pub fn place_of(&self, n: u64) -> String {
        let file = self.said.get(&n).and_then(|said| said.file.as_ref());
        file.map_or_else(String::new, |(file, _)| {
            file_place(&file.hash, &file.name).0
        })
    }

    /// Where the file of line `n` belongs; the folder that it is in is there, and says that it is this file's.
    pub fn make_place(&self, n: u64) -> Checked<PathBuf> {
        let file = self.said.get(&n).and_then(|said| said.file.as_ref());
        let (file, _) = file.ok_or_else(|| io::Error::other("the line announces no file"))?;
        let (folder, name) = file_place(&file.hash, &file.name);
        let folder = self.dir.join("files").join(folder);
        fs::create_dir_all(&folder)?;
        let owner = PlaceOwner::of(file).encode();
        fs::write(folder.join(OWNER_FILE), owner)?;
        Ok(folder.join(name))
    }

    /// The place of the file of line `n` is that of another of `hash` and `size`.
    pub fn give_place(&self, n: u64, hash: Hash, size: u64) -> Checked {
        let owner = PlaceOwner { hash, size }.encode();
        let path = self.make_place(n)?;
        Ok(fs::write(path.with_file_name(OWNER_FILE), owner)?)
    }

    /// The file that line `n` announces is here from now on.
    pub fn arrive(&mut self, n: u64) -> Checked {
        let path = self.make_place(n)?;
        if let Some((file, place)) = self.said.get_mut(&n).and_then(|said| said.file.as_mut()) {
            if is_folder(file) {
                fs::create_dir(&path)?;
            } else {
                fs::File::create(&path)?.set_len(file.size)?;
            }
            *place = FilePlace::Here {
                path: path.to_str().map(str::to_owned),
            };
        }
        Ok(())
    }

    /// Somebody takes another name: a message that shapes the roster.
    pub fn rename(&mut self, who: usize, to: &str) -> Checked<u64> {
        self.append(&Saying {
            who,
            via: "",
            ts: before(60_000),
            chain: 1,
            body: Body::Profile(Profile { nick: to.into() }),
        })
    }

    /// Appends a message and puts it on disk.
    pub fn append(&mut self, saying: &Saying<'_>) -> Checked<u64> {
        let n = self.add(saying)?;
        self.writer()?.commit()?;
        Ok(n)
    }

    fn add(&mut self, saying: &Saying<'_>) -> Checked<u64> {
        let message = self.write(saying)?;
        let (at, named) = (arrival(), saying.who != ALICE);
        let (id, owner) = (message.id(), self.view.nick.clone());
        let nick = nick(saying.who);
        let info = LineInfo {
            nick: &nick,
            names_owner: named
                && message
                    .text()
                    .is_some_and(|text| names_reader(text, &owner)),
        };
        let n = self.writer()?.append(&message, at, info)?.0;
        let place = message.header().seq.0;
        self.chains
            .insert((saying.who, saying.chain), (place, Some(id)));
        let (text, file) = (message.text(), message.file());
        if text.is_some() || file.is_some() {
            let said = Said {
                who: saying.who,
                via: saying.via.to_owned(),
                ts: saying.ts,
                at,
                text: text.unwrap_or_default().to_owned(),
                file: file.map(|file| (file.clone(), FilePlace::NotHere)),
            };
            self.said.insert(n, said);
        }
        Ok(n)
    }

    fn write(&self, saying: &Saying<'_>) -> Checked<Message> {
        let (seq, prev) = self
            .chains
            .get(&(saying.who, saying.chain))
            .copied()
            .unwrap_or_default();
        let new = NewMessage {
            room: self.id,
            chain: ChainId(saying.chain),
            seq: Seq(seq + 1),
            prev,
            ts: saying.ts,
            via: saying.via.to_owned(),
            re: None,
            body: saying.body.clone(),
        };
        Ok(Message::write(&identity(saying.who), new)?)
    }

    fn writer(&mut self) -> Checked<&mut LogWriter> {
        if self.writer.is_none() {
            self.writer = Some(open(&self.dir, self.id)?);
        }
        let writer = self.writer.as_mut();
        writer.ok_or_else(|| io::Error::other("the log is not open").into())
    }

    /// The id of the message on a line.
    pub fn id_of(&mut self, n: u64) -> Checked<Option<MessageId>> {
        Ok(self.writer()?.read(ArrivalNo(n))?.id())
    }

    /// Takes a message back: its body goes.
    pub fn erase(&mut self, n: u64) -> Checked {
        let message = self.writer()?.read(ArrivalNo(n))?.message;
        let message = message.map_err(|_| io::Error::other("the line is damaged"))?;
        let (header, id) = (message.header(), message.id());
        self.writer()?
            .erase(&header.author, header.chain, header.seq, &id)?;
        self.writer()?.commit()?;
        Ok(())
    }

    /// Writes the view.
    pub fn save_view(&self) -> Checked {
        Ok(self.view.save(&FsStorage, &self.dir)?)
    }

    /// Says how somebody's words reach the owner's agents.
    pub fn trust(&mut self, who: usize, trust: Trust) -> Checked {
        self.view.members[who].trust = trust;
        self.save_view()
    }

    /// The log as it is on disk.
    pub fn log_path(&self) -> PathBuf {
        self.dir.join("log.jsonl")
    }

    /// Changes the log behind everybody's back.
    pub fn alter_log(&mut self, change: impl FnOnce(Vec<u8>) -> Vec<u8>) -> Checked {
        self.writer = None;
        let bytes = fs::read(self.log_path())?;
        fs::write(self.log_path(), change(bytes))?;
        Ok(())
    }

    /// Changes one line of the log; its line feed stays.
    pub fn alter_line(&mut self, n: u64, change: impl FnOnce(String) -> String) -> Checked {
        self.alter_log(|bytes| {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            let line = std::mem::take(&mut lines[n as usize - 1]);
            lines[n as usize - 1] = change(line);
            lines.push(String::new());
            lines.join("\n").into_bytes()
        })
    }

    /// Appends the copy of a damaged line that a peer sent again.
    pub fn repair(&mut self, damaged: u64, message: &Message) -> Checked<u64> {
        let at = arrival();
        let n = self.writer()?.append_repair(
            ArrivalNo(damaged),
            message,
            at,
            LineInfo {
                nick: NICKS[BOB],
                names_owner: false,
            },
        )?;
        self.writer()?.commit()?;
        if let Some(mut said) = self.said.get(&damaged).cloned() {
            said.at = at;
            self.said.insert(n.0, said);
        }
        Ok(n.0)
    }

    /// The message on a line.
    pub fn message(&mut self, n: u64) -> Checked<Message> {
        let line = self.writer()?.read(ArrivalNo(n))?;
        Ok(line
            .message
            .map_err(|_| io::Error::other("the line is damaged"))?)
    }

    /// Where each line ends, by line feeds alone.
    pub fn ends(&self) -> Checked<Vec<u64>> {
        let bytes = fs::read(self.log_path())?;
        let feeds = bytes.iter().zip(1..).filter(|(byte, _)| **byte == b'\n');
        Ok(feeds.map(|(_, end)| end).collect())
    }

    /// The folder of the cursors.
    pub fn cursors(&self) -> PathBuf {
        self.dir.join("cursors")
    }
}

/// A member as the view lists one.
pub(crate) fn member(who: usize, nick: &str) -> ViewMember {
    ViewMember {
        author: author(who),
        nick: nick.to_owned(),
        petname: None,
        root: who == ALICE,
        admin: who == ALICE,
        trust: Trust::Inline,
    }
}

/// A text as a body.
pub(crate) fn chat(text: &str) -> Body {
    Body::Chat(Chat { text: text.into() })
}

/// A file of that name and size.
pub(crate) fn file(name: &str, size: u64) -> File {
    File {
        name: name.to_owned(),
        size,
        hash: Hash::of(name.as_bytes()),
        media_type: "application/octet-stream".to_owned(),
    }
}

/// The machine's clock.
pub(crate) fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Timestamp(since.map_or(0, |since| since.as_millis() as u64))
}

/// So many ms ago.
pub(crate) fn before(ms: u64) -> Timestamp {
    Timestamp(now().0.saturating_sub(ms))
}

fn arrival() -> Timestamp {
    before(30_000)
}
