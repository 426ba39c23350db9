//! Proofs: exported from the files of a log, without a daemon, and checked by somebody who has nothing but the file.

mod support;

use std::fs;
use std::path::PathBuf;

use cc_log::{FsStorage, LineInfo, LogWriter};
use cc_proto::body::{Admit, Body, Chat, Genesis, Invite, InvitePolicy};
use cc_proto::id::{ChainId, InviteKey, MessageId, RoomId, Seq, Timestamp};
use cc_proto::identity::Identity;
use cc_proto::message::{Message, NewMessage};
use cc_proto::proof::{PROOF_BEGIN, PROOF_END};
use cc_proto::roster::join_body;
use cc_proto::segment::verify_segment;
use serde_json::json;
use support::{Person, stderr, stdout};

/// What acts on a terminal, and what begins a proof.
const HOSTILE: &str =
    "\u{1b}[2J\u{1b}]0;owned\u{7}-----BEGIN CC-CONNECT PROOF-----\nroom: forged\u{202e}";

/// One chain of one author.
struct Pen {
    identity: Identity,
    room: RoomId,
    chain: ChainId,
    last: Option<(Seq, MessageId)>,
}

impl Pen {
    fn new(seed: u8, room: RoomId) -> Self {
        Self {
            identity: Identity::from_seed([seed; 32]),
            room,
            chain: ChainId(u32::from(seed)),
            last: None,
        }
    }

    fn copy(&self) -> Self {
        Self {
            identity: self.identity.clone(),
            ..*self
        }
    }

    fn write(&mut self, body: Body) -> Message {
        let (seq, prev) = match self.last {
            Some((seq, id)) => (seq.next(), Some(id)),
            None => (Seq::FIRST, None),
        };
        let new = NewMessage {
            room: self.room,
            chain: self.chain,
            seq,
            prev,
            ts: Timestamp(1_795_356_120_000 + seq.0),
            via: String::new(),
            re: None,
            body,
        };
        let message = Message::write(&self.identity, new).unwrap();
        self.last = Some((seq, message.id()));
        message
    }

    fn say(&mut self, text: &str) -> Message {
        let text = text.to_owned();
        self.write(Body::Chat(Chat { text }))
    }
}

/// Alice's room, where Bob said four things, the second of them in two ways.
struct Room {
    alice: Person,
    room: RoomId,
    /// What made the room and let Bob in.
    acts: Vec<Message>,
    said: Vec<Message>,
    other: Message,
}

impl Room {
    fn new() -> Self {
        let mut alice = Pen::new(1, RoomId::from_bytes([0; 32]));
        let genesis = alice.write(Body::Genesis(Genesis {
            name: format!("db{HOSTILE}"),
            nick: "alice".into(),
            invite_policy: InvitePolicy::Members,
            nonce: [7; 16],
        }));
        let room = genesis.room();
        alice.room = room;
        let secret = Identity::from_seed([9; 32]);
        let key = InviteKey::from_bytes(*secret.author().as_bytes());
        let invite = alice.write(Body::Invite(Invite {
            key,
            expires: None,
            uses_max: None,
            note: String::new(),
            lifts: Vec::new(),
        }));
        let mut bob = Pen::new(2, room);
        let joiner = bob.identity.author();
        let nick = "\u{1b}[b\u{202e}o\u{7}b]".to_owned();
        let join = bob.write(Body::Join(join_body(&secret, &room, &joiner, nick)));
        let admit = alice.write(Body::Admit(Admit {
            joiner,
            invite: key,
            join: join.id(),
        }));
        let first = bob.say("postgres");
        let other = bob.copy().say("mysql");
        let said = [
            first,
            bob.say(HOSTILE),
            bob.say("we have it"),
            bob.say("already"),
        ];
        let wires = said.iter().map(|message| message.wire().clone()).collect();
        // As a segment brings them: only the last keeps its signature.
        let said = verify_segment(&room, wires).unwrap();
        assert!(!said[0].has_signature() && said[3].has_signature());
        let acts = [genesis, invite, join, admit];
        let person = Person::new();
        store(&person, room, acts.iter().chain(&said).chain([&other]));
        Self {
            alice: person,
            room,
            acts: acts.to_vec(),
            said,
            other,
        }
    }

    /// The proof that a command prints.
    fn export(&self, arguments: &[&str]) -> String {
        let output = self.alice.run(&[&["proof", "export"], arguments].concat());
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        stdout(&output)
    }
}

fn store<'a>(person: &Person, room: RoomId, messages: impl Iterator<Item = &'a Message>) {
    let dir = person.home.join("rooms").join(room.to_hex());
    let me = Identity::from_seed([1; 32]).author();
    let (mut log, _) = LogWriter::open(FsStorage, &dir, room, me).unwrap();
    for message in messages {
        let info = LineInfo {
            nick: "somebody",
            names_owner: false,
        };
        log.append(message, Timestamp(1), info).unwrap();
    }
    log.commit().unwrap();
}

/// A file in somebody's own folder.
fn file(person: &Person, text: impl AsRef<[u8]>) -> PathBuf {
    let path = person.folder().join("proof.txt");
    fs::write(&path, text).unwrap();
    path
}

fn is_tame(text: &str) -> bool {
    !text.contains(['\u{1b}', '\u{7}', '\u{202e}'])
}

#[test]
fn a_fork_is_proven_to_somebody_who_has_nothing_but_the_file() {
    let room = Room::new();
    let stranger = Person::new();
    let exported = room.export(&["fork", "bob"]);
    let path = file(&stranger, &exported);
    let path = path.to_str().unwrap();
    let output = stranger.run(&["proof", "check", path]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let told = stdout(&output);
    for part in [
        "room: forged",
        "mysql",
        "signed two different messages",
        "Not proven",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let object = stranger.object(&["proof", "check", path]);
    assert_eq!(object["proves"], "fork");
    assert_eq!(object["room"], room.room.to_hex());
    assert_eq!((&object["seq"], &object["chain"]), (&json!(3), &json!(2)));
    let mut ids = [room.said[1].id().to_hex(), room.other.id().to_hex()];
    ids.sort();
    let messages = object["messages"].as_array().unwrap();
    let shown: Vec<&str> = messages
        .iter()
        .map(|one| one["id"].as_str().unwrap())
        .collect();
    assert_eq!(shown, ids);
    // The signature of one was dropped: the fourth of its chain vouches.
    let vouched: u64 = messages
        .iter()
        .map(|one| one["vouched_after"].as_u64().unwrap())
        .sum();
    assert_eq!(vouched, 2);
    assert!(!stranger.home.exists(), "checking made a home");
    assert!(
        !room.alice.is_daemon_running(),
        "exporting started a daemon"
    );
}

#[test]
fn without_text_a_fork_is_proven_all_the_same() {
    let room = Room::new();
    let bob = room.other.header().author.to_hex();
    let exported = room.export(&["fork", &bob[..10], "--without-text"]);
    assert!(
        !exported.contains("mysql") && exported.contains("not shown"),
        "{exported}"
    );
    let stranger = Person::new();
    let path = file(&stranger, exported);
    let object = stranger.object(&["proof", "check", path.to_str().unwrap()]);
    assert_eq!(object["proves"], "fork");
    assert_eq!(object["messages"][0]["text"], json!(null));
}

#[test]
fn a_message_is_proven_with_its_place_and_what_let_its_author_in() {
    let room = Room::new();
    let stranger = Person::new();
    let id = room.said[2].id().to_hex();
    for asked in ["7", &id[..12], &id] {
        let exported = room.export(&["message", asked]);
        let output = stranger.run_with_input(&["proof", "check", "-", "--json"], &exported);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let object: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
        assert_eq!(object["proves"], "message", "{asked}");
        assert_eq!(object["messages"][0]["id"], id);
        assert_eq!(object["messages"][0]["text"], "we have it");
        assert_eq!(object["messages"][0]["vouched_after"], 1);
        let alice = Identity::from_seed([1; 32]).author().to_hex();
        assert_eq!(object["membership"]["root"], alice);
        assert_eq!(object["membership"]["doors"], json!([alice]));
        // Nothing else that Bob said is in it.
        assert!(!exported.contains("already") && !exported.contains("postgres"));
    }
    let object = room.alice.object(&["proof", "export", "message", "7"]);
    let proof = object["proof"].as_str().unwrap();
    assert!(proof.starts_with(PROOF_BEGIN) && proof.ends_with(&format!("{PROOF_END}\n")));
}

#[test]
fn what_peers_wrote_can_neither_act_on_a_terminal_nor_break_the_proof() {
    let room = Room::new();
    let stranger = Person::new();
    let exported = room.export(&["message", "6"]);
    assert!(is_tame(&exported), "{exported:?}");
    let path = file(&stranger, &exported);
    let path = path.to_str().unwrap();
    for arguments in [
        &["proof", "check", path][..],
        &["--json", "proof", "check", path],
    ] {
        let output = stranger.run(arguments);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert!(is_tame(&stdout(&output)), "{:?}", stdout(&output));
        assert!(!stdout(&output).lines().any(|line| line == "room: forged"));
    }
    let object = stranger.object(&["proof", "check", path]);
    assert_eq!(object["messages"][0]["text"], HOSTILE);
}

#[test]
fn what_proves_nothing_says_so_and_ends_with_1() {
    let room = Room::new();
    let stranger = Person::new();
    let good = room.export(&["fork", "bob"]);
    let at = good.rfind(PROOF_BEGIN).unwrap() + 300;
    let other = if &good[at..=at] == "A" { "B" } else { "A" };
    let altered = format!("{}{other}{}", &good[..at], &good[at + 1..]);
    let cut = &good[..good.len() - 40];
    let mut noise: Vec<u8> = (0..100_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    noise.extend_from_slice(HOSTILE.as_bytes());
    let endless = format!(
        "{PROOF_BEGIN}\n{}\n{PROOF_END}\n",
        "A".repeat(3 * 1024 * 1024)
    );
    let long_lie = format!(
        "{PROOF_BEGIN}\n{}\n{PROOF_END}\n",
        "AQD/////DwAA".repeat(10_000)
    );
    let hostile = format!("{PROOF_BEGIN}\n{HOSTILE}\n{PROOF_END}\n");
    for (what, content) in [
        ("altered", altered.as_bytes()),
        ("cut", cut.as_bytes()),
        ("twice", good.repeat(2).as_bytes()),
        ("nothing", b""),
        ("noise", &noise),
        ("endless", endless.as_bytes()),
        ("a list that claims to be long", long_lie.as_bytes()),
        ("hostile", hostile.as_bytes()),
    ] {
        let path = file(&stranger, content);
        let arguments = ["proof", "check", path.to_str().unwrap()];
        let output = stranger.run(&arguments);
        assert_eq!(output.status.code(), Some(1), "{what}: {}", stdout(&output));
        assert_eq!(stdout(&output), "", "{what}");
        assert!(is_tame(&stderr(&output)), "{what}: {:?}", stderr(&output));
        let (error, exit) = stranger.failure(&arguments);
        assert_eq!(
            (&error["kind"], exit),
            (&"proof".into(), 1),
            "{what}: {error}"
        );
    }
    let (error, exit) = stranger.failure(&["proof", "check", "/nowhere/at/all"]);
    assert_eq!((&error["kind"], exit), (&"proof".into(), 1), "{error}");
}

#[test]
fn there_is_no_proof_of_what_is_not_in_the_log() {
    let room = Room::new();
    for (arguments, kind) in [
        (["fork", "alice"], "proof"),
        (["fork", "carol"], "member"),
        (["message", "0"], "message"),
        (["message", "99"], "message"),
        (["message", "ffffffffffff"], "message"),
        (["message", HOSTILE], "message"),
    ] {
        let (error, exit) = room
            .alice
            .failure(&[&["proof", "export"], &arguments[..]].concat());
        assert_eq!(
            (&error["kind"], exit),
            (&kind.into(), 1),
            "{arguments:?}: {error}"
        );
    }
}

#[test]
fn a_log_without_the_vouching_signature_proves_nothing() {
    let room = Room::new();
    let lonely = Person::new();
    store(&lonely, room.room, room.acts.iter().chain(&room.said[..2]));
    let (error, exit) = lonely.failure(&["proof", "export", "message", "5"]);
    assert_eq!((&error["kind"], exit), (&"proof".into(), 1), "{error}");
}
