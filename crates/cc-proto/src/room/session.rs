//! The sync session, both sides: how it begins and ends. Who gets one is in `door.rs`, what goes
//! over in between in `exchange.rs`.
//!
//! ```text
//! dialer                         answerer
//! Hello(tag, proof, digest)  →
//!                            ←   Welcome(bundle, digest)   or Refused
//! Heads …                   ⇄    Heads …                   not where the digests are equal
//! Locator …, Asked          ⇄    Locator …, Asked          where the other told an unknown tip
//! Locator …                 ⇄    Locator …                 in answer
//! Segment …                 ⇄    Segment …
//! Receipts, Addresses, Done ⇄    Receipts, Addresses, Done
//! ```

use std::collections::{BTreeSet, VecDeque};

use super::receipts::Told;
use super::{MisbehaviourKind, Output, RoomCore, RoomEvent, SessionId, SyncAbortCode, Turn};
use crate::chains::ChainKey;
use crate::clock::Now;
use crate::frames::{Hello, Proof, Refusal, SYNC_VERSION, SyncFrame};
use crate::history::History;
use crate::id::{AuthorId, Hash};
use crate::limits;
use crate::message::Message;
use crate::outbox::{Outbox, PeerTips};

/// Where a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// The answering side waits for the hello.
    Hello,
    /// The dialing side waits for the welcome.
    Welcome {
        /// What our hello told of our heads.
        digest: Hash,
    },
    /// Heads go over; ours are sent.
    Heads,
    /// Messages go over.
    Messages,
}

/// One sync session.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) peer: AuthorId,
    pub(super) dialed: bool,
    pub(super) opened_at: u64,
    pub(super) phase: Phase,
    pub(super) peer_tips: PeerTips,
    pub(super) heads_received: usize,
    /// Chains of which the other side told as many tips as are kept.
    pub(super) peer_full: BTreeSet<ChainKey>,
    /// Frames that go before any segment.
    pub(super) queue: VecDeque<SyncFrame>,
    pub(super) outbox: Outbox,
    /// Frames that the transport may still be given.
    pub(super) credit: usize,
    pub(super) locators_sent: BTreeSet<ChainKey>,
    pub(super) locators_awaited: BTreeSet<ChainKey>,
    /// The other side asks for no more locators. Only when both have their answers is it known
    /// what each lacks, and messages must go in order of arrival over all chains.
    pub(super) peer_asked: bool,
    /// Chains were left for a further session.
    pub(super) partial: bool,
    /// The acts by which the other side belongs, where those held here do not show it.
    pub(super) bundle: Vec<Message>,
    /// Our join was shown in this session.
    pub(super) joins: bool,
    /// What of the bodies that we lack the other side was asked for.
    pub(super) bodies_asked: u64,
    /// Something came that does not count here, or what counts changed.
    pub(super) skipped: bool,
    /// Something that came was appended.
    pub(super) appended: bool,
    /// Something that came was left for later, as its author sent too much.
    pub(super) deferred: bool,
    /// The chains of which.
    pub(super) left_out: BTreeSet<ChainKey>,
    /// Something that came is beyond what is kept of its author.
    pub(super) capped: bool,
    /// What there is to send was shared out among the authors.
    pub(super) shared: bool,
    /// What of receipts the other side is told.
    pub(super) receipts_told: Option<Told>,
    pub(super) done_sent: bool,
    pub(super) done_received: bool,
}

impl Session {
    /// Whether both sides know what the other lacks, as far as we can tell.
    pub(super) fn has_located(&self) -> bool {
        self.phase == Phase::Messages && self.peer_asked && self.locators_awaited.is_empty()
    }

    /// Takes no more of a chain in this session: what follows in it would be a gap.
    pub(super) fn leave_out(&mut self, key: ChainKey) {
        if self.left_out.len() < limits::CHAINS_PER_AUTHOR_MAX {
            self.left_out.insert(key);
        }
        self.capped = true;
    }
}

/// Why the other side's frame ends the session.
pub(super) enum Fault {
    Refuse(Refusal),
    Misbehaved(MisbehaviourKind),
    NotAMember,
}

pub(super) type Verdict<E> = Result<Result<(), Fault>, E>;

impl RoomCore {
    pub(super) fn session_opened<H: History>(
        &mut self,
        id: SessionId,
        peer: AuthorId,
        dialed: bool,
        turn: &mut Turn<'_, H>,
    ) -> Result<(), H::Error> {
        if dialed && !self.may_dial(&peer) {
            // It stopped belonging while it was dialed: it gets nothing.
            self.peers.forget(&peer);
            let code = SyncAbortCode::Gone;
            turn.out.push(Output::SyncAbort { session: id, code });
            return Ok(());
        }
        self.peers.opened(&peer);
        let mut phase = Phase::Hello;
        let mut hello_frame = None;
        if !dialed {
            self.replace_session_of(peer, turn);
        }
        if dialed {
            let digest = self.told_digest(&peer, turn)?;
            let proof = match &self.pending_join {
                Some(join) => Proof::Join {
                    join: join.wire().clone(),
                },
                None => Proof::Member {
                    bundle: self.own_bundle(),
                },
            };
            let hello = Hello {
                version: SYNC_VERSION,
                tag: self.tag,
                proof,
                digest,
            };
            hello_frame = Some(SyncFrame::Hello(hello));
            phase = Phase::Welcome { digest };
        }
        let session = Session {
            peer,
            dialed,
            opened_at: turn.now.mono_ms,
            phase,
            peer_tips: PeerTips::new(),
            heads_received: 0,
            peer_full: BTreeSet::new(),
            queue: hello_frame.into_iter().collect(),
            outbox: Outbox::default(),
            credit: limits::SESSION_FRAMES_AHEAD,
            locators_sent: BTreeSet::new(),
            locators_awaited: BTreeSet::new(),
            peer_asked: false,
            partial: false,
            bundle: Vec::new(),
            joins: dialed && self.pending_join.is_some(),
            bodies_asked: self.bodiless_since,
            skipped: false,
            appended: false,
            deferred: false,
            left_out: BTreeSet::new(),
            capped: false,
            shared: false,
            receipts_told: None,
            done_sent: false,
            done_received: false,
        };
        self.pump(id, session, turn)
    }

    /// A peer has one session with us that it dialed: a newer one takes the place of an older.
    fn replace_session_of<H>(&mut self, peer: AuthorId, turn: &mut Turn<'_, H>) {
        let older: Vec<SessionId> = self
            .sessions
            .iter()
            .filter(|(_, session)| session.peer == peer && !session.dialed)
            .map(|(id, _)| *id)
            .collect();
        for session in older {
            self.sessions.remove(&session);
            let code = SyncAbortCode::Replaced;
            turn.out.push(Output::SyncAbort { session, code });
        }
    }

    /// When [`Self::end_slow_sessions`] has something to do, if nothing happens before.
    pub(super) fn sessions_due(&self) -> u64 {
        let opening = self
            .sessions
            .values()
            .filter(|session| !session.has_located());
        let due = opening.map(|session| session.opened_at + limits::SESSION_OPENING_MS_MAX);
        due.min().unwrap_or(u64::MAX)
    }

    /// Ends sessions whose sides have not told each other what they hold for a long time.
    pub(super) fn end_slow_sessions<H>(&mut self, turn: &mut Turn<'_, H>) {
        let slow: Vec<SessionId> = self
            .sessions
            .iter()
            .filter(|(_, session)| {
                !session.has_located()
                    && session.opened_at + limits::SESSION_OPENING_MS_MAX <= turn.now.mono_ms
            })
            .map(|(id, _)| *id)
            .collect();
        for session in slow {
            if let Some(ended) = self.sessions.remove(&session) {
                self.peers.failed(&ended.peer, turn.now);
            }
            let code = SyncAbortCode::TooSlow;
            turn.out.push(Output::SyncAbort { session, code });
        }
    }

    pub(super) fn session_closed(&mut self, id: SessionId, now: Now) {
        if let Some(session) = self.sessions.remove(&id) {
            self.peers.failed(&session.peer, now);
        }
    }

    pub(super) fn session_ready<H: History>(
        &mut self,
        id: SessionId,
        turn: &mut Turn<'_, H>,
    ) -> Result<(), H::Error> {
        if let Some(mut session) = self.sessions.remove(&id) {
            session.credit = (session.credit + 1).min(limits::SESSION_FRAMES_AHEAD);
            self.pump(id, session, turn)?;
        }
        Ok(())
    }

    pub(super) fn session_frame<H: History>(
        &mut self,
        id: SessionId,
        frame: &[u8],
        turn: &mut Turn<'_, H>,
    ) -> Result<(), H::Error> {
        // Out of the map while it is worked on; a session that ends is not put back.
        let Some(mut session) = self.sessions.remove(&id) else {
            return Ok(());
        };
        let verdict = match SyncFrame::decode(frame) {
            Ok(frame) => self.on_frame(&mut session, frame, turn)?,
            Err(_) => Err(Fault::Misbehaved(MisbehaviourKind::GarbledFrame)),
        };
        match verdict {
            Ok(()) => self.pump(id, session, turn)?,
            Err(fault) => self.end_badly(id, &session, &fault, turn),
        }
        Ok(())
    }

    fn on_frame<H: History>(
        &mut self,
        session: &mut Session,
        frame: SyncFrame,
        turn: &mut Turn<'_, H>,
    ) -> Verdict<H::Error> {
        Ok(match (frame, session.phase) {
            (SyncFrame::Hello(hello), Phase::Hello) => {
                return self.on_hello(session, hello, turn);
            }
            (SyncFrame::Welcome { bundle, digest }, Phase::Welcome { digest: ours }) => {
                if self.roster.is_founded() {
                    match self.proof_of_member(&session.peer, &bundle, turn.now) {
                        Some(bundle) => session.bundle = bundle,
                        None => return Ok(Err(Fault::NotAMember)),
                    }
                }
                self.exchange(session, digest == ours, turn)?;
                Ok(())
            }
            (SyncFrame::Refused(refusal), Phase::Welcome { .. }) => {
                let peer = session.peer;
                turn.out
                    .push(Output::Event(RoomEvent::DoorClosed { peer, refusal }));
                Err(Fault::Refuse(refusal))
            }
            (SyncFrame::Heads { heads, more }, Phase::Heads) => {
                return self.on_heads(session, heads, more, turn);
            }
            (
                SyncFrame::Locator {
                    author,
                    chain,
                    places,
                },
                Phase::Messages,
            ) => {
                return self.on_locator(session, (author, chain), places, turn);
            }
            (SyncFrame::Asked, Phase::Messages) if !session.peer_asked => {
                session.peer_asked = true;
                Ok(())
            }
            (SyncFrame::Segment { messages }, Phase::Messages) => {
                return self.on_segment(session, messages, turn);
            }
            (SyncFrame::Addresses(addresses), Phase::Messages) => {
                self.on_addresses(addresses, turn);
                Ok(())
            }
            (SyncFrame::Receipts(receipts), Phase::Messages) => {
                for receipt in receipts {
                    self.take_receipt(session.peer, receipt, turn);
                }
                Ok(())
            }
            (SyncFrame::Done, Phase::Messages) => {
                session.done_received = true;
                Ok(())
            }
            _ => Err(Fault::Misbehaved(MisbehaviourKind::OutOfTurn)),
        })
    }

    fn on_hello<H: History>(
        &mut self,
        session: &mut Session,
        hello: Hello,
        turn: &mut Turn<'_, H>,
    ) -> Verdict<H::Error> {
        if hello.tag != self.tag || hello.version != SYNC_VERSION {
            return Ok(Err(Fault::Refuse(Refusal::Refused)));
        }
        match hello.proof {
            Proof::Member { bundle } => {
                match self.proof_of_member(&session.peer, &bundle, turn.now) {
                    Some(bundle) => session.bundle = bundle,
                    None => return Ok(Err(Fault::Refuse(Refusal::Refused))),
                }
            }
            Proof::Join { join } => {
                if let Err(refusal) = self.door(&session.peer, join, turn)? {
                    return Ok(Err(Fault::Refuse(refusal)));
                }
            }
        }
        if !self.takes_turn(session.peer, turn) {
            return Ok(Err(Fault::Refuse(Refusal::Busy)));
        }
        let digest = self.told_digest(&session.peer, turn)?;
        let welcome = SyncFrame::Welcome {
            bundle: self.own_bundle(),
            digest,
        };
        session.queue.push_back(welcome);
        self.exchange(session, hello.digest == digest, turn)?;
        Ok(Ok(()))
    }

    fn end_badly<H: History>(
        &mut self,
        id: SessionId,
        session: &Session,
        fault: &Fault,
        turn: &mut Turn<'_, H>,
    ) {
        let peer = session.peer;
        let code = match fault {
            Fault::Refuse(refusal) => {
                if session.phase == Phase::Hello {
                    let frame = SyncFrame::Refused(*refusal).encode();
                    turn.out.push(Output::SyncSend { session: id, frame });
                    turn.refused(peer, MisbehaviourKind::NoProof);
                }
                SyncAbortCode::Refused
            }
            Fault::Misbehaved(kind) => {
                turn.refused(peer, *kind);
                SyncAbortCode::Misbehaved
            }
            Fault::NotAMember => {
                turn.refused(peer, MisbehaviourKind::NoProof);
                SyncAbortCode::NotAMember
            }
        };
        let for_good = match fault {
            // A door that has not heard of our invite may hear of it any moment.
            Fault::Refuse(Refusal::Refused) => !session.joins,
            Fault::Refuse(refusal) => *refusal != Refusal::Busy,
            _ => false,
        };
        if session.dialed && for_good {
            self.peers.refused(&peer, turn.now);
        } else {
            self.peers.failed(&peer, turn.now);
        }
        if session.dialed && matches!(fault, Fault::Refuse(Refusal::Busy)) {
            self.peers.want_later(peer, turn.now);
        }
        turn.out.push(Output::SyncAbort { session: id, code });
    }
}
