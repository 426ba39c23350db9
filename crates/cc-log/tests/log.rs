//! Appending, reading, and what the index answers.

mod support;

use cc_log::fault::FaultStorage;
use cc_log::{LineInfo, LogWriter, OpenError, Position, WriteError};
use cc_proto::history::History;
use cc_proto::id::{ArrivalNo, RoomId, Seq, Timestamp};
use support::{Author, INFO, ROOM, append, dir, ids, lines, log_of, me, open, reader};

#[test]
fn what_was_committed_is_read_by_anyone_and_survives_reopening() {
    let disk = FaultStorage::new();
    let (log, messages) = log_of(&disk, 20);
    let expected: Vec<_> = messages.iter().map(|message| Some(message.id())).collect();
    assert_eq!(ids(&lines(&disk)), expected);
    drop(log);
    let (log, recovery) = open(&disk);
    assert_eq!((log.len(), log.chat_count()), (ArrivalNo(20), 20));
    assert_eq!(recovery.cut_bytes, 0);
    assert_eq!(log.heads().len(), 1);
    assert_eq!(log.heads()[0].id, messages[19].id());
    assert_eq!(ids(&lines(&disk)), expected);
}

#[test]
fn an_appended_message_is_found_before_its_commit_and_shown_to_readers_after_it() {
    let disk = FaultStorage::new();
    let (mut log, _) = open(&disk);
    let mut bob = Author::new(2);
    let message = bob.says("hi");
    append(&mut log, &message);
    assert_eq!(
        support::messages_at(&log, &bob.id(), bob.chain, Seq(1)),
        std::slice::from_ref(&message)
    );
    assert_eq!(log.read(ArrivalNo(1)).unwrap().message.unwrap(), message);
    assert!(reader(&disk).is_empty());
    log.commit().unwrap();
    assert_eq!(reader(&disk).len(), ArrivalNo(1));
}

#[test]
fn a_line_is_json_with_the_readable_fields() {
    let disk = FaultStorage::new();
    let (mut log, _) = open(&disk);
    let mut bob = Author::new(2);
    bob.via = "claude-code".into();
    let message = bob.says("a \"quote\"\nand a line");
    append(&mut log, &message);
    log.commit().unwrap();
    let bytes = disk.contents(&support::log_path()).unwrap();
    let line: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(line["n"], 1);
    assert_eq!(line["at"], 5);
    assert_eq!(line["id"], message.id().to_hex());
    assert_eq!(line["author"], bob.id().to_hex());
    assert_eq!(line["nick"], "bob");
    assert_eq!(line["seq"], 1);
    assert_eq!(line["kind"], "chat");
    assert_eq!(line["via"], "claude-code");
    assert_eq!(line["text"], "a \"quote\"\nand a line");
    assert!(bytes.starts_with(b"{\"n\":1,"));
    assert_eq!(bytes.split(|byte| *byte == b'\n').skip(1).count(), 1);
}

#[test]
fn any_place_is_found_on_every_branch_of_a_fork() {
    let disk = FaultStorage::new();
    let (mut log, _) = open(&disk);
    let mut bob = Author::new(2);
    let first: Vec<_> = (1..=5).map(|i| bob.says(&format!("a{i}"))).collect();
    let mut twin = Author::new(2);
    (twin.seq, twin.prev) = (3, Some(first[2].id()));
    let second: Vec<_> = (4..=7).map(|i| twin.says(&format!("b{i}"))).collect();
    for message in first.iter().chain(&second) {
        append(&mut log, message);
        log.commit().unwrap();
    }
    let check = |log: &LogWriter<FaultStorage>| {
        let at = |seq| support::messages_at(log, &bob.id(), bob.chain, Seq(seq));
        assert_eq!(at(3), [first[2].clone()]);
        assert_eq!(at(4), [first[3].clone(), second[0].clone()]);
        assert_eq!(at(5), [first[4].clone(), second[1].clone()]);
        assert_eq!(at(7), [second[3].clone()]);
        assert!(at(8).is_empty());
        assert_eq!(
            log.arrival(&bob.id(), bob.chain, Seq(7)).unwrap(),
            Some(ArrivalNo(9))
        );
        let tips: Vec<_> = log.heads().iter().map(|head| head.id).collect();
        assert_eq!(tips, [first[4].id(), second[3].id()]);
        let forks: Vec<_> = log.forks().iter().map(|(_, _, seq)| seq.0).collect();
        assert_eq!(forks, [4, 5]);
    };
    check(&log);
    drop(log);
    check(&open(&disk).0);
    open(&disk).0.close().unwrap();
    check(&open(&disk).0);
    support::remove_index(&disk, &dir());
    check(&open(&disk).0);
}

#[test]
fn a_message_is_stored_once_in_its_room_and_after_the_one_before_it() {
    let disk = FaultStorage::new();
    let (mut log, messages) = log_of(&disk, 3);
    assert_eq!(append(&mut log, &messages[1]), ArrivalNo(2));
    assert_eq!(append(&mut log, &messages[2]), ArrivalNo(3));
    assert_eq!(log.len(), ArrivalNo(3));

    let mut early = Author::new(3);
    early.says("never arrived");
    let refused = log.append(&early.says("too early"), Timestamp(5), INFO);
    assert!(matches!(refused, Err(WriteError::OutOfOrder { seq: 2 })));

    let other = RoomId::from_bytes([9; 32]);
    let (mut elsewhere, _) =
        LogWriter::open(disk.clone(), "/rooms/2".as_ref(), other, me()).unwrap();
    let refused = elsewhere.append(&messages[0], Timestamp(5), INFO);
    assert!(matches!(refused, Err(WriteError::WrongRoom { room: ROOM })));
}

#[test]
fn only_one_writer_at_a_time() {
    let disk = FaultStorage::new();
    let (log, _) = open(&disk);
    let second = LogWriter::open(disk.clone(), &dir(), ROOM, me());
    assert!(matches!(second, Err(OpenError::Locked { .. })));
    drop(log);
    open(&disk);
}

#[test]
fn a_file_belongs_in_a_prompt_unless_the_owners_agent_shared_it() {
    let disk = FaultStorage::new();
    let (mut log, _) = open(&disk);
    let (mut alice, mut bob) = (Author::new(1), Author::new(2));
    append(&mut log, &bob.shares("@alice.svg"));
    append(&mut log, &alice.shares("mine.svg"));
    alice.via = "codex".into();
    append(&mut log, &alice.shares("agents.svg"));
    append(&mut log, &bob.says("there it is"));
    log.commit().unwrap();
    log.close().unwrap();
    let check = || {
        let reader = reader(&disk).with_owner(me(), Some("alice".into()));
        assert_eq!(reader.injectable_after(ArrivalNo(0)).unwrap(), 3);
        let flags = reader.flags(ArrivalNo(1), ArrivalNo(9)).unwrap();
        let which = |wanted: fn(cc_log::Flags) -> bool| -> Vec<u64> {
            let wanted = flags.iter().filter(|(_, flags)| wanted(*flags));
            wanted.map(|(n, _)| n.0).collect()
        };
        assert_eq!(which(cc_log::Flags::file), [1, 2, 3]);
        assert_eq!(which(cc_log::Flags::chat), [4]);
        assert_eq!(which(cc_log::Flags::injectable), [1, 2, 4]);
        // A name of a file calls nobody.
        assert!(which(cc_log::Flags::names_owner).is_empty());
    };
    check();
    for index in ["records", "checkpoint", "committed"] {
        disk.set_contents(&dir().join("index").join(index), b"");
    }
    check();
    // What the index said before files belonged in prompts is not believed.
    let (log, recovery) = open(&disk);
    assert!(recovery.rebuilt.is_some());
    log.close().unwrap();
    check();
}

#[test]
fn counts_flags_and_roster_lines_come_from_the_index_and_agree_without_it() {
    let disk = FaultStorage::new();
    let (mut log, _) = open(&disk);
    let mut alice = Author::new(1);
    let mut bob = Author::new(2);
    append(&mut log, &alice.takes_nick("alice"));
    append(&mut log, &bob.takes_nick("bob"));
    append(&mut log, &bob.says("hello"));
    let named = LineInfo {
        nick: "bob",
        names_owner: true,
    };
    log.append(&bob.says("what about you, @alice?"), Timestamp(5), named)
        .unwrap();
    alice.via = "claude-code".into();
    append(&mut log, &alice.says("from my own agent"));
    append(&mut log, &bob.takes_nick("rob"));
    append(&mut log, &bob.says("that is all"));
    log.commit().unwrap();
    assert_eq!(log.roster_messages().unwrap().len(), 3);

    let check = || {
        let reader = reader(&disk).with_owner(me(), Some("alice".into()));
        assert_eq!(reader.injectable_after(ArrivalNo(0)).unwrap(), 3);
        assert_eq!(reader.injectable_after(ArrivalNo(3)).unwrap(), 2);
        assert_eq!(reader.injectable_after(ArrivalNo(7)).unwrap(), 0);
        let flags = reader.flags(ArrivalNo(1), ArrivalNo(99)).unwrap();
        let which = |wanted: fn(cc_log::Flags) -> bool| -> Vec<u64> {
            flags
                .iter()
                .filter(|(_, flags)| wanted(*flags))
                .map(|(n, _)| n.0)
                .collect()
        };
        assert_eq!(which(cc_log::Flags::chat), [3, 4, 5, 7]);
        assert_eq!(which(cc_log::Flags::injectable), [3, 4, 7]);
        assert_eq!(which(cc_log::Flags::names_owner), [4]);
        assert_eq!(which(cc_log::Flags::own_agent), [5]);
        assert_eq!(which(cc_log::Flags::shapes_roster), [1, 2, 6]);
        let after = |n| {
            reader
                .first_roster_line_after(ArrivalNo(n))
                .unwrap()
                .map(|n| n.0)
        };
        assert_eq!(
            [after(0), after(1), after(2), after(5), after(6)],
            [Some(1), Some(2), Some(6), Some(6), None]
        );
        let tail: Vec<_> = reader
            .tail(2)
            .unwrap()
            .iter()
            .map(|line| line.n.0)
            .collect();
        assert_eq!(tail, [6, 7]);
    };
    check();
    drop(log);
    support::remove_index(&disk, &dir());
    check();
    let (log, recovery) = open(&disk);
    assert_eq!(recovery.lines_read, 7);
    assert_eq!(log.roster_messages().unwrap().len(), 3);
    check();
}

#[test]
fn a_reader_sees_whole_lines_while_the_writer_appends() {
    let disk = FaultStorage::new();
    let (mut log, _) = open(&disk);
    let mut bob = Author::new(2);
    let reading = disk.clone();
    let watcher = std::thread::spawn(move || {
        let mut reader = support::reader(&reading);
        let mut at = Position::START;
        while at.n < ArrivalNo(300) {
            reader.refresh().unwrap();
            for line in reader.lines_after(&at) {
                let line = line.unwrap();
                assert_eq!(line.n.0, at.n.0 + 1);
                assert!(line.message.is_ok());
                at = Position::after(&line);
            }
        }
    });
    for burst in 0..100 {
        for i in 0..3 {
            append(&mut log, &bob.says(&format!("{burst} {i}")));
        }
        log.commit().unwrap();
    }
    watcher.join().unwrap();
}
