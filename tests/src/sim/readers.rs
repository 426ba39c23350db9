//! Agent sessions: each prompt is offered what came since its cursor, as the hook does it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use cc_log::{CursorStore, LogReader, Position, RosterView};
use cc_proto::id::{ArrivalNo, MessageId, Timestamp};
use cc_proto::render::{Candidate, Quote, Request, RoomUnread, render};

use super::{Broken, World};

/// One agent session of a machine.
#[derive(Debug, Clone, Default)]
pub(super) struct Session {
    pub offered: BTreeMap<MessageId, u32>,
    repeats: BTreeSet<MessageId>,
    may_repeat: bool,
    /// For [`Broken::CursorByClock`].
    latest: Timestamp,
}

impl Session {
    /// The disk was put back to an earlier state, cursors with it.
    pub fn may_repeat_all(&mut self) {
        self.may_repeat = true;
    }
}

impl World {
    /// A prompt; now and then the hook is killed between printing and moving its cursor.
    pub(super) fn prompt(
        &mut self,
        index: usize,
        session: usize,
        may_die: bool,
    ) -> Result<(), String> {
        let Some(engine) = &self.machines[index].engine else {
            return Ok(());
        };
        let (dir, me) = (engine.dir().to_owned(), self.machines[index].me());
        let storage = self.machines[index].storage().clone();
        let dies = may_die && self.chance(10);
        let (broken, wall) = (self.broken, self.machines[index].now(self.now_ms).wall);
        let failed = |what: &str, error: &dyn std::fmt::Display| {
            format!("machine {index}, session {session}: {what}: {error}")
        };
        let log = LogReader::open_in(storage.clone(), &dir).map_err(|e| failed("open", &e))?;
        let Ok(Some(view)) = RosterView::load_in(&storage, &dir) else {
            return Ok(());
        };
        let cursors = CursorStore::new_in(storage, &dir);
        let reader = format!("sim-{session}");
        let mut cursor = cursors
            .lock(&reader, Instant::now())
            .map_err(|e| failed("lock", &e))?;
        let start = cursor.place(&log).map_err(|e| failed("place", &e))?;
        let mut end = start;
        let mut unread = Vec::new();
        for line in log.lines_after(&start) {
            let line = line.map_err(|e| failed("read", &e))?;
            if line.flags.shapes_roster() && line.n > view.through() {
                break;
            }
            end = Position::after(&line);
            let skipped = line.is_skipped_after(start.n);
            let shows_cut = broken == Broken::ShowsWhatIsCut;
            if let Ok(message) = line.message
                && let Some(text) = message.text()
                && !skipped
                && (shows_cut || !view.voids(message.header(), &message.id()))
                && (message.header().author != me || message.header().via.is_empty())
            {
                unread.push((line.n, message.id(), message.header().ts, text.to_owned()));
            }
        }
        let state = &mut self.machines[index].sessions[session];
        if broken == Broken::CursorByClock {
            let latest = state.latest;
            unread.retain(|(_, _, ts, _)| *ts > latest);
            state.latest = unread.iter().map(|line| line.2).max().unwrap_or(latest);
        }
        if broken == Broken::CursorBeforePrint && dies {
            return cursor.advance(end, wall).map_err(|e| failed("advance", &e));
        }
        let told = offer(&view, &unread)?;
        if told != unread.len() {
            return Err(format!("{told} of {} unread messages told", unread.len()));
        }
        for (_, id, _, _) in &unread {
            *state.offered.entry(*id).or_default() += 1;
            if dies {
                state.repeats.insert(*id);
            }
        }
        if !dies {
            cursor
                .advance(end, wall)
                .map_err(|e| failed("advance", &e))?;
        }
        Ok(())
    }

    /// What a session that reads the room from its beginning is shown.
    pub(super) fn shown_to_a_newcomer(
        &mut self,
        index: usize,
    ) -> Result<BTreeSet<MessageId>, String> {
        let sessions = &mut self.machines[index].sessions;
        sessions.push(Session::default());
        let newest = sessions.len() - 1;
        self.prompt(index, newest, false)?;
        let session = self.machines[index].sessions.pop();
        Ok(session.map_or_else(BTreeSet::new, |session| {
            session.offered.into_keys().collect()
        }))
    }

    pub(super) fn check_offers(&self, index: usize, ids: &[MessageId]) -> Result<(), String> {
        for (number, session) in self.machines[index].sessions.iter().enumerate() {
            for id in ids {
                match session.offered.get(id) {
                    None => {
                        return Err(format!(
                            "machine {index}, session {number}: {id} not offered"
                        ));
                    }
                    Some(1) => {}
                    Some(_) if session.may_repeat || session.repeats.contains(id) => {}
                    Some(times) => {
                        return Err(format!(
                            "machine {index}, session {number}: {id} offered {times} times"
                        ));
                    }
                }
            }
        }
        Ok(())
    }
}

/// Renders the injection; gives how many messages it shows or counts.
fn offer(
    view: &RosterView,
    unread: &[(ArrivalNo, MessageId, Timestamp, String)],
) -> Result<usize, String> {
    let candidates = unread
        .iter()
        .map(|(n, ..)| Candidate {
            n: *n,
            author_tag: n.0 % 3,
            addressed: false,
        })
        .collect();
    let request = Request {
        nonce: [1; 8],
        now: Timestamp(super::WALL),
        rooms_path: "/home/rooms",
        bytes_max: cc_proto::render::INJECTION_BYTES_MAX,
        rooms: vec![RoomUnread {
            room: view.room,
            name: &view.name,
            reader_nick: &view.nick,
            unread: unread.len() as u64,
            arrived: Vec::new(),
            noticed: Vec::new(),
            candidates,
        }],
    };
    let injection = render(&request, |_, n| {
        let line = unread.iter().find(|line| line.0 == n)?;
        Some(Quote {
            name: "peer".to_owned(),
            own: false,
            via: String::new(),
            ts: line.2,
            at: line.2,
            text: line.3.clone(),
            file: None,
        })
    });
    let Some(injection) = injection else {
        return Ok(0);
    };
    if injection.text.len() > cc_proto::render::INJECTION_BYTES_MAX {
        return Err("an injection is over its budget".to_owned());
    }
    Ok(injection
        .rooms
        .iter()
        .map(|room| room.shown.len() + room.counted as usize)
        .sum())
}
