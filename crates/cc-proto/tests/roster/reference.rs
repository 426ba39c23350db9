//! The rules of `spec/membership.md` once more, written from the text alone: slow and obvious.
//!
//! Nothing is kept from one question to the next: every rule looks through all messages again. The
//! only order is the one of the text: the root, then each admin by rank, then everybody else.

use std::collections::{BTreeMap, BTreeSet};

use cc_proto::body::{Body, Cut, Invite, InvitePolicy, Join, Remove};
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

    // ---- admissions ------------------------------------------------------------------------

    fn settle_admissions(&mut self) {
        loop {
            let before = self.admitted.len();
            let new: Vec<AuthorId> = self
                .admissions()
                .into_iter()
                .filter(|admission| admission.good)
                .map(|admission| admission.joiner)
                .collect();
            self.admitted.extend(new);
            if self.admitted.len() == before {
                return;
            }
        }
    }

    fn belonged(&self, author: &AuthorId) -> bool {
        *author == self.root || self.is_admin(author) || self.admitted.contains(author)
    }

    fn counts(&self, message: &Message) -> bool {
        match self.place(message) {
            Place::Void => false,
            Place::Affirmed => true,
            Place::Open => self.belonged(&message.header().author),
        }
    }

    fn invites(&self) -> Vec<(&'a Message, &'a Invite)> {
        let acts = self.all.values().copied();
        acts.filter_map(|act| match act.body() {
            Some(Body::Invite(invite)) => Some((act, invite)),
            _ => None,
        })
        .filter(|(act, _)| self.counts(act))
        .filter(|(act, _)| self.policy == InvitePolicy::Members || self.counts_as_admins(act))
        .collect()
    }

    fn join(&self, id: &MessageId) -> Option<(&'a Message, &'a Join)> {
        let act = self.all.get(id)?;
        match act.body() {
            Some(Body::Join(join)) if self.proven.contains(id) => Some((act, join)),
            _ => None,
        }
    }

    /// Every admit that counts, of a join that fits, under an invite that counts.
    fn admissions(&self) -> Vec<Admission<'a>> {
        let mut admissions = Vec::new();
        for act in self.all.values().copied() {
            let Some(Body::Admit(admit)) = act.body() else {
                continue;
            };
            let Some((join, body)) = self.join(&admit.join) else {
                continue;
            };
            let fits = join.header().author == admit.joiner && body.invite == admit.invite;
            if !fits || !self.counts(act) {
                continue;
            }
            let invites: Vec<_> = self
                .invites()
                .into_iter()
                .filter(|(_, invite)| invite.key == admit.invite)
                .collect();
            if invites.is_empty() {
                continue;
            }
            let open = invites
                .iter()
                .any(|(act, invite)| !self.is_void(act, invite, Some(admit.joiner)));
            admissions.push(Admission {
                joiner: admit.joiner,
                invite: admit.invite,
                door: act.header().author,
                join,
                good: open && self.place(join) != Place::Void,
            });
        }
        admissions
    }

    /// Whether an invite is void: for somebody who came by it, or for all who are still to come.
    fn is_void(&self, act: &Message, invite: &Invite, joiner: Option<AuthorId>) -> bool {
        let maker = act.header().author;
        let mut by_admins: Vec<&[AuthorId]> = Vec::new();
        let mut by_maker: Vec<&[AuthorId]> = Vec::new();
        for (member, removals) in &self.removals {
            for removal in removals {
                let remove = removal.remove;
                let made = *member == maker && self.within(&remove.cuts, act) == Some(true);
                let came = !remove.keep_invite
                    && self.all.values().any(|join| {
                        join.header().author == *member
                            && matches!(join.body(), Some(Body::Join(body)) if body.invite == invite.key)
                            && self.within(&remove.cuts, join) == Some(true)
                            && self.place(join) != Place::Void
                    });
                if made || came {
                    by_admins.push(&remove.keep);
                }
            }
        }
        for revoke in self.all.values() {
            let Some(Body::InviteRevoke(body)) = revoke.body() else {
                continue;
            };
            if body.invite != invite.key {
                continue;
            }
            if self.counts_as_admins(revoke) {
                by_admins.push(&body.keep);
            } else if revoke.header().author == maker && self.counts(revoke) {
                by_maker.push(&body.keep);
            }
        }
        [by_admins, by_maker].iter().any(|class| {
            let kept = |keep: &&[AuthorId]| joiner.is_some_and(|joiner| keep.contains(&joiner));
            !class.is_empty() && !class.iter().any(kept)
        })
    }

    // ---- what it comes to ------------------------------------------------------------------

    fn used(&self, key: &InviteKey) -> usize {
        let came: BTreeSet<AuthorId> = self
            .admissions()
            .iter()
            .filter(|admission| admission.invite == *key && self.counts(admission.join))
            .map(|admission| admission.joiner)
            .collect();
        came.len()
    }

    fn is_overused(&self, key: &InviteKey) -> bool {
        let used = self.used(key);
        let mut invites = self
            .invites()
            .into_iter()
            .filter(|(_, invite)| invite.key == *key);
        invites.all(|(_, invite)| invite.uses_max.is_some_and(|uses| used > uses as usize))
    }

    fn has_left(&self, author: &AuthorId) -> bool {
        let when = |act: &Message| (act.header().ts, act.id());
        let left = self
            .all
            .values()
            .filter(|act| act.header().author == *author)
            .filter(|act| matches!(act.body(), Some(Body::Leave)) && self.counts(act))
            .map(|act| when(act))
            .max();
        let joined = self
            .admissions()
            .iter()
            .filter(|admission| admission.joiner == *author && admission.good)
            .map(|admission| when(admission.join))
            .max();
        left > joined
    }

    fn nick(&self, author: &AuthorId) -> String {
        let claims = self
            .all
            .values()
            .filter(|act| act.header().author == *author);
        let latest = claims
            .filter(|act| self.counts(act))
            .filter_map(|act| match act.body() {
                Some(Body::Genesis(body)) => Some(((act.header().ts, act.id()), &body.nick)),
                Some(Body::Join(body)) => Some(((act.header().ts, act.id()), &body.nick)),
                Some(Body::Profile(body)) => Some(((act.header().ts, act.id()), &body.nick)),
                _ => None,
            })
            .max();
        latest.map(|(_, nick)| nick.clone()).unwrap_or_default()
    }

    fn outcome(&self) -> Outcome {
        let admissions = self.admissions();
        let known: BTreeSet<AuthorId> = admissions
            .iter()
            .map(|admission| admission.joiner)
            .chain(self.actors())
            .chain(
                self.removals
                    .iter()
                    .filter(|of| !of.1.is_empty())
                    .map(|of| *of.0),
            )
            .collect();
        let mut outcome = Outcome::default();
        for author in known {
            let belongs =
                self.belonged(&author) && !self.is_barred(&author) && !self.has_left(&author);
            if belongs {
                outcome
                    .members
                    .insert(author, self.member(author, &admissions));
            } else {
                outcome.former.insert(author, self.former(&author));
            }
        }
        let counting = self.all.values().filter(|message| self.counts(message));
        outcome.counting = counting.map(|message| message.id()).collect();
        for act in self.all.values() {
            let Some(Body::Retract(retract)) = act.body() else {
                continue;
            };
            let own = act.header().author == retract.author;
            if if own {
                self.counts(act)
            } else {
                self.counts_as_admins(act)
            } {
                outcome.retracted.insert(retract.message);
            }
        }
        for (act, invite) in self.invites() {
            let void = self.is_void(act, invite, None);
            outcome
                .invites
                .insert(act.id(), (self.used(&invite.key), void));
        }
        outcome
    }

    fn member(&self, author: AuthorId, admissions: &[Admission<'_>]) -> RefMember {
        let own = admissions
            .iter()
            .filter(|admission| admission.good && admission.joiner == author);
        let invites: BTreeSet<InviteKey> = own.clone().map(|admission| admission.invite).collect();
        let over = !invites.is_empty() && invites.iter().all(|key| self.is_overused(key));
        RefMember {
            nick: self.nick(&author),
            root: author == self.root,
            admin: self.is_admin(&author),
            doors: own.map(|admission| admission.door).collect(),
            invites,
            over,
        }
    }

    fn former(&self, author: &AuthorId) -> RefFormer {
        let removals = self.removals.get(author).into_iter().flatten();
        let standing: Vec<&Removal<'_>> = removals.filter(|removal| !removal.lifted).collect();
        RefFormer {
            removed: !standing.is_empty(),
            left: self.has_left(author),
            removes: standing.iter().map(|removal| removal.act.id()).collect(),
            by: standing
                .iter()
                .map(|removal| removal.act.header().author)
                .collect(),
        }
    }
}

struct Admission<'a> {
    joiner: AuthorId,
    invite: InviteKey,
    door: AuthorId,
    join: &'a Message,
    /// The joiner belonged by it.
    good: bool,
}
