//! What each pair of acts comes to of which neither knew of the other: a case for each cell of the
//! table in `spec/membership.md`, from one room that all of them begin with.

use cc_proto::body::{
    Body, Cut, Genesis, Grant, Invite, InvitePolicy, InviteRevoke, Profile, Remove, Retract,
};
use cc_proto::id::{AuthorId, ChainId, RoomId, Seq};
use cc_proto::message::Message;
use serde_json::{Value, json};

use super::Cases;
use super::membership::{admits, joins};
use super::world::{ALICE, BOB, CAROL, INVITE, Pen, author, founded, invite, invite_key, raws};
use crate::vectors::worlds::SharedWorld;

const DAVE: u8 = 4;
const ERIN: u8 = 6;
const FRANK: u8 = 7;
/// The invites beside [`INVITE`], which is called `door`.
const SIDE: u8 = 10;
const THIRD: u8 = 11;
const WORLD: &str = "five";

/// Alice made the room, Bob and Carol are admins, Dave came by the same door, Erin by an invite of
/// Dave's at Dave's door. Frank is a stranger.
#[derive(Clone)]
struct Cast {
    room: RoomId,
    alice: Pen,
    bob: Pen,
    carol: Pen,
    dave: Pen,
    erin: Pen,
    frank: Pen,
    acts: Vec<Message>,
    genesis: Message,
    bob_said: Message,
    dave_said: Message,
    erin_admit: Message,
}

impl Cast {
    fn new() -> Self {
        let (room, mut alice, genesis) = founded(InvitePolicy::Members);
        let mut acts = vec![genesis.clone(), alice.write(Body::Invite(invite(INVITE)))];
        let mut newcomer = |seed, nick| {
            let mut pen = Pen::new(seed, room);
            let join = joins(&mut pen, INVITE, nick);
            acts.extend([join.clone(), admits(&mut alice, &join)]);
            pen
        };
        let (mut bob, carol) = (newcomer(BOB, "bob"), newcomer(CAROL, "carol"));
        let mut dave = newcomer(DAVE, "dave");
        acts.extend([
            alice.write(grant(BOB, true)),
            alice.write(grant(CAROL, true)),
        ]);
        acts.push(dave.write(Body::Invite(invite(SIDE))));
        let mut erin = Pen::new(ERIN, room);
        let join = joins(&mut erin, SIDE, "erin");
        let erin_admit = admits(&mut dave, &join);
        let (bob_said, dave_said) = (bob.say("one"), dave.say("two"));
        acts.extend([
            join,
            erin_admit.clone(),
            bob_said.clone(),
            dave_said.clone(),
        ]);
        Self {
            room,
            alice,
            bob,
            carol,
            dave,
            erin,
            frank: Pen::new(FRANK, room),
            acts,
            genesis,
            bob_said,
            dave_said,
            erin_admit,
        }
    }

    fn world(&self) -> SharedWorld {
        let people = [
            ("alice", ALICE),
            ("bob", BOB),
            ("carol", CAROL),
            ("dave", DAVE),
            ("erin", ERIN),
            ("frank", FRANK),
        ];
        let invites = [("door", INVITE), ("side", SIDE), ("third", THIRD)];
        let text = |raw: Value| raw.as_str().map(str::to_owned);
        SharedWorld {
            name: WORLD.into(),
            about: "Alice made the room, Bob and Carol are admins; Dave came by the same invite, \
                    door, and Erin by Dave's, side."
                .into(),
            room: self.room.to_hex(),
            people: people
                .map(|(name, seed)| (name.into(), author(seed).to_hex()))
                .into(),
            invites: invites
                .map(|(name, seed)| (name.into(), invite_key(seed).to_hex()))
                .into(),
            acts: raws(&self.acts).into_iter().filter_map(text).collect(),
        }
    }

    /// Frank's join by an invite, and the admit of it at somebody's door.
    fn frank_by(&mut self, key: u8, door: fn(&mut Self) -> &mut Pen) -> [Message; 2] {
        let join = joins(&mut self.frank, key, "frank");
        let admit = admits(door(self), &join);
        [join, admit]
    }
}

/// The worlds, whose files the cases need to be made.
pub(super) fn worlds() -> Vec<SharedWorld> {
    vec![Cast::new().world()]
}

fn grant(seed: u8, admin: bool) -> Body {
    Body::Grant(Grant {
        member: author(seed),
        admin,
        cuts: Vec::new(),
    })
}

fn revoke(key: u8, keep: &[u8]) -> Body {
    Body::InviteRevoke(InviteRevoke {
        invite: invite_key(key),
        keep: authors(keep),
    })
}

/// Removes whoever wrote `last`, which is the last that counts.
fn remove_at(last: &Message, keep_invite: bool, keep: &[u8]) -> Body {
    let header = last.header();
    Body::Remove(Remove {
        member: header.author,
        cuts: vec![Cut {
            chain: header.chain,
            seq: header.seq,
            id: last.id(),
        }],
        keep_invite,
        keep: authors(keep),
    })
}

/// Removes somebody of whom nothing shall count but the join that opens their chain.
fn remove(pen: &Pen, acts: &[Message], keep: &[u8]) -> Body {
    let me = pen.identity.author();
    let last = acts.iter().rfind(|act| act.header().author == me);
    remove_at(last.expect("somebody who wrote"), true, keep)
}

fn authors(seeds: &[u8]) -> Vec<AuthorId> {
    seeds.iter().map(|seed| author(*seed)).collect()
}

fn nick(nick: &str) -> Body {
    Body::Profile(Profile { nick: nick.into() })
}

fn retract(message: &Message) -> Body {
    let header = message.header();
    Body::Retract(Retract {
        author: header.author,
        chain: header.chain,
        seq: header.seq,
        message: message.id(),
    })
}

/// A chain of its own, as on another machine, as many seconds later.
fn elsewhere(pen: &Pen, seconds: i64) -> Pen {
    let mut pen = pen.clone();
    pen.new.chain = ChainId(pen.new.chain.0 + 1);
    pen.new.seq = Seq::FIRST;
    pen.new.prev = None;
    pen.new.ts.0 = pen.new.ts.0.saturating_add_signed(seconds * 1000);
    pen
}

/// Takes the cells, each from the beginning.
struct Table<'a> {
    cases: &'a mut Cases,
    cast: Cast,
}

impl Table<'_> {
    fn cell(
        &mut self,
        row_column: &str,
        about: &str,
        acts: impl FnOnce(&mut Cast) -> Vec<Message>,
        belong: &[&str],
        expect: Value,
    ) {
        let acts = acts(&mut self.cast.clone());
        let mut expect = expect;
        expect["belong"] = json!(belong);
        let input = json!({ "world": WORLD, "acts": raws(&acts) });
        let name = format!("merge-{row_column}");
        self.cases.ok("membership", &name, about, input, &expect);
    }
}

const ALL: [&str; 5] = ["alice", "bob", "carol", "dave", "erin"];
const AND_FRANK: [&str; 6] = ["alice", "bob", "carol", "dave", "erin", "frank"];
const NO_DAVE: [&str; 4] = ["alice", "bob", "carol", "erin"];
const NO_ERIN: [&str; 4] = ["alice", "bob", "carol", "dave"];

pub(super) fn add(cases: &mut Cases) {
    let cast = Cast::new();
    let mut table = Table { cases, cast };
    with_genesis(&mut table);
    with_invite(&mut table);
    with_revoke(&mut table);
    with_admit(&mut table);
    with_join(&mut table);
    with_remove(&mut table);
    with_the_rest(&mut table);
}

fn with_genesis(table: &mut Table<'_>) {
    table.cell(
        "genesis-genesis",
        "Another genesis of Alice's is another room's.",
        |cast| {
            let mut pen = Pen::new(ALICE, RoomId::from_bytes([0; 32]));
            vec![
                cast.genesis.clone(),
                pen.write(Body::Genesis(Genesis {
                    name: "other".into(),
                    nick: "other".into(),
                    invite_policy: InvitePolicy::Admins,
                    nonce: [0xab; 16],
                })),
            ]
        },
        &ALL,
        json!({ "counts": [true, false] }),
    );
    table.cell(
        "genesis-invite",
        "The root invites.",
        |cast| vec![cast.alice.write(Body::Invite(invite(THIRD)))],
        &ALL,
        json!({ "counts": [true], "invites": { "third": { "used": 0, "revoked": false } } }),
    );
    table.cell(
        "genesis-invite-revoke",
        "A revoke that keeps nobody: root and admins stay, Dave and who rests on him do not.",
        |cast| vec![cast.bob.write(revoke(INVITE, &[]))],
        &["alice", "bob", "carol"],
        json!({ "counts": [true], "invites": { "door": { "revoked": true } } }),
    );
    table.cell(
        "genesis-admit",
        "The root may be let in, and is the root.",
        |cast| {
            let join = joins(&mut cast.alice, INVITE, "alice");
            vec![join.clone(), admits(&mut cast.bob, &join)]
        },
        &ALL,
        json!({ "members": { "alice": { "root": true, "doors": ["bob"] } } }),
    );
    table.cell(
        "genesis-join",
        "A later join of the root's gives its nick.",
        |cast| vec![joins(&mut cast.alice, INVITE, "al")],
        &ALL,
        json!({ "members": { "alice": { "nick": "al" } } }),
    );
    table.cell(
        "genesis-remove",
        "Nobody removes the root.",
        |cast| vec![cast.bob.write(remove(&cast.alice, &cast.acts, &[]))],
        &ALL,
        json!({ "counts": [true], "members": {} }),
    );
    table.cell(
        "genesis-grant",
        "The root is the root without a grant, and against one.",
        |cast| vec![cast.alice.write(grant(ALICE, false))],
        &ALL,
        json!({ "members": {} }),
    );
    table.cell(
        "genesis-profile",
        "The later of genesis and profile gives the nick.",
        |cast| vec![cast.alice.write(nick("al"))],
        &ALL,
        json!({ "members": { "alice": { "nick": "al" } } }),
    );
    table.cell(
        "genesis-leave",
        "The root leaves: its acts stand, and nothing later in that chain.",
        |cast| {
            vec![
                cast.alice.write(Body::Leave),
                cast.alice.write(grant(DAVE, true)),
            ]
        },
        &["bob", "carol", "dave", "erin"],
        json!({ "counts": [true, false], "former": { "alice": { "left": true } } }),
    );
    table.cell(
        "genesis-retract",
        "A genesis is not erased.",
        |cast| vec![cast.alice.write(retract(&cast.genesis))],
        &ALL,
        json!({ "counts": [true], "erased": [] }),
    );
}

fn with_invite(table: &mut Table<'_>) {
    table.cell(
        "invite-invite",
        "Two invites of one key, and Dave takes his back: the other suffices.",
        |cast| {
            let mut acts = vec![
                cast.carol.write(Body::Invite(invite(THIRD))),
                cast.dave.write(Body::Invite(invite(THIRD))),
                cast.dave.write(revoke(THIRD, &[])),
            ];
            acts.extend(cast.frank_by(THIRD, |cast| &mut cast.erin));
            acts
        },
        &AND_FRANK,
        json!({}),
    );
    table.cell(
        "invite-invite-revoke",
        "An invite that an admin revoked lets nobody stay but whom it keeps.",
        |cast| {
            let mut acts = vec![cast.dave.write(Body::Invite(invite(THIRD)))];
            acts.extend(cast.frank_by(THIRD, |cast| &mut cast.dave));
            acts.push(cast.bob.write(revoke(THIRD, &[ERIN])));
            acts
        },
        &ALL,
        json!({ "counts": [true, false, true, true], "invites": { "third": { "revoked": true } } }),
    );
    table.cell(
        "invite-admit",
        "An admit counts once the invite is there.",
        |cast| {
            let [join, admit] = cast.frank_by(THIRD, |cast| &mut cast.erin);
            vec![join, admit, cast.dave.write(Body::Invite(invite(THIRD)))]
        },
        &AND_FRANK,
        json!({ "members": { "frank": { "doors": ["erin"], "invites": ["third"] } } }),
    );
    table.cell(
        "invite-join",
        "Invite and join alone let nobody in.",
        |cast| {
            let invited = cast.dave.write(Body::Invite(invite(THIRD)));
            vec![invited, joins(&mut cast.frank, THIRD, "frank")]
        },
        &ALL,
        json!({ "counts": [true, false] }),
    );
    table.cell(
        "invite-remove",
        "What Dave invites beyond the cut is void, and who comes by it.",
        |cast| {
            let removed = cast.bob.write(remove(&cast.dave, &cast.acts, &[ERIN]));
            let invited = cast.dave.write(Body::Invite(invite(THIRD)));
            let [join, admit] = cast.frank_by(THIRD, |cast| &mut cast.erin);
            vec![removed, invited, join, admit]
        },
        &NO_DAVE,
        json!({ "counts": [true, false, false, true], "former": { "dave": { "removed": true } } }),
    );
    table.cell(
        "invite-remove-lifted",
        "An invite that names the remove lifts it; the invite that Dave came by was kept.",
        |cast| {
            let removed = cast.bob.write(remove(&cast.dave, &cast.acts, &[ERIN]));
            let lifts = vec![removed.id()];
            let lift = Invite {
                lifts,
                ..invite(THIRD)
            };
            vec![removed, cast.bob.write(Body::Invite(lift))]
        },
        &ALL,
        json!({ "bounds": { "dave": { "others": true } } }),
    );
    table.cell(
        "invite-grant",
        "Dave invites and is made an admin.",
        |cast| {
            vec![
                cast.dave.write(Body::Invite(invite(THIRD))),
                cast.alice.write(grant(DAVE, true)),
            ]
        },
        &ALL,
        json!({ "members": { "dave": { "admin": true } } }),
    );
    table.cell(
        "invite-profile",
        "Dave invites and is renamed.",
        |cast| {
            let invited = cast.dave.write(Body::Invite(invite(THIRD)));
            vec![invited, elsewhere(&cast.dave, 1).write(nick("david"))]
        },
        &ALL,
        json!({ "members": { "dave": { "nick": "david" } } }),
    );
    table.cell(
        "invite-leave",
        "An invite after a leave in the same chain is void.",
        |cast| {
            vec![
                cast.dave.write(Body::Leave),
                cast.dave.write(Body::Invite(invite(THIRD))),
            ]
        },
        &NO_DAVE,
        json!({ "counts": [true, false] }),
    );
    table.cell(
        "invite-retract",
        "An invite is not erased, and lets in.",
        |cast| {
            let invited = cast.dave.write(Body::Invite(invite(THIRD)));
            let taken_back = cast.dave.write(retract(&invited));
            let [join, admit] = cast.frank_by(THIRD, |cast| &mut cast.erin);
            vec![invited, taken_back, join, admit]
        },
        &AND_FRANK,
        json!({ "erased": [] }),
    );
}

fn with_revoke(table: &mut Table<'_>) {
    table.cell(
        "invite-revoke-invite-revoke",
        "Keeps of two admins unite.",
        |cast| {
            vec![
                cast.bob.write(revoke(INVITE, &[DAVE])),
                cast.carol.write(revoke(INVITE, &[])),
            ]
        },
        &ALL,
        json!({}),
    );
    table.cell(
        "invite-revoke-invite-revoke-classes",
        "Who is kept by an admin and not by the invite's maker does not stay.",
        |cast| {
            vec![
                cast.bob.write(revoke(SIDE, &[ERIN])),
                cast.dave.write(revoke(SIDE, &[])),
            ]
        },
        &NO_ERIN,
        json!({}),
    );
    table.cell(
        "invite-revoke-admit",
        "Whom the revoke did not know, it does not keep.",
        |cast| {
            let revoked = cast.bob.write(revoke(INVITE, &[DAVE]));
            let [join, admit] = cast.frank_by(INVITE, |cast| &mut cast.dave);
            vec![revoked, join, admit]
        },
        &ALL,
        json!({ "counts": [true, false, true], "invites": { "door": { "used": 3 } } }),
    );
    table.cell(
        "invite-revoke-join",
        "A join under a revoked invite is for nothing.",
        |cast| {
            let revoked = cast.bob.write(revoke(INVITE, &[DAVE]));
            vec![revoked, joins(&mut cast.frank, INVITE, "frank")]
        },
        &ALL,
        json!({ "counts": [true, false] }),
    );
    table.cell(
        "invite-revoke-remove",
        "The keeps of a revoke and of a remove unite.",
        |cast| {
            let [join, admit] = cast.frank_by(SIDE, |cast| &mut cast.dave);
            let erin = cast
                .acts
                .iter()
                .find(|act| act.header().author == author(ERIN));
            let removed = remove_at(erin.expect("Erin's join"), false, &[FRANK]);
            vec![
                join,
                admit,
                cast.bob.write(removed),
                cast.carol.write(revoke(SIDE, &[])),
            ]
        },
        &["alice", "bob", "carol", "dave", "frank"],
        json!({ "former": { "erin": { "removed": true } } }),
    );
    table.cell(
        "invite-revoke-grant",
        "An admin needs no invite.",
        |cast| {
            vec![
                cast.bob.write(revoke(INVITE, &[])),
                cast.alice.write(grant(DAVE, true)),
            ]
        },
        &ALL,
        json!({}),
    );
    table.cell(
        "invite-revoke-profile",
        "Who is kept may be renamed.",
        |cast| {
            vec![
                cast.bob.write(revoke(SIDE, &[ERIN])),
                cast.erin.write(nick("rin")),
            ]
        },
        &ALL,
        json!({ "members": { "erin": { "nick": "rin" } } }),
    );
    table.cell(
        "invite-revoke-leave",
        "Who is kept may leave.",
        |cast| {
            vec![
                cast.bob.write(revoke(SIDE, &[ERIN])),
                cast.erin.write(Body::Leave),
            ]
        },
        &NO_ERIN,
        json!({ "former": { "erin": { "left": true, "removed": false } } }),
    );
    table.cell(
        "invite-revoke-retract",
        "A revoke that was taken back is not erased, and revokes.",
        |cast| {
            let revoked = cast.bob.write(revoke(SIDE, &[]));
            vec![revoked.clone(), cast.bob.write(retract(&revoked))]
        },
        &NO_ERIN,
        json!({ "erased": [] }),
    );
}

fn with_admit(table: &mut Table<'_>) {
    table.cell(
        "admit-admit",
        "One member, two doors.",
        |cast| {
            let [join, admit] = cast.frank_by(INVITE, |cast| &mut cast.erin);
            vec![join.clone(), admit, admits(&mut cast.bob, &join)]
        },
        &AND_FRANK,
        json!({ "members": { "frank": { "doors": ["bob", "erin"] } } }),
    );
    table.cell(
        "admit-admit-over",
        "Two doors give the only use away: both stay, and are flagged.",
        |cast| {
            let once = Invite {
                uses_max: Some(1),
                ..invite(THIRD)
            };
            let invited = cast.alice.write(Body::Invite(once));
            let [join, admit] = cast.frank_by(THIRD, |cast| &mut cast.erin);
            let mut dave = elsewhere(&cast.dave, 1);
            let other = joins(&mut dave, THIRD, "dave");
            vec![
                invited,
                join,
                admit,
                other.clone(),
                admits(&mut cast.bob, &other),
            ]
        },
        &AND_FRANK,
        json!({
            "members": { "frank": { "over": true } },
            "invites": { "third": { "used": 2 } },
        }),
    );
    table.cell(
        "admit-join",
        "Of two joins the admitted one lets in.",
        |cast| {
            let [join, admit] = cast.frank_by(INVITE, |cast| &mut cast.erin);
            let again = joins(&mut elsewhere(&cast.frank, 9), INVITE, "frank again");
            vec![join, admit, again]
        },
        &AND_FRANK,
        json!({ "members": { "frank": { "nick": "frank again", "doors": ["erin"] } } }),
    );
    table.cell(
        "admit-remove",
        "Whom Dave lets in beyond the cut was never let in; Erin, before it, stays.",
        |cast| {
            let removed = cast.bob.write(remove(&cast.dave, &cast.acts, &[ERIN]));
            let [join, admit] = cast.frank_by(INVITE, |cast| &mut cast.dave);
            vec![removed, join, admit]
        },
        &NO_DAVE,
        json!({ "counts": [true, false, false] }),
    );
    table.cell(
        "admit-grant",
        "Dave lets somebody in and is made an admin.",
        |cast| {
            let [join, admit] = cast.frank_by(INVITE, |cast| &mut cast.dave);
            vec![join, admit, cast.alice.write(grant(DAVE, true))]
        },
        &AND_FRANK,
        json!({}),
    );
    table.cell(
        "admit-profile",
        "A profile counts once its author was let in.",
        |cast| {
            let [join, admit] = cast.frank_by(INVITE, |cast| &mut cast.dave);
            vec![cast.frank.write(nick("franky")), join, admit]
        },
        &AND_FRANK,
        json!({ "members": { "frank": { "nick": "franky" } } }),
    );
    table.cell(
        "admit-leave",
        "A later join that is admitted ends the absence.",
        |cast| {
            let left = cast.erin.write(Body::Leave);
            let again = joins(&mut elsewhere(&cast.erin, 9), INVITE, "erin");
            vec![left, again.clone(), admits(&mut cast.alice, &again)]
        },
        &ALL,
        json!({ "counts": [true, true, true] }),
    );
    table.cell(
        "admit-retract",
        "An admit is not erased, and lets in.",
        |cast| vec![cast.alice.write(retract(&cast.erin_admit))],
        &ALL,
        json!({ "erased": [] }),
    );
}

fn with_join(table: &mut Table<'_>) {
    table.cell(
        "join-join",
        "Each join serves the admits that name it.",
        |cast| {
            let one = joins(&mut cast.frank, INVITE, "frank");
            let two = joins(&mut elsewhere(&cast.frank, 1), SIDE, "frank");
            let (at_erin, at_bob) = (admits(&mut cast.erin, &one), admits(&mut cast.bob, &two));
            vec![one, two, at_erin, at_bob]
        },
        &AND_FRANK,
        json!({ "members": { "frank": { "invites": ["door", "side"] } } }),
    );
    table.cell(
        "join-remove",
        "Who was removed is not let in again.",
        |cast| {
            let removed = cast.bob.write(remove(&cast.dave, &cast.acts, &[ERIN]));
            let again = joins(&mut elsewhere(&cast.dave, 9), INVITE, "dave");
            vec![removed, again.clone(), admits(&mut cast.alice, &again)]
        },
        &NO_DAVE,
        json!({ "counts": [true, false, true] }),
    );
    table.cell(
        "join-grant",
        "A grant needs no admit; the join gives the nick.",
        |cast| {
            vec![
                joins(&mut cast.frank, INVITE, "frank"),
                cast.alice.write(grant(FRANK, true)),
            ]
        },
        &AND_FRANK,
        json!({ "members": { "frank": { "admin": true, "nick": "frank", "doors": [] } } }),
    );
    table.cell(
        "join-profile",
        "The later of join and profile gives the nick.",
        |cast| {
            let again = joins(&mut elsewhere(&cast.erin, 9), INVITE, "later");
            vec![again, cast.erin.write(nick("earlier"))]
        },
        &ALL,
        json!({ "members": { "erin": { "nick": "later" } } }),
    );
    table.cell(
        "join-leave",
        "A join before the leave does not end the absence.",
        |cast| {
            let early = joins(&mut elsewhere(&cast.erin, -1), INVITE, "erin");
            vec![
                early.clone(),
                admits(&mut cast.alice, &early),
                cast.erin.write(Body::Leave),
            ]
        },
        &NO_ERIN,
        json!({ "former": { "erin": { "left": true } } }),
    );
    table.cell(
        "join-retract",
        "A join is not erased, and its author stays.",
        |cast| {
            let erin = cast
                .acts
                .iter()
                .find(|act| act.header().author == author(ERIN));
            vec![cast.erin.write(retract(erin.expect("Erin's join")))]
        },
        &ALL,
        json!({ "erased": [] }),
    );
}

fn with_remove(table: &mut Table<'_>) {
    table.cell(
        "remove-remove",
        "Two admins remove each other: the remove of the one who was made an admin first counts.",
        |cast| {
            let by_bob = cast.bob.write(remove(&cast.carol, &cast.acts, &[]));
            vec![by_bob, cast.carol.write(remove(&cast.bob, &cast.acts, &[]))]
        },
        &["alice", "bob", "dave", "erin"],
        json!({ "counts": [true, false], "former": { "carol": { "removed": true } } }),
    );
    table.cell(
        "remove-remove-cuts",
        "Of two removes of one member only what both let counts.",
        |cast| {
            let more = cast.dave.say("three");
            let by_carol = cast.carol.write(remove_at(&more, true, &[ERIN]));
            let by_bob = cast.bob.write(remove_at(&cast.dave_said, true, &[]));
            vec![more, by_carol, by_bob]
        },
        &NO_DAVE,
        json!({ "counts": [false, true, true], "bounds": { "dave": { "others": false } } }),
    );
    table.cell(
        "remove-grant",
        "Who is removed and made an admin is removed.",
        |cast| {
            let removed = cast.bob.write(remove(&cast.dave, &cast.acts, &[ERIN]));
            vec![removed, cast.alice.write(grant(DAVE, true))]
        },
        &NO_DAVE,
        json!({ "former": { "dave": { "removed": true } } }),
    );
    table.cell(
        "remove-profile",
        "A profile beyond the cut names nobody.",
        |cast| {
            let removed = cast.bob.write(remove(&cast.dave, &cast.acts, &[ERIN]));
            vec![removed, cast.dave.write(nick("david"))]
        },
        &NO_DAVE,
        json!({ "counts": [true, false], "former": { "dave": { "nick": "dave" } } }),
    );
    table.cell(
        "remove-leave",
        "Who left without hearing of it is removed.",
        |cast| {
            let removed = cast.bob.write(remove(&cast.dave, &cast.acts, &[ERIN]));
            vec![removed, cast.dave.write(Body::Leave)]
        },
        &NO_DAVE,
        json!({ "counts": [true, false], "former": { "dave": { "removed": true, "left": false } } }),
    );
    table.cell(
        "remove-retract",
        "A retract beyond the cut erases nothing.",
        |cast| {
            let removed = cast.bob.write(remove(&cast.dave, &cast.acts, &[ERIN]));
            vec![removed, cast.dave.write(retract(&cast.dave_said))]
        },
        &NO_DAVE,
        json!({ "counts": [true, false], "erased": [] }),
    );
}

fn with_the_rest(table: &mut Table<'_>) {
    let said = |message: &Message| json!([message.id().to_hex()]);
    let (by_bob, by_dave) = (said(&table.cast.bob_said), said(&table.cast.dave_said));
    table.cell(
        "grant-grant",
        "Of two grants to one member the later decides.",
        |cast| {
            let off = elsewhere(&cast.alice, 9).write(grant(DAVE, false));
            vec![off, cast.alice.write(grant(DAVE, true))]
        },
        &ALL,
        json!({ "members": {} }),
    );
    table.cell(
        "grant-profile",
        "Dave is made an admin and is renamed.",
        |cast| {
            vec![
                cast.alice.write(grant(DAVE, true)),
                cast.dave.write(nick("david")),
            ]
        },
        &ALL,
        json!({ "members": { "dave": { "admin": true, "nick": "david" } } }),
    );
    table.cell(
        "grant-leave",
        "Who is made an admin and leaves has left.",
        |cast| {
            vec![
                cast.alice.write(grant(ERIN, true)),
                cast.erin.write(Body::Leave),
            ]
        },
        &NO_ERIN,
        json!({ "former": { "erin": { "left": true } } }),
    );
    table.cell(
        "grant-retract",
        "An admin takes back what another said.",
        |cast| {
            let granted = cast.alice.write(grant(DAVE, true));
            vec![granted, cast.dave.write(retract(&cast.bob_said))]
        },
        &ALL,
        json!({ "erased": by_bob }),
    );
    table.cell(
        "profile-profile",
        "The later of two profiles gives the nick.",
        |cast| {
            let later = elsewhere(&cast.erin, 9).write(nick("later"));
            vec![later, cast.erin.write(nick("earlier"))]
        },
        &ALL,
        json!({ "members": { "erin": { "nick": "later" } } }),
    );
    table.cell(
        "profile-leave",
        "A profile after a leave in the same chain is void.",
        |cast| vec![cast.erin.write(Body::Leave), cast.erin.write(nick("rin"))],
        &NO_ERIN,
        json!({ "counts": [true, false], "former": { "erin": { "nick": "erin" } } }),
    );
    table.cell(
        "profile-retract",
        "A profile is not erased, and names.",
        |cast| {
            let renamed = cast.erin.write(nick("rin"));
            vec![renamed.clone(), cast.alice.write(retract(&renamed))]
        },
        &ALL,
        json!({ "erased": [], "members": { "erin": { "nick": "rin" } } }),
    );
    table.cell(
        "leave-leave",
        "Two leaves are one.",
        |cast| {
            vec![
                cast.erin.write(Body::Leave),
                elsewhere(&cast.erin, 1).write(Body::Leave),
            ]
        },
        &NO_ERIN,
        json!({ "counts": [true, true] }),
    );
    table.cell(
        "leave-retract",
        "A retract after a leave in the same chain erases nothing.",
        |cast| {
            vec![
                cast.dave.write(Body::Leave),
                cast.dave.write(retract(&cast.dave_said)),
            ]
        },
        &NO_DAVE,
        json!({ "counts": [true, false], "erased": [] }),
    );
    table.cell(
        "retract-retract",
        "Author and admin take the same message back.",
        |cast| {
            vec![
                cast.dave.write(retract(&cast.dave_said)),
                cast.bob.write(retract(&cast.dave_said)),
            ]
        },
        &ALL,
        json!({ "erased": by_dave }),
    );
}
