//! A message is taken back: its body leaves the disk, and nothing else moves. Long, as each kind of line and each moment
//! of a crash is a case of its own.

mod support;

use cc_log::fault::FaultStorage;
use cc_log::{Line, LineInfo, LogWriter, Storage, StorageFile};
use cc_proto::body::{Body, Chat, File, Summary};
use cc_proto::id::{ArrivalNo, Hash, MessageId, Timestamp};
use cc_proto::message::{Message, SignedMessage};
use support::{Author, INFO, ROOM, append, dir, identity, lines, log_path, me, open, reader};

fn erase(log: &mut LogWriter<FaultStorage>, message: &Message) -> bool {
    let header = message.header();
    log.erase(&header.author, header.chain, header.seq, &message.id())
        .unwrap()
}

fn contents(disk: &FaultStorage) -> Vec<u8> {
    disk.contents(&log_path()).unwrap()
}

fn line_bytes(disk: &FaultStorage, n: usize) -> Vec<u8> {
    let all = contents(disk);
    all.split_inclusive(|byte| *byte == b'\n')
        .nth(n - 1)
        .unwrap()
        .to_vec()
}

fn overwrite(disk: &FaultStorage, bytes: &[u8], offset: u64) {
    let file = disk.open(&log_path(), cc_log::Access::Write).unwrap();
    file.write_at(bytes, offset).unwrap();
    file.sync_data().unwrap();
}

fn count(disk: &FaultStorage, after: u64) -> u64 {
    reader(disk).injectable_after(ArrivalNo(after)).unwrap()
}

/// What must be the same of a log whose index was made anew.
fn assert_rebuilt_equal(disk: &FaultStorage, log: &LogWriter<FaultStorage>) {
    let anew = disk.kill();
    support::remove_index(&anew, &dir());
    let (fresh, _) = open(&anew);
    assert_eq!(lines(&anew), lines(disk));
    assert_eq!(fresh.heads(), log.heads());
    assert_eq!(fresh.chat_count(), log.chat_count());
    for n in 0..=log.len().0 {
        assert_eq!(count(&anew, n), count(disk, n), "after line {n}");
    }
    // As a reader counts that has no index.
    support::remove_index(&anew, &dir());
    let by_flags = lines(disk)
        .iter()
        .filter(|line| line.flags.injectable() && !line.flags.repair())
        .count();
    assert_eq!(count(disk, 0), by_flags as u64);
}

#[test]
fn the_name_of_a_file_leaves_the_log_and_it_is_counted_no_more() {
    let disk = FaultStorage::new();
    let (mut log, _) = open(&disk);
    let mut bob = Author::new(2);
    let shared = [
        bob.says("look"),
        bob.shares("plan-b.svg"),
        bob.shares("c.svg"),
    ];
    for message in &shared {
        append(&mut log, message);
    }
    log.commit().unwrap();
    let json: serde_json::Value = serde_json::from_slice(&line_bytes(&disk, 2)).unwrap();
    assert_eq!(json["file"]["name"], "plan-b.svg");
    assert_eq!(json["file"]["size"], 148);
    assert_eq!(count(&disk, 0), 3);
    assert!(erase(&mut log, &shared[1]));
    log.commit().unwrap();
    let text = String::from_utf8(line_bytes(&disk, 2)).unwrap();
    assert!(!text.contains("plan-b"), "{text}");
    let flags = lines(&disk)[1].flags;
    assert!(flags.erased() && !flags.injectable() && !flags.file());
    assert_eq!(count(&disk, 0), 2);
    assert_rebuilt_equal(&disk, &log);
}

#[test]
fn the_words_leave_the_log_and_no_other_line_moves() {
    let disk = FaultStorage::new();
    let (mut log, messages) = support::log_of(&disk, 9);
    let secret = &messages[3];
    let before = lines(&disk);
    let size = contents(&disk).len();
    let cursor = reader(&disk).end().unwrap();

    assert!(erase(&mut log, secret));
    let found = support::messages_at(
        &log,
        &secret.header().author,
        secret.header().chain,
        secret.header().seq,
    );
    assert_eq!(found[0].id(), secret.id());
    assert_eq!(found[0].body(), None);
    assert_eq!(
        lines(&disk),
        before,
        "no reader is shown it before the commit"
    );
    log.commit().unwrap();

    let text = String::from_utf8(line_bytes(&disk, 4)).unwrap();
    assert!(!text.contains("message 4"), "{text}");
    assert!(!text.contains(&data_encoding_of(secret)), "{text}");
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["erased"], true);
    assert!(json["text"].is_null());
    assert_eq!(json["id"], secret.id().to_hex());
    assert_eq!(json["nick"], "bob");

    assert_eq!(contents(&disk).len(), size);
    let after = lines(&disk);
    for (old, new) in before.iter().zip(&after) {
        assert_eq!(
            (old.n, old.offset, old.len, old.id()),
            (new.n, new.offset, new.len, new.id())
        );
        assert_eq!(old == new, old.n != ArrivalNo(4));
    }
    let flags = after[3].flags;
    assert!(flags.erased() && !flags.injectable() && !flags.chat() && !flags.names_owner());
    assert_eq!(reader(&disk).end().unwrap(), cursor);
    assert_eq!(log.heads()[0].id, messages[8].id());
    assert_eq!(log.chat_count(), 8);
    assert_eq!(
        (count(&disk, 0), count(&disk, 3), count(&disk, 4)),
        (8, 5, 5)
    );
    assert!(!erase(&mut log, secret), "it is gone already");
    assert_rebuilt_equal(&disk, &log);
    drop(log);
    let (log, recovery) = open(&disk);
    assert_eq!((recovery.rebuilt, recovery.damaged), (None, vec![]));
    assert_eq!((log.chat_count(), count(&disk, 0)), (8, 8));
}

/// The base64 of the part of a message's wire form that is the body's.
fn data_encoding_of(message: &Message) -> String {
    let body = message.wire().body.clone().unwrap();
    let raw = message.to_raw();
    let json = serde_json::to_string(&String::from_utf8_lossy(&body[1..])).unwrap();
    assert!(raw.ends_with(&body));
    json.trim_matches('"').to_owned()
}

#[test]
fn what_is_not_there_or_must_stay_is_not_erased() {
    let disk = FaultStorage::new();
    let (mut log, _) = open(&disk);
    let mut bob = Author::new(2);
    let nick = bob.takes_nick("bob");
    let said = bob.says("x");
    append(&mut log, &nick);
    append(&mut log, &said);
    log.commit().unwrap();
    let before = contents(&disk);
    assert!(!erase(&mut log, &nick), "a nick shapes the roster");
    assert!(!erase(&mut log, &Author::new(3).says("never came")));
    let header = said.header();
    let other = MessageId::from_bytes([9; 32]);
    assert!(
        !log.erase(&header.author, header.chain, header.seq, &other)
            .unwrap()
    );
    assert!(!log.is_dirty());
    assert!(erase(&mut log, &said) && log.is_dirty());
    log.abandon();
    log.commit().unwrap();
    assert_eq!(contents(&disk), before);
    assert!(
        erase(&mut log, &said),
        "what was taken back can be asked for again"
    );
}

/// A message of a later version's kind.
fn unknown(author: &mut Author, body: &[u8]) -> Message {
    let mut wire = author.says("x").wire().clone();
    wire.header.kind = 99;
    wire.header.body_hash = Hash::of(body);
    wire.header.body_len = body.len() as u32;
    wire.body = Some(body.to_vec());
    author.prev = Some(wire.header.id());
    Message::from_log(&SignedMessage::encode(&wire)).unwrap()
}

#[test]
fn a_line_of_any_length_keeps_it() {
    let disk = FaultStorage::new();
    let (mut log, _) = open(&disk);
    let mut bob = Author::new(2);
    let mut messages = Vec::new();
    for length in (1..=40).chain([500, 16_384]) {
        messages.push(bob.says(&"x".repeat(length)));
        messages.push(bob.says(&"\u{1}".repeat(length)));
        bob.via = "codex".into();
    }
    for length in 0..=20 {
        messages.push(unknown(&mut bob, &vec![7; length]));
    }
    messages.push(bob.writes(Body::Summary(Summary {
        text: "s".into(),
        through: messages[0].id(),
    })));
    messages.push(bob.writes(Body::File(File {
        name: String::new(),
        size: 0,
        hash: Hash::of(b""),
        media_type: String::new(),
    })));
    for (message, nick) in messages
        .iter()
        .zip(["", "bob", "\"ж\u{1}"].into_iter().cycle())
    {
        let info = LineInfo {
            nick,
            names_owner: true,
        };
        log.append(message, Timestamp(5), info).unwrap();
    }
    log.commit().unwrap();
    let before = lines(&disk);
    for message in &messages {
        assert!(erase(&mut log, message), "{message:?}");
    }
    log.commit().unwrap();
    let after = lines(&disk);
    assert_eq!(log.chat_count(), 0);
    assert_eq!(count(&disk, 0), 0);
    for ((old, new), message) in before.iter().zip(&after).zip(&messages) {
        assert_eq!(
            (old.n, old.offset, old.len, old.at),
            (new.n, new.offset, new.len, new.at)
        );
        assert_eq!(new.message, Ok(message.clone().without_body()));
    }
    assert_rebuilt_equal(&disk, &log);
}

#[test]
fn a_line_that_was_overwritten_in_part_is_the_old_one_the_new_one_or_damaged() {
    let disk = FaultStorage::new();
    let (mut log, messages) = support::log_of(&disk, 3);
    let (old, offset) = (line_bytes(&disk, 2), lines(&disk)[1].offset);
    let whole = lines(&disk);
    assert!(erase(&mut log, &messages[1]));
    log.commit().unwrap();
    let new = line_bytes(&disk, 2);
    let erased = messages[1].clone().without_body();
    let mut damaged = 0;
    for at in 0..=old.len() {
        let forth = [&new[..at], &old[at..]].concat();
        let back = [&old[..at], &new[at..]].concat();
        for torn in [forth, back] {
            overwrite(&disk, &torn, offset);
            let found = lines(&disk);
            assert_eq!((&found[0], &found[2]), (&whole[0], &whole[2]), "byte {at}");
            match &found[1].message {
                Ok(message) if message.body().is_some() => assert_eq!(*message, messages[1]),
                Ok(message) => assert_eq!(*message, erased),
                Err(_) => damaged += 1,
            }
            // And so finds the writer that makes the index anew.
            if at % 16 == 0 {
                let anew = disk.kill();
                support::remove_index(&anew, &dir());
                let (log, _) = open(&anew);
                assert_eq!(log.len(), ArrivalNo(3));
                assert_eq!(support::ids(&lines(&anew)), support::ids(&found));
            }
        }
    }
    assert!(damaged > 100, "{damaged}");
}

#[test]
fn a_torn_erasing_is_reported_and_the_message_fetched_again() {
    let disk = FaultStorage::new();
    let (mut log, messages) = support::log_of(&disk, 4);
    assert!(erase(&mut log, &messages[1]));
    log.commit().unwrap();
    drop(log);
    let line = lines(&disk)[1].clone();
    let text = String::from_utf8(line_bytes(&disk, 2)).unwrap();
    let raw = text.find("\"raw\":").unwrap() as u64;
    overwrite(&disk, b"garbage", line.offset + raw + 50);
    let disk = disk.kill();
    let (mut log, _) = open(&disk);
    assert!(log.read(ArrivalNo(2)).unwrap().message.is_err());
    assert_eq!(log.damaged(), [ArrivalNo(2)]);
    // A peer that erased it too sends what it has.
    let copy = messages[1].clone().without_body();
    assert_eq!(append(&mut log, &copy), ArrivalNo(5));
    log.commit().unwrap();
    let found = lines(&disk);
    assert_eq!(found[4].repairs, Some(ArrivalNo(2)));
    assert!(log.damaged().is_empty());
    assert_eq!((log.chat_count(), count(&disk, 0)), (3, 3));
    assert_rebuilt_equal(&disk, &log);
}

/// Three messages, the second damaged on disk and fetched again as line 4.
fn repaired(seen_by_index: bool) -> (FaultStorage, LogWriter<FaultStorage>, Vec<Message>) {
    let disk = FaultStorage::new();
    let (log, messages) = support::log_of(&disk, 3);
    drop(log);
    let line = lines(&disk)[1].clone();
    overwrite(&disk, b"x", line.offset + u64::from(line.len) - 9);
    if seen_by_index {
        support::remove_index(&disk, &dir());
    }
    let (mut log, _) = open(&disk);
    assert!(log.read(ArrivalNo(2)).unwrap().message.is_err());
    assert_eq!(append(&mut log, &messages[1]), ArrivalNo(4));
    log.commit().unwrap();
    (disk, log, messages)
}

#[test]
fn the_damaged_line_that_it_is_a_copy_of_is_wiped_too() {
    for seen_by_index in [false, true] {
        let (disk, mut log, messages) = repaired(seen_by_index);
        assert!(String::from_utf8_lossy(&contents(&disk)).contains("message 2"));
        assert!(erase(&mut log, &messages[1]));
        log.commit().unwrap();
        assert!(!String::from_utf8_lossy(&contents(&disk)).contains("message 2"));
        let found = lines(&disk);
        assert_eq!(found.len(), 4);
        assert!(found[1].message.is_err() && found[3].flags.erased());
        assert_eq!(
            (log.chat_count(), count(&disk, 0), count(&disk, 1)),
            (2, 2, 1)
        );
        assert_rebuilt_equal(&disk, &log);
    }
}

#[test]
fn a_copy_that_comes_without_its_body_wipes_what_damage_left_of_it() {
    let disk = FaultStorage::new();
    let (log, messages) = support::log_of(&disk, 3);
    drop(log);
    let line = lines(&disk)[1].clone();
    overwrite(&disk, b"x", line.offset + u64::from(line.len) - 9);
    let (mut log, _) = open(&disk);
    let copy = messages[1].clone().without_body();
    assert_eq!(append(&mut log, &copy), ArrivalNo(4));
    log.commit().unwrap();
    assert!(!String::from_utf8_lossy(&contents(&disk)).contains("message 2"));
    assert_eq!((log.chat_count(), count(&disk, 0)), (2, 2));
    assert_rebuilt_equal(&disk, &log);
}

#[test]
fn a_disk_that_refuses_is_tried_again() {
    let disk = FaultStorage::new();
    let (mut log, messages) = support::log_of(&disk, 3);
    assert!(erase(&mut log, &messages[0]));
    disk.set_sync_fails(true);
    log.commit().unwrap();
    assert_eq!(log.erasures_waiting(), 1);
    disk.set_sync_fails(false);
    log.commit().unwrap();
    assert_eq!(log.erasures_waiting(), 0);
    assert!(lines(&disk)[0].flags.erased());
    drop(log);
    assert!(lines(&disk.crash(7))[0].flags.erased());
}

/// Says, takes back at once and later, and goes on.
fn script() -> (Vec<Vec<Message>>, Vec<Vec<usize>>) {
    let (mut bob, mut carol) = (Author::new(2), Author::new(3));
    let mut batches = vec![vec![bob.takes_nick("bob")]];
    for round in 0..4 {
        batches.push(vec![
            bob.says(&format!("{round} secret {}", "long ".repeat(round * 90))),
            carol.says(&format!("{round} stays")),
        ]);
    }
    batches.push(vec![carol.says("last")]);
    // By batch: those of bob's to be erased with it, by the number of their round.
    let erased = vec![vec![], vec![0], vec![], vec![1], vec![2], vec![3]];
    (batches, erased)
}

fn run(disk: &FaultStorage) -> (Vec<MessageId>, Vec<MessageId>) {
    let (batches, erasing) = script();
    let secret = |round: usize| &batches[round + 1][0];
    let (mut stored, mut gone) = (Vec::new(), Vec::new());
    let Ok((mut log, _)) = LogWriter::open(disk.clone(), &dir(), ROOM, me()) else {
        return (stored, gone);
    };
    log.set_checkpoint_lines(4);
    for (batch, rounds) in batches.iter().zip(&erasing) {
        for message in batch {
            if log.append(message, Timestamp(5), INFO).is_err() {
                return (stored, gone);
            }
        }
        for round in rounds {
            let header = secret(*round).header();
            let id = secret(*round).id();
            if log
                .erase(&header.author, header.chain, header.seq, &id)
                .is_err()
            {
                return (stored, gone);
            }
        }
        if log.commit().is_err() {
            return (stored, gone);
        }
        stored.extend(batch.iter().map(Message::id));
        if log.erasures_waiting() == 0 {
            gone.extend(rounds.iter().map(|round| secret(*round).id()));
        }
    }
    let _ = log.close();
    (stored, gone)
}

fn check(disk: &FaultStorage, stored: &[MessageId], gone: &[MessageId], told: &str) {
    let (mut log, recovery) = LogWriter::open(disk.clone(), &dir(), ROOM, me()).expect(told);
    let (batches, _) = script();
    let all: Vec<&Message> = batches.iter().flatten().collect();
    let found = lines(disk);
    for line in &found {
        if let Ok(message) = &line.message {
            let original = all.iter().find(|it| it.id() == message.id()).expect(told);
            let erased = (*original).clone().without_body();
            assert!(
                message == *original || *message == erased,
                "{told}: half a message"
            );
            if gone.contains(&message.id()) {
                assert_eq!(*message, erased, "{told}: its words are back");
            }
        }
    }
    let held: Vec<MessageId> = found.iter().filter_map(Line::id).collect();
    let lost = stored.iter().filter(|id| !held.contains(id)).count();
    assert!(
        lost <= recovery.damaged.len(),
        "{told}: an acknowledged message is gone, and no line is damaged in its place"
    );
    assert_rebuilt_equal(disk, &log);
    // Whoever opens the log asks again for what should be gone, and fetches what was torn.
    for message in all {
        let header = message.header();
        let at = stored.iter().any(|id| *id == message.id());
        if at && !held.contains(&message.id()) {
            append(&mut log, message);
        }
        if header.author == identity(2).author() {
            log.erase(&header.author, header.chain, header.seq, &message.id())
                .expect(told);
        }
    }
    log.commit().expect(told);
    let bytes = contents(disk);
    for line in bytes.split(|byte| *byte == b'\n') {
        let words = String::from_utf8_lossy(line);
        // What is left of a message that was never stored whole may not even say which it was.
        let stored = stored.iter().any(|id| words.contains(&id.to_hex()));
        assert!(!(stored && words.contains("secret")), "{told}: {words}");
    }
    assert_rebuilt_equal(disk, &log);
}

#[test]
fn whenever_the_machine_dies_while_erasing_nothing_else_is_lost() {
    let whole = FaultStorage::new();
    let (stored, gone) = run(&whole);
    assert_eq!((stored.len(), gone.len()), (10, 4));
    check(&whole.kill(), &stored, &gone, "no crash");
    for operation in 1..=whole.operations() {
        let disk = FaultStorage::new();
        disk.die_at(operation);
        let (stored, gone) = run(&disk);
        check(
            &disk.kill(),
            &stored,
            &gone,
            &format!("killed at {operation}"),
        );
        for seed in 0..6 {
            let seed = operation * 100 + seed;
            let told = format!("crash({seed}) at {operation}");
            check(&disk.crash(seed), &stored, &gone, &told);
        }
    }
}

#[test]
fn a_message_of_an_owners_agent_is_erased_without_being_counted() {
    let disk = FaultStorage::new();
    let (mut log, _) = open(&disk);
    let mut alice = Author::new(1);
    alice.via = "codex".into();
    let said = alice.writes(Body::Chat(Chat {
        text: "mine".into(),
    }));
    append(&mut log, &said);
    append(&mut log, &Author::new(2).says("other"));
    log.commit().unwrap();
    assert!(erase(&mut log, &said));
    log.commit().unwrap();
    assert_eq!((count(&disk, 0), log.chat_count()), (1, 1));
    assert_rebuilt_equal(&disk, &log);
}

/// Whoever sent a message first may have withheld its body; it must not stay away for good.
#[test]
fn a_body_that_was_withheld_is_appended_when_it_comes() {
    let disk = FaultStorage::new();
    let (mut log, _) = open(&disk);
    let mut bob = Author::new(2);
    let said: Vec<Message> = (0..3).map(|i| bob.says(&format!("line {i}"))).collect();
    for message in &said {
        append(&mut log, &message.clone().without_body());
    }
    log.commit().unwrap();
    // One in the middle, and the last.
    for message in [&said[1], &said[2]] {
        append(&mut log, message);
        log.commit().unwrap();
        let header = message.header();
        let held = support::messages_at(&log, &header.author, header.chain, header.seq);
        assert_eq!(held, std::slice::from_ref(message));
        append(&mut log, message);
    }
    assert_eq!((log.len(), log.heads().len()), (ArrivalNo(5), 1));
    assert!(log.forks().is_empty());
    assert_rebuilt_equal(&disk, &log);
    let (anew, _) = open(&disk.kill());
    let header = said[1].header();
    let held = support::messages_at(&anew, &header.author, header.chain, header.seq);
    assert_eq!(held[0].text(), Some("line 1"));
    // It is taken back after all.
    assert!(erase(&mut log, &said[1]));
    log.commit().unwrap();
    assert!(!contents(&disk).windows(6).any(|part| part == b"line 1"));
}
