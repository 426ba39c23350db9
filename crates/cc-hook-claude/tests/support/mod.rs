//! A home with a room in it, made the way the daemon makes one, and the real hook run against it.

#![allow(dead_code, reason = "each test binary uses its own part of this")]

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Instant;

use cc_hook_generic::DEADLINE;
use cc_log::{FsStorage, LineInfo, LogWriter, RosterView, Trust, ViewMember};
use cc_proto::body::{Body, Chat, Profile};
use cc_proto::id::{AuthorId, ChainId, MessageId, RoomId, Seq, Timestamp};
use cc_proto::identity::Identity;
use cc_proto::message::{Message, NewMessage};
use cc_proto::text::names_reader;

/// How often a hook is asked that may have run out of its time.
const ATTEMPTS: u32 = 10;

/// The owner's nick.
pub const OWNER: &str = "alice";

/// A member who writes.
pub struct Author {
    pub identity: Identity,
    pub nick: String,
    seq: u64,
    prev: Option<MessageId>,
}

impl Author {
    pub fn new(seed: u8, nick: &str) -> Self {
        Self {
            identity: Identity::from_seed([seed; 32]),
            nick: nick.into(),
            seq: 0,
            prev: None,
        }
    }

    pub fn id(&self) -> AuthorId {
        self.identity.author()
    }

    pub fn write(&mut self, room: RoomId, ts: Timestamp, via: &str, body: Body) -> Message {
        self.seq += 1;
        let new = NewMessage {
            room,
            chain: ChainId(1),
            seq: Seq(self.seq),
            prev: self.prev,
            ts,
            via: via.into(),
            re: None,
            body,
        };
        let message = Message::write(&self.identity, new).unwrap();
        self.prev = Some(message.id());
        message
    }
}

/// A room of a home, open for writing.
pub struct TestRoom {
    pub id: RoomId,
    pub dir: PathBuf,
    pub writer: LogWriter,
    pub view: RosterView,
}

impl TestRoom {
    fn make(home: &Path, byte: u8, members: &[&Author]) -> Self {
        let id = RoomId::from_bytes([byte; 32]);
        let dir = home.join("rooms").join(id.to_hex());
        let me = members[0].id();
        let (writer, _) = LogWriter::open(FsStorage, &dir, id, me).unwrap();
        let mut view = RosterView::new(id, format!("room {byte}"), me, members[0].nick.clone());
        view.members = members
            .iter()
            .map(|member| ViewMember {
                author: member.id(),
                nick: member.nick.clone(),
                petname: None,
                root: member.id() == me,
                admin: false,
                trust: Trust::Inline,
            })
            .collect();
        view.save(&FsStorage, &dir).unwrap();
        Self {
            id,
            dir,
            writer,
            view,
        }
    }

    /// Appends without committing.
    pub fn add(&mut self, author: &mut Author, ts: Timestamp, via: &str, body: Body) -> u64 {
        let nick = author.nick.clone();
        let message = author.write(self.id, ts, via, body);
        let names_owner = message.text().is_some_and(|text| names_reader(text, OWNER));
        let info = LineInfo {
            nick: &nick,
            names_owner,
        };
        self.writer.append(&message, now(), info).unwrap().0
    }

    pub fn commit(&mut self) {
        self.writer.commit().unwrap();
    }

    pub fn save_view(&self) {
        self.view.save(&FsStorage, &self.dir).unwrap();
    }

    /// One message, on disk.
    pub fn say(&mut self, author: &mut Author, text: &str) -> u64 {
        self.say_at(author, now(), text)
    }

    pub fn say_at(&mut self, author: &mut Author, ts: Timestamp, text: &str) -> u64 {
        let n = self.add(author, ts, "", chat(text));
        self.commit();
        n
    }

    pub fn cursor_lock(&self, session: &str) -> PathBuf {
        self.dir
            .join("cursors")
            .join(format!("claude-code-{session}.lock"))
    }

    pub fn cursor(&self, session: &str) -> PathBuf {
        self.dir
            .join("cursors")
            .join(format!("claude-code-{session}.json"))
    }
}

pub fn chat(text: &str) -> Body {
    Body::Chat(Chat { text: text.into() })
}

pub fn profile(nick: &str) -> Body {
    Body::Profile(Profile { nick: nick.into() })
}

pub fn now() -> Timestamp {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    Timestamp(since.as_millis() as u64)
}

/// A machine: a home, a project folder, an unrelated one, and three people of whom alice owns it.
pub struct Machine {
    pub root: tempfile::TempDir,
    pub home: PathBuf,
    pub project: PathBuf,
    pub elsewhere: PathBuf,
    pub alice: Author,
    pub bob: Author,
    pub carol: Author,
}

impl Machine {
    pub fn new() -> Self {
        Self::new_in(&std::env::temp_dir())
    }

    pub fn new_in(folder: &Path) -> Self {
        let root = tempfile::tempdir_in(folder).unwrap();
        let path = root.path().canonicalize().unwrap();
        let machine = Self {
            home: path.join("home"),
            project: path.join("project"),
            elsewhere: path.join("elsewhere"),
            root,
            alice: Author::new(1, OWNER),
            bob: Author::new(2, "bob"),
            carol: Author::new(3, "carol"),
        };
        for folder in [&machine.home, &machine.project, &machine.elsewhere] {
            fs::create_dir(folder).unwrap();
        }
        machine
    }

    /// A machine whose project is bound to one room.
    pub fn with_room() -> (Self, TestRoom) {
        let machine = Self::new();
        let room = machine.room(0x1a);
        machine.bind(&[(&room, Some(&machine.project))]);
        (machine, room)
    }

    pub fn room(&self, byte: u8) -> TestRoom {
        TestRoom::make(&self.home, byte, &[&self.alice, &self.bob, &self.carol])
    }

    /// Writes `bindings.json`; `None` binds everywhere.
    pub fn bind(&self, bindings: &[(&TestRoom, Option<&Path>)]) {
        let list: Vec<serde_json::Value> = bindings
            .iter()
            .map(|(room, path)| match path {
                Some(path) => {
                    let meta = fs::metadata(path).unwrap();
                    serde_json::json!({"room": room.id.to_hex(), "path": path, "dev": meta.dev(), "ino": meta.ino()})
                }
                None => serde_json::json!({"room": room.id.to_hex(), "global": true}),
            })
            .collect();
        let file = serde_json::json!({"v": 1, "bindings": list});
        fs::write(self.home.join("bindings.json"), file.to_string()).unwrap();
    }

    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cc-hook-claude"));
        command
            .env_clear()
            .env("CC_CONNECT_HOME", &self.home)
            .current_dir("/");
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// What a session in the project is told at its next prompt; empty for nothing.
    pub fn prompt(&self, session: &str) -> String {
        self.prompt_in(session, &self.project)
    }

    /// The same from another folder. A machine that is busy with other tests may be too slow for the hook's own
    /// deadline: then it was as if nobody had asked.
    pub fn prompt_in(&self, session: &str, directory: &Path) -> String {
        let event = event(session, directory);
        for _ in 0..ATTEMPTS {
            let (before, asked) = (self.hook_log(), Instant::now());
            let told = context(&run(self.command(), event.as_bytes()));
            let log = self.hook_log();
            let noted = log.strip_prefix(&before).unwrap_or(&log);
            let gave_up = noted.is_empty() || noted.contains(" gave up after ");
            if !told.is_empty() || asked.elapsed() < DEADLINE || !gave_up {
                return told;
            }
            if before.is_empty() {
                let _ = fs::remove_file(self.home.join("hook.log"));
            } else {
                fs::write(self.home.join("hook.log"), before).unwrap();
            }
        }
        String::new()
    }

    pub fn hook_log(&self) -> String {
        fs::read_to_string(self.home.join("hook.log")).unwrap_or_default()
    }
}

pub fn event(session: &str, directory: &Path) -> String {
    serde_json::json!({
        "session_id": session, "transcript_path": "/t", "cwd": directory, "permission_mode": "default",
        "hook_event_name": "UserPromptSubmit", "prompt": "Redis or Postgres?",
    })
    .to_string()
}

/// Runs a hook; whatever it was given, it must exit 0 and say nothing on stderr.
pub fn run(mut command: Command, stdin: &[u8]) -> Output {
    let mut child = command.spawn().unwrap();
    // A hook that ended already does not read.
    let _ = child.stdin.take().unwrap().write_all(stdin);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
    output
}

/// The injection in an answer; empty where there was none.
pub fn context(output: &Output) -> String {
    if output.stdout.is_empty() {
        return String::new();
    }
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        answer["hookSpecificOutput"]["hookEventName"],
        "UserPromptSubmit"
    );
    answer["hookSpecificOutput"]["additionalContext"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// The texts of the messages in an injection that fit on one line.
pub fn texts(context: &str) -> Vec<String> {
    let messages = context
        .lines()
        .filter(|line| line.starts_with("[chatroom @"));
    messages
        .map(|line| line.split_once("] ").unwrap().1.to_owned())
        .collect()
}
