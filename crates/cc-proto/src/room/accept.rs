//! What may be appended, from whichever source it came.

use super::{Bodiless, MisbehaviourKind, Output, RoomCore, RoomEvent, Turn};
use crate::chains::{ChainKey, Place};
use crate::frames::GossipFrame;
use crate::history::History;
use crate::id::{AuthorId, ChainId, Head, Seq};
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
        if self.is_joining() || !self.roster.contains(&from) {
            return Ok(());
        }
        if !self.flood.takes_frame(from, turn.now) {
            self.peers.want_later(from, turn.now);
            return Ok(());
        }
        match GossipFrame::decode(bytes) {
            Ok(GossipFrame::Message(message)) => match message.verify(&self.room) {
                Ok(message) => self.live(from, message, turn)?,
                Err(error) => turn.refused(from, MisbehaviourKind::Message(error)),
            },
            Ok(GossipFrame::Receipt(receipt)) => self.take_receipt(from, receipt, turn),
            Ok(GossipFrame::Heights(heads)) => {
                let mut heads = heads.iter().take(limits::HEIGHTS_PER_FRAME_MAX);
                if heads.any(|head| self.lacks(head)) {
                    self.peers.want(from, turn.now);
                }
            }
            Err(_) => turn.refused(from, MisbehaviourKind::GarbledFrame),
        }
        Ok(())
    }

    /// Whether a head that somebody told is of a message which counts and which we lack.
    fn lacks(&self, head: &Head) -> bool {
        let key = (head.author, head.chain);
        if let Some(told) = self.chains.told(&key) {
            let may_count = head.seq <= told.end && !told.strays.contains(&head.id);
            return may_count && !told.settled && !told.tips.contains(&(head.seq, head.id));
        }
        let top = self.chains.top(&key);
        let forked = head.seq == top && !self.chains.tips(&key).contains(&(top, head.id));
        head.seq > top || forked
    }

    fn live<H: History>(
        &mut self,
        from: AuthorId,
        message: Message,
        turn: &mut Turn<'_, H>,
    ) -> Result<(), H::Error> {
        let header = message.header();
        let place = (header.author, header.chain, header.seq);
        if self.roster.contains(&place.0) && !self.flood.takes_live(place.0, turn.now) {
            self.peers.want_later(from, turn.now);
            return Ok(());
        }
        match self.accept(message.clone(), turn)? {
            Accepted::Appended => self.peers.heard(place.0, turn.now),
            Accepted::Known => {}
            Accepted::Refused(MisbehaviourKind::Gap) => {
                self.wait_for_gap(place, message);
                self.peers.want(from, turn.now);
            }
            Accepted::Refused(kind) => {
                // Perhaps we have not heard yet that the author was let in, or the neighbour has not
                // heard yet that the author was removed.
                self.peers.want_later(from, turn.now);
                if self.chains.of(place.0).next().is_none() {
                    turn.refused(from, kind);
                }
            }
        }
        Ok(())
    }

    /// Keeps a live message until the one before it is there. Where all places are taken, one of the
    /// author with the most of them makes room.
    fn wait_for_gap(&mut self, place: (AuthorId, ChainId, Seq), message: Message) {
        let count = |author: &AuthorId| self.pending.keys().filter(|key| key.0 == *author).count();
        let of_author = count(&place.0);
        if of_author >= limits::PENDING_PER_AUTHOR_MAX {
            return;
        }
        if self.pending.len() >= limits::PENDING_MESSAGES_MAX {
            let mut authors: Vec<AuthorId> = self.pending.keys().map(|key| key.0).collect();
            authors.dedup();
            let most = authors.iter().max_by_key(|author| count(author)).copied();
            let Some(most) = most.filter(|most| count(most) > of_author + 1) else {
                return;
            };
            let last = self.pending.keys().rfind(|key| key.0 == most).copied();
            if let Some(last) = last {
                self.pending.remove(&last);
            }
        }
        self.pending.insert(place, message);
    }

    /// Appends a verified message where it may be, and what was waiting for it.
    pub(super) fn accept<H: History>(
        &mut self,
        message: Message,
        turn: &mut Turn<'_, H>,
    ) -> Result<Accepted, H::Error> {
        self.survey(turn)?;
        if !self.roster.admits_message(&message) {
            return Ok(Accepted::Refused(MisbehaviourKind::NotAMember));
        }
        let verdict = match self.place(&message, turn)? {
            Place::Known => self.take_body(message, turn),
            Place::Gap => Accepted::Refused(MisbehaviourKind::Gap),
            Place::TooManyForks => self.block(&message, MisbehaviourKind::TooManyForks, turn),
            Place::TooManyChains => self.block(&message, MisbehaviourKind::TooManyChains, turn),
            Place::Lost | Place::Next | Place::Fork if self.is_off_the_cuts(&message) => {
                Accepted::Refused(MisbehaviourKind::NotAMember)
            }
            _ if message.shapes_roster() && !self.flood.takes_act(&message) => {
                self.block(&message, MisbehaviourKind::TooManyActs, turn)
            }
            Place::Lost => {
                let header = message.header();
                self.lost.remove(&(header.author, header.chain, header.seq));
                self.receipts.grew((header.author, header.chain), turn.now);
                self.unsurveyed.insert(chain_of(&message));
                let act = message.shapes_roster().then(|| message.clone());
                let message = self.without_retracted(message);
                turn.append(message, None);
                if let Some(act) = act {
                    self.flood.keep_act(&act);
                    // What it may stray from is known once its branch is looked at with it.
                    self.survey(turn)?;
                    self.take_act(&act, false, turn);
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
        self.survey(turn)?;
        let fits = self.place(message, turn)? == Place::Next
            && self.roster.admits_message(message)
            && !self.is_off_the_cuts(message)
            && (!message.shapes_roster() || self.flood.takes_act(message));
        if fits {
            self.adopt_if_ours(message, turn);
            self.append(message.clone(), None, turn);
        }
        Ok(())
    }

    fn place<H: History>(&self, message: &Message, turn: &Turn<'_, H>) -> Result<Place, H::Error> {
        self.chains
            .place(message.id(), message.header(), &turn.history)
    }

    /// Whether a message that is not held cannot count, though its place lies below a cut: all that
    /// the cuts name is held, so it stands on a branch that they do not name.
    fn is_off_the_cuts(&self, message: &Message) -> bool {
        let header = message.header();
        let place = (header.author, header.chain, header.seq);
        let told = self.chains.told(&chain_of(message));
        told.is_some_and(|told| told.settled && header.seq <= told.end)
            && !self.lost.contains(&place)
    }

    /// Takes no more of an author than is kept, and says so once.
    fn block<H>(
        &mut self,
        message: &Message,
        kind: MisbehaviourKind,
        turn: &mut Turn<'_, H>,
    ) -> Accepted {
        let author = message.header().author;
        if self.flood.block(author) {
            turn.out
                .push(Output::Event(RoomEvent::Blocked { author, kind }));
        }
        Accepted::Refused(kind)
    }

    /// The body of a message that is held without one: it was withheld by whoever sent it first.
    fn take_body<H>(&mut self, message: Message, turn: &mut Turn<'_, H>) -> Accepted {
        let header = message.header();
        let place = (header.author, header.chain, header.seq);
        let withheld = self.bodiless.get(&place).map(|it| it.id) == Some(message.id());
        if !withheld || message.wire().body.is_none() {
            return Accepted::Known;
        }
        self.bodiless.remove(&place);
        self.receipts.grew((place.0, place.1), turn.now);
        turn.append(message, None);
        Accepted::Appended
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
        let message = self.without_retracted(message);
        let header = message.header();
        self.clock.observe(header.ts, turn.now.wall);
        self.pending
            .remove(&(header.author, header.chain, header.seq));
        self.chains.add(&message);
        let strays = self.note_stray(&message);
        self.mark_appended(message.id(), message.header());
        self.peers.appended(turn.now);
        self.receipts.grew((header.author, header.chain), turn.now);
        let act = message.shapes_roster().then(|| message.clone());
        turn.append(message, token);
        if let Some(act) = act {
            self.flood.keep_act(&act);
            self.take_act(&act, strays, turn);
        }
    }

    /// A message as it is stored: what was taken back has no body. One that has none though nobody
    /// took it back is asked for again.
    fn without_retracted(&mut self, message: Message) -> Message {
        if message.shapes_roster() {
            return message;
        }
        let header = message.header();
        if self.roster.is_retracted(&header.author, &message.id()) {
            return message.without_body();
        }
        if message.wire().body.is_none() && self.bodiless.len() < limits::BODILESS_MAX {
            let place = (header.author, header.chain, header.seq);
            self.bodiless_since += 1;
            let bodiless = Bodiless {
                id: message.id(),
                since: self.bodiless_since,
            };
            self.bodiless.insert(place, bodiless);
        }
        message
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
                let tips = self.chains.told_tips(key).iter();
                tips.map(|&(seq, id)| Head {
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

fn after(message: &Message) -> (AuthorId, ChainId, Seq) {
    let header = message.header();
    (header.author, header.chain, header.seq.next())
}
