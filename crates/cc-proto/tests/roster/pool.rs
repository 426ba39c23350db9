//! Rooms from a seed: signed chains of up to nine people who do to each other what they can.

use std::sync::LazyLock;

use cc_proto::body::{
    Admit, Body, Chat, Cut, Genesis, Grant, Invite, InvitePolicy, InviteRevoke, Join, Profile,
    Remove, Retract,
};
use cc_proto::id::{AuthorId, ChainId, InviteKey, MessageId, RoomId, Seq, Timestamp};
use cc_proto::identity::{Identity, Signature};
use cc_proto::message::{Message, NewMessage};
use cc_proto::roster::prove_invite;

/// The root, then those who may become admins, then members; the last is never let in on purpose.
pub const PEOPLE: usize = 9;
/// Who may be made an admin: these many after the root.
const ADMINS: usize = 4;
const INVITES: usize = 6;

/// Draws the same numbers from the same seed.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    pub fn below(&mut self, end: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % end.max(1) as u64) as usize
    }

    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        let at = self.below(from.len());
        from.get(at)
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            items.swap(at, self.below(at + 1));
        }
    }
}

/// What all rooms share, signed once: the people, two geneses, and who proves which invite.
struct Stock {
    people: Vec<Identity>,
    invites: Vec<InviteKey>,
    /// One where every member invites, one where only admins do.
    geneses: [Message; 2],
    /// By genesis, person and invite.
    proofs: [Vec<Vec<Signature>>; 2],
}

static STOCK: LazyLock<Stock> = LazyLock::new(|| {
    let people: Vec<Identity> = (0..PEOPLE)
        .map(|seed| Identity::from_seed([seed as u8 + 1; 32]))
        .collect();
    let secrets: Vec<Identity> = (0..INVITES)
        .map(|seed| Identity::from_seed([seed as u8 + 101; 32]))
        .collect();
    let geneses = [InvitePolicy::Members, InvitePolicy::Admins].map(|invite_policy| {
        let body = Body::Genesis(Genesis {
            name: "room".into(),
            nick: "root".into(),
            invite_policy,
            nonce: [7; 16],
        });
        let new = new_message(
            RoomId::from_bytes([0; 32]),
            ChainId(1),
            None,
            Timestamp(0),
            body,
        );
        Message::write(&people[0], new).expect("a genesis")
    });
    let proofs = geneses.each_ref().map(|genesis| {
        let of = |person: &Identity| {
            let prove = |secret| prove_invite(secret, &genesis.room(), &person.author());
            secrets.iter().map(prove).collect()
        };
        people.iter().map(of).collect()
    });
    let key = |secret: &Identity| InviteKey::from_bytes(*secret.author().as_bytes());
    let invites = secrets.iter().map(key).collect();
    Stock {
        people,
        invites,
        geneses,
        proofs,
    }
});

fn new_message(
    room: RoomId,
    chain: ChainId,
    after: Option<&Message>,
    ts: Timestamp,
    body: Body,
) -> NewMessage {
    NewMessage {
        room,
        chain,
        seq: after.map_or(Seq::FIRST, |after| after.header().seq.next()),
        prev: after.map(Message::id),
        ts,
        via: String::new(),
        re: None,
        body,
    }
}

/// Who somebody is, by number; 0 is the root.
pub fn person(number: usize) -> AuthorId {
    STOCK.people[number].author()
}

/// A room that is written down, message by message.
pub struct Pool {
    pub room: RoomId,
    /// The one before comes before.
    pub messages: Vec<Message>,
    policy: usize,
    dice: Dice,
}

impl Pool {
    /// A room and everything that ever happened in it.
    pub fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let policy = usize::from(dice.chance(15));
        let genesis = STOCK.geneses[policy].clone();
        let mut pool = Self {
            room: genesis.room(),
            messages: vec![genesis],
            policy,
            dice,
        };
        pool.found();
        for _ in 0..8 + pool.dice.below(30) {
            let author = match pool.dice.below(10) {
                0..2 => 0,
                2..6 => 1 + pool.dice.below(ADMINS),
                _ => 1 + pool.dice.below(PEOPLE - 1),
            };
            let body = pool.any_act(author);
            pool.write(author, body);
        }
        pool
    }

    /// Some are let in, some of them are made admins.
    fn found(&mut self) {
        let first = self.invite(0, Vec::new());
        self.write(0, first);
        for newcomer in 1..PEOPLE - 1 {
            let nested = newcomer > 2 && self.dice.chance(40);
            let (door, key) = if nested {
                let inviter = 1 + self.dice.below(newcomer - 1);
                let key = 1 + self.dice.below(INVITES - 1);
                let invite = self.invite(key, Vec::new());
                self.write(inviter, invite);
                (inviter, key)
            } else {
                (0, 0)
            };
            let door = if self.dice.chance(70) {
                door
            } else {
                self.dice.below(newcomer)
            };
            self.join_and_admit(newcomer, key, door);
            if newcomer <= ADMINS && self.dice.chance(60) {
                let body = self.grant(newcomer, true);
                self.write(0, body);
            }
        }
    }

    fn join_and_admit(&mut self, joiner: usize, key: usize, door: usize) {
        let join = self.join(joiner, key);
        let join = self.write(joiner, join);
        let admit = Body::Admit(Admit {
            joiner: person(joiner),
            invite: STOCK.invites[key],
            join,
        });
        self.write(door, admit);
    }

    /// Continues a chain of `author`, or forks one, or begins one.
    fn write(&mut self, author: usize, body: Body) -> MessageId {
        let me = person(author);
        let own: Vec<&Message> = self
            .messages
            .iter()
            .filter(|m| m.header().author == me)
            .collect();
        let (chain, after) = match self.dice.below(100) {
            0..6 => (ChainId(1 + self.dice.below(3) as u32), None),
            6..12 if !own.is_empty() => {
                let after = own[self.dice.below(own.len())];
                (after.header().chain, Some(after))
            }
            _ => match own.last() {
                Some(last) => (last.header().chain, Some(*last)),
                None => (ChainId(1), None),
            },
        };
        // Clocks are a little off, and now and then two acts have one time.
        let clock = 10 + self.messages.len() as u64 * 10;
        let ts = Timestamp((clock + self.dice.below(60) as u64).saturating_sub(30) / 4);
        let new = new_message(self.room, chain, after, ts, body);
        let message = Message::write(&STOCK.people[author], new).expect("a good message");
        let id = message.id();
        if !self.messages.iter().any(|known| known.id() == id) {
            self.messages.push(message);
        }
        id
    }

    fn any_act(&mut self, author: usize) -> Body {
        let other = self.dice.below(PEOPLE);
        match self.dice.below(100) {
            0..22 => self.remove(other),
            22..34 => self.revoke(),
            34..44 => {
                let lifts = self.some_removes();
                let key = self.dice.below(INVITES);
                self.invite(key, lifts)
            }
            44..52 => {
                let key = self.dice.below(INVITES);
                self.join(author, key)
            }
            52..64 => self.admit(),
            64..76 => {
                let on = self.dice.chance(50);
                self.grant(other, on)
            }
            76..82 => Body::Leave,
            82..89 => Body::Profile(Profile {
                nick: format!("nick {}", self.dice.below(50)),
            }),
            89..95 => self.retract(),
            _ => Body::Chat(Chat {
                text: format!("said {}", self.dice.below(1000)),
            }),
        }
    }

    fn invite(&mut self, key: usize, lifts: Vec<MessageId>) -> Body {
        Body::Invite(Invite {
            key: STOCK.invites[key],
            expires: None,
            uses_max: self.dice.chance(30).then(|| self.dice.below(3) as u32),
            note: String::new(),
            lifts,
        })
    }

    fn join(&mut self, joiner: usize, key: usize) -> Body {
        let good = self.dice.chance(95);
        let proof = if good {
            STOCK.proofs[self.policy][joiner][key]
        } else {
            Signature([0; 64])
        };
        Body::Join(Join {
            invite: STOCK.invites[key],
            proof,
            nick: format!("joined {joiner}"),
        })
    }

    /// Of some join that was written, mostly one that nobody has answered yet.
    fn admit(&mut self) -> Body {
        let joins: Vec<(AuthorId, InviteKey, MessageId)> = self
            .messages
            .iter()
            .filter_map(|message| match message.body() {
                Some(Body::Join(join)) => {
                    Some((message.header().author, join.invite, message.id()))
                }
                _ => None,
            })
            .collect();
        let late = joins.len() / 2;
        let from = if self.dice.chance(70) {
            &joins[late..]
        } else {
            &joins[..]
        };
        match self.dice.pick(from).copied() {
            Some((joiner, invite, join)) => Body::Admit(Admit {
                joiner,
                invite,
                join,
            }),
            None => Body::Leave,
        }
    }

    fn revoke(&mut self) -> Body {
        Body::InviteRevoke(InviteRevoke {
            invite: STOCK.invites[self.dice.below(INVITES)],
            keep: self.some_people(),
        })
    }

    fn remove(&mut self, member: usize) -> Body {
        Body::Remove(Remove {
            member: person(member),
            cuts: self.cuts(member),
            keep_invite: self.dice.chance(40),
            keep: self.some_people(),
        })
    }

    fn grant(&mut self, member: usize, admin: bool) -> Body {
        let cuts = if admin { Vec::new() } else { self.cuts(member) };
        Body::Grant(Grant {
            member: person(member),
            admin,
            cuts,
        })
    }

    /// Mostly what is known of each chain; now and then less, or another branch, or nothing.
    fn cuts(&mut self, member: usize) -> Vec<Cut> {
        let member = person(member);
        let mut cuts = Vec::new();
        for chain in (1..=3).map(ChainId) {
            let of_chain: Vec<&Message> = self
                .messages
                .iter()
                .filter(|m| m.header().author == member && m.header().chain == chain)
                .collect();
            if of_chain.is_empty() || self.dice.chance(15) {
                continue;
            }
            let at = if self.dice.chance(60) {
                of_chain.len() - 1
            } else {
                self.dice.below(of_chain.len())
            };
            let last = of_chain[at];
            cuts.push(Cut {
                chain,
                seq: last.header().seq,
                id: last.id(),
            });
        }
        cuts
    }

    fn some_people(&mut self) -> Vec<AuthorId> {
        let share = [0, 30, 80, 100][self.dice.below(4)];
        (0..PEOPLE)
            .filter(|_| self.dice.chance(share))
            .map(person)
            .collect()
    }

    fn some_removes(&mut self) -> Vec<MessageId> {
        let share = [0, 60, 100][self.dice.below(3)];
        let removes = |message: &&Message| matches!(message.body(), Some(Body::Remove(_)));
        self.messages
            .iter()
            .filter(removes)
            .map(Message::id)
            .filter(|_| self.dice.chance(share))
            .collect()
    }

    fn retract(&mut self) -> Body {
        let message = &self.messages[self.dice.below(self.messages.len())];
        let header = message.header();
        Body::Retract(Retract {
            author: header.author,
            chain: header.chain,
            seq: header.seq,
            message: message.id(),
        })
    }

    /// Prefixes of the chains, each branch up to somewhere.
    pub fn prefixes(&self, dice: &mut Dice) -> Vec<Message> {
        let lost = [0, 3, 12][dice.below(3)];
        let mut kept: Vec<Message> = Vec::new();
        for message in &self.messages {
            let before = message.header().prev;
            let follows = before.is_none_or(|prev| kept.iter().any(|kept| kept.id() == prev));
            if follows && !dice.chance(lost) {
                kept.push(message.clone());
            }
        }
        kept
    }
}
