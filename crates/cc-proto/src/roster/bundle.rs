//! The acts that prove a membership to somebody who knows the room id alone.

use std::collections::BTreeSet;

use super::Roster;
use crate::body::Body;
use crate::id::{AuthorId, InviteKey, MessageId};
use crate::limits;
use crate::message::Message;

impl Roster {
    /// The acts that prove a membership, in an order in which each counts at once. Empty for a
    /// stranger, or where there would be more than [`limits::BUNDLE_MESSAGES_MAX`].
    pub fn bundle(&self, member: &AuthorId) -> Vec<Message> {
        if !self.contains(member) {
            return Vec::new();
        }
        let mut wanted = vec![*member];
        let mut seen = BTreeSet::new();
        let mut ids: Vec<MessageId> = Vec::new();
        while let Some(author) = wanted.pop() {
            if !seen.insert(author) {
                continue;
            }
            let rests_on = self.rests_on(&author);
            let acts = rests_on.iter().filter_map(|id| self.acts.find(id));
            wanted.extend(
                acts.map(|act| act.header().author)
                    .filter(|by| *by != author),
            );
            ids.extend(rests_on);
        }
        ids.extend(self.acts.genesis.as_ref().map(|genesis| genesis.id()));
        ids.reverse();
        let mut once = BTreeSet::new();
        ids.retain(|id| once.insert(*id) && self.acts.find(id).is_some_and(|act| self.counts(act)));
        if ids.len() > limits::BUNDLE_MESSAGES_MAX {
            return Vec::new();
        }
        let acts = ids.iter().filter_map(|id| self.acts.find(id));
        acts.map(|act| Message::clone(act)).collect()
    }

    /// Whether `acts`, with those known already, make `author` a member. Changes nothing.
    pub fn would_contain(&self, author: &AuthorId, acts: &[Message]) -> bool {
        if self.contains(author) {
            return true;
        }
        if acts.is_empty() || self.powers.is_barred(author) && !acts.iter().any(lifts_anything) {
            return false;
        }
        // All at once: the roster is worked out anew a single time, whatever the acts are.
        let mut with = self.clone();
        for act in acts {
            with.file(act);
        }
        with.settle();
        with.contains(author)
    }

    /// The acts by which an author's words count, those of the author last.
    fn rests_on(&self, author: &AuthorId) -> Vec<MessageId> {
        let mut ids = Vec::new();
        if let Some(admission) = self.standing.admitted.get(author) {
            let evidence = admission.evidence;
            ids.extend(self.kept_by(author, &evidence.invite));
            ids.extend([evidence.admit, evidence.join, evidence.invite]);
        }
        for removal in self.powers.removals_of(author) {
            let lifts = self.acts.lifts.get(&removal.act).into_iter().flatten();
            let lift = lifts.filter_map(|id| self.acts.find(id)).find(|invite| {
                self.powers.outranks(&invite.header().author, author)
                    && self
                        .powers
                        .counts_as_admins(invite, &self.acts, &self.strays)
            });
            ids.extend(lift.map(|invite| invite.id()));
            ids.push(removal.act);
        }
        let grants = self.acts.grants.get(author).into_iter().flatten();
        if self.powers.admins.contains(author) || self.powers.is_ended(author) {
            ids.extend(grants.map(|(_, id)| *id));
        }
        ids
    }

    /// Where an invite is void: an act of each class that voids it, by which `who` stays nevertheless.
    fn kept_by(&self, who: &AuthorId, invite: &MessageId) -> Vec<MessageId> {
        let (Some(made), Some(body)) = (self.acts.find(invite), self.acts.invite(invite)) else {
            return Vec::new();
        };
        let (maker, key) = (made.header().author, body.key);
        let keeps = |act: &Message| match act.body() {
            Some(Body::InviteRevoke(body)) => body.keep.contains(who),
            Some(Body::Remove(body)) => body.keep.contains(who),
            _ => false,
        };
        let of_key = (key, AuthorId::from_bytes([0; 32]))..=(key, AuthorId::from_bytes([255; 32]));
        let revokes = self.acts.revokes.range(of_key).flat_map(|(_, ids)| ids);
        let revokes: Vec<&Message> = revokes
            .filter_map(|id| self.acts.find(id))
            .map(AsRef::as_ref)
            .filter(|act| keeps(act))
            .collect();
        let by_power =
            |act: &&&Message| self.powers.counts_as_admins(act, &self.acts, &self.strays);
        let own = |act: &&&Message| act.header().author == maker && self.counts(act);
        let mut ids = Vec::new();
        ids.extend(revokes.iter().find(own).map(|act| act.id()));
        let by_power = revokes.iter().find(by_power).map(|act| act.id());
        ids.extend(by_power);
        if by_power.is_none() && self.powers.keep(&key, invite).is_some() {
            ids.extend(self.kept_by_a_remove(&key, invite, keeps));
        }
        ids
    }

    /// A remove that keeps, and what of its member speaks of the invite: that it was made, or named.
    fn kept_by_a_remove(
        &self,
        key: &InviteKey,
        invite: &MessageId,
        keeps: impl Fn(&Message) -> bool,
    ) -> Vec<MessageId> {
        for (member, removals) in self.powers.removals() {
            for remove in removals.iter().filter_map(|it| self.acts.find(&it.act)) {
                let Some(Body::Remove(body)) = remove.body().filter(|_| keeps(remove)) else {
                    continue;
                };
                let mut spoken_of = self.acts.of(member).filter(|act| match act.body() {
                    Some(Body::Join(join)) => {
                        let proven = self.acts.proven_joins.contains(&act.id());
                        proven && !body.keep_invite && join.invite == *key
                    }
                    _ => act.id() == *invite,
                });
                let concerned = spoken_of.find(|act| {
                    let at = (act.header().chain, act.header().seq, act.id());
                    let within =
                        self.powers
                            .within(&remove.id(), member, at, &self.acts, &self.strays);
                    within == Some(true) && self.counts(act)
                });
                if let Some(concerned) = concerned {
                    return vec![concerned.id(), remove.id()];
                }
            }
        }
        Vec::new()
    }
}

fn lifts_anything(act: &Message) -> bool {
    matches!(act.body(), Some(Body::Invite(invite)) if !invite.lifts.is_empty())
}
