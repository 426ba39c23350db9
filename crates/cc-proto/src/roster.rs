//! Who belongs: a pure function of the set of valid messages.
//!
//! The roster is the least fixed point from the root: an act counts once its author counts. The
//! rules of this release only ever add, so acts may come in any order and any number of times.
//! `spec/membership.md` has the table of merge rules. Kinds that take membership away are kept
//! and passed on by this release, and do not act yet.

use std::collections::{BTreeMap, BTreeSet};

use crate::body::{Admit, Body, Invite, InvitePolicy, Join};
use crate::clock::Now;
use crate::id::{AuthorId, InviteKey, MessageId, RoomId, Timestamp};
use crate::identity::{self, Identity, JOIN_DOMAIN, Signature};
use crate::limits;
use crate::message::Message;

/// A member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The nickname claimed last.
    pub nick: String,
    /// Whether this member made the room.
    pub root: bool,
    /// The members at whose doors this one was let in; more than one after a partition.
    pub doors: BTreeSet<AuthorId>,
    /// The invites this member came by.
    pub invites: BTreeSet<InviteKey>,
}

/// Why nobody can be let in by a join.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DoorError {
    /// The invite is not known here, or the join does not prove it.
    #[error("the invite is not known here")]
    UnknownInvite,
    /// The invite has expired by the clock of the member at the door.
    #[error("the invite has expired")]
    Expired,
    /// As many have come by the invite as may.
    #[error("the invite was used as often as it may be")]
    UsedUp,
}

/// What an act waits for before it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Need {
    Member(AuthorId),
    Invite(InviteKey),
    Join(MessageId),
    /// It never counts, in this release.
    Never,
}

/// What an act did to the roster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// Whether anything is other than before.
    pub changed: bool,
    /// Who became a member.
    pub joined: Vec<AuthorId>,
}

#[derive(Debug, Clone, Copy)]
struct Evidence {
    join: MessageId,
    admit: MessageId,
}

/// The roster and the acts it follows from.
#[derive(Debug, Clone)]
pub struct Roster {
    room: RoomId,
    name: String,
    policy: InvitePolicy,
    members: BTreeMap<AuthorId, Member>,
    nick_since: BTreeMap<AuthorId, (Timestamp, MessageId)>,
    invites: BTreeMap<InviteKey, BTreeMap<MessageId, Invite>>,
    joins: BTreeMap<MessageId, (AuthorId, Join)>,
    acts: BTreeMap<MessageId, Message>,
    /// Acts by what they wait for: each is looked at again only when that is there.
    waiting: BTreeMap<Need, Vec<MessageId>>,
    evidence: BTreeMap<AuthorId, Evidence>,
}

impl Roster {
    /// The roster before any act.
    pub fn new(room: RoomId) -> Self {
        Self {
            room,
            name: String::new(),
            policy: InvitePolicy::Members,
            members: BTreeMap::new(),
            nick_since: BTreeMap::new(),
            invites: BTreeMap::new(),
            joins: BTreeMap::new(),
            acts: BTreeMap::new(),
            waiting: BTreeMap::new(),
            evidence: BTreeMap::new(),
        }
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
        !self.members.is_empty()
    }

    /// The members in the order of their keys.
    pub fn members(&self) -> &BTreeMap<AuthorId, Member> {
        &self.members
    }

    /// Whether `author` is a member.
    pub fn contains(&self, author: &AuthorId) -> bool {
        self.members.contains_key(author)
    }

    /// Takes in an act, and those that waited for it.
    pub fn insert(&mut self, act: &Message) -> Change {
        let mut change = Change::default();
        if !act.shapes_roster() || act.room() != self.room || self.acts.contains_key(&act.id()) {
            return change;
        }
        let mut met = Vec::new();
        if let Some(Body::Join(join)) = act.body() {
            self.joins
                .insert(act.id(), (act.header().author, join.clone()));
            met.push(Need::Join(act.id()));
        }
        let mut ready = vec![act.clone()];
        loop {
            while let Some(act) = ready.pop() {
                match self.unmet(&act) {
                    Some(Need::Never) => {}
                    Some(need) => {
                        self.waiting.entry(need).or_default().push(act.id());
                        self.acts.insert(act.id(), act);
                    }
                    None => met.extend(self.apply(&act, &mut change)),
                }
            }
            let Some(need) = met.pop() else { return change };
            let waited = self.waiting.remove(&need).unwrap_or_default();
            ready.extend(waited.iter().filter_map(|id| self.acts.get(id).cloned()));
        }
    }

    /// Whether a chain's message may be appended: by a member, or the room's genesis, or a join
    /// that opens its author's chain and proves an invite that counts.
    pub fn admits_message(&self, message: &Message) -> bool {
        let header = message.header();
        if self.contains(&header.author) {
            return true;
        }
        match message.body() {
            Some(Body::Genesis(_)) => true, // its room was checked, and the room is its hash
            Some(Body::Join(join)) => {
                header.prev.is_none()
                    && self.invites.contains_key(&join.invite)
                    && proves(&self.room, &header.author, join)
            }
            _ => false,
        }
    }

    /// Judges a join at one's own door.
    ///
    /// # Errors
    /// [`DoorError`]; all but [`DoorError::UnknownInvite`] are for those who proved the secret.
    pub fn judge(&self, joiner: &AuthorId, join: &Join, now: Now) -> Result<(), DoorError> {
        let invites = self
            .invites
            .get(&join.invite)
            .ok_or(DoorError::UnknownInvite)?;
        if !proves(&self.room, joiner, join) {
            return Err(DoorError::UnknownInvite);
        }
        let expired = |invite: &Invite| invite.expires.is_some_and(|expires| now.wall >= expires);
        if invites.values().all(expired) {
            return Err(DoorError::Expired);
        }
        let came = |member: &&Member| member.invites.contains(&join.invite);
        let used = self.members.values().filter(came).count();
        let open = |invite: &Invite| {
            !expired(invite) && invite.uses_max.is_none_or(|uses| used < uses as usize)
        };
        if invites.values().any(open) {
            Ok(())
        } else {
            Err(DoorError::UsedUp)
        }
    }

    /// The acts that prove a membership to somebody who knows the room id alone, in an order in
    /// which each counts at once. Empty for a stranger, or where there would be more than
    /// [`limits::BUNDLE_MESSAGES_MAX`].
    pub fn bundle(&self, member: &AuthorId) -> Vec<Message> {
        let mut wanted = vec![*member];
        let mut seen = BTreeSet::new();
        let mut acts = Vec::new();
        while let Some(author) = wanted.pop() {
            if !self.contains(&author) || !seen.insert(author) {
                continue;
            }
            let Some(evidence) = self.evidence.get(&author) else {
                continue;
            };
            for id in [evidence.admit, evidence.join] {
                if let Some(act) = self.acts.get(&id) {
                    acts.push(act.clone());
                }
            }
            let Some((_, join)) = self.joins.get(&evidence.join) else {
                continue;
            };
            let invite = self
                .invites
                .get(&join.invite)
                .and_then(|all| all.keys().next());
            if let Some(invite) = invite.and_then(|id| self.acts.get(id)) {
                acts.push(invite.clone());
                wanted.push(invite.header().author);
            }
            if let Some(admit) = self.acts.get(&evidence.admit) {
                wanted.push(admit.header().author);
            }
        }
        let genesis = MessageId::from_bytes(*self.room.as_bytes());
        acts.extend(self.acts.get(&genesis).cloned());
        acts.reverse();
        if acts.len() > limits::BUNDLE_MESSAGES_MAX || !self.contains(member) {
            acts.clear();
        }
        acts
    }

    /// Whether `acts`, with those known already, make `author` a member. Changes nothing.
    pub fn would_contain(&self, author: &AuthorId, acts: &[Message]) -> bool {
        if self.contains(author) {
            return true;
        }
        if acts.is_empty() {
            return false;
        }
        let mut with = self.clone();
        for act in acts {
            with.insert(act);
        }
        with.contains(author)
    }

    /// The first thing that an act waits for; `None` where it counts.
    fn unmet(&self, act: &Message) -> Option<Need> {
        let author = act.header().author;
        let of_member = (!self.contains(&author)).then_some(Need::Member(author));
        match act.body() {
            Some(Body::Genesis(_)) => {
                (act.id().as_bytes() != self.room.as_bytes()).then_some(Need::Never)
            }
            Some(Body::Invite(_)) => of_member.or_else(|| {
                let root = self.members.get(&author).is_some_and(|member| member.root);
                let may = root || self.policy == InvitePolicy::Members;
                (!may).then_some(Need::Never)
            }),
            Some(Body::Admit(admit)) => of_member.or_else(|| self.unmet_by_admit(admit)),
            Some(Body::Profile(_) | Body::Join(_)) => of_member,
            _ => Some(Need::Never),
        }
    }

    fn unmet_by_admit(&self, admit: &Admit) -> Option<Need> {
        let Some((joiner, join)) = self.joins.get(&admit.join) else {
            return Some(Need::Join(admit.join));
        };
        let fits = *joiner == admit.joiner
            && join.invite == admit.invite
            && proves(&self.room, joiner, join);
        if !fits {
            return Some(Need::Never);
        }
        let known = self.invites.contains_key(&admit.invite);
        (!known).then_some(Need::Invite(admit.invite))
    }

    /// Gives what acts may have waited for.
    fn apply(&mut self, act: &Message, change: &mut Change) -> Option<Need> {
        let author = act.header().author;
        match act.body() {
            Some(Body::Genesis(genesis)) => {
                self.keep(act);
                self.name.clone_from(&genesis.name);
                self.policy = genesis.invite_policy;
                let need = self.welcome(author, change);
                self.member(author).root = true;
                self.claim_nick(author, act, &genesis.nick);
                need
            }
            Some(Body::Invite(invite)) => {
                self.keep(act);
                self.invites
                    .entry(invite.key)
                    .or_default()
                    .insert(act.id(), invite.clone());
                Some(Need::Invite(invite.key))
            }
            Some(Body::Admit(admit)) => {
                self.keep(act);
                let need = self.welcome(admit.joiner, change);
                self.apply_admit(author, act.id(), admit);
                need
            }
            Some(Body::Join(join)) => {
                self.keep(act);
                change.changed |= self.claim_nick(author, act, &join.nick);
                None
            }
            Some(Body::Profile(profile)) => {
                self.acts.remove(&act.id());
                change.changed |= self.claim_nick(author, act, &profile.nick);
                None
            }
            _ => None,
        }
    }

    /// Keeps an act that may be needed to prove a membership.
    fn keep(&mut self, act: &Message) {
        self.acts.entry(act.id()).or_insert_with(|| act.clone());
    }

    fn welcome(&mut self, author: AuthorId, change: &mut Change) -> Option<Need> {
        change.changed = true;
        if self.contains(&author) {
            return None;
        }
        self.member(author);
        change.joined.push(author);
        Some(Need::Member(author))
    }

    fn apply_admit(&mut self, door: AuthorId, admit_id: MessageId, admit: &Admit) {
        let member = self.member(admit.joiner);
        member.doors.insert(door);
        member.invites.insert(admit.invite);
        let evidence = Evidence {
            join: admit.join,
            admit: admit_id,
        };
        self.evidence.entry(admit.joiner).or_insert(evidence);
    }

    fn member(&mut self, author: AuthorId) -> &mut Member {
        self.members.entry(author).or_insert_with(|| Member {
            nick: String::new(),
            root: false,
            doors: BTreeSet::new(),
            invites: BTreeSet::new(),
        })
    }

    /// The latest claim counts, by the author's own clock and then by id.
    fn claim_nick(&mut self, author: AuthorId, act: &Message, nick: &str) -> bool {
        let since = (act.header().ts, act.id());
        if self
            .nick_since
            .get(&author)
            .is_some_and(|known| *known > since)
        {
            return false;
        }
        self.nick_since.insert(author, since);
        let member = self.member(author);
        let changed = member.nick != nick;
        nick.clone_into(&mut member.nick);
        changed
    }
}

/// Two rosters are equal when they name the same room and the same members in the same standing.
impl PartialEq for Roster {
    fn eq(&self, other: &Self) -> bool {
        (self.room, &self.name, &self.members) == (other.room, &other.name, &other.members)
            && self.invites == other.invites
    }
}

impl Eq for Roster {}

fn join_statement(room: &RoomId, joiner: &AuthorId) -> [u8; 64] {
    let mut statement = [0; 64];
    statement[..32].copy_from_slice(room.as_bytes());
    statement[32..].copy_from_slice(joiner.as_bytes());
    statement
}

/// Signs, with an invite's secret, that its holder wants `joiner` in `room`.
pub fn prove_invite(invite: &Identity, room: &RoomId, joiner: &AuthorId) -> Signature {
    invite.sign(JOIN_DOMAIN, &join_statement(room, joiner))
}

/// The body of the join by which `joiner` asks to be let in.
pub fn join_body(invite: &Identity, room: &RoomId, joiner: &AuthorId, nick: String) -> Join {
    Join {
        invite: InviteKey::from_bytes(*invite.author().as_bytes()),
        proof: prove_invite(invite, room, joiner),
        nick,
    }
}

/// Whether `join` proves the invite that it names.
pub fn proves(room: &RoomId, joiner: &AuthorId, join: &Join) -> bool {
    let statement = join_statement(room, joiner);
    identity::verify(join.invite.as_bytes(), JOIN_DOMAIN, &statement, &join.proof)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::{Genesis, Grant, Profile};
    use crate::id::{ChainId, Seq};
    use crate::message::NewMessage;

    fn act(seed: u8, room: RoomId, seq: u64, body: Body) -> Message {
        let new = NewMessage {
            room,
            chain: ChainId(1),
            seq: Seq(seq),
            prev: (seq > 1).then(|| MessageId::from_bytes([seq as u8; 32])),
            ts: Timestamp(seq),
            via: String::new(),
            re: None,
            body,
        };
        Message::write(&Identity::from_seed([seed; 32]), new).unwrap()
    }

    #[test]
    fn acts_that_never_count_are_not_kept_to_be_looked_at_again() {
        let genesis = Body::Genesis(Genesis {
            name: String::new(),
            nick: String::new(),
            invite_policy: InvitePolicy::Members,
            nonce: [0; 16],
        });
        let genesis = act(1, RoomId::from_bytes([0; 32]), 1, genesis);
        let room = genesis.room();
        let mut roster = Roster::new(room);
        assert_eq!(roster.insert(&genesis).joined, [genesis.header().author]);
        let kept = roster.acts.len();
        for seq in 2..200 {
            let member = genesis.header().author;
            let body = match seq % 3 {
                0 => Body::Leave,
                1 => Body::Grant(Grant {
                    member,
                    admin: true,
                }),
                _ => Body::Profile(Profile {
                    nick: format!("nick {seq}"),
                }),
            };
            roster.insert(&act(1, room, seq, body));
        }
        assert_eq!((roster.acts.len(), roster.waiting.len()), (kept, 0));
        let waits = Body::Profile(Profile {
            nick: "later".into(),
        });
        roster.insert(&act(2, room, 1, waits));
        assert_eq!(roster.waiting.len(), 1);
    }
}
