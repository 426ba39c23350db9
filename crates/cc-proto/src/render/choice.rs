//! Which messages are shown where not all fit: a fair share for each author, and none for whoever only is loud.

use std::collections::BTreeMap;

use super::{CANDIDATES_MAX, Candidate, FILES_ARRIVED_MAX, MESSAGES_SHOWN_MAX, RoomUnread};
use crate::id::ArrivalNo;

/// The most messages asked of the callback, shown or not.
pub(super) const LOADS_MAX: usize = 256;

/// Which messages are shown, by room; a text for each.
pub(super) type Chosen = Vec<BTreeMap<ArrivalNo, String>>;

/// The choosing of messages under the budget.
pub(super) struct Choice<'a, F> {
    rooms: &'a [&'a RoomUnread<'a>],
    order: Vec<Place>,
    /// Bytes used by those authors, by room, of whom something is shown.
    used: BTreeMap<(u32, u64), usize>,
    /// What was asked for, shown or not.
    loaded: BTreeMap<Place, Option<String>>,
    load: F,
    left: usize,
    shown: usize,
    chosen: Chosen,
}

impl<'a, F: FnMut(&RoomUnread<'_>, ArrivalNo) -> Option<String>> Choice<'a, F> {
    pub fn new(rooms: &'a [&'a RoomUnread<'a>], left: usize, load: F) -> Self {
        Self {
            rooms,
            order: order_of_choice(rooms),
            used: BTreeMap::new(),
            loaded: BTreeMap::new(),
            load,
            left,
            shown: 0,
            chosen: vec![BTreeMap::new(); rooms.len()],
        }
    }

    pub fn run(mut self) -> Chosen {
        let author = |place: &Place| (place.0, self.candidate(*place).author_tag);
        let mut authors: Vec<(u32, u64)> = self.order.iter().map(author).collect();
        authors.sort_unstable();
        authors.dedup();
        let share = self.left / authors.len().max(1);
        self.pass(Some(share));
        self.pass(None);
        self.chosen
    }

    fn candidate(&self, (room, at): Place) -> Candidate {
        let (room, at) = (self.rooms[room as usize], at as usize);
        match at.checked_sub(room.candidates.len()) {
            None => room.candidates[at],
            Some(arrived) => room.arrived[arrived],
        }
    }

    fn pass(&mut self, share: Option<usize>) {
        let mut closed = Vec::new();
        for turn in 0..self.order.len() {
            let place = self.order[turn];
            let (room, candidate) = (place.0 as usize, self.candidate(place));
            let author = (place.0, candidate.author_tag);
            if self.chosen[room].contains_key(&candidate.n) || closed.contains(&author) {
                continue;
            }
            if self.shown == MESSAGES_SHOWN_MAX || self.loaded.len() == LOADS_MAX {
                return;
            }
            let Some(cost) = self.cost(place, candidate.n) else {
                continue;
            };
            if cost > self.left {
                return;
            }
            let used = self.used.get(&author).copied().unwrap_or(0);
            if share.is_some_and(|share| used > 0 && used + cost > share) {
                closed.push(author);
                continue;
            }
            // Stays among the loaded, without its text: what was asked for is counted.
            if let Some(text) = self.loaded.get_mut(&place).and_then(Option::take) {
                self.chosen[room].insert(candidate.n, text);
                self.used.insert(author, used + cost);
                self.left -= cost;
                self.shown += 1;
            }
        }
    }

    fn cost(&mut self, place: Place, n: ArrivalNo) -> Option<usize> {
        let room = self.rooms[place.0 as usize];
        let loaded = self
            .loaded
            .entry(place)
            .or_insert_with(|| (self.load)(room, n));
        loaded.as_ref().map(String::len)
    }
}

/// A candidate's place: which room, and which of its candidates, the files that arrived behind the others. Small, as
/// there are thousands.
type Place = (u32, u32);

/// Those that name the reader, then the files that arrived, then the rest; newest first, the rooms in turn.
fn order_of_choice(rooms: &[&RoomUnread<'_>]) -> Vec<Place> {
    let mut order = Vec::new();
    for addressed in [true, false] {
        if !addressed {
            order.extend(in_turn(rooms, |room| {
                let first = room.candidates.len() as u32;
                (first..first + room.arrived.len() as u32)
                    .rev()
                    .take(FILES_ARRIVED_MAX)
            }));
        }
        order.extend(in_turn(rooms, |room| {
            (0_u32..room.candidates.len() as u32)
                .zip(&room.candidates)
                .rev()
                .take(CANDIDATES_MAX)
                .filter(move |(_, candidate)| candidate.addressed == addressed)
                .map(|(at, _)| at)
        }));
    }
    order
}

/// One of each room in turn, from those that `newest_first` gives of a room.
fn in_turn<'a, I: Iterator<Item = u32>>(
    rooms: &[&'a RoomUnread<'a>],
    newest_first: impl Fn(&'a RoomUnread<'a>) -> I,
) -> Vec<Place> {
    // With each its rank among those of its room, from the newest.
    let mut ranked: Vec<(u32, Place)> = Vec::new();
    for (room, index) in rooms.iter().zip(0..) {
        let places = newest_first(room).map(|at| (index, at));
        ranked.extend((0..).zip(places));
    }
    ranked.sort_unstable();
    ranked.into_iter().map(|(_, place)| place).collect()
}
