//! How far a session heard of its mentions, room by room. In memory: a new session begins at its own start.
//!
//! A place moves over lines that are no mention, and over mentions only once they were given to the agent. So a mention
//! that came between two waits, or while an answer was thrown away, is given by the next one.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use cc_log::LogReader;
use cc_proto::id::{ArrivalNo, RoomId};
use rmcp::model::RequestId;

use crate::home::Home;
use crate::rooms;

/// How many lines beyond a place are remembered as given; of more, the oldest may be given twice.
const GIVEN_MAX: usize = 1024;
/// How many answers can still be taken back.
const ANSWERS_MAX: usize = 64;

/// The places of all rooms.
#[derive(Debug, Default)]
pub struct Places {
    rooms: BTreeMap<RoomId, Place>,
    answers: VecDeque<Given>,
}

/// How far a session heard of one room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Up to this line there is nothing left to give.
    pub through: ArrivalNo,
    /// The last line that was there before the session.
    pub began: ArrivalNo,
    /// Whether the room was not there when the session began: then the timestamps tell what is new.
    pub is_late: bool,
    /// Lines beyond `through` that were given all the same.
    pub given: BTreeSet<ArrivalNo>,
}

/// What an answer gave.
#[derive(Debug)]
struct Given {
    request: RequestId,
    room: RoomId,
    lines: Vec<ArrivalNo>,
}

impl Places {
    /// The ends of all rooms as they are now.
    pub fn now(home: &Home) -> Self {
        let known = rooms::all(home).unwrap_or_default().into_iter();
        let rooms = known.map(|room| {
            // What cannot be read, or is not there yet, has no lines that could be old.
            let end = LogReader::open(&rooms::dir(home, &room.id)).map(|log| log.len());
            let end = end.unwrap_or(ArrivalNo(0));
            let place = Place {
                through: end,
                began: end,
                is_late: end == ArrivalNo(0),
                given: BTreeSet::new(),
            };
            (room.id, place)
        });
        Self {
            rooms: rooms.collect(),
            answers: VecDeque::new(),
        }
    }

    /// How far the session heard of a room.
    pub fn of(&self, room: &RoomId) -> Place {
        let late = || Place {
            through: ArrivalNo(0),
            began: ArrivalNo(0),
            is_late: true,
            given: BTreeSet::new(),
        };
        self.rooms.get(room).cloned().unwrap_or_else(late)
    }

    /// Up to `through` there is nothing to give that was not given.
    pub fn pass(&mut self, room: RoomId, through: ArrivalNo) {
        let mut place = self.of(&room);
        place.through = place.through.max(through);
        place.given = place.given.split_off(&ArrivalNo(place.through.0 + 1));
        self.rooms.insert(room, place);
    }

    /// These lines are in an answer that is on its way.
    pub fn give(&mut self, request: &RequestId, room: RoomId, lines: &[ArrivalNo]) {
        let mut place = self.of(&room);
        let beyond = lines.iter().filter(|n| **n > place.through);
        let beyond: Vec<ArrivalNo> = beyond.copied().collect();
        place.given.extend(&beyond);
        while place.given.len() > GIVEN_MAX {
            place.given.pop_first();
        }
        self.rooms.insert(room, place);
        if self.answers.len() == ANSWERS_MAX {
            self.answers.pop_front();
        }
        self.answers.push_back(Given {
            request: request.clone(),
            room,
            lines: beyond,
        });
    }

    /// The client cancelled the request: if its answer was on its way, it is thrown away, and its lines are given anew.
    pub fn take_back(&mut self, request: &RequestId) {
        let (cancelled, kept) = std::mem::take(&mut self.answers)
            .into_iter()
            .partition(|answer| answer.request == *request);
        self.answers = kept;
        let cancelled: VecDeque<Given> = cancelled;
        for answer in cancelled {
            let mut place = self.of(&answer.room);
            for n in &answer.lines {
                place.given.remove(n);
                place.through = place.through.min(ArrivalNo(n.0.saturating_sub(1)));
            }
            self.rooms.insert(answer.room, place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: RoomId = RoomId::from_bytes([1; 32]);

    fn lines(numbers: &[u64]) -> Vec<ArrivalNo> {
        numbers.iter().copied().map(ArrivalNo).collect()
    }

    fn request(id: i64) -> RequestId {
        RequestId::Number(id)
    }

    #[test]
    fn what_was_given_out_of_turn_is_remembered_until_the_place_is_past_it() {
        let mut places = Places::default();
        places.pass(ROOM, ArrivalNo(4));
        places.give(&request(1), ROOM, &lines(&[9]));
        assert_eq!(places.of(&ROOM).through, ArrivalNo(4));
        assert!(places.of(&ROOM).given.contains(&ArrivalNo(9)));
        places.pass(ROOM, ArrivalNo(9));
        assert!(places.of(&ROOM).given.is_empty());
        places.pass(ROOM, ArrivalNo(3));
        assert_eq!(places.of(&ROOM).through, ArrivalNo(9));
    }

    #[test]
    fn a_cancelled_answer_is_taken_back_even_where_the_place_is_past_it() {
        let mut places = Places::default();
        places.give(&request(1), ROOM, &lines(&[5, 6]));
        places.give(&request(2), ROOM, &lines(&[8]));
        places.pass(ROOM, ArrivalNo(8));
        places.take_back(&request(2));
        assert_eq!(places.of(&ROOM).through, ArrivalNo(7));
        places.take_back(&request(1));
        assert_eq!(places.of(&ROOM).through, ArrivalNo(4));
        // What is not known, or was taken back, changes nothing.
        places.take_back(&request(1));
        assert_eq!(places.of(&ROOM).through, ArrivalNo(4));
    }

    #[test]
    fn a_room_that_was_not_there_is_late() {
        assert!(Places::default().of(&ROOM).is_late);
    }
}
