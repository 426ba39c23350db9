//! Who belongs: a pure function of the set of valid messages.
//!
//! | file | what it holds |
//! |---|---|
//! | `acts.rs` | the acts, each once, and where to find them |
//! | `powers.rs` | grants, removes, lifts and cuts: what takes standing away |
//! | `standing.rs` | who was let in: the least fixed point from the root |
//! | `door.rs` | how an invite is proven, and how the member at the door judges |
//! | `bundle.rs` | the acts that prove a membership |
//! | `view.rs` | members, former members and invites as people see them |
//! | `allowed.rs` | what an author may do |
//!
//! Acts may come in any order and any number of times. `spec/membership.md` has the rules and the
//! table of what each pair of acts comes to.

mod acts;
mod allowed;
mod bundle;
mod door;
mod powers;
mod standing;
mod view;

use std::collections::{BTreeMap, BTreeSet};

pub use allowed::NotAllowed;
pub use door::{DoorError, join_body, prove_invite, proves};
pub use view::{Bounds, Former, InviteStatus, Member};

use crate::body::{Body, Cut, Invite, InvitePolicy};
use crate::id::{AuthorId, ChainId, InviteKey, MessageId, RoomId};
use crate::message::Message;
use acts::Acts;
use powers::{Place, Powers, Strays};
use standing::{Basis, Standing};

/// What an act did to the roster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// Whether anything is other than before.
    pub changed: bool,
    /// Who became a member.
    pub joined: Vec<AuthorId>,
    /// Who is no longer one.
    pub gone: Vec<AuthorId>,
}

/// The roster and the acts it follows from.
#[derive(Debug, Clone)]
pub struct Roster {
    room: RoomId,
    name: String,
    policy: InvitePolicy,
    acts: Acts,
    strays: Strays,
    powers: Powers,
    standing: Standing,
    members: BTreeMap<AuthorId, Member>,
}

impl Roster {
    /// The roster before any act.
    pub fn new(room: RoomId) -> Self {
        Self {
            room,
            name: String::new(),
            policy: InvitePolicy::Members,
            acts: Acts::default(),
            strays: Strays::new(),
            powers: Powers::default(),
            standing: Standing::default(),
            members: BTreeMap::new(),
        }
    }

    /// The roster of many acts at once, as when a room is opened.
    pub fn load<'a>(room: RoomId, acts: impl IntoIterator<Item = &'a Message>) -> Self {
        let mut roster = Self::new(room);
        for act in acts {
            roster.file(act);
        }
        roster.settle();
        roster
    }

    /// The room.
    pub fn room(&self) -> RoomId {
        self.room
    }

    /// The room's name; empty before the genesis is known.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the genesis is known.
    pub fn is_founded(&self) -> bool {
        self.powers.root.is_some()
    }

    /// Who belongs now, in the order of their keys.
    pub fn members(&self) -> &BTreeMap<AuthorId, Member> {
        &self.members
    }

    /// Whether `author` belongs now.
    pub fn contains(&self, author: &AuthorId) -> bool {
        self.members.contains_key(author)
    }

    /// How many acts of an author are held.
    pub fn acts_of(&self, author: &AuthorId) -> usize {
        self.acts.count_of(author)
    }

    /// Takes in an act.
    pub fn insert(&mut self, act: &Message) -> Change {
        if !self.file(act) {
            return Change::default();
        }
        let falls_on_somebody = match act.body() {
            Some(Body::InviteRevoke(revoke)) => {
                let news = self.powers.work_in_revoke(act, &self.acts, &self.strays);
                let maker = act.header().author;
                let mut made = self.invites_of_key(&revoke.invite).into_iter();
                let made = made.any(|(invite, _)| invite.header().author == maker);
                let by_power = self.powers.counts_as_admins(act, &self.acts, &self.strays);
                news && (made || by_power) && self.standing.was_used(&revoke.invite)
            }
            _ => self.takes_from_somebody(act),
        };
        if falls_on_somebody {
            return self.settle();
        }
        let basis = Basis {
            acts: &self.acts,
            powers: &self.powers,
            strays: &self.strays,
            policy: self.policy,
        };
        let mut touched = self.standing.work_in(act, basis);
        touched.insert(act.header().author);
        let mut change = Change::default();
        for author in touched {
            self.refresh(author, &mut change);
        }
        change
    }

    /// Says which held messages stand on a branch of a forked chain that `act`, a remove or the end
    /// of an admin's time, does not name: they do not count, though their place is below its cut.
    pub fn set_strays(
        &mut self,
        act: MessageId,
        chain: ChainId,
        strays: BTreeSet<MessageId>,
    ) -> Change {
        let known = self.strays.get(&(act, chain));
        if known.map_or(strays.is_empty(), |known| *known == strays) {
            return Change::default();
        }
        self.strays.insert((act, chain), strays);
        self.settle()
    }

    /// The acts held that may cut a chain of `author`, with the places they list of it. Whether each
    /// counts may itself hang on what they cut, so all are given by whoever is or was an admin.
    pub fn cuts(&self, author: &AuthorId, chain: ChainId) -> Vec<(MessageId, Vec<Cut>)> {
        let removes = self.acts.removes.get(author).into_iter().flatten().copied();
        let grants = self.acts.grants.get(author).into_iter().flatten();
        let by_power = |id: &MessageId| {
            self.acts
                .find(id)
                .is_some_and(|act| self.powers.outranks(&act.header().author, author))
        };
        let acts = removes.chain(grants.map(|(_, id)| *id)).filter(by_power);
        let listed = acts.map(|id| {
            let cuts = powers::cuts_of(&self.acts, &id).iter();
            let cuts: Vec<Cut> = cuts.filter(|cut| cut.chain == chain).cloned().collect();
            (id, cuts)
        });
        listed.filter(|(_, cuts)| !cuts.is_empty()).collect()
    }

    /// Whether a message counts: its author belonged, and neither a remove nor a leave cut it off.
    pub fn counts(&self, message: &Message) -> bool {
        self.standing.counts(message, self.basis())
    }

    /// Whether a message may be appended: it counts, or is the room's genesis, or is a join
    /// that opens its author's chain and proves an invite that stands.
    pub fn admits_message(&self, message: &Message) -> bool {
        if self.counts(message) {
            return true;
        }
        let header = message.header();
        match message.body() {
            Some(Body::Genesis(_)) => true, // its room was checked, and the room is its hash
            Some(Body::Join(join)) => {
                let basis = self.basis();
                header.prev.is_none()
                    && basis.place(message) != Place::Void
                    && !self.powers.is_barred(&header.author)
                    && self
                        .invites_of_key(&join.invite)
                        .iter()
                        .any(|(act, invite)| basis.stands_for(act, invite, Some(&header.author)))
                    && proves(&self.room, &header.author, join)
            }
            _ => false,
        }
    }

    /// Whether a message of `author` was taken back, by its author or by an admin.
    pub fn is_retracted(&self, author: &AuthorId, message: &MessageId) -> bool {
        let retracts = self.acts.retracts.get(message).into_iter().flatten();
        retracts.filter_map(|id| self.acts.find(id)).any(|act| {
            let own = act.header().author == *author;
            if own {
                self.counts(act)
            } else {
                self.powers.counts_as_admins(act, &self.acts, &self.strays)
            }
        })
    }

    /// Whether somebody let its author in on a join.
    pub fn is_admitted(&self, join: &MessageId) -> bool {
        let author = self.acts.find(join).map(|act| act.header().author);
        let admission = author.and_then(|author| self.standing.admitted.get(&author));
        admission.is_some_and(|admission| admission.joins.iter().any(|(_, id)| id == join))
    }

    /// Whether an act could take something from somebody: then all is worked out anew. What has no
    /// power behind it, or nobody to fall on, does not, so that a member cannot make others work.
    fn takes_from_somebody(&self, act: &Message) -> bool {
        let header = act.header();
        let by_power = || self.powers.counts_as_admins(act, &self.acts, &self.strays);
        match act.body() {
            Some(Body::Admit(_) | Body::Profile(_) | Body::Retract(_)) => false,
            Some(Body::Invite(invite)) => {
                let lifts = !invite.lifts.is_empty() && by_power();
                lifts || !self.powers.removals_of(&header.author).is_empty()
            }
            Some(Body::Join(_)) => !self.powers.removals_of(&header.author).is_empty(),
            Some(Body::Remove(_) | Body::Grant(_)) => by_power(),
            Some(Body::Leave) => self.acts.of(&header.author).any(|other| {
                let other = other.header();
                other.chain == header.chain && other.seq > header.seq
            }),
            _ => true,
        }
    }

    fn file(&mut self, act: &Message) -> bool {
        if !act.shapes_roster() || act.room() != self.room {
            return false;
        }
        let Some(act) = self.acts.insert(act, &self.room) else {
            return false;
        };
        if let Some(Body::Genesis(genesis)) = act.body() {
            self.name.clone_from(&genesis.name);
            self.policy = genesis.invite_policy;
        }
        true
    }

    fn settle(&mut self) -> Change {
        self.powers = Powers::settle(&self.acts, &self.strays);
        self.standing = Standing::settle(self.basis());
        let before = std::mem::take(&mut self.members);
        let known: Vec<AuthorId> = self.known().collect();
        for author in known {
            self.refresh(author, &mut Change::default());
        }
        let is_new = |author: &&AuthorId| !before.contains_key(*author);
        Change {
            changed: true,
            joined: self.members.keys().filter(is_new).copied().collect(),
            gone: before
                .into_keys()
                .filter(|author| !self.contains(author))
                .collect(),
        }
    }

    /// Everyone who belongs or belonged.
    fn known(&self) -> impl Iterator<Item = AuthorId> + '_ {
        let first = self.powers.root.into_iter();
        let ranked = self.powers.admins.iter().copied();
        let let_in = self.standing.admitted.keys().copied();
        let mut once = BTreeSet::new();
        first
            .chain(ranked)
            .chain(let_in)
            .chain(self.powers.affirmed_authors())
            .filter(move |author| once.insert(*author))
    }

    fn refresh(&mut self, author: AuthorId, change: &mut Change) {
        let member = self.member(&author);
        let before = match member.clone() {
            Some(member) => self.members.insert(author, member),
            None => self.members.remove(&author),
        };
        change.changed |= before != member;
        match (before, member) {
            (None, Some(_)) => change.joined.push(author),
            (Some(_), None) => change.gone.push(author),
            _ => {}
        }
    }

    fn basis(&self) -> Basis<'_> {
        Basis {
            acts: &self.acts,
            powers: &self.powers,
            strays: &self.strays,
            policy: self.policy,
        }
    }

    /// The invites of a key that count, voided ones among them.
    fn invites_of_key(&self, key: &InviteKey) -> Vec<(&Message, &Invite)> {
        let ids = self.standing.invites.get(key).into_iter().flatten();
        ids.filter_map(|id| Some((self.acts.find(id)?.as_ref(), self.acts.invite(id)?)))
            .collect()
    }
}

/// Two rosters are equal when they say the same of everybody who belongs or belonged and of every
/// invite. Acts that do not count make no difference: not everybody holds them.
impl PartialEq for Roster {
    fn eq(&self, other: &Self) -> bool {
        let gone = |roster: &Self| {
            let mut former = roster.former();
            former.retain(|_, former| former.removed || former.left);
            former
        };
        let bounds = |roster: &Self| {
            let known: BTreeSet<AuthorId> = roster.known().collect();
            let mut bounds = roster.all_bounds();
            bounds.retain(|author, _| known.contains(author));
            bounds
        };
        (self.room, &self.name, &self.members) == (other.room, &other.name, &other.members)
            && gone(self) == gone(other)
            && self.invites() == other.invites()
            && bounds(self) == bounds(other)
    }
}

impl Eq for Roster {}

#[cfg(test)]
mod tests;
