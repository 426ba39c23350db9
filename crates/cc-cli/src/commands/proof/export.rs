//! `proof export`: read from the log's files alone, without the daemon.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use cc_log::{LogReader, RosterView};
use cc_proto::id::{ArrivalNo, AuthorId, ChainId, MessageId, RoomId, Seq};
use cc_proto::message::Message;
use cc_proto::proof::{Proof, RUN_HEADERS_MAX, Run, bundle_of};
use cc_proto::roster::Roster;
use cc_proto::text::{clean_line, clean_nick, fingerprint};

use super::told;
use crate::args::{ExportForkArgs, ExportMessageArgs, ExportOptions};
use crate::error::{CliError, CliResult, Kind};
use crate::home::Home;
use crate::output::Output;
use crate::rooms;

/// The least of an id or a key that names one.
const PREFIX_DIGITS_MIN: usize = 4;
/// From so many digits on an id is meant and not a line.
const ID_DIGITS_MIN: usize = 10;
/// The longest of what was typed that is shown back, in characters.
const SHOWN_CHARS_MAX: usize = 64;

/// Prints a proof that a member signed two messages for one place.
pub fn fork(home: &Home, args: &ExportForkArgs, output: Output) -> CliResult {
    let log = Log::open(home, &args.common)?;
    let author = log.author(&args.member)?;
    let of_author = log.messages(|message| message.header().author == author)?;
    let mut places: BTreeMap<(ChainId, Seq), BTreeSet<MessageId>> = BTreeMap::new();
    for message in &of_author {
        let header = message.header();
        let place = places.entry((header.chain, header.seq)).or_default();
        place.insert(message.id());
    }
    let Some(two) = places.values().find(|ids| ids.len() > 1) else {
        return Err(CliError::new(
            Kind::Proof,
            format!(
                "{} signed no two messages for one place, as far as this log holds",
                fingerprint(&author)
            ),
        ));
    };
    let mut runs = two.iter().map(|id| run(&of_author, id, &args.common));
    let mut next = || runs.next().unwrap_or_else(|| Err(unsigned()));
    let proof = Proof::Fork {
        left: next()?,
        right: next()?,
    };
    print(&proof, output)
}

/// Prints a proof that a member wrote a message.
pub fn message(home: &Home, args: &ExportMessageArgs, output: Output) -> CliResult {
    let log = Log::open(home, &args.common)?;
    let message = log.message(&args.message)?;
    let header = message.header();
    let chain = log.messages(|other| {
        let other = other.header();
        (other.author, other.chain) == (header.author, header.chain) && other.seq >= header.seq
    })?;
    let acts = log.messages(Message::shapes_roster)?;
    let proof = Proof::Message {
        run: run(&chain, &message.id(), &args.common)?,
        bundle: bundle_of(log.room, &header.author, &acts),
    };
    print(&proof, output)
}

/// The message and those after it, up to the nearest that carries its own signature.
fn run(messages: &[Message], id: &MessageId, options: &ExportOptions) -> CliResult<Run> {
    let mut after: BTreeMap<MessageId, Vec<&Message>> = BTreeMap::new();
    for message in messages {
        if let Some(prev) = message.header().prev {
            after.entry(prev).or_default().push(message);
        }
    }
    let first = messages.iter().find(|message| message.id() == *id);
    let mut paths: VecDeque<Vec<&Message>> = first.map(|first| vec![first]).into_iter().collect();
    while let Some(path) = paths.pop_front() {
        if let Some(run) = Run::of(path.iter().copied(), !options.without_text) {
            return Ok(run);
        }
        let last = path.last().map(|last| last.id());
        let next = last.and_then(|last| after.get(&last)).into_iter().flatten();
        for next in next.filter(|_| path.len() < RUN_HEADERS_MAX) {
            let mut longer = path.clone();
            longer.push(next);
            paths.push_back(longer);
        }
    }
    Err(unsigned())
}

fn unsigned() -> CliError {
    CliError::new(Kind::Proof, "no signature in this log vouches for the message")
        .hint("its line, or the one that vouches, may be damaged; it is fetched again when a peer is online")
}

/// Prints the proof with what it says above it, having checked it as anybody will.
fn print(proof: &Proof, output: Output) -> CliResult {
    let proven = proof.check().map_err(|error| {
        CliError::new(Kind::Proof, "this log does not hold what would prove it").because(&error)
    })?;
    let text = proof.to_text();
    let mut object = told::object(&proven);
    object["proof"] = text.clone().into();
    let words = told::in_words(&proven);
    output.data(
        &object,
        format!("{words}\n\nTo check this, with cc-connect on any machine: cc-connect proof check FILE\n\n{}", text.trim_end()),
    );
    Ok(())
}

/// A room's log, read from its files.
struct Log {
    room: RoomId,
    reader: LogReader,
    view: Option<RosterView>,
}

impl Log {
    fn open(home: &Home, options: &ExportOptions) -> CliResult<Self> {
        let room = rooms::find(home, options.room.as_deref())?;
        let dir = rooms::dir(home, &room.id);
        Ok(Self {
            room: room.id,
            reader: LogReader::open(&dir).map_err(|error| unreadable(&error))?,
            // Names are a convenience; keys name everybody.
            view: RosterView::load(&dir).ok().flatten(),
        })
    }

    /// The readable messages that are wanted, in order of arrival.
    fn messages(&self, wanted: impl Fn(&Message) -> bool) -> CliResult<Vec<Message>> {
        let lines = self.reader.range(ArrivalNo(1), self.reader.len());
        let mut messages = Vec::new();
        for line in lines.map_err(|error| unreadable(&error))? {
            let line = line.map_err(|error| unreadable(&error))?;
            messages.extend(line.message.ok().filter(&wanted));
        }
        Ok(messages)
    }

    fn message(&self, asked: &str) -> CliResult<Message> {
        let asked = asked.trim();
        let none = || {
            let shown = clean_line(asked, SHOWN_CHARS_MAX);
            CliError::new(Kind::Message, format!("there is no message {shown}"))
                .hint("a line of cc-connect log --json, or the beginning of an id")
        };
        if asked.len() < ID_DIGITS_MIN
            && let Ok(n) = asked.parse()
        {
            let line = self.reader.line(ArrivalNo(n)).map_err(|_| none())?;
            return line.message.map_err(|error| none().because(&error));
        }
        let digits = prefix(asked).ok_or_else(none)?;
        let mut found = self.messages(|message| message.id().to_hex().starts_with(&digits))?;
        // The copy of a damaged line that was fetched again is the same message.
        found.dedup_by_key(|message| message.id());
        match found.len() {
            1 => Ok(found.remove(0)),
            0 => Err(none()),
            _ => Err(CliError::new(
                Kind::Message,
                format!("several messages begin with {digits}"),
            )),
        }
    }

    /// Who is meant, of all who wrote something: members, former members and others.
    fn author(&self, asked: &str) -> CliResult<AuthorId> {
        let asked = asked.trim().trim_start_matches('@');
        let digits = prefix(asked);
        let name = clean_nick(asked);
        let acts = self.messages(Message::shapes_roster)?;
        let roster = Roster::load(self.room, &acts);
        let authors: BTreeSet<AuthorId> = acts.iter().map(|act| act.header().author).collect();
        let called = |author: &AuthorId| {
            let petname = self
                .view
                .as_ref()
                .and_then(|view| view.member(author)?.petname.as_deref());
            let names = [petname, roster.nick(author)];
            name.is_some()
                && names
                    .into_iter()
                    .flatten()
                    .any(|known| clean_nick(known) == name)
        };
        let by_key = |author: &AuthorId| {
            digits
                .as_ref()
                .is_some_and(|digits| author.to_hex().starts_with(digits))
        };
        let keyed: Vec<AuthorId> = authors.iter().copied().filter(by_key).collect();
        let found = if keyed.is_empty() {
            authors.iter().copied().filter(called).collect()
        } else {
            keyed
        };
        match found.as_slice() {
            [one] => Ok(*one),
            several => {
                let shown = clean_line(asked, SHOWN_CHARS_MAX);
                let what = match several {
                    [] => format!("nobody in this log is called {shown}"),
                    _ => format!("{shown} can mean several members"),
                };
                let listed: &mut dyn Iterator<Item = &AuthorId> = match several {
                    [] => &mut authors.iter(),
                    _ => &mut several.iter(),
                };
                let mut hint = "name one by the fingerprint:".to_owned();
                for author in listed {
                    let nick = roster.nick(author).and_then(clean_nick).unwrap_or_default();
                    hint = format!("{hint}\n  {}  {nick}", fingerprint(author));
                }
                Err(CliError::new(Kind::Member, what).hint(hint))
            }
        }
    }
}

/// The beginning of an id or a key.
fn prefix(asked: &str) -> Option<String> {
    let is_hex =
        asked.len() >= PREFIX_DIGITS_MIN && asked.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then(|| asked.to_ascii_lowercase())
}

fn unreadable(error: &dyn std::error::Error) -> CliError {
    CliError::new(Kind::Home, "cannot read the room's log").because(error)
}
