//! The rows of genesis, invite and invite-revoke.

use cc_proto::body::{Body, Genesis, Invite, InvitePolicy};
use cc_proto::id::RoomId;
use serde_json::json;

use super::{
    ALL, AND_FRANK, DAVE, ERIN, FRANK, NO_DAVE, NO_ERIN, SIDE, THIRD, Table, elsewhere, grant,
    nick, remove, remove_at, retract, revoke,
};
use crate::vectors::build::membership::{admits, joins};
use crate::vectors::build::world::{ALICE, INVITE, Pen, author, invite};

pub(super) fn with_genesis(table: &mut Table<'_>) {
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

pub(super) fn with_invite(table: &mut Table<'_>) {
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

pub(super) fn with_revoke(table: &mut Table<'_>) {
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
