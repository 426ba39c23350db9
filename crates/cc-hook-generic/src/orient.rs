//! What a session is told when it begins: its rooms, who is there, and how much waits. Its cursors are only looked at.

use std::cmp::Reverse;
use std::path::Path;

use cc_log::{Census, CursorStore, LogReader, RosterView, Trust};
use cc_proto::body::Body;
use cc_proto::id::{ArrivalNo, RoomId};
use cc_proto::render::{
    CANDIDATES_MAX, Orientation, OrientedMember, Quote, ROOMS_TOLD_MAX, RoomOrientation,
    orientation,
};

use crate::audit::AuditEvent;
use crate::offer::{
    Asked, Audited, judged_through, nonce, open_log, quote_of, unreadable, with_view,
};

/// A session's rooms, looked at.
#[derive(Debug)]
pub(crate) struct Welcome {
    rooms: Vec<Seen>,
}

#[derive(Debug)]
struct Seen {
    room: RoomId,
    log: LogReader,
    view: RosterView,
    from: ArrivalNo,
    unread: Census,
    summary: Option<(ArrivalNo, Quote)>,
}

impl Welcome {
    /// Looks at the rooms. One that cannot be read is noted and left out.
    pub fn look(asked: &Asked<'_>, rooms: Vec<RoomId>, note: &dyn Fn(&str)) -> Self {
        let rooms_dir = asked.home.join("rooms");
        let mut seen = Vec::new();
        for room in rooms {
            match Seen::open(&rooms_dir.join(room.to_hex()), room, asked) {
                Ok(found) => seen.push(found),
                Err(reason) => note(&format!("room {}: {reason}", room.short())),
            }
        }
        Self { rooms: seen }
    }

    /// Renders it; `None` where there is no room.
    pub fn render(&self, asked: &Asked<'_>) -> Result<Option<String>, String> {
        Ok(orientation(&Orientation {
            nonce: nonce()?,
            now: asked.now,
            rooms: self.rooms.iter().map(Seen::told).collect(),
        }))
    }

    /// Notes what was told.
    pub fn delivered(&self, asked: &Asked<'_>, note: &dyn Fn(&str)) {
        for room in self.rooms.iter().take(ROOMS_TOLD_MAX) {
            let summary = room.summary.as_ref().map(|(n, _)| *n);
            let told = Audited {
                from: room.from,
                through: room.from,
                shown: summary.as_slice(),
                counted: room.unread.unread,
            };
            asked.audit(room.log.dir(), AuditEvent::Start, &told, note);
        }
    }
}

impl Seen {
    fn open(dir: &Path, room: RoomId, asked: &Asked<'_>) -> Result<Self, String> {
        let cursor = CursorStore::new(dir)
            .peek(&asked.reader())
            .map_err(|error| format!("the cursor cannot be read: {error}"))?;
        let (log, view) = with_view(open_log(dir)?, room)?;
        let from = log.place(&cursor).map_err(|error| unreadable(&error))?.n;
        let through = judged_through(&log, &view)?;
        let unread = if from < through {
            log.census(&view, from, through, CANDIDATES_MAX)
                .map_err(|error| unreadable(&error))?
        } else {
            Census::default()
        };
        let summary = view.summary.map(ArrivalNo).filter(|n| *n <= through);
        let summary = summary.and_then(|n| Some((n, summary_at(&log, &view, n)?)));
        Ok(Self {
            room,
            log,
            view,
            from,
            unread,
            summary,
        })
    }

    fn told(&self) -> RoomOrientation<'_> {
        let named = self.unread.newest.iter();
        RoomOrientation {
            room: self.room,
            name: &self.view.name,
            reader_nick: &self.view.nick,
            members: members(&self.view),
            unread: self.unread.unread,
            addressed: named.filter(|line| line.flags.names_owner()).count() as u64,
            summary: self.summary.as_ref().map(|(_, quote)| quote.clone()),
        }
    }
}

/// The owner, then those who decide, then the others.
fn members(view: &RosterView) -> Vec<OrientedMember> {
    let member = |member: &cc_log::ViewMember| OrientedMember {
        name: view.name_of(&member.author),
        own: member.author == view.me,
        admin: member.root || member.admin,
    };
    let mut members: Vec<_> = view.members.iter().map(member).collect();
    members.sort_by_key(|member| Reverse((member.own, member.admin)));
    members
}

/// The summary of that line, if it is one that may be shown: the view is only a hint.
fn summary_at(log: &LogReader, view: &RosterView, n: ArrivalNo) -> Option<Quote> {
    let line = log.line(n).ok()?;
    let message = line.message.as_ref().ok()?;
    let header = message.header();
    let withheld = view.trust(&header.author) != Trust::Inline;
    if withheld || view.voids(header, &message.id()) {
        return None;
    }
    match message.body() {
        Some(Body::Summary(summary)) => Some(quote_of(view, header, line.at, &summary.text)),
        _ => None,
    }
}
