//! Torn tails, damaged lines, repairs, full disks, and an index that is missing or lies.

mod support;

use cc_log::fault::FaultStorage;
use cc_log::{DamagedLine, LogWriter, Rebuilt, Storage, WriteError};
use cc_proto::id::{ArrivalNo, Seq, Timestamp};
use cc_proto::message::Message;
use support::{Author, INFO, append, dir, ids, lines, log_of, log_path, open, reader};

fn spans(disk: &FaultStorage) -> Vec<(usize, usize)> {
    lines(disk)
        .iter()
        .map(|line| (line.offset as usize, line.end() as usize))
        .collect()
}

/// Rewrites the log with the writer closed.
fn edit(disk: &FaultStorage, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = disk.contents(&log_path()).unwrap();
    change(&mut bytes);
    disk.set_contents(&log_path(), &bytes);
}

fn wanted(messages: &[Message]) -> Vec<Option<cc_proto::id::MessageId>> {
    messages.iter().map(|message| Some(message.id())).collect()
}

#[test]
fn a_torn_last_line_is_not_there_for_readers_and_is_cut_by_the_writer() {
    let disk = FaultStorage::new();
    let (log, messages) = log_of(&disk, 5);
    drop(log);
    edit(&disk, |log| {
        log.extend_from_slice(b"{\"n\":6,\"at\":5,\"id\":\"ab");
    });
    assert_eq!(ids(&lines(&disk)), wanted(&messages));
    // Nor for those who must find the end without the index.
    support::remove_index(&disk, &dir());
    assert_eq!(ids(&lines(&disk)), wanted(&messages));
    let (mut log, recovery) = open(&disk);
    assert_eq!(recovery.cut_bytes, 22);
    let mut carol = Author::new(3);
    assert_eq!(append(&mut log, &carol.says("hi")), ArrivalNo(6));
    log.commit().unwrap();
    assert_eq!(lines(&disk).len(), 6);
}

/// Damages line 3 of 6 in every way a disk or an editor might; its number and those of the lines
/// after it must hold, before and after the index is made anew.
#[test]
fn a_damaged_line_keeps_its_number_and_those_of_the_lines_after_it() {
    type Damage = fn(&mut Vec<u8>, usize, usize);
    let ways: [(&str, Damage); 7] = [
        ("a byte of raw", |log, start, _| {
            let raw = log[start..]
                .windows(7)
                .position(|it| it == b"\"raw\":\"")
                .unwrap();
            log[start + raw + 40] ^= 1;
        }),
        ("the id", |log, start, _| {
            let id = log[start..]
                .windows(6)
                .position(|it| it == b"\"id\":\"")
                .unwrap();
            let digit = &mut log[start + id + 6];
            *digit = if *digit == b'0' { b'1' } else { b'0' };
        }),
        ("the first byte", |log, start, _| log[start] = b'x'),
        ("zeros throughout", |log, start, end| {
            log[start..end - 1].fill(0);
        }),
        ("its newline", |log, _, end| log[end - 1] = b'x'),
        ("zeros with its newline", |log, start, end| {
            log[start..end].fill(0);
        }),
        ("newlines in it", |log, start, end| {
            log[start + 50..end - 50].fill(b'\n');
        }),
    ];
    for (way, damage) in ways {
        for rebuild in [false, true] {
            let disk = FaultStorage::new();
            let (log, messages) = log_of(&disk, 6);
            log.close().unwrap();
            let (start, end) = spans(&disk)[2];
            edit(&disk, |log| damage(log, start, end));
            if rebuild {
                support::remove_index(&disk, &dir());
            }
            let mut expected = wanted(&messages);
            expected[2] = None;
            assert_eq!(
                ids(&lines(&disk)),
                expected,
                "{way}, reader, rebuild {rebuild}"
            );
            let (log, recovery) = open(&disk);
            let found: Vec<_> = (1..=6)
                .map(|n| log.read(ArrivalNo(n)).unwrap().id())
                .collect();
            assert_eq!(found, expected, "{way}, writer, rebuild {rebuild}");
            assert_eq!(
                ids(&lines(&disk)),
                expected,
                "{way}, after, rebuild {rebuild}"
            );
            assert_eq!(log.damaged(), [ArrivalNo(3)], "{way}");
            if rebuild {
                assert_eq!(recovery.damaged, [ArrivalNo(3)]);
                assert_eq!(recovery.missing.len(), 1);
                assert_eq!(recovery.missing[0].2, Seq(3));
            }
        }
    }
}

#[test]
fn a_sector_of_zeros_over_many_lines_moves_no_number() {
    let disk = FaultStorage::new();
    let (log, messages) = log_of(&disk, 12);
    drop(log);
    let spans = spans(&disk);
    let (start, end) = (spans[3].0 + 100, spans[7].0 + 30);
    edit(&disk, |log| log[start..end].fill(0));
    support::remove_index(&disk, &dir());
    let (log, recovery) = open(&disk);
    let mut expected = wanted(&messages);
    expected[3..8].fill(None);
    assert_eq!(ids(&lines(&disk)), expected);
    assert_eq!(recovery.damaged, [4, 5, 6, 7, 8].map(ArrivalNo));
    assert_eq!(
        recovery.missing.iter().map(|it| it.2.0).collect::<Vec<_>>(),
        [4, 5, 6, 7, 8]
    );
    let why = log.read(ArrivalNo(6)).unwrap().message.unwrap_err();
    assert_eq!(why, DamagedLine::Swallowed);
}

#[test]
fn a_refetched_copy_is_found_at_its_place_and_skipped_by_cursors_past_it() {
    for rebuild in [false, true] {
        let disk = FaultStorage::new();
        let (log, messages) = log_of(&disk, 6);
        log.close().unwrap();
        let (start, end) = spans(&disk)[2];
        edit(&disk, |log| log[start + 10..end - 10].fill(b'#'));
        if rebuild {
            support::remove_index(&disk, &dir());
        }
        let (mut log, _) = open(&disk);
        let bob = Author::new(2);
        let at =
            |log: &LogWriter<FaultStorage>| support::messages_at(log, &bob.id(), bob.chain, Seq(3));
        assert!(at(&log).is_empty());
        let before = reader(&disk).injectable_after(ArrivalNo(0)).unwrap();

        // What comes again by itself is recognised as a repair.
        assert_eq!(append(&mut log, &messages[2]), ArrivalNo(7));
        log.commit().unwrap();
        let check = |log: &LogWriter<FaultStorage>| {
            assert_eq!(at(log), [messages[2].clone()], "rebuild {rebuild}");
            assert!(log.damaged().is_empty());
            assert_eq!((log.heads().len(), log.forks().len()), (1, 0));
            assert_eq!(log.heads()[0].id, messages[5].id());
            let line = log.read(ArrivalNo(7)).unwrap();
            assert_eq!(line.repairs, Some(ArrivalNo(3)));
            assert!(line.is_skipped_after(ArrivalNo(3)) && !line.is_skipped_after(ArrivalNo(2)));
            let reader = reader(&disk);
            assert_eq!(reader.injectable_after(ArrivalNo(0)).unwrap(), before);
            assert_eq!(reader.injectable_after(ArrivalNo(6)).unwrap(), 0);
        };
        check(&log);
        drop(log);
        check(&open(&disk).0);
        support::remove_index(&disk, &dir());
        let (mut log, recovery) = open(&disk);
        assert!(recovery.damaged.is_empty() && recovery.missing.is_empty());
        check(&log);
        assert_eq!(append(&mut log, &messages[2]), ArrivalNo(7));
    }
}

#[test]
fn a_repair_of_a_sound_line_is_refused_and_a_lost_tip_is_appended_again() {
    let disk = FaultStorage::new();
    let (log, messages) = log_of(&disk, 4);
    drop(log);
    let (start, end) = spans(&disk)[3];
    edit(&disk, |log| log[start + 10..end - 10].fill(b'#'));
    support::remove_index(&disk, &dir());
    // Nothing says that the last line was ever on disk: it is taken for a torn write.
    let (mut log, _) = open(&disk);
    assert_eq!((log.len(), log.damaged()), (ArrivalNo(3), vec![]));
    let refused = log.append_repair(ArrivalNo(2), &messages[1], Timestamp(5), INFO);
    assert!(matches!(
        refused,
        Err(WriteError::NotDamaged { n: ArrivalNo(2) })
    ));
    let n = append(&mut log, &messages[3]);
    log.commit().unwrap();
    assert_eq!(log.heads()[0].id, messages[3].id());
    assert_eq!(log.read(n).unwrap().id(), Some(messages[3].id()));
}

#[test]
fn a_damaged_tip_that_the_index_still_knows_is_repaired_in_place() {
    let disk = FaultStorage::new();
    let (log, messages) = log_of(&disk, 4);
    log.close().unwrap();
    let (start, end) = spans(&disk)[3];
    edit(&disk, |log| log[start + 10..end - 10].fill(b'#'));
    let (mut log, recovery) = open(&disk);
    assert_eq!(recovery.rebuilt, None);
    assert_eq!(log.heads()[0].id, messages[3].id());
    let n = log
        .append_repair(ArrivalNo(4), &messages[3], Timestamp(5), INFO)
        .unwrap();
    log.commit().unwrap();
    assert_eq!(log.read(n).unwrap().repairs, Some(ArrivalNo(4)));
    assert_eq!((log.heads().len(), log.forks().len()), (1, 0));
}

#[test]
fn a_full_disk_is_said_so_harms_nothing_and_is_recovered_from() {
    let disk = FaultStorage::new();
    let (mut log, messages) = log_of(&disk, 10);
    let heads = log.heads();
    let mut carol = Author::new(3);
    let lost: Vec<_> = (1..=5).map(|i| carol.says(&format!("lost {i}"))).collect();
    // So much that some of the lines are written whole before the disk is full.
    disk.set_capacity(Some(disk.used_bytes() + 2_000));
    for message in &lost {
        append(&mut log, message);
    }
    assert!(matches!(log.commit(), Err(WriteError::StorageFull { .. })));
    let expected = wanted(&messages);
    assert_eq!(ids(&lines(&disk)), expected);
    assert_eq!(
        (log.len(), log.heads(), log.chat_count()),
        (ArrivalNo(10), heads, 10)
    );
    assert!(support::messages_at(&log, &carol.id(), carol.chain, Seq(1)).is_empty());
    let size = reader(&disk).end_offset();
    assert_eq!(disk.size(&log_path()).unwrap(), size);
    // Also after a power loss just then.
    let (after, _) = open(&disk.crash(7));
    assert_eq!(after.len(), ArrivalNo(10));

    disk.set_capacity(None);
    for message in &lost {
        append(&mut log, message);
    }
    log.commit().unwrap();
    assert_eq!(lines(&disk).len(), 15);
    drop(log);
    assert_eq!(open(&disk).0.len(), ArrivalNo(15));
}

#[test]
fn a_failed_sync_takes_forks_nicks_and_repairs_back_too() {
    let disk = FaultStorage::new();
    let (log, messages) = log_of(&disk, 6);
    log.close().unwrap();
    let (start, end) = spans(&disk)[2];
    edit(&disk, |log| log[start + 10..end - 10].fill(b'#'));
    support::remove_index(&disk, &dir());
    let (mut log, _) = open(&disk);
    let (heads, forks, damaged) = (log.heads(), log.forks(), log.damaged());
    assert_eq!(damaged, [ArrivalNo(3)]);
    let mut twin = Author::new(2);
    (twin.seq, twin.prev) = (3, Some(messages[2].id()));
    let mut carol = Author::new(3);
    disk.set_sync_fails(true);
    append(&mut log, &messages[2]);
    append(&mut log, &twin.says("the other fourth"));
    append(&mut log, &carol.takes_nick("carol"));
    append(&mut log, &carol.says("hello"));
    assert!(matches!(log.commit(), Err(WriteError::Io { .. })));
    assert_eq!(
        (log.heads(), log.forks(), log.damaged()),
        (heads, forks, damaged)
    );
    assert!(support::messages_at(&log, &carol.id(), carol.chain, Seq(1)).is_empty());
    assert!(log.roster_messages().unwrap().is_empty());
    disk.set_sync_fails(false);
    assert_eq!(append(&mut log, &messages[2]), ArrivalNo(7));
    log.commit().unwrap();
    let bob = Author::new(2);
    assert_eq!(
        support::messages_at(&log, &bob.id(), bob.chain, Seq(3)),
        [messages[2].clone()]
    );
    assert_eq!(lines(&disk).len(), 7);
}

/// For each file of the index, and each thing that may happen to it: the log opens, answers as
/// before, and says why the index was made anew where it was.
#[test]
fn an_index_that_is_missing_cut_or_garbage_is_made_anew() {
    type Harm = fn(&[u8]) -> Option<Vec<u8>>;
    let harms: [(&str, Harm); 4] = [
        ("gone", |_| None),
        ("empty", |_| Some(Vec::new())),
        ("half", |bytes| Some(bytes[..bytes.len() / 2].to_vec())),
        ("garbage", |bytes| {
            Some(bytes.iter().map(|byte| byte ^ 0x5a).collect())
        }),
    ];
    for name in ["records", "places", "roster", "checkpoint", "committed"] {
        for (way, harm) in harms {
            let disk = FaultStorage::new();
            let (mut log, _) = open(&disk);
            let mut bob = Author::new(2);
            let nick = bob.takes_nick("bob");
            append(&mut log, &nick);
            let messages: Vec<_> = (0..150).map(|i| bob.says(&format!("{i}"))).collect();
            for message in &messages {
                append(&mut log, message);
            }
            log.close().unwrap();
            let path = dir().join("index").join(name);
            let bytes = disk.contents(&path).unwrap();
            match harm(&bytes) {
                Some(bytes) => disk.set_contents(&path, &bytes),
                None => disk.remove(&path).unwrap(),
            }
            let told = format!("{name} {way}");
            assert_eq!(lines(&disk).len(), 151, "{told}");
            assert_eq!(
                reader(&disk).injectable_after(ArrivalNo(1)).unwrap(),
                150,
                "{told}"
            );
            let roster = reader(&disk).first_roster_line_after(ArrivalNo(0)).unwrap();
            assert_eq!(roster, Some(ArrivalNo(1)), "{told}");
            let (log, recovery) = open(&disk);
            let expect_rebuilt = match (name, way) {
                // Garbage entries are found only where they are read.
                ("committed", _) | ("places" | "roster", "garbage") => None,
                ("checkpoint", "gone") => Some(Rebuilt::Missing),
                ("checkpoint", _) => Some(Rebuilt::Garbage),
                _ => Some(Rebuilt::Truncated),
            };
            assert_eq!(recovery.rebuilt, expect_rebuilt, "{told}");
            for (message, seq) in messages.iter().zip(2..) {
                let found = support::messages_at(&log, &bob.id(), bob.chain, Seq(seq));
                assert_eq!(found, std::slice::from_ref(message), "{told}, place {seq}");
            }
            assert_eq!(
                log.roster_messages().unwrap(),
                std::slice::from_ref(&nick),
                "{told}"
            );
            assert_eq!(log.heads()[0].id, messages[149].id());
            assert_eq!(lines(&disk).len(), 151, "{told}");
        }
    }
}

#[test]
fn an_index_of_another_log_room_owner_or_version_is_made_anew() {
    let disk = FaultStorage::new();
    let (log, _) = log_of(&disk, 30);
    log.close().unwrap();
    let why = |disk: &FaultStorage, room, me| {
        let opened = LogWriter::open(disk.clone(), &dir(), room, me).unwrap();
        assert_eq!(opened.0.len().0, opened.0.chat_count());
        opened.1.rebuilt
    };
    let other = Author::new(9).id();
    assert_eq!(
        why(&disk.kill(), support::ROOM, other),
        Some(Rebuilt::Foreign)
    );

    let shorter = disk.kill();
    edit(&shorter, |log| log.truncate(log.len() / 2));
    assert_eq!(
        why(&shorter, support::ROOM, support::me()),
        Some(Rebuilt::Contradicts)
    );

    let replaced = disk.kill();
    let elsewhere = FaultStorage::new();
    let (mut log, _) = open(&elsewhere);
    let mut carol = Author::new(3);
    for i in 1..=31 {
        append(&mut log, &carol.says(&format!("message {i}")));
    }
    log.commit().unwrap();
    replaced.set_contents(&log_path(), &elsewhere.contents(&log_path()).unwrap());
    assert_eq!(
        why(&replaced, support::ROOM, support::me()),
        Some(Rebuilt::Contradicts)
    );
    assert_eq!(lines(&replaced).len(), 31);
}

#[test]
fn a_line_damaged_after_the_checkpoint_is_missed_though_an_older_index_page_names_it() {
    let disk = FaultStorage::new();
    let (log, _) = log_of(&disk, 2);
    log.close().unwrap();
    let (mut log, _) = open(&disk);
    let mut bob = Author::new(2);
    for i in 1..=6 {
        append(&mut log, &bob.says(&format!("message {i}")));
    }
    log.commit().unwrap();
    let disk = disk.kill();
    let (start, end) = spans(&disk)[3];
    edit(&disk, |log| log[start + 10..end - 10].fill(b'#'));
    let (_log, recovery) = open(&disk);
    assert_eq!((recovery.rebuilt, recovery.lines_read), (None, 4));
    assert_eq!(recovery.missing, [(bob.id(), bob.chain, Seq(4))]);
}
