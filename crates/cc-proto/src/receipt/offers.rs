//! What our own agents were shown, as far as the latest messages go.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{Offered, OfferedChain, Run, is_agent_name};
use crate::chains::ChainKey;
use crate::id::{AuthorId, ChainId, Seq};
use crate::limits;

/// A message that was shown: whose, in which chain, at which place.
pub type Shown = (AuthorId, ChainId, Seq);

/// Stands for an agent that has no name which others could be told.
const NAMELESS: &str = "agent";

/// The latest messages that our agents were shown, [`limits::RECEIPT_OFFERED_MAX`] at most.
#[derive(Debug, Clone, Default)]
pub struct Offers {
    /// Agent and message, the latest last.
    order: VecDeque<(String, Shown)>,
    agents: BTreeMap<Shown, BTreeSet<String>>,
}

impl Offers {
    /// Takes note that an agent was shown some messages. Gives whether any of that is new.
    pub fn add(&mut self, agent: &str, shown: impl IntoIterator<Item = Shown>) -> bool {
        let agent = if is_agent_name(agent) {
            agent
        } else {
            NAMELESS
        };
        let mut new = false;
        for place in shown {
            if self
                .agents
                .entry(place)
                .or_default()
                .insert(agent.to_owned())
            {
                self.order.push_back((agent.to_owned(), place));
                new = true;
            }
        }
        while self.order.len() > limits::RECEIPT_OFFERED_MAX {
            let Some((agent, place)) = self.order.pop_front() else {
                break;
            };
            if let Some(agents) = self.agents.get_mut(&place) {
                agents.remove(&agent);
                if agents.is_empty() {
                    self.agents.remove(&place);
                }
            }
        }
        new
    }

    /// The agents that were shown a message.
    pub fn agents_shown(&self, place: &Shown) -> impl Iterator<Item = &str> {
        let agents = self.agents.get(place).into_iter().flatten();
        agents.map(String::as_str)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether nothing was shown to anybody.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// The `count` latest of those that `may_tell` lets through, as a receipt lists them.
    pub fn latest(&self, count: usize, may_tell: impl Fn(&Shown) -> bool) -> Vec<Offered> {
        let told = self.order.iter().rev();
        let told = told.filter(|(_, place)| may_tell(place)).take(count);
        let mut agents: BTreeMap<&str, BTreeMap<ChainKey, BTreeSet<Seq>>> = BTreeMap::new();
        for (agent, (author, chain, seq)) in told {
            if agents.len() >= limits::RECEIPT_AGENTS_MAX && !agents.contains_key(agent.as_str()) {
                continue;
            }
            let chains = agents.entry(agent).or_default();
            chains.entry((*author, *chain)).or_default().insert(*seq);
        }
        let listed = agents.into_iter().map(|(agent, chains)| Offered {
            agent: agent.to_owned(),
            chains: chains
                .into_iter()
                .map(|((author, chain), places)| OfferedChain {
                    author,
                    chain,
                    runs: runs(&places),
                })
                .collect(),
        });
        listed.collect()
    }
}

fn runs(places: &BTreeSet<Seq>) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for place in places {
        match runs.last_mut() {
            Some(run) if run.first.0 + run.count == place.0 => run.count += 1,
            _ => runs.push(Run {
                first: *place,
                count: 1,
            }),
        }
    }
    runs
}
