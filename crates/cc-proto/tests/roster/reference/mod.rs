//! The rules of `spec/membership.md` once more, written from the text alone: slow and obvious.
//!
//! Nothing is kept from one question to the next: every rule looks through all messages again. The
//! only order is the one of the text: the root, then each admin by rank, then everybody else.

mod admissions;

use std::collections::{BTreeMap, BTreeSet};

use cc_proto::body::{Body, Cut, InvitePolicy, Remove};
use cc_proto::id::{AuthorId, InviteKey, MessageId, RoomId, Timestamp};
use cc_proto::message::Message;
use cc_proto::roster::proves;

type When = (Timestamp, MessageId);

/// What is to be said of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefMember {
    pub nick: String,
    pub root: bool,
    pub admin: bool,
    pub doors: BTreeSet<AuthorId>,
    pub invites: BTreeSet<InviteKey>,
    pub over: bool,
}

/// What is to be said of somebody who no longer belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefFormer {
    pub removed: bool,
    pub left: bool,
    pub removes: BTreeSet<MessageId>,
    pub by: BTreeSet<AuthorId>,
}

/// What the rules come to for a set of messages.
#[derive(Debug, Default)]
pub struct Outcome {
    pub members: BTreeMap<AuthorId, RefMember>,
    pub former: BTreeMap<AuthorId, RefFormer>,
    pub counting: BTreeSet<MessageId>,
    pub retracted: BTreeSet<MessageId>,
    /// By the act of each invite that counts: how many came by its key, and whether it is void.
    pub invites: BTreeMap<MessageId, (usize, bool)>,
}

/// What removes, the ends of an admin's time and leaves say of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Void,
    Open,
    Affirmed,
}

struct Removal<'a> {
    act: &'a Message,
    remove: &'a Remove,
    lifted: bool,
}

struct Rules<'a> {
    all: BTreeMap<MessageId, &'a Message>,
    root: AuthorId,
    policy: InvitePolicy,
    /// Join proofs, looked at once: they are slow.
    proven: BTreeSet<MessageId>,
    /// What is settled so far: the removes that count, by whom they are aimed at.
    removals: BTreeMap<AuthorId, Vec<Removal<'a>>>,
    /// What is settled so far: who was let in.
    admitted: BTreeSet<AuthorId>,
}

/// Applies the rules.
pub fn derive(room: RoomId, messages: &[Message]) -> Outcome {
    let all: BTreeMap<MessageId, &Message> = messages.iter().map(|m| (m.id(), m)).collect();
    let genesis = all.values().find_map(|message| match message.body() {
        Some(Body::Genesis(genesis)) if message.id().as_bytes() == room.as_bytes() => {
            Some((message.header().author, genesis.invite_policy))
        }
        _ => None,
    });
    let Some((root, policy)) = genesis else {
        return Outcome::default();
    };
    let proven = all.values().filter(|message| {
        matches!(message.body(), Some(Body::Join(join)) if proves(&room, &message.header().author, join))
    });
    let proven = proven.map(|message| message.id()).collect();
    let mut rules = Rules {
        all,
        root,
        policy,
        proven,
        removals: BTreeMap::new(),
        admitted: BTreeSet::new(),
    };
    rules.settle_removals();
    rules.settle_admissions();
    rules.outcome()
}

impl<'a> Rules<'a> {
    // ---- grants ----------------------------------------------------------------------------

    /// The root's grants to a member, in the order of (ts, id).
    fn grants(&self, member: &AuthorId) -> Vec<(When, bool, &'a [Cut])> {
        let mut grants: Vec<(When, bool, &'a [Cut])> = self
            .all
            .values()
            .filter(|act| act.header().author == self.root && *member != self.root)
            .filter(|act| !self.follows_a_leave(act))
            .filter_map(|act| match act.body() {
                Some(Body::Grant(grant)) if grant.member == *member => {
                    Some(((act.header().ts, act.id()), grant.admin, &grant.cuts[..]))
                }
                _ => None,
            })
            .collect();
        grants.sort_unstable_by_key(|grant| grant.0);
        grants
    }

    /// The first grant that made somebody an admin.
    fn rank(&self, member: &AuthorId) -> Option<When> {
        let first = self.grants(member).into_iter().find(|grant| grant.1);
        first.map(|grant| grant.0)
    }

    fn is_admin(&self, member: &AuthorId) -> bool {
        self.grants(member).last().is_some_and(|grant| grant.1)
    }

    /// The cuts of the grant that ended an admin's time.
    fn end(&self, member: &AuthorId) -> Option<&'a [Cut]> {
        self.rank(member)?;
        let last = self.grants(member).into_iter().last()?;
        (!last.1).then_some(last.2)
    }

    fn outranks(&self, actor: &AuthorId, member: &AuthorId) -> bool {
        if *member == self.root || actor == member {
            return false;
        }
        if *actor == self.root {
            return true;
        }
        match (self.rank(actor), self.rank(member)) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(actor), Some(member)) => actor < member,
        }
    }

    // ---- places ----------------------------------------------------------------------------

    fn is_at_or_before(&self, message: &Message, last: MessageId) -> bool {
        let mut at = Some(last);
        while let Some(id) = at {
            if id == message.id() {
                return true;
            }
            at = self.all.get(&id).and_then(|message| message.header().prev);
        }
        false
    }

    /// Whether a list of cuts lets a message stand; nothing where its chain is not listed. The branch
    /// matters only where the message that is named is held and counts: else it is the place alone.
    fn within(&self, cuts: &[Cut], message: &Message) -> Option<bool> {
        let header = message.header();
        let listed: Vec<&Cut> = cuts
            .iter()
            .filter(|cut| cut.chain == header.chain)
            .collect();
        if listed.is_empty() {
            return None;
        }
        let told = listed
            .iter()
            .all(|cut| self.all.contains_key(&cut.id) && self.stands_by_place(cut, &header.author));
        Some(listed.iter().any(|cut| {
            if told {
                self.is_at_or_before(message, cut.id)
            } else {
                header.seq < cut.seq || message.id() == cut.id
            }
        }))
    }

    /// Whether every remove lets what a cut names stand, going by the places alone.
    fn stands_by_place(&self, named: &Cut, author: &AuthorId) -> bool {
        let removals = self.removals.get(author).into_iter().flatten();
        removals.into_iter().all(|removal| {
            let mut listed = removal.remove.cuts.iter();
            let mut listed = listed
                .by_ref()
                .filter(|cut| cut.chain == named.chain)
                .peekable();
            match listed.peek() {
                None => removal.lifted,
                Some(_) => listed.any(|cut| named.seq < cut.seq || named.id == cut.id),
            }
        })
    }

    /// Whether the author left at an earlier place of the chain. A leave that a remove cuts off ends
    /// nothing.
    fn follows_a_leave(&self, message: &Message) -> bool {
        let header = message.header();
        self.all.values().any(|leave| {
            let of_chain =
                leave.header().author == header.author && leave.header().chain == header.chain;
            of_chain
                && matches!(leave.body(), Some(Body::Leave))
                && leave.header().seq < header.seq
                && self.cut_place(leave) != Place::Void
        })
    }

    fn place(&self, message: &Message) -> Place {
        if self.follows_a_leave(message) {
            return Place::Void;
        }
        self.cut_place(message)
    }

    /// What removes and the end of an admin's time say of a message.
    fn cut_place(&self, message: &Message) -> Place {
        let author = message.header().author;
        let mut place = Place::Open;
        for removal in self.removals.get(&author).into_iter().flatten() {
            match self.within(&removal.remove.cuts, message) {
                Some(true) => place = Place::Affirmed,
                None if removal.lifted => {}
                _ => return Place::Void,
            }
        }
        if self
            .end(&author)
            .is_some_and(|cuts| self.within(cuts, message) == Some(true))
        {
            place = Place::Affirmed;
        }
        place
    }

    /// Whether an act of an admin's power counts.
    fn counts_as_admins(&self, act: &Message) -> bool {
        let author = act.header().author;
        let in_time = author == self.root
            || self.is_admin(&author)
            || self
                .end(&author)
                .is_some_and(|cuts| self.within(cuts, act) == Some(true));
        in_time && self.place(act) != Place::Void
    }

    // ---- removals --------------------------------------------------------------------------

    /// Who may remove: the root, then whoever was ever an admin, by rank.
    fn actors(&self) -> Vec<AuthorId> {
        let authors: BTreeSet<AuthorId> = self
            .all
            .values()
            .filter_map(|act| match act.body() {
                Some(Body::Grant(grant)) => Some(grant.member),
                _ => None,
            })
            .collect();
        let mut ranked: Vec<(When, AuthorId)> = authors
            .into_iter()
            .filter_map(|author| Some((self.rank(&author)?, author)))
            .collect();
        ranked.sort_unstable();
        let ranked = ranked.into_iter().map(|(_, author)| author);
        std::iter::once(self.root).chain(ranked).collect()
    }

    fn settle_removals(&mut self) {
        let actors = self.actors();
        let everybody: BTreeSet<AuthorId> = self
            .all
            .values()
            .flat_map(|act| match act.body() {
                Some(Body::Remove(remove)) => vec![act.header().author, remove.member],
                _ => vec![act.header().author],
            })
            .collect();
        let others = everybody.into_iter().filter(|who| !actors.contains(who));
        let order: Vec<AuthorId> = actors.iter().copied().chain(others).collect();
        // Who comes earlier is settled wholly before whoever they may act against.
        for member in order {
            let settled = self.removals_of(member);
            self.removals.insert(member, settled);
        }
    }

    fn removals_of(&self, member: AuthorId) -> Vec<Removal<'a>> {
        let acts = self.all.values().copied();
        acts.filter_map(|act| match act.body() {
            Some(Body::Remove(remove)) if remove.member == member => Some((act, remove)),
            _ => None,
        })
        .filter(|(act, _)| self.outranks(&act.header().author, &member))
        .filter(|(act, _)| self.counts_as_admins(act))
        .map(|(act, remove)| Removal {
            act,
            remove,
            lifted: self.is_lifted(&member, act.id()),
        })
        .collect()
    }

    fn is_lifted(&self, member: &AuthorId, remove: MessageId) -> bool {
        self.all.values().any(|act| {
            matches!(act.body(), Some(Body::Invite(invite)) if invite.lifts.contains(&remove))
                && self.outranks(&act.header().author, member)
                && self.counts_as_admins(act)
        })
    }

    fn is_barred(&self, member: &AuthorId) -> bool {
        let removals = self.removals.get(member).into_iter().flatten();
        removals.into_iter().any(|removal| !removal.lifted)
    }
}
