//! What the rules come to in the plain cases. That order does not matter, and that the rules are those
//! of the spec, is shown in `tests/roster/`.

use super::*;
use crate::body::{Admit, Genesis, Grant, InviteRevoke, Profile, Remove};
use crate::clock::Now;
use crate::id::{Seq, Timestamp};
use crate::identity::Identity;
use crate::message::NewMessage;

/// Somebody with one chain.
struct Person {
    identity: Identity,
    chain: ChainId,
    last: Option<(Seq, MessageId)>,
}

impl Person {
    fn new(seed: u8) -> Self {
        Self {
            identity: Identity::from_seed([seed; 32]),
            chain: ChainId(1),
            last: None,
        }
    }

    fn key(&self) -> AuthorId {
        self.identity.author()
    }

    fn write(&mut self, room: RoomId, body: Body) -> Message {
        let seq = self.last.map_or(Seq::FIRST, |(seq, _)| seq.next());
        let new = NewMessage {
            room,
            chain: self.chain,
            seq,
            prev: self.last.map(|(_, id)| id),
            ts: Timestamp(seq.0),
            via: String::new(),
            re: None,
            body,
        };
        let message = Message::write(&self.identity, new).unwrap();
        self.last = Some((seq, message.id()));
        message
    }

    fn cut(&self) -> Cut {
        let (seq, id) = self.last.unwrap();
        let chain = self.chain;
        Cut { chain, seq, id }
    }
}

/// A room of a root and others whom the root let in by an invite each.
struct Room {
    roster: Roster,
    id: RoomId,
    root: Person,
}

const SECRET: [u8; 32] = [77; 32];

impl Room {
    fn new() -> Self {
        let mut root = Person::new(1);
        let genesis = Body::Genesis(Genesis {
            name: String::new(),
            nick: "root".into(),
            invite_policy: InvitePolicy::Members,
            nonce: [0; 16],
        });
        let genesis = root.write(RoomId::from_bytes([0; 32]), genesis);
        let mut room = Self {
            roster: Roster::new(genesis.room()),
            id: genesis.room(),
            root,
        };
        room.roster.insert(&genesis);
        let invite = room.root.write(room.id, invite(SECRET));
        room.roster.insert(&invite);
        room
    }

    fn by_root(&mut self, body: Body) -> Change {
        let act = self.root.write(self.id, body);
        self.roster.insert(&act)
    }

    fn by(&mut self, person: &mut Person, body: Body) -> Change {
        let act = person.write(self.id, body);
        self.roster.insert(&act)
    }

    fn join(&mut self, person: &mut Person, secret: [u8; 32]) -> Change {
        let secret = Identity::from_seed(secret);
        let body = join_body(&secret, &self.id, &person.key(), "nick".into());
        let invite = body.invite;
        let join = person.write(self.id, Body::Join(body));
        self.roster.insert(&join);
        self.by_root(Body::Admit(Admit {
            joiner: person.key(),
            invite,
            join: join.id(),
        }))
    }
}

fn key_of(secret: [u8; 32]) -> InviteKey {
    InviteKey::from_bytes(*Identity::from_seed(secret).author().as_bytes())
}

fn invite(secret: [u8; 32]) -> Body {
    Body::Invite(Invite {
        key: key_of(secret),
        expires: None,
        uses_max: None,
        note: String::new(),
        lifts: Vec::new(),
    })
}

fn remove(person: &Person, keep: &[&Person]) -> Body {
    Body::Remove(Remove {
        member: person.key(),
        cuts: vec![person.cut()],
        keep_invite: false,
        keep: keep.iter().map(|kept| kept.key()).collect(),
    })
}

fn grant(person: &Person) -> Body {
    Body::Grant(Grant {
        member: person.key(),
        admin: true,
        cuts: Vec::new(),
    })
}

fn nick(nick: &str) -> Body {
    Body::Profile(Profile { nick: nick.into() })
}

#[test]
fn a_removed_member_is_out_and_what_came_before_stands() {
    let (mut room, mut bob, mut carol) = (Room::new(), Person::new(2), Person::new(3));
    room.join(&mut bob, SECRET);
    room.join(&mut carol, SECRET);
    let before = bob.write(room.id, nick("bob"));
    room.roster.insert(&before);
    let change = room.by_root(remove(&bob, &[&carol]));
    assert_eq!(change.gone, [bob.key()]);
    assert!(room.roster.counts(&before));
    let after = bob.write(room.id, nick("bobby"));
    assert!(!room.roster.counts(&after) && !room.roster.admits_message(&after));
    room.roster.insert(&after);
    assert_eq!(room.roster.nick(&bob.key()), Some("bob"));
    assert!(room.roster.contains(&carol.key()), "whoever is kept stays");
    let bounds = room.roster.bounds(&bob.key()).unwrap();
    assert_eq!((bounds.chains[&bob.chain], bounds.others), (Seq(2), false));
}

/// A removal that was lifted names one chain, the end of the admin's time another, and nobody lets her in.
#[test]
fn bounds_hold_what_only_the_end_of_an_admins_time_names() {
    let (mut room, mut bob) = (Room::new(), Person::new(2));
    room.join(&mut bob, SECRET);
    let granted = grant(&bob);
    room.by_root(granted);
    let act = room.root.write(room.id, remove(&bob, &[]));
    room.roster.insert(&act);
    room.by_root(Body::Invite(Invite {
        key: key_of([78; 32]),
        expires: None,
        uses_max: None,
        note: String::new(),
        lifts: vec![act.id()],
    }));
    let mut elsewhere = Person {
        chain: ChainId(2),
        ..Person::new(2)
    };
    let said = elsewhere.write(room.id, nick("bob"));
    let after = elsewhere.write(room.id, nick("bobby"));
    let (first, whole) = (said.header().seq, elsewhere.cut());
    room.by_root(Body::Grant(Grant {
        member: bob.key(),
        admin: false,
        cuts: vec![
            bob.cut(),
            Cut {
                seq: first,
                id: said.id(),
                ..whole
            },
        ],
    }));
    assert!(!room.roster.contains(&bob.key()));
    assert!(room.roster.counts(&said) && !room.roster.counts(&after));
    let bounds = room.roster.bounds(&bob.key()).unwrap();
    assert_eq!((bounds.chains[&ChainId(2)], bounds.others), (first, false));
}

#[test]
fn a_fresh_key_does_not_come_in_by_a_voided_invite_and_a_lift_lets_back() {
    let (mut room, mut bob) = (Room::new(), Person::new(2));
    room.join(&mut bob, SECRET);
    room.by_root(remove(&bob, &[]));
    let now = Now {
        wall: Timestamp(9),
        mono_ms: 0,
    };
    let fresh = Person::new(9);
    let join = |secret, who: &Person| {
        join_body(
            &Identity::from_seed(secret),
            &room.id,
            &who.key(),
            String::new(),
        )
    };
    let judged = room.roster.judge(&fresh.key(), &join(SECRET, &fresh), now);
    assert_eq!(judged, Err(DoorError::Revoked));
    let judged = room.roster.judge(&bob.key(), &join(SECRET, &bob), now);
    assert_eq!(judged, Err(DoorError::Removed));

    let lift = Body::Invite(Invite {
        key: key_of([78; 32]),
        expires: None,
        uses_max: None,
        note: String::new(),
        lifts: room.roster.removes_of(&bob.key()),
    });
    room.by_root(lift);
    assert!(
        !room.roster.contains(&bob.key()),
        "a lift alone lets nobody in"
    );
    bob.chain = ChainId(2);
    bob.last = None;
    assert_eq!(room.join(&mut bob, [78; 32]).joined, [bob.key()]);
    let back = bob.write(room.id, nick("back"));
    assert!(room.roster.counts(&back), "the new chain counts");
    let mut old = Person::new(2);
    old.last = Some((Seq(5), MessageId::from_bytes([5; 32])));
    let old = old.write(room.id, nick("old"));
    assert!(!room.roster.counts(&old), "the old one stays cut");
}

#[test]
fn of_two_admins_who_remove_each_other_the_earlier_stays() {
    let (mut room, mut ada, mut ben) = (Room::new(), Person::new(2), Person::new(3));
    room.join(&mut ada, SECRET);
    room.join(&mut ben, SECRET);
    room.by_root(grant(&ada));
    room.by_root(grant(&ben));
    let (cut_ada, cut_ben) = (remove(&ada, &[&ben]), remove(&ben, &[&ada]));
    room.by(&mut ben, cut_ada);
    assert!(
        room.roster.contains(&ada.key()),
        "nobody removes an earlier admin"
    );
    room.by(&mut ada, cut_ben);
    assert!(room.roster.contains(&ada.key()) && !room.roster.contains(&ben.key()));
    let strike_back = remove(&ada, &[]);
    room.by(&mut ben, strike_back);
    assert!(room.roster.contains(&ada.key()));
}

#[test]
fn a_revoked_invite_keeps_whom_it_names() {
    let (mut room, mut bob, mut carol) = (Room::new(), Person::new(2), Person::new(3));
    room.join(&mut bob, SECRET);
    room.join(&mut carol, SECRET);
    let change = room.by_root(Body::InviteRevoke(InviteRevoke {
        invite: key_of(SECRET),
        keep: vec![carol.key()],
    }));
    assert_eq!(change.gone, [bob.key()]);
    assert!(room.roster.contains(&carol.key()));
    let (change, united) = (
        room.by_root(Body::InviteRevoke(InviteRevoke {
            invite: key_of(SECRET),
            keep: vec![bob.key()],
        })),
        [bob.key()],
    );
    assert_eq!(change.joined, united, "keeps unite");
}

#[test]
fn who_leaves_is_gone_until_the_next_join() {
    let (mut room, mut bob) = (Room::new(), Person::new(2));
    room.join(&mut bob, SECRET);
    let change = room.by(&mut bob, Body::Leave);
    assert_eq!(change.gone, [bob.key()]);
    let after = bob.write(room.id, nick("after"));
    assert!(!room.roster.counts(&after));
    bob.chain = ChainId(2);
    bob.last = Some((Seq(9), MessageId::from_bytes([9; 32])));
    room.join(&mut bob, SECRET);
    assert!(room.roster.contains(&bob.key()));
}

#[test]
fn only_the_root_makes_admins_and_an_unmade_one_has_no_power_after_its_cut() {
    let (mut room, mut ada, mut bob) = (Room::new(), Person::new(2), Person::new(3));
    room.join(&mut ada, SECRET);
    room.join(&mut bob, SECRET);
    let own = grant(&bob);
    room.by(&mut bob, own);
    assert!(!room.roster.is_admin(&bob.key()));
    room.by_root(grant(&ada));
    assert!(room.roster.is_admin(&ada.key()));
    let unmade = Body::Grant(Grant {
        member: ada.key(),
        admin: false,
        cuts: vec![ada.cut()],
    });
    room.by_root(unmade);
    assert!(!room.roster.is_admin(&ada.key()) && room.roster.contains(&ada.key()));
    let late = remove(&bob, &[]);
    room.by(&mut ada, late);
    assert!(room.roster.contains(&bob.key()));
}
