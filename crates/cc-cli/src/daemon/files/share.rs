//! `file.share`: a file goes into the room, unless it must not.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use cc_net::{FileStatus, Inspect, Inspected, Room, RoomState, ShareDraft, ShareError, SourceLook};
use cc_proto::id::{Hash, MessageId};
use cc_proto::text::clean_line;
use cc_proto::via::{Role, Via};
use serde_json::json;
use tokio::sync::{Semaphore, mpsc};

use super::key::{KeyScanner, NEVER, NEVER_HINT};
use super::refuse::{Checked, Request, check};
use super::{files_error, info};
use crate::daemon::agents::{Approved, Sharing, Speech};
use crate::daemon::methods::{Session, closed, send_error};
use crate::rpc::{RpcError, SendKind, SendRole, ShareParams, ShareResult, code, notification_line};
use crate::secrets::Scanner;

/// How often is told how much was read.
const TELL_EVERY: Duration = Duration::from_millis(250);

/// What is to be held is read one at a time: who only wants to share something keeps the disk busy once.
static LOOKS: Semaphore = Semaphore::const_new(1);
/// So many files at once are looked through for one that was announced before.
const LOOKED_THROUGH: usize = 100;

/// `file.share`. Dropped, or once the client is gone, nothing is announced.
pub async fn share(session: &Session, params: ShareParams) -> Result<ShareResult, RpcError> {
    let room = session.keeper.room(&params.room)?;
    let re: Option<MessageId> = params.re.map(|id| id.parse()).transpose().map_err(|_| {
        RpcError::new(
            code::INVALID_PARAMS,
            "a message's id is 64 hexadecimal digits",
        )
    })?;
    let via = Via::parse(&params.via);
    if via.is_some() && params.force {
        let only = "only a person can want a credential shared";
        return Err(RpcError::new(code::INVALID_PARAMS, only));
    }
    belongs(&room).await?;
    let checked = checked(
        session,
        Request {
            path: params.path.clone(),
            within: params.within.clone(),
            is_agent: via.is_some(),
            force: params.force,
        },
    )
    .await?;
    let Some(via) = via else {
        let words = Words::of(String::new(), re);
        let file = bring(session, &room, checked, words).await?;
        return Ok(ShareResult {
            file: Some(info(room.id(), &file)),
            held: None,
        });
    };
    let mut speech = Speech {
        text: String::new(),
        agent: via.agent,
        role: SendRole::Message,
        re,
        kind: SendKind::Chat,
        file: None,
    };
    let agents = &session.keeper.agents;
    if params.hold {
        agents.may_hold(room.id(), &speech)?;
        let look = look(session, &room, checked).await?;
        speech.file = Some(Sharing {
            path: params.path,
            within: params.within,
            size: look.size,
            hash: look.hash,
        });
        let held = agents.hold(room.id(), speech)?.held;
        return Ok(ShareResult { file: None, held });
    }
    agents.admit(room.id(), &speech)?;
    let words = Words::of(encoded(&speech.agent), re);
    let file = bring(session, &room, checked, words).await?;
    Ok(ShareResult {
        file: Some(info(room.id(), &file)),
        held: None,
    })
}

/// Shares what an agent wanted to share and the owner approved, unless that was done already and a kill or a full disk kept
/// it from being noted.
pub async fn share_approved(
    session: &Session,
    room: &Room,
    approved: &Approved,
) -> Result<FileStatus, RpcError> {
    let lines = room.status().await.map_err(|_| closed())?.lines;
    let agents = &session.keeper.agents;
    if let Some(before) = agents.begin_approved(approved, lines)?
        && let Some(file) = announced_since(session, room, approved, before).await?
    {
        return Ok(file);
    }
    share_anew(session, room, approved).await
}

/// Throws a held message away. What was approved before may have been shared, which was not noted: nobody refuses that any
/// more, and whoever tries is told.
pub async fn refuse_held(session: &Session, held: u64) -> Result<(), RpcError> {
    let agents = &session.keeper.agents;
    let Some(before) = agents.refuse_held(held)? else {
        return Ok(());
    };
    let Some(approved) = agents.held_share(held)? else {
        return Ok(());
    };
    // Where the room is left, nothing of it counts here any more.
    if let Ok(room) = session.keeper.room(&approved.message.room)
        && let Some(file) = announced_since(session, &room, &approved, before).await?
    {
        agents.shared_approved(room.id(), &approved)?;
        let (line, room) = (file.n.0, room.id().short());
        let is_there = format!(
            "message {held} was approved before, and what it shares is in the room, in line {line}"
        );
        return Err(RpcError::new(code::NO_SUCH_HELD, is_there).hint(format!(
            "to take it back: cc-connect retract {line} --room {room}"
        )));
    }
    agents.refuse_approved(&approved)
}

/// What was announced of what was approved, in a line after the first `lines`.
async fn announced_since(
    session: &Session,
    room: &Room,
    approved: &Approved,
    lines: u64,
) -> Result<Option<FileStatus>, RpcError> {
    let hash = approved.speech.file.as_ref().map(|sharing| sharing.hash);
    let via = encoded(&approved.message.agent);
    let mut before = None;
    loop {
        let found = room.files(before, LOOKED_THROUGH).await;
        let found = found.map_err(|error| files_error(&error))?;
        let Some(last) = found.last() else {
            return Ok(None);
        };
        before = Some(last.n);
        let is_over = last.n.0 <= lines;
        let it = found.into_iter().find(|file| {
            let is_ours = file.author == session.keeper.me && file.via == via;
            is_ours && Some(file.hash) == hash && file.n.0 > lines
        });
        if it.is_some() || is_over {
            return Ok(it);
        }
    }
}

/// Shares what was approved. It is judged as it is now, and must have the bytes that it had when it was held.
async fn share_anew(
    session: &Session,
    room: &Room,
    approved: &Approved,
) -> Result<FileStatus, RpcError> {
    let sharing = approved.speech.file.clone().ok_or_else(|| {
        RpcError::new(
            code::INTERNAL_ERROR,
            "the held message is none about a file",
        )
    })?;
    belongs(room).await?;
    let checked = checked(
        session,
        Request {
            path: sharing.path,
            within: sharing.within,
            is_agent: true,
            force: false,
        },
    )
    .await?;
    let words = Words {
        hash: Some(sharing.hash),
        ..Words::of(encoded(&approved.message.agent), approved.speech.re)
    };
    let held = approved.message.held;
    let shared = bring(session, room, checked, words).await;
    shared.map_err(|error| match error.code {
        code::CHANGED => error.hint(format!(
            "look at it, then cc-connect refuse {held} and have it shared again"
        )),
        _ => error,
    })
}

/// What is said with a file.
struct Words {
    /// By which agent.
    via: String,
    /// In answer to what.
    re: Option<MessageId>,
    /// The hash that it must have.
    hash: Option<Hash>,
}

impl Words {
    fn of(via: String, re: Option<MessageId>) -> Self {
        Self {
            via,
            re,
            hash: None,
        }
    }
}

fn encoded(agent: &str) -> String {
    let (agent, role) = (agent.to_owned(), Role::Message);
    Via { agent, role }.encode()
}

/// Whether the room would take an announcement: else all would be read in vain.
async fn belongs(room: &Room) -> Result<(), RpcError> {
    let status = room.status().await.map_err(|_| closed())?;
    if status.removed {
        return Err(RpcError::new(
            code::NOT_A_MEMBER,
            "you are no longer a member of the room",
        ));
    }
    if status.state == RoomState::Joining {
        return Err(RpcError::new(
            code::JOINING,
            "no member of the room has let us in yet",
        ));
    }
    Ok(())
}

async fn checked(session: &Session, request: Request) -> Result<Checked, RpcError> {
    let home = session.keeper.home.clone();
    let checked = tokio::task::spawn_blocking(move || check(request, &home)).await;
    checked.map_err(|error| RpcError::new(code::INTERNAL_ERROR, error.to_string()))?
}

/// Has the room keep a copy and announce it, for as long as the client is there.
async fn bring(
    session: &Session,
    room: &Room,
    checked: Checked,
    words: Words,
) -> Result<FileStatus, RpcError> {
    let media_type = mime_guess::from_path(&checked.canonical)
        .first_raw()
        .unwrap_or("application/octet-stream");
    let draft = ShareDraft {
        // It is announced by the name that was typed. Where it leads is judged again when it is opened.
        path: checked.typed.clone(),
        via: words.via,
        re: words.re,
        hash: words.hash,
    };
    let (shown, hint) = (shown(&checked), checked.hint());
    let inspect = inspect(checked, session, room);
    let shared = room.share(draft, media_type.to_owned(), Some(inspect));
    while_there(session, shared)
        .await?
        .map_err(|error| share_error(&error, &shown, hint))
}

/// Reads what is to be held, for as long as the client is there: approved, nothing else is shared.
async fn look(session: &Session, room: &Room, checked: Checked) -> Result<SourceLook, RpcError> {
    let path = checked.typed.clone();
    let (shown, hint) = (shown(&checked), checked.hint());
    let inspect = inspect(checked, session, room);
    let looked = async {
        // Never closed.
        let _turn = LOOKS.acquire().await;
        room.look_at_source(&path, Some(inspect)).await
    };
    while_there(session, looked)
        .await?
        .map_err(|error| share_error(&error, &shown, hint))
}

async fn while_there<T>(session: &Session, work: impl Future<Output = T>) -> Result<T, RpcError> {
    tokio::select! {
        done = work => Ok(done),
        () = session.gone() => Err(RpcError::new(code::STOPPING, "the client is gone")),
    }
}

fn shown(checked: &Checked) -> String {
    clean_line(&checked.typed.to_string_lossy(), usize::MAX)
}

/// Sees every byte that is shared, and refuses what must not be.
fn inspect(checked: Checked, session: &Session, room: &Room) -> Inspect {
    let mut told = Told {
        out: session.out.clone(),
        room: room.id().to_hex(),
        path: checked.typed.clone(),
        done: 0,
        last: Instant::now(),
    };
    let mut scanner = Scanner::default();
    let mut keys = KeyScanner::default();
    let mut file = PathBuf::new();
    Box::new(move |seen| {
        let found = match seen {
            Inspected::File {
                canonical,
                relative,
            } => {
                scanner = Scanner::default();
                keys = KeyScanner::default();
                relative.clone_into(&mut file);
                return checked.allows(canonical, relative);
            }
            Inspected::Bytes(bytes) => {
                told.more(bytes.len());
                if keys.feed(&checked.key, bytes) {
                    let file = clean_line(&file.to_string_lossy(), usize::MAX);
                    return Err(format!("{file} holds the key of this machine, {NEVER}"));
                }
                if checked.force {
                    return Ok(());
                }
                scanner.feed(bytes)
            }
            Inspected::End if checked.force => return Ok(()),
            Inspected::End if keys.is_an_identity(&file) => Some("a key of cc-connect"),
            Inspected::End => scanner.end(),
        };
        match found {
            None => Ok(()),
            Some(what) => {
                let file = clean_line(&file.to_string_lossy(), usize::MAX);
                Err(format!("{file} seems to hold {what}, and was not shared"))
            }
        }
    })
}

/// Tells the client how much was read.
struct Told {
    out: mpsc::Sender<String>,
    room: String,
    path: PathBuf,
    done: u64,
    last: Instant,
}

impl Told {
    fn more(&mut self, bytes: usize) {
        self.done += bytes as u64;
        if self.last.elapsed() < TELL_EVERY {
            return;
        }
        self.last = Instant::now();
        let detail = json!({
            "room": self.room, "event": "sharing", "path": self.path, "done": self.done
        });
        // A client that does not read misses a number.
        let _ = self.out.try_send(notification_line("event", &detail));
    }
}

fn share_error(error: &ShareError, shown: &str, hint: String) -> RpcError {
    let code = match error {
        ShareError::Unreadable { .. }
        | ShareError::NotAFile { .. }
        | ShareError::EmptyFolder { .. } => code::UNREADABLE,
        ShareError::Changed { .. } => {
            let changed = format!("{shown} changed while it was read, and was not shared");
            return RpcError::new(code::CHANGED, changed).hint("share it again once it is at rest");
        }
        ShareError::Differs { .. } => {
            let changed =
                format!("{shown} changed since it was held: look at it and share it again");
            return RpcError::new(code::CHANGED, changed);
        }
        ShareError::Folder { .. } | ShareError::FolderNames { .. } => code::TOO_LARGE,
        ShareError::Refused(words) => {
            let is_final = words.ends_with(NEVER);
            let hint = if is_final {
                NEVER_HINT.to_owned()
            } else {
                hint
            };
            return RpcError::new(code::CREDENTIAL, words.clone()).hint(hint);
        }
        ShareError::NoSpace { .. } => code::NO_SPACE,
        ShareError::Copy { .. } => code::DISK,
        ShareError::Send(error) => return send_error(error),
        ShareError::Closed => return closed(),
        _ => code::INTERNAL_ERROR,
    };
    RpcError::new(code, clean_line(&error.to_string(), usize::MAX))
}
