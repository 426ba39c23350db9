//! Keys under which anybody can sign, wherever a key enters: nothing is ever taken as theirs.

use cc_proto::body::{Admit, Body, Chat, Genesis, Grant, Invite, InvitePolicy, Join};
use cc_proto::clock::Now;
use cc_proto::codec;
use cc_proto::id::{AuthorId, ChainId, Hash, InviteKey, MessageId, RoomId, Seq, Timestamp};
use cc_proto::identity::{Identity, MESSAGE_DOMAIN, Signature, is_sound_key, verify};
use cc_proto::message::{Header, Message, MessageError, NewMessage, SignedMessage};
use cc_proto::proof::{Proof, Run};
use cc_proto::roster::{DoorError, Roster, proves};
use cc_proto::segment::verify_segment;
use cc_proto::ticket::Ticket;

/// R = r B and S = r: under a key that is the neutral point, lax programs take it for any text.
const FORGED: Signature = {
    let mut bytes = [0; 64];
    let r = [
        0xef, 0x4f, 0x62, 0xf8, 0x47, 0x97, 0x33, 0xad, 0x87, 0x9c, 0xfa, 0xce, 0xd3, 0xc8, 0x9a,
        0x9c, 0x39, 0xdd, 0x4f, 0xc7, 0x95, 0xef, 0x2e, 0xfa, 0x1c, 0x3e, 0xaf, 0xe4, 0xd7, 0x29,
        0xa0, 0x81,
    ];
    let mut at = 0;
    while at < 32 {
        bytes[at] = r[at];
        at += 1;
    }
    (bytes[32], bytes[33]) = (0x39, 0x30);
    Signature(bytes)
};

/// The neutral point, written in each way.
fn neutral() -> [[u8; 32]; 3] {
    let key = |low: u8, rest: u8, high: u8| {
        let mut key = [rest; 32];
        (key[0], key[31]) = (low, high);
        key
    };
    [key(1, 0, 0), key(1, 0, 0x80), key(0xee, 0xff, 0x7f)]
}

struct Room {
    room: RoomId,
    alice: Identity,
    last: Message,
    roster: Roster,
}

impl Room {
    fn new() -> Self {
        let alice = Identity::from_seed([1; 32]);
        let body = Body::Genesis(Genesis {
            name: "db".into(),
            nick: "alice".into(),
            invite_policy: InvitePolicy::Members,
            nonce: [0; 16],
        });
        let genesis = write(&alice, RoomId::from_bytes([0; 32]), None, body);
        let mut roster = Roster::new(genesis.room());
        roster.insert(&genesis);
        Self {
            room: genesis.room(),
            alice,
            last: genesis,
            roster,
        }
    }

    fn act(&mut self, body: Body) -> Message {
        let message = write(&self.alice, self.room, Some(&self.last), body);
        self.roster.insert(&message);
        self.last = message.clone();
        message
    }
}

fn write(author: &Identity, room: RoomId, before: Option<&Message>, body: Body) -> Message {
    let new = NewMessage {
        room,
        chain: ChainId(1),
        seq: before.map_or(Seq::FIRST, |before| before.header().seq.next()),
        prev: before.map(Message::id),
        ts: Timestamp(1),
        via: String::new(),
        re: None,
        body,
    };
    Message::write(author, new).unwrap()
}

/// A message in the name of a key, with the signature that fits it.
fn forged(key: [u8; 32], room: RoomId, body: &Body) -> SignedMessage {
    let bytes = body.encode();
    let header = Header {
        room,
        author: AuthorId::from_bytes(key),
        chain: ChainId(1),
        seq: Seq::FIRST,
        prev: None,
        ts: Timestamp(1),
        via: String::new(),
        re: None,
        kind: body.kind().number(),
        v: 1,
        body_hash: Hash::of(&bytes),
        body_len: bytes.len() as u32,
    };
    SignedMessage {
        header,
        signature: Some(FORGED),
        body: Some(bytes),
    }
}

#[test]
fn no_message_is_theirs() {
    let room = Room::new().room;
    let body = Body::Chat(Chat {
        text: "hello".into(),
    });
    for key in neutral() {
        let message = forged(key, room, &body);
        assert!(!is_sound_key(&key));
        assert!(!verify(
            &key,
            MESSAGE_DOMAIN,
            &codec::encode(&message.header),
            &FORGED
        ));
        assert_eq!(
            message.clone().verify(&room),
            Err(MessageError::BadSignature)
        );
        assert!(verify_segment(&room, vec![message.clone()]).is_err());
        let run = || Run {
            headers: vec![message.header.clone()],
            signature: FORGED,
            body: None,
        };
        let (left, mut right) = (run(), run());
        right.headers[0].ts.0 += 1;
        let proof = Proof::Fork { left, right };
        assert_eq!(
            proof.check(),
            Err(MessageError::BadSignature.into()),
            "anybody can make them fork"
        );
    }
}

#[test]
fn an_invite_of_theirs_lets_nobody_in() {
    for key in neutral() {
        let mut room = Room::new();
        let invite = InviteKey::from_bytes(key);
        room.act(Body::Invite(Invite {
            key: invite,
            expires: None,
            uses_max: None,
            note: String::new(),
            lifts: Vec::new(),
        }));
        let bob = Identity::from_seed([2; 32]);
        let body = Join {
            invite,
            proof: FORGED,
            nick: "bob".into(),
        };
        assert!(!proves(&room.room, &bob.author(), &body));
        let judged = room.roster.judge(&bob.author(), &body, Now::default());
        assert_eq!(judged, Err(DoorError::UnknownInvite));
        let join = write(&bob, room.room, None, Body::Join(body));
        assert!(!room.roster.admits_message(&join));
        room.roster.insert(&join);
        room.act(Body::Admit(Admit {
            joiner: bob.author(),
            invite,
            join: join.id(),
        }));
        assert!(!room.roster.contains(&bob.author()));
    }
}

#[test]
fn they_cannot_be_let_in_and_a_grant_gives_nobody_their_voice() {
    for key in neutral() {
        let mut room = Room::new();
        let (who, secret) = (AuthorId::from_bytes(key), Identity::from_seed([9; 32]));
        let invite = InviteKey::from_bytes(*secret.author().as_bytes());
        let body = cc_proto::roster::join_body(&secret, &room.room, &who, "nobody".into());
        // No verified join of theirs can be: an admit names one in vain.
        let join = forged(key, room.room, &Body::Join(body));
        assert_eq!(
            join.clone().verify(&room.room),
            Err(MessageError::BadSignature)
        );
        room.act(Body::Admit(Admit {
            joiner: who,
            invite,
            join: join.header.id(),
        }));
        assert!(!room.roster.contains(&who));
        let grant = Body::Grant(Grant {
            member: who,
            admin: true,
            cuts: Vec::new(),
        });
        assert!(grant.check().is_err(), "an admin that anybody can be");
    }
}

#[test]
fn a_ticket_names_no_such_invite() {
    // A ticket carries the secret, of which the key is made: whatever the bytes, the key is sound.
    for secret in [[0; 32], [0xff; 32], neutral()[0]] {
        let ticket = Ticket {
            room: RoomId::from_bytes([1; 32]),
            invite_secret: secret,
            expires: None,
            name: String::new(),
            addresses: Vec::new(),
        };
        let read: Ticket = ticket.to_string().parse().unwrap();
        assert!(is_sound_key(read.invite_key().as_bytes()));
    }
    let nobody = MessageId::from_bytes([0; 32]);
    assert!(
        !is_sound_key(nobody.as_bytes()),
        "all zeros is a point of order 4"
    );
}
