//! The acts held, by what they speak of. Nothing here decides whether one counts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::door::proves;
use crate::body::{Body, Invite};
use crate::id::{AuthorId, ChainId, InviteKey, MessageId, RoomId, Seq, Timestamp};
use crate::message::Message;

/// Orders claims of one author: by the author's own clock, and then by id.
pub(super) type When = (Timestamp, MessageId);

/// The acts, each once, and where to find them.
#[derive(Debug, Clone, Default)]
pub(super) struct Acts {
    all: BTreeMap<MessageId, Arc<Message>>,
    by_author: BTreeMap<AuthorId, Vec<MessageId>>,
    pub genesis: Option<Arc<Message>>,
    pub invites: BTreeMap<InviteKey, BTreeSet<MessageId>>,
    pub admits_by_invite: BTreeMap<InviteKey, BTreeSet<MessageId>>,
    pub admits_by_join: BTreeMap<MessageId, BTreeSet<MessageId>>,
    /// The joins that prove the invite they name.
    pub proven_joins: BTreeSet<MessageId>,
    pub grants: BTreeMap<AuthorId, BTreeSet<When>>,
    pub removes: BTreeMap<AuthorId, BTreeSet<MessageId>>,
    /// By invite and author: what others write of somebody's invite costs nobody a look.
    pub revokes: BTreeMap<(InviteKey, AuthorId), BTreeSet<MessageId>>,
    /// By the remove, the invites that name it.
    pub lifts: BTreeMap<MessageId, BTreeSet<MessageId>>,
    /// The leaves of each chain, by place.
    pub leaves_at: BTreeMap<(AuthorId, ChainId), BTreeSet<(Seq, MessageId)>>,
    pub leaves: BTreeMap<AuthorId, BTreeSet<When>>,
    pub claims: BTreeMap<AuthorId, BTreeSet<When>>,
    /// By the message taken back.
    pub retracts: BTreeMap<MessageId, BTreeSet<MessageId>>,
}

impl Acts {
    pub fn find(&self, id: &MessageId) -> Option<&Arc<Message>> {
        self.all.get(id)
    }

    pub fn of(&self, author: &AuthorId) -> impl Iterator<Item = &Arc<Message>> {
        let ids = self.by_author.get(author).into_iter().flatten();
        ids.filter_map(|id| self.all.get(id))
    }

    pub fn authors(&self) -> impl Iterator<Item = &AuthorId> {
        self.by_author.keys()
    }

    pub fn count_of(&self, author: &AuthorId) -> usize {
        self.by_author.get(author).map_or(0, Vec::len)
    }

    pub fn invite(&self, id: &MessageId) -> Option<&Invite> {
        match self.find(id)?.body() {
            Some(Body::Invite(invite)) => Some(invite),
            _ => None,
        }
    }

    /// Takes in an act of this room; gives it back where it is new.
    pub fn insert(&mut self, act: &Message, room: &RoomId) -> Option<Arc<Message>> {
        if self.all.contains_key(&act.id()) {
            return None;
        }
        let kept = Arc::new(act.clone());
        self.file(&kept, room);
        let author = act.header().author;
        self.by_author.entry(author).or_default().push(act.id());
        self.all.insert(act.id(), kept.clone());
        Some(kept)
    }

    fn file(&mut self, act: &Arc<Message>, room: &RoomId) {
        let (id, header) = (act.id(), act.header());
        let (author, when) = (header.author, (header.ts, id));
        match act.body() {
            Some(Body::Genesis(_)) if id.as_bytes() == room.as_bytes() => {
                self.genesis = Some(act.clone());
                self.claims.entry(author).or_default().insert(when);
            }
            Some(Body::Invite(invite)) => {
                self.invites.entry(invite.key).or_default().insert(id);
                for remove in &invite.lifts {
                    self.lifts.entry(*remove).or_default().insert(id);
                }
            }
            Some(Body::InviteRevoke(revoke)) => {
                let of_invite = self.revokes.entry((revoke.invite, author));
                of_invite.or_default().insert(id);
            }
            Some(Body::Admit(admit)) => {
                let by_invite = self.admits_by_invite.entry(admit.invite).or_default();
                by_invite.insert(id);
                self.admits_by_join
                    .entry(admit.join)
                    .or_default()
                    .insert(id);
            }
            Some(Body::Join(join)) => {
                self.claims.entry(author).or_default().insert(when);
                if proves(room, &author, join) {
                    self.proven_joins.insert(id);
                }
            }
            Some(Body::Remove(remove)) => {
                self.removes.entry(remove.member).or_default().insert(id);
            }
            Some(Body::Grant(grant)) => {
                self.grants.entry(grant.member).or_default().insert(when);
            }
            Some(Body::Profile(_)) => {
                self.claims.entry(author).or_default().insert(when);
            }
            Some(Body::Retract(retract)) => {
                self.retracts.entry(retract.message).or_default().insert(id);
            }
            Some(Body::Leave) => {
                let of_chain = self.leaves_at.entry((author, header.chain)).or_default();
                of_chain.insert((header.seq, id));
                self.leaves.entry(author).or_default().insert(when);
            }
            _ => {}
        }
    }
}
