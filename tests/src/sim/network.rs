//! Gossip that loses, doubles and reorders; sync streams that keep order and may be cut.

use std::collections::{BTreeMap, BTreeSet};

use cc_proto::frames::SyncFrame;
use cc_proto::id::AuthorId;
use cc_proto::room::{Input, Output, SessionId};

use super::{Broken, Event, World};

/// One end of a stream: machine, life, session.
pub(super) type End = (usize, u32, SessionId);

#[derive(Debug, Default)]
pub(super) struct Network {
    /// One bit a machine: those with unequal bits do not reach each other. 0: all do.
    pub side: u64,
    pub last_session: u64,
    /// Sessions that no machine's engine dialed, and who is at their other end.
    pub by_hand: BTreeMap<End, AuthorId>,
    links: BTreeMap<End, Link>,
    neighbors: BTreeSet<(usize, u32, usize, u32)>,
    /// Who was told of by a finished sync, and may be asked to be a neighbour.
    introduced: BTreeSet<(usize, usize)>,
}

#[derive(Debug)]
struct Link {
    other: End,
    /// Nothing sent earlier arrives later.
    last_at: u64,
}

impl Network {
    fn reaches(&self, a: usize, b: usize) -> bool {
        (self.side >> a) & 1 == (self.side >> b) & 1
    }
}

impl World {
    pub(super) fn carry_out(&mut self, at: usize, output: Output) {
        let life = self.machines[at].life;
        match output {
            Output::Broadcast(bytes) => self.broadcast(at, &bytes),
            Output::StartSync { peer } => self.dial(at, life, peer),
            Output::SyncSend { session, frame } => self.send((at, life, session), frame),
            Output::SyncAbort { session, .. } => self.cut((at, life, session), 1),
            Output::SyncFinish { session } => {
                self.network.links.remove(&(at, life, session));
            }
            Output::JoinBootstrap(peers) => {
                for peer in peers {
                    for other in self.running(peer, at) {
                        self.network.introduced.insert((at, other));
                    }
                }
            }
            _ => {}
        }
    }

    fn running(&self, peer: AuthorId, besides: usize) -> Vec<usize> {
        (0..self.machines.len())
            .filter(|other| *other != besides && self.machines[*other].me() == peer)
            .filter(|other| self.machines[*other].engine.is_some())
            .filter(|other| self.network.reaches(besides, *other))
            .collect()
    }

    fn dial(&mut self, at: usize, life: u32, peer: AuthorId) {
        let others = self.running(peer, at);
        let Some(other) = self.random.choose(&others, 1).first().copied() else {
            let failed = Input::DialFailed { peer };
            let time = self.now_ms + 2_000;
            return self.at(
                time,
                Event::Input {
                    to: at,
                    life,
                    input: failed,
                },
            );
        };
        let (me, other_life) = (self.machines[at].me(), self.machines[other].life);
        let (here, there) = (self.network.last_session + 1, self.network.last_session + 2);
        self.network.last_session += 2;
        let (here, there) = (SessionId(here), SessionId(there));
        let delay = 1 + self.below(50);
        let last_at = self.now_ms + delay;
        let ends = ((at, life, here), (other, other_life, there));
        self.network.links.insert(
            ends.0,
            Link {
                other: ends.1,
                last_at,
            },
        );
        self.network.links.insert(
            ends.1,
            Link {
                other: ends.0,
                last_at,
            },
        );
        let open = |session, peer, dialed| Input::SyncOpened {
            session,
            peer,
            dialed,
        };
        let answering = open(there, me, false);
        self.at(
            last_at,
            Event::Input {
                to: other,
                life: other_life,
                input: answering,
            },
        );
        self.at(
            self.now_ms,
            Event::Input {
                to: at,
                life,
                input: open(here, peer, true),
            },
        );
        if self.chance(10) {
            let after = self.below(300);
            self.cut(ends.0, after);
        }
    }

    fn send(&mut self, from: End, frame: Vec<u8>) {
        self.check_frame(from, &frame);
        let Some(link) = self.network.links.get(&from) else {
            return;
        };
        let other = link.other;
        if !self.network.reaches(from.0, other.0) {
            return self.cut(from, 10_000);
        }
        let delay = 1 + self.below(40);
        let Some(link) = self.network.links.get_mut(&from) else {
            return;
        };
        link.last_at = link.last_at.max(self.now_ms + delay);
        let time = link.last_at;
        let input = Input::SyncReceived {
            session: other.2,
            frame,
        };
        self.at(
            time,
            Event::Input {
                to: other.0,
                life: other.1,
                input,
            },
        );
        let ready = Input::SyncReady { session: from.2 };
        self.at(
            time,
            Event::Input {
                to: from.0,
                life: from.1,
                input: ready,
            },
        );
    }

    /// Both ends hear that the stream is gone.
    fn cut(&mut self, end: End, after: u64) {
        let Some(link) = self.network.links.remove(&end) else {
            return;
        };
        let other = self.network.links.remove(&link.other);
        // Frames under way may still arrive, so long as the end is told after them.
        let last = other.map_or(link.last_at, |other| other.last_at.max(link.last_at));
        let time = last.max(self.now_ms + after) + 1;
        for (to, life, session) in [end, link.other] {
            self.at(
                time,
                Event::Input {
                    to,
                    life,
                    input: Input::SyncClosed { session },
                },
            );
        }
    }

    /// A machine is gone: whoever had a stream to it hears so.
    pub(super) fn drop_sessions(&mut self, machine: usize) {
        let ends: Vec<End> = self
            .network
            .links
            .keys()
            .filter(|end| end.0 == machine)
            .copied()
            .collect();
        for end in ends {
            let after = 50 + self.below(5_000);
            self.cut(end, after);
        }
    }

    pub(super) fn partition(&mut self, side: u64) {
        self.network.side = side;
        let crossing: Vec<End> = self
            .network
            .links
            .iter()
            .filter(|(end, link)| !self.network.reaches(end.0, link.other.0))
            .map(|(end, _)| *end)
            .collect();
        for end in crossing {
            self.cut(end, 10_000);
        }
    }

    fn broadcast(&mut self, from: usize, bytes: &[u8]) {
        if self.machines[from].deaf {
            return;
        }
        let sender = self.machines[from].me();
        // Gossip floods over neighbours: whoever is connected through them hears it.
        let mut reached = BTreeSet::from([from]);
        let mut frontier = vec![from];
        while let Some(at) = frontier.pop() {
            let next: Vec<usize> = self
                .network
                .neighbors
                .iter()
                .filter(|(a, _, b, _)| *a == at && self.network.reaches(at, *b))
                .filter(|(a, _, b, _)| self.goes_on_with(*a, *b))
                .map(|(_, _, b, _)| *b)
                .collect();
            for to in &next {
                self.check_sent(at, self.machines[*to].me(), "gossip");
            }
            frontier.extend(next.into_iter().filter(|b| reached.insert(*b)));
        }
        reached.remove(&from);
        for to in reached {
            let copies = match self.below(100) {
                0..15 => 0,
                15..20 => 2,
                _ => 1,
            };
            for _ in 0..copies {
                let time = self.now_ms + 1 + self.below(300);
                let life = self.machines[to].life;
                let input = Input::Gossip {
                    from: sender,
                    bytes: bytes.to_vec(),
                };
                self.at(time, Event::Input { to, life, input });
            }
        }
    }

    /// Neighbours come and go. Who has none joins whom it knows; others only whom a sync has
    /// introduced: gossip does not merge by itself.
    pub(super) fn gossip_round(&mut self) {
        let gone: Vec<_> = self
            .network
            .neighbors
            .iter()
            .filter(|(a, life_a, b, life_b)| {
                !self.gossips(*a)
                    || !self.gossips(*b)
                    || self.machines[*a].life != *life_a
                    || self.machines[*b].life != *life_b
                    || !self.network.reaches(*a, *b)
                    || !self.goes_on_with(*a, *b)
            })
            .copied()
            .collect();
        for pair in gone {
            self.network.neighbors.remove(&pair);
            let peer = self.machines[pair.2].me();
            self.input(pair.0, pair.1, Input::NeighborDown(peer));
        }
        for a in 0..self.machines.len() {
            for b in (0..self.machines.len()).filter(|b| *b != a) {
                let alone = !self.network.neighbors.iter().any(|pair| pair.0 == a);
                let introduced = self.network.introduced.contains(&(a, b));
                if (alone || introduced) && self.may_be_neighbors(a, b) {
                    self.meet(a, b);
                }
            }
        }
    }

    /// The shell of a room drops its neighbours as soon as the roster no longer lists them.
    fn goes_on_with(&self, a: usize, b: usize) -> bool {
        let knows_removed = |a: usize, b: usize| {
            let machine = &self.machines[a];
            machine.knows_removed(&self.machines[b].me())
        };
        self.broken == Broken::RemovedStaysConnected
            || !(knows_removed(a, b) || knows_removed(b, a))
    }

    /// Whom a machine knows to be removed gets nothing from it.
    fn check_sent(&mut self, from: usize, who: AuthorId, what: &str) {
        if who != self.machines[from].me() && self.machines[from].knows_removed(&who) {
            let broke = format!("machine {from} sent {what} to {who}, whom it knows to be removed");
            self.broke.get_or_insert(broke);
        }
    }

    /// A refusal tells nothing, and who asks to be let in may ask anybody.
    fn check_frame(&mut self, from: End, frame: &[u8]) {
        let link = self.network.links.get(&from);
        let peer = link.map(|link| self.machines[link.other.0].me());
        let Some(peer) = peer.or_else(|| self.network.by_hand.get(&from).copied()) else {
            return;
        };
        if !self.machines[from.0].knows_removed(&peer) {
            return;
        }
        let engine = self.machines[from.0].engine.as_ref();
        let asks = engine.is_some_and(|engine| engine.core().is_joining());
        match SyncFrame::decode(frame) {
            Ok(SyncFrame::Refused(_)) => {}
            Ok(SyncFrame::Hello(_)) if asks => {}
            // Whoever was let back shows what says so.
            _ if self.is_proven_to(from.0, peer) => {}
            _ => self.check_sent(from.0, peer, "a sync frame"),
        }
    }

    fn is_proven_to(&self, machine: usize, peer: AuthorId) -> bool {
        let Some(engine) = &self.machines[machine].engine else {
            return false;
        };
        let roster = engine.core().roster();
        self.machines
            .iter()
            .filter(|other| other.me() == peer)
            .filter_map(|other| other.engine.as_ref())
            .any(|other| roster.would_contain(&peer, &other.core().roster().bundle(&peer)))
    }

    fn gossips(&self, machine: usize) -> bool {
        self.machines[machine].engine.is_some() && !self.machines[machine].deaf
    }

    fn may_be_neighbors(&self, a: usize, b: usize) -> bool {
        let knows = |a: usize, b: usize| {
            let engine = self.machines[a].engine.as_ref();
            engine.is_some_and(|e| e.core().roster().contains(&self.machines[b].me()))
        };
        let same = self.machines[a].me() == self.machines[b].me();
        let reached = self.network.reaches(a, b);
        !same && reached && self.gossips(a) && self.gossips(b) && knows(a, b) && knows(b, a)
    }

    fn meet(&mut self, a: usize, b: usize) {
        let (life_a, life_b) = (self.machines[a].life, self.machines[b].life);
        if self.network.neighbors.insert((a, life_a, b, life_b)) {
            self.network.neighbors.insert((b, life_b, a, life_a));
            let (id_a, id_b) = (self.machines[a].me(), self.machines[b].me());
            self.input(a, life_a, Input::NeighborUp(id_b));
            self.input(b, life_b, Input::NeighborUp(id_a));
        }
    }
}
