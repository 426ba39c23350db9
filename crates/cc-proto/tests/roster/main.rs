//! The roster is a pure function of the set of messages, and the function that the text says.
//!
//! Each case is a room from a seed: forks, several chains of one author, back-dated acts, removes,
//! revokes, grants, lifts, leaves and retracts that know or do not know of each other. A case that
//! fails is made smaller and printed, with its seed.

mod pool;
mod reference;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use cc_proto::body::{Body, Cut};
use cc_proto::id::{AuthorId, ChainId, MessageId};
use cc_proto::message::Message;
use cc_proto::roster::Roster;

use pool::{Dice, Pool, person};
use reference::{RefFormer, RefMember, derive};

/// Cases of each property but the slow one, in which the reference takes part.
const CASES: u64 = 10_000;
const REFERENCE_CASES: u64 = 3_000;

/// Tells a roster which messages of a set stand on a branch that an act does not name, as the room
/// does from its log.
fn tell_strays(roster: &mut Roster, messages: &[Message]) {
    let by_id: BTreeMap<MessageId, &Message> = messages.iter().map(|m| (m.id(), m)).collect();
    let chains: BTreeSet<(AuthorId, ChainId)> = messages
        .iter()
        .map(|message| (message.header().author, message.header().chain))
        .collect();
    for (author, chain) in chains {
        for (act, cuts) in roster.cuts(&author, chain) {
            let of_chain = messages
                .iter()
                .filter(|m| m.header().author == author && m.header().chain == chain);
            let strays = of_chain.filter(|message| is_stray(message, &cuts, &by_id));
            let strays = strays.map(Message::id).collect();
            roster.set_strays(act, chain, strays);
        }
    }
}

/// Whether a message stands below what is listed, but on none of the branches that are.
fn is_stray(message: &Message, cuts: &[Cut], held: &BTreeMap<MessageId, &Message>) -> bool {
    let below = |cut: &&Cut| message.header().seq <= cut.seq;
    let mut listed = cuts.iter().filter(below).peekable();
    listed.peek().is_some()
        && listed.all(|cut| {
            let mut at = held.contains_key(&cut.id).then_some(cut.id);
            let known = at.is_some();
            while let Some(id) = at {
                if id == message.id() {
                    return false;
                }
                at = held.get(&id).and_then(|message| message.header().prev);
            }
            known
        })
}

fn loaded(pool: &Pool, messages: &[Message]) -> Roster {
    let mut roster = Roster::load(pool.room, messages);
    tell_strays(&mut roster, messages);
    roster
}

/// One after the other, some twice, the branches told now and then.
fn gathered(pool: &Pool, messages: &[Message], dice: &mut Dice) -> Roster {
    let mut order = messages.to_vec();
    dice.shuffle(&mut order);
    for _ in 0..dice.below(messages.len() / 2 + 1) {
        if let Some(again) = dice.pick(messages).cloned() {
            order.insert(dice.below(order.len() + 1), again);
        }
    }
    let bulk = dice.below(order.len() + 1) * dice.below(2);
    let mut roster = Roster::load(pool.room, &order[..bulk]);
    for (at, message) in order.iter().enumerate().skip(bulk) {
        let before = dice.chance(10).then(|| roster.clone());
        let change = roster.insert(message);
        if let Some(before) = before {
            let gone = before.members().keys().filter(|who| !roster.contains(who));
            let new = roster.members().keys().filter(|who| !before.contains(who));
            assert!(gone.eq(&change.gone), "who is gone is told wrongly");
            let new: BTreeSet<&AuthorId> = new.collect();
            assert_eq!(
                new,
                change.joined.iter().collect(),
                "who came is told wrongly"
            );
        }
        if dice.chance(5) {
            tell_strays(&mut roster, &order[..=at]);
        }
    }
    tell_strays(&mut roster, messages);
    roster
}

/// What a roster says of a set, beside what makes it equal to another.
fn verdicts(roster: &Roster, messages: &[Message]) -> Vec<(bool, bool, bool)> {
    let verdict = |message: &Message| {
        let author = message.header().author;
        (
            roster.counts(message),
            roster.is_retracted(&author, &message.id()),
            roster.admits_message(message),
        )
    };
    messages.iter().map(verdict).collect()
}

/// What two rosters say otherwise of somebody or something.
fn difference(what: &str, one: &Roster, other: &Roster) -> String {
    let all = |roster: &Roster| {
        let members = roster
            .members()
            .iter()
            .map(|member| format!("member {member:?}"));
        let former = roster
            .former()
            .into_iter()
            .map(|former| format!("former {former:?}"));
        let invites = roster
            .invites()
            .into_iter()
            .map(|invite| format!("{invite:?}"));
        let bounds = roster
            .all_bounds()
            .into_iter()
            .map(|bounds| format!("{bounds:?}"));
        members
            .chain(former)
            .chain(invites)
            .chain(bounds)
            .collect::<BTreeSet<String>>()
    };
    let (one, other) = (all(one), all(other));
    let only = |these: &BTreeSet<String>, those: &BTreeSet<String>| {
        these
            .difference(those)
            .cloned()
            .collect::<Vec<_>>()
            .join("\n  ")
    };
    format!(
        "{what}:\n  {}\nagainst\n  {}",
        only(&one, &other),
        only(&other, &one)
    )
}

// ---- the properties: each gives what does not hold ----------------------------------------------

fn every_order(pool: &Pool, messages: &[Message], dice: &mut Dice) -> Option<String> {
    let first = loaded(pool, messages);
    for _ in 0..2 {
        let other = gathered(pool, messages, dice);
        if other != first {
            return Some(difference("the order matters", &first, &other));
        }
        if verdicts(&first, messages) != verdicts(&other, messages) {
            return Some("the order matters to what counts".to_owned());
        }
    }
    None
}

fn as_the_text_says(pool: &Pool, messages: &[Message], _: &mut Dice) -> Option<String> {
    let roster = loaded(pool, messages);
    let said = derive(pool.room, messages);
    let members: BTreeMap<AuthorId, RefMember> = roster
        .members()
        .iter()
        .map(|(author, member)| {
            let member = RefMember {
                nick: member.nick.clone(),
                root: member.root,
                admin: member.admin,
                doors: member.doors.clone(),
                invites: member.invites.clone(),
                over: member.over,
            };
            (*author, member)
        })
        .collect();
    let former: BTreeMap<AuthorId, RefFormer> = roster
        .former()
        .into_iter()
        .map(|(author, former)| {
            let former = RefFormer {
                removed: former.removed,
                left: former.left,
                removes: former.removes.into_iter().collect(),
                by: former.by,
            };
            (author, former)
        })
        .collect();
    if members != said.members {
        return Some(format!(
            "members {members:#?}\nare to be {:#?}",
            said.members
        ));
    }
    if former != said.former {
        return Some(format!("former {former:#?}\nare to be {:#?}", said.former));
    }
    for message in messages {
        let (id, author) = (message.id(), message.header().author);
        if roster.counts(message) != said.counting.contains(&id) {
            return Some(format!("counts, wrongly told: {}", told(message)));
        }
        if roster.is_retracted(&author, &id) != said.retracted.contains(&id) {
            return Some(format!("retracted, wrongly told: {}", told(message)));
        }
    }
    let mut invites: Vec<_> = roster
        .invites()
        .into_iter()
        .map(|invite| (invite.key, invite.by, invite.used as usize, invite.revoked))
        .collect();
    let acts: BTreeMap<MessageId, &Message> = messages.iter().map(|m| (m.id(), m)).collect();
    let mut wanted: Vec<_> = said
        .invites
        .iter()
        .filter_map(|(id, (used, void))| match acts[id].body() {
            Some(Body::Invite(body)) => Some((body.key, acts[id].header().author, *used, *void)),
            _ => None,
        })
        .collect();
    invites.sort_unstable();
    wanted.sort_unstable();
    (invites != wanted).then(|| format!("invites {invites:#?}\nare to be {wanted:#?}"))
}

fn what_does_not_count_changes_nothing(
    pool: &Pool,
    messages: &[Message],
    _: &mut Dice,
) -> Option<String> {
    let whole = loaded(pool, messages);
    // A join that waits to be admitted counts for nothing yet, and may be held.
    let held: Vec<Message> = messages
        .iter()
        .filter(|message| whole.counts(message))
        .cloned()
        .collect();
    let without = loaded(pool, &held);
    if let Some(message) = held.iter().find(|message| !without.counts(message)) {
        return Some(format!("counts only with what does not: {}", told(message)));
    }
    let differs = whole.members() != without.members() || whole.invites() != without.invites();
    differs.then(|| difference("what does not count matters", &whole, &without))
}

fn removed_stays_removed_and_the_root_stands(
    pool: &Pool,
    messages: &[Message],
    _: &mut Dice,
) -> Option<String> {
    let roster = loaded(pool, messages);
    let acts: BTreeMap<MessageId, &Message> = messages.iter().map(|m| (m.id(), m)).collect();
    let root = person(0);
    if !roster.is_founded() {
        return None;
    }
    for act in messages.iter().filter(|act| act.header().author == root) {
        if !roster.counts(act) && !messages.iter().any(|other| is_leave_of(other, &root)) {
            return Some(format!("an act of the root does not count: {}", told(act)));
        }
        let Some(Body::Remove(remove)) = act.body() else {
            continue;
        };
        let names = |other: &&Message| matches!(other.body(), Some(Body::Invite(invite)) if invite.lifts.contains(&act.id()));
        let lifted = messages
            .iter()
            .filter(names)
            .any(|lift| roster.counts(lift));
        if roster.counts(act) && !lifted && roster.contains(&remove.member) && remove.member != root
        {
            return Some(format!("removed and yet a member: {}", told(act)));
        }
    }
    for (author, former) in roster.former() {
        let known = former.removes.iter().all(|id| acts.contains_key(id));
        if !known || (former.removed && roster.contains(&author)) {
            return Some("a former member belongs".to_owned());
        }
    }
    None
}

fn is_leave_of(message: &Message, author: &AuthorId) -> bool {
    message.header().author == *author && matches!(message.body(), Some(Body::Leave))
}

/// What the view tells readers agrees with what counts, but for branches.
fn bounds_say_what_counts(pool: &Pool, messages: &[Message], _: &mut Dice) -> Option<String> {
    let roster = loaded(pool, messages);
    let mut places: BTreeMap<_, usize> = BTreeMap::new();
    for message in &pool.messages {
        let header = message.header();
        *places
            .entry((header.author, header.chain, header.seq))
            .or_default() += 1;
    }
    for message in messages {
        let header = message.header();
        let within = match roster.bounds(&header.author) {
            None => true,
            Some(bounds) => match bounds.chains.get(&header.chain) {
                Some(last) => header.seq <= *last,
                None => bounds.others,
            },
        };
        let forked = places
            .keys()
            .any(|place| place.0 == header.author && place.1 == header.chain && places[place] > 1);
        let stranger =
            roster.bounds(&header.author).is_none() && roster.nick(&header.author).is_none();
        let counts = roster.counts(message);
        if counts && !within || within && !counts && !forked && !stranger {
            let bounds = roster.bounds(&header.author);
            return Some(format!(
                "bounds {bounds:#?}\nof {} counts {counts}",
                told(message)
            ));
        }
    }
    None
}

fn bundles_prove(pool: &Pool, messages: &[Message], _: &mut Dice) -> Option<String> {
    let roster = loaded(pool, messages);
    for member in roster.members().keys() {
        let bundle = roster.bundle(member);
        let alone = Roster::new(pool.room);
        if !bundle.is_empty() && !alone.would_contain(member, &bundle) {
            let bundle: Vec<String> = bundle.iter().map(told).collect();
            return Some(format!(
                "a bundle does not prove {member:?}:\n{}",
                bundle.join("\n")
            ));
        }
    }
    None
}

// ---- running them --------------------------------------------------------------------------------

type Property = fn(&Pool, &[Message], &mut Dice) -> Option<String>;

/// Holds a property over the rooms of many seeds, several prefixes of each.
fn hold(property: Property, cases: u64) {
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    std::thread::scope(|scope| {
        let share = cases.div_ceil(cores);
        let workers: Vec<_> = (0..cores)
            .map(|core| scope.spawn(move || hold_seeds(property, core * share..(core + 1) * share)))
            .collect();
        for worker in workers {
            if let Err(panic) = worker.join() {
                std::panic::resume_unwind(panic);
            }
        }
    });
}

fn hold_seeds(property: Property, cases: Range<u64>) {
    const SETS_OF_A_ROOM: u64 = 4;
    let mut pool = Pool::new(cases.start / SETS_OF_A_ROOM);
    for case in cases {
        if case % SETS_OF_A_ROOM == 0 {
            pool = Pool::new(case / SETS_OF_A_ROOM);
        }
        let messages = pool.prefixes(&mut Dice::new(case));
        if property(&pool, &messages, &mut Dice::new(case)).is_some() {
            let (smaller, what) = shrink(property, &pool, messages, case);
            let acts: Vec<String> = smaller.iter().map(told).collect();
            panic!("case {case}:\n{}\n{what}", acts.join("\n"));
        }
    }
}

/// Leaves out whatever may be left out while the property still fails.
fn shrink(
    property: Property,
    pool: &Pool,
    messages: Vec<Message>,
    case: u64,
) -> (Vec<Message>, String) {
    let fails = |messages: &[Message]| {
        (0..6).find_map(|salt| property(pool, messages, &mut Dice::new(case ^ (salt << 40))))
    };
    let mut smallest = messages;
    let mut at = smallest.len();
    while at > 0 {
        at -= 1;
        let leaf = smallest[at].id();
        let mut fewer = smallest.clone();
        fewer.remove(at);
        let is_leaf = !fewer
            .iter()
            .any(|message| message.header().prev == Some(leaf));
        if is_leaf && fails(&fewer).is_some() {
            smallest = fewer;
            at = smallest.len();
        }
    }
    let what = fails(&smallest).unwrap_or_default();
    (smallest, what)
}

/// A message in one line.
fn told(message: &Message) -> String {
    let header = message.header();
    let who = (0..pool::PEOPLE).find(|number| person(*number) == header.author);
    let body = format!("{:?}", message.body());
    format!(
        "{} of {who:?} = {:?}, chain {} seq {} ts {}: {body}",
        message.id().short(),
        header.author,
        header.chain.0,
        header.seq.0,
        header.ts.0,
    )
}

#[test]
fn every_order_gives_the_same_roster() {
    hold(every_order, CASES);
}

#[test]
fn the_roster_is_what_the_text_says() {
    hold(as_the_text_says, REFERENCE_CASES);
}

#[test]
fn adding_what_does_not_count_changes_nothing() {
    hold(what_does_not_count_changes_nothing, CASES);
}

#[test]
fn who_was_removed_stays_out_and_the_root_stands() {
    hold(removed_stays_removed_and_the_root_stands, CASES);
}

#[test]
fn readers_are_told_what_counts() {
    hold(bounds_say_what_counts, CASES);
}

#[test]
fn a_bundle_proves_every_member() {
    hold(bundles_prove, CASES / 4);
}

/// The rooms do have what the properties are about.
#[test]
fn the_rooms_are_worth_looking_at() {
    let (mut removed, mut left, mut voided, mut lifted, mut over, mut forked) = (0, 0, 0, 0, 0, 0);
    for seed in 0..300 {
        let pool = Pool::new(seed);
        let roster = loaded(&pool, &pool.messages);
        let former = roster.former();
        removed += former.values().filter(|former| former.removed).count();
        left += former.values().filter(|former| former.left).count();
        voided += former
            .values()
            .filter(|former| !former.left && !former.removed)
            .count();
        over += roster
            .members()
            .values()
            .filter(|member| member.over)
            .count();
        lifted += roster
            .invites()
            .iter()
            .filter(|invite| !invite.lifts.is_empty())
            .count();
        let places: BTreeSet<_> = pool
            .messages
            .iter()
            .map(|m| (m.header().author, m.header().chain, m.header().seq))
            .collect();
        forked += pool.messages.len() - places.len();
    }
    for (count, what) in [
        (removed, "removed"),
        (left, "left"),
        (voided, "voided"),
        (lifted, "lifted"),
        (over, "over"),
        (forked, "forked"),
    ] {
        assert!(count > 50, "only {count} {what}");
    }
}
