//! What people do about who belongs, as a seed has it.

use cc_proto::body::Body;
use cc_proto::id::{AuthorId, InviteKey, Timestamp};
use cc_proto::identity::Identity;
use cc_proto::room::{Act, Input};
use cc_proto::ticket::Ticket;

use super::{WALL, World};

/// What is done; to whom is drawn when it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    Invite,
    Revoke,
    Remove,
    GrantOn,
    GrantOff,
    /// An invite that lifts a removal, and the one let back takes it.
    Back,
    Leave,
    /// Who left or was removed asks again, by any ticket that there is.
    Return,
    Retract,
}

impl World {
    pub(super) fn deed(&mut self, machine: usize, deed: Deed) -> Result<(), String> {
        if deed == Deed::Return {
            let ticket = self.any_ticket();
            return ticket.map_or(Ok(()), |ticket| self.ask_again(machine, &ticket));
        }
        if !self.machines[machine].is_member() {
            return Ok(());
        }
        match deed {
            Deed::Invite => {
                self.invite(machine, None);
            }
            Deed::Back => {
                let former = self.former(machine);
                if let Some(who) = self.random.choose(&former, 1).first().copied()
                    && let Some(ticket) = self.invite(machine, Some(who))
                {
                    for back in 0..self.machines.len() {
                        if self.machines[back].me() == who {
                            self.ask_again(back, &ticket)?;
                        }
                    }
                }
            }
            deed => {
                if let Some(act) = self.act_of(machine, deed) {
                    self.do_act(machine, act);
                }
            }
        }
        Ok(())
    }

    fn do_act(&mut self, machine: usize, act: Act) -> bool {
        let life = self.machines[machine].life;
        let Some(token) = self.machines[machine].next_token() else {
            return false;
        };
        let before = self.machines[machine].acknowledged.len();
        self.input(machine, life, Input::Act { token, act });
        self.machines[machine].acknowledged.len() > before
    }

    fn act_of(&mut self, machine: usize, deed: Deed) -> Option<Act> {
        let me = self.machines[machine].me();
        let roster = self.machines[machine].engine.as_ref()?.core().roster();
        let others: Vec<AuthorId> = roster
            .members()
            .keys()
            .copied()
            .filter(|who| *who != me)
            .collect();
        let invites: Vec<InviteKey> = roster.invites().iter().map(|invite| invite.key).collect();
        let other = self.random.choose(&others, 1).first().copied();
        match deed {
            Deed::Revoke => {
                let invite = self.random.choose(&invites, 1).first().copied()?;
                Some(Act::Revoke { invite })
            }
            Deed::Remove => Some(Act::Remove {
                member: other?,
                keep_invite: self.chance(50),
            }),
            Deed::GrantOn | Deed::GrantOff => Some(Act::Grant {
                member: other?,
                admin: deed == Deed::GrantOn,
            }),
            Deed::Leave => Some(Act::Leave),
            Deed::Retract => {
                let chats = self.machines[machine].held.values();
                let chats: Vec<Act> = chats
                    .filter(|message| matches!(message.body(), Some(Body::Chat(_))))
                    .map(|message| Act::Retract {
                        author: message.header().author,
                        chain: message.header().chain,
                        seq: message.header().seq,
                        message: message.id(),
                    })
                    .collect();
                let at = self.below(chats.len() as u64) as usize;
                chats.into_iter().nth(at)
            }
            Deed::Invite | Deed::Back | Deed::Return => None,
        }
    }

    /// Makes an invite, and keeps its ticket for whoever joins.
    fn invite(&mut self, machine: usize, back: Option<AuthorId>) -> Option<Ticket> {
        let mut secret = [0; 32];
        secret[..16].copy_from_slice(&self.random.bytes());
        let key = InviteKey::from_bytes(*Identity::from_seed(secret).author().as_bytes());
        let uses_max = self.chance(40).then(|| 1 + self.below(2) as u32);
        let now = WALL + self.now_ms;
        let expires = self.chance(10).then(|| Timestamp(now + self.below(30_000)));
        let made = self.do_act(
            machine,
            Act::Invite {
                key,
                expires,
                uses_max,
                note: String::new(),
                back,
            },
        );
        let room = self.tickets.first()?.room;
        let ticket = Ticket {
            room,
            invite_secret: secret,
            expires,
            name: String::new(),
            addresses: Vec::new(),
        };
        if !made {
            return None;
        }
        self.tickets.push(ticket.clone());
        Some(ticket)
    }

    fn any_ticket(&mut self) -> Option<Ticket> {
        let at = self.below(self.tickets.len() as u64) as usize;
        self.tickets.get(at).cloned()
    }

    fn former(&self, machine: usize) -> Vec<AuthorId> {
        let engine = self.machines[machine].engine.as_ref();
        engine.map_or_else(Vec::new, |engine| {
            let former = engine.core().roster().former().into_iter();
            former
                .filter(|(_, former)| former.removed)
                .map(|(who, _)| who)
                .collect()
        })
    }
}
