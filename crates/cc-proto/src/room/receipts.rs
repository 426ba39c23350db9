//! Receipts in a room: when ours is made, what it says, whose are taken, and what goes to whom in a
//! session. `spec/receipts.md`.
//!
//! Ours is made when something that it says has changed, a moment later and no more often than its
//! size and the number of members allow; in a quiet room there is none. It goes out by gossip, and
//! in every session to whoever was not told it; others' are passed on in sessions too.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{MisbehaviourKind, Output, RoomCore, RoomEvent, Turn};
use crate::chains::ChainKey;
use crate::clock::Now;
use crate::codec;
use crate::frames::{GossipFrame, SyncFrame};
use crate::id::{AuthorId, ChainId, Seq, Timestamp};
use crate::limits;
use crate::receipt::{
    Offered, Offers, Reached, Receipt, ReceiptBook, ReceiptView, Shown, SignedReceipt,
    VerifiedReceipt,
};

/// What changed is told after this time, so that several changes go together.
const DELAY_MS: u64 = 500;
/// Where it does not go by gossip, ours is made no more often than this: it takes sessions.
const SYNCED_SPACING_MS: u64 = 5_000;
/// Members that a session is opened with for it then.
const SYNCED_PEERS: usize = 3;
/// What a peer was told is taken as forgotten after this time: it may have started anew.
const TOLD_MS: u64 = 600_000;
/// Listeners hear of new receipts this often.
const EVENT_SPACING_MS: u64 = 1_000;
/// A receipt of ours that somebody else brought is answered after this time, and after twice as long
/// each time: two machines with one key do not outbid each other for ever.
const MET_OWN_MS: u64 = 2_000;
/// Chains of which it is remembered when they grew.
const GROWN_MAX: usize = 1_024;

/// What one peer was told.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Told {
    /// Of others' receipts, those through this number of the book.
    through: u64,
    /// The time of our own.
    own: Option<Timestamp>,
    relayed_at: Option<u64>,
    at: u64,
}

/// What is known by receipts, and what ours is made of.
#[derive(Debug, Clone)]
pub(super) struct Receipts {
    shared: bool,
    book: ReceiptBook,
    offers: Arc<Offers>,
    grown: BTreeMap<ChainKey, u64>,
    growth: u64,
    due_at: u64,
    not_before: u64,
    met_own: u32,
    told: BTreeMap<AuthorId, Told>,
    event_at: u64,
    no_event_before: u64,
}

impl Receipts {
    pub(super) fn new(now: Now) -> Self {
        Self {
            shared: true,
            book: ReceiptBook::default(),
            offers: Arc::default(),
            grown: BTreeMap::new(),
            growth: 0,
            // What was stored before this run is told too.
            due_at: now.mono_ms + DELAY_MS,
            not_before: 0,
            met_own: 0,
            told: BTreeMap::new(),
            event_at: u64::MAX,
            no_event_before: 0,
        }
    }

    /// What ours says may have changed.
    fn changed(&mut self, delay_ms: u64, now: Now) {
        let at = (now.mono_ms + delay_ms).max(self.not_before);
        self.due_at = self.due_at.min(at);
    }

    /// A chain of somebody grew, or a place of it was filled.
    pub(super) fn grew(&mut self, key: ChainKey, now: Now) {
        self.growth += 1;
        if self.grown.len() >= GROWN_MAX && !self.grown.contains_key(&key) {
            let oldest = self.grown.iter().min_by_key(|(_, grown)| **grown);
            if let Some(oldest) = oldest.map(|(key, _)| *key) {
                self.grown.remove(&oldest);
            }
        }
        self.grown.insert(key, self.growth);
        self.changed(DELAY_MS, now);
    }

    /// Somebody no longer belongs: what they said counts for nothing.
    pub(super) fn part_with(&mut self, member: &AuthorId, now: Now) {
        self.told.remove(member);
        if self.book.remove(member) {
            self.tell(now);
        }
        self.changed(DELAY_MS, now);
    }

    /// There is somebody new to tell, and perhaps held chains of theirs to tell of.
    pub(super) fn membership_grew(&mut self, now: Now) {
        self.changed(DELAY_MS, now);
    }

    /// A peer may have started anew: it is told everything again.
    pub(super) fn forget_told(&mut self, peer: &AuthorId) {
        self.told.remove(peer);
    }

    /// A session in which this was told ended well.
    pub(super) fn was_told(&mut self, peer: AuthorId, told: Option<Told>) {
        if let Some(told) = told {
            self.told.insert(peer, told);
        }
    }

    fn tell(&mut self, now: Now) {
        self.event_at = self.event_at.min(now.mono_ms.max(self.no_event_before));
    }

    pub(super) fn next_due(&self) -> u64 {
        self.due_at.min(self.event_at)
    }
}

impl RoomCore {
    /// What the members' receipts say, at this moment.
    pub fn receipts(&self) -> ReceiptView {
        let members = self.roster.members();
        let few = members.len() <= limits::RECEIPTS_MEMBERS_MAX;
        let floors = self
            .chains
            .keys()
            .filter_map(|key| Some((key, self.chains.floor(&key)?)));
        ReceiptView {
            me: Some(self.me()),
            members: members.keys().copied().collect(),
            receipts: if few {
                self.receipts.book.all()
            } else {
                BTreeMap::new()
            },
            offers: self.receipts.offers.clone(),
            forks: floors.collect(),
        }
    }

    /// Says, when a room is opened, whether this machine tells anything of itself; it does unless
    /// told. [`super::Input::ShareReceipts`] changes it later.
    pub fn open_receipts(&mut self, share: bool, offers: Arc<Offers>) {
        self.receipts.shared = share;
        self.receipts.offers = offers;
    }

    pub(super) fn share_receipts(&mut self, share: bool, now: Now) {
        if std::mem::replace(&mut self.receipts.shared, share) != share {
            self.receipts.changed(0, now);
        }
    }

    pub(super) fn offered(&mut self, agent: &str, shown: Vec<Shown>, now: Now) {
        if Arc::make_mut(&mut self.receipts.offers).add(agent, shown) {
            self.receipts.changed(DELAY_MS, now);
            self.receipts.tell(now);
        }
    }

    /// Makes ours where it is due and says something else than before.
    pub(super) fn run_receipts<H>(&mut self, turn: &mut Turn<'_, H>) {
        let now = turn.now;
        if now.mono_ms >= self.receipts.event_at {
            self.receipts.event_at = u64::MAX;
            self.receipts.no_event_before = now.mono_ms + EVENT_SPACING_MS;
            turn.out.push(Output::Event(RoomEvent::Receipts));
        }
        if now.mono_ms < self.receipts.due_at {
            return;
        }
        self.receipts.due_at = u64::MAX;
        let members = self.roster.members().len();
        let belongs = !self.is_joining() && self.roster.contains(&self.me());
        if !belongs || !(2..=limits::RECEIPTS_MEMBERS_MAX).contains(&members) {
            return;
        }
        let Some(receipt) = self.new_receipt(now) else {
            return;
        };
        let frame = GossipFrame::Receipt(receipt.wire().clone()).encode();
        let me = self.me();
        self.receipts.book.insert(receipt, &me, |_| Seq(u64::MAX));
        let of_all = (members * frame.len()) as u64 * 1000;
        let mut spacing = of_all / limits::RECEIPTS_BYTES_PER_SECOND;
        if self.peers.has_neighbors() && self.pace.has_gossip() {
            turn.out.push(Output::Broadcast(frame));
        } else {
            spacing = spacing.max(SYNCED_SPACING_MS);
            if !self.online(now).is_empty() {
                self.sync_with_any(SYNCED_PEERS, now);
            }
        }
        self.receipts.not_before = now.mono_ms + spacing.max(limits::RECEIPT_SPACING_MS_MIN);
    }

    /// What we say now, where that is not what we said last. Who tells nothing says so where something
    /// was told.
    fn new_receipt(&self, now: Now) -> Option<VerifiedReceipt> {
        let before = self
            .receipts
            .book
            .of(&self.me())
            .map(VerifiedReceipt::receipt);
        let receipt = self.fitting_receipt(Receipt {
            room: self.room,
            member: self.me(),
            at: before.map_or(now.wall, |before| {
                now.wall.max(Timestamp(before.at.0.saturating_add(1)))
            }),
            reached: if self.receipts.shared {
                self.frontiers()
            } else {
                Vec::new()
            },
            offered: Vec::new(),
        });
        let said = before.map_or((&[][..], &[][..]), |before| {
            (&before.reached, &before.offered)
        });
        let says: (&[Reached], &[Offered]) = (&receipt.reached, &receipt.offered);
        (says != said).then(|| receipt.sign(&self.identity))
    }

    /// Adds what agents were shown, the latest that there is room for.
    fn fitting_receipt(&self, mut receipt: Receipt) -> Receipt {
        if !self.receipts.shared {
            return receipt;
        }
        let may_tell = |(author, chain, seq): &Shown| {
            let key = (*author, *chain);
            let named = self.chains.floor(&key).is_none_or(|floor| *seq < floor);
            named && self.roster.contains(author) && *seq <= self.chains.told_top(&key)
        };
        let mut count = self.receipts.offers.len();
        while count > 0 {
            receipt.offered = self.receipts.offers.latest(count, may_tell);
            let signature_bytes = 64;
            if codec::encode(&receipt).len() + signature_bytes <= limits::RECEIPT_BYTES_MAX {
                return receipt;
            }
            count /= 2;
        }
        receipt.offered.clear();
        receipt
    }

    /// How far we hold the other members' chains without a gap; those that grew last, where there are
    /// too many.
    fn frontiers(&self) -> Vec<Reached> {
        let me = self.me();
        let mut ends: BTreeMap<ChainKey, Seq> = BTreeMap::new();
        let bodiless = self.bodiless.keys();
        for (author, chain, seq) in self.lost.iter().chain(bodiless) {
            let end = ends.entry((*author, *chain)).or_insert(*seq);
            *end = (*end).min(*seq);
        }
        let others = self.roster.members().keys().filter(|member| **member != me);
        let chains = others.flat_map(|member| self.chains.of(*member));
        let mut held: Vec<(u64, Reached)> = chains
            .filter_map(|key| {
                let before = |place: Option<Seq>| place.map_or(u64::MAX, |place| place.0 - 1);
                let seq = self.chains.told_top(&key).0;
                let seq = seq.min(before(self.chains.floor(&key)));
                let seq = seq.min(before(ends.get(&key).copied()));
                let reached = Reached {
                    author: key.0,
                    chain: key.1,
                    seq: Seq(seq),
                };
                let grown = self.receipts.grown.get(&key).copied();
                (seq > 0).then_some((grown.unwrap_or(0), reached))
            })
            .collect();
        held.sort_by_key(|(grown, _)| std::cmp::Reverse(*grown));
        let mut bytes = 0;
        let fitting = held
            .into_iter()
            .map(|(_, reached)| reached)
            .take_while(|reached| {
                bytes += codec::encode(reached).len();
                bytes <= limits::RECEIPT_REACHED_BYTES_MAX
            });
        let mut fitting: Vec<Reached> = fitting.collect();
        fitting.sort_unstable_by_key(|reached| (reached.author, reached.chain));
        fitting
    }

    /// Takes a receipt that a peer brought, be it its own or somebody else's. What is not new is not
    /// looked at, and what is not signed by its member harms only the word of who brought it.
    pub(super) fn take_receipt<H>(
        &mut self,
        from: AuthorId,
        signed: SignedReceipt,
        turn: &mut Turn<'_, H>,
    ) {
        let member = signed.receipt.member;
        let few = self.roster.members().len() <= limits::RECEIPTS_MEMBERS_MAX;
        let wanted = few
            && !self.is_joining()
            && self.roster.contains(&member)
            && self.receipts.book.is_newer(&signed);
        if !wanted || !self.flood.takes_receipt(from, turn.now) {
            return;
        }
        let verified = match signed.verify(&self.room) {
            Ok(verified) => verified,
            Err(error) => return turn.refused(from, MisbehaviourKind::Receipt(error)),
        };
        let me = self.me();
        let (receipts, chains) = (&mut self.receipts, &self.chains);
        let top = |chain: ChainId| {
            if member == me {
                Seq(u64::MAX)
            } else {
                chains.top(&(me, chain))
            }
        };
        if !receipts.book.insert(verified, &me, top) {
            return;
        }
        if member == me {
            // Made by us before we started anew, or by another machine with our key.
            let delay = MET_OWN_MS << receipts.met_own.min(8);
            receipts.met_own += 1;
            receipts.changed(delay, turn.now);
        } else {
            receipts.tell(turn.now);
        }
    }

    /// What a peer is told in a session: our own receipt where that is new to it, and others' now and
    /// then. Goes before the end of the session.
    pub(super) fn receipts_for(&self, peer: &AuthorId, now: Now) -> Option<(SyncFrame, Told)> {
        let few = self.roster.members().len() <= limits::RECEIPTS_MEMBERS_MAX;
        if !few
            || self.is_joining()
            || !self.roster.contains(&self.me())
            || !self.roster.contains(peer)
        {
            return None;
        }
        let told = self.receipts.told.get(peer).copied().unwrap_or_default();
        let is_fresh = told.at + TOLD_MS > now.mono_ms;
        let mut told = if is_fresh { told } else { Told::default() };
        told.at = now.mono_ms;
        let (book, me) = (&self.receipts.book, self.me());
        let own = book
            .of(&me)
            .filter(|own| Some(own.receipt().at) != told.own);
        told.own = own.map(|own| own.receipt().at).or(told.own);
        let mut list: Vec<SignedReceipt> = own.map(|own| own.wire().clone()).into_iter().collect();
        let relays = told
            .relayed_at
            .is_none_or(|at| now.mono_ms >= at + limits::RECEIPTS_RELAY_SPACING_MS);
        if relays {
            told.relayed_at = Some(now.mono_ms);
            let mut bytes = 0;
            for (number, signed) in book.taken_since(told.through) {
                let wire = signed.wire();
                if wire.receipt.member != me {
                    bytes += wire.encode().len();
                    if bytes > limits::SESSION_RECEIPTS_BYTES_MAX {
                        break;
                    }
                    list.push(wire.clone());
                }
                told.through = number;
            }
        }
        (!list.is_empty()).then_some((SyncFrame::Receipts(list), told))
    }
}
