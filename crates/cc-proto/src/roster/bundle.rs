//! The acts that prove a membership to somebody who knows the room id alone.

use std::collections::BTreeSet;

use super::Roster;
use crate::body::Body;
use crate::id::{AuthorId, MessageId};
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
        let mut with = self.clone();
        for act in acts {
            with.insert(act);
        }
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
}

impl Roster {
    /// Where an invite is void: acts that let `who`, who came by it, stay nevertheless.
    fn kept_by(&self, who: &AuthorId, invite: &MessageId) -> Vec<MessageId> {
        let (Some(made), Some(body)) = (self.acts.find(invite), self.acts.invite(invite)) else {
            return Vec::new();
        };
        let (maker, key) = (made.header().author, body.key);
        let revokes = self.acts.revokes.get(&key).into_iter().flatten();
        let revokes = revokes.filter_map(|id| self.acts.find(id)).filter(|act| {
            let keeps =
                matches!(act.body(), Some(Body::InviteRevoke(body)) if body.keep.contains(who));
            let own = act.header().author == maker && self.counts(act);
            let by_power = || self.powers.counts_as_admins(act, &self.acts, &self.strays);
            keeps && (own || by_power())
        });
        let mut ids: Vec<MessageId> = revokes.map(|act| act.id()).collect();
        if self.powers.keep(&key, invite).is_none() {
            return ids;
        }
        for (member, removals) in self.powers.removals() {
            let keeping = removals.iter().map(|removal| removal.act).filter(|id| {
                matches!(self.acts.find(id).map(|act| act.body()), Some(Some(Body::Remove(body)))
                    if body.keep.contains(who))
            });
            let keeping: Vec<MessageId> = keeping.collect();
            // A remove speaks of the invites that its member made, and of those it came by.
            let concerned = self.acts.of(member).filter(|act| match act.body() {
                Some(Body::Join(join)) => join.invite == key,
                _ => act.id() == *invite,
            });
            let concerned: Vec<MessageId> = concerned.map(|act| act.id()).collect();
            if !concerned.is_empty() && !keeping.is_empty() {
                ids.extend(concerned);
                ids.extend(keeping);
            }
        }
        ids
    }
}

fn lifts_anything(act: &Message) -> bool {
    matches!(act.body(), Some(Body::Invite(invite)) if !invite.lifts.is_empty())
}
