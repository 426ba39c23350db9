//! Cursors: held from read to write, never backwards, found again, swept.

mod support;

use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use cc_log::fault::FaultStorage;
use cc_log::{
    AwaitedFile, CursorError, CursorStore, FsStorage, LogReader, LogWriter, Position, Storage,
};
use cc_proto::id::{ArrivalNo, MessageId, Timestamp};
use support::{Author, ROOM, append, dir, log_of, me, open, reader};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

fn store(disk: &FaultStorage) -> CursorStore<FaultStorage> {
    CursorStore::new_in(disk.clone(), &dir())
}

/// Fifty hooks of one session at once, on a real disk: each message once.
#[test]
fn fifty_hooks_of_one_session_show_each_message_once() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("rooms/1");
    let (mut log, _) = LogWriter::open(FsStorage, &path, ROOM, me()).unwrap();
    let mut bob = Author::new(2);
    let all: Vec<MessageId> = (0..200)
        .map(|i| {
            let message = bob.says(&format!("{i}"));
            append(&mut log, &message);
            message.id()
        })
        .collect();
    log.commit().unwrap();
    let shown = Arc::new(Mutex::new(Vec::new()));
    let barrier = Arc::new(Barrier::new(50));
    let hooks: Vec<_> = (0..50)
        .map(|_| {
            let (path, shown, barrier) = (path.clone(), shown.clone(), barrier.clone());
            thread::spawn(move || {
                barrier.wait();
                let mut cursor = CursorStore::new(&path).lock("claude-s1", soon()).unwrap();
                let log = LogReader::open(&path).unwrap();
                let mut at = cursor.place(&log).unwrap();
                // Each shows a few, so that all fifty have something to do.
                for line in log.lines_after(&at.clone()).take(7) {
                    let line = line.unwrap();
                    shown.lock().unwrap().push(line.id().unwrap());
                    at = Position::after(&line);
                }
                cursor.advance(at, Timestamp(5)).unwrap();
            })
        })
        .collect();
    for hook in hooks {
        hook.join().unwrap();
    }
    assert_eq!(*shown.lock().unwrap(), all);
}

#[test]
fn the_files_are_private() {
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("rooms/1");
    let (log, _) = LogWriter::open(FsStorage, &path, ROOM, me()).unwrap();
    log.close().unwrap();
    let mut cursor = CursorStore::new(&path).lock("s1", soon()).unwrap();
    cursor.advance(Position::START, Timestamp(5)).unwrap();
    let mode = |path: &str| {
        std::fs::metadata(home.path().join(path))
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    for dir in ["rooms/1", "rooms/1/index", "rooms/1/cursors"] {
        assert_eq!(mode(dir), 0o700, "{dir}");
    }
    let files = [
        "log.jsonl",
        "writer.lock",
        "index/records",
        "index/checkpoint",
        "cursors/s1.json",
    ];
    for file in files {
        assert_eq!(mode(&format!("rooms/1/{file}")), 0o600, "{file}");
    }
}

#[test]
fn a_cursor_in_use_is_refused_at_the_deadline_and_another_readers_is_not() {
    let disk = FaultStorage::new();
    let cursors = store(&disk);
    let held = cursors.lock("s1", soon()).unwrap();
    let refused = cursors.lock("s1", Instant::now());
    assert!(matches!(refused, Err(CursorError::Locked { reader }) if reader == "s1"));
    cursors.lock("s2", Instant::now()).unwrap();
    drop(held);
    cursors.lock("s1", Instant::now()).unwrap();
}

#[test]
fn a_cursor_never_moves_backwards() {
    let disk = FaultStorage::new();
    let (_log, _) = log_of(&disk, 5);
    let log = reader(&disk);
    let mut cursor = store(&disk).lock("s1", soon()).unwrap();
    cursor.place(&log).unwrap();
    cursor
        .advance(log.position_after(ArrivalNo(4)).unwrap(), Timestamp(5))
        .unwrap();
    let back = cursor.advance(log.position_after(ArrivalNo(2)).unwrap(), Timestamp(6));
    assert!(matches!(
        back,
        Err(CursorError::Backwards {
            at: ArrivalNo(4),
            to: ArrivalNo(2)
        })
    ));
    drop(cursor);
    assert_eq!(store(&disk).peek("s1").unwrap().n, ArrivalNo(4));
}

#[test]
fn a_lost_or_garbage_cursor_offers_everything_again() {
    let disk = FaultStorage::new();
    let (_log, _) = log_of(&disk, 5);
    let log = reader(&disk);
    let path = dir().join("cursors/s1.json");
    for garbage in [
        &b""[..],
        b"\0\0\0\0",
        b"{\"v\":1,\"n\":3",
        b"{\"v\":9,\"n\":3,\"offset\":1,\"id\":null,\"at\":1}",
    ] {
        disk.set_contents(&path, garbage);
        let mut cursor = store(&disk).lock("s1", soon()).unwrap();
        assert_eq!(cursor.place(&log).unwrap(), Position::START);
    }
}

#[test]
fn a_cursor_finds_its_place_again_or_starts_over_but_never_skips() {
    let disk = FaultStorage::new();
    let (log, messages) = log_of(&disk, 6);
    drop(log);
    let position = reader(&disk).position_after(ArrivalNo(4)).unwrap();
    let mut cursor = store(&disk).lock("s1", soon()).unwrap();
    cursor.advance(position, Timestamp(5)).unwrap();
    drop(cursor);
    let place = |disk: &FaultStorage| {
        store(disk)
            .lock("s1", soon())
            .unwrap()
            .place(&reader(disk))
            .unwrap()
    };
    assert_eq!(place(&disk), position);

    // The log rewritten with other lengths: found by number and id.
    let rewritten = disk.kill();
    let bytes = String::from_utf8(disk.contents(&support::log_path()).unwrap()).unwrap();
    let longer = bytes.replace("\"nick\":\"bob\"", "\"nick\":\"bob the builder\"");
    rewritten.set_contents(&support::log_path(), longer.as_bytes());
    support::remove_index(&rewritten, &dir());
    drop(open(&rewritten));
    let found = place(&rewritten);
    assert_eq!((found.n, found.id), (ArrivalNo(4), Some(messages[3].id())));
    assert_ne!(found.offset, position.offset);

    // An older log, as from a backup: what it holds is offered again.
    let older = disk.kill();
    let end = reader(&disk).position_after(ArrivalNo(2)).unwrap().offset as usize;
    older.set_contents(&support::log_path(), &bytes.as_bytes()[..end]);
    support::remove_index(&older, &dir());
    drop(open(&older));
    assert_eq!(place(&older), Position::START);

    // Another log whose line 4 ends at the very same byte.
    let other = FaultStorage::new();
    let (mut log, _) = open(&other);
    let mut carol = Author::new(3);
    for i in 1..=6 {
        append(&mut log, &carol.says(&format!("message {i}")));
    }
    log.commit().unwrap();
    let path = dir().join("cursors/s1.json");
    other.set_contents(&path, &disk.contents(&path).unwrap());
    assert_eq!(place(&other), Position::START);
}

#[test]
fn a_cursor_ahead_of_what_the_writer_last_said_stays_where_it_is() {
    let disk = FaultStorage::new();
    let (mut log, _) = log_of(&disk, 3);
    let committed = dir().join("index/committed");
    let older = disk.contents(&committed).unwrap();
    let mut carol = Author::new(3);
    append(&mut log, &carol.says("four"));
    log.commit().unwrap();
    drop(log);
    let position = reader(&disk).end().unwrap();
    let mut cursor = store(&disk).lock("s1", soon()).unwrap();
    cursor.advance(position, Timestamp(5)).unwrap();
    // As a power loss may leave it: the page of `committed` did not reach the disk.
    disk.set_contents(&committed, &older);
    let log = reader(&disk);
    assert_eq!(log.len(), ArrivalNo(3));
    assert_eq!(cursor.place(&log).unwrap(), position);
    assert_eq!(log.lines_after(&position).count(), 0);
}

#[test]
fn a_cursor_remembers_the_newest_files_it_waits_for_and_ignores_a_list_that_is_damaged() {
    let disk = FaultStorage::new();
    let (log, _) = log_of(&disk, 3);
    log.close().unwrap();
    let awaited = |n: u64| AwaitedFile {
        n: ArrivalNo(n),
        folder: format!("{n:016x}"),
    };
    let end = reader(&disk).end().unwrap();
    let mut cursor = store(&disk).lock("s1", soon()).unwrap();
    cursor
        .advance_awaiting(end, Timestamp(5), (1..=40).map(awaited).collect())
        .unwrap();
    let newest: Vec<AwaitedFile> = (9..=40).map(awaited).collect();
    assert_eq!(cursor.get().files, newest);
    // A move that says nothing of files keeps them, and so does a sign of life.
    cursor.advance(end, Timestamp(6)).unwrap();
    cursor.touch(Timestamp(9 * DAY_MS)).unwrap();
    drop(cursor);
    assert_eq!(store(&disk).peek("s1").unwrap().files, newest);

    let path = dir().join("cursors/s1.json");
    let whole = String::from_utf8(disk.contents(&path).unwrap()).unwrap();
    assert!(whole.len() < 1200, "{}", whole.len());
    let stands = store(&disk).peek("s1").unwrap();
    for (from, to) in [
        ("[9,", "[-9,"),
        ("\"0000000000000009\"", "\"../x\""),
        ("\"0000000000000009\"", "\"000000000000000A\""),
        ("[[9,", "[[8,\"0000000000000008\"],[9,"),
        ("[[9,\"0000000000000009\"]", "7,[1]"),
    ] {
        assert!(whole.contains(from), "{whole}");
        let damaged = whole.replacen(from, to, 1);
        disk.set_contents(&path, damaged.as_bytes());
        let cursor = store(&disk).peek("s1").unwrap();
        assert_eq!(cursor.files, []);
        if serde_json::from_str::<serde_json::Value>(&damaged).is_ok() {
            assert_eq!((cursor.n, cursor.id), (stands.n, stands.id));
        }
    }
    // One of before there was such a list is as good as ever.
    let list = whole.find(",\"files\"").unwrap();
    disk.set_contents(&path, format!("{}}}\n", &whole[..list]).as_bytes());
    assert_eq!(store(&disk).peek("s1").unwrap().n, ArrivalNo(3));
}

#[test]
fn cursors_unused_for_thirty_days_are_swept_and_touched_ones_stay() {
    let disk = FaultStorage::new();
    let cursors = store(&disk);
    let now = Timestamp(100 * DAY_MS);
    for (name, at) in [("old", 69), ("touched", 69), ("held", 69), ("new", 71)] {
        let mut cursor = cursors.lock(name, soon()).unwrap();
        cursor
            .advance(Position::START, Timestamp(at * DAY_MS))
            .unwrap();
    }
    cursors.lock("touched", soon()).unwrap().touch(now).unwrap();
    let held = cursors.lock("held", soon()).unwrap();
    assert_eq!(cursors.sweep(now).unwrap(), 1);
    drop(held);
    let left: Vec<String> = cursors
        .list()
        .unwrap()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(left, ["held", "new", "touched"]);
    assert!(disk.size(&dir().join("cursors/old.lock")).is_err());
    // A swept reader begins anew.
    assert_eq!(cursors.lock("old", soon()).unwrap().get().n, ArrivalNo(0));
}

#[test]
fn a_lock_whose_file_was_swept_meanwhile_guards_the_new_file() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("a.lock");
    let first = FsStorage.try_lock(&path).unwrap().unwrap();
    FsStorage.remove(&path).unwrap();
    let second = FsStorage.try_lock(&path).unwrap().unwrap();
    drop(first);
    assert!(FsStorage.try_lock(&path).unwrap().is_none());
    drop(second);
    assert!(FsStorage.try_lock(&path).unwrap().is_some());
}
