//! `room_wait`, and the second half of `room_ask`: until something is said.
//!
//! What is waited for is always read from the log; the daemon's notifications only tell when to look. So nothing is lost
//! while it is down, and one that was stopped is started again.

use std::collections::BTreeSet;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use cc_proto::id::{ArrivalNo, MessageId, RoomId};
use cc_proto::render::Quote;
use cc_proto::text::{clean_nick, fold_case, names_reader};
use cc_proto::via::{Role, Via};
use futures_util::FutureExt as _;
use tokio::time::{Instant, sleep, timeout_at};

use super::answer::{Answer, Keep, fit};
use super::arguments::{self, WaitArguments};
use super::book::{Book, Spoken, Told, is_after};
use super::desk::{self, Desk};
use super::refusal::{Outcome, Refusal};
use crate::client::Client;
use crate::error::{CliResult, Kind};
use crate::home::Home;
use crate::launch;
use crate::rpc::{RoomParams, Subscribed};

/// How often is looked even where no notification came: bindings, pauses and rooms change too.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// How long after the daemon could not be reached it is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(2);
/// The most mentions that one call gives; the next gives those after them.
const MENTIONS_MAX: usize = 20;

/// Carries out `room_wait`.
pub async fn wait(desk: &Arc<Desk>, arguments: WaitArguments) -> Outcome<Answer> {
    let deadline = arguments::deadline(arguments.deadline_seconds)?;
    let wanted = Arc::new(arguments);
    let look = {
        let desk = Arc::clone(desk);
        move || {
            let (desk, wanted) = (Arc::clone(&desk), Arc::clone(&wanted));
            async move {
                loop {
                    let (its_desk, its) = (Arc::clone(&desk), Arc::clone(&wanted));
                    let look = desk::blocking(move || mentions(&its_desk, &its)).await?;
                    // Another wait may have given them since; from here to where this one does nothing comes between.
                    let is_stale = |found: &Answer| wanted.after.is_none() && desk.gave(found);
                    if !look.found.as_ref().is_some_and(is_stale) {
                        return Ok(look);
                    }
                }
            }
        }
    };
    let until = Instant::now() + deadline;
    let found = until_found(until, look).await?;
    Ok(found.unwrap_or_else(|| {
        Answer::plain(format!(
            "Nobody called the user or this agent within {} seconds. The next room_wait goes on from here.",
            deadline.as_secs()
        ))
    }))
}

/// Waits for what answers the message `id`, which is line `n` of the room.
pub async fn answer_to(
    desk: &Arc<Desk>,
    room: RoomId,
    (n, id): (ArrivalNo, MessageId),
    until: Instant,
) -> Outcome<Option<Answer>> {
    let look = {
        let desk = Arc::clone(desk);
        move || {
            let desk = Arc::clone(&desk);
            desk::blocking(move || answers(&desk, room, n, &id))
        }
    };
    until_found(until, look).await
}

/// One look: what to go on with while nothing is found.
struct Look {
    home: Home,
    rooms: Vec<RoomId>,
    found: Option<Answer>,
}

/// Looks until something is found or the time is up.
async fn until_found<F>(until: Instant, look: impl Fn() -> F) -> Outcome<Option<Answer>>
where
    F: Future<Output = Outcome<Look>>,
{
    let mut news = News::default();
    // The first look tells which rooms it is about, and gives what came before the wait.
    let mut seen = look().await?;
    loop {
        if let Some(found) = seen.found {
            return Ok(Some(found));
        }
        let followed = match timeout_at(until, news.follow(&seen.home, &seen.rooms)).await {
            Ok(followed) => followed?,
            Err(_) => return Ok(None),
        };
        let pause = match followed {
            // What came before that is not told of.
            Followed::Anew => Duration::ZERO,
            Followed::Still => LOOK_AGAIN,
            Followed::Lost => TRY_AGAIN,
        };
        let ended = timeout_at(until, async {
            tokio::select! {
                () = news.next() => {}
                () = sleep(pause) => {}
            }
        });
        if ended.await.is_err() {
            return match followed {
                Followed::Lost => Err(stopped()),
                _ => Ok(None),
            };
        }
        seen = look().await?;
    }
}

/// The daemon's notifications on some rooms.
#[derive(Default)]
struct News {
    client: Option<Client>,
    rooms: BTreeSet<RoomId>,
    /// Whether there was a daemon since the wait began.
    was_there: bool,
}

/// Whether the daemon tells of the rooms.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Followed {
    /// It does from now on.
    Anew,
    /// It did before.
    Still,
    /// There is none.
    Lost,
}

impl News {
    /// Follows these rooms too. An error where nothing will come of waiting.
    async fn follow(&mut self, home: &Home, rooms: &[RoomId]) -> Outcome<Followed> {
        if self.client.is_none() {
            self.rooms.clear();
            self.client = if self.was_there {
                // Whoever stops the daemon means it: only the next call starts it again.
                launch::reconnect(home).await.ok().flatten()
            } else {
                Some(desk::daemon(home).await?)
            };
        }
        let Some(client) = &mut self.client else {
            return Ok(Followed::Lost);
        };
        self.was_there = true;
        let mut followed = Followed::Still;
        for room in rooms {
            if self.rooms.contains(room) {
                continue;
            }
            let params = RoomParams {
                room: room.to_hex(),
            };
            let answer: CliResult<Subscribed> = client.call("subscribe", &params).await;
            match answer {
                Ok(_) => followed = Followed::Anew,
                Err(error) if error.kind == Kind::Gone => {
                    self.client = None;
                    return Ok(Followed::Lost);
                }
                Err(error) => return Err(error.into()),
            }
            self.rooms.insert(*room);
        }
        Ok(followed)
    }

    /// Returns when something happened, or the daemon is gone.
    async fn next(&mut self) {
        let Some(client) = &mut self.client else {
            return pending().await;
        };
        if client.notification().await.is_none() {
            self.client = None;
            return;
        }
        // One look is enough for all that happened by now.
        while let Some(more) = client.notification().now_or_never() {
            if more.is_none() {
                self.client = None;
                return;
            }
        }
    }
}

fn stopped() -> Refusal {
    Refusal::new("daemon", "the daemon was stopped, so nothing arrives")
        .more("The next call starts it again.")
}

/// Looks for mentions that were not given yet; those of the room where the oldest is.
fn mentions(desk: &Desk, wanted: &WaitArguments) -> Outcome<Look> {
    let connected = desk.connected()?;
    let rooms = match wanted.after {
        Some(_) => vec![connected.one(wanted.room.as_deref())?.clone()],
        None => connected.several(wanted.room.as_deref())?,
    };
    let mut oldest: Option<(Book, Vec<Spoken>)> = None;
    let mut refused = None;
    for room in &rooms {
        let book = match Book::open(&connected.home, room) {
            Ok(book) => book,
            Err(refusal) => {
                refused = Some(refusal);
                continue;
            }
        };
        let found = mentions_in(desk, &book, wanted.after.map(ArrivalNo))?;
        let Some(first) = found.first() else { continue };
        let is_older = |(_, other): &(Book, Vec<Spoken>)| {
            other
                .first()
                .is_none_or(|other| first.quote.at < other.quote.at)
        };
        if oldest.as_ref().is_none_or(is_older) {
            oldest = Some((book, found));
        }
    }
    // One room alone that cannot be read is worth a word; among several the others go on.
    if let (Some(refusal), [_]) = (refused, rooms.as_slice()) {
        return Err(refusal);
    }
    Ok(Look {
        home: connected.home,
        rooms: rooms.iter().map(|room| room.id).collect(),
        found: oldest.map(|(book, found)| heard(&book, found)),
    })
}

fn heard(book: &Book, found: Vec<Spoken>) -> Answer {
    let quotes: Vec<(ArrivalNo, Quote)> = found
        .into_iter()
        .map(|spoken| (spoken.n, spoken.quote))
        .collect();
    let fitted = fit(book, quotes, Keep::Oldest);
    Answer::with_excerpt(book, fitted, 0, "").heard()
}

/// The mentions of a room that were not given yet, the oldest first; `after` asks for those after a line, given or not.
fn mentions_in(desk: &Desk, book: &Book, after: Option<ArrivalNo>) -> Outcome<Vec<Spoken>> {
    let place = desk.places().of(&book.id);
    let mut found = Vec::new();
    let from = after.unwrap_or(place.through);
    let reader = Reader::new(desk, book);
    for outline in book.chats(ArrivalNo(from.0 + 1), book.through())? {
        if after.is_none() && place.given.contains(&outline.n) {
            continue;
        }
        let Told::Shown(spoken) = book.told(&outline)? else {
            continue;
        };
        let is_old = place.is_late && after.is_none() && !is_after(&spoken, desk.started);
        // The copy of a line that was damaged is as old as that line.
        let is_copy = spoken.repairs.is_some_and(|n| n <= place.began);
        if is_old || is_copy || !reader.is_called(&spoken, place.began)? {
            continue;
        }
        found.push(*spoken);
        if found.len() == MENTIONS_MAX {
            break;
        }
    }
    if after.is_none() {
        let nothing_before = found
            .first()
            .map_or(book.through(), |first| ArrivalNo(first.n.0 - 1));
        desk.places().pass(book.id, nothing_before);
    }
    Ok(found)
}

/// Looks for what answers a message of ours.
fn answers(desk: &Desk, room: RoomId, n: ArrivalNo, id: &MessageId) -> Outcome<Look> {
    let connected = desk.connected()?;
    let room = connected.one(Some(&room.to_hex()))?;
    let book = Book::open(&connected.home, room)?;
    let reader = Reader::new(desk, &book);
    let mut found = Vec::new();
    for outline in book.chats(ArrivalNo(n.0 + 1), book.through())? {
        let Told::Shown(spoken) = book.told(&outline)? else {
            continue;
        };
        if reader.is_answer(&spoken, id) {
            found.push(*spoken);
        }
        if found.len() == MENTIONS_MAX {
            break;
        }
    }
    Ok(Look {
        rooms: vec![room.id],
        found: (!found.is_empty()).then(|| heard(&book, found)),
        home: connected.home,
    })
}

/// For whom messages are looked through.
struct Reader<'a> {
    desk: &'a Desk,
    book: &'a Book,
    /// The names of the members, folded: an agent is not called by what is somebody's name.
    nicks: BTreeSet<String>,
}

impl<'a> Reader<'a> {
    fn new(desk: &'a Desk, book: &'a Book) -> Self {
        let members = book.view.members.iter();
        let nicks = members.filter_map(|member| clean_nick(&member.nick));
        Self {
            desk,
            book,
            nicks: nicks.map(|nick| fold_case(&nick)).collect(),
        }
    }

    fn is_named(&self, spoken: &Spoken) -> bool {
        let is_taken = |name: &str| self.nicks.contains(&fold_case(name));
        names_reader(&spoken.quote.text, &self.book.view.nick)
            || self.desk.calls_agent(&spoken.quote.text, is_taken)
    }

    /// Whether somebody else calls the owner or the agent, or answers what the owner's agent said in this session.
    fn is_called(&self, spoken: &Spoken, began: ArrivalNo) -> Outcome<bool> {
        // A status asks nobody for anything: were it a call, agents could answer each other by it without end.
        if spoken.quote.own || is_status(spoken) {
            return Ok(false);
        }
        match spoken.re {
            _ if self.is_named(spoken) => Ok(true),
            Some(re) => self.book.is_own_agents(&re, began),
            _ => Ok(false),
        }
    }

    /// Whether somebody else answers the message, or names the owner after it. How far an agent is, is no answer.
    fn is_answer(&self, spoken: &Spoken, id: &MessageId) -> bool {
        let answers = spoken.re.as_ref() == Some(id) || self.is_named(spoken);
        answers && !spoken.quote.own && !is_status(spoken)
    }
}

/// Whether an agent tells how far it is, and expects nobody to answer.
fn is_status(spoken: &Spoken) -> bool {
    Via::parse(&spoken.quote.via).is_some_and(|via| via.role == Role::Status)
}
