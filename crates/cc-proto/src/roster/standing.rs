//! Who was let in: the least fixed point from the root, given who has which powers.
//!
//! Everything here only grows as acts come, so one act more is worked in without looking at the
//! others again. Where powers change, it is made anew.

use std::collections::{BTreeMap, BTreeSet};

use super::acts::{Acts, When};
use super::powers::{Place, Powers, Strays};
use crate::body::{Admit, Body, Invite, InvitePolicy};
use crate::id::{AuthorId, InviteKey, MessageId, Timestamp};
use crate::message::Message;

/// How somebody was let in.
#[derive(Debug, Clone)]
pub(super) struct Admission {
    /// The acts by which it came about first: what they rest on came about before it.
    pub evidence: Evidence,
    pub doors: BTreeSet<AuthorId>,
    pub invites: BTreeSet<InviteKey>,
    /// The joins that were admitted.
    pub joins: BTreeSet<When>,
    pub since: Timestamp,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Evidence {
    pub invite: MessageId,
    pub join: MessageId,
    pub admit: MessageId,
}

/// What the acts come to.
#[derive(Debug, Clone, Default)]
pub(super) struct Standing {
    pub admitted: BTreeMap<AuthorId, Admission>,
    /// The invites that count, voided ones among them.
    pub invites: BTreeMap<InviteKey, BTreeSet<MessageId>>,
    /// Who was let in by an invite, whether they stayed or not, and on which joins.
    came: BTreeMap<InviteKey, BTreeMap<AuthorId, BTreeSet<MessageId>>>,
    /// The invites by which each was let in, for good or not.
    came_keys: BTreeMap<AuthorId, BTreeSet<InviteKey>>,
    /// The invites by which more came than may.
    pub overused: BTreeSet<InviteKey>,
    /// The invites of which that is to be worked out again.
    recount: BTreeSet<InviteKey>,
    /// Invites and admits that were worked in.
    worked_in: BTreeSet<MessageId>,
}

/// What a standing is worked out from.
#[derive(Clone, Copy)]
pub(super) struct Basis<'a> {
    pub acts: &'a Acts,
    pub powers: &'a Powers,
    pub strays: &'a Strays,
    pub policy: InvitePolicy,
}

impl Basis<'_> {
    pub fn place(&self, message: &Message) -> Place {
        self.powers.place(message, self.acts, self.strays)
    }

    /// Whether an invite lets `joiner` in, given that its maker belongs.
    pub fn stands_for(&self, act: &Message, invite: &Invite, joiner: Option<&AuthorId>) -> bool {
        let maker = act.header().author;
        let stays = |keep: &BTreeSet<AuthorId>| joiner.is_some_and(|who| keep.contains(who));
        if let Some(keep) = self.powers.keep(&invite.key, &act.id())
            && !stays(&keep)
        {
            return false;
        }
        let own = self.powers.keep_by_maker(&invite.key, &maker);
        own.is_none_or(stays)
    }

    fn may_invite(&self, act: &Message) -> bool {
        self.policy == InvitePolicy::Members
            || self.powers.counts_as_admins(act, self.acts, self.strays)
    }
}

impl Standing {
    pub fn settle(basis: Basis<'_>) -> Self {
        let mut standing = Self::default();
        let powers = basis.powers;
        let first = powers.root.into_iter().chain(powers.admins.iter().copied());
        let mut ready: Vec<AuthorId> = first.chain(powers.affirmed_authors()).collect();
        standing.grow(&mut ready, basis);
        standing.recount(basis);
        standing
    }

    /// Works out which invites let in more than they may. Gives everybody who came by one of which that
    /// is other than before.
    fn recount(&mut self, basis: Basis<'_>) -> BTreeSet<AuthorId> {
        let mut touched = BTreeSet::new();
        for key in std::mem::take(&mut self.recount) {
            let is_over = self.is_overused(&key, basis);
            let was_over = if is_over {
                !self.overused.insert(key)
            } else {
                self.overused.remove(&key)
            };
            if is_over != was_over {
                touched.extend(self.let_in_by(&key));
            }
        }
        touched
    }

    fn is_overused(&self, key: &InviteKey, basis: Basis<'_>) -> bool {
        let invites = self.invites.get(key).into_iter().flatten();
        let most = invites.map(|id| basis.acts.invite(id)?.uses_max);
        // Only counted where it is bounded: it takes a look at everybody who came.
        let most = most
            .collect::<Option<Vec<u32>>>()
            .and_then(|uses| uses.into_iter().max());
        most.is_some_and(|most| self.came_by(key, basis).len() > most as usize)
    }

    /// The distinct keys that came by an invite, whether they stayed or not. Whose join does not count
    /// is none of them: not everybody holds it.
    pub fn came_by(&self, invite: &InviteKey, basis: Basis<'_>) -> BTreeSet<AuthorId> {
        let came = self.came.get(invite).into_iter().flatten();
        came.filter(|(_, joins)| {
            let mut acts = joins.iter().filter_map(|id| basis.acts.find(id));
            acts.any(|join| self.counts(join, basis))
        })
        .map(|(who, _)| *who)
        .collect()
    }

    /// Whether somebody was ever let in by an invite, for good or not.
    pub fn was_used(&self, invite: &InviteKey) -> bool {
        self.came.contains_key(invite)
    }

    /// Everybody who was let in by an invite, for good or not.
    pub fn let_in_by(&self, invite: &InviteKey) -> impl Iterator<Item = AuthorId> + '_ {
        let came = self.came.get(invite).into_iter().flatten();
        came.map(|(who, _)| *who)
    }

    /// Everybody who was let in, for good or not.
    pub fn let_in(&self) -> impl Iterator<Item = AuthorId> + '_ {
        self.came.values().flatten().map(|(who, _)| *who)
    }

    /// Whether a message counts.
    pub fn counts(&self, message: &Message, basis: Basis<'_>) -> bool {
        match basis.place(message) {
            Place::Void => false,
            Place::Affirmed => true,
            Place::Open => self.belonged(&message.header().author, basis),
        }
    }

    /// Whether somebody was let in, or needs no letting in; a remove or leave may have ended it.
    pub fn belonged(&self, author: &AuthorId, basis: Basis<'_>) -> bool {
        Some(*author) == basis.powers.root
            || basis.powers.admins.contains(author)
            || self.admitted.contains_key(author)
    }

    /// Works in one act that takes nothing from anybody. Gives who was let in, again or anew.
    pub fn work_in(&mut self, act: &Message, basis: Basis<'_>) -> BTreeSet<AuthorId> {
        let mut ready = Vec::new();
        let mut touched = match act.body() {
            Some(Body::Join(_)) => {
                let admits = basis.acts.admits_by_join.get(&act.id());
                self.try_admits(admits, &mut ready, basis)
            }
            _ => self.try_act(act, &mut ready, basis),
        };
        touched.extend(self.grow(&mut ready, basis));
        touched.extend(self.recount(basis));
        touched
    }

    fn grow(&mut self, ready: &mut Vec<AuthorId>, basis: Basis<'_>) -> BTreeSet<AuthorId> {
        let mut touched = BTreeSet::new();
        while let Some(author) = ready.pop() {
            for act in basis.acts.of(&author) {
                touched.extend(self.try_act(act, ready, basis));
            }
        }
        touched
    }

    fn try_act(
        &mut self,
        act: &Message,
        ready: &mut Vec<AuthorId>,
        basis: Basis<'_>,
    ) -> BTreeSet<AuthorId> {
        let lets_in = matches!(act.body(), Some(Body::Invite(_) | Body::Admit(_)));
        if !lets_in || self.worked_in.contains(&act.id()) || !self.counts(act, basis) {
            return BTreeSet::new();
        }
        match act.body() {
            Some(Body::Invite(invite)) if basis.may_invite(act) => {
                self.worked_in.insert(act.id());
                self.invites.entry(invite.key).or_default().insert(act.id());
                let admits = basis.acts.admits_by_invite.get(&invite.key);
                // One invite more of the key: those who came over its uses may no longer have.
                self.recount.insert(invite.key);
                self.try_admits(admits, ready, basis)
            }
            Some(Body::Admit(admit)) => self
                .try_admit(act, admit, ready, basis)
                .into_iter()
                .collect(),
            _ => BTreeSet::new(),
        }
    }

    fn try_admits(
        &mut self,
        admits: Option<&BTreeSet<MessageId>>,
        ready: &mut Vec<AuthorId>,
        basis: Basis<'_>,
    ) -> BTreeSet<AuthorId> {
        let mut touched = BTreeSet::new();
        let admits = admits.into_iter().flatten();
        for act in admits.filter_map(|id| basis.acts.find(id)) {
            if let Some(Body::Admit(admit)) = act.body()
                && self.counts(act, basis)
            {
                touched.extend(self.try_admit(act, admit, ready, basis));
            }
        }
        touched
    }

    fn try_admit(
        &mut self,
        act: &Message,
        admit: &Admit,
        ready: &mut Vec<AuthorId>,
        basis: Basis<'_>,
    ) -> Option<AuthorId> {
        let join = basis.acts.find(&admit.join)?;
        let fits = matches!(join.body(), Some(Body::Join(body)) if body.invite == admit.invite)
            && join.header().author == admit.joiner
            && act.header().author != admit.joiner
            && basis.acts.proven_joins.contains(&admit.join);
        let invites = self.invites.get(&admit.invite)?;
        if !fits || self.worked_in.contains(&act.id()) {
            return None;
        }
        let came = self.came.entry(admit.invite).or_default();
        let joins = came.entry(admit.joiner).or_default();
        joins.insert(admit.join);
        let keys = self.came_keys.entry(admit.joiner).or_default();
        keys.insert(admit.invite);
        self.recount.insert(admit.invite);
        let open = invites.iter().copied().find(|id| {
            let invite = basis.acts.find(id).zip(basis.acts.invite(id));
            invite.is_some_and(|(act, invite)| basis.stands_for(act, invite, Some(&admit.joiner)))
        });
        if let Some(invite) = open
            && basis.place(join) != Place::Void
        {
            self.worked_in.insert(act.id());
            let evidence = Evidence {
                invite,
                join: admit.join,
                admit: act.id(),
            };
            self.admit(act, admit, (join.header().ts, join.id()), evidence, ready);
        }
        Some(admit.joiner)
    }

    fn admit(
        &mut self,
        act: &Message,
        admit: &Admit,
        join: When,
        evidence: Evidence,
        ready: &mut Vec<AuthorId>,
    ) {
        let since = act.header().ts;
        if !self.admitted.contains_key(&admit.joiner) {
            // Joins of theirs that counted for nothing until now may count.
            let keys = self.came_keys.get(&admit.joiner).into_iter().flatten();
            self.recount.extend(keys);
        }
        let admission = self.admitted.entry(admit.joiner).or_insert_with(|| {
            ready.push(admit.joiner);
            Admission {
                evidence,
                doors: BTreeSet::new(),
                invites: BTreeSet::new(),
                joins: BTreeSet::new(),
                since,
            }
        });
        admission.doors.insert(act.header().author);
        admission.invites.insert(admit.invite);
        admission.joins.insert(join);
        admission.since = admission.since.min(since);
    }
}
