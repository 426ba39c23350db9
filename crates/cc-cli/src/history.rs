//! A room's history as it is shown: lines of the log, names of the roster view, cleaned for the terminal.
//!
//! Read straight from the files, without the daemon and without a lock.

use std::collections::BTreeMap;

use cc_log::{Line, LogReader, RosterView};
use cc_proto::body::Body;
use cc_proto::id::{ArrivalNo, AuthorId, MessageId, Timestamp};
use cc_proto::message::Message;
use cc_proto::text::{MemberName, clean_nick, clean_text, display_names, fingerprint};

use crate::commands::objects::{LogLine, object};
use crate::error::{CliError, CliResult, Kind};
use crate::home::Home;
use crate::output::{Output, Style};
use crate::rooms::{self, KnownRoom};
use crate::when;

/// An open history.
pub struct History {
    room: String,
    reader: LogReader,
    view: Option<RosterView>,
    names: BTreeMap<AuthorId, String>,
}

impl History {
    /// Opens the history of a room; an error before anything has arrived.
    pub fn open(home: &Home, room: &KnownRoom) -> CliResult<Self> {
        let dir = rooms::dir(home, &room.id);
        let reader = LogReader::open(&dir).map_err(|error| unreadable(&error))?;
        let mut history = Self {
            room: room.id.to_hex(),
            reader,
            view: None,
            names: BTreeMap::new(),
        };
        history.refresh_names();
        Ok(history)
    }

    /// The number of the newest line when this was opened or last printed.
    pub fn len(&self) -> ArrivalNo {
        self.reader.len()
    }

    /// How many chat messages there are.
    pub fn chat_count(&self) -> CliResult<u64> {
        let flags = self
            .reader
            .flags(ArrivalNo(1), self.len())
            .map_err(|error| unreadable(&error))?;
        Ok(flags
            .iter()
            .filter(|(_, flags)| flags.chat() && !flags.repair())
            .count() as u64)
    }

    /// One line.
    pub fn line(&self, n: ArrivalNo) -> CliResult<Line> {
        self.reader.line(n).map_err(|error| unreadable(&error))
    }

    /// Whether a message has arrived, as of now.
    pub fn holds(&mut self, message: &MessageId) -> CliResult<bool> {
        self.reader.refresh().map_err(|error| unreadable(&error))?;
        let found = self
            .reader
            .find(message, self.len().0)
            .map_err(|error| unreadable(&error))?;
        Ok(found.is_some())
    }

    /// Prints what has arrived after `last`; gives the number of the newest line. What a removed member wrote beyond
    /// what counts is left out.
    pub fn print_after(
        &mut self,
        last: ArrivalNo,
        skip: impl Fn(&Line) -> bool,
        output: Output,
    ) -> CliResult<ArrivalNo> {
        self.reader.refresh().map_err(|error| unreadable(&error))?;
        let end = self.len();
        if end <= last {
            return Ok(last);
        }
        self.refresh_names();
        let lines = self
            .reader
            .range(ArrivalNo(last.0 + 1), end)
            .map_err(|error| unreadable(&error))?;
        for line in lines {
            let line = line.map_err(|error| unreadable(&error))?;
            if !skip(&line) && !self.is_void(&line) {
                self.print(&line, output);
            }
        }
        Ok(end)
    }

    fn is_void(&self, line: &Line) -> bool {
        match (&self.view, &line.message) {
            (Some(view), Ok(message)) => view.voids(message.header()),
            _ => false,
        }
    }

    /// Prints a line: the object with `--json`, else what a person cares about.
    fn print(&self, line: &Line, output: Output) {
        if output.json() {
            output.data(&object(&self.to_object(line)), "");
        } else if let Some(text) = self.to_text(line, output) {
            output.text(text);
        }
    }

    /// Reads the names anew; on a view that cannot be read, the old ones stay.
    fn refresh_names(&mut self) {
        let Ok(Some(view)) = RosterView::load(self.reader.dir()) else {
            return;
        };
        let members: Vec<MemberName<'_>> = view
            .members
            .iter()
            .map(|member| MemberName {
                author: member.author,
                nick: &member.nick,
                petname: member.petname.as_deref(),
            })
            .collect();
        self.names = display_names(&members, Some(view.me));
        self.view = Some(view);
    }

    fn name(&self, author: &AuthorId) -> String {
        self.names
            .get(author)
            .cloned()
            .unwrap_or_else(|| fingerprint(author))
    }

    fn to_object(&self, line: &Line) -> LogLine {
        let message = line.message.as_ref().ok();
        let header = message.map(Message::header);
        LogLine {
            room: self.room.clone(),
            n: line.n.0,
            at: line.at.0,
            id: line.id().map(|id| id.to_hex()),
            author: header.map(|header| header.author.to_hex()),
            nick: header.map(|header| self.name(&header.author)),
            ts: header.map(|header| header.ts.0),
            kind: message
                .map_or("damaged", |message| message.kind().name())
                .to_owned(),
            text: message.and_then(Message::text).map(str::to_owned),
            via: header.map(|header| header.via.clone()),
            re: header.and_then(|header| header.re).map(|id| id.to_hex()),
            repairs: line.repairs.map(|n| n.0),
        }
    }

    fn to_text(&self, line: &Line, output: Output) -> Option<String> {
        let message = match &line.message {
            Ok(message) => message,
            Err(damage) => return Some(format!("* line {} is damaged: {damage}", line.n.0)),
        };
        let header = message.header();
        let time = when::short_time(Timestamp(header.ts.0), when::now());
        let time = output.style(Style::Dim, &time);
        let name = format!("@{}", self.name(&header.author));
        let who = output.style(Style::Bold, &name);
        match message.body()? {
            Body::Chat(chat) => {
                let via = match clean_nick(&header.via) {
                    Some(agent) => format!(" (via {agent})"),
                    None if header.via.is_empty() => String::new(),
                    None => " (via an agent)".to_owned(),
                };
                // Later lines are indented, so that none can pass for a message of its own.
                let text = clean_text(&chat.text).replace('\n', "\n      ");
                Some(format!("{time} {who}{via} {text}"))
            }
            Body::Genesis(_) => Some(format!("{time} * {who} made the room")),
            Body::Admit(admit) => Some(format!(
                "{time} * {who} let @{} in",
                self.name(&admit.joiner)
            )),
            Body::Leave => Some(format!("{time} * {who} left")),
            _ => None,
        }
    }
}

fn unreadable(error: &dyn std::error::Error) -> CliError {
    CliError::new(Kind::Home, "cannot read the room's log").because(error)
}
