//! What goes over in a sync session once both sides belong: heads, locators, segments.

use std::collections::{BTreeMap, BTreeSet};

use super::accept::Accepted;
use super::session::{Fault, Phase, Session, Verdict};
use super::{MisbehaviourKind, Output, RoomCore, RoomEvent, SessionId, SyncAbortCode, Turn};
use crate::chains::{ChainKey, Tip};
use crate::clock::Now;
use crate::frames::SyncFrame;
use crate::history::History;
use crate::id::{AuthorId, ChainId, Hash, Head, Seq};
use crate::limits;
use crate::message::SignedMessage;
use crate::outbox;
use crate::segment::verify_segment;
use crate::ticket::PeerAddress;

/// What of an author was left for later, as it was too much at once, is asked for after this time.
const DEFERRED_MS: u64 = 30_000;

impl RoomCore {
    /// The heads that we tell a peer: of a chain in which a place was lost, the one before that
    /// place, so that the other side sends on from there. A body that was withheld is as good as
    /// lost, until the peer was asked for it once.
    fn told_heads<H: History>(
        &self,
        peer: &AuthorId,
        turn: &Turn<'_, H>,
    ) -> Result<Vec<Head>, H::Error> {
        let mut missing: BTreeMap<ChainKey, Seq> = BTreeMap::new();
        let bodies = self.bodies_to_ask(peer);
        for (author, chain, seq) in self.lost.iter().copied().chain(bodies) {
            let key = (author, chain);
            let told = self.chains.told(&key);
            if told.is_none_or(|told| seq <= told.end) {
                let lowest = missing.entry(key).or_insert(seq);
                *lowest = seq.min(*lowest);
            }
        }
        let mut heads = self.chains.heads();
        if missing.is_empty() {
            return Ok(heads);
        }
        heads.retain(|head| !missing.contains_key(&(head.author, head.chain)));
        for ((author, chain), seq) in missing.into_iter().filter(|(_, seq)| seq.0 > 1) {
            let before = Seq(seq.0 - 1);
            let held = turn.history.at(&author, chain, before)?;
            heads.extend(held.first().map(|(_, held)| Head {
                author,
                chain,
                seq: before,
                id: held.id(),
            }));
        }
        Ok(heads)
    }

    /// The places whose body a peer was not asked for yet.
    fn bodies_to_ask(&self, peer: &AuthorId) -> impl Iterator<Item = (AuthorId, ChainId, Seq)> {
        let asked = self.bodies_asked.get(peer).copied().unwrap_or(0);
        let bodiless = self.bodiless.iter();
        bodiless
            .filter(move |(_, bodiless)| bodiless.since > asked)
            .map(|(place, _)| *place)
    }

    pub(super) fn told_digest<H: History>(
        &mut self,
        peer: &AuthorId,
        turn: &mut Turn<'_, H>,
    ) -> Result<Hash, H::Error> {
        self.survey(turn)?;
        if self.lost.is_empty() && self.bodies_to_ask(peer).next().is_none() {
            return Ok(self.chains.digest());
        }
        Ok(Hash::of(&crate::codec::encode(
            &self.told_heads(peer, turn)?,
        )))
    }

    /// Sends our heads, or goes on at once where both hold the same.
    pub(super) fn exchange<H: History>(
        &self,
        session: &mut Session,
        equal: bool,
        turn: &Turn<'_, H>,
    ) -> Result<(), H::Error> {
        if equal {
            session.phase = Phase::Messages;
            session.peer_asked = true;
            return Ok(());
        }
        session.phase = Phase::Heads;
        let heads = self.told_heads(&session.peer, turn)?;
        let frames = heads.len().div_ceil(limits::HEADS_PER_FRAME_MAX).max(1);
        for i in 0..frames {
            let from = i * limits::HEADS_PER_FRAME_MAX;
            let to = (from + limits::HEADS_PER_FRAME_MAX).min(heads.len());
            let part = heads[from..to].to_vec();
            session.queue.push_back(SyncFrame::Heads {
                heads: part,
                more: i + 1 < frames,
            });
        }
        Ok(())
    }

    pub(super) fn on_heads<H: History>(
        &mut self,
        session: &mut Session,
        heads: Vec<Head>,
        more: bool,
        turn: &Turn<'_, H>,
    ) -> Verdict<H::Error> {
        session.heads_received += heads.len();
        if session.heads_received > limits::HEADS_MAX {
            return Ok(Err(Fault::Misbehaved(MisbehaviourKind::TooManyHeads)));
        }
        if heads.is_empty() && more {
            return Ok(Err(Fault::Misbehaved(MisbehaviourKind::OutOfTurn)));
        }
        for head in heads {
            // What we hold nothing of, we cannot lack to send.
            let key = (head.author, head.chain);
            if self.chains.told_tips(&key).is_empty() {
                continue;
            }
            let tips = session.peer_tips.entry(key).or_default();
            if tips.len() < limits::FORK_TIPS_MAX {
                tips.insert((head.seq, head.id));
            }
            if tips.len() >= limits::FORK_TIPS_MAX {
                session.peer_full.insert(key);
            }
        }
        if !more {
            session.phase = Phase::Messages;
            // Where not all can be asked for, it is not always the same that are.
            let mut keys: Vec<ChainKey> = self.chains.keys().collect();
            if keys.len() > limits::LOCATORS_MAX {
                let first = self.random.next_u64() % keys.len() as u64;
                keys.rotate_left(first as usize);
            }
            for key in keys {
                self.plan_chain(session, key, turn)?;
            }
            session.queue.push_back(SyncFrame::Asked);
        }
        Ok(Ok(()))
    }

    /// Decides what of a chain the other side lacks, or asks where it branched off.
    fn plan_chain<H: History>(
        &self,
        session: &mut Session,
        key: ChainKey,
        turn: &Turn<'_, H>,
    ) -> Result<(), H::Error> {
        let empty = BTreeSet::new();
        let theirs = session.peer_tips.get(&key).unwrap_or(&empty);
        if self.chains.told_tips(&key).is_empty() {
            return Ok(());
        }
        // What the other side holds beyond a cut says only that it has not heard of it.
        let told = self.chains.told(&key);
        let top = told.map_or(self.chains.top(&key), |told| told.end);
        let full = session.peer_full.contains(&key);
        if full && self.chains.told_tips(&key).len() >= limits::FORK_TIPS_MAX {
            return Ok(()); // neither side takes a further branch
        }
        let (mut unknown, mut unknown_below) = (false, false);
        for tip in theirs {
            if !self.chains.holds(&key, *tip, &turn.history)? {
                unknown = true;
                unknown_below |= tip.0 <= top;
            }
        }
        if unknown_below || (unknown && self.chains.is_forked(&key)) {
            if session.locators_awaited.len() >= limits::LOCATORS_MAX {
                session.partial = true;
                return Ok(());
            }
            session.locators_awaited.insert(key);
            return self.send_locator(session, key, turn);
        }
        if unknown {
            return Ok(()); // they are ahead of us, and hold all that we do
        }
        session
            .outbox
            .add_chain(key, &self.chains, theirs, full, &turn.history)
    }

    fn send_locator<H: History>(
        &self,
        session: &mut Session,
        key: ChainKey,
        turn: &Turn<'_, H>,
    ) -> Result<(), H::Error> {
        session.locators_sent.insert(key);
        let places = outbox::locator(&key, &self.chains, &turn.history)?;
        session.queue.push_back(SyncFrame::Locator {
            author: key.0,
            chain: key.1,
            places,
        });
        Ok(())
    }

    pub(super) fn on_locator<H: History>(
        &self,
        session: &mut Session,
        key: ChainKey,
        places: Vec<Tip>,
        turn: &Turn<'_, H>,
    ) -> Verdict<H::Error> {
        let answered = session.locators_awaited.remove(&key);
        let asked = !session.peer_asked
            && !session.locators_sent.contains(&key)
            && session.locators_sent.len() < 2 * limits::LOCATORS_MAX
            && !self.chains.tips(&key).is_empty();
        if places.len() > limits::LOCATOR_PLACES_MAX || !(answered || asked) {
            return Ok(Err(Fault::Misbehaved(MisbehaviourKind::OutOfTurn)));
        }
        if asked {
            self.send_locator(session, key, turn)?;
        }
        let known = session.peer_tips.entry(key).or_default();
        known.extend(places);
        let full = session.peer_full.contains(&key);
        session
            .outbox
            .add_chain(key, &self.chains, known, full, &turn.history)?;
        Ok(Ok(()))
    }

    pub(super) fn on_segment<H: History>(
        &mut self,
        session: &mut Session,
        messages: Vec<SignedMessage>,
        turn: &mut Turn<'_, H>,
    ) -> Verdict<H::Error> {
        let verified = match verify_segment(&self.room, messages) {
            Ok(verified) => verified,
            Err(crate::segment::SegmentError::Message { source, .. }) => {
                return Ok(Err(Fault::Misbehaved(MisbehaviourKind::Message(source))));
            }
            Err(_) => return Ok(Err(Fault::Misbehaved(MisbehaviourKind::GarbledFrame))),
        };
        for message in verified {
            let key = (message.header().author, message.header().chain);
            if session.left_out.contains(&key) {
                continue;
            }
            let tip = (message.header().seq, message.id());
            let known = self.chains.holds(&key, tip, &turn.history)?;
            if !known && !self.flood.takes_synced(&message, turn.now) {
                session.deferred = true;
                session.leave_out(key);
                continue;
            }
            match self.accept(message, turn)? {
                Accepted::Appended => {
                    session.appended = true;
                    self.pace.changed(key, turn.now);
                }
                Accepted::Known => {}
                // What is beyond a cap is left behind; the rest goes on.
                Accepted::Refused(
                    MisbehaviourKind::TooManyForks
                    | MisbehaviourKind::TooManyChains
                    | MisbehaviourKind::TooManyActs,
                ) => session.capped = true,
                // The other side may not have heard of a removal, or we not of an admission.
                Accepted::Refused(MisbehaviourKind::NotAMember) => session.skipped = true,
                Accepted::Refused(MisbehaviourKind::Gap)
                    if session.skipped || session.capped || self.chains.is_forked(&key) => {}
                Accepted::Refused(kind) => return Ok(Err(Fault::Misbehaved(kind))),
            }
        }
        session.skipped |= turn.retold;
        Ok(Ok(()))
    }

    pub(super) fn on_addresses<H: History>(
        &self,
        addresses: Vec<PeerAddress>,
        turn: &mut Turn<'_, H>,
    ) {
        let known: Vec<PeerAddress> = addresses
            .into_iter()
            .take(limits::LEARNED_ADDRESSES_MAX)
            .filter(|address| self.roster.contains(&address.id) && address.id != self.me())
            .filter(|address| address.direct.len() <= limits::DIRECT_ADDRESSES_MAX)
            .collect();
        if !known.is_empty() {
            turn.out.push(Output::Learned(known));
        }
    }

    /// Sends what the transport takes, and ends the session when both sides are done.
    pub(super) fn pump<H: History>(
        &mut self,
        id: SessionId,
        mut session: Session,
        turn: &mut Turn<'_, H>,
    ) -> Result<(), H::Error> {
        self.survey(turn)?;
        let gone =
            turn.gone.contains(&session.peer) || (turn.swept && !self.is_still_proven(&session));
        if gone && session.phase != Phase::Hello {
            let code = SyncAbortCode::Gone;
            turn.out.push(Output::SyncAbort { session: id, code });
            return Ok(());
        }
        let exchanging = session.has_located();
        if exchanging && !session.shared {
            session.shared = true;
            session.outbox.share();
        }
        if self.chains.cut_chains().next().is_some() {
            session.outbox.keep_told(&self.chains);
        }
        while session.credit > 0 {
            let frame = match session.queue.pop_front() {
                Some(frame) => frame,
                None if exchanging && !session.outbox.is_empty() => {
                    let messages = session.outbox.next_segment(&turn.history)?;
                    if messages.is_empty() {
                        continue;
                    }
                    SyncFrame::Segment { messages }
                }
                None if exchanging && !session.done_sent => {
                    session.done_sent = true;
                    self.queue_done(&mut session, turn.now);
                    continue;
                }
                None => break,
            };
            session.credit -= 1;
            let frame = frame.encode();
            turn.out.push(Output::SyncSend { session: id, frame });
        }
        if session.done_sent && session.queue.is_empty() && session.done_received {
            self.finish(id, &session, turn);
        } else {
            self.sessions.insert(id, session);
        }
        Ok(())
    }

    fn finish<H: History>(&mut self, id: SessionId, session: &Session, turn: &mut Turn<'_, H>) {
        let peer = session.peer;
        turn.out.push(Output::SyncFinish { session: id });
        self.peers.synced(peer, session.opened_at, turn.now);
        self.receipts.was_told(peer, session.receipts_told);
        // Without progress nothing would be other than now: two peers do not go round in circles.
        let again = (session.partial || session.skipped) && session.appended;
        if session.outbox.has_more() {
            self.peers.want(peer, turn.now);
        } else if again {
            self.peers.want_later(peer, turn.now);
        } else if session.deferred {
            self.peers.want_after(peer, DEFERRED_MS, turn.now);
        }
        if session.joins && self.is_joining() && self.roster.contains(&self.me()) {
            self.end_joining(turn);
        }
        if !self.bodiless.is_empty() {
            self.bodies_asked.insert(peer, session.bodies_asked);
        }
        if !again && !session.partial && !session.deferred && !session.outbox.is_partial() {
            // What was still waiting for a message before it came with this session, or never will.
            self.pending.clear();
            turn.out.push(Output::Event(RoomEvent::Synced(peer)));
        }
        if self.pace.has_gossip() && !self.peers.is_neighbor(&peer) {
            turn.out.push(Output::JoinBootstrap(vec![peer]));
        }
    }

    fn queue_done(&self, session: &mut Session, now: Now) {
        if let Some((frame, told)) = self.receipts_for(&session.peer, now) {
            session.queue.push_back(frame);
            session.receipts_told = Some(told);
        }
        let addresses: Vec<PeerAddress> = self
            .addresses
            .iter()
            .filter(|address| self.roster.contains(&address.id))
            .take(limits::LEARNED_ADDRESSES_MAX)
            .cloned()
            .collect();
        if !addresses.is_empty() {
            session.queue.push_back(SyncFrame::Addresses(addresses));
        }
        session.queue.push_back(SyncFrame::Done);
    }
}
