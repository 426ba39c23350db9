//! Members, former members and invites as people and programs see them.

use std::collections::{BTreeMap, BTreeSet};

use super::Roster;
use super::powers::{Place, cuts_of};
use crate::body::{Body, Retract};
use crate::id::{AuthorId, ChainId, InviteKey, MessageId, Seq, Timestamp};
use crate::message::Message;

/// A member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The nickname claimed last.
    pub nick: String,
    /// Whether this member made the room.
    pub root: bool,
    /// Whether this member is an admin.
    pub admin: bool,
    /// The members at whose doors this one was let in; more than one after a partition.
    pub doors: BTreeSet<AuthorId>,
    /// The invites this member came by.
    pub invites: BTreeSet<InviteKey>,
    /// Whether every invite this member came by let in more than it may: two doors in a partition.
    pub over: bool,
    /// When this member was first let in, by the clock of the member at the door.
    pub since: Timestamp,
}

/// Somebody who belonged and no longer does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Former {
    /// The nickname claimed last.
    pub nick: String,
    /// Whether a removal stands in the way. Otherwise they left, or their invite was revoked.
    pub removed: bool,
    /// Whether they left by themselves.
    pub left: bool,
    /// The removals that count and that no invite lifts.
    pub removes: Vec<MessageId>,
    /// Who removed them.
    pub by: BTreeSet<AuthorId>,
}

/// An invite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InviteStatus {
    /// Its public key.
    pub key: InviteKey,
    /// Who made it.
    pub by: AuthorId,
    /// No admission after this.
    pub expires: Option<Timestamp>,
    /// Most distinct keys that may come by it.
    pub uses_max: Option<u32>,
    /// For people; a claim.
    pub note: String,
    /// Distinct keys that came by it, whether they stayed or not.
    pub used: u32,
    /// Whether it lets nobody in any more.
    pub revoked: bool,
    /// The removals that it lifts.
    pub lifts: Vec<MessageId>,
}

/// How much of an author's chains counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// By chain, the last place that counts; 0 where nothing does.
    pub chains: BTreeMap<ChainId, Seq>,
    /// Whether chains that are not listed count.
    pub others: bool,
}

impl Roster {
    /// The nickname of a member, or of somebody who was one; `None` of strangers.
    pub fn nick(&self, author: &AuthorId) -> Option<&str> {
        match self.members.get(author) {
            Some(member) => Some(&member.nick),
            None => self.claimed_nick(author),
        }
    }

    /// Those who belonged and no longer do.
    pub fn former(&self) -> BTreeMap<AuthorId, Former> {
        let known: BTreeSet<AuthorId> = self.known().chain(self.standing.let_in()).collect();
        let gone = known.into_iter().filter(|who| !self.contains(who));
        gone.map(|author| (author, self.former_member(&author)))
            .collect()
    }

    /// The removals of somebody that stand in the way of belonging.
    pub fn removes_of(&self, member: &AuthorId) -> Vec<MessageId> {
        self.former_member(member).removes
    }

    /// Who came by an invite and belongs.
    pub fn came_by(&self, invite: &InviteKey) -> BTreeSet<AuthorId> {
        let came = self.standing.let_in_by(invite);
        came.filter(|who| self.contains(who)).collect()
    }

    /// Everybody else who must be named as staying where an invite is voided: who came by it, also those
    /// who left since, for what they wrote and whom they let in rests on it.
    pub fn to_be_kept(&self, invite: &InviteKey) -> BTreeSet<AuthorId> {
        let came = self.standing.let_in_by(invite);
        came.filter(|who| self.standing.admitted.contains_key(who))
            .collect()
    }

    /// The invites that a removal of `member` would void: those that count.
    pub fn voided_with(&self, member: &AuthorId, keep_invite: bool) -> BTreeSet<InviteKey> {
        let proven = |act: &MessageId| self.acts.proven_joins.contains(act);
        let keys = self.acts.of(member).filter_map(|act| match act.body() {
            Some(Body::Join(join)) if !keep_invite && proven(&act.id()) => Some(join.invite),
            Some(Body::Invite(invite)) => Some(invite.key),
            _ => None,
        });
        keys.filter(|key| self.standing.invites.contains_key(key))
            .collect()
    }

    fn former_member(&self, author: &AuthorId) -> Former {
        let removals = self.powers.removals_of(author);
        let standing = removals.iter().filter(|removal| !removal.lifted);
        Former {
            nick: self.claimed_nick(author).unwrap_or_default().to_owned(),
            removed: self.powers.is_barred(author),
            left: self.has_left(author),
            removes: standing.clone().map(|removal| removal.act).collect(),
            by: standing.map(|removal| removal.by).collect(),
        }
    }

    /// The invites that count, in the order of their keys.
    pub fn invites(&self) -> Vec<InviteStatus> {
        let keys = self.standing.invites.keys();
        keys.flat_map(|key| {
            let acts = self.invites_of_key(key);
            acts.into_iter().map(|(act, invite)| InviteStatus {
                key: *key,
                by: act.header().author,
                expires: invite.expires,
                uses_max: invite.uses_max,
                note: invite.note.clone(),
                used: self.used(key),
                revoked: !self.basis().stands_for(act, invite, None),
                lifts: invite.lifts.clone(),
            })
        })
        .collect()
    }

    /// How much of an author's chains counts; `None` where nothing is cut off.
    pub fn bounds(&self, author: &AuthorId) -> Option<Bounds> {
        let belonged = self.standing.belonged(author, self.basis());
        let removals = self.powers.removals_of(author);
        let leaves = self.left_at(author);
        if belonged && removals.is_empty() && leaves.is_empty() {
            return None;
        }
        let mut bounds = Bounds {
            chains: BTreeMap::new(),
            others: belonged && !self.powers.is_barred(author),
        };
        bounds.chains = self.cut_chains(author, belonged);
        for (chain, left) in leaves {
            let open = if bounds.others { Seq(u64::MAX) } else { Seq(0) };
            let last = bounds.chains.entry(chain).or_insert(open);
            *last = (*last).min(left);
        }
        bounds
            .chains
            .retain(|_, last| last.0 < u64::MAX || !bounds.others);
        Some(bounds)
    }

    /// By chain, the last place that every cut lets count.
    fn cut_chains(&self, author: &AuthorId, belonged: bool) -> BTreeMap<ChainId, Seq> {
        let tops = |act: &MessageId| {
            let mut tops: BTreeMap<ChainId, Seq> = BTreeMap::new();
            for cut in cuts_of(&self.acts, act) {
                let top = tops.entry(cut.chain).or_default();
                *top = cut.seq.max(*top);
            }
            tops
        };
        let removals = self.powers.removals_of(author);
        let by_act: Vec<(BTreeMap<ChainId, Seq>, bool)> = removals
            .iter()
            .map(|removal| (tops(&removal.act), removal.lifted))
            .collect();
        if removals.is_empty() {
            // The end of an admin's time lets stand what it names of somebody who was never let in.
            let end = self.powers.cutting_acts(author);
            let listed = end.iter().flat_map(tops);
            return listed.filter(|_| !belonged).collect();
        }
        let chains: BTreeSet<ChainId> = by_act.iter().flat_map(|it| it.0.keys()).copied().collect();
        // Where all removals are lifted, what the end of an admin's time names stands in further chains too.
        let all_lifted = by_act.iter().all(|(_, lifted)| *lifted);
        let ended = (!belonged && all_lifted && self.powers.is_ended(author))
            .then(|| self.powers.cutting_acts(author).pop())
            .flatten();
        let named = ended.iter().flat_map(tops);
        let further = named.filter(|(chain, _)| !chains.contains(chain));
        let last = |chain: &ChainId| {
            let each = by_act.iter().map(|(tops, lifted)| match tops.get(chain) {
                None if *lifted => Seq(u64::MAX),
                top => top.copied().unwrap_or_default(),
            });
            each.min().unwrap_or(Seq(u64::MAX))
        };
        let listed = chains.iter().map(|chain| (*chain, last(chain)));
        listed.chain(further).collect()
    }

    /// By chain, where its author left.
    fn left_at(&self, author: &AuthorId) -> BTreeMap<ChainId, Seq> {
        let chains = (*author, ChainId(0))..=(*author, ChainId(u32::MAX));
        let leaves = self.acts.leaves_at.range(chains).map(|(of, _)| of.1);
        leaves
            .filter_map(|chain| {
                let left = self.powers.left_at(author, chain, &self.acts, &self.strays);
                Some((chain, left?))
            })
            .collect()
    }

    /// The bounds of everybody who has any.
    pub fn all_bounds(&self) -> BTreeMap<AuthorId, Bounds> {
        let authors = self.acts.authors();
        authors
            .filter_map(|author| Some((*author, self.bounds(author)?)))
            .collect()
    }

    fn used(&self, key: &InviteKey) -> u32 {
        let came = self.standing.came_by(key, self.basis());
        u32::try_from(came.len()).unwrap_or(u32::MAX)
    }

    /// The member of that key, as the acts have it now.
    pub(super) fn member(&self, author: &AuthorId) -> Option<Member> {
        let belongs = self.standing.belonged(author, self.basis())
            && !self.powers.is_barred(author)
            && !self.has_left(author);
        if !belongs {
            return None;
        }
        let admission = self.standing.admitted.get(author);
        let genesis = self.acts.genesis.as_ref();
        let since = match admission {
            Some(admission) => admission.since,
            None if Some(*author) == self.powers.root => {
                genesis.map_or(Timestamp(0), |genesis| genesis.header().ts)
            }
            None => self.powers.ranked_since(author).unwrap_or_default(),
        };
        let over = admission.is_some_and(|admission| {
            let mut invites = admission.invites.iter();
            invites.all(|key| self.standing.overused.contains(key))
        });
        Some(Member {
            nick: self.claimed_nick(author).unwrap_or_default().to_owned(),
            root: Some(*author) == self.powers.root,
            admin: self.powers.admins.contains(author),
            doors: admission.map_or_else(BTreeSet::new, |admission| admission.doors.clone()),
            invites: admission.map_or_else(BTreeSet::new, |admission| admission.invites.clone()),
            over,
            since,
        })
    }

    /// Whether the author's last word on belonging was a leave.
    pub(super) fn has_left(&self, author: &AuthorId) -> bool {
        let counted = self.acts.leaves.get(author).into_iter().flatten();
        let left = counted
            .rev()
            .find(|(_, id)| self.acts.find(id).is_some_and(|act| self.counts(act)));
        let admission = self.standing.admitted.get(author);
        let joined = admission.and_then(|admission| admission.joins.last());
        left.is_some_and(|left| joined.is_none_or(|joined| joined < left))
    }

    /// The latest claim that counts, by the author's own clock and then by id.
    fn claimed_nick(&self, author: &AuthorId) -> Option<&str> {
        let claims = self.acts.claims.get(author)?.iter().rev();
        let belonged = self.standing.belonged(author, self.basis());
        let mut acts = claims.filter_map(|(_, id)| self.acts.find(id));
        let act = acts.find(|act| match self.basis().place(act) {
            Place::Void => false,
            Place::Affirmed => true,
            Place::Open => belonged,
        })?;
        match act.body() {
            Some(Body::Genesis(body)) => Some(&body.nick),
            Some(Body::Join(body)) => Some(&body.nick),
            Some(Body::Profile(body)) => Some(&body.nick),
            _ => None,
        }
    }
}

/// What the room asks of single acts.
impl Roster {
    /// Whether an act is held.
    pub fn holds_act(&self, id: &MessageId) -> bool {
        self.acts.find(id).is_some()
    }

    /// What a retract takes back; `None` where it does not count.
    pub fn takes_back<'a>(&self, act: &'a Message) -> Option<&'a Retract> {
        let Some(Body::Retract(retract)) = act.body() else {
            return None;
        };
        let counts = if act.header().author == retract.author {
            self.counts(act)
        } else {
            self.powers.counts_as_admins(act, &self.acts, &self.strays)
        };
        counts.then_some(retract)
    }

    /// What the retracts of an author that count take back.
    pub fn taken_back_by(&self, author: &AuthorId) -> impl Iterator<Item = &Retract> {
        let acts = self.acts.of(author);
        acts.filter_map(|act| self.takes_back(act))
    }

    /// What all retracts that count take back.
    pub fn taken_back(&self) -> impl Iterator<Item = &Retract> {
        let acts = self.acts.retracts.values().flatten();
        acts.filter_map(|id| self.takes_back(self.acts.find(id)?))
    }

    /// Says of a message that is about to be taken in that it stands on a branch which `act` does not
    /// name, see [`set_strays`](Self::set_strays): so it never has the effect that it must not have.
    pub fn note_stray(&mut self, act: MessageId, chain: ChainId, stray: MessageId) {
        self.strays.entry((act, chain)).or_default().insert(stray);
    }
}
