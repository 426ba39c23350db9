//! A room's files without a network: what is found in the log, and what is written of it.

use std::sync::{Mutex, Weak};

use cc_log::{FsStorage, LineInfo, LogWriter, RosterView, Trust, ViewCut, ViewMember};
use cc_proto::body::{Body, File as FileBody};
use cc_proto::id::{ArrivalNo, AuthorId, ChainId, Hash, MessageId, RoomId, Seq, Timestamp};
use cc_proto::identity::Identity;
use cc_proto::message::{Message, NewMessage};
use tokio::sync::{Notify, broadcast, mpsc};

use super::announced::Announced;
use super::book::Book;
use super::store::StoreCell;
use super::types::FileState;
use super::{Files, prepare};
use crate::room::inbox::RoomInbox;
use crate::tuning::FILES_NEWS_BATCH;

const ROOM: RoomId = RoomId::from_bytes([7; 32]);

/// A room's folder, in which bob announces what alice has.
struct Bench {
    dir: tempfile::TempDir,
    log: LogWriter,
    bob: Identity,
    last: Option<MessageId>,
    seq: u64,
    view: RosterView,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let [alice, bob] = [1, 2].map(|seed| Identity::from_seed([seed; 32]));
        let (log, _) = LogWriter::open(FsStorage, dir.path(), ROOM, alice.author()).unwrap();
        let mut view = RosterView::new(ROOM, "shop".into(), alice.author(), "alice".into());
        view.members = vec![ViewMember {
            author: bob.author(),
            nick: "bob".into(),
            petname: None,
            root: false,
            admin: false,
            trust: Trust::Inline,
        }];
        view.save(&FsStorage, dir.path()).unwrap();
        Self {
            dir,
            log,
            bob,
            last: None,
            seq: 0,
            view,
        }
    }

    fn me(&self) -> AuthorId {
        self.view.me
    }

    /// Bob announces a file.
    fn announce(&mut self, name: &str, size: u64, hash: Hash) -> MessageId {
        self.seq += 1;
        let body = Body::File(FileBody {
            name: name.into(),
            size,
            hash,
            media_type: String::new(),
        });
        let new = NewMessage {
            room: ROOM,
            chain: ChainId(1),
            seq: Seq(self.seq),
            prev: self.last,
            ts: Timestamp(self.seq),
            via: String::new(),
            re: None,
            body,
        };
        let message = Message::write(&self.bob, new).unwrap();
        self.log
            .append(&message, Timestamp(self.seq), LineInfo::default())
            .unwrap();
        self.last = Some(message.id());
        message.id()
    }

    fn commit(&mut self) {
        self.log.commit().unwrap();
    }

    /// The files of a new run of the program.
    fn run(&self) -> Files {
        let (inbox, _) = RoomInbox::new();
        let dir = self.dir.path().to_owned();
        Files {
            me: self.me(),
            book: Mutex::new(prepare(&dir)),
            announced: Mutex::new(Announced::new(&dir)),
            store: StoreCell::new(&dir),
            dir,
            alpn: Vec::new(),
            net: Weak::new(),
            inbox,
            events: broadcast::channel(1).0.downgrade(),
            saving: Mutex::default(),
            publishing: Mutex::default(),
            news: Mutex::default(),
            begun: Mutex::default(),
            taking: tokio::sync::Mutex::default(),
            wake: Notify::new(),
            connections: mpsc::channel(1).0,
        }
    }
}

/// Looks through the log and sees to what is new, as the keeper does; gives how many were wanted by it.
fn see_to_all(files: &Files) -> usize {
    files.announced(|_| Ok(())).unwrap();
    let before = files.book().wanted();
    loop {
        let seen = files.see_to_news();
        assert!(seen.fault.is_none(), "{:?}", seen.fault);
        if !seen.more {
            return files.book().wanted() - before;
        }
    }
}

fn is_wanted(files: &Files, id: &MessageId) -> bool {
    files.book().notes.get(id).is_some_and(|note| note.wanted)
}

#[test]
fn a_history_of_announcements_is_written_down_in_few_writes() {
    let mut bench = Bench::new();
    let count = 1_500;
    for k in 0..count {
        let name = format!("{k}.txt");
        bench.announce(&name, 10, Hash::of(name.as_bytes()));
    }
    bench.commit();
    let files = bench.run();
    assert_eq!(see_to_all(&files), count);
    let writes = *files.saving.lock().unwrap();
    assert!(
        writes as usize <= count.div_ceil(FILES_NEWS_BATCH),
        "{writes}"
    );
    // What is new afterwards costs one.
    bench.announce("one more", 10, Hash::of(b"one more"));
    bench.commit();
    assert_eq!(see_to_all(&files), 1);
    assert_eq!(*files.saving.lock().unwrap(), writes + 1);
    // And nothing new costs nothing, in the next run too.
    assert_eq!(see_to_all(&files), 0);
    assert_eq!(*files.saving.lock().unwrap(), writes + 1);
    drop(files);
    let files = bench.run();
    assert_eq!(see_to_all(&files), 0);
    assert_eq!(*files.saving.lock().unwrap(), 0);
    assert_eq!(files.book().wanted(), count + 1);
}

#[test]
fn wherever_a_kill_comes_nothing_is_forgotten_nor_wanted_again() {
    let mut bench = Bench::new();
    let ids: Vec<MessageId> = (0..FILES_NEWS_BATCH + 3)
        .map(|k| {
            let name = format!("{k}.txt");
            bench.announce(&name, 10, Hash::of(name.as_bytes()))
        })
        .collect();
    bench.commit();
    // Killed once the log was looked through, and again in the middle of what is new.
    let files = bench.run();
    files.announced(|_| Ok(())).unwrap();
    drop(files);
    let files = bench.run();
    files.announced(|_| Ok(())).unwrap();
    assert!(files.see_to_news().more);
    drop(files);
    let files = bench.run();
    see_to_all(&files);
    assert!(ids.iter().all(|id| is_wanted(&files, id)));

    // What somebody cancelled is not wanted again: neither where the word of what was seen to is there…
    {
        let mut book = files.book();
        book.stop(&ids[1]);
        book.notes.get_mut(&ids[1]).unwrap().wanted = false;
    }
    files.save().unwrap();
    drop(files);
    let index = bench.dir.path().join("files.index");
    for is_lost in [false, true] {
        if is_lost {
            // …nor where a kill came before it.
            std::fs::remove_file(&index).unwrap();
        }
        let files = bench.run();
        assert_eq!(see_to_all(&files), 0);
        for (at, id) in ids.iter().enumerate() {
            assert_eq!(is_wanted(&files, id), at != 1, "{at} {is_lost}");
        }
        assert!(index.exists());
    }
}

#[test]
fn announcements_are_found_by_the_whole_of_their_hash() {
    let mut bench = Bench::new();
    let hash = Hash::of(b"the bytes");
    let mut beside = *hash.as_bytes();
    beside[31] ^= 1;
    let beside = Hash::from_bytes(beside);
    let first = bench.announce("first", 9, hash);
    let other = bench.announce("first", 9, beside);
    let newest = bench.announce("newest", 9, hash);
    bench.announce("something else", 9, Hash::of(b"else"));
    bench.commit();
    let find = |files: &Files, hash: &Hash, name: Option<&str>| {
        let fits = |it: &super::Announcement| name.is_none_or(|name| it.name == name);
        let found = files.announced(|announced| announced.by_hash(hash, fits));
        found.unwrap().map(|it| it.id)
    };
    for round in 0..2 {
        // The second reads what the first wrote down.
        let files = bench.run();
        see_to_all(&files);
        assert_eq!(find(&files, &hash, None), Some(newest), "{round}");
        assert_eq!(find(&files, &hash, Some("first")), Some(first));
        assert_eq!(find(&files, &beside, None), Some(other));
        assert_eq!(find(&files, &beside, Some("newest")), None);
        assert_eq!(find(&files, &Hash::of(b"nothing"), None), None);
        let has_place = |hash: &Hash| files.announced(|it| it.has_place(hash)).unwrap();
        assert!(has_place(&hash) && has_place(&beside));
        assert!(!has_place(&Hash::of(b"nothing")));
    }
    // What does not count any more is not found.
    let files = bench.run();
    for (last, of_hash, of_beside) in [
        (2, Some(first), Some(other)),
        (1, Some(first), None),
        (0, None, None),
    ] {
        bench.view.cuts = vec![ViewCut {
            author: bench.bob.author(),
            chains: vec![(1, last)],
            others: false,
        }];
        bench.view.save(&FsStorage, bench.dir.path()).unwrap();
        assert_eq!(find(&files, &hash, None), of_hash, "{last}");
        assert_eq!(find(&files, &beside, None), of_beside, "{last}");
        let has_place = files.announced(|it| it.has_place(&hash)).unwrap();
        assert_eq!(has_place, last > 0);
    }
    assert!(files.find(&newest).is_err());
}

#[test]
fn what_is_noted_is_of_the_state_that_is_told() {
    let mut bench = Bench::new();
    let id = bench.announce("a.txt", 10, Hash::of(b"a"));
    bench.commit();
    let files = bench.run();
    see_to_all(&files);
    let file = files.find(&id).unwrap();
    assert_eq!(files.status(&file).state, FileState::Waiting);
    assert_eq!(file.n, ArrivalNo(1));
    drop(files);
    assert_eq!(Book::read(bench.dir.path()).wanted(), 1);
}

#[test]
fn what_is_taken_back_stays_while_it_is_not_known_whose_it_is() {
    let mut bench = Bench::new();
    let hash = Hash::of(b"mine");
    let (place, name) = cc_proto::files::file_place(&hash, "mine.txt");
    let place = bench.dir.path().join("files").join(place);
    std::fs::create_dir_all(place.join(".of")).unwrap();
    std::fs::write(place.join(&name), "mine").unwrap();
    let id = bench.announce("else.txt", 4, Hash::of(b"else"));
    bench.commit();
    let files = bench.run();
    files.news().push(super::News::TakenBack(hash));
    files.announced(|_| Ok(())).unwrap();
    let seen = files.see_to_news();
    assert!(seen.fault.is_some() && seen.forgotten.is_empty());
    assert!(place.join(&name).exists());
    assert!(is_wanted(&files, &id), "it is held up by what failed");
    // Later, once it is known.
    std::fs::remove_dir(place.join(".of")).unwrap();
    let seen = files.see_to_news();
    assert!(seen.fault.is_none(), "{:?}", seen.fault);
    assert!(!place.exists());
}

#[test]
fn what_was_not_synced_loses_its_name_as_soon_as_the_log_can_be_read() {
    let mut bench = Bench::new();
    let hash = Hash::of(b"0123456789");
    let id = bench.announce("a.txt", 10, hash);
    bench.commit();
    let files = bench.run();
    see_to_all(&files);
    {
        let mut book = files.book();
        let note = book.notes.get_mut(&id).unwrap();
        (note.wanted, note.unsynced) = (false, true);
    }
    files.save().unwrap();
    let path = super::place::path_of(bench.dir.path(), &files.find(&id).unwrap());
    let owner = cc_proto::files::PlaceOwner { hash, size: 10 };
    super::place::claim(path.parent().unwrap(), owner).unwrap();
    std::fs::write(&path, "0123456789").unwrap();
    drop(files);

    let files = bench.run();
    let [view, away] = ["view.json", "away"].map(|name| bench.dir.path().join(name));
    std::fs::rename(&view, &away).unwrap();
    files.withdraw_unchecked();
    let seen = files.see_to_news();
    assert!(seen.fault.is_some() && seen.more);
    assert!(path.exists() && files.book().notes[&id].named);
    std::fs::rename(&away, &view).unwrap();
    let seen = files.see_to_news();
    assert!(seen.fault.is_none() && !seen.more, "{:?}", seen.fault);
    assert!(!path.exists() && !files.book().notes[&id].named);
    assert!(is_wanted(&files, &id));
}

#[test]
fn what_was_cancelled_before_it_was_read_again_stays_cancelled() {
    let mut bench = Bench::new();
    let id = bench.announce("a.txt", 10, Hash::of(b"a"));
    bench.commit();
    let files = bench.run();
    see_to_all(&files);
    {
        // It came, and the power was lost before it was synced.
        let mut book = files.book();
        let note = book.notes.get_mut(&id).unwrap();
        (note.wanted, note.unsynced) = (false, true);
    }
    files.save().unwrap();
    drop(files);
    let files = bench.run();
    see_to_all(&files);
    assert!(is_wanted(&files, &id));
    let file = files.find(&id).unwrap();
    super::api::cancel(&files, &file).unwrap();
    drop(files);
    let files = bench.run();
    see_to_all(&files);
    assert!(!is_wanted(&files, &id));
}
