//! Which summary of the room stands: the newest that counts, by somebody whose words reach the reader's agent.

use std::collections::BTreeMap;

use cc_log::{LogWriter, ReadError, RosterView, Storage, Trust};
use cc_proto::body::{Body, Kind};
use cc_proto::id::{ArrivalNo, AuthorId, MessageId, Timestamp};
use cc_proto::message::{Header, Message};

/// How many of a log's newest lines are looked through for summaries when it is opened.
const LINES_LOOKED_AT_MAX: u64 = 100_000;
/// How many summaries of one author are remembered: should the newest be taken back, an older one stands.
const PER_AUTHOR_MAX: usize = 4;

/// What is known of the room's summaries.
#[derive(Debug, Default)]
pub(super) struct Summaries {
    /// Of each author the newest, the newest in front.
    known: BTreeMap<AuthorId, Vec<Standing>>,
    /// Whether something was taken in or forgotten since it was last asked.
    changed: bool,
}

#[derive(Debug)]
struct Standing {
    age: Age,
    header: Header,
    id: MessageId,
}

/// What makes one summary newer than another. Its author's clock, as those that come with history arrive in any order;
/// but no later than it arrived, lest a clock that is ahead keep the place for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Age {
    ts: Timestamp,
    n: ArrivalNo,
}

impl Summaries {
    /// Those in the log.
    pub fn load<S: Storage>(log: &LogWriter<S>) -> Result<Self, ReadError> {
        let mut summaries = Self::default();
        let lines = log.newest_of_kind(Kind::Summary, LINES_LOOKED_AT_MAX, PER_AUTHOR_MAX)?;
        for line in lines {
            if let Ok(message) = &line.message {
                summaries.take(message, line.n, line.at);
            }
        }
        summaries.changed = false;
        Ok(summaries)
    }

    /// Whether something changed since this was last asked, or since they were loaded.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// Takes in a message that was stored, if it is a summary.
    pub fn take(&mut self, message: &Message, n: ArrivalNo, at: Timestamp) {
        if !matches!(message.body(), Some(Body::Summary(_))) {
            return;
        }
        self.changed = true;
        let header = message.header();
        let theirs = self.known.entry(header.author).or_default();
        theirs.push(Standing {
            age: Age {
                ts: header.ts.min(at),
                n,
            },
            header: header.clone(),
            id: message.id(),
        });
        theirs.sort_by_key(|standing| std::cmp::Reverse(standing.age));
        theirs.truncate(PER_AUTHOR_MAX);
    }

    /// Forgets one that was taken back.
    pub fn forget(&mut self, author: &AuthorId, id: &MessageId) {
        if let Some(theirs) = self.known.get_mut(author) {
            let before = theirs.len();
            theirs.retain(|standing| standing.id != *id);
            self.changed |= theirs.len() < before;
        }
    }

    /// The line of the one that stands.
    pub fn newest(&self, view: &RosterView) -> Option<ArrivalNo> {
        let people = self.known.iter();
        let trusted = people.filter(|(author, _)| view.trust(author) == Trust::Inline);
        let counting = trusted.filter_map(|(_, theirs)| {
            theirs
                .iter()
                .find(|standing| !view.voids(&standing.header, &standing.id))
        });
        let newest = counting.map(|standing| standing.age).max();
        newest.map(|age| age.n)
    }
}
