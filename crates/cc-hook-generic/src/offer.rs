//! What a session has not been offered, from the first look at its cursors until they move.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cc_log::{
    AwaitedFile, Census, Cursor, CursorError, CursorStore, FsStorage, Line, LockedCursor,
    LogReader, Outline, Position, RosterView, Trust, may_have_unread,
};
use cc_proto::files::{FilePlace, SharedFile};
use cc_proto::id::{ArrivalNo, RoomId, Timestamp};
use cc_proto::message::{Header, Message};
use cc_proto::render::{CANDIDATES_MAX, Candidate, Quote, Request, RoomUnread, Told, render};

use crate::audit::{self, AuditEvent, AuditLine};
use crate::files::{Awaited, awaited, may_be_here, shared_file};
use crate::sessions::reader_name;

/// How long to wait for a cursor that another hook of the session holds. Below the deadline, so
/// that the other rooms still get their turn.
const LOCK_WAIT: Duration = Duration::from_millis(120);
/// A cursor that is used without moving says so this often, lest it be swept.
const TOUCH_MS: u64 = 24 * 60 * 60 * 1000;

/// Who asks, when, and how much may be said.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub home: &'a Path,
    pub agent: &'a str,
    pub session: &'a str,
    pub now: Timestamp,
    /// What the agent takes at most.
    pub bytes_max: usize,
}

impl Asked<'_> {
    /// The name of the session's cursors.
    pub fn reader(&self) -> String {
        reader_name(self.agent, self.session)
    }

    /// Notes what the session was told of a room.
    pub fn audit(&self, dir: &Path, event: AuditEvent, told: &Audited<'_>, note: &dyn Fn(&str)) {
        let line = AuditLine::new(self.now, self.agent, self.session, event)
            .range(told.from, told.through)
            .told(told.shown, told.counted);
        if let Err(error) = audit::append(dir, &line) {
            let room = dir.file_name().unwrap_or_default().to_string_lossy();
            note(&format!(
                "room {room}: the audit cannot be written: {error}"
            ));
        }
    }
}

/// What a session was told of a room.
#[derive(Debug)]
pub(crate) struct Audited<'a> {
    pub from: ArrivalNo,
    pub through: ArrivalNo,
    pub shown: &'a [ArrivalNo],
    pub counted: u64,
}

/// A session's cursor of a room.
#[derive(Debug)]
enum Held {
    /// To be moved, and nobody else's until then.
    Locked(LockedCursor),
    /// Only looked at: nothing is written.
    Seen(Cursor),
}

impl Held {
    fn cursor(&self) -> &Cursor {
        match self {
            Self::Locked(cursor) => cursor.get(),
            Self::Seen(cursor) => cursor,
        }
    }

    fn at(&self) -> Timestamp {
        self.cursor().at
    }

    fn files(&self) -> &[AwaitedFile] {
        &self.cursor().files
    }

    /// Notes that the session is alive.
    fn touch(&mut self, now: Timestamp) -> Result<(), String> {
        let Self::Locked(cursor) = self else {
            return Ok(());
        };
        let touched = cursor.touch(now);
        touched.map_err(|error| format!("the cursor cannot be written: {error}"))
    }
}

/// The session's rooms with what it was not told of them.
#[derive(Debug)]
pub(crate) struct Offer {
    rooms_dir: PathBuf,
    waiting: Vec<Waiting>,
}

/// A room with lines after its cursor.
#[derive(Debug)]
struct Waiting {
    room: RoomId,
    log: LogReader,
    cursor: Held,
    view: RosterView,
    from: Position,
    /// The last line that may be judged by the view.
    through: ArrivalNo,
    /// What is to be told of, and the newest of it.
    unread: Census,
    /// The files that the session was told are not here yet.
    awaited: Awaited,
    /// Whether the cursor moves to `through` once the answer is out.
    moves: bool,
    /// What the answer says of it.
    told: Option<Told>,
}

impl Offer {
    /// Looks through the rooms and takes the cursors of those that have something new.
    ///
    /// A room that cannot be read is noted and left out; its cursor stays.
    pub fn collect(asked: &Asked<'_>, rooms: Vec<RoomId>, note: &dyn Fn(&str)) -> Self {
        Self::open(asked, rooms, true, note)
    }

    /// [`collect`](Self::collect) without taking a cursor: nothing is written, and nothing can be moved.
    pub fn look(asked: &Asked<'_>, rooms: Vec<RoomId>, note: &dyn Fn(&str)) -> Self {
        Self::open(asked, rooms, false, note)
    }

    fn open(asked: &Asked<'_>, rooms: Vec<RoomId>, to_move: bool, note: &dyn Fn(&str)) -> Self {
        let rooms_dir = asked.home.join("rooms");
        let until = to_move.then(|| Instant::now() + LOCK_WAIT);
        let mut waiting = Vec::new();
        // The caller's order is that of the ids, the same in every hook: two that share rooms
        // cannot wait for each other.
        for room in rooms {
            match Waiting::open(&rooms_dir, room, asked, until) {
                Ok(Some(found)) => waiting.push(found),
                Ok(None) => {}
                Err(reason) => note(&format!("room {}: {reason}", room.short())),
            }
        }
        // Who waited longest comes first: there is room for some rooms only.
        waiting.sort_by_key(|room| room.cursor.at());
        Self { rooms_dir, waiting }
    }

    /// Whether something of the newest unread names the reader.
    pub fn names_reader(&self) -> bool {
        self.waiting.iter().any(Waiting::names_reader)
    }

    /// Renders what is to be told; `None` when nothing is.
    pub fn render(
        &mut self,
        asked: &Asked<'_>,
        note: &dyn Fn(&str),
    ) -> Result<Option<String>, String> {
        if self.waiting.iter().all(Waiting::has_nothing) {
            return Ok(None);
        }
        let nonce = nonce()?;
        let rooms_path = self.rooms_dir.to_string_lossy();
        let rooms = self.waiting.iter().map(Waiting::unread).collect();
        let damaged = Cell::new(0_u32);
        // Announced files that are not here, of what was read.
        let absent: RefCell<BTreeMap<(RoomId, ArrivalNo), AwaitedFile>> = RefCell::default();
        let load = |room: RoomId, n: ArrivalNo| {
            let waiting = self.waiting.iter().find(|waiting| waiting.room == room)?;
            let line = waiting.line(n);
            if line.is_none() {
                damaged.set(damaged.get() + 1);
            }
            let (quote, file) = waiting.quote(&line?)?;
            if let Some(file) = file {
                absent.borrow_mut().insert((room, n), file);
            }
            Some(quote)
        };
        let injection = render(
            &Request {
                nonce,
                now: asked.now,
                rooms_path: &rooms_path,
                bytes_max: asked.bytes_max,
                rooms,
            },
            load,
        );
        let Some(injection) = injection else {
            return Ok(None);
        };
        if damaged.get() > 0 {
            note(&format!("{} unread lines are damaged", damaged.get()));
            if injection.rooms.iter().all(|told| told.shown.is_empty()) {
                // Better nothing than a bare count; the daemon fetches them anew.
                self.waiting.clear();
                return Ok(None);
            }
        }
        let absent = absent.into_inner();
        for waiting in &mut self.waiting {
            let mut told = injection.rooms.iter();
            waiting.told = told.find(|told| told.room == waiting.room).cloned();
            waiting.moves = waiting.told.is_some() || waiting.has_nothing();
            waiting.note_files(&absent);
        }
        Ok(Some(injection.text))
    }

    /// Moves the cursors of all rooms: what was rendered is out.
    pub fn move_cursors(&mut self, asked: &Asked<'_>, note: &dyn Fn(&str)) {
        for waiting in &mut self.waiting {
            if let Err(error) = waiting.advance(asked.now) {
                note(&format!(
                    "room {}: the cursor did not move: {error}",
                    waiting.room.short()
                ));
            }
        }
    }

    /// Notes what was told of which room.
    pub fn audit(&self, asked: &Asked<'_>, event: AuditEvent, note: &dyn Fn(&str)) {
        for waiting in &self.waiting {
            if let Some(told) = &waiting.told {
                let told = Audited {
                    from: waiting.from.n,
                    through: waiting.through,
                    shown: &told.shown,
                    counted: told.counted,
                };
                asked.audit(waiting.log.dir(), event, &told, note);
            }
        }
    }
}

impl Waiting {
    /// `None` when the reader was shown everything.
    fn open(
        rooms_dir: &Path,
        room: RoomId,
        asked: &Asked<'_>,
        until: Option<Instant>,
    ) -> Result<Option<Self>, String> {
        let dir = rooms_dir.join(room.to_hex());
        let (store, reader) = (CursorStore::new(&dir), asked.reader());
        let seen = store
            .peek(&reader)
            .map_err(|error| format!("the cursor cannot be read: {error}"))?;
        // Looked at first: a room that is not there must not be made by taking its lock.
        let changed =
            may_have_unread(&FsStorage, &dir, &seen).map_err(|error| unreadable(&error))?;
        let fresh = seen.at.0.saturating_add(TOUCH_MS) >= asked.now.0;
        if fresh && !changed && !may_be_here(&dir, &seen.files) {
            return Ok(None);
        }
        let mut cursor = match until {
            Some(until) => Held::Locked(lock(&store, &reader, until)?),
            None => Held::Seen(seen),
        };
        let log = open_log(&dir)?;
        let from = match &mut cursor {
            Held::Locked(cursor) => cursor.place(&log).map_err(|error| unreadable(&error))?,
            Held::Seen(cursor) => log.place(cursor).map_err(|error| unreadable(&error))?,
        };
        let all_read = from.n >= log.len();
        if all_read && !may_be_here(&dir, cursor.files()) {
            cursor.touch(asked.now)?;
            return Ok(None);
        }
        let (log, view) = with_view(log, room)?;
        let through = judged_through(&log, &view)?.max(from.n);
        let awaited = Awaited::look(&log, &view, cursor.files(), from.n);
        if from.n == through && awaited.arrived.is_empty() && !awaited.changed {
            if all_read {
                cursor.touch(asked.now)?;
            }
            return Ok(None);
        }
        let unread = log
            .census(&view, from.n, through, CANDIDATES_MAX)
            .map_err(|error| unreadable(&error))?;
        let mut found = Self {
            room,
            log,
            cursor,
            view,
            from,
            through,
            unread,
            awaited,
            moves: false,
            told: None,
        };
        found.moves = found.has_nothing();
        Ok(Some(found))
    }

    /// Whether nothing is to be told, though the cursor is to move.
    fn has_nothing(&self) -> bool {
        let unread = &self.unread;
        unread.unread == 0 && unread.noticed.is_empty() && self.awaited.arrived.is_empty()
    }

    /// Notes which files the session is to be told of later: not those that it was told of now, but those that it was
    /// told are not here.
    fn note_files(&mut self, absent: &BTreeMap<(RoomId, ArrivalNo), AwaitedFile>) {
        let Some(told) = &self.told else {
            return;
        };
        let is_told = |n: &ArrivalNo| told.shown.contains(n);
        self.awaited.still.retain(|file| !is_told(&file.n));
        let mine = told.shown.iter().filter(|n| **n > self.from.n);
        let announced = mine.filter_map(|n| absent.get(&(self.room, *n)));
        self.awaited.still.extend(announced.cloned());
    }

    fn names_reader(&self) -> bool {
        let mut newest = self.unread.newest.iter();
        newest.any(|outline| outline.flags.names_owner())
    }

    fn unread(&self) -> RoomUnread<'_> {
        let candidate = |outline: &Outline| Candidate {
            n: outline.n,
            author_tag: outline.author_tag,
            addressed: outline.flags.names_owner(),
        };
        let arrived = |(n, author_tag): &(ArrivalNo, u64)| Candidate {
            n: *n,
            author_tag: *author_tag,
            addressed: false,
        };
        RoomUnread {
            room: self.room,
            name: &self.view.name,
            reader_nick: &self.view.nick,
            unread: self.unread.unread,
            arrived: self.awaited.arrived.iter().map(arrived).collect(),
            noticed: self.noticed(),
            candidates: self.unread.newest.iter().map(candidate).collect(),
        }
    }

    /// Of whom only the number of messages is told, those with the most in front.
    fn noticed(&self) -> Vec<(String, u64)> {
        let counts = self.unread.noticed.iter();
        let mut noticed: Vec<(String, u64)> = counts
            .map(|(author, count)| (self.view.name_of(author), *count))
            .collect();
        noticed.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        noticed
    }

    /// Reads a message that is to be told of; `None` where its line is damaged.
    fn line(&self, n: ArrivalNo) -> Option<Line> {
        if n <= self.from.n {
            return self.log.line(n).ok().filter(|line| line.message.is_ok());
        }
        let newest = &self.unread.newest;
        let at = newest.binary_search_by_key(&n, |outline| outline.n).ok()?;
        self.log
            .line_of(&newest[at])
            .ok()
            .filter(|line| line.message.is_ok())
    }

    /// The message of a line, unless it is not to be shown; and the file that it announces, where that is not here.
    fn quote(&self, line: &Line) -> Option<(Quote, Option<AwaitedFile>)> {
        let message = line.message.as_ref().ok()?;
        let header = message.header();
        // The index, by which it was chosen, is not believed.
        let withheld = self.view.trust(&header.author) != Trust::Inline;
        let is_old = line.n > self.from.n && line.is_skipped_after(self.from.n);
        if withheld || self.view.voids(header, &message.id()) || is_old {
            return None;
        }
        let quote = message_quote(self.log.dir(), &self.view, message, line.at)?;
        let is_absent = |file: &SharedFile| file.place == FilePlace::NotHere;
        let absent = message
            .file()
            .filter(|_| quote.file.as_ref().is_some_and(is_absent));
        let absent = absent.map(|file| awaited(line.n, file));
        Some((quote, absent))
    }

    fn advance(&mut self, now: Timestamp) -> Result<(), CursorError> {
        if !self.moves {
            return Ok(());
        }
        let to = if self.through > self.from.n {
            self.log.position_after(self.through)?
        } else {
            self.from
        };
        let files = std::mem::take(&mut self.awaited.still);
        match &mut self.cursor {
            Held::Locked(cursor) => cursor.advance_awaiting(to, now, files),
            Held::Seen(_) => Ok(()),
        }
    }
}

/// Opens a room's log.
pub(crate) fn open_log(dir: &Path) -> Result<LogReader, String> {
    let log = LogReader::open(dir).map_err(|error| unreadable(&error))?;
    if log.is_cut_short().map_err(|error| unreadable(&error))? {
        return Err("the log is shorter than its index says".to_owned());
    }
    Ok(log)
}

/// Reads the view by which a room's log is judged.
pub(crate) fn with_view(log: LogReader, room: RoomId) -> Result<(LogReader, RosterView), String> {
    let view = RosterView::load(log.dir())
        .map_err(|error| format!("view.json is damaged: {error}"))?
        .ok_or("there is no view.json yet")?;
    if view.room != room {
        return Err("view.json is another room's".to_owned());
    }
    Ok((log.with_owner(view.me, Some(view.nick.clone())), view))
}

/// The last line that may be judged by the view.
pub(crate) fn judged_through(log: &LogReader, view: &RosterView) -> Result<ArrivalNo, String> {
    let beyond = log
        .first_roster_line_after(view.through())
        .map_err(|error| unreadable(&error))?;
    Ok(beyond.map_or(log.len(), |n| ArrivalNo(n.0 - 1)))
}

/// A message as it is to be shown; `None` where it is neither chat nor a file. `dir` is the room's folder.
pub(crate) fn message_quote(
    dir: &Path,
    view: &RosterView,
    message: &Message,
    at: Timestamp,
) -> Option<Quote> {
    let header = message.header();
    if let Some(file) = message.file() {
        let file = Some(shared_file(dir, file));
        return Some(Quote {
            file,
            ..quote_of(view, header, at, "")
        });
    }
    Some(quote_of(view, header, at, message.text()?))
}

/// A text as it is to be shown.
pub(crate) fn quote_of(view: &RosterView, header: &Header, at: Timestamp, text: &str) -> Quote {
    Quote {
        name: view.name_of(&header.author),
        own: header.author == view.me,
        via: header.via.clone(),
        ts: header.ts,
        at,
        text: text.to_owned(),
        file: None,
    }
}

/// Bytes for a fence that nobody can guess.
pub(crate) fn nonce() -> Result<[u8; 8], String> {
    let mut nonce = [0; 8];
    getrandom::fill(&mut nonce).map_err(|error| format!("no randomness for the fence: {error}"))?;
    Ok(nonce)
}

fn lock(store: &CursorStore, reader: &str, until: Instant) -> Result<LockedCursor, String> {
    store.lock(reader, until).map_err(|error| match error {
        CursorError::Locked { .. } => "another hook of this session holds the cursor".to_owned(),
        other => format!("the cursor cannot be had: {other}"),
    })
}

pub(crate) fn unreadable(error: &(impl std::error::Error + ?Sized)) -> String {
    match error
        .source()
        .and_then(|source| source.downcast_ref::<io::Error>())
    {
        Some(source) => format!("the log cannot be read: {error}: {source}"),
        None => format!("the log cannot be read: {error}"),
    }
}
