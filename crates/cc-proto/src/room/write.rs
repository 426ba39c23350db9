//! Own messages: drafts signed into our chain, and a new chain where a copied home would fork it.

use super::{Output, RoomCore, RoomEvent, Turn};
use crate::body::Body;
use crate::clock::Now;
use crate::frames::GossipFrame;
use crate::history::History;
use crate::id::{ChainId, MessageId, Seq, Timestamp};
use crate::limits;
use crate::message::{Message, MessageError, NewMessage};

impl RoomCore {
    /// The timestamp for a message that is written outside of the core: later than all of ours.
    pub fn next_ts(&mut self, now: Now) -> Timestamp {
        self.clock.tick(now.wall)
    }

    /// Whether a member's last word was that it refuses us: we may have been removed unheard.
    pub fn is_refused(&self) -> bool {
        self.peers.is_refused()
    }

    pub(super) fn draft<H: History>(
        &mut self,
        token: u64,
        body: Body,
        via: String,
        re: Option<MessageId>,
        turn: &mut Turn<'_, H>,
    ) {
        if let Err(reason) = self.may_write() {
            return turn.out.push(Output::Rejected { token, reason });
        }
        match self.write(body, via, re, Some(token), turn) {
            Ok(message) => self.spread(&message, turn),
            Err(reason) => {
                turn.out.push(Output::Rejected {
                    token,
                    reason: reason.into(),
                });
            }
        }
    }

    /// Signs and appends a message of ours.
    pub(super) fn write<H: History>(
        &mut self,
        body: Body,
        via: String,
        re: Option<MessageId>,
        token: Option<u64>,
        turn: &mut Turn<'_, H>,
    ) -> Result<Message, MessageError> {
        self.leave_cut_chain(turn);
        let key = (self.me(), self.own_chain);
        let tip = self.chains.tips(&key).last().copied();
        let new = NewMessage {
            room: self.room,
            chain: self.own_chain,
            seq: tip.map_or(Seq::FIRST, |(seq, _)| seq.next()),
            prev: tip.map(|(_, id)| id),
            ts: self.clock.tick(turn.now.wall),
            via,
            re,
            body,
        };
        let message = Message::write(&self.identity, new)?;
        self.append(message.clone(), token, turn);
        Ok(message)
    }

    /// Lets others know of a message of ours: whole by gossip while the room is quiet, else by
    /// heights, or by sync where there is no gossip.
    pub(super) fn spread<H: History>(&mut self, message: &Message, turn: &mut Turn<'_, H>) {
        let header = message.header();
        let frame = GossipFrame::Message(message.wire().clone()).encode();
        let fits = frame.len() <= limits::GOSSIP_FRAME_BYTES_MAX;
        if self.peers.has_neighbors() && fits && self.pace.take(turn.now) {
            turn.out.push(Output::Broadcast(frame));
        } else {
            self.pace.changed((header.author, header.chain), turn.now);
        }
    }

    /// Leaves our chain for a new one: a message of ours came that this log lacks.
    pub(super) fn adopt<H: History>(&mut self, turn: &mut Turn<'_, H>) {
        turn.out
            .push(Output::Event(RoomEvent::Adopted(self.own_chain)));
        self.begin_chain(turn);
    }

    /// Leaves our chain for a new one where nothing further in it would count: we were removed or
    /// left, and were let back.
    fn leave_cut_chain<H: History>(&mut self, turn: &mut Turn<'_, H>) {
        let key = (self.me(), self.own_chain);
        let bounds = self.roster.bounds(&key.0);
        let end = bounds.and_then(|bounds| bounds.chains.get(&key.1).copied());
        let is_full = end.is_some_and(|end| self.chains.top(&key) >= end);
        let told = self.chains.told(&key);
        if is_full || told.is_some_and(|told| told.settled) {
            self.begin_chain(turn);
        }
    }

    fn begin_chain<H: History>(&mut self, turn: &mut Turn<'_, H>) {
        let chain = ChainId((self.random.next_u64() >> 32) as u32);
        self.own_chain = chain;
        turn.out.push(Output::NewChain(chain));
    }
}
