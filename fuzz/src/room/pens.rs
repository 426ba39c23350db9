//! What members write, good or not, always signed.

use std::sync::OnceLock;

use arbitrary::Unstructured;
use cc_proto::body::{
    Admit, Body, Chat, Cut, File, Genesis, Grant, Invite, InvitePolicy, InviteRevoke, Profile,
    Remove, Retract, Summary,
};
use cc_proto::id::{AuthorId, ChainId, Hash, InviteKey, MessageId, RoomId, Seq, Timestamp};
use cc_proto::message::{Header, Message, NewMessage, SignedMessage};
use cc_proto::roster::join_body;

use super::{byte, bytes};
use crate::world::{identity, signed};

/// 2026-11-22T14:02:00Z
pub const WALL: u64 = 1_795_356_120_000;
/// Who takes part: Alice the root, Bob and Carol who were let in, Mallory who was not.
const PEOPLE: [u8; 4] = [1, 2, 3, 5];
const INVITES: [u8; 3] = [9, 10, 11];

pub fn author(choice: u8) -> AuthorId {
    identity(seed(choice)).author()
}

fn seed(choice: u8) -> u8 {
    PEOPLE[usize::from(choice) % PEOPLE.len()]
}

pub fn invite_key(choice: u8) -> InviteKey {
    let seed = INVITES[usize::from(choice) % INVITES.len()];
    InviteKey::from_bytes(*identity(seed).author().as_bytes())
}

/// Everything that was written, in order of writing.
#[derive(Debug, Clone)]
pub struct Pens {
    pub room: RoomId,
    pub pool: Vec<SignedMessage>,
}

impl Pens {
    /// A room of Alice's with an invite, and Bob and Carol let in by it; the same for every script.
    pub fn prelude() -> &'static (Self, Vec<Message>) {
        static PRELUDE: OnceLock<(Pens, Vec<Message>)> = OnceLock::new();
        PRELUDE.get_or_init(|| {
            let mut pens = Self {
                room: RoomId::from_bytes([0; 32]),
                pool: Vec::new(),
            };
            let mut messages = Vec::new();
            let genesis = pens.next(
                0,
                Body::Genesis(Genesis {
                    name: "db".into(),
                    nick: "alice".into(),
                    invite_policy: InvitePolicy::Members,
                    nonce: [7; 16],
                }),
            );
            pens.room = genesis.room();
            messages.push(genesis);
            messages.push(pens.next(0, Body::Invite(invite(0))));
            for who in [1, 2] {
                let body = join_body(
                    &identity(INVITES[0]),
                    &pens.room,
                    &author(who),
                    format!("nick {who}"),
                );
                let join = pens.next(who, Body::Join(body));
                let admit = Body::Admit(Admit {
                    joiner: author(who),
                    invite: invite_key(0),
                    join: join.id(),
                });
                messages.push(join);
                messages.push(pens.next(0, admit));
            }
            (pens, messages)
        })
    }

    fn next(&mut self, who: u8, body: Body) -> Message {
        let new = self.place(who, 0, 0, body);
        let message = Message::write(&identity(seed(who)), new).expect("a good message");
        self.pool.push(message.wire().clone());
        message
    }

    /// The place `back` steps below the newest message of a chain; the first one of an unused chain.
    fn place(&self, who: u8, chain: u8, back: u8, body: Body) -> NewMessage {
        let (author, chain) = (author(who), ChainId(u32::from(chain % 3) + 1));
        let of_chain = self.pool.iter().rev().map(|message| &message.header);
        let before = of_chain
            .filter(|header| (header.author, header.chain) == (author, chain))
            .nth(usize::from(back));
        NewMessage {
            room: self.room,
            chain,
            seq: before.map_or(Seq::FIRST, |header| Seq(header.seq.0.saturating_add(1))),
            prev: before.map(Header::id),
            ts: Timestamp(WALL + self.pool.len() as u64),
            via: String::new(),
            re: None,
            body,
        }
    }

    /// One of what was written.
    pub fn any(&self, choice: u8) -> &SignedMessage {
        let from_newest = usize::from(choice) % self.pool.len();
        &self.pool[self.pool.len() - 1 - from_newest]
    }

    /// A few of what was written, in order of writing.
    pub fn some(&self, script: &mut Unstructured<'_>) -> Vec<SignedMessage> {
        let (from, count) = (usize::from(byte(script)), usize::from(byte(script)) % 24);
        let from = from % self.pool.len();
        self.pool.iter().skip(from).take(count).cloned().collect()
    }

    /// Writes something that keeps all rules of form, whether or not its author may.
    pub fn write(&mut self, script: &mut Unstructured<'_>) {
        let (who, chain, back) = (byte(script), byte(script), byte(script) % 8);
        let body = self.body(who, script);
        let new = self.place(who, chain, back, body);
        if let Ok(message) = Message::write(&identity(seed(who)), new) {
            self.pool.push(message.wire().clone());
        }
    }

    /// Alters a field of what was written and signs it again: whatever was checked by the signature alone is not now.
    pub fn alter(&mut self, script: &mut Unstructured<'_>) {
        let message = self.any(byte(script)).clone();
        let (mut header, mut body) = (message.header, message.body);
        let who = (0..4)
            .find(|who| author(*who) == header.author)
            .unwrap_or(3);
        let value = u64::from(byte(script));
        match byte(script) % 12 {
            0 => header.seq = Seq(value),
            1 => header.seq = Seq(u64::MAX - value),
            2 => header.prev = Some(self.any(value as u8).header.id()),
            3 => header.prev = None,
            4 => header.ts = Timestamp(u64::MAX - value),
            5 => header.ts = Timestamp(value),
            6 => header.chain = ChainId(value as u32),
            7 => header.kind = value as u16,
            8 => header.v = value as u16,
            9 => header.via = "x".repeat(value as usize),
            10 => body = None,
            _ => {
                let bytes = bytes(script).to_vec();
                (header.body_hash, header.body_len) = (Hash::of(&bytes), bytes.len() as u32);
                body = Some(bytes);
            }
        }
        self.pool.push(signed(&identity(seed(who)), header, body));
    }

    /// What somebody says or does.
    pub fn body(&self, who: u8, script: &mut Unstructured<'_>) -> Body {
        let (kind, choice) = (byte(script) % 12, byte(script));
        let chosen = self.any(choice).header.clone();
        let (member, key) = (author(choice), invite_key(choice));
        match kind {
            0 => Body::Invite(Invite {
                uses_max: (choice & 8 > 0).then_some(1),
                lifts: if choice & 16 > 0 {
                    vec![self.any(choice >> 2).header.id()]
                } else {
                    Vec::new()
                },
                ..invite(choice)
            }),
            1 => Body::InviteRevoke(InviteRevoke {
                invite: key,
                keep: keep(choice),
            }),
            2 => Body::Join(join_body(
                &identity(INVITES[usize::from(choice) % INVITES.len()]),
                &self.room,
                &author(who),
                "again".into(),
            )),
            3 => {
                let invite = match cc_proto::body::Body::decode(
                    cc_proto::body::Kind::Join,
                    1,
                    self.any(choice).body.as_deref().unwrap_or_default(),
                ) {
                    Ok(Some(Body::Join(join))) => join.invite,
                    _ => key,
                };
                Body::Admit(Admit {
                    joiner: chosen.author,
                    invite,
                    join: chosen.id(),
                })
            }
            4 => Body::Remove(Remove {
                member,
                cuts: self.cuts(script),
                keep_invite: choice & 4 > 0,
                keep: keep(choice >> 3),
            }),
            5 => Body::Grant(Grant {
                member,
                admin: choice & 4 == 0,
                cuts: self.cuts(script),
            }),
            6 => Body::Profile(Profile {
                nick: String::from_utf8_lossy(bytes(script)).into_owned(),
            }),
            7 => Body::File(File {
                name: "f".into(),
                size: 1,
                hash: Hash::of(&[choice]),
                media_type: String::new(),
            }),
            8 => Body::Retract(Retract {
                author: chosen.author,
                chain: chosen.chain,
                seq: chosen.seq,
                message: chosen.id(),
            }),
            9 => Body::Summary(Summary {
                text: "so far".into(),
                through: chosen.id(),
            }),
            10 => Body::Leave,
            _ => Body::Chat(Chat {
                text: format!("hello {choice}"),
            }),
        }
    }

    fn cuts(&self, script: &mut Unstructured<'_>) -> Vec<Cut> {
        (0..byte(script) % 3)
            .map(|_| {
                let header = &self.any(byte(script)).header;
                Cut {
                    chain: header.chain,
                    seq: header.seq,
                    id: header.id(),
                }
            })
            .collect()
    }

    pub fn id(&self, choice: u8) -> MessageId {
        self.any(choice).header.id()
    }
}

fn keep(choice: u8) -> Vec<AuthorId> {
    (0..4)
        .filter(|who| choice & (1 << who) > 0)
        .map(author)
        .collect()
}

fn invite(choice: u8) -> Invite {
    Invite {
        key: invite_key(choice),
        expires: None,
        uses_max: None,
        note: String::new(),
        lifts: Vec::new(),
    }
}
