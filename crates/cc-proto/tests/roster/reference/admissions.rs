//! The second half of the rules: who was let in, and what it all comes to.

use std::collections::BTreeSet;

use cc_proto::body::{Body, Invite, InvitePolicy, Join};
use cc_proto::id::{AuthorId, InviteKey, MessageId};
use cc_proto::message::Message;

use super::{Outcome, Place, RefFormer, RefMember, Removal, Rules};

impl<'a> Rules<'a> {
    pub(super) fn settle_admissions(&mut self) {
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
            let by_another = act.header().author != admit.joiner;
            let fits =
                join.header().author == admit.joiner && body.invite == admit.invite && by_another;
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
                            && self.proven.contains(&join.id())
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

    pub(super) fn outcome(&self) -> Outcome {
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
