//! Who is online, with whom to sync and when, and how fast gossip may go.

use std::collections::{BTreeMap, BTreeSet};

use super::flood::{Allowance, Rate};
use super::{Output, RoomCore, Turn};
use crate::chains::ChainKey;
use crate::clock::Now;
use crate::history::History;
use crate::id::AuthorId;
use crate::limits;

/// With nobody to talk to, members are dialed this often.
const REDIAL_MS: u64 = 2_000;
/// Members dialed at a time then.
const REDIAL_PEERS: usize = 3;
/// The shortest time between two sessions that we start with one peer.
const SYNC_SPACING_MS: u64 = 250;
/// A new neighbour is dialed at once by one side, and by the other after this time at most.
const OTHER_SIDE_FIRST_MS: u64 = 1_000;
/// After a failed session or dial, the peer is not tried again for this time.
const FAILED_PAUSE_MS: u64 = 1_500;
/// A peer who does not take us for a member is tried again after this time, and after twice as long
/// each time it refuses again…
const REFUSED_FIRST_MS: u64 = 2_000;
/// …up to this.
const REFUSED_MAX_MS: u64 = 600_000;
/// Having been removed, we look this often whether somebody let us back.
const REMOVED_REDIAL_MS: u64 = 600_000;
/// Heads are compared with a random peer this long after the last message…
const DIGEST_FIRST_MS: u64 = 5_000;
/// …and then ever more rarely, up to this.
const DIGEST_MAX_MS: u64 = 600_000;
/// A member who is not online is looked for this often…
const SEEK_FIRST_MS: u64 = 15_000;
/// …and ever more rarely while nobody is found, up to this. Two groups who each hear only one
/// another find together again by this alone: gossip does not merge by itself.
const SEEK_MAX_MS: u64 = 120_000;
/// A peer heard of within this time counts as online.
const ONLINE_MS: u64 = 60_000;
/// After a good session we are not alone for this time, even without neighbours.
const NOT_ALONE_MS: u64 = 10_000;
/// The shortest time between two announcements of heights.
const HEIGHTS_SPACING_MS: u64 = 250;
/// With nobody waiting, changes are announced after this time, so that several go together.
const HEIGHTS_DELAY_MS: u64 = 20;

const GOSSIP: Rate = Rate {
    burst: limits::GOSSIP_BURST as u64,
    per_second: limits::GOSSIP_PER_SECOND as u64,
};

#[derive(Debug, Clone, Copy, Default)]
struct Peer {
    neighbor: bool,
    heard_at: Option<u64>,
    synced_at: Option<u64>,
    /// When a sync was asked for, and when it may start.
    wanted: Option<(u64, u64)>,
    not_before: u64,
    /// A dial is under way; until when we believe so.
    dialing_until: u64,
    /// How often in a row it has refused us.
    refusals: u32,
}

/// What is known of the other members' machines.
#[derive(Debug, Clone)]
pub(super) struct Peers {
    me: AuthorId,
    bootstrap: Vec<AuthorId>,
    peers: BTreeMap<AuthorId, Peer>,
    redial_at: u64,
    removed_redial_at: Option<u64>,
    digest_at: u64,
    digest_interval: u64,
    seek_at: u64,
    seek_interval: u64,
    last_good: Option<u64>,
    now_seen: u64,
}

/// A dial is given up by the transport well before this.
const DIAL_MS_MAX: u64 = 5_000;

impl Peers {
    pub(super) fn new(me: AuthorId, bootstrap: Vec<AuthorId>, now: Now) -> Self {
        Self {
            me,
            bootstrap,
            peers: BTreeMap::new(),
            redial_at: now.mono_ms,
            removed_redial_at: None,
            digest_at: now.mono_ms + DIGEST_FIRST_MS,
            digest_interval: DIGEST_FIRST_MS,
            seek_at: now.mono_ms + SEEK_FIRST_MS,
            seek_interval: SEEK_FIRST_MS,
            last_good: None,
            now_seen: now.mono_ms,
        }
    }

    fn peer(&mut self, id: AuthorId) -> &mut Peer {
        self.peers.entry(id).or_default()
    }

    pub(super) fn has_neighbors(&self) -> bool {
        self.peers.values().any(|peer| peer.neighbor)
    }

    pub(super) fn is_neighbor(&self, id: &AuthorId) -> bool {
        self.peers.get(id).is_some_and(|peer| peer.neighbor)
    }

    pub(super) fn neighbor_up(&mut self, id: AuthorId, now: Now) {
        let delay = if self.me < id { 0 } else { OTHER_SIDE_FIRST_MS };
        let peer = self.peer(id);
        peer.neighbor = true;
        peer.not_before = peer.not_before.min(now.mono_ms);
        peer.want(now.mono_ms, delay);
    }

    pub(super) fn neighbor_down(&mut self, id: &AuthorId) {
        if let Some(peer) = self.peers.get_mut(id) {
            peer.neighbor = false;
            peer.heard_at = None;
        }
    }

    /// A live message of `author` came.
    pub(super) fn heard(&mut self, author: AuthorId, now: Now) {
        self.peer(author).heard_at = Some(now.mono_ms);
    }

    /// Asks for a sync with a peer, soon.
    pub(super) fn want(&mut self, id: AuthorId, now: Now) {
        if id != self.me {
            self.peer(id).want(now.mono_ms, 0);
        }
    }

    /// Asks for a sync with a peer, in no hurry.
    pub(super) fn want_later(&mut self, id: AuthorId, now: Now) {
        self.want_after(id, OTHER_SIDE_FIRST_MS, now);
    }

    /// Asks for a sync with a peer after some time.
    pub(super) fn want_after(&mut self, id: AuthorId, delay_ms: u64, now: Now) {
        if id != self.me {
            self.peer(id).want(now.mono_ms, delay_ms);
        }
    }

    pub(super) fn failed(&mut self, id: &AuthorId, now: Now) {
        if let Some(peer) = self.peers.get_mut(id) {
            peer.dialing_until = 0;
            peer.heard_at = None;
            peer.synced_at = None;
            peer.not_before = now.mono_ms + FAILED_PAUSE_MS;
            if !peer.neighbor {
                peer.wanted = None;
            }
        }
    }

    /// A peer refused us.
    pub(super) fn refused(&mut self, id: &AuthorId, now: Now) {
        self.failed(id, now);
        if let Some(peer) = self.peers.get_mut(id) {
            let pause = REFUSED_FIRST_MS << peer.refusals.min(16);
            peer.not_before = now.mono_ms + pause.min(REFUSED_MAX_MS);
            peer.refusals += 1;
        }
    }

    /// Whether the last word of some peer was that it refuses us.
    pub(super) fn is_refused(&self) -> bool {
        self.peers.values().any(|peer| peer.refusals > 0)
    }

    /// A peer no longer belongs.
    pub(super) fn forget(&mut self, id: &AuthorId) {
        self.peers.remove(id);
    }

    /// Whether our ticket names a peer.
    pub(super) fn is_bootstrap(&self, id: &AuthorId) -> bool {
        self.bootstrap.contains(id)
    }

    /// A session with a peer is open.
    pub(super) fn opened(&mut self, id: &AuthorId) {
        // Nobody who has proven nothing yet gets an entry.
        if let Some(peer) = self.peers.get_mut(id) {
            peer.dialing_until = 0;
        }
    }

    /// A session that was opened at `opened_at` ended well.
    pub(super) fn synced(&mut self, id: AuthorId, opened_at: u64, now: Now) {
        self.last_good = Some(now.mono_ms);
        if !self.online(now).contains(&id) {
            self.seek_interval = SEEK_FIRST_MS;
            self.seek_at = self.seek_at.min(now.mono_ms + SEEK_FIRST_MS);
        }
        let peer = self.peer(id);
        peer.heard_at = Some(now.mono_ms);
        peer.synced_at = Some(now.mono_ms);
        peer.not_before = now.mono_ms + SYNC_SPACING_MS;
        peer.refusals = 0;
        if peer.wanted.is_some_and(|(asked, _)| asked < opened_at) {
            peer.wanted = None;
        }
    }

    /// Something was appended: heads are compared again, soon.
    pub(super) fn appended(&mut self, now: Now) {
        self.digest_interval = DIGEST_FIRST_MS;
        self.digest_at = now.mono_ms + DIGEST_FIRST_MS;
    }

    pub(super) fn digest_due(&mut self, now: Now) -> bool {
        self.now_seen = now.mono_ms;
        if now.mono_ms < self.digest_at {
            return false;
        }
        self.digest_interval = (self.digest_interval * 2).min(DIGEST_MAX_MS);
        self.digest_at = now.mono_ms + self.digest_interval;
        true
    }

    pub(super) fn seek_due(&mut self, now: Now) -> bool {
        if now.mono_ms < self.seek_at {
            return false;
        }
        self.seek_interval = (self.seek_interval * 2).min(SEEK_MAX_MS);
        self.seek_at = now.mono_ms + self.seek_interval;
        true
    }

    fn alone(&self, in_session: bool, mono_ms: u64) -> bool {
        !in_session
            && !self.has_neighbors()
            && self.last_good.is_none_or(|at| mono_ms >= at + NOT_ALONE_MS)
    }

    /// Whether members are to be dialed because nobody talks to us; rarely where we are `removed`.
    pub(super) fn redial_due(&mut self, in_session: bool, removed: bool, now: Now) -> bool {
        if removed {
            let pause = now.mono_ms + REMOVED_REDIAL_MS;
            let due = *self.removed_redial_at.get_or_insert(pause) <= now.mono_ms;
            if due {
                self.removed_redial_at = Some(pause);
            }
            return due;
        }
        self.removed_redial_at = None;
        if now.mono_ms < self.redial_at || !self.alone(in_session, now.mono_ms) {
            return false;
        }
        self.redial_at = now.mono_ms + REDIAL_MS;
        true
    }

    pub(super) fn online(&self, now: Now) -> Vec<AuthorId> {
        let recent = |at: Option<u64>| at.is_some_and(|at| now.mono_ms < at + ONLINE_MS);
        self.peers
            .iter()
            .filter(|(_, peer)| peer.neighbor || recent(peer.heard_at) || recent(peer.synced_at))
            .map(|(id, _)| *id)
            .collect()
    }

    /// The peers with whom a session is to be opened now.
    pub(super) fn take_due(&mut self, busy: &BTreeSet<AuthorId>, now: Now) -> Vec<AuthorId> {
        let mono_ms = now.mono_ms;
        let mut due = Vec::new();
        for (id, peer) in &mut self.peers {
            if peer.starts_at().is_some_and(|at| at <= mono_ms)
                && peer.dialing_until <= mono_ms
                && !busy.contains(id)
            {
                peer.wanted = None;
                peer.dialing_until = mono_ms + DIAL_MS_MAX;
                peer.not_before = mono_ms + SYNC_SPACING_MS;
                due.push(*id);
            }
        }
        due
    }

    pub(super) fn next_due(&self, in_session: bool, removed: bool) -> u64 {
        let redial = if removed {
            self.removed_redial_at.unwrap_or(self.now_seen)
        } else if in_session || self.has_neighbors() {
            u64::MAX
        } else {
            let alone_at = self.last_good.map_or(0, |at| at + NOT_ALONE_MS);
            self.redial_at.max(alone_at)
        };
        let wanted = self.peers.values().filter_map(|peer| {
            // One that waits for a session or dial to end is looked at when that ends.
            peer.starts_at()
                .map(|at| at.max(peer.dialing_until))
                .filter(|at| *at > self.now_seen)
        });
        wanted
            .min()
            .unwrap_or(u64::MAX)
            .min(redial)
            .min(self.digest_at)
            .min(self.seek_at)
    }
}

impl Peer {
    fn want(&mut self, mono_ms: u64, delay_ms: u64) {
        let at = mono_ms + delay_ms;
        let at = self.wanted.map_or(at, |(_, before)| before.min(at));
        self.wanted = Some((mono_ms, at));
    }

    fn starts_at(&self) -> Option<u64> {
        self.wanted.map(|(_, at)| at.max(self.not_before))
    }
}

impl RoomCore {
    /// Asks for a sync with up to `count` peers who are online, or else with any member.
    pub(super) fn sync_with_any(&mut self, count: usize, now: Now) {
        let mut candidates = self.online(now);
        if candidates.is_empty() {
            candidates = self.others();
        }
        for peer in self.random.choose(&candidates, count) {
            self.peers.want(peer, now);
        }
    }

    /// Dials a few members, whoever they are, and lets gossip try them too.
    pub(super) fn redial<H: History>(&mut self, turn: &mut Turn<'_, H>) {
        let others = self.others();
        let chosen = self.random.choose(&others, REDIAL_PEERS);
        for peer in &chosen {
            self.peers.want(*peer, turn.now);
        }
        if self.roster.is_founded() && !chosen.is_empty() {
            turn.out.push(Output::JoinBootstrap(chosen));
        }
    }

    /// Asks for a sync with a member who is not online, as far as we know.
    pub(super) fn seek(&mut self, now: Now) {
        let online = self.online(now);
        let mut absent = self.others();
        absent.retain(|member| !online.contains(member));
        for peer in self.random.choose(&absent, 1) {
            self.peers.want(peer, now);
        }
    }

    fn others(&self) -> Vec<AuthorId> {
        let me = self.me();
        let members = self.roster.members().keys().copied();
        let mut others: BTreeSet<AuthorId> = members.filter(|member| *member != me).collect();
        if self.is_joining() {
            others.extend(self.peers.bootstrap.iter().filter(|peer| **peer != me));
        }
        others.into_iter().collect()
    }
}

/// How fast gossip may go, and which chains changed without it.
#[derive(Debug, Clone)]
pub(super) struct Pace {
    gossip: bool,
    allowance: Allowance,
    changed: BTreeSet<ChainKey>,
    announce_at: u64,
    announced_at: u64,
}

impl Pace {
    pub(super) fn new(gossip: bool, now: Now) -> Self {
        Self {
            gossip,
            allowance: Allowance::full(GOSSIP, now),
            changed: BTreeSet::new(),
            announce_at: u64::MAX,
            announced_at: 0,
        }
    }

    pub(super) fn has_gossip(&self) -> bool {
        self.gossip
    }

    /// Whether one more whole message may go.
    pub(super) fn take(&mut self, now: Now) -> bool {
        self.gossip && self.allowance.take(1, GOSSIP, now)
    }

    /// A chain grew, and gossip did not carry it.
    pub(super) fn changed(&mut self, key: ChainKey, now: Now) {
        self.changed.insert(key);
        let at = (now.mono_ms + HEIGHTS_DELAY_MS).max(self.announced_at + HEIGHTS_SPACING_MS);
        self.announce_at = self.announce_at.min(at);
    }

    pub(super) fn heights_due(&mut self, now: Now) -> Option<Vec<ChainKey>> {
        if now.mono_ms < self.announce_at {
            return None;
        }
        self.announce_at = u64::MAX;
        self.announced_at = now.mono_ms;
        Some(std::mem::take(&mut self.changed).into_iter().collect())
    }

    pub(super) fn next_due(&self) -> u64 {
        self.announce_at
    }
}
