//! A room's log as an agent may see it: the same lines, names and trust as a prompt's, whatever the index says.

use std::path::PathBuf;

use cc_hook_generic::shared_file;
use cc_log::{Line, LogReader, Outline, RosterView, Trust};
use cc_proto::body::Body;
use cc_proto::id::{ArrivalNo, AuthorId, MessageId, RoomId, Timestamp};
use cc_proto::message::Message;
use cc_proto::render::Quote;

use super::refusal::{Outcome, Refusal};
use crate::error::{CliError, Kind};
use crate::home::Home;
use crate::rooms::{self, KnownRoom};

/// How many outlines are read at once.
const OUTLINES_AT_ONCE: u64 = 2048;

/// How far back an answer is looked up, in lines: it costs whoever is answered, not whoever answers.
const OWN_BACK_MAX: u64 = 10_000;

/// An open log.
pub struct Book {
    /// The room.
    pub id: RoomId,
    /// Its folder.
    pub dir: PathBuf,
    /// Who is in it, and what counts.
    pub view: RosterView,
    log: LogReader,
    through: ArrivalNo,
}

/// What a line is to an agent.
pub enum Told {
    /// A message to be shown.
    Shown(Box<Spoken>),
    /// A message by somebody of whom only the number is told.
    Counted,
    /// Nothing.
    Nothing,
}

/// A message to be shown, and what a tool may ask of it.
pub struct Spoken {
    /// Its line.
    pub n: ArrivalNo,
    /// How it is shown.
    pub quote: Quote,
    /// By whom.
    pub author: AuthorId,
    /// What it answers.
    pub re: Option<MessageId>,
    /// The damaged line that it is the copy of.
    pub repairs: Option<ArrivalNo>,
}

impl Book {
    /// Opens the log of a room.
    pub fn open(home: &Home, room: &KnownRoom) -> Outcome<Self> {
        let dir = rooms::dir(home, &room.id);
        let log = match LogReader::open(&dir) {
            Ok(log) => log,
            Err(_) if !dir.join("log.jsonl").exists() => return Err(joining()),
            Err(error) => return Err(unreadable(&error)),
        };
        let view = RosterView::load(&dir).map_err(|error| unreadable(&error))?;
        let view = view
            .filter(|view| view.room == room.id)
            .ok_or_else(joining)?;
        let log = log.with_owner(view.me, Some(view.nick.clone()));
        // What lies beyond a change of members that the view does not know yet may count for nothing.
        let beyond = log
            .first_roster_line_after(view.through())
            .map_err(|error| unreadable(&error))?;
        let through = beyond.map_or(log.len(), |n| ArrivalNo(n.0 - 1));
        Ok(Self {
            id: room.id,
            dir,
            view,
            log,
            through,
        })
    }

    /// The last line that can be told of.
    pub fn through(&self) -> ArrivalNo {
        self.through
    }

    /// The last line that there is, told of or not.
    pub fn newest(&self) -> ArrivalNo {
        self.log.len()
    }

    /// The chat messages and files among lines `from..=to`, oldest first.
    pub fn chats(&self, from: ArrivalNo, to: ArrivalNo) -> Outcome<Vec<Outline>> {
        let outlines = self.log.outlines(from, to.min(self.through));
        let outlines = outlines.map_err(|error| unreadable(&error))?;
        Ok(outlines
            .into_iter()
            .filter(|line| line.flags.chat() || line.flags.file())
            .collect())
    }

    /// The chat messages and files before line `end`, the newest first, in pieces; at most `lines_max` lines back.
    pub fn back(
        &self,
        end: ArrivalNo,
        lines_max: u64,
    ) -> impl Iterator<Item = Outcome<Vec<Outline>>> {
        let last = self.through.0.min(end.0.saturating_sub(1));
        let first = last.saturating_sub(lines_max) + 1;
        let mut to = last;
        std::iter::from_fn(move || {
            if to < first {
                return None;
            }
            let from = first.max((to + 1).saturating_sub(OUTLINES_AT_ONCE));
            let mut piece = self.chats(ArrivalNo(from), ArrivalNo(to));
            if let Ok(outlines) = &mut piece {
                outlines.reverse();
            }
            to = from - 1;
            Some(piece)
        })
    }

    /// By what an outline knows an author, some others perhaps too.
    pub fn author_tag(author: &AuthorId) -> u64 {
        let first = author.as_bytes().first_chunk();
        first.map_or(0, |bytes| u64::from_le_bytes(*bytes))
    }

    /// What the line of an outline is.
    pub fn told(&self, outline: &Outline) -> Outcome<Told> {
        let line = self.log.line_of(outline);
        Ok(self.judge(&line.map_err(|error| unreadable(&error))?))
    }

    /// What line `n` is, of whichever kind.
    pub fn line(&self, n: ArrivalNo) -> Outcome<Line> {
        self.log.line(n).map_err(|error| unreadable(&error))
    }

    /// Where a message is.
    pub fn find(&self, id: &MessageId) -> Outcome<Option<Line>> {
        let found = self.log.find(id, self.log.len().0);
        found.map_err(|error| unreadable(&error))
    }

    /// Whether the owner's agent wrote that message after a line; of the newest lines only.
    pub fn is_own_agents(&self, id: &MessageId, after: ArrivalNo) -> Outcome<bool> {
        let newer = self.log.len().0.saturating_sub(after.0).min(OWN_BACK_MAX);
        let found = self.log.find(id, newer);
        let line = found.map_err(|error| unreadable(&error))?;
        let message = line.and_then(|line| line.message.ok());
        let header = message.as_ref().map(Message::header);
        Ok(header.is_some_and(|header| header.author == self.view.me && !header.via.is_empty()))
    }

    /// What a line with a message, a file or a summary is.
    pub fn judge(&self, line: &Line) -> Told {
        let Ok(message) = &line.message else {
            return Told::Nothing;
        };
        let (text, file) = match message.body() {
            Some(Body::Chat(chat)) => (chat.text.clone(), None),
            Some(Body::Summary(summary)) => (summary.text.clone(), None),
            Some(Body::File(file)) => (String::new(), Some(shared_file(&self.dir, file))),
            _ => return Told::Nothing,
        };
        let header = message.header();
        if line.n > self.through || self.view.voids(header, &message.id()) {
            return Told::Nothing;
        }
        match self.view.trust(&header.author) {
            Trust::Inline => {}
            Trust::Notice => return Told::Counted,
            _ => return Told::Nothing,
        }
        Told::Shown(Box::new(Spoken {
            n: line.n,
            quote: Quote {
                name: self.view.name_of(&header.author),
                own: header.author == self.view.me,
                via: header.via.clone(),
                ts: header.ts,
                at: line.at,
                text,
                file,
            },
            author: header.author,
            re: header.re,
            repairs: line.repairs,
        }))
    }
}

/// Whether a message was written after a time, by its author's clock.
pub fn is_after(spoken: &Spoken, time: Timestamp) -> bool {
    spoken.quote.ts >= time
}

fn joining() -> Refusal {
    Refusal::new("joining", "no member of the room has let us in yet")
}

fn unreadable(error: &dyn std::error::Error) -> Refusal {
    CliError::new(Kind::Home, "cannot read the room's log")
        .because(error)
        .into()
}
