//! `room_read`: what was said.

use std::time::{Duration, Instant};

use cc_log::RosterView;
use cc_proto::id::{ArrivalNo, AuthorId};
use cc_proto::render::{ExcerptText, Quote};
use cc_proto::text::{file_name, fingerprint, fold_case};
use tokio_util::sync::CancellationToken;

use super::answer::{Answer, Keep, fit, messages};
use super::arguments::{Mode, ReadArguments};
use super::book::{Book, Told};
use super::desk::Desk;
use super::refusal::{Outcome, Refusal};
use crate::names;
use crate::people;
use crate::rpc::{FormerPerson, People, Person};

/// How far back messages are looked for, in lines.
const LINES_BACK_MAX: u64 = 50_000;
/// How long messages are looked for.
const SEARCH_TIME_MAX: Duration = Duration::from_secs(5);

/// Carries out the call; what it looks for it looks for until `stop` is cancelled.
pub fn read(desk: &Desk, arguments: &ReadArguments, stop: &CancellationToken) -> Outcome<Answer> {
    let (mode, limit) = (arguments.mode()?, arguments.limit()?);
    let connected = desk.connected()?;
    let room = connected.one(arguments.room.as_deref())?;
    let book = Book::open(&connected.home, room)?;
    let filter = Filter::new(&book, arguments)?;
    let at = arguments.n.map(ArrivalNo);
    let mut search = Search::new(&book, &filter, stop);
    let (found, keep) = match (mode, at) {
        (Mode::Since, Some(n)) => (search.forward(n, limit)?, Keep::Oldest),
        (Mode::Around, Some(n)) => (search.around(n, limit)?, Keep::Near(n)),
        (_, before) => {
            let end = before.unwrap_or(ArrivalNo(u64::MAX));
            (search.back(end, limit)?, Keep::Newest)
        }
    };
    let counted = search.counted;
    if found.is_empty() {
        return Ok(Answer::plain(nothing(&book, mode, &search)));
    }
    let fitted = fit(&book, found, keep);
    let after = what_else(&book, mode, &search, &fitted);
    Ok(Answer::with_excerpt(&book, fitted, counted, &after))
}

/// Which messages are looked for among all.
struct Filter {
    author: Option<AuthorId>,
    query: Option<String>,
}

impl Filter {
    fn new(book: &Book, arguments: &ReadArguments) -> Outcome<Self> {
        let author = arguments.author.as_deref();
        Ok(Self {
            author: author.map(|asked| author_of(book, asked)).transpose()?,
            query: arguments.query()?.map(fold_case),
        })
    }

    fn takes(&self, quote: &Quote) -> bool {
        let query = self.query.as_ref();
        // Of a file its name is what it says.
        let file = quote.file.as_ref().map(|file| file_name(&file.name));
        let text = file.as_ref().unwrap_or(&quote.text);
        query.is_none_or(|query| fold_case(text).contains(query))
    }
}

/// Whoever belongs or belonged, by what the command line takes for them too.
fn author_of(book: &Book, asked: &str) -> Outcome<AuthorId> {
    let somebody = people::anybody(&people_of(&book.view), asked);
    let author = somebody
        .ok()
        .and_then(|person| person.author().parse().ok());
    author.ok_or_else(|| {
        Refusal::new("member", "author names nobody in the room, or several")
            .more("room_members lists everybody with a fingerprint, which always names one.")
    })
}

/// The people of a view, as far as finding one by name needs them.
fn people_of(view: &RosterView) -> People {
    let shown = names::shown(&named(&view.members), &named(&view.former), Some(view.me));
    let name = |author: &AuthorId| shown.get(author).cloned().unwrap_or_default();
    let members = view.members.iter().map(|member| Person {
        author: member.author.to_hex(),
        fingerprint: fingerprint(&member.author),
        lookalike: name(&member.author).contains('#'),
        name: name(&member.author),
        nick: member.nick.clone(),
        petname: member.petname.clone(),
        trust: member.trust.into(),
        root: member.root,
        admin: member.admin,
        me: member.author == view.me,
        online: false,
        over: false,
        forked: false,
        doors: Vec::new(),
        invites: Vec::new(),
    });
    let former = view.former.iter().map(|person| FormerPerson {
        author: person.author.to_hex(),
        fingerprint: fingerprint(&person.author),
        name: name(&person.author),
        nick: person.nick.clone(),
        petname: person.petname.clone(),
        trust: person.trust.into(),
        me: person.author == view.me,
        removed: false,
        left: false,
        by: Vec::new(),
        forked: false,
    });
    People {
        room: view.room.to_hex(),
        members: members.collect(),
        former: former.collect(),
    }
}

fn named(people: &[cc_log::ViewMember]) -> Vec<cc_proto::text::MemberName<'_>> {
    let names = people.iter().map(|person| cc_proto::text::MemberName {
        author: person.author,
        nick: &person.nick,
        petname: person.petname.as_deref(),
    });
    names.collect()
}

/// A look through a log, bounded in lines and in time.
struct Search<'a> {
    book: &'a Book,
    filter: &'a Filter,
    stop: &'a CancellationToken,
    until: Instant,
    /// How many messages are only counted.
    counted: u64,
    /// The first and the last line looked at.
    seen: Option<(ArrivalNo, ArrivalNo)>,
}

impl<'a> Search<'a> {
    fn new(book: &'a Book, filter: &'a Filter, stop: &'a CancellationToken) -> Self {
        Self {
            book,
            filter,
            stop,
            until: Instant::now() + SEARCH_TIME_MAX,
            counted: 0,
            seen: None,
        }
    }

    /// The newest before a line, the oldest first.
    fn back(&mut self, end: ArrivalNo, limit: usize) -> Outcome<Vec<(ArrivalNo, Quote)>> {
        let mut found = Vec::new();
        for piece in self.book.back(end, LINES_BACK_MAX) {
            for outline in piece? {
                if found.len() == limit || self.is_over()? {
                    found.reverse();
                    return Ok(found);
                }
                self.look(&outline, &mut found)?;
            }
        }
        found.reverse();
        Ok(found)
    }

    /// The first after a line.
    fn forward(&mut self, after: ArrivalNo, limit: usize) -> Outcome<Vec<(ArrivalNo, Quote)>> {
        let mut found = Vec::new();
        let last = self
            .book
            .through()
            .0
            .min(after.0.saturating_add(LINES_BACK_MAX));
        let mut from = after.0.saturating_add(1);
        while from <= last {
            let to = last.min(from + 255);
            for outline in self.book.chats(ArrivalNo(from), ArrivalNo(to))? {
                if found.len() == limit || self.is_over()? {
                    return Ok(found);
                }
                self.look(&outline, &mut found)?;
            }
            from = to + 1;
        }
        Ok(found)
    }

    /// A line, and as many before as after it.
    fn around(&mut self, n: ArrivalNo, limit: usize) -> Outcome<Vec<(ArrivalNo, Quote)>> {
        if n.0 == 0 || n > self.book.through() {
            return Err(
                Refusal::new("no_such_message", format!("there is no line {}", n.0))
                    .more(format!("The newest line is {}.", self.book.through().0)),
            );
        }
        let mut found = self.back(ArrivalNo(n.0 + 1), limit.div_ceil(2))?;
        let rest = limit - found.len();
        found.extend(self.forward(n, rest)?);
        Ok(found)
    }

    fn look(
        &mut self,
        outline: &cc_log::Outline,
        found: &mut Vec<(ArrivalNo, Quote)>,
    ) -> Outcome<()> {
        let n = outline.n;
        let (first, last) = self.seen.unwrap_or((n, n));
        self.seen = Some((first.min(n), last.max(n)));
        let by_other = |author: &AuthorId| Book::author_tag(author) != outline.author_tag;
        if self.filter.author.as_ref().is_some_and(by_other) {
            return Ok(());
        }
        match self.book.told(outline)? {
            Told::Shown(spoken) => {
                let is_by = |author: &AuthorId| *author == spoken.author;
                if self.filter.author.as_ref().is_none_or(is_by) && self.filter.takes(&spoken.quote)
                {
                    found.push((spoken.n, spoken.quote));
                }
            }
            Told::Counted => self.counted += 1,
            Told::Nothing => {}
        }
        Ok(())
    }

    /// Whether it took long enough. A call that was cancelled ends here.
    fn is_over(&self) -> Outcome<bool> {
        if self.stop.is_cancelled() {
            return Err(Refusal::new("cancelled", "the call was cancelled"));
        }
        Ok(Instant::now() >= self.until)
    }
}

/// What is told where no message is.
fn nothing(book: &Book, mode: Mode, search: &Search<'_>) -> String {
    let (room, newest) = (book.id.short(), book.through().0);
    let mut said = match search.seen {
        Some((first, last)) => vec![format!(
            "No such message among lines {} to {} of room {room}.",
            first.0, last.0
        )],
        None => vec![format!("No message there in room {room}.")],
    };
    said.extend(
        search
            .seen
            .map(|(first, last)| goes_on(book, mode, first, last)),
    );
    if search.seen.is_none() {
        said.push(format!("The newest line is {newest}."));
    }
    if search.counted > 0 {
        said.push(counted(search.counted));
    }
    said.join(" ")
}

/// What there is besides, and how to read it.
fn what_else(book: &Book, mode: Mode, search: &Search<'_>, fitted: &ExcerptText) -> String {
    let mut said = Vec::new();
    if let (Some(first), Some(last), Some(seen)) =
        (fitted.shown.first(), fitted.shown.last(), search.seen)
    {
        // Where nothing was left out, what was looked through need not be looked through again.
        let first = if fitted.left_out > 0 { *first } else { seen.0 };
        said.push(goes_on(book, mode, first, *last));
    }
    if search.counted > 0 {
        said.push(counted(search.counted));
    }
    said.join(" ")
}

/// How to read what lies beyond the lines that were looked at.
fn goes_on(book: &Book, mode: Mode, first: ArrivalNo, last: ArrivalNo) -> String {
    let newest = format!("The newest line is {}", book.through().0);
    match mode {
        Mode::Since | Mode::Around if last < book.through() => {
            format!(
                "{newest}; mode since with n {} goes on after line {}.",
                last.0, last.0
            )
        }
        Mode::Recent | Mode::Search | Mode::Author if first > ArrivalNo(1) => {
            format!(
                "{newest}; the same with n {} reads what came before.",
                first.0
            )
        }
        _ => format!("{newest}."),
    }
}

fn counted(count: u64) -> String {
    format!(
        "{} by members whom the user lets only be counted not shown.",
        messages(count)
    )
}
