use std::os::unix::fs::PermissionsExt as _;

use cc_hook_generic::pause;
use cc_log::{FsStorage, LineInfo, LogWriter, RosterView, Trust, ViewMember};
use cc_proto::body::{Body, Chat, File};
use cc_proto::id::{ChainId, Hash, MessageId, Seq};
use cc_proto::identity::Identity;
use cc_proto::message::{Message, NewMessage};
use serde_json::json;
use tempfile::TempDir;

use super::*;

/// A home with one room, bound to a folder beside it.
struct Bench {
    base: TempDir,
    views: Views,
    log: LogWriter<FsStorage>,
    view: RosterView,
    bob: Identity,
    last: Option<(Seq, MessageId)>,
    /// The next look's time: late enough that no file is too young.
    wall: SystemTime,
}

impl Bench {
    fn new() -> Self {
        let base = tempfile::tempdir().unwrap();
        let (home, project) = (base.path().join("home"), base.path().join("project"));
        fs::create_dir_all(&project).unwrap();
        let [me, bob] = [1, 2].map(|seed| Identity::from_seed([seed; 32]));
        let room = RoomId::from_bytes([7; 32]);
        let dir = home.join("rooms").join(room.to_hex());
        let (log, _) = LogWriter::open(FsStorage, &dir, room, me.author()).unwrap();
        let mut view = RosterView::new(room, "trip".into(), me.author(), "alice".into());
        view.members = [(&me, "alice"), (&bob, "bob")]
            .map(|(who, nick)| ViewMember {
                author: who.author(),
                nick: nick.into(),
                petname: None,
                root: false,
                admin: false,
                trust: Trust::Inline,
            })
            .into();
        let mut bench = Self {
            base,
            views: Views::new(home),
            log,
            view,
            bob,
            last: None,
            wall: SystemTime::now() + Duration::from_secs(10),
        };
        bench.save_view();
        bench.bind(true);
        bench
    }

    fn project(&self) -> PathBuf {
        self.base.path().join("project").canonicalize().unwrap()
    }

    fn bind(&self, bound: bool) {
        let project = self.project();
        let meta = fs::metadata(&project).unwrap();
        let binding = json!({
            "room": self.view.room.to_hex(),
            "path": project,
            "dev": meta.dev(),
            "ino": meta.ino(),
        });
        let bindings: &[serde_json::Value] = if bound { &[binding] } else { &[] };
        let file = json!({ "v": 1, "bindings": bindings });
        fs::write(self.views.home.join(BINDINGS_FILE), file.to_string()).unwrap();
    }

    fn save_view(&mut self) {
        self.view.save(&FsStorage, self.log.dir()).unwrap();
    }

    fn say(&mut self, text: &str) -> Message {
        self.write(Body::Chat(Chat { text: text.into() }))
    }

    fn write(&mut self, body: Body) -> Message {
        let message = Message::write(
            &self.bob,
            NewMessage {
                room: self.view.room,
                chain: ChainId(1),
                seq: self.last.map_or(Seq::FIRST, |(seq, _)| Seq(seq.0 + 1)),
                prev: self.last.map(|(_, id)| id),
                ts: Timestamp(1_577_836_800_000),
                via: String::new(),
                re: None,
                body,
            },
        )
        .unwrap();
        self.last = Some((message.header().seq, message.id()));
        self.log
            .append(&message, message.header().ts, LineInfo::default())
            .unwrap();
        self.log.commit().unwrap();
        message
    }

    /// Looks once, and gives what is then in the folder's view.
    fn look(&mut self) -> String {
        self.wall += LOOK_EVERY;
        self.views.look(self.wall);
        let path = view_path(&self.views.home, &self.project());
        fs::read_to_string(path).unwrap()
    }

    fn looked_at(&self) -> Timestamp {
        let since = self.wall.duration_since(UNIX_EPOCH).unwrap();
        Timestamp(since.as_millis() as u64)
    }
}

#[test]
fn a_view_follows_whatever_it_shows() {
    let mut bench = Bench::new();
    let text = bench.look();
    assert!(text.ends_with(" -----\n") && text.contains("room \"trip\" 0707070707\n"));

    bench.say("the door code is 4711");
    let first = bench.look();
    assert!(first.contains("[chatroom @bob 2020-01-01 00:00Z] the door code is 4711\n"));
    assert_eq!(
        bench.look(),
        first,
        "nothing changed, so nothing is written"
    );

    bench.view.members[1].petname = Some("Robert".into());
    bench.save_view();
    assert!(bench.look().contains("[chatroom @Robert "));

    bench.view.members[1].trust = Trust::Notice;
    bench.save_view();
    let noticed = bench.look();
    assert!(!noticed.contains("4711") && noticed.contains("1 message from @Robert not shown\n"));

    bench.view.members[1].trust = Trust::Inline;
    bench.save_view();
    let message = bench.say("and this is taken back");
    assert!(bench.look().contains("taken back"));
    let header = message.header().clone();
    bench
        .log
        .erase(&header.author, header.chain, header.seq, &message.id())
        .unwrap();
    bench.log.commit().unwrap();
    let erased = bench.look();
    assert!(!erased.contains("taken back") && erased.contains("4711"));

    let until = Timestamp(bench.looked_at().0 + 1000);
    pause::pause(&bench.views.home, None, Some(until), Timestamp(0)).unwrap();
    assert_eq!(bench.look(), cc_proto::render::PAUSED_TEXT);
    bench.wall += Duration::from_secs(2);
    assert!(bench.look().contains("4711"), "the pause is over");

    bench.bind(false);
    assert_eq!(bench.look(), cc_proto::render::NO_ROOM_TEXT);
    bench.bind(true);
    assert!(bench.look().contains("4711"));
}

#[test]
fn a_view_tells_of_a_file_once_it_is_here() {
    let mut bench = Bench::new();
    let design = File {
        name: "design.svg".into(),
        size: 4,
        hash: Hash::of(b"<svg"),
        media_type: "image/svg+xml".into(),
    };
    bench.write(Body::File(design.clone()));
    let announced = bench.look();
    assert!(announced.contains("Z] announced design.svg (4 B), not here yet\n"));
    assert_eq!(bench.look(), announced);

    let path = cc_proto::files::file_path(&design.hash, &design.name);
    let path = bench.log.dir().join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let owner = cc_proto::files::PlaceOwner::of(&design).encode();
    fs::write(path.with_file_name(cc_proto::files::OWNER_FILE), owner).unwrap();
    assert_eq!(bench.look(), announced, "its folder is not it");
    fs::write(&path, b"<sv").unwrap();
    let told = bench.look();
    assert!(
        told.contains("announced design.svg"),
        "a beginning is not it"
    );
    // What is not it is looked at once more, and then left alone.
    let told = bench.look();
    assert_eq!(bench.look(), told);
    fs::remove_file(&path).unwrap();
    bench.look();
    fs::write(&path, b"<svg").unwrap();
    let dropped = format!("Z] dropped design.svg (4 B) @file:{}\n", path.display());
    let told = bench.look();
    assert!(told.contains(&dropped), "{told}");
    assert_eq!(bench.look(), told);
}

#[test]
fn a_view_is_the_owners_alone() {
    let mut bench = Bench::new();
    bench.say("secret");
    bench.look();
    let path = view_path(&bench.views.home, &bench.project());
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    assert_eq!(mode(path.parent().unwrap().parent().unwrap()), 0o700);
}

#[test]
fn a_view_that_is_gone_comes_back_and_a_young_file_is_looked_at_again() {
    let mut bench = Bench::new();
    bench.say("hello");
    let before = bench.look();
    fs::remove_file(view_path(&bench.views.home, &bench.project())).unwrap();
    let after = bench.look();
    assert_ne!(after, before, "another nonce");
    // As it is where a message comes in the very moment of the look.
    bench.wall = SystemTime::now() - LOOK_EVERY;
    bench.say("more");
    let young = bench.look();
    assert_ne!(bench.look(), young);
}

#[test]
fn a_room_that_cannot_be_read_empties_no_other() {
    let mut bench = Bench::new();
    bench.say("hello");
    assert!(bench.look().contains("hello"));
    fs::write(bench.log.dir().join("view.json"), "{").unwrap();
    assert!(!bench.look().contains("hello"));
    bench.save_view();
    assert!(bench.look().contains("hello"));
}
