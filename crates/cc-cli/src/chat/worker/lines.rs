//! Reading the logs: one thread, asked one thing after the other, so that nobody who draws or listens waits for a disk.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use cc_log::Line;
use cc_proto::body::Body;
use cc_proto::id::{ArrivalNo, MessageId, RoomId};
use tokio::sync::{mpsc, oneshot};

use super::drafts::Drafts;
use super::entries::Entries;
use super::seen::Seen;
use crate::chat::app::{Came, Kept, Lines, Load, Told};
use crate::chat::types::Entry;
use crate::error::{CliError, CliResult, Kind};
use crate::home::Home;
use crate::reading::{Reading, Tips, unreadable};
use crate::rooms;

/// Lines that are read at once: a few screens.
pub const WINDOW_LINES: u64 = 200;
/// So many that have arrived since the last look are told as they are; of more only the newest, as when a room is opened.
const NEWS_LINES_MAX: u64 = 1000;
/// Unread lines that are counted when a room is first met; more are said to be as many.
const UNREAD_LINES_MAX: u64 = 9999;
/// How far back the message that another answers is looked for when it is to be shown.
const ANSWERED_LINES_MAX: u64 = 200_000;
/// How far back a message that was taken back is looked for, to be shown so: it is loaded anew beyond.
const RETRACTED_LINES_MAX: u64 = 5000;

/// What was seen is kept at most so often, and at the end.
const SAVE_INTERVAL: Duration = Duration::from_secs(5);

/// What is asked of the thread.
#[derive(Debug)]
pub enum Job {
    /// Some lines of a room.
    Load(String, Load),
    /// Whether something has arrived.
    News(String),
    /// Who is called how now.
    Names(String),
    /// The room was looked at through this line.
    Seen(String, u64),
    /// How long the log is.
    Length(String, oneshot::Sender<u64>),
    /// The first line after `after` in which we said `text`, and which is none of `known`.
    Said(Said, oneshot::Sender<Option<u64>>),
    /// Keep the text that is being typed in a room, or that there is none.
    Keep(String, Kept),
    /// Keep what is to be kept.
    Save(oneshot::Sender<()>),
}

/// A message of our own that is looked for.
#[derive(Debug, Clone)]
pub struct Said {
    /// The room's id.
    pub room: String,
    /// It is after this line.
    pub after: u64,
    /// What it says.
    pub text: String,
    /// The id of the message that it answers.
    pub re: Option<String>,
    /// Lines that are known to be other ones.
    pub known: Vec<u64>,
}

struct Log {
    id: RoomId,
    dir: PathBuf,
    reading: Option<Reading>,
    entries: Entries,
    tips: Tips,
    /// The line through which everything was told.
    told: u64,
    opened: bool,
    unread: u64,
    mentions: u64,
}

/// The thread's own things.
pub struct Reader {
    home: Home,
    logs: BTreeMap<String, Log>,
    seen: Seen,
    drafts: Drafts,
    /// When what was seen was last kept.
    saved: Instant,
    told: mpsc::Sender<Told>,
}

impl Reader {
    /// Starts the thread; it ends with the last sender of its jobs.
    pub fn spawn(home: Home, mut jobs: mpsc::Receiver<Job>, told: mpsc::Sender<Told>) {
        std::thread::spawn(move || {
            let mut reader = Self {
                seen: Seen::load(&home),
                drafts: Drafts::open(home.path()),
                home,
                logs: BTreeMap::new(),
                saved: Instant::now(),
                told,
            };
            if let Some(text) = reader.drafts.trouble() {
                reader.tell(Told::Word { text, bad: true });
            }
            while let Some(job) = jobs.blocking_recv() {
                reader.take(job);
            }
            reader.seen.save(&reader.home);
        });
    }

    fn take(&mut self, job: Job) {
        match job {
            Job::Load(room, what) => {
                if let Err(error) = self.load(&room, what) {
                    let why = error.to_string();
                    self.tell(Told::NoLines { room, why });
                }
            }
            // What cannot be read now is read with the next news.
            Job::News(room) => drop(self.news(&room)),
            Job::Names(room) => self.names(&room),
            Job::Seen(room, n) => {
                self.seen.note(&room, n);
                if let Some(log) = self.logs.get_mut(&room) {
                    (log.unread, log.mentions) = (0, 0);
                }
                self.unread(&room);
                if self.saved.elapsed() >= SAVE_INTERVAL {
                    self.saved = Instant::now();
                    self.seen.save(&self.home);
                }
            }
            Job::Length(room, answer) => {
                let length = self.length(&room);
                let _ = answer.send(length);
            }
            Job::Said(said, answer) => {
                // An error is as one that is not found: it is said again rather than lost.
                let found = self.said(&said).unwrap_or(None);
                let _ = answer.send(found);
            }
            Job::Keep(room, kept) => {
                if let Ok(dir) = self.log(&room).map(|log| log.dir.clone()) {
                    self.drafts.save(&dir, &kept);
                }
            }
            Job::Save(answer) => {
                self.seen.save(&self.home);
                let _ = answer.send(());
            }
        }
    }

    fn tell(&self, told: Told) {
        // Nobody listens any more at the end.
        let _ = self.told.blocking_send(told);
    }

    /// The log of a room, as it is now.
    fn log(&mut self, room: &str) -> CliResult<&mut Log> {
        if !self.logs.contains_key(room) {
            let id: RoomId = room.parse().map_err(|_| no_room())?;
            let log = Log {
                id,
                dir: rooms::dir(&self.home, &id),
                reading: None,
                entries: Entries::default(),
                tips: Tips::new(),
                told: 0,
                opened: false,
                unread: 0,
                mentions: 0,
            };
            self.logs.insert(room.to_owned(), log);
            self.first_look(room)?;
        }
        self.logs.get_mut(room).ok_or_else(no_room)
    }

    /// What a room that was never looked at holds counts as seen; of another what came since is counted.
    fn first_look(&mut self, room: &str) -> CliResult {
        let seen = self.seen.of(room);
        let Some(log) = self.logs.get_mut(room) else {
            return Ok(());
        };
        log.look();
        let Some(reading) = &log.reading else {
            return Ok(());
        };
        log.told = reading.len().0;
        let from = seen
            .unwrap_or(log.told)
            .max(log.told.saturating_sub(UNREAD_LINES_MAX));
        log.count(from)?;
        if seen.is_none() {
            let told = log.told;
            self.seen.note(room, told);
        }
        self.unread(room);
        Ok(())
    }

    fn unread(&self, room: &str) {
        if let Some(log) = self.logs.get(room) {
            self.tell(Told::Unread {
                room: room.to_owned(),
                unread: log.unread,
                mentions: log.mentions,
            });
        }
    }

    fn length(&mut self, room: &str) -> u64 {
        let Ok(log) = self.log(room) else { return 0 };
        log.look();
        log.len()
    }

    fn load(&mut self, room: &str, what: Load) -> CliResult {
        let seen = self.seen.of(room);
        self.log(room)?;
        let log = self.logs.get_mut(room).ok_or_else(no_room)?;
        log.look();
        let len = log.len();
        let mut kept = None;
        let (first, last, came) = match what {
            Load::End => {
                let came = if log.opened {
                    Came::End
                } else {
                    kept = self.drafts.load(&log.dir);
                    Came::Opened(seen)
                };
                log.opened = true;
                log.told = len;
                (len.saturating_sub(WINDOW_LINES) + 1, len, came)
            }
            Load::Older(n) => (
                n.saturating_sub(WINDOW_LINES),
                n.saturating_sub(1),
                Came::Older,
            ),
            Load::Newer(n) => (n + 1, (n + WINDOW_LINES).min(len), Came::Newer),
            Load::Around(n) => log.around(n),
            Load::Answered(n) => {
                let n = log.answered(n)?;
                log.around(n)
            }
        };
        let lines = log.lines(room, first.max(1), last, came);
        if let Some(kept) = kept {
            let room = room.to_owned();
            self.tell(Told::Kept { room, kept });
        }
        self.tell(Told::Lines(lines?));
        if matches!(what, Load::End) {
            self.names(room);
        }
        Ok(())
    }

    fn news(&mut self, room: &str) -> CliResult {
        let log = self.log(room)?;
        let told = log.told;
        log.refresh(told);
        let len = log.len();
        if len <= told {
            return Ok(());
        }
        log.told = len;
        let before = log.mentions;
        log.count(told)?;
        let mention = (log.mentions > before)
            .then(|| log.last_mention(told))
            .flatten();
        if log.opened {
            let first = (told + 1).max((len + 1).saturating_sub(NEWS_LINES_MAX));
            let lines = log.lines(room, first, len, Came::New)?;
            let changed = log.taken_back(room, first, len)?;
            self.tell(Told::Lines(lines));
            if let Some(changed) = changed {
                self.tell(Told::Lines(changed));
            }
        }
        self.unread(room);
        if let Some(name) = mention {
            let room = room.to_owned();
            self.tell(Told::Mention { room, name });
        }
        Ok(())
    }

    fn names(&mut self, room: &str) {
        let Ok(log) = self.log(room) else { return };
        let Some(reading) = &mut log.reading else {
            return;
        };
        if reading.refresh_names().is_err() {
            return;
        }
        log.entries.forget();
        let names = reading.names();
        let names = names
            .map(|(author, name)| (author.to_hex(), name.to_owned()))
            .collect();
        let room = room.to_owned();
        self.tell(Told::Names { room, names });
    }

    fn said(&mut self, said: &Said) -> CliResult<Option<u64>> {
        let log = self.log(&said.room)?;
        log.look();
        let Some(reading) = &log.reading else {
            return Ok(None);
        };
        let me = reading.view().map(|view| view.me);
        for line in reading.lines_between(ArrivalNo(said.after), reading.len())? {
            let line = line.map_err(|error| unreadable(&error))?;
            let Ok(message) = &line.message else { continue };
            let header = message.header();
            let re = header.re.map(|re| re.to_hex());
            if Some(header.author) == me
                && header.via.is_empty()
                && re == said.re
                && message.text() == Some(&said.text)
                && !said.known.contains(&line.n.0)
            {
                return Ok(Some(line.n.0));
            }
        }
        Ok(None)
    }
}

impl Log {
    /// Looks how far the log goes now. Before anything arrived there is none to open.
    fn look(&mut self) {
        match &mut self.reading {
            Some(reading) => drop(reading.look()),
            None => self.reading = Reading::open(&self.dir, self.id).ok(),
        }
    }

    fn refresh(&mut self, told: u64) {
        match &mut self.reading {
            Some(reading) => drop(reading.refresh(ArrivalNo(told))),
            None => self.look(),
        }
    }

    fn len(&self) -> u64 {
        self.reading.as_ref().map_or(0, |reading| reading.len().0)
    }

    /// Takes into account what was written after `from` by others.
    fn count(&mut self, from: u64) -> CliResult {
        let Some(reading) = &self.reading else {
            return Ok(());
        };
        let (first, last) = (ArrivalNo(from + 1), ArrivalNo(self.told));
        let first = first.max(ArrivalNo(last.0.saturating_sub(UNREAD_LINES_MAX)));
        let outlines = reading.log().outlines(first, last);
        for outline in outlines.map_err(|error| unreadable(&error))? {
            let flags = outline.flags;
            if flags.injectable()
                && !flags.repair()
                && Some(outline.author_tag) != reading.own_tag()
            {
                self.unread += 1;
                self.mentions += u64::from(flags.names_owner());
            }
        }
        Ok(())
    }

    /// Who named us last after a line.
    fn last_mention(&self, after: u64) -> Option<String> {
        let reading = self.reading.as_ref()?;
        let first = ArrivalNo((after + 1).max(self.told.saturating_sub(UNREAD_LINES_MAX)));
        let outlines = reading.log().outlines(first, ArrivalNo(self.told)).ok()?;
        let own = reading.own_tag();
        let mut outlines = outlines.iter().rev();
        let named = outlines.find(|it| it.flags.names_owner() && Some(it.author_tag) != own)?;
        let line = reading.log().line_of(named).ok()?;
        if reading.is_void(&line) {
            return None;
        }
        Some(reading.name(&line.message.ok()?.header().author))
    }

    fn around(&self, n: u64) -> (u64, u64, Came) {
        let half = WINDOW_LINES / 2;
        (
            n.saturating_sub(half),
            (n + half).min(self.len()),
            Came::Around(n),
        )
    }

    /// The line of the message that another one answers.
    fn answered(&self, n: u64) -> CliResult<u64> {
        let reading = self.reading.as_ref().ok_or_else(no_room)?;
        let line = reading.line(ArrivalNo(n))?;
        let re = line.message.ok().and_then(|message| message.header().re);
        let re = re.ok_or_else(|| CliError::new(Kind::Message, "this message answers no other"))?;
        let found = reading.log().find(&re, ANSWERED_LINES_MAX);
        let found = found.map_err(|error| unreadable(&error))?;
        let found = found.ok_or_else(|| {
            CliError::new(Kind::Message, "the message that it answers is not here")
        })?;
        Ok(found.n.0)
    }

    fn lines(&mut self, room: &str, first: u64, last: u64, came: Came) -> CliResult<Lines> {
        let mut entries = Vec::new();
        if let Some(reading) = &self.reading
            && last >= first
        {
            // A branch that begins before these lines is not seen as one.
            let mut apart = Tips::new();
            let is_next = matches!(came, Came::New | Came::End | Came::Opened(_));
            let tips = if is_next { &mut self.tips } else { &mut apart };
            if !matches!(came, Came::New) {
                tips.clear();
            }
            for line in reading.lines_between(ArrivalNo(first - 1), ArrivalNo(last))? {
                let line = line.map_err(|error| unreadable(&error))?;
                entries.extend(self.entries.of(reading, tips, &line));
            }
        }
        Ok(Lines {
            room: room.to_owned(),
            came,
            entries,
            first,
            last,
            len: self.len(),
        })
    }

    /// The entries of messages that were taken back among these lines.
    fn taken_back(&mut self, room: &str, first: u64, last: u64) -> CliResult<Option<Lines>> {
        let Some(reading) = &self.reading else {
            return Ok(None);
        };
        let mut targets: Vec<MessageId> = Vec::new();
        let mut next = ArrivalNo(first - 1);
        while let Some(n) = roster_line(reading, next, last)? {
            next = n;
            if let Ok(message) = reading.line(n)?.message
                && let Some(Body::Retract(retract)) = message.body()
            {
                targets.push(retract.message);
            }
        }
        if targets.is_empty() {
            return Ok(None);
        }
        self.entries.forget();
        let mut changed: Vec<Entry> = Vec::new();
        for target in targets {
            let found: Option<Line> = reading
                .log()
                .find(&target, RETRACTED_LINES_MAX)
                .map_err(|error| unreadable(&error))?;
            changed
                .extend(found.and_then(|line| self.entries.of(reading, &mut Tips::new(), &line)));
        }
        Ok(Some(Lines {
            room: room.to_owned(),
            came: Came::Changed,
            entries: changed,
            first,
            last,
            len: self.len(),
        }))
    }
}

fn roster_line(reading: &Reading, after: ArrivalNo, last: u64) -> CliResult<Option<ArrivalNo>> {
    let next = reading.log().first_roster_line_after(after);
    let next = next.map_err(|error| unreadable(&error))?;
    Ok(next.filter(|n| n.0 <= last))
}

fn no_room() -> CliError {
    CliError::new(Kind::Room, "there is no such room")
}
