//! A room's history as it is shown: lines of the log, names of the roster view, cleaned for the terminal.
//!
//! Read straight from the files, without the daemon and without a lock.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use cc_log::{Line, LogReader, RosterView, ViewMember};
use cc_proto::body::{Body, Kind as MessageKind};
use cc_proto::id::{ArrivalNo, AuthorId, ChainId, MessageId, Seq, Timestamp};
use cc_proto::message::Message;
use cc_proto::roster::Roster;
use cc_proto::text::{MemberName, clean_line, clean_nick, clean_text, fingerprint};

use crate::commands::objects::{LogLine, LogReceipt, object};
use crate::commands::receipts::Receipts;
use crate::error::{CliError, CliResult, Kind};
use crate::home::Home;
use crate::names;
use crate::output::{Output, Style};
use crate::rooms::{self, KnownRoom, short};
use crate::rpc::ReceiptInfo;
use crate::when;

/// Names listed of those whom a message has reached; the others are counted.
const NAMES_MAX: usize = 8;

/// An open history.
pub struct History {
    room: String,
    reader: LogReader,
    view: Option<RosterView>,
    names: BTreeMap<AuthorId, String>,
    /// Of the acts through `acts_through`: it knows who came over an invite's uses.
    roster: Roster,
    acts_through: ArrivalNo,
    /// The last place printed of each chain. One at or before it is a second branch.
    tips: HashMap<(AuthorId, ChainId), Seq>,
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
            roster: Roster::new(room.id),
            acts_through: ArrivalNo(0),
            tips: HashMap::new(),
        };
        history.refresh_names()?;
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

    /// The messages whose ids begin with these small hexadecimal digits, and their texts.
    pub fn by_id(&self, digits: &str) -> CliResult<BTreeMap<MessageId, Option<String>>> {
        let mut found = BTreeMap::new();
        for line in self.lines_after(ArrivalNo(0))? {
            let line = line.map_err(|error| unreadable(&error))?;
            if let Ok(message) = line.message
                && message.id().to_hex().starts_with(digits)
            {
                found.insert(message.id(), message.text().map(str::to_owned));
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
        self.reader.refresh().map_err(|error| unreadable(&error))?;
        if self.len() > last {
            self.refresh_names()?;
        }
        Ok(self.len().max(last))
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
        for line in self.lines_between(last, end)? {
            let line = line.map_err(|error| unreadable(&error))?;
            if self.is_void(&line) {
                continue;
            }
            let fork = is_fork(&mut tips, &line);
            if !skip(&line) {
                self.print(&line, fork, receipts.get(&line.n.0), output);
            }
        }
        self.tips = tips;
        Ok(())
    }

    fn lines_after(
        &self,
        last: ArrivalNo,
    ) -> CliResult<impl Iterator<Item = Result<Line, cc_log::ReadError>> + '_> {
        self.lines_between(last, self.len())
    }

    fn lines_between(
        &self,
        last: ArrivalNo,
        end: ArrivalNo,
    ) -> CliResult<impl Iterator<Item = Result<Line, cc_log::ReadError>> + '_> {
        self.reader
            .range(ArrivalNo(last.0 + 1), end)
            .map_err(|error| unreadable(&error))
    }

    fn is_void(&self, line: &Line) -> bool {
        match (&self.view, &line.message) {
            (Some(view), Ok(message)) => view.voids(message.header(), &message.id()),
            _ => false,
        }
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
            let who = self.name(&message.header().author);
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
            author.map_or_else(String::new, |author| format!("@{}", self.name(&author)))
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

    /// Reads the names anew; on a view that cannot be read, the old ones stay.
    fn refresh_names(&mut self) -> CliResult {
        self.take_in_acts()?;
        let Ok(Some(view)) = RosterView::load(self.reader.dir()) else {
            return Ok(());
        };
        let (members, former) = (named(&view.members), named(&view.former));
        self.names = names::shown(&members, &former, Some(view.me));
        self.view = Some(view);
        Ok(())
    }

    fn take_in_acts(&mut self) -> CliResult {
        let is_first = self.acts_through == ArrivalNo(0);
        let mut acts = Vec::new();
        loop {
            let next = self.reader.first_roster_line_after(self.acts_through);
            let Some(n) = next.map_err(|error| unreadable(&error))? else {
                break;
            };
            self.acts_through = n;
            // A damaged line is told where it is printed.
            acts.extend(self.line(n)?.message.ok());
        }
        if is_first {
            self.roster = Roster::load(self.roster.room(), &acts);
        } else {
            for act in &acts {
                self.roster.insert(act);
            }
        }
        Ok(())
    }

    fn name(&self, author: &AuthorId) -> String {
        self.names
            .get(author)
            .cloned()
            .unwrap_or_else(|| fingerprint(author))
    }

    fn is_over(&self, author: &AuthorId) -> bool {
        let member = self.roster.members().get(author);
        member.is_some_and(|member| member.over)
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
            nick: header.map(|header| self.name(&header.author)),
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
            receipt: None,
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
        if is_erased(message) {
            return Some(format!("{time} * a message of {who} was taken back"));
        }
        let body = message.body()?;
        if let Body::Chat(chat) = body {
            let via = match clean_nick(&header.via) {
                Some(agent) => format!(" (via {agent})"),
                None if header.via.is_empty() => String::new(),
                None => " (via an agent)".to_owned(),
            };
            // Later lines are indented, so that none can pass for a message of its own.
            let text = clean_text(&chat.text).replace('\n', "\n      ");
            return Some(format!("{time} {who}{via} {text}"));
        }
        let did = self.deed(body)?;
        Some(format!("{time} * {who} {did}"))
    }

    /// What an act did, to stand after its author's name; none of those that nobody has to know of.
    fn deed(&self, body: &Body) -> Option<String> {
        Some(match body {
            Body::Genesis(_) => "made the room".to_owned(),
            Body::Admit(admit) if self.is_over(&admit.joiner) => format!(
                "let @{} in, over the uses of the invite {}",
                self.name(&admit.joiner),
                admit.invite.short()
            ),
            Body::Admit(admit) => format!("let @{} in", self.name(&admit.joiner)),
            Body::Remove(remove) => format!("removed @{}", self.name(&remove.member)),
            Body::Grant(grant) if grant.admin => {
                format!("made @{} an admin", self.name(&grant.member))
            }
            Body::Grant(grant) => {
                format!(
                    "made @{} an ordinary member again",
                    self.name(&grant.member)
                )
            }
            Body::InviteRevoke(revoke) => {
                format!("revoked the invite {}", short(&revoke.invite.to_hex()))
            }
            Body::Retract(retract) => {
                format!("took a message of @{} back", self.name(&retract.author))
            }
            Body::Leave => "left".to_owned(),
            _ => return None,
        })
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

fn named(people: &[ViewMember]) -> Vec<MemberName<'_>> {
    let names = people.iter().map(|person| MemberName {
        author: person.author,
        nick: &person.nick,
        petname: person.petname.as_deref(),
    });
    names.collect()
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

fn is_erased(message: &Message) -> bool {
    message.kind() == MessageKind::Chat && message.body().is_none()
}

/// Whether another line holds a message for the same place; lines arrive in the order of their chain, so the place is
/// not beyond the last. A repair is the same message again.
fn is_fork(tips: &mut HashMap<(AuthorId, ChainId), Seq>, line: &Line) -> bool {
    let Ok(message) = &line.message else {
        return false;
    };
    if line.repairs.is_some() {
        return false;
    }
    let header = message.header();
    let tip = tips.entry((header.author, header.chain)).or_insert(Seq(0));
    let fork = header.seq <= *tip;
    *tip = header.seq.max(*tip);
    fork
}

fn unreadable(error: &dyn std::error::Error) -> CliError {
    CliError::new(Kind::Home, "cannot read the room's log").because(error)
}
