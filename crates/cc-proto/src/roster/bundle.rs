//! The acts that prove a membership to somebody who knows the room id alone.

use std::collections::BTreeSet;

use super::Roster;
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
        ids.retain(|id| once.insert(*id));
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

fn lifts_anything(act: &Message) -> bool {
    matches!(act.body(), Some(crate::body::Body::Invite(invite)) if !invite.lifts.is_empty())
}
