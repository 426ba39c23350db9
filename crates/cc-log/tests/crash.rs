//! The machine dies at every operation in turn, and what is left is opened again.

mod support;

use std::collections::BTreeSet;

use cc_log::fault::FaultStorage;
use cc_log::{CursorStore, LogWriter, Storage, WriteError};
use cc_proto::id::{ArrivalNo, MessageId, Timestamp};
use cc_proto::message::Message;
use support::{Author, INFO, ROOM, dir, lines, me, reader};

/// Two authors, a fork, a nick, bursts and single lines, more than one checkpoint.
fn script() -> Vec<Vec<Message>> {
    let (mut bob, mut carol) = (Author::new(2), Author::new(3));
    let mut commits = Vec::new();
    commits.push(vec![bob.takes_nick("bob"), carol.takes_nick("carol")]);
    let fork = (bob.seq, bob.prev);
    for burst in 0..6 {
        let texts = (0..4).map(|i| format!("{burst} {i} {}", "long ".repeat(i * 40)));
        let mut batch: Vec<_> = texts.map(|text| bob.says(&text)).collect();
        batch.push(carol.says(&format!("carol {burst}")));
        commits.push(batch);
        commits.push(vec![carol.says("alone")]);
    }
    let mut twin = Author::new(2);
    (twin.seq, twin.prev) = fork;
    commits.push(vec![
        twin.says("another first"),
        twin.says("another second"),
    ]);
    commits.push(vec![bob.says("and on")]);
    commits
}

/// What was promised: which messages a commit acknowledged, and how far a reader was shown.
#[derive(Default)]
struct Promised {
    stored: Vec<MessageId>,
    shown: Vec<MessageId>,
}

/// Runs the script until the machine dies; a reader with a cursor reads along.
fn run(disk: &FaultStorage, script: &[Vec<Message>]) -> Promised {
    let mut promised = Promised::default();
    let Ok((mut log, _)) = LogWriter::open(disk.clone(), &dir(), ROOM, me()) else {
        return promised;
    };
    log.set_checkpoint_lines(9);
    for batch in script {
        for message in batch {
            if log.append(message, Timestamp(5), INFO).is_err() {
                return promised;
            }
        }
        if log.commit().is_err() {
            return promised;
        }
        promised.stored.extend(batch.iter().map(Message::id));
        if read_along(disk, &mut promised.shown).is_none() {
            return promised;
        }
    }
    let _ = log.close();
    promised
}

/// One run of a hook; what it shows counts as shown though the machine dies before its cursor.
fn read_along(disk: &FaultStorage, shown: &mut Vec<MessageId>) -> Option<()> {
    let log = cc_log::LogReader::open_in(disk.clone(), &dir()).ok()?;
    let cursors = CursorStore::new_in(disk.clone(), &dir());
    let mut cursor = cursors.lock("s1", std::time::Instant::now()).ok()?;
    let stood = cursor.get().n;
    let from = cursor.place(&log).ok()?;
    // Lost by a power loss it may be; but where it stands, nothing went away before it.
    assert_eq!(from.n, stood, "a cursor lost its place");
    for line in log.lines_after(&from) {
        shown.extend(line.ok()?.id());
    }
    cursor.advance(log.end().ok()?, Timestamp(5)).ok()
}

fn check(disk: &FaultStorage, promised: &Promised, told: &str) {
    // A hook may come before the daemon does.
    let mut shown = promised.shown.clone();
    read_along(disk, &mut shown);
    let (log, recovery) = LogWriter::open(disk.clone(), &dir(), ROOM, me()).expect(told);
    read_along(disk, &mut shown).expect(told);

    let lines = lines(disk);
    let stored: Vec<MessageId> = lines.iter().filter_map(cc_log::Line::id).collect();
    let set: BTreeSet<_> = stored.iter().collect();
    for id in &promised.stored {
        assert!(set.contains(id), "{told}: an acknowledged message is gone");
    }
    assert_eq!(set.len(), stored.len(), "{told}: a message is stored twice");
    for id in &stored {
        assert!(shown.contains(id), "{told}: a message was never shown");
    }
    for id in &shown {
        assert!(set.contains(id), "{told}: a message was shown and is gone");
    }
    assert_eq!(log.len(), reader(disk).len(), "{told}");
    let ours = answers(&log, &lines);
    drop(log);

    // The index agrees with one made from nothing.
    let anew = disk.kill();
    support::remove_index(&anew, &dir());
    let (log, fresh) = LogWriter::open(anew.clone(), &dir(), ROOM, me()).expect(told);
    assert_eq!(support::lines(&anew), lines, "{told}");
    assert_eq!(answers(&log, &lines), ours, "{told}");
    assert_eq!(fresh.damaged, recovery.damaged, "{told}");
}

type Answers = (
    Vec<cc_proto::id::Head>,
    usize,
    u64,
    usize,
    Vec<Vec<MessageId>>,
);

fn answers(log: &LogWriter<FaultStorage>, lines: &[cc_log::Line]) -> Answers {
    let places = lines
        .iter()
        .filter_map(|line| line.message.as_ref().ok())
        .map(|message| {
            let header = message.header();
            let found = support::messages_at(log, &header.author, header.chain, header.seq);
            let ids: Vec<_> = found.iter().map(Message::id).collect();
            assert!(
                ids.contains(&message.id()),
                "a stored message is not found at its place"
            );
            ids
        });
    let places = places.collect();
    let roster = log.roster_messages().unwrap().len();
    (
        log.heads(),
        log.forks().len(),
        log.chat_count(),
        roster,
        places,
    )
}

#[test]
fn whenever_the_machine_dies_all_that_was_acknowledged_is_there() {
    let script = script();
    let whole = FaultStorage::new();
    let promised = run(&whole, &script);
    assert_eq!(
        promised.stored.len(),
        script.iter().map(Vec::len).sum::<usize>()
    );
    check(&whole.kill(), &promised, "no crash");
    for operation in 1..=whole.operations() {
        let disk = FaultStorage::new();
        disk.die_at(operation);
        let promised = run(&disk, &script);
        check(&disk.kill(), &promised, &format!("killed at {operation}"));
        for seed in 0..6 {
            let seed = operation * 100 + seed;
            check(
                &disk.crash(seed),
                &promised,
                &format!("crash({seed}) at {operation}"),
            );
        }
    }
}

#[test]
fn a_machine_that_dies_again_while_recovering_still_holds_it_all() {
    let script = script();
    let whole = FaultStorage::new();
    let operations = {
        run(&whole, &script);
        whole.operations()
    };
    for operation in (1..=operations).step_by(5) {
        let first = FaultStorage::new();
        first.die_at(operation);
        let promised = run(&first, &script);
        for again in 1..=14 {
            let second = first.crash(operation + again);
            second.die_at(again);
            let opened = LogWriter::open(second.clone(), &dir(), ROOM, me());
            drop(opened);
            let told = format!("died at {operation}, again at {again}");
            check(&second.crash(again), &promised, &told);
        }
    }
}

/// A log of three committed lines, whose daemon was killed between writing a fourth and syncing it.
fn killed_before_sync() -> FaultStorage {
    let disk = FaultStorage::new();
    let (mut log, _) = support::log_of(&disk, 3);
    support::append(&mut log, &Author::new(3).says("four"));
    let write = disk.operations() + 1;
    disk.die_at(write + 1);
    assert!(log.commit().is_err());
    let disk = disk.kill();
    let bytes = disk.contents(&support::log_path()).unwrap();
    assert_eq!(bytes.split(|byte| *byte == b'\n').skip(1).count(), 4);
    disk
}

#[test]
fn readers_are_not_shown_what_may_still_go_away() {
    let disk = killed_before_sync();
    assert_eq!(reader(&disk).len(), ArrivalNo(3));
    let (log, recovery) = support::open(&disk);
    assert_eq!((log.len(), recovery.lines_read), (ArrivalNo(4), 4));
    assert_eq!(reader(&disk).len(), ArrivalNo(4));
    for seed in 0..20 {
        assert_eq!(support::open(&disk.crash(seed)).0.len(), ArrivalNo(4));
    }
}

#[test]
fn what_a_reader_takes_on_its_own_does_not_go_away() {
    let disk = killed_before_sync();
    disk.remove(&dir().join("index/committed")).unwrap();
    assert_eq!(reader(&disk).len(), ArrivalNo(4));
    for seed in 0..20 {
        assert_eq!(support::open(&disk.crash(seed)).0.len(), ArrivalNo(4));
    }
}

#[test]
fn a_disk_that_is_full_at_any_byte_keeps_what_was_acknowledged() {
    let script = script();
    let whole = FaultStorage::new();
    run(&whole, &script);
    let mut refused = 0;
    for capacity in (0..whole.used_bytes()).step_by(97) {
        let disk = FaultStorage::new();
        disk.set_capacity(Some(capacity));
        let mut promised = Promised::default();
        if let Ok((mut log, _)) = LogWriter::open(disk.clone(), &dir(), ROOM, me()) {
            log.set_checkpoint_lines(9);
            'script: for batch in &script {
                for message in batch {
                    log.append(message, Timestamp(5), INFO).unwrap();
                }
                match log.commit() {
                    Ok(()) => promised.stored.extend(batch.iter().map(Message::id)),
                    Err(WriteError::StorageFull { .. }) => {
                        refused += 1;
                        break 'script;
                    }
                    Err(error) => panic!("{error}"),
                }
            }
            assert_eq!(log.len(), ArrivalNo(promised.stored.len() as u64));
        }
        disk.set_capacity(None);
        check(&disk.kill(), &promised, &format!("full at {capacity}"));
    }
    assert!(refused > 10);
}
