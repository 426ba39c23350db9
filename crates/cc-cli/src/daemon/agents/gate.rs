//! The gate that whatever an agent of this machine says has to pass, whichever way it comes.

use std::path::PathBuf;

use cc_hook_generic::pause::Pause;
use cc_log::LogReader;
use cc_net::{Draft, Room, Sent};
use cc_proto::id::{ArrivalNo, Hash, MessageId, RoomId};
use cc_proto::limits::VIA_BYTES_MAX;
use cc_proto::via::{Role, Via};

use super::held::{self, HELD_MAX};
use super::pace::{HeldBack, Voice};
use super::{AgentEvent, Agents, now};
use crate::daemon::methods::send_error;
use crate::rpc::{HeldBackInfo, HeldInfo, RpcError, SendKind, SendResult, SendRole, code};
use crate::secrets;

/// What an agent wants to say.
#[derive(Debug, Clone)]
pub struct Speech {
    /// What.
    pub text: String,
    /// The agent's name, without a role.
    pub agent: String,
    /// What it is for.
    pub role: SendRole,
    /// The message that it answers.
    pub re: Option<MessageId>,
    /// A message or a summary.
    pub kind: SendKind,
    /// What it shares, where that is to be held; there is no text then.
    pub file: Option<Sharing>,
}

/// What an agent wants to share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sharing {
    /// The path as it was given.
    pub path: PathBuf,
    /// The folder of the agent's session.
    pub within: Option<PathBuf>,
    /// How many bytes it had when it was held.
    pub size: u64,
    /// Its hash then: nothing else is shared.
    pub hash: Hash,
}

impl Speech {
    /// What stands in the message's `via`.
    fn via(&self) -> String {
        let role = match self.role {
            SendRole::Message => Role::Message,
            SendRole::Status => Role::Status,
            SendRole::Error => Role::Error,
        };
        let agent = self.agent.clone();
        Via { agent, role }.encode()
    }

    fn voice(&self) -> Voice {
        match self.role {
            SendRole::Message => Voice::Agent,
            SendRole::Status | SendRole::Error => Voice::Note,
        }
    }

    fn draft(&self, newest: Option<MessageId>) -> Draft {
        Draft {
            text: self.text.clone(),
            via: self.via(),
            re: self.re,
            summary: newest,
        }
    }
}

impl Agents {
    /// Says what an agent wants to say, or keeps it until the owner approves it.
    ///
    /// # Errors
    /// `paused`, `secret`, `held_back`, `too_many` held ones, and those of sending.
    pub async fn say(
        &self,
        room: &Room,
        speech: Speech,
        hold: bool,
    ) -> Result<SendResult, RpcError> {
        self.may_speak(room.id(), &speech)?;
        if let Some(what) = secrets::find(&speech.text) {
            let held = format!("the text seems to hold {what}, and was not sent");
            return Err(RpcError::new(code::SECRET, held)
                .hint("leave it out; a person can send it with cc-connect send"));
        }
        if hold {
            return self.hold(room.id(), speech);
        }
        self.pass(room.id(), &speech)?;
        self.send(room, &speech).await
    }

    /// Lets an agent share something.
    ///
    /// # Errors
    /// `paused`, `held_back`.
    pub fn admit(&self, room: RoomId, speech: &Speech) -> Result<(), RpcError> {
        self.may_speak(room, speech)?;
        self.pass(room, speech)
    }

    /// Whether an agent may want to share something that the owner is to approve: before that is read.
    ///
    /// # Errors
    /// `paused`, `too_many` held ones.
    pub fn may_hold(&self, room: RoomId, speech: &Speech) -> Result<(), RpcError> {
        self.may_speak(room, speech)?;
        self.held().has_room()
    }

    fn may_speak(&self, room: RoomId, speech: &Speech) -> Result<(), RpcError> {
        let bytes = speech.via().len();
        if bytes > VIA_BYTES_MAX {
            let long = format!(
                "the agent's name has {bytes} bytes, and at most {VIA_BYTES_MAX} can be sent"
            );
            return Err(
                RpcError::new(code::BAD_MESSAGE, long).hint("name the agent with a word or two")
            );
        }
        let pause = Pause::load(&self.0.home);
        if pause.holds(&room, now()) {
            return Err(
                RpcError::new(code::PAUSED, "the owner has paused this room for agents")
                    .hint("cc-connect resume ends the pause"),
            );
        }
        Ok(())
    }

    /// What waits for the owner's yes.
    pub fn held_messages(&self) -> Vec<HeldInfo> {
        self.held().messages()
    }

    /// Takes a held message out: it is to be sent.
    ///
    /// # Errors
    /// `no_such_held`, and `disk` where it cannot be noted that it is out.
    pub fn take_held(&self, held: u64) -> Result<HeldInfo, RpcError> {
        self.held().take(held)
    }

    /// Throws a held message away, unless sharing it was approved before: then gives how many lines the room had then.
    ///
    /// # Errors
    /// `no_such_held`, and `disk` where it cannot be noted that it is out.
    pub fn refuse_held(&self, held: u64) -> Result<Option<u64>, RpcError> {
        let mut all = self.held();
        if let Some(lines) = all.approved_at(held) {
            return Ok(Some(lines));
        }
        let message = all.take(held)?;
        drop(all);
        self.decided(&message, false);
        Ok(None)
    }

    /// Throws away what was approved before, and was not shared.
    ///
    /// # Errors
    /// `disk`.
    pub fn refuse_approved(&self, approved: &Approved) -> Result<(), RpcError> {
        let mut held = self.held();
        held.share_ended(approved.message.held);
        held.take(approved.message.held)?;
        drop(held);
        self.decided(&approved.message, false);
        Ok(())
    }

    fn decided(&self, message: &HeldInfo, approved: bool) {
        // That it names no room is a file that was damaged by hand.
        if let Ok(room) = message.room.parse() {
            let held = message.held;
            self.tell(room, AgentEvent::Decided { held, approved });
        }
    }

    /// What a held message shares, if it shares something; it stays held until that is done, and nobody else decides
    /// about it meanwhile.
    ///
    /// # Errors
    /// `no_such_held`, and `disk` where the file of held messages was damaged by hand.
    pub fn held_share(&self, held: u64) -> Result<Option<Approved>, RpcError> {
        let mut all = self.held();
        let message = all.find(held)?;
        if message.file.is_none() {
            return Ok(None);
        }
        let speech = held::speech(&message)?;
        all.begin_share(held)?;
        drop(all);
        Ok(Some(Approved {
            agents: self.clone(),
            message,
            speech,
        }))
    }

    /// Notes down, before it is shared, that the owner approved it while the room had so many lines. Where that was noted
    /// before, gives how many it had then: it may have been shared since.
    ///
    /// # Errors
    /// `disk`; it must not be shared then.
    pub fn begin_approved(&self, approved: &Approved, lines: u64) -> Result<Option<u64>, RpcError> {
        let (mut all, held) = (self.held(), approved.message.held);
        let before = all.approved_at(held);
        if before.is_none() {
            all.note_approved(held, lines)?;
        }
        Ok(before)
    }

    /// Notes that what the owner approved was shared: it counts for the budget, and was not held to it.
    ///
    /// # Errors
    /// `disk`.
    pub fn shared_approved(&self, room: RoomId, approved: &Approved) -> Result<(), RpcError> {
        self.note(room, now(), self.0.me, Voice::Agent);
        let mut held = self.held();
        held.share_ended(approved.message.held);
        held.take(approved.message.held)?;
        drop(held);
        self.decided(&approved.message, true);
        Ok(())
    }

    /// Holds a message again that was taken out in vain.
    ///
    /// # Errors
    /// `disk`.
    pub fn put_back(&self, message: HeldInfo) -> Result<(), RpcError> {
        self.held().put_back(message)
    }

    /// Sends what the owner approved: it counts for the budget, and is not held to it.
    ///
    /// # Errors
    /// Those of sending; the message is held again then.
    pub async fn send_approved(
        &self,
        room: &Room,
        message: HeldInfo,
    ) -> Result<SendResult, RpcError> {
        let speech = held::speech(&message)?;
        self.note(room.id(), now(), self.0.me, speech.voice());
        let sent = self.send(room, &speech).await;
        if sent.is_err() {
            self.held().put_back(message)?;
        } else {
            self.decided(&message, true);
        }
        sent
    }

    /// Keeps what an agent wants to say until the owner approves it; gives its number.
    ///
    /// # Errors
    /// `too_many` held ones, `disk`.
    pub fn hold(&self, room: RoomId, speech: Speech) -> Result<SendResult, RpcError> {
        let via = speech.via();
        let held = self.held().put(room, speech, now())?;
        self.tell(room, AgentEvent::Held { held, via });
        Ok(SendResult {
            id: None,
            n: None,
            held: Some(held),
        })
    }

    /// Holds an agent to the budget; what passes is counted at once, so that two at a time do not both pass as the last.
    fn pass(&self, room: RoomId, speech: &Speech) -> Result<(), RpcError> {
        let voice = speech.voice();
        let now = now();
        let mut rooms = self.rooms();
        let agents = rooms.entry(room).or_default();
        let held_back = match agents.pace.may(&self.0.me, voice, now) {
            Ok(()) => {
                agents.last_held_back = None;
                let stopped = agents.pace.note(now, self.0.me, voice, now);
                drop(rooms);
                self.tell_if_stopped(room, stopped);
                return Ok(());
            }
            Err(held_back) => held_back,
        };
        let (reason, hint) = in_words(held_back);
        let before = agents.last_held_back.as_ref();
        let info = HeldBackInfo {
            via: speech.via(),
            reason: reason.clone(),
            at: now.0,
            count: before.map_or(0, |before| before.count) + 1,
        };
        agents.last_held_back = Some(info.clone());
        drop(rooms);
        self.tell(room, AgentEvent::HeldBack(info));
        Err(RpcError::new(code::HELD_BACK, reason).hint(hint))
    }

    /// The newest message of a room that is here: what a summary takes in.
    pub async fn newest(&self, room: RoomId) -> Option<MessageId> {
        let dir = self.dir(&room);
        let newest = tokio::task::spawn_blocking(move || {
            let log = LogReader::open(&dir).ok()?;
            let mut lines = (1..=log.len().0).rev().map(|n| log.line(ArrivalNo(n)));
            lines.find_map(|line| line.ok()?.id())
        });
        newest.await.ok()?
    }

    async fn send(&self, room: &Room, speech: &Speech) -> Result<SendResult, RpcError> {
        let newest = match speech.kind {
            SendKind::Chat => None,
            SendKind::Summary => self.newest(room.id()).await,
        };
        let Sent { id, n } = room
            .send(speech.draft(newest))
            .await
            .map_err(|error| send_error(&error))?;
        Ok(SendResult {
            id: Some(id.to_hex()),
            n: Some(n.0),
            held: None,
        })
    }
}

/// A held share that the owner approved. Others may decide about it again once this is dropped.
pub struct Approved {
    agents: Agents,
    /// As it was held.
    pub message: HeldInfo,
    /// What it says.
    pub speech: Speech,
}

impl Drop for Approved {
    fn drop(&mut self) {
        self.agents.held().share_ended(self.message.held);
    }
}

/// Why an agent is held back, and what frees it.
fn in_words(held_back: HeldBack) -> (String, String) {
    match held_back {
        HeldBack::Run { run, wait_ms } => (
            format!("agents have written {run} messages in a row, and wait for a person now"),
            format!(
                "the message was not sent; a message of any person in the room frees it, or waiting {}",
                span(wait_ms)
            ),
        ),
        HeldBack::Rate { share, wait_ms } => (
            format!(
                "agents of this machine may write {share} messages a minute to this room at the moment"
            ),
            format!("the message was not sent; try again in {}", span(wait_ms)),
        ),
    }
}

fn span(ms: u64) -> String {
    let seconds = ms.div_ceil(1000).max(1);
    if seconds < 120 {
        format!("{seconds} s")
    } else {
        format!("{} min", seconds.div_ceil(60))
    }
}

/// What is said where no more can be held.
pub(super) fn too_many_held() -> RpcError {
    RpcError::new(
        code::TOO_MANY,
        format!("{HELD_MAX} messages of agents wait for the owner already"),
    )
    .hint("cc-connect held lists them")
}
