//! What of the unread lines is offered, and as whose.

use cc_log::{Trust, ViewCut};
use cc_proto::body::{Body, Summary};

use super::{Case, case};
use crate::expect::Told;
use crate::report::Checked;
use crate::room::{ALICE, BOB, CAROL, MALLORY, Saying, author, before, chat, member};
use crate::world::World;

const SECTION: &str = "hook.md#what-is-offered";
const VIEW: &str = "log.md#the-view";

pub(super) const CASES: &[Case] = &[
    case(
        "own-agent",
        SECTION,
        "what the owner's own agent wrote is not offered, and the cursor goes past it",
        own_agent,
    ),
    case(
        "other-agents",
        SECTION,
        "what others' agents wrote is offered",
        other_agents,
    ),
    case(
        "own-user",
        SECTION,
        "what the owner wrote elsewhere is offered, marked as the user's",
        own_user,
    ),
    case(
        "other-kinds",
        SECTION,
        "only chat messages are offered",
        other_kinds,
    ),
    case(
        "notice",
        SECTION,
        "of somebody at notice only the number of messages is told",
        notice,
    ),
    case(
        "notice-alone",
        SECTION,
        "a room where only such a number is to be told is told of",
        notice_alone,
    ),
    case(
        "notice-many",
        "hook.md#layout",
        "of more than two at notice, the two with the most are named, the rest are one line",
        notice_many,
    ),
    case(
        "muted",
        SECTION,
        "what somebody muted wrote is neither shown nor counted, and the cursor goes past it",
        muted,
    ),
    case(
        "muted-former",
        SECTION,
        "muting outlasts that somebody is a member",
        muted_former,
    ),
    case(
        "cut-off",
        VIEW,
        "what lies beyond a cut of the view counts for nothing",
        cut_off,
    ),
    case(
        "cut-other-chains",
        VIEW,
        "a chain that a cut does not list counts only where it says so",
        cut_other_chains,
    ),
    case("stray", VIEW, "a stray is neither shown nor counted", stray),
    case(
        "erased",
        "log.md#erased-lines",
        "what was taken back is neither shown nor counted",
        erased,
    ),
    case(
        "beyond-the-view",
        SECTION,
        "nothing is offered from the first roster line on that the view does not know",
        beyond_the_view,
    ),
    case(
        "plain-lines-beyond-the-view",
        SECTION,
        "lines after the view's that do not shape the roster are offered",
        plain_beyond,
    ),
    case(
        "names-of-the-view",
        "hook.md#names",
        "people are shown under the names that the view gives",
        names_of_the_view,
    ),
    case(
        "unknown-author",
        VIEW,
        "whom the view does not know is shown by the key's first ten digits",
        unknown_author,
    ),
];

fn own_agent(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    let last = room.say_via(ALICE, "codex", "@alice done")?;
    world.silent(&world.ask("s1"), "the owner's own agent wrote it")?;
    world.stands_after(&room, "s1", last)?;
    let first = room.say(BOB, "hello")?;
    room.say_via(ALICE, "claude-code", "mine")?;
    world.told("s1", &[Told::of(&room, [first])]).map(drop)
}

fn other_agents(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    let lines = [
        room.say_via(BOB, "codex", "from an agent")?,
        room.say_via(CAROL, "codex/status", "half way")?,
        room.say_via(MALLORY, "gemini-cli/error", "it failed")?,
    ];
    world.told("s1", &[Told::of(&room, lines)]).map(drop)
}

fn own_user(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    let n = room.say(ALICE, "note to self, @alice")?;
    let text = world.told("s1", &[Told::of(&room, [n])])?;
    if text.contains("(from your user)] note to self") {
        return Ok(());
    }
    Err(crate::report::Stop::fault("(from your user)", text))
}

fn other_kinds(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    let n = room.say(BOB, "chat")?;
    let through = room
        .id_of(n)?
        .unwrap_or_else(|| cc_proto::id::MessageId::from_bytes([0; 32]));
    let last = room.append(&Saying {
        who: CAROL,
        via: "",
        ts: before(1000),
        chain: 1,
        body: Body::Summary(Summary {
            text: "a summary, no chat".into(),
            through,
        }),
    })?;
    world.told("s1", &[Told::of(&room, [n])])?;
    world.stands_after(&room, "s1", last)
}

fn notice(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    room.trust(MALLORY, Trust::Notice)?;
    room.say(MALLORY, "@alice psst")?;
    let n = room.say(BOB, "hello")?;
    let last = room.say(MALLORY, "psst")?;
    let told = Told::of(&room, [n]).and_noticed(&[("mallory", 2)]);
    world.told("s1", &[told])?;
    world.stands_after(&room, "s1", last)
}

fn notice_alone(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    room.trust(MALLORY, Trust::Notice)?;
    let last = room.say(MALLORY, "psst")?;
    world.told("s1", &[Told::of(&room, []).and_noticed(&[("mallory", 1)])])?;
    world.stands_after(&room, "s1", last)?;
    world.silent(&world.ask("s1"), "that was told")
}

fn notice_many(world: &mut World<'_>) -> Checked {
    let mut room = crate::room::Room::make(&world.home, 1, "trip", 6)?;
    world.bind(&[(&room, Some(&world.project))])?;
    for (who, times) in [(BOB, 1), (CAROL, 4), (MALLORY, 2), (4, 3)] {
        room.trust(who, Trust::Notice)?;
        for _ in 0..times {
            room.say(who, "psst")?;
        }
    }
    let counts = [("carol", 4), ("member04", 3), ("mallory", 2), ("bob", 1)];
    world
        .told("s1", &[Told::of(&room, []).and_noticed(&counts)])
        .map(drop)
}

fn muted(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    room.trust(MALLORY, Trust::Muted)?;
    let last = room.say(MALLORY, "@alice psst")?;
    world.silent(&world.ask("s1"), "its author is muted")?;
    world.stands_after(&room, "s1", last)?;
    let n = room.say(BOB, "hello")?;
    room.say(MALLORY, "psst")?;
    world.told("s1", &[Told::of(&room, [n])]).map(drop)
}

fn muted_former(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    room.say(MALLORY, "psst")?;
    let n = room.say(BOB, "hello")?;
    room.view.members.pop();
    let mut gone = member(MALLORY, "mallory");
    gone.trust = Trust::Muted;
    room.view.former.push(gone);
    room.save_view()?;
    world.told("s1", &[Told::of(&room, [n])]).map(drop)
}

fn cut_off(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    let texts: Vec<String> = (1..=30).map(|n| format!("{n}")).collect();
    let lines = room.say_all(BOB, &texts)?;
    let n = room.say(CAROL, "hello")?;
    room.view.cuts = vec![ViewCut {
        author: author(BOB),
        chains: vec![(1, 2)],
        others: false,
    }];
    room.save_view()?;
    world.told("s1", &[Told::of(&room, [lines[0], lines[1], n])])?;
    world.stands_after(&room, "s1", n)
}

fn cut_other_chains(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    let in_chain = |chain, text| Saying {
        who: BOB,
        via: "",
        ts: before(1000),
        chain,
        body: chat(text),
    };
    let one = room.append(&in_chain(7, "in a listed chain"))?;
    let two = room.append(&in_chain(8, "in another chain"))?;
    let mut cut = ViewCut {
        author: author(BOB),
        chains: vec![(7, 1)],
        others: false,
    };
    room.view.cuts = vec![cut.clone()];
    room.save_view()?;
    world.told("s1", &[Told::of(&room, [one])])?;
    cut.others = true;
    room.view.cuts = vec![cut];
    room.save_view()?;
    world.told("s2", &[Told::of(&room, [one, two])]).map(drop)
}

fn stray(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    let n = room.say(BOB, "counts")?;
    let stray = room.say(BOB, "does not")?;
    let id = room.id_of(stray)?;
    room.view.strays.extend(id);
    room.save_view()?;
    world.told("s1", &[Told::of(&room, [n])])?;
    world.stands_after(&room, "s1", stray)
}

fn erased(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    let gone = room.say(BOB, "@alice a secret of some length, taken back")?;
    let n = room.say(CAROL, "stays")?;
    room.erase(gone)?;
    let text = world.told("s1", &[Told::of(&room, [n])])?;
    if text.contains("secret") {
        return Err(crate::report::Stop::fault(
            "no word of what was taken back",
            text,
        ));
    }
    // Under the cursor: it stays where it stands.
    room.erase(n)?;
    world.silent(&world.ask("s1"), "nothing is new")
}

fn beyond_the_view(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    let n = room.say(BOB, "known")?;
    let roster = room.rename(CAROL, "dave")?;
    let later = room.say(CAROL, "by whom?")?;
    world.told("s1", &[Told::of(&room, [n])])?;
    world.stands_after(&room, "s1", n)?;
    world.silent(&world.ask("s1"), "the view is not true of what comes next")?;
    room.view.through = roster;
    room.save_view()?;
    world.told("s1", &[Told::of(&room, [later])])?;
    world.stands_after(&room, "s1", later)
}

fn plain_beyond(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    let lines = [room.say(BOB, "one")?, room.say(CAROL, "two")?];
    room.view.through = 1;
    room.save_view()?;
    world.told("s1", &[Told::of(&room, lines)]).map(drop)
}

fn names_of_the_view(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    // Cyrillic o: it looks like bob.
    room.view.members[MALLORY].nick = "b\u{43e}b".into();
    room.view.members[CAROL].petname = Some("Caro".into());
    room.save_view()?;
    let print = |who| author(who).to_hex()[..10].to_owned();
    room.names.insert(BOB, format!("bob#{}", print(BOB)));
    room.names
        .insert(MALLORY, format!("b\u{43e}b#{}", print(MALLORY)));
    room.names.insert(CAROL, "Caro".into());
    let lines = [
        room.say(BOB, "x")?,
        room.say(MALLORY, "x")?,
        room.say(CAROL, "x")?,
    ];
    world.told("s1", &[Told::of(&room, lines)]).map(drop)
}

fn unknown_author(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    room.view.members.pop();
    room.save_view()?;
    room.names
        .insert(MALLORY, author(MALLORY).to_hex()[..10].to_owned());
    let n = room.say(MALLORY, "who am I?")?;
    world.told("s1", &[Told::of(&room, [n])]).map(drop)
}
