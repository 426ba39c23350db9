//! Several events at the same time.

use super::{Case, case};
use crate::expect::count;
use crate::process::Running;
use crate::report::{Checked, Stop};
use crate::room::{BOB, now};
use crate::world::World;

const SECTION: &str = "log.md#cursors";
/// How many are asked at once.
const AT_ONCE: usize = 6;
/// Then a session is asked by itself for what nobody was told, a few times at most.
const AFTER: usize = 6;

pub(super) const CASES: &[Case] = &[
    case(
        "one-session-at-once",
        SECTION,
        "of several events of one session at once, each message is told by just one",
        one_session,
    ),
    case(
        "two-sessions-at-once",
        SECTION,
        "of events of two sessions at once, each message is told once in each",
        two_sessions,
    ),
    case(
        "while-it-is-written",
        SECTION,
        "messages that come in between are told once, none is lost",
        while_written,
    ),
];

fn words(from: usize, to: usize) -> Vec<String> {
    (from..to).map(|n| format!("message-{n:03}")).collect()
}

/// Starts an event of each of these sessions, and then waits for all; gives what each was told.
fn at_once(world: &World<'_>, sessions: &[&str]) -> Checked<Vec<(usize, String)>> {
    let mut running: Vec<(usize, Running)> = Vec::new();
    let from = now();
    for (at, session) in sessions.iter().enumerate() {
        running.push((at, world.start(&world.ask(session))?));
    }
    let mut told = Vec::new();
    for (at, run) in running {
        let ended = run.end()?;
        let answer = world.judge(&world.ask(sessions[at]), &ended, from)?;
        told.extend(answer.text.map(|text| (at, text)));
    }
    Ok(told)
}

/// Asks a session until it has nothing to say.
fn rest(world: &World<'_>, session: &str, told: &mut Vec<String>) -> Checked {
    for _ in 0..AFTER {
        match world.patiently(&world.ask(session))?.text {
            Some(text) => told.push(text),
            None => break,
        }
    }
    Ok(())
}

fn each_once(told: &[String], words: &[String]) -> Checked {
    for (word, times) in count(told, words) {
        if times != 1 {
            return Err(Stop::fault(
                "each message once",
                format!("{word} {times} times"),
            ));
        }
    }
    Ok(())
}

fn one_session(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    for round in 0..4 {
        let words = words(round * 10, round * 10 + 10);
        room.say_all(BOB, &words)?;
        let told = at_once(world, &["s1"; AT_ONCE])?;
        let mut texts: Vec<String> = told.into_iter().map(|(_, text)| text).collect();
        rest(world, "s1", &mut texts)?;
        each_once(&texts, &words)?;
    }
    Ok(())
}

fn two_sessions(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    for round in 0..3 {
        let words = words(round * 10, round * 10 + 10);
        room.say_all(BOB, &words)?;
        let told = at_once(world, &["s1", "s2", "s1", "s2", "s1", "s2"])?;
        for (of, session) in ["s1", "s2"].into_iter().enumerate() {
            let mine = told.iter().filter(|(at, _)| at % 2 == of);
            let mut texts: Vec<String> = mine.map(|(_, text)| text.clone()).collect();
            rest(world, session, &mut texts)?;
            each_once(&texts, &words)?;
        }
    }
    Ok(())
}

fn while_written(world: &mut World<'_>) -> Checked {
    let mut room = world.trip()?;
    let words = words(0, 60);
    let mut texts = Vec::new();
    for chunk in words.chunks(10) {
        let from = now();
        let run = world.start(&world.ask("s1"))?;
        for word in chunk {
            room.say(BOB, word)?;
        }
        let answer = world.judge(&world.ask("s1"), &run.end()?, from)?;
        texts.extend(answer.text);
    }
    rest(world, "s1", &mut texts)?;
    each_once(&texts, &words)
}
