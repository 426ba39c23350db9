//! Every chain as branches, so that any place is one look-up whatever the forks.
//!
//! A chain that never forked is one branch from place 1. A message that follows one which is no
//! tip begins a further branch at its own place. A branch's messages are found through its blocks
//! of `index/places`.

use std::collections::HashMap;

use cc_proto::id::{AuthorId, ChainId, Head, MessageId, Seq};

use crate::entries::{BLOCK_ENTRIES, Slot};

/// Names a chain.
pub(crate) type ChainKey = (AuthorId, ChainId);

/// Part of a chain in which each place holds at most one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Branch {
    pub author: AuthorId,
    pub chain: ChainId,
    /// The first place.
    pub base: Seq,
    /// The last place and the message there.
    pub tip: (Seq, MessageId),
    /// The branch's blocks, in order of place.
    pub blocks: Vec<u32>,
}

impl Branch {
    /// Where the entry of a place stands; `None` outside the branch.
    pub fn slot(&self, seq: Seq) -> Option<Slot> {
        let at = seq.0.checked_sub(self.base.0)?;
        let block = self.blocks.get((at / BLOCK_ENTRIES) as usize)?;
        (seq <= self.tip.0).then(|| Slot(u64::from(*block) * BLOCK_ENTRIES + at % BLOCK_ENTRIES))
    }
}

/// All branches of a room.
#[derive(Debug, Clone, Default)]
pub(crate) struct Branches {
    branches: Vec<Branch>,
    by_chain: HashMap<ChainKey, Vec<u32>>,
    blocks: u32,
}

/// How to take a change back.
#[derive(Debug, Clone, Copy)]
pub(crate) enum BranchUndo {
    /// The newest branch was begun.
    Begun,
    /// A branch grew from this tip and this many blocks.
    Grown {
        branch: u32,
        tip: (Seq, MessageId),
        blocks: usize,
    },
    /// An entry of a place was filled in; the file of entries knows.
    Filled,
}

impl Branches {
    pub fn from_parts(branches: Vec<Branch>, blocks: u32) -> Self {
        let mut by_chain: HashMap<ChainKey, Vec<u32>> = HashMap::new();
        for (at, branch) in branches.iter().enumerate() {
            by_chain
                .entry((branch.author, branch.chain))
                .or_default()
                .push(at as u32);
        }
        Self {
            branches,
            by_chain,
            blocks,
        }
    }

    pub fn all(&self) -> &[Branch] {
        &self.branches
    }

    /// Blocks in use.
    pub fn blocks(&self) -> u32 {
        self.blocks
    }

    /// The branches of a chain, oldest first.
    pub fn of(&self, key: &ChainKey) -> impl Iterator<Item = (u32, &Branch)> {
        let numbers = self.by_chain.get(key).map_or(&[][..], Vec::as_slice);
        numbers.iter().map(|at| (*at, &self.branches[*at as usize]))
    }

    /// The branch whose tip is `before`.
    pub fn with_tip(&self, key: &ChainKey, before: (Seq, MessageId)) -> Option<u32> {
        self.of(key)
            .find(|(_, branch)| branch.tip == before)
            .map(|(at, _)| at)
    }

    /// Begins a branch at `base` and moves its tip; the places between are empty.
    pub fn begin(&mut self, key: ChainKey, base: Seq, tip: (Seq, MessageId)) -> (u32, BranchUndo) {
        let number = self.branches.len() as u32;
        let (author, chain) = key;
        self.branches.push(Branch {
            author,
            chain,
            base,
            tip,
            blocks: Vec::new(),
        });
        self.by_chain.entry(key).or_default().push(number);
        self.grow_to(number, tip.0);
        (number, BranchUndo::Begun)
    }

    /// Moves the tip of a branch.
    pub fn grow(&mut self, number: u32, tip: (Seq, MessageId)) -> BranchUndo {
        let branch = &mut self.branches[number as usize];
        let undo = BranchUndo::Grown {
            branch: number,
            tip: branch.tip,
            blocks: branch.blocks.len(),
        };
        branch.tip = tip;
        self.grow_to(number, tip.0);
        undo
    }

    fn grow_to(&mut self, number: u32, seq: Seq) {
        let branch = &mut self.branches[number as usize];
        let wanted = (seq.0 - branch.base.0) / BLOCK_ENTRIES + 1;
        while (branch.blocks.len() as u64) < wanted {
            branch.blocks.push(self.blocks);
            self.blocks += 1;
        }
    }

    /// Takes changes back, the newest first.
    pub fn undo(&mut self, undo: BranchUndo) {
        match undo {
            BranchUndo::Begun => {
                let Some(branch) = self.branches.pop() else {
                    return;
                };
                self.blocks -= branch.blocks.len() as u32;
                let key = (branch.author, branch.chain);
                if let Some(numbers) = self.by_chain.get_mut(&key) {
                    numbers.pop();
                    if numbers.is_empty() {
                        self.by_chain.remove(&key);
                    }
                }
            }
            BranchUndo::Grown {
                branch,
                tip,
                blocks,
            } => {
                let branch = &mut self.branches[branch as usize];
                self.blocks -= (branch.blocks.len() - blocks) as u32;
                branch.blocks.truncate(blocks);
                branch.tip = tip;
            }
            BranchUndo::Filled => {}
        }
    }

    /// Every tip.
    pub fn heads(&self) -> Vec<Head> {
        let mut heads: Vec<Head> = self
            .branches
            .iter()
            .map(|branch| Head {
                author: branch.author,
                chain: branch.chain,
                seq: branch.tip.0,
                id: branch.tip.1,
            })
            .collect();
        heads.sort_unstable();
        heads
    }

    /// The places that hold more than one message, once for every message beyond the first.
    pub fn forks(&self) -> Vec<(AuthorId, ChainId, Seq)> {
        let mut forks = Vec::new();
        for ((author, chain), numbers) in self.by_chain.iter().filter(|(_, at)| at.len() > 1) {
            let spans = || numbers.iter().map(|at| &self.branches[*at as usize]);
            // A first branch shares nothing yet: what later ones share is counted at them.
            for (at, branch) in spans().enumerate().skip(1) {
                for seq in branch.base.0..=branch.tip.0.0 {
                    let shared = spans()
                        .take(at)
                        .any(|other| (other.base.0..=other.tip.0.0).contains(&seq));
                    if shared {
                        forks.push((*author, *chain, Seq(seq)));
                    }
                }
            }
        }
        forks.sort_unstable();
        forks
    }
}
