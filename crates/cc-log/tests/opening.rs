//! What opening costs, whatever the length of the log.

mod support;

use cc_log::fault::FaultStorage;
use cc_log::{Cursor, may_have_unread};
use cc_proto::id::{ArrivalNo, Seq};
use support::{Author, append, dir, log_path, open, reader};

/// A disk with a log of `count` lines that was closed cleanly.
fn closed(count: u64) -> (FaultStorage, Author) {
    let disk = FaultStorage::new();
    let (mut log, _) = open(&disk);
    let mut bob = Author::new(2);
    append(&mut log, &bob.takes_nick("bob"));
    for i in 1..count {
        append(&mut log, &bob.says(&format!("message {i}")));
        if i % 500 == 0 {
            log.commit().unwrap();
        }
    }
    log.close().unwrap();
    (disk.kill(), bob)
}

#[test]
fn a_long_log_opens_without_being_read_and_any_place_is_one_line() {
    /// The last line twice (its end, and against the checkpoint), and the roster's lines.
    const BYTES_MAX: u64 = 64 * 1024 + 4 * 1024;
    let (disk, bob) = closed(12_000);
    let size = disk.contents(&log_path()).unwrap().len() as u64;
    assert!(size > 50 * BYTES_MAX, "the log is too short to tell");
    let (log, recovery) = open(&disk);
    assert_eq!((recovery.lines_read, recovery.rebuilt), (0, None));
    assert_eq!(log.heads()[0].seq, Seq(12_000));
    assert_eq!(log.forks(), []);
    assert_eq!(log.roster_messages().unwrap().len(), 1);
    let opened = disk.bytes_read(&log_path());
    assert!(opened <= BYTES_MAX, "{opened} bytes of the log were read");
    assert_eq!(
        support::messages_at(&log, &bob.id(), bob.chain, Seq(6_000)).len(),
        1
    );
    let place = disk.bytes_read(&log_path()) - opened;
    assert!(place < 2_000, "{place} bytes were read for one place");
}

#[test]
fn after_a_crash_only_the_lines_since_the_last_checkpoint_are_read() {
    let disk = FaultStorage::new();
    let (mut log, _) = open(&disk);
    log.set_checkpoint_lines(100);
    let mut bob = Author::new(2);
    for i in 0..1_050 {
        append(&mut log, &bob.says(&format!("message {i}")));
        log.commit().unwrap();
    }
    for disk in [disk.kill(), disk.crash(1), disk.crash(2), disk.crash(3)] {
        let (log, recovery) = open(&disk);
        assert_eq!(log.len(), ArrivalNo(1_050));
        assert_eq!(recovery.rebuilt, None);
        assert!(
            recovery.lines_read <= 100,
            "{} lines were read",
            recovery.lines_read
        );
    }
}

#[test]
fn a_hook_reads_as_much_of_a_long_log_as_of_a_short_one() {
    let cost = |count| {
        let (disk, _) = closed(count);
        let files = [
            "log.jsonl",
            "index/records",
            "index/roster",
            "index/committed",
        ];
        let read = || {
            files
                .map(|file| disk.bytes_read(&dir().join(file)))
                .iter()
                .sum::<u64>()
        };
        let before = read();
        let reader = reader(&disk);
        let from = reader.position_after(ArrivalNo(count - 10)).unwrap();
        let cursor = Cursor {
            n: from.n,
            offset: from.offset,
            id: from.id,
            ..Cursor::default()
        };
        let from = reader.place(&cursor).unwrap();
        assert_eq!(reader.lines_after(&from).count(), 10);
        assert_eq!(reader.injectable_after(from.n).unwrap(), 10);
        assert_eq!(reader.first_roster_line_after(from.n).unwrap(), None);
        read() - before
    };
    let (short, long) = (cost(100), cost(5_000));
    assert!(
        long < short + 2_000,
        "{short} bytes for 100 lines, {long} for 5,000"
    );
}

#[test]
fn with_nothing_unread_the_log_is_only_looked_at() {
    let (disk, _) = closed(100);
    let end = reader(&disk).end().unwrap();
    let cursor = Cursor {
        n: end.n,
        offset: end.offset,
        id: end.id,
        ..Cursor::default()
    };
    let before = disk.bytes_read(&log_path());
    assert!(!may_have_unread(&disk, &dir(), &cursor).unwrap());
    assert_eq!(disk.bytes_read(&log_path()), before);
    assert!(may_have_unread(&disk, &dir(), &Cursor::default()).unwrap());
}
