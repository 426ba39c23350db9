//! How far messages have come, for clients; and what tells the rooms what agents here were shown.
//!
//! Hooks open no socket. They note in a room's `audit.jsonl` what they put before which agent, and the daemon looks
//! whether that file has grown: often after it did, rarely otherwise. Of what stands there only the agent's name and
//! the messages go on, never a session or a folder.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cc_hook_generic::audit::{AUDIT_BYTES_MAX, AUDIT_FILE};
use cc_net::Room;
use cc_proto::id::{ArrivalNo, AuthorId, RoomId};
use cc_proto::limits::RECEIPT_OFFERED_MAX;
use cc_proto::receipt::{MessageReceipts, ReceiptView};
use serde::Deserialize;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::keeper::KeeperHandle;
use super::members::note_error;
use super::methods::closed;
use crate::rpc::{
    OfferInfo, ReceiptInfo, ReceiptsParams, ReceiptsResult, RpcError, ShareReceiptsParams,
    SharedReceipts, code,
};

/// Lines that one answer is about at most.
const LINES_MAX: u64 = 1_000;
/// An answer that is longer than this, in bytes, ends early; one message more fits into a line of the socket.
const ANSWER_BYTES_MAX: usize = 128 * 1024;
/// Agents named of one message at most.
const OFFERED_MAX: usize = 256;

/// How often audits are looked at while agents are being told something…
const BUSY_PERIOD: Duration = Duration::from_secs(1);
/// …for so long after the last time…
const BUSY_FOR: Duration = Duration::from_mins(2);
/// …and how often otherwise.
const IDLE_PERIOD: Duration = Duration::from_secs(3);
/// What is read of an audit at a time, in bytes.
const READ_BYTES_MAX: u64 = 2 * AUDIT_BYTES_MAX;

/// `room.receipts`
pub async fn receipts(
    keeper: &KeeperHandle,
    params: ReceiptsParams,
) -> Result<ReceiptsResult, RpcError> {
    let room = keeper.room(&params.room)?;
    let view = room.receipts().await.map_err(|_| closed())?;
    let listed = tokio::task::spawn_blocking(move || list(&room, &view, &params));
    listed
        .await
        .map_err(|error| RpcError::new(code::INTERNAL_ERROR, error.to_string()))?
        .map_err(|error| RpcError::new(code::DISK, error.to_string()))
}

fn list(
    room: &Room,
    view: &ReceiptView,
    params: &ReceiptsParams,
) -> Result<ReceiptsResult, cc_log::ReadError> {
    let mut result = ReceiptsResult {
        room: params.room.clone(),
        through: params.after,
        receipts: Vec::new(),
    };
    // Before a member let us in there is no log.
    let reader = match room.reader() {
        Err(_) if room.dir().join("pending-join").exists() => return Ok(result),
        reader => reader?,
    };
    let through = params.through.unwrap_or(u64::MAX).min(reader.len().0);
    let through = through.min(params.after.saturating_add(LINES_MAX));
    if through <= params.after {
        return Ok(result);
    }
    let mut bytes = 0;
    for line in reader.range(ArrivalNo(params.after + 1), ArrivalNo(through))? {
        let line = line?;
        result.through = line.n.0;
        if let Ok(message) = &line.message {
            let header = message.header();
            let told = view.of((header.author, header.chain, header.seq));
            let info = info(line.n, message.id().to_hex(), told);
            bytes += 200 + 70 * info.reached.len() + 170 * info.offered.len();
            result.receipts.push(info);
        }
        if bytes > ANSWER_BYTES_MAX {
            break;
        }
    }
    Ok(result)
}

fn info(n: ArrivalNo, id: String, told: MessageReceipts) -> ReceiptInfo {
    let offered = told.offered.into_iter().take(OFFERED_MAX);
    ReceiptInfo {
        n: n.0,
        id,
        others: told.others as u64,
        reached: told.reached.iter().map(AuthorId::to_hex).collect(),
        offered: offered
            .map(|(author, agent)| OfferInfo {
                author: author.to_hex(),
                agent,
            })
            .collect(),
    }
}

/// `room.share_receipts`
pub async fn share(
    keeper: &KeeperHandle,
    params: ShareReceiptsParams,
) -> Result<SharedReceipts, RpcError> {
    let room = keeper.room(&params.room)?;
    if let Some(share) = params.share {
        let set = room.share_receipts(share).await;
        set.map_err(|error| note_error(&error))?;
    }
    let receipts = room.shares_receipts().await.map_err(|_| closed())?;
    Ok(SharedReceipts {
        room: params.room,
        receipts,
    })
}

/// Tells the rooms what agents were shown, until `end` or until it is dropped.
pub fn watch(keeper: KeeperHandle, end: CancellationToken) -> JoinSet<()> {
    let mut task = JoinSet::new();
    task.spawn(async move {
        end.run_until_cancelled(look(keeper)).await;
    });
    task
}

async fn look(keeper: KeeperHandle) {
    let mut audits: BTreeMap<RoomId, Audit> = BTreeMap::new();
    let mut busy_until = Instant::now() + BUSY_FOR;
    loop {
        let rooms = keeper.rooms();
        let open: BTreeSet<RoomId> = rooms.iter().map(Room::id).collect();
        audits.retain(|room, _| open.contains(room));
        for room in &rooms {
            let audit = audits.entry(room.id());
            let audit = audit.or_insert_with(|| Audit::new(room.dir()));
            if !audit.has_changed() {
                continue;
            }
            busy_until = Instant::now() + BUSY_FOR;
            let mut reading = std::mem::take(audit);
            let read = tokio::task::spawn_blocking(move || {
                let shown = reading.read_on();
                (reading, shown)
            });
            let Ok((read, shown)) = read.await else {
                continue;
            };
            *audit = read;
            for (agent, lines) in shown {
                room.offered(agent, lines).await.ok();
            }
        }
        let busy = Instant::now() < busy_until;
        tokio::time::sleep(if busy { BUSY_PERIOD } else { IDLE_PERIOD }).await;
    }
}

/// A line of an audit, as far as it goes to others.
#[derive(Deserialize)]
struct Told {
    v: u32,
    agent: String,
    shown: Vec<u64>,
}

/// One room's audit, and how far it was read.
#[derive(Debug, Default)]
struct Audit {
    path: PathBuf,
    /// The file that was read, and how far.
    file: Option<(u64, u64)>,
    offset: u64,
}

impl Audit {
    fn new(dir: &Path) -> Self {
        Self {
            path: dir.join(AUDIT_FILE),
            file: None,
            offset: 0,
        }
    }

    /// Whether there is something that was not read. One look at the file's head: cheap enough to be taken here.
    fn has_changed(&self) -> bool {
        fs::metadata(&self.path)
            .is_ok_and(|now| self.file != Some(name(&now)) || now.len() != self.offset)
    }

    /// What agents were shown since the last time; at first, all that is still told of.
    fn read_on(&mut self) -> Vec<(String, Vec<ArrivalNo>)> {
        let mut lines: Vec<Told> = Vec::new();
        let is_same = fs::metadata(&self.path)
            .is_ok_and(|now| self.file == Some(name(&now)) && now.len() >= self.offset);
        if !is_same {
            // Set aside since, or never seen: what is left of the one before comes first.
            let aside = self.path.with_extension("jsonl.old");
            let is_ours = |now: fs::Metadata| self.file == Some(name(&now));
            let seen = fs::metadata(&aside).is_ok_and(is_ours);
            let from = if seen { self.offset } else { 0 };
            lines.extend(read_lines(&aside, from).map_or(Vec::new(), |(lines, ..)| lines));
            (self.file, self.offset) = (None, 0);
        }
        if let Ok((more, file, end)) = read_lines(&self.path, self.offset) {
            lines.extend(more);
            (self.file, self.offset) = (Some(file), end);
        }
        latest(lines)
    }
}

fn name(file: &fs::Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

/// The whole lines from an offset on, the file that they are in, and where they end. Damaged ones are passed over.
fn read_lines(path: &Path, from: u64) -> io::Result<(Vec<Told>, (u64, u64), u64)> {
    let mut file = File::open(path)?;
    let about = file.metadata()?;
    // Of a file that is longer than any should be, only the end.
    let from = from.max(about.len().saturating_sub(READ_BYTES_MAX));
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(READ_BYTES_MAX).read_to_end(&mut bytes)?;
    let whole = bytes.iter().rposition(|byte| *byte == b'\n');
    let whole = &bytes[..whole.map_or(0, |at| at + 1)];
    let lines = whole.split(|byte| *byte == b'\n');
    let lines = lines.filter_map(|line| serde_json::from_slice::<Told>(line).ok());
    let told = lines.filter(|line| line.v == 1).collect();
    Ok((told, name(&about), from + whole.len() as u64))
}

/// The latest of them, as many as others are told of; those of one agent in a row together.
fn latest(lines: Vec<Told>) -> Vec<(String, Vec<ArrivalNo>)> {
    let mut left = RECEIPT_OFFERED_MAX;
    let mut shown: Vec<(String, Vec<ArrivalNo>)> = Vec::new();
    for line in lines.into_iter().rev() {
        let taken = line.shown.len().min(left);
        left -= taken;
        let places = line.shown[line.shown.len() - taken..].iter().rev();
        let places = places.map(|n| ArrivalNo(*n));
        match shown.last_mut() {
            Some((agent, all)) if *agent == line.agent => all.extend(places),
            _ => shown.push((line.agent, places.collect())),
        }
        if left == 0 {
            break;
        }
    }
    shown.reverse();
    for (_, places) in &mut shown {
        places.reverse();
    }
    shown.retain(|(_, places)| !places.is_empty());
    shown
}

#[cfg(test)]
mod tests {
    use cc_hook_generic::audit::{AuditEvent, AuditLine, append};
    use cc_proto::id::Timestamp;

    use super::*;

    fn note(dir: &Path, agent: &str, shown: &[u64]) {
        let line = AuditLine::new(Timestamp(1), agent, "s1", AuditEvent::Prompt);
        let shown: Vec<ArrivalNo> = shown.iter().map(|n| ArrivalNo(*n)).collect();
        append(dir, &line.told(&shown, 0)).unwrap();
    }

    fn told(agent: &str, lines: &[u64]) -> (String, Vec<ArrivalNo>) {
        let lines = lines.iter().map(|n| ArrivalNo(*n)).collect();
        (agent.to_owned(), lines)
    }

    #[test]
    fn an_audit_is_read_on_from_where_it_was_left_and_beyond_a_rotation() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(AUDIT_FILE);
        let mut audit = Audit::new(dir.path());
        assert!(!audit.has_changed());
        assert_eq!(audit.read_on(), []);
        note(dir.path(), "codex", &[1, 2]);
        note(dir.path(), "codex", &[3]);
        note(dir.path(), "claude-code", &[3]);
        note(dir.path(), "claude-code", &[]);
        assert!(audit.has_changed());
        let first = [told("codex", &[1, 2, 3]), told("claude-code", &[3])];
        assert_eq!(audit.read_on(), first);
        assert!(!audit.has_changed());
        assert_eq!(audit.read_on(), []);
        // A line that is not whole yet is read when it is.
        fs::write(
            &path,
            [
                &fs::read(&path).unwrap()[..],
                b"{\"v\":1,\"agent\":\"codex\",",
            ]
            .concat(),
        )
        .unwrap();
        assert_eq!(audit.read_on(), []);
        fs::write(
            &path,
            [
                &fs::read(&path).unwrap()[..],
                b"\"shown\":[4]}\nnoise\n{\"v\":2,\"agent\":\"x\",\"shown\":[5]}\n",
            ]
            .concat(),
        )
        .unwrap();
        assert_eq!(audit.read_on(), [told("codex", &[4])]);
        // Set aside with something in it that was not read.
        note(dir.path(), "codex", &[5]);
        fs::rename(&path, path.with_extension("jsonl.old")).unwrap();
        note(dir.path(), "codex", &[6]);
        assert_eq!(audit.read_on(), [told("codex", &[5, 6])]);
        assert_eq!(Audit::new(dir.path()).read_on().len(), 3);
    }

    #[test]
    fn no_more_is_told_than_others_are_told_of() {
        let lines = (1..=40u64).map(|k| Told {
            v: 1,
            agent: format!("agent-{}", k % 2),
            shown: (k * 100..k * 100 + 50).collect(),
        });
        let shown = latest(lines.collect());
        let count: usize = shown.iter().map(|(_, lines)| lines.len()).sum();
        assert_eq!(count, RECEIPT_OFFERED_MAX);
        assert_eq!(shown.last().unwrap().1.last(), Some(&ArrivalNo(4049)));
    }
}
