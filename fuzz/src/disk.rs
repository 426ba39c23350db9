//! The log of a room and what lies beside it, as a crash, a disk or another program may leave them.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Instant;

use arbitrary::{Arbitrary, Unstructured};
use cc_log::fault::FaultStorage;
use cc_log::{CursorStore, Line, LineInfo, LogReader, LogWriter, RosterView, Storage as _};
use cc_proto::body::{Body, Chat, Profile};
use cc_proto::id::{ArrivalNo, ChainId, MessageId, Seq, Timestamp};
use cc_proto::message::{Message, NewMessage, SignedMessage};

use crate::world::{ROOM, identity};

const DIR: &str = "/room";
const ME: u8 = 1;

/// What a reader gets of a line: its number, where it ends, and the message or that it is damaged.
type Seen = (ArrivalNo, u64, Option<MessageId>);

fn path(name: &str) -> std::path::PathBuf {
    Path::new(DIR).join(name)
}

fn seen(line: &Line) -> Seen {
    (line.n, line.end(), line.id())
}

fn read_all(disk: &FaultStorage) -> Vec<Seen> {
    let reader = LogReader::open_in(disk.clone(), Path::new(DIR)).expect("a log is readable");
    let start = cc_log::Position::START;
    let lines: Vec<Line> = (reader.lines_after(&start))
        .map(|line| line.expect("the disk reads"))
        .collect();
    for (line, n) in lines.iter().zip(1..) {
        assert_eq!(line.n, ArrivalNo(n), "numbers have no gap");
        assert_eq!(
            seen(line),
            seen(&reader.line(line.n).expect("a line by its number"))
        );
    }
    assert_eq!(lines.len() as u64, reader.len().0);
    lines.iter().map(seen).collect()
}

fn writer(disk: &FaultStorage) -> LogWriter<FaultStorage> {
    let me = identity(ME).author();
    let (writer, _) =
        LogWriter::open(disk.clone(), Path::new(DIR), ROOM, me).expect("any log opens");
    writer
}

/// A whole log file: after an even byte its bytes, after an odd one messages in wire form, each behind two bytes of
/// length, that stand in good lines.
pub fn log_file(data: &[u8]) {
    let Some((mode, rest)) = data.split_first() else {
        return;
    };
    let file = if mode % 2 == 0 {
        rest.to_vec()
    } else {
        lines_of(rest)
    };
    let disk = FaultStorage::new();
    disk.set_contents(&path("log.jsonl"), &file);
    let shown = read_all(&disk);
    let mut log = writer(&disk);
    assert!(
        log.len().0 >= shown.len() as u64,
        "opening lost a line that was shown"
    );
    let opened = read_all(&disk);
    for (before, after) in shown.iter().zip(&opened) {
        let readable = before.2.is_some();
        assert!(
            !readable || before == after,
            "a line changed: {before:?} to {after:?}"
        );
    }
    let last = chat(&log, "after");
    let n = log.append(
        &last,
        Timestamp(2),
        LineInfo {
            nick: "alice",
            names_owner: false,
        },
    );
    log.commit().expect("the disk has room");
    let n = n.expect("a good message is appended");
    let appended = read_all(&disk);
    assert_eq!(
        appended[..opened.len()],
        opened[..],
        "appending moved lines"
    );
    assert!(appended.iter().any(|line| line.2 == Some(last.id())));
    let heads = log.heads();
    drop(log);
    let again = writer(&disk);
    assert_eq!(again.heads(), heads, "opened again, other heads");
    assert!(n <= again.len());
    assert_eq!(read_all(&disk), appended);
}

/// A message of ours in a chain of its own.
fn chat(log: &LogWriter<FaultStorage>, text: &str) -> Message {
    let unused = |chain: &u32| log.heads().iter().all(|head| head.chain != ChainId(*chain));
    let chain = (1..1_000_000).find(unused).expect("a log has few chains");
    let body = Body::Chat(Chat {
        text: text.to_owned(),
    });
    written(chain, Seq::FIRST, None, body)
}

fn written(chain: u32, seq: Seq, prev: Option<MessageId>, body: Body) -> Message {
    let new = NewMessage {
        room: ROOM,
        chain: ChainId(chain),
        seq,
        prev,
        ts: Timestamp(seq.0),
        via: String::new(),
        re: None,
        body,
    };
    Message::write(&identity(ME), new).expect("a good message")
}

fn lines_of(mut rest: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut n = 1;
    while let Some((&[low, high], behind)) = rest.split_first_chunk() {
        let (raw, next) = behind.split_at(
            behind
                .len()
                .min(usize::from(u16::from_le_bytes([low, high]))),
        );
        let id = SignedMessage::decode(raw)
            .map_or_else(|_| String::new(), |wire| wire.header.id().to_hex());
        let raw = data_encoding::BASE64.encode(raw);
        file.extend_from_slice(
            format!("{{\"n\":{n},\"at\":1,\"id\":\"{id}\",\"raw\":\"{raw}\"}}\n").as_bytes(),
        );
        n += 1;
        rest = next;
    }
    file
}

/// A log of a few chains, a fork and acts among them, closed with a checkpoint, and then written on.
fn good_log() -> &'static (FaultStorage, Vec<Seen>) {
    static GOOD: OnceLock<(FaultStorage, Vec<Seen>)> = OnceLock::new();
    GOOD.get_or_init(|| {
        let disk = FaultStorage::new();
        let mut log = writer(&disk);
        log.set_checkpoint_lines(8);
        for chain in 1..3 {
            let mut prev: Option<MessageId> = None;
            for seq in 1..13 {
                let body = match seq % 5 {
                    0 => Body::Profile(Profile {
                        nick: format!("alice{seq}"),
                    }),
                    _ => Body::Chat(Chat {
                        text: format!("line {seq} of {chain}"),
                    }),
                };
                if seq == 7 {
                    let other = Body::Chat(Chat {
                        text: "another".to_owned(),
                    });
                    append(&mut log, &written(chain, Seq(seq), prev, other));
                }
                let message = written(chain, Seq(seq), prev, body);
                append(&mut log, &message);
                prev = Some(message.id());
            }
        }
        drop(log);
        let lines = read_all(&disk);
        (disk, lines)
    })
}

fn append(log: &mut LogWriter<FaultStorage>, message: &Message) {
    log.append(
        message,
        Timestamp(1),
        LineInfo {
            nick: "alice",
            names_owner: false,
        },
    )
    .and_then(|_| log.commit())
    .expect("a good message is appended");
}

const INDEX: [&str; 5] = ["records", "places", "roster", "checkpoint", "committed"];

#[derive(Debug, Arbitrary)]
enum Damage<'a> {
    Overwrite {
        file: u8,
        at: u16,
        with: &'a [u8],
    },
    Cut {
        file: u8,
        at: u16,
    },
    Replace {
        file: u8,
        with: &'a [u8],
    },
    /// What only somebody who knows the format could write: the checksum is made to fit.
    Forge {
        checkpoint: bool,
        at: u16,
        with: &'a [u8],
    },
}

/// A good log whose index was damaged: readers and the writer get the same lines as ever.
pub fn log_index(data: &[u8]) {
    let Ok(damages) = <Vec<Damage<'_>>>::arbitrary(&mut Unstructured::new(data)) else {
        return;
    };
    let (good, lines) = good_log();
    let disk = good.kill();
    let mut forged = false;
    for damage in &damages {
        damaged(&disk, damage);
        forged |= matches!(damage, Damage::Forge { .. });
    }
    if forged {
        return survives(&disk);
    }
    assert_eq!(
        &read_all(&disk),
        lines,
        "damage to the index changed what is read"
    );
    let log = writer(&disk);
    assert_eq!(
        log.heads(),
        writer(&good.kill()).heads(),
        "damage to the index changed the heads"
    );
    assert_eq!(&read_all(&disk), lines);
    log.roster_messages().expect("the disk reads");
    log.lost().expect("the disk reads");
}

/// A forged index may hide lines or claim more than there are, which harms whoever forged it; nothing panics, and
/// nothing is read that is not in the log.
fn survives(disk: &FaultStorage) {
    let (_, lines) = good_log();
    let true_ids: BTreeSet<_> = lines.iter().map(|line| line.2).collect();
    let reader = LogReader::open_in(disk.clone(), Path::new(DIR)).expect("a log is readable");
    let read = reader
        .lines_after(&cc_log::Position::START)
        .take(2 * lines.len());
    for line in read.map_while(Result::ok) {
        assert!(line.message.is_err() || true_ids.contains(&line.id()));
    }
    let (me, dir) = (identity(ME).author(), Path::new(DIR));
    let Ok((mut log, _)) = LogWriter::open(disk.clone(), dir, ROOM, me) else {
        return;
    };
    let last = written(77, Seq::FIRST, None, Body::Leave);
    let info = LineInfo {
        nick: "alice",
        names_owner: false,
    };
    // What the log says of itself may be refused as a lie, in whichever words.
    let _ = log.append(&last, Timestamp(2), info).is_ok() && log.commit().is_ok();
    let _ = (log.roster_messages().is_ok(), log.lost().is_ok());
}

fn damaged(disk: &FaultStorage, damage: &Damage<'_>) {
    let name = match damage {
        Damage::Overwrite { file, .. }
        | Damage::Cut { file, .. }
        | Damage::Replace { file, .. } => INDEX[usize::from(*file) % INDEX.len()],
        Damage::Forge {
            checkpoint: true, ..
        } => "checkpoint",
        Damage::Forge {
            checkpoint: false, ..
        } => "committed",
    };
    let path = path("index").join(name);
    let mut bytes = disk.contents(&path).unwrap_or_default();
    match damage {
        Damage::Cut { at, .. } => bytes.truncate(usize::from(*at)),
        Damage::Replace { with, .. } => bytes = with.to_vec(),
        Damage::Overwrite { at, with, .. } | Damage::Forge { at, with, .. } => {
            let at = usize::from(*at) % (bytes.len() + 1);
            let end = bytes.len().min(at + with.len());
            bytes[at..end].copy_from_slice(&with[..end - at]);
        }
    }
    if let Damage::Forge { checkpoint, .. } = damage {
        let split = bytes.len().saturating_sub(if *checkpoint { 9 } else { 4 });
        bytes.truncate(split);
        let sum = crc32(&bytes);
        let sum = if *checkpoint {
            format!("{sum:08x}\n").into_bytes()
        } else {
            sum.to_le_bytes().to_vec()
        };
        bytes.extend(sum);
    }
    disk.set_contents(&path, &bytes);
}

/// CRC-32/ISO-HDLC, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |sum: u32, _| {
        if sum & 1 == 1 {
            (sum >> 1) ^ 0xEDB8_8320
        } else {
            sum >> 1
        }
    };
    let byte = |sum: u32, byte: &u8| (0..8).fold(sum ^ u32::from(*byte), step);
    !bytes.iter().fold(u32::MAX, byte)
}

/// A reader's cursor file, over a good log: the reader gets a place in it.
pub fn cursor(data: &[u8]) {
    let (good, lines) = good_log();
    let disk = good.kill();
    disk.set_contents(&path("cursors").join("reader.json"), data);
    let reader = LogReader::open_in(disk.clone(), Path::new(DIR)).expect("a log is readable");
    let cursors = CursorStore::new_in(disk, Path::new(DIR));
    let mut cursor = cursors
        .lock("reader", Instant::now())
        .expect("any cursor is taken");
    let before = cursor.get().clone();
    let place = cursor.place(&reader).expect("the disk reads");
    assert!(place.n <= reader.len());
    let left = reader
        .lines_after(&place)
        .map(|line| seen(&line.expect("the disk reads")));
    assert_eq!(
        left.collect::<Vec<_>>(),
        lines[place.n.0 as usize..],
        "from its place to the end"
    );
    if place.n > ArrivalNo(0) {
        let line = &lines[place.n.0 as usize - 1];
        assert_eq!(
            (line.1, line.2),
            (place.offset, place.id),
            "a place behind no line"
        );
        assert_eq!(before.id, place.id, "the line that the cursor names");
    }
    cursor
        .advance(reader.end().expect("the disk reads"), Timestamp(9))
        .expect("forward");
    assert_eq!(cursors.list().expect("the disk reads").len(), 1);
}

/// `view.json`: what is read is written the same, and can be asked anything.
pub fn view(data: &[u8]) {
    let disk = FaultStorage::new();
    disk.set_contents(&path("view.json"), data);
    let Ok(Some(view)) = RosterView::load_in(&disk, Path::new(DIR)) else {
        return;
    };
    for cut in &view.cuts {
        view.member(&cut.author);
        for (chain, seq) in &cut.chains {
            for seq in [*seq, seq.saturating_add(1)] {
                let mut message = written(
                    *chain,
                    Seq(2),
                    Some(MessageId::from_bytes([0; 32])),
                    Body::Leave,
                )
                .wire()
                .clone();
                (message.header.author, message.header.seq) = (cut.author, Seq(seq));
                view.voids(&message.header, &message.header.id());
            }
        }
    }
    view.save(&disk, Path::new(DIR)).expect("a view is written");
    let load = || RosterView::load_in(&disk, Path::new(DIR)).expect("what was written is read");
    let again = load().expect("it is there");
    // The names under which people are shown are worked out at writing.
    assert_eq!(
        (&again.members, &again.former),
        (&view.members, &view.former)
    );
    assert_eq!((&again.cuts, &again.strays), (&view.cuts, &view.strays));
    again
        .save(&disk, Path::new(DIR))
        .expect("a view is written");
    assert_eq!(load(), Some(again), "written twice is as once");
    assert!(disk.size(&path("view.json")).is_ok());
}
