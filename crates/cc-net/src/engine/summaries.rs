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

#[cfg(test)]
mod tests {
    use cc_log::FsStorage;
    use cc_proto::body::Summary;
    use cc_proto::clock::Now;
    use cc_proto::identity::Identity;
    use cc_proto::room::{Act, Input};

    use super::super::{EngineConfig, RoomEngine};
    use super::*;

    const WALL: u64 = 1_800_000_000_000;

    struct Bench {
        home: tempfile::TempDir,
        engine: Option<RoomEngine>,
        ms: u64,
    }

    impl Bench {
        fn engine(&mut self) -> &mut RoomEngine {
            self.engine.as_mut().unwrap()
        }

        fn turn(&mut self, input: Input) -> Vec<(ArrivalNo, Message)> {
            self.ms += 1000;
            let now = at(self.ms);
            let turn = self.engine().turn(vec![input], now);
            assert!(turn.drafts.iter().all(|(_, draft)| draft.is_ok()));
            let appended = turn.appended.into_iter();
            appended.map(|line| (line.n, line.message)).collect()
        }

        fn sum_up(&mut self, text: &str) -> (ArrivalNo, Message) {
            let through = MessageId::from_bytes([7; 32]);
            let text = text.to_owned();
            let draft = Input::Draft {
                token: 1,
                body: Body::Summary(Summary { text, through }),
                via: String::new(),
                re: None,
            };
            self.turn(draft).pop().unwrap()
        }

        fn shown(&mut self) -> Option<u64> {
            let view = RosterView::load(self.engine().dir()).unwrap().unwrap();
            view.summary
        }
    }

    fn at(ms: u64) -> Now {
        Now {
            wall: Timestamp(WALL + ms),
            mono_ms: ms,
        }
    }

    fn config() -> EngineConfig {
        EngineConfig {
            identity: Identity::from_seed([1; 32]),
            gossip: false,
            seed: [2; 32],
        }
    }

    #[test]
    fn the_view_names_the_newest_summary_that_counts() {
        let home = tempfile::tempdir().unwrap();
        let engine =
            RoomEngine::create(FsStorage, home.path(), config(), "db", "alice", at(0)).unwrap();
        let mut bench = Bench {
            home,
            engine: Some(engine),
            ms: 0,
        };
        assert_eq!(bench.shown(), None);
        let (first, _) = bench.sum_up("one");
        assert_eq!(bench.shown(), Some(first.0));
        let (second, message) = bench.sum_up("two");
        assert_eq!(bench.shown(), Some(second.0));

        let header = message.header().clone();
        bench.turn(Input::Act {
            token: 2,
            act: Act::Retract {
                author: header.author,
                chain: header.chain,
                seq: header.seq,
                message: message.id(),
            },
        });
        assert_eq!(bench.shown(), Some(first.0), "the second was taken back");

        // It is found again where the room is opened anew.
        let dir = bench.engine().dir().to_owned();
        bench.engine.take().unwrap().close().unwrap();
        let engine = RoomEngine::open(FsStorage, &dir, config(), at(100_000)).unwrap();
        bench.engine = Some(engine);
        assert_eq!(bench.shown(), Some(first.0));
        drop(bench.home);
    }

    #[test]
    fn a_clock_that_is_ahead_does_not_keep_the_place_and_trust_is_heeded() {
        let [me, bob] = [1, 2].map(|seed| Identity::from_seed([seed; 32]).author());
        let room = cc_proto::id::RoomId::from_bytes([9; 32]);
        let mut summaries = Summaries::default();
        let mut take = |who: u8, n: u64, ts: u64, at: u64| {
            let body = Body::Summary(Summary {
                text: "x".into(),
                through: MessageId::from_bytes([7; 32]),
            });
            let new = cc_proto::message::NewMessage {
                room,
                chain: cc_proto::id::ChainId(1),
                seq: cc_proto::id::Seq::FIRST,
                prev: None,
                ts: Timestamp(ts),
                via: String::new(),
                re: None,
                body,
            };
            let message = Message::write(&Identity::from_seed([who; 32]), new).unwrap();
            summaries.take(&message, ArrivalNo(n), Timestamp(at));
        };
        take(1, 5, WALL, WALL + 90_000);
        take(2, 4, WALL + 1_000_000_000, WALL - 1);
        let mut view = RosterView::new(room, "db".into(), me, "alice".into());
        assert_eq!(summaries.newest(&view), Some(ArrivalNo(5)));
        let mut member = |author, trust| {
            view.members.push(cc_log::ViewMember {
                author,
                nick: String::new(),
                petname: None,
                root: false,
                admin: false,
                trust,
            });
            summaries.newest(&view)
        };
        assert_eq!(member(me, Trust::Notice), Some(ArrivalNo(4)));
        assert_eq!(member(bob, Trust::Muted), None);
    }
}
