//! The rows of admit, join, remove, grant, profile, leave and retract.

use cc_proto::body::{Body, Invite};
use cc_proto::message::Message;
use serde_json::json;

use super::{
    ALL, AND_FRANK, DAVE, ERIN, FRANK, NO_DAVE, NO_ERIN, SIDE, THIRD, Table, elsewhere, grant,
    nick, remove, remove_at, retract,
};
use crate::vectors::build::membership::{admits, joins};
use crate::vectors::build::world::{INVITE, author, invite};

pub(super) fn with_admit(table: &mut Table<'_>) {
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

pub(super) fn with_join(table: &mut Table<'_>) {
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

pub(super) fn with_remove(table: &mut Table<'_>) {
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

pub(super) fn with_the_rest(table: &mut Table<'_>) {
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
