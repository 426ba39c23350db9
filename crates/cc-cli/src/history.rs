//! A room's history as it is printed: lines of the log, names of the roster view, cleaned for the terminal.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use cc_log::Line;
use cc_proto::body::{Body, Kind as MessageKind};
use cc_proto::files::is_folder;
use cc_proto::id::{ArrivalNo, AuthorId, MessageId, Timestamp};
use cc_proto::message::Message;
use cc_proto::text::{clean_line, clean_nick, clean_text, file_name};

use crate::commands::objects::{LogFile, LogLine, LogReceipt, object};
use crate::commands::receipts::Receipts;
use crate::error::CliResult;
use crate::files;
use crate::home::Home;
use crate::output::{Output, Style};
use crate::reading::{Reading, Tips, is_erased, is_fork, unreadable};
use crate::rooms::{self, KnownRoom};
use crate::rpc::ReceiptInfo;
use crate::when;

/// Names listed of those whom a message has reached; the others are counted.
const NAMES_MAX: usize = 8;

/// So many files are remembered that were not here when their lines were printed.
const AWAITED_MAX: usize = 256;
/// The longest media type that is told, in characters.
const MEDIA_TYPE_CHARS_MAX: usize = 128;

/// An open history.
pub struct History {
    room: String,
    reading: Reading,
    tips: Tips,
    /// The newest lines that were printed of files that are not here.
    awaited: BTreeSet<ArrivalNo>,
}

impl History {
    /// Opens the history of a room; an error before anything has arrived.
    pub fn open(home: &Home, room: &KnownRoom) -> CliResult<Self> {
        Ok(Self {
            room: room.id.to_hex(),
            reading: Reading::open(&rooms::dir(home, &room.id), room.id)?,
            tips: Tips::new(),
            awaited: BTreeSet::new(),
        })
    }

    /// The number of the newest line when this was opened or last printed.
    pub fn len(&self) -> ArrivalNo {
        self.reading.len()
    }

    /// How many chat messages there are.
    pub fn chat_count(&self) -> CliResult<u64> {
        let log = self.reading.log();
        let flags = log.flags(ArrivalNo(1), self.len());
        Ok(flags
            .map_err(|error| unreadable(&error))?
            .iter()
            .filter(|(_, flags)| flags.chat() && !flags.repair())
            .count() as u64)
    }

    /// One line.
    pub fn line(&self, n: ArrivalNo) -> CliResult<Line> {
        self.reading.line(n)
    }

    /// Whether a message has arrived, as of now.
    pub fn holds(&mut self, message: &MessageId) -> CliResult<bool> {
        self.reading.look()?;
        let found = self.reading.log().find(message, self.len().0);
        Ok(found.map_err(|error| unreadable(&error))?.is_some())
    }

    /// The messages whose ids begin with these small hexadecimal digits, and their texts.
    pub fn by_id(&self, digits: &str) -> CliResult<BTreeMap<MessageId, Message>> {
        let mut found = BTreeMap::new();
        for line in self.reading.lines_between(ArrivalNo(0), self.len())? {
            let line = line.map_err(|error| unreadable(&error))?;
            if let Ok(message) = line.message
                && message.id().to_hex().starts_with(digits)
            {
                found.insert(message.id(), message);
            }
        }
        Ok(found)
    }

    /// Prints what has arrived after `last`; gives the number of the newest line. What counts for nothing, such as what
    /// a removed member wrote after the removal, is left out.
    pub fn print_after(
        &mut self,
        last: ArrivalNo,
        skip: impl Fn(&Line) -> bool,
        output: Output,
    ) -> CliResult<ArrivalNo> {
        let end = self.refresh(last)?;
        self.print_range(last, end, &Receipts::new(), skip, output)?;
        Ok(end)
    }

    /// Looks for what has arrived after `last`; gives the number of the newest line.
    pub fn refresh(&mut self, last: ArrivalNo) -> CliResult<ArrivalNo> {
        self.reading.refresh(last)
    }

    /// Prints the lines after `last` up to `end`, which is no newer than the newest of the last refresh, with what is
    /// known of how far they have come.
    pub fn print_range(
        &mut self,
        last: ArrivalNo,
        end: ArrivalNo,
        receipts: &Receipts,
        skip: impl Fn(&Line) -> bool,
        output: Output,
    ) -> CliResult {
        if end <= last {
            return Ok(());
        }
        // Printing a line notes its place, and reading one does not.
        let mut tips = std::mem::take(&mut self.tips);
        let mut awaited = std::mem::take(&mut self.awaited);
        for line in self.reading.lines_between(last, end)? {
            let line = line.map_err(|error| unreadable(&error))?;
            if self.reading.is_void(&line) {
                continue;
            }
            let fork = is_fork(&mut tips, &line);
            if !skip(&line) {
                self.print(&line, fork, receipts.get(&line.n.0), output);
            }
            let file = line.message.as_ref().ok().and_then(|it| self.to_file(it));
            if file.is_some_and(|file| file.path.is_none()) {
                awaited.insert(line.n);
            }
            if awaited.len() > AWAITED_MAX {
                awaited.pop_first();
            }
        }
        self.tips = tips;
        self.awaited = awaited;
        Ok(())
    }

    /// Whether a line was printed of a file that was not here: from now on it is.
    pub fn no_longer_awaits(&mut self, n: u64) -> bool {
        self.awaited.remove(&ArrivalNo(n))
    }

    /// Prints a line: the object with `--json`, else what a person cares about.
    fn print(&self, line: &Line, fork: bool, receipt: Option<&ReceiptInfo>, output: Output) {
        if output.json() {
            let shown = LogLine {
                receipt: receipt.map(to_receipt),
                ..self.to_object(line, fork)
            };
            output.data(&object(&shown), "");
            return;
        }
        if fork && let Ok(message) = &line.message {
            let who = self.reading.name(&message.header().author);
            output.text(format!(
                "* @{who} signed two messages for one place: their home was copied, or they deceive somebody"
            ));
        }
        if let Some(text) = self.to_text(line, output) {
            output.text(text);
            let said = line.message.as_ref().is_ok_and(|it| it.text().is_some());
            if let Some(receipt) = receipt.filter(|_| said) {
                let way = self.way(receipt);
                output.text(format!("      {}", output.style(Style::Dim, &way)));
            }
        }
    }

    /// How far a message has come, in words.
    fn way(&self, receipt: &ReceiptInfo) -> String {
        let name = |key: &str| {
            let author: Option<AuthorId> = key.parse().ok();
            author.map_or_else(String::new, |author| {
                format!("@{}", self.reading.name(&author))
            })
        };
        let mut way = "✓ stored".to_owned();
        let others = receipt.others;
        if others > 0 && receipt.reached.is_empty() {
            let _ = write!(way, " · reached none of {others} yet");
        } else if others > 0 {
            let names = receipt.reached.iter().map(|key| name(key));
            let (reached, names) = (receipt.reached.len(), listed(names.collect()));
            let _ = write!(way, " · reached {reached} of {others}: {names}");
        }
        if !receipt.offered.is_empty() {
            let offered = receipt.offered.iter();
            let agents =
                offered.map(|it| format!("{}'s {}", name(&it.author), clean_line(&it.agent, 64)));
            let _ = write!(way, " · offered to {}", listed(agents.collect()));
        }
        way
    }

    fn to_object(&self, line: &Line, fork: bool) -> LogLine {
        let message = line.message.as_ref().ok();
        let header = message.map(Message::header);
        LogLine {
            room: self.room.clone(),
            n: line.n.0,
            at: line.at.0,
            id: line.id().map(|id| id.to_hex()),
            author: header.map(|header| header.author.to_hex()),
            nick: header.map(|header| self.reading.name(&header.author)),
            ts: header.map(|header| header.ts.0),
            kind: message
                .map_or("damaged", |message| message.kind().name())
                .to_owned(),
            text: message.and_then(Message::text).map(str::to_owned),
            via: header.map(|header| header.via.clone()),
            re: header.and_then(|header| header.re).map(|id| id.to_hex()),
            repairs: line.repairs.map(|n| n.0),
            erased: message.is_some_and(is_erased),
            about: message
                .and_then(Message::body)
                .and_then(about)
                .map(|author| author.to_hex()),
            fork,
            file: message.and_then(|message| self.to_file(message)),
            receipt: None,
        }
    }

    fn to_file(&self, message: &Message) -> Option<LogFile> {
        let Some(Body::File(file)) = message.body() else {
            return None;
        };
        Some(LogFile {
            name: file_name(&file.name),
            size: file.size,
            hash: file.hash.to_hex(),
            media_type: clean_line(&file.media_type, MEDIA_TYPE_CHARS_MAX),
            folder: is_folder(file),
            path: files::place(self.reading.log().dir(), file),
        })
    }

    fn to_text(&self, line: &Line, output: Output) -> Option<String> {
        let message = match &line.message {
            Ok(message) => message,
            Err(damage) => return Some(format!("* line {} is damaged: {damage}", line.n.0)),
        };
        let header = message.header();
        let time = when::short_time(Timestamp(header.ts.0), when::now());
        let time = output.style(Style::Dim, &time);
        let name = format!("@{}", self.reading.name(&header.author));
        let who = output.style(Style::Bold, &name);
        if is_erased(message) {
            let what = match message.kind() {
                MessageKind::File => "file",
                _ => "message",
            };
            return Some(format!("{time} * a {what} of {who} was taken back"));
        }
        let body = message.body()?;
        let via = match clean_nick(&header.via) {
            Some(agent) => format!(" (via {agent})"),
            None if header.via.is_empty() => String::new(),
            None => " (via an agent)".to_owned(),
        };
        if let Some(file) = self.to_file(message) {
            return Some(format!("{time} * {who}{via} dropped {}", dropped(&file)));
        }
        if let Body::Chat(chat) = body {
            // Later lines are indented, so that none can pass for a message of its own.
            let text = clean_text(&chat.text).replace('\n', "\n      ");
            return Some(format!("{time} {who}{via} {text}"));
        }
        let did = self.reading.deed(body)?;
        Some(format!("{time} * {who} {did}"))
    }
}

/// What a file is called, and where it is or how it comes here.
fn dropped(file: &LogFile) -> String {
    let said = files::said(&file.name, file.size, file.folder);
    match &file.path {
        Some(path) => format!("{said}: {}", files::shown_path(path)),
        None => format!("{said}: cc-connect get {}", files::word(&file.name)),
    }
}

/// A few of them, and how many more there are.
fn listed(mut names: Vec<String>) -> String {
    let more = names.len().saturating_sub(NAMES_MAX);
    names.truncate(NAMES_MAX);
    let names = names.join(", ");
    if more > 0 {
        return format!("{names} and {more} more");
    }
    names
}

fn to_receipt(info: &ReceiptInfo) -> LogReceipt {
    LogReceipt {
        stored: true,
        others: info.others,
        reached: info.reached.clone(),
        offered: info.offered.clone(),
    }
}

/// Whom an act is about.
fn about(body: &Body) -> Option<AuthorId> {
    match body {
        Body::Admit(admit) => Some(admit.joiner),
        Body::Remove(remove) => Some(remove.member),
        Body::Grant(grant) => Some(grant.member),
        Body::Retract(retract) => Some(retract.author),
        _ => None,
    }
}
