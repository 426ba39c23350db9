//! What of the unread lines is to be told of: not what the view voids or mutes, and what was erased. Cheap: a view that
//! withholds nothing costs two records, another one the records of the unread lines, and no line of
//! theirs but one a branch of somebody who was cut.

use std::collections::{BTreeMap, BTreeSet};

use cc_proto::id::{ArrivalNo, AuthorId, ChainId};

use crate::error::ReadError;
use crate::index::NO_BRANCH;
use crate::outline::{Outline, author_tag};
use crate::reader::LogReader;
use crate::record::{PREFIX_BYTES, id_prefix};
use crate::storage::Storage;
use crate::view::{RosterView, Trust, ViewCut};

/// How much of the index is looked at in one go: little memory, which is then used again.
const OUTLINES_AT_ONCE: u64 = 250;
/// How many of the newest unread lines are judged one by one. A hook has 200 ms: of a longer backlog the older
/// lines are counted as the index counts them, whoever wrote them.
pub const JUDGED_LINES_MAX: u64 = 200_000;

/// What is unread.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Census {
    /// How many messages are to be told of; a damaged line is one, its repair none.
    pub unread: u64,
    /// The newest of them in order of arrival, repairs too.
    pub newest: Vec<Outline>,
    /// How many there are by each of those of whom only that is to be said.
    pub noticed: BTreeMap<AuthorId, u64>,
}

impl<S: Storage> LogReader<S> {
    /// Looks through lines `after + 1..=through` by the view; at most `newest_max` of the newest are listed.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn census(
        &self,
        view: &RosterView,
        after: ArrivalNo,
        through: ArrivalNo,
        newest_max: usize,
    ) -> Result<Census, ReadError> {
        let mut judge = Judge::new(self, view);
        let passes = judge.lets_all_pass();
        let mut census = Census::default();
        let mut to = through.min(self.len());
        let judged_after = ArrivalNo(to.0.saturating_sub(JUDGED_LINES_MAX).max(after.0));
        let counted_after = if passes { to } else { judged_after };
        census.unread = self.injectable_between(after, counted_after)?;
        while to > judged_after {
            let is_listed = census.newest.len() >= newest_max || census.unread == 0;
            if passes && is_listed {
                break;
            }
            let before = ArrivalNo(to.0.saturating_sub(OUTLINES_AT_ONCE).max(judged_after.0));
            let outlines = self.outlines(ArrivalNo(before.0 + 1), to)?.into_iter();
            for outline in outlines.rev().filter(|it| it.flags.injectable()) {
                let counts = u64::from(!outline.flags.repair());
                match judge.verdict(&outline)? {
                    Verdict::Tell => {
                        census.unread += if passes { 0 } else { counts };
                        if census.newest.len() < newest_max {
                            census.newest.push(outline);
                        }
                    }
                    Verdict::Notice(author) => *census.noticed.entry(author).or_default() += counts,
                    Verdict::Withhold => {}
                }
            }
            to = before;
        }
        census.noticed.retain(|_, count| *count > 0);
        census.newest.reverse();
        Ok(census)
    }
}

enum Verdict {
    Tell,
    Notice(AuthorId),
    Withhold,
}

/// What the view says of somebody of whom not everything is told.
struct Rule<'a> {
    author: AuthorId,
    trust: Trust,
    cuts: Vec<&'a ViewCut>,
}

/// The view, for judging by outlines.
struct Judge<'a, S: Storage> {
    log: &'a LogReader<S>,
    rules: BTreeMap<u64, Rule<'a>>,
    strays: BTreeSet<[u8; PREFIX_BYTES]>,
    /// The chain of each branch that was met; `None` where it could not be read.
    chains: BTreeMap<u32, Option<ChainId>>,
}

impl<'a, S: Storage> Judge<'a, S> {
    fn new(log: &'a LogReader<S>, view: &'a RosterView) -> Self {
        let people = view.members.iter().chain(&view.former);
        let withheld = people.filter(|person| person.trust != Trust::Inline);
        let trusts = withheld.map(|person| (person.author, Some(person.trust), None));
        let cuts = view.cuts.iter().map(|cut| (cut.author, None, Some(cut)));
        let mut rules: BTreeMap<u64, Rule<'a>> = BTreeMap::new();
        for (author, trust, cut) in trusts.chain(cuts) {
            let rule = rules.entry(author_tag(&author)).or_insert_with(|| Rule {
                author,
                trust: Trust::Inline,
                cuts: Vec::new(),
            });
            rule.trust = trust.unwrap_or(rule.trust);
            rule.cuts.extend(cut);
        }
        Self {
            log,
            rules,
            strays: view.strays.iter().map(id_prefix).collect(),
            chains: BTreeMap::new(),
        }
    }

    fn lets_all_pass(&self) -> bool {
        self.rules.is_empty() && self.strays.is_empty()
    }

    fn verdict(&mut self, outline: &Outline) -> Result<Verdict, ReadError> {
        if self.strays.contains(&outline.id) {
            return Ok(Verdict::Withhold);
        }
        let Some(rule) = self.rules.get(&outline.author_tag) else {
            return Ok(Verdict::Tell);
        };
        if !rule.cuts.is_empty() {
            let chain = chain_of(self.log, &mut self.chains, outline)?;
            let voids = |chain| rule.cuts.iter().any(|cut| cut.voids(chain, outline.seq));
            // A line that cannot be read may be one that counts: it is told of as any that is damaged.
            if chain.is_some_and(voids) {
                return Ok(Verdict::Withhold);
            }
        }
        Ok(match rule.trust {
            Trust::Inline => Verdict::Tell,
            Trust::Notice => Verdict::Notice(rule.author),
            Trust::Muted => Verdict::Withhold,
        })
    }
}

/// The chain of a message: all of a branch are of one.
fn chain_of<S: Storage>(
    log: &LogReader<S>,
    chains: &mut BTreeMap<u32, Option<ChainId>>,
    outline: &Outline,
) -> Result<Option<ChainId>, ReadError> {
    if let Some(Some(chain)) = chains.get(&outline.branch) {
        return Ok(Some(*chain));
    }
    let line = log.line_of(outline)?;
    let chain = line.message.ok().map(|message| message.header().chain);
    if outline.branch != NO_BRANCH {
        chains.insert(outline.branch, chain);
    }
    Ok(chain)
}
