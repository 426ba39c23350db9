//! How much agents may say in a room: a rate that those who speak share, and an end to agents that only answer each other.
//!
//! Pure: what was said and the time are arguments. Each machine holds its own agents to it, by what is in its own log;
//! that is what stops a loop between honest machines. Against others there is flood control, which binds everybody.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use cc_proto::id::{AuthorId, Timestamp};
use cc_proto::limits::{
    AGENT_MESSAGES_PER_MINUTE, AGENT_NOTES_PER_MINUTE, AGENT_RUN_MAX, AGENT_RUN_MS,
};

const MINUTE_MS: u64 = 60 * 1000;
/// No more is remembered: more than the rate lets through in the longest time that counts is never looked at.
const KEPT_MAX: usize = 4096;

/// By whom a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Voice {
    /// A person.
    Person,
    /// An agent that says something.
    Agent,
    /// An agent that tells a status or an error: it asks for no answer.
    Note,
}

/// Why an agent is held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeldBack {
    /// Agents of several members answered each other for so long that a person should have a look.
    Run {
        /// How many messages in a row.
        run: u64,
        /// When the oldest of them is forgotten, in milliseconds from now.
        wait_ms: u64,
    },
    /// The agents of this machine said as much in the last minute as they may.
    Rate {
        /// Their share of the room's rate, a minute.
        share: u64,
        /// When they may go on, in milliseconds from now.
        wait_ms: u64,
    },
}

/// What was said in a room of late, as far as it matters here.
#[derive(Debug, Default)]
pub struct Pace {
    said: VecDeque<(Timestamp, AuthorId, Voice)>,
}

impl Pace {
    /// Takes a message into account that was written at `at`; gives the length of the row where, by it, agents of several
    /// members have all said in it what they may.
    pub fn note(
        &mut self,
        at: Timestamp,
        author: AuthorId,
        voice: Voice,
        now: Timestamp,
    ) -> Option<u64> {
        let was_stopped = self.is_stopped(now);
        if self.said.len() == KEPT_MAX {
            self.said.pop_front();
        }
        self.said.push_back((at, author, voice));
        (!was_stopped && self.is_stopped(now)).then(|| self.run(now))
    }

    /// The agents' messages in a row since a person spoke, where agents of several members are among them; else 0.
    pub fn run(&self, now: Timestamp) -> u64 {
        let row = self.row(now);
        if row.len() > 1 { row.values().sum() } else { 0 }
    }

    /// Whether agents of several members have all said in a row what they may.
    pub fn is_stopped(&self, now: Timestamp) -> bool {
        let row = self.row(now);
        let share = AGENT_RUN_MAX / (row.len() as u64).max(1);
        row.len() > 1 && row.values().all(|said| *said >= share.max(1))
    }

    /// Whether an agent of `me` may say something now.
    ///
    /// # Errors
    /// [`HeldBack`] says why not, and for how long.
    pub fn may(&self, me: &AuthorId, voice: Voice, now: Timestamp) -> Result<(), HeldBack> {
        match voice {
            Voice::Person => Ok(()),
            Voice::Note => self.within(me, voice, AGENT_NOTES_PER_MINUTE, now),
            Voice::Agent => {
                let mut row = self.row(now);
                let mine = *row.entry(*me).or_default();
                let share = AGENT_RUN_MAX / row.len() as u64;
                if row.len() > 1 && mine >= share.max(1) {
                    let oldest = self.since_person(now).filter(|(_, author)| author == me);
                    let oldest = oldest.map(|(at, _)| at).min();
                    return Err(HeldBack::Run {
                        run: row.values().sum(),
                        wait_ms: oldest.map_or(0, |at| until_past(at, AGENT_RUN_MS, now)),
                    });
                }
                self.within(me, voice, self.share(me, now), now)
            }
        }
    }

    /// How much the agents of each member said since a person spoke.
    fn row(&self, now: Timestamp) -> BTreeMap<AuthorId, u64> {
        let mut row = BTreeMap::new();
        for (_, author) in self.since_person(now) {
            *row.entry(author).or_default() += 1;
        }
        row
    }

    fn since_person(&self, now: Timestamp) -> impl Iterator<Item = (Timestamp, AuthorId)> {
        let row = self.said.iter().rev();
        row.take_while(|(_, _, voice)| *voice != Voice::Person)
            .filter(move |(at, _, voice)| {
                *voice == Voice::Agent && now.0.saturating_sub(at.0) < AGENT_RUN_MS
            })
            .map(|(at, author, _)| (*at, *author))
    }

    /// What each member whose agents speak may have them say in a minute; `me` is one of them.
    fn share(&self, me: &AuthorId, now: Timestamp) -> u64 {
        let mut speakers: BTreeSet<AuthorId> = self
            .last_minute(now)
            .filter(|(_, _, voice)| *voice == Voice::Agent)
            .map(|(_, author, _)| *author)
            .collect();
        speakers.insert(*me);
        (AGENT_MESSAGES_PER_MINUTE / speakers.len() as u64).max(1)
    }

    fn within(
        &self,
        me: &AuthorId,
        voice: Voice,
        share: u64,
        now: Timestamp,
    ) -> Result<(), HeldBack> {
        let mine: Vec<Timestamp> = self
            .last_minute(now)
            .filter(|(_, author, of)| author == me && *of == voice)
            .map(|(at, _, _)| *at)
            .collect();
        let over = mine.len().checked_sub(share as usize);
        // The newest first: room is made when the one is past that leaves one fewer than the share.
        match over {
            None => Ok(()),
            Some(_) => Err(HeldBack::Rate {
                share,
                wait_ms: until_past(mine[share as usize - 1], MINUTE_MS, now),
            }),
        }
    }

    fn last_minute(&self, now: Timestamp) -> impl Iterator<Item = &(Timestamp, AuthorId, Voice)> {
        let recent = move |(at, _, _): &&(Timestamp, AuthorId, Voice)| {
            now.0.saturating_sub(at.0) < MINUTE_MS
        };
        self.said.iter().rev().filter(recent)
    }
}

/// How long until something that was at `at` lies further back than `ms`.
fn until_past(at: Timestamp, ms: u64, now: Timestamp) -> u64 {
    at.0.saturating_add(ms).saturating_sub(now.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 10 * AGENT_RUN_MS;

    fn author(byte: u8) -> AuthorId {
        AuthorId::from_bytes([byte; 32])
    }

    /// `(seconds ago, author, voice)`, the oldest first.
    fn pace(said: &[(u64, u8, Voice)]) -> Pace {
        let mut pace = Pace::default();
        for (ago, by, voice) in said {
            pace.note(
                Timestamp(NOW - ago * 1000),
                author(*by),
                *voice,
                Timestamp(NOW),
            );
        }
        pace
    }

    fn may(pace: &Pace, voice: Voice) -> Result<(), HeldBack> {
        pace.may(&author(1), voice, Timestamp(NOW))
    }

    #[test]
    fn agents_that_only_answer_each_other_are_stopped_until_a_person_speaks() {
        let mut said = Vec::new();
        for at in 0..AGENT_RUN_MAX {
            let who = 1 + (at % 2) as u8;
            let may = pace(&said).may(&author(who), Voice::Agent, Timestamp(NOW));
            assert_eq!(may, Ok(()), "after {at}");
            said.push((3000 - at, who, Voice::Agent));
        }
        let full = pace(&said);
        let wait_ms = AGENT_RUN_MS - 3000 * 1000;
        let run = AGENT_RUN_MAX;
        assert_eq!(
            may(&full, Voice::Agent),
            Err(HeldBack::Run { run, wait_ms })
        );
        assert_eq!(full.run(Timestamp(NOW)), AGENT_RUN_MAX);
        assert_eq!(may(&full, Voice::Note), Ok(()));

        said.push((1, 3, Voice::Person));
        assert_eq!(may(&pace(&said), Voice::Agent), Ok(()));
        assert_eq!(pace(&said).run(Timestamp(NOW)), 0);
    }

    #[test]
    fn what_lies_further_back_than_counts_is_forgotten() {
        let long_ago = AGENT_RUN_MS / 1000;
        let said: Vec<_> = (0..AGENT_RUN_MAX)
            .map(|at| (long_ago + 9 - at, 1 + (at % 2) as u8, Voice::Agent))
            .collect();
        assert_eq!(may(&pace(&said), Voice::Agent), Ok(()));
    }

    #[test]
    fn who_writes_much_leaves_the_others_their_share_of_a_row() {
        let mut said: Vec<_> = (0..3 * AGENT_RUN_MAX)
            .map(|at| (3000 - at, 2, Voice::Agent))
            .collect();
        for at in 0..AGENT_RUN_MAX / 2 {
            assert_eq!(may(&pace(&said), Voice::Agent), Ok(()), "after {at}");
            said.push((100 - at, 1, Voice::Agent));
        }
        assert!(may(&pace(&said), Voice::Agent).is_err());
        assert!(pace(&said).is_stopped(Timestamp(NOW)));
    }

    #[test]
    fn one_members_agents_alone_are_no_conversation() {
        let said: Vec<_> = (0..3 * AGENT_RUN_MAX)
            .map(|at| (3000 - at, 1, Voice::Agent))
            .collect();
        assert_eq!(may(&pace(&said), Voice::Agent), Ok(()));
        assert_eq!(pace(&said).run(Timestamp(NOW)), 0);
        // Another member's agent may answer, and that makes it one.
        let mut said = said;
        let other = pace(&said).may(&author(2), Voice::Agent, Timestamp(NOW));
        assert_eq!(other, Ok(()));
        said.push((1, 2, Voice::Agent));
        let held = may(&pace(&said), Voice::Agent);
        assert!(matches!(held, Err(HeldBack::Run { .. })), "{held:?}");
    }

    #[test]
    fn notes_neither_count_nor_end_a_run() {
        let mut said = Vec::new();
        for at in 0..AGENT_RUN_MAX {
            said.push((3000 - at, 1 + (at % 2) as u8, Voice::Agent));
            said.push((3000 - at, 2, Voice::Note));
        }
        let held = may(&pace(&said), Voice::Agent);
        assert!(
            matches!(
                held,
                Err(HeldBack::Run {
                    run: AGENT_RUN_MAX,
                    ..
                })
            ),
            "{held:?}"
        );
    }

    #[test]
    fn the_rate_is_shared_by_those_who_speak() {
        let alone: Vec<_> = (0..AGENT_MESSAGES_PER_MINUTE)
            .map(|at| (50 - at, 1, Voice::Agent))
            .collect();
        assert_eq!(may(&pace(&alone[1..]), Voice::Agent), Ok(()));
        let share = AGENT_MESSAGES_PER_MINUTE;
        let wait_ms = 10_000;
        assert_eq!(
            may(&pace(&alone), Voice::Agent),
            Err(HeldBack::Rate { share, wait_ms })
        );

        // A person in between, so that it is the rate and not the run.
        let mut both: Vec<_> = alone[..share as usize / 2].to_vec();
        both.push((20, 2, Voice::Agent));
        both.push((19, 3, Voice::Person));
        let share = share / 2;
        let held = may(&pace(&both), Voice::Agent);
        assert_eq!(held, Err(HeldBack::Rate { share, wait_ms }));
        assert_eq!(may(&pace(&both[1..]), Voice::Agent), Ok(()));
    }

    #[test]
    fn notes_have_a_rate_of_their_own() {
        let notes: Vec<_> = (0..AGENT_NOTES_PER_MINUTE)
            .map(|at| (30 - at, 1, Voice::Note))
            .collect();
        assert_eq!(may(&pace(&notes), Voice::Agent), Ok(()));
        assert!(may(&pace(&notes), Voice::Note).is_err());
        assert_eq!(may(&pace(&notes[1..]), Voice::Note), Ok(()));
    }
}
