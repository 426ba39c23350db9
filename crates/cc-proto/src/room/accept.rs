//! What may be appended, from whichever source it came.

use super::{MisbehaviourKind, Output, RoomCore, RoomEvent, Turn};
use crate::chains::{ChainKey, Place};
use crate::frames::GossipFrame;
use crate::history::History;
use crate::id::AuthorId;
use crate::limits;
use crate::message::Message;

/// What became of a verified message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Accepted {
    Appended,
    Known,
    Refused(MisbehaviourKind),
}

impl RoomCore {
    /// Takes a gossip frame. Gossip is only the fast path: whatever does not fit starts a sync.
    pub(super) fn gossip<H: History>(
        &mut self,
        from: AuthorId,
        bytes: &[u8],
        turn: &mut Turn<'_, H>,
    ) -> Result<(), H::Error> {
        if self.is_joining() {
            return Ok(());
        }
        match GossipFrame::decode(bytes) {
            Ok(GossipFrame::Message(message)) => match message.verify(&self.room) {
                Ok(message) => self.live(from, message, turn)?,
                Err(error) => turn.refused(from, MisbehaviourKind::Message(error)),
            },
            Ok(GossipFrame::Heights(heads)) => {
                for head in heads.iter().take(limits::HEIGHTS_PER_FRAME_MAX) {
                    let key = (head.author, head.chain);
                    let top = self.chains.top(&key);
                    let forked =
                        head.seq == top && !self.chains.tips(&key).contains(&(top, head.id));
                    if head.seq > top || forked {
                        self.peers.want(from, turn.now);
                        break;
                    }
                }
            }
            Err(_) => turn.refused(from, MisbehaviourKind::GarbledFrame),
        }
        Ok(())
    }

    fn live<H: History>(
        &mut self,
        from: AuthorId,
        message: Message,
        turn: &mut Turn<'_, H>,
    ) -> Result<(), H::Error> {
        let header = message.header();
        let place = (header.author, header.chain, header.seq);
        match self.accept(message.clone(), turn)? {
            Accepted::Appended => self.peers.heard(place.0, turn.now),
            Accepted::Known => {}
            Accepted::Refused(MisbehaviourKind::Gap) => {
                let of_author = self.pending.keys().filter(|key| key.0 == place.0).count();
                if self.pending.len() < limits::PENDING_MESSAGES_MAX
                    && of_author < limits::PENDING_PER_AUTHOR_MAX
                {
                    self.pending.insert(place, message);
                }
                self.peers.want(from, turn.now);
            }
            Accepted::Refused(kind) => {
                // Perhaps we have not heard yet that the author was let in.
                self.peers.want_later(from, turn.now);
                turn.refused(from, kind);
            }
        }
        Ok(())
    }

    /// Appends a verified message where it may be, and what was waiting for it.
    pub(super) fn accept<H: History>(
        &mut self,
        message: Message,
        turn: &mut Turn<'_, H>,
    ) -> Result<Accepted, H::Error> {
        if !self.roster.admits_message(&message) {
            return Ok(Accepted::Refused(MisbehaviourKind::NotAMember));
        }
        let verdict = match self
            .chains
            .place(message.id(), message.header(), &turn.history)?
        {
            Place::Known => Accepted::Known,
            Place::Gap => Accepted::Refused(MisbehaviourKind::Gap),
            Place::TooManyForks => Accepted::Refused(MisbehaviourKind::TooManyForks),
            Place::TooManyChains => Accepted::Refused(MisbehaviourKind::TooManyChains),
            Place::Lost => {
                let header = message.header();
                self.lost.remove(&(header.author, header.chain, header.seq));
                let act = message.shapes_roster().then(|| message.clone());
                turn.append(message, None);
                if let Some(act) = act {
                    self.take_act(&act, turn);
                }
                Accepted::Appended
            }
            place @ (Place::Next | Place::Fork) => {
                let author = message.header().author;
                if place == Place::Fork && !self.chains.is_forked(&chain_of(&message)) {
                    turn.out.push(Output::Event(RoomEvent::Forked(author)));
                }
                self.adopt_if_ours(&message, turn);
                let mut follower = self.pending.remove(&after(&message));
                self.append(message, None, turn);
                while let Some(next) = follower {
                    follower = self.pending.remove(&after(&next));
                    self.append_pending(&next, turn)?;
                }
                Accepted::Appended
            }
        };
        Ok(verdict)
    }

    fn append_pending<H: History>(
        &mut self,
        message: &Message,
        turn: &mut Turn<'_, H>,
    ) -> Result<(), H::Error> {
        let place = self
            .chains
            .place(message.id(), message.header(), &turn.history)?;
        if place == Place::Next && self.roster.admits_message(message) {
            self.adopt_if_ours(message, turn);
            self.append(message.clone(), None, turn);
        }
        Ok(())
    }

    fn adopt_if_ours<H: History>(&mut self, message: &Message, turn: &mut Turn<'_, H>) {
        let our_join = self.pending_join.as_ref().map(Message::id) == Some(message.id());
        if chain_of(message) == (self.me(), self.own_chain) && !our_join {
            self.adopt(turn);
        }
    }

    /// Appends a message whose place and author were checked.
    pub(super) fn append<H: History>(
        &mut self,
        message: Message,
        token: Option<u64>,
        turn: &mut Turn<'_, H>,
    ) {
        let header = message.header();
        self.clock.observe(header.ts, turn.now.wall);
        self.pending
            .remove(&(header.author, header.chain, header.seq));
        self.chains.add(&message);
        self.peers.appended(turn.now);
        let act = message.shapes_roster().then(|| message.clone());
        turn.append(message, token);
        if let Some(act) = act {
            self.take_act(&act, turn);
        }
    }

    fn take_act<H: History>(&mut self, act: &Message, turn: &mut Turn<'_, H>) {
        let was_joining = self.is_joining();
        let change = self.roster.insert(act);
        if !change.changed {
            return;
        }
        turn.out.push(Output::RosterChanged);
        if !change.joined.is_empty() {
            let joined = change.joined.into_iter();
            turn.out
                .extend(joined.map(|new| Output::Event(RoomEvent::MemberJoined(new))));
            let members = self.roster.members().keys();
            let others = members.filter(|member| **member != self.me());
            turn.out
                .push(Output::JoinBootstrap(others.copied().collect()));
        }
        if was_joining && !self.is_joining() {
            self.pending_join = None;
            turn.out.push(Output::Event(RoomEvent::Joined));
        }
    }

    /// Broadcasts the heights of chains that changed, or starts syncs where gossip cannot.
    pub(super) fn announce<H: History>(&mut self, changed: &[ChainKey], turn: &mut Turn<'_, H>) {
        if !self.peers.has_neighbors() || !self.pace.has_gossip() {
            self.sync_with_any(3, turn.now);
            return;
        }
        let heads: Vec<_> = changed
            .iter()
            .flat_map(|key| {
                let tips = self.chains.tips(key).iter();
                tips.map(|&(seq, id)| crate::id::Head {
                    author: key.0,
                    chain: key.1,
                    seq,
                    id,
                })
            })
            .collect();
        for part in heads.chunks(limits::HEIGHTS_PER_FRAME_MAX) {
            turn.out.push(Output::Broadcast(
                GossipFrame::Heights(part.to_vec()).encode(),
            ));
        }
    }
}

fn chain_of(message: &Message) -> ChainKey {
    (message.header().author, message.header().chain)
}

fn after(message: &Message) -> (AuthorId, crate::id::ChainId, crate::id::Seq) {
    let header = message.header();
    (header.author, header.chain, header.seq.next())
}
