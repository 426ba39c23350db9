//! What takes standing away, decided before anything else: grants, removes, lifts and cuts.
//!
//! The root comes first, then the admins in the order in which they were first made. An act against
//! one who is or was an admin counts only from somebody before them, so each is settled by
//! what is settled already, and no two acts can void each other.

use std::collections::{BTreeMap, BTreeSet};

use super::acts::{Acts, When};
use crate::body::{Body, Cut, Remove};
use crate::id::{AuthorId, ChainId, InviteKey, MessageId, Seq, Timestamp};
use crate::message::{Header, Message};

/// Held messages that stand on a branch which a cut does not name, by the act that cuts.
pub(super) type Strays = BTreeMap<(MessageId, ChainId), BTreeSet<MessageId>>;

/// What the removes and leaves say of a place, whoever let the author in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// It counts for nothing.
    Void,
    /// It counts if its author belongs, or belonged.
    Open,
    /// It counts: a remove or the end of an admin's time named it as the last, or one after it.
    Affirmed,
}

/// A remove that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Removal {
    pub act: MessageId,
    pub by: AuthorId,
    pub lifted: bool,
}

/// Who may do what, and what of whom is cut.
#[derive(Debug, Clone, Default)]
pub(super) struct Powers {
    pub root: Option<AuthorId>,
    /// Everyone who is or was an admin, by the first grant.
    ranks: BTreeMap<AuthorId, When>,
    /// Who is one now.
    pub admins: BTreeSet<AuthorId>,
    /// The grant that ended an admin's time.
    ended: BTreeMap<AuthorId, MessageId>,
    removals: BTreeMap<AuthorId, Vec<Removal>>,
    /// Invites that the root or admins void, and who stays.
    voided: BTreeMap<InviteKey, BTreeSet<AuthorId>>,
    /// Invites, by their acts, that are void because their maker was removed, and who stays.
    voided_made: BTreeMap<MessageId, BTreeSet<AuthorId>>,
    /// Invites that an author without an admin's power voids, and who stays: their maker, or in vain.
    voided_by: BTreeMap<(InviteKey, AuthorId), BTreeSet<AuthorId>>,
}

impl Powers {
    pub fn settle(acts: &Acts, strays: &Strays) -> Self {
        let mut powers = Self {
            root: acts.genesis.as_ref().map(|genesis| genesis.header().author),
            ..Self::default()
        };
        let Some(root) = powers.root else {
            return powers;
        };
        powers.settle_grants(root, acts, strays);
        let mut order: Vec<(When, AuthorId)> = powers
            .ranks
            .iter()
            .map(|(who, rank)| (*rank, *who))
            .collect();
        order.sort_unstable();
        let actors: Vec<AuthorId> = std::iter::once(root)
            .chain(order.into_iter().map(|(_, who)| who))
            .collect();
        for actor in &actors {
            powers.settle_lifts(actor, acts, strays);
            powers.settle_removes(actor, acts, strays);
        }
        let removed: Vec<AuthorId> = powers.removals.keys().copied().collect();
        for member in &removed {
            powers.settle_lifts(member, acts, strays);
            powers.void_invites_of(*member, acts, strays);
        }
        for act in acts.revokes.values().flatten() {
            if let Some(act) = acts.find(act) {
                powers.work_in_revoke(act, acts, strays);
            }
        }
        powers
    }

    fn settle_grants(&mut self, root: AuthorId, acts: &Acts, strays: &Strays) {
        for (member, grants) in &acts.grants {
            if *member == root {
                continue;
            }
            for when in grants {
                let Some(act) = acts.find(&when.1) else {
                    continue;
                };
                let Some(Body::Grant(grant)) = act.body() else {
                    continue;
                };
                if act.header().author != root || self.place(act, acts, strays) == Place::Void {
                    continue;
                }
                if grant.admin {
                    self.ranks.entry(*member).or_insert(*when);
                    self.admins.insert(*member);
                    self.ended.remove(member);
                } else if self.ranks.contains_key(member) {
                    self.admins.remove(member);
                    self.ended.insert(*member, act.id());
                }
            }
        }
    }

    fn settle_removes(&mut self, actor: &AuthorId, acts: &Acts, strays: &Strays) {
        for act in acts.of(actor) {
            let Some(Body::Remove(remove)) = act.body() else {
                continue;
            };
            if self.outranks(actor, &remove.member) && self.counts_as_admins(act, acts, strays) {
                let removal = Removal {
                    act: act.id(),
                    by: *actor,
                    lifted: false,
                };
                let removals = self.removals.entry(remove.member).or_default();
                removals.push(removal);
                removals.sort_unstable_by_key(|removal| removal.act);
            }
        }
    }

    /// Marks which removals of `member` are lifted.
    fn settle_lifts(&mut self, member: &AuthorId, acts: &Acts, strays: &Strays) {
        let Some(removals) = self.removals.get(member) else {
            return;
        };
        let mut removals = removals.clone();
        for removal in &mut removals {
            let lifts = acts.lifts.get(&removal.act).into_iter().flatten();
            removal.lifted = lifts.filter_map(|id| acts.find(id)).any(|invite| {
                self.outranks(&invite.header().author, member)
                    && self.counts_as_admins(invite, acts, strays)
            });
        }
        self.removals.insert(*member, removals);
    }

    fn void_invites_of(&mut self, member: AuthorId, acts: &Acts, strays: &Strays) {
        for removal in self.removals.get(&member).cloned().unwrap_or_default() {
            let Some(remove) = remove_of(acts, &removal.act) else {
                continue;
            };
            for act in acts.of(&member) {
                let at = (act.header().chain, act.header().seq, act.id());
                let listed = self.within(&removal.act, &member, at, acts, strays) == Some(true);
                // What another remove cuts off is not held by everybody, and must do nothing.
                if !listed || self.place(act, acts, strays) == Place::Void {
                    continue;
                }
                let kept = match act.body() {
                    Some(Body::Invite(_)) => self.voided_made.entry(act.id()).or_default(),
                    // One that proves nothing names an invite that its author never had.
                    Some(Body::Join(join))
                        if !remove.keep_invite && acts.proven_joins.contains(&act.id()) =>
                    {
                        self.voided.entry(join.invite).or_default()
                    }
                    _ => continue,
                };
                kept.extend(&remove.keep);
            }
        }
    }

    /// Takes in an invite-revoke. Gives whether it voids an invite that was not void, or keeps somebody
    /// whom nothing of its class kept.
    pub fn work_in_revoke(&mut self, act: &Message, acts: &Acts, strays: &Strays) -> bool {
        let Some(Body::InviteRevoke(revoke)) = act.body() else {
            return false;
        };
        let author = act.header().author;
        let kept = if self.counts_as_admins(act, acts, strays) {
            self.voided.entry(revoke.invite)
        } else if self.place(act, acts, strays) == Place::Void {
            return false;
        } else {
            let first = !self.voided_by.contains_key(&(revoke.invite, author));
            let kept = self.voided_by.entry((revoke.invite, author)).or_default();
            return extends(kept, &revoke.keep) || first;
        };
        let first = matches!(kept, std::collections::btree_map::Entry::Vacant(_));
        extends(kept.or_default(), &revoke.keep) || first
    }

    /// Whether one may remove the other, or lift a removal of theirs.
    pub fn outranks(&self, actor: &AuthorId, member: &AuthorId) -> bool {
        if Some(*member) == self.root || actor == member {
            return false;
        }
        if Some(*actor) == self.root {
            return true;
        }
        match (self.ranks.get(actor), self.ranks.get(member)) {
            (Some(actor), Some(member)) => actor < member,
            (Some(_), None) => true,
            (None, _) => false,
        }
    }

    /// Whether an act of an admin's power counts: its author is the root, or was an admin at it.
    pub fn counts_as_admins(&self, act: &Message, acts: &Acts, strays: &Strays) -> bool {
        let author = &act.header().author;
        let was_admin = Some(*author) == self.root
            || self.admins.contains(author)
            || self.is_before_the_end(act, acts, strays);
        was_admin && self.place(act, acts, strays) != Place::Void
    }

    fn is_before_the_end(&self, act: &Message, acts: &Acts, strays: &Strays) -> bool {
        let header = act.header();
        let at = (header.chain, header.seq, act.id());
        self.ended
            .get(&header.author)
            .is_some_and(|end| self.within(end, &header.author, at, acts, strays) == Some(true))
    }

    /// What removes and leaves say of a message.
    pub fn place(&self, message: &Message, acts: &Acts, strays: &Strays) -> Place {
        self.place_of(message.header(), &message.id(), acts, strays)
    }

    pub fn place_of(&self, header: &Header, id: &MessageId, acts: &Acts, strays: &Strays) -> Place {
        let left = self.left_at(&header.author, header.chain, acts, strays);
        if left.is_some_and(|left| header.seq > left) {
            return Place::Void;
        }
        self.cut_place(header, id, acts, strays)
    }

    /// The place in a chain where its author left. A leave that a remove cuts off ends nothing.
    pub fn left_at(
        &self,
        author: &AuthorId,
        chain: ChainId,
        acts: &Acts,
        strays: &Strays,
    ) -> Option<Seq> {
        let leaves = acts.leaves_at.get(&(*author, chain))?;
        let mut counting = leaves.iter().filter(|(_, id)| {
            let leave = acts.find(id);
            leave.is_some_and(|leave| {
                self.cut_place(leave.header(), id, acts, strays) != Place::Void
            })
        });
        counting.next().map(|(seq, _)| *seq)
    }

    /// What removes alone say of a place.
    fn cut_place(&self, header: &Header, id: &MessageId, acts: &Acts, strays: &Strays) -> Place {
        let at = (header.chain, header.seq, *id);
        let mut place = Place::Open;
        for removal in self.removals_of(&header.author) {
            match self.within(&removal.act, &header.author, at, acts, strays) {
                Some(true) => place = Place::Affirmed,
                None if removal.lifted => {}
                _ => return Place::Void,
            }
        }
        let end = self.ended.get(&header.author);
        let affirmed =
            end.is_some_and(|end| self.within(end, &header.author, at, acts, strays) == Some(true));
        if affirmed { Place::Affirmed } else { place }
    }

    /// Whether a place is at or before the cut that `act` makes of its chain; `None` where it lists
    /// none of that chain.
    pub fn within(
        &self,
        act: &MessageId,
        author: &AuthorId,
        at: (ChainId, Seq, MessageId),
        acts: &Acts,
        strays: &Strays,
    ) -> Option<bool> {
        let cuts = cuts_of(acts, act);
        let reached = reaches(cuts, at)?;
        let strayed = strays
            .get(&(*act, at.0))
            .is_some_and(|strays| strays.contains(&at.2));
        Some(reached && !(strayed && self.tells_branches(cuts, author, at.0, acts)))
    }

    /// Whether the messages that cuts name count themselves. If a lower cut of another remove voids
    /// one, not everybody has it, so it must not matter which branch it is on.
    fn tells_branches(&self, cuts: &[Cut], author: &AuthorId, chain: ChainId, acts: &Acts) -> bool {
        let mut named = cuts.iter().filter(|cut| cut.chain == chain);
        named.all(|cut| {
            self.removals_of(author).iter().all(|removal| {
                let at = (chain, cut.seq, cut.id);
                match reaches(cuts_of(acts, &removal.act), at) {
                    Some(reached) => reached,
                    None => removal.lifted,
                }
            })
        })
    }

    /// When somebody was first made an admin.
    pub fn ranked_since(&self, member: &AuthorId) -> Option<Timestamp> {
        self.ranks.get(member).map(|rank| rank.0)
    }

    pub fn removals(&self) -> &BTreeMap<AuthorId, Vec<Removal>> {
        &self.removals
    }

    pub fn removals_of(&self, member: &AuthorId) -> &[Removal] {
        self.removals.get(member).map_or(&[], Vec::as_slice)
    }

    /// Whether a removal stands in the way of belonging.
    pub fn is_barred(&self, member: &AuthorId) -> bool {
        self.removals_of(member)
            .iter()
            .any(|removal| !removal.lifted)
    }

    /// Everyone of whom some message may count though nobody lets them in now.
    pub fn affirmed_authors(&self) -> impl Iterator<Item = AuthorId> + '_ {
        self.removals.keys().chain(self.ended.keys()).copied()
    }

    /// Every act that may cut a chain of `author`: removes by those with the power, and ends of an
    /// admin's time.
    pub fn cutting_acts(&self, author: &AuthorId) -> Vec<MessageId> {
        let removals = self.removals_of(author).iter().map(|removal| removal.act);
        removals.chain(self.ended.get(author).copied()).collect()
    }

    pub fn is_ended(&self, author: &AuthorId) -> bool {
        self.ended.contains_key(author)
    }

    /// Who stays of those that came by an invite, where its maker voids it.
    pub fn keep_by_maker(
        &self,
        invite: &InviteKey,
        maker: &AuthorId,
    ) -> Option<&BTreeSet<AuthorId>> {
        self.voided_by.get(&(*invite, *maker))
    }

    /// Who stays of those that came by an invite, where the root or an admin voids it.
    pub fn keep(&self, invite: &InviteKey, act: &MessageId) -> Option<BTreeSet<AuthorId>> {
        let by_key = self.voided.get(invite);
        let by_maker = self.voided_made.get(act);
        if by_key.is_none() && by_maker.is_none() {
            return None;
        }
        let keep = by_key.into_iter().chain(by_maker).flatten();
        Some(keep.copied().collect())
    }
}

/// Adds to a set; gives whether anything in it is new.
fn extends(set: &mut BTreeSet<AuthorId>, more: &[AuthorId]) -> bool {
    let before = set.len();
    set.extend(more);
    set.len() > before
}

/// The cuts of a remove or a grant.
pub(super) fn cuts_of<'a>(acts: &'a Acts, act: &MessageId) -> &'a [Cut] {
    match acts.find(act).and_then(|act| act.body()) {
        Some(Body::Remove(remove)) => &remove.cuts,
        Some(Body::Grant(grant)) => &grant.cuts,
        _ => &[],
    }
}

fn remove_of(acts: &Acts, act: &MessageId) -> Option<Remove> {
    match acts.find(act)?.body() {
        Some(Body::Remove(remove)) => Some(remove.clone()),
        _ => None,
    }
}

/// Whether cuts reach a place, going by its number and not by the branch; `None` where they list no
/// place of the chain.
fn reaches(cuts: &[Cut], (chain, seq, id): (ChainId, Seq, MessageId)) -> Option<bool> {
    let mut listed = cuts.iter().filter(|cut| cut.chain == chain).peekable();
    listed.peek()?;
    Some(listed.any(|cut| seq < cut.seq || (seq == cut.seq && id == cut.id)))
}
