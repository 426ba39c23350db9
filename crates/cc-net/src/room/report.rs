//! What a room's thread tells those who ask: status, people, tickets and addresses.

use std::collections::BTreeSet;

use cc_proto::id::{AuthorId, InviteKey};
use cc_proto::limits::TICKET_ADDRESSES_MAX;
use cc_proto::ticket::{PeerAddress, Ticket};

use super::events::RoomEvent;
use super::people::{FormerStatus, NoteChange, People, PersonStatus};
use super::request::{MemberStatus, Place, RoomState, RoomStatus};
use super::thread::RoomThread;
use crate::engine::LocalError;
use crate::gossip::{GossipHandle, GossipStatus};
use crate::tuning::TICKET_OTHERS_DIRECT_MAX;

impl RoomThread {
    /// How the room is.
    pub fn status(&self) -> RoomStatus {
        let (core, log) = (self.engine.core(), self.engine.log());
        let online = self.online();
        let members = core
            .roster()
            .members()
            .iter()
            .map(|(author, member)| MemberStatus {
                author: *author,
                nick: member.nick.clone(),
                online: online.contains(author),
            });
        let members: Vec<MemberStatus> = members.collect();
        RoomStatus {
            state: if core.is_joining() {
                RoomState::Joining
            } else {
                RoomState::Open
            },
            online: members.iter().filter(|member| member.online).count(),
            members,
            messages: log.chat_count(),
            lines: log.len().0,
            sessions: self.sessions.len(),
            gossip: self
                .gossip
                .as_ref()
                .map_or_else(GossipStatus::default, GossipHandle::status),
            forked: core.forkers(),
            removed: core.is_removed(),
        }
    }

    /// Who belongs, who belonged, and by which invites others may come.
    pub fn people(&self) -> People {
        let (core, online) = (self.engine.core(), self.online());
        let roster = core.roster();
        let forked: BTreeSet<AuthorId> = core.forkers().into_iter().collect();
        let members = roster.members().iter().map(|(author, member)| {
            let note = self.engine.note(author);
            PersonStatus {
                author: *author,
                nick: member.nick.clone(),
                petname: note.petname,
                trust: note.trust,
                root: member.root,
                admin: member.admin,
                me: *author == self.net.me,
                online: online.contains(author),
                over: member.over,
                forked: forked.contains(author),
                doors: member.doors.iter().copied().collect(),
                invites: member.invites.iter().copied().collect(),
                since: member.since,
            }
        });
        let former = roster.former().into_iter().map(|(author, former)| {
            let note = self.engine.note(&author);
            FormerStatus {
                author,
                nick: former.nick,
                petname: note.petname,
                trust: note.trust,
                removed: former.removed,
                left: former.left,
                removes: former.removes,
                by: former.by.into_iter().collect(),
            }
        });
        People {
            members: members.collect(),
            former: former.collect(),
            invites: roster.invites(),
            forked: forked.into_iter().collect(),
        }
    }

    /// Notes something down about somebody.
    pub fn note(&mut self, who: AuthorId, change: NoteChange) -> Result<(), LocalError> {
        let mut note = self.engine.note(&who);
        match change {
            NoteChange::Petname(petname) => note.petname = petname,
            NoteChange::Trust(trust) => note.trust = trust,
        }
        self.engine.set_note(who, note)?;
        self.tell(RoomEvent::RosterChanged);
        Ok(())
    }

    /// Those heard from within the last minute, oneself always.
    fn online(&self) -> BTreeSet<AuthorId> {
        let online = self.engine.core().online(self.now()).into_iter();
        online.chain([self.net.me]).collect()
    }

    /// Everyone else who belongs; while joining those named by the ticket.
    pub fn peers(&self) -> Vec<AuthorId> {
        let core = self.engine.core();
        let mut peers: BTreeSet<AuthorId> = core.roster().members().keys().copied().collect();
        if core.is_joining() {
            let ticket = self.engine.ticket();
            peers.extend(
                ticket
                    .iter()
                    .flat_map(|ticket| &ticket.addresses)
                    .map(|peer| peer.id),
            );
        }
        peers.remove(&self.net.me);
        peers.into_iter().collect()
    }

    /// The room's name; while joining the ticket's hint.
    pub fn name(&self) -> String {
        let roster = self.engine.core().roster();
        match (roster.is_founded(), self.engine.ticket()) {
            (false, Some(ticket)) => ticket.name.clone(),
            _ => roster.name().to_owned(),
        }
    }

    /// The ticket of the invite that we made or came by, with the addresses of today; none where that
    /// invite was revoked.
    pub fn ticket(&self) -> Option<Ticket> {
        let mut ticket = self.engine.ticket()?.clone();
        let key = InviteKey::from_bytes(*ticket.invite().author().as_bytes());
        let invites = self.engine.core().roster().invites();
        let mut of_key = invites.iter().filter(|invite| invite.key == key).peekable();
        if of_key.peek().is_some() && of_key.all(|invite| invite.revoked) {
            return None;
        }
        ticket.addresses = self.place().addresses;
        Some(ticket)
    }

    /// What a ticket says beside its secret.
    pub fn place(&self) -> Place {
        let mut addresses = self.member_addresses(TICKET_ADDRESSES_MAX);
        for address in addresses.iter_mut().skip(1) {
            address.direct.truncate(TICKET_OTHERS_DIRECT_MAX);
        }
        Place {
            name: self.name(),
            addresses,
        }
    }

    /// Ourselves and the members seen last, where their addresses are known.
    pub fn member_addresses(&self, count_max: usize) -> Vec<PeerAddress> {
        let mut peers = self.peers();
        peers.sort_by_cached_key(|peer| std::cmp::Reverse(self.net.book.last_seen(peer)));
        let others = peers.iter().filter_map(|peer| self.net.book.address(peer));
        std::iter::once(self.net.own_address())
            .chain(others)
            .take(count_max)
            .collect()
    }
}
