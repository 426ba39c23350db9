//! `room_share_file`, `room_files` and `room_get_file`: what is shared in the room.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use cc_hook_generic::shared_file;
use cc_log::Trust;
use cc_proto::body::Body;
use cc_proto::files::{FilePlace, SharedFile};
use cc_proto::id::{ArrivalNo, AuthorId, Timestamp};
use cc_proto::render::{INJECTION_BYTES_MAX, fence};
use cc_proto::text::{clean_line_for_agent, clean_nick, file_size, fold_case};
use tokio::time::{Instant, timeout_at};

use super::answer::Answer;
use super::arguments::{self, FilesArguments, GetFileArguments, Reference, ShareFileArguments};
use super::book::Book;
use super::connected::room_line;
use super::desk::{self, Desk};
use super::refusal::{Outcome, Refusal};
use super::say;
use crate::client::Client;
use crate::error::Kind;
use crate::files::{self, ask_as, said_of, state};
use crate::home::Home;
use crate::rooms::{KnownRoom, short};
use crate::rpc::{
    FileInfo, FileList, FileListParams, FileState, RoomParams, ShareParams, ShareResult, Subscribed,
};
use crate::when;

/// The largest file that an agent fetches by itself; beyond it the owner is asked, whose disk and line it is.
pub const GET_BYTES_MAX: u64 = 100 * 1024 * 1024;
/// How many files are asked of the daemon at once.
const PAGE: u32 = 200;
/// How far back files are looked for that hold a query, in files.
const BACK_MAX: usize = 5_000;
/// The longest line of one file, in bytes.
const LINE_BYTES_MAX: usize = 4096;

/// Carries out `room_share_file`.
pub async fn share(desk: &Arc<Desk>, arguments: ShareFileArguments) -> Outcome<Answer> {
    if arguments.path.trim().is_empty() {
        return Err(Refusal::arguments("path is empty"));
    }
    let (home, params) = {
        let desk = Arc::clone(desk);
        desk::blocking(move || {
            let connected = desk.connected()?;
            let room = connected.one(arguments.room.as_deref())?.clone();
            let re = match &arguments.reply_to {
                Some(of) => {
                    let book = Book::open(&connected.home, &room)?;
                    Some(say::message(&book, of)?.to_hex())
                }
                None => None,
            };
            let here = std::env::current_dir().map_err(|_| {
                Refusal::new("unreadable", "the folder of this session cannot be found")
            })?;
            let params = ShareParams {
                room: room.id.to_hex(),
                path: here.join(&arguments.path),
                via: desk.agent.clone(),
                within: Some(here),
                re,
                force: false,
                hold: desk.options.approve,
            };
            Ok((connected.home, params))
        })
        .await?
    };
    let mut client = desk::daemon(&home).await?;
    // Large files take long; whoever cancels the call ends the connection, and the daemon announces nothing then.
    let shared: ShareResult = client
        .call_within("file.share", &params, Duration::MAX)
        .await
        .map_err(|error| {
            let is_gone = error.kind == Kind::Gone;
            let refusal = Refusal::from(error);
            if is_gone {
                return refusal.more("room_files tells whether it was shared before that.");
            }
            refusal
        })?;
    Ok(Answer::plain(match (shared.file, shared.held) {
        (_, Some(held)) => say::is_held(held),
        (Some(file), None) => {
            let mut said = format!(
                "Shared {} with room {} as line {}, id {}. The members can fetch it while this machine or somebody else who has it is online.",
                said_of(&file),
                short(&file.room),
                file.n,
                file.file
            );
            if let Some(fault) = &file.fault {
                let _ = write!(said, " {}", clean_line_for_agent(fault, 400));
            }
            said
        }
        (None, None) => return Err(say::not_understood()),
    }))
}

/// Carries out `room_files`.
pub async fn list(desk: &Arc<Desk>, arguments: FilesArguments) -> Outcome<Answer> {
    let limit = arguments.limit()?;
    let query = arguments.query()?.map(fold_case);
    let shelf = Shelf::open(desk, arguments.room).await?;
    let mut client = desk::daemon(&shelf.home).await?;
    let (mut found, mut before, mut looked_at) = (Vec::new(), arguments.n, 0);
    let is_over = loop {
        let page = page(&mut client, &shelf.room, before, PAGE).await?;
        looked_at += page.files.len();
        before = page.files.last().map(|file| file.n);
        let wanted = page.files.into_iter().filter(|file| {
            let query = query.as_ref();
            shelf.is_shown(file) && query.is_none_or(|query| fold_case(&file.name).contains(query))
        });
        found.extend(wanted);
        if before.is_none() || found.len() > limit || looked_at >= BACK_MAX {
            break before.is_none();
        }
    };
    let more = found.len() > limit || !is_over;
    found.truncate(limit);
    if found.is_empty() {
        return Ok(Answer::plain(format!(
            "No such file in room {}.",
            shelf.room.id.short()
        )));
    }
    Ok(shelf.told(&found, more))
}

/// Carries out `room_get_file`.
pub async fn get(desk: &Arc<Desk>, arguments: GetFileArguments) -> Outcome<Answer> {
    let deadline = arguments::deadline(arguments.deadline_seconds)?;
    let until = Instant::now() + deadline;
    let shelf = Shelf::open(desk, arguments.room).await?;
    let mut client = desk::daemon(&shelf.home).await?;
    let file = named(&mut client, &shelf, &arguments.file).await?;
    if file.state != FileState::Here && file.size > GET_BYTES_MAX {
        return Err(Refusal::new(
            "too_large",
            format!(
                "the file has {}, and an agent fetches at most {}",
                file_size(file.size),
                file_size(GET_BYTES_MAX)
            ),
        )
        .more(format!(
            "The user can fetch it: cc-connect get {}",
            short(&file.file)
        )));
    }
    let now = match timeout_at(until, until_here(&mut client, &file, &desk.agent)).await {
        Ok(now) => now?,
        Err(_) => {
            return Ok(Answer::plain(format!(
                "Line {} is not here after {} seconds. It is fetched as soon as a member who has it is online, without a further call; room_get_file waits on.",
                file.n,
                deadline.as_secs()
            )));
        }
    };
    match now.state {
        FileState::Here => Ok(shelf.told(&[now], false)),
        _ => Err(Refusal::new("not_fetched", state(&now))),
    }
}

/// Asks for a file, and returns when it is here or cannot be had.
async fn until_here(client: &mut Client, file: &FileInfo, agent: &str) -> Outcome<FileInfo> {
    let room = RoomParams {
        room: file.room.clone(),
    };
    let _: Subscribed = client.call("subscribe", &room).await?;
    let mut now = ask_as(client, "file.get", file, agent).await?;
    loop {
        match now.state {
            FileState::Waiting | FileState::Fetching => {}
            FileState::Announced => {
                let why = now.fault.as_deref().unwrap_or("the user stopped the fetch");
                return Err(Refusal::new("not_fetched", clean_line_for_agent(why, 400)));
            }
            FileState::Here | FileState::Damaged | FileState::Failed => return Ok(now),
        }
        now = files::next(client, file, agent).await?;
    }
}

/// The file that is meant.
async fn named(client: &mut Client, shelf: &Shelf, of: &Reference) -> Outcome<FileInfo> {
    let none = || {
        Refusal::new("file", "there is no such file in the room")
            .more("room_files lists them, each with the number of its line.")
    };
    let file = match of {
        Reference::Line(n) => {
            let page = page(client, &shelf.room, Some(n.saturating_add(1)), 1).await?;
            page.files.into_iter().find(|file| file.n == *n)
        }
        Reference::Text(text) => {
            // What stands in its errors are others' names, outside of a fence.
            let found = files::meant(client, &shelf.home, &shelf.room, text.trim()).await;
            match found {
                Ok(file) => Some(file),
                Err(error) if error.kind == Kind::File && error.message.contains("several") => {
                    return Err(Refusal::new("file", "that can mean several files")
                        .more("room_files lists them; the number of a line means one."));
                }
                Err(error) if error.kind == Kind::File => None,
                Err(error) => return Err(error.into()),
            }
        }
    };
    file.filter(|file| shelf.is_shown(file)).ok_or_else(none)
}

async fn page(
    client: &mut Client,
    room: &KnownRoom,
    before: Option<u64>,
    count: u32,
) -> Outcome<FileList> {
    let params = FileListParams {
        room: room.id.to_hex(),
        before,
        count: Some(count),
    };
    Ok(client.call("file.list", &params).await?)
}

/// A room, and what of it an agent may be told.
struct Shelf {
    home: Home,
    room: KnownRoom,
    book: Book,
}

impl Shelf {
    async fn open(desk: &Arc<Desk>, room: Option<String>) -> Outcome<Self> {
        let desk = Arc::clone(desk);
        desk::blocking(move || {
            let connected = desk.connected()?;
            let room = connected.one(room.as_deref())?.clone();
            let book = Book::open(&connected.home, &room)?;
            Ok(Self {
                home: connected.home,
                room,
                book,
            })
        })
        .await
    }

    /// Whether an agent is told of a file: as with messages, none that counts for nothing or is by somebody not shown.
    fn is_shown(&self, file: &FileInfo) -> bool {
        let author: Option<AuthorId> = file.author.parse().ok();
        let inline = author.is_some_and(|it| self.book.view.trust(&it) == Trust::Inline);
        inline && file.n <= self.book.through().0
    }

    /// Files in a line each, in a fence: names are others' words.
    fn told(&self, found: &[FileInfo], more: bool) -> Answer {
        let fence = fence(rand::random());
        let mut text = format!(
            "Files of a cc-connect chat room, the newest first. Between the two `{fence}` lines stand the line in which each was announced, by whom, \
             its name and size as that member gave them, and its path once it is here. What is in the files was written by others.\n{fence}\n"
        );
        text.push_str(&room_line(&self.room.id, &self.book.view.name));
        let mut lines = Vec::new();
        for file in found {
            let line = self.line(file);
            if !lines.is_empty() && text.len() + line.len() > INJECTION_BYTES_MAX {
                break;
            }
            text.push_str(&line);
            lines.push(ArrivalNo(file.n));
        }
        text.push_str(&fence);
        if let Some(last) = lines.last().filter(|_| more || lines.len() < found.len()) {
            let _ = write!(text, "\nThe same with n {} lists those before.", last.0);
        }
        lines.sort_unstable();
        Answer::with_lines(&self.book, text, lines)
    }

    fn line(&self, file: &FileInfo) -> String {
        let author: Option<AuthorId> = file.author.parse().ok();
        let name = author.map_or_else(String::new, |it| self.book.view.name_of(&it));
        let via = match clean_nick(&file.via) {
            Some(agent) => format!(" (via {agent})"),
            None if file.via.is_empty() => String::new(),
            None => " (via an agent)".to_owned(),
        };
        let time = when::short_time(Timestamp(file.ts), when::now());
        let said = self.place(file).said(&self.room.id.short(), LINE_BYTES_MAX);
        let mut line = format!("n {} @{name} {time}{via} {said}", file.n);
        if file.state != FileState::Here {
            let _ = write!(line, ": {}", clean_line_for_agent(&state(file), 400));
        }
        line.push('\n');
        line
    }

    /// What is told of the file in a prompt: by looking where it is, and not by what the daemon said a moment ago.
    fn place(&self, file: &FileInfo) -> SharedFile {
        let line = self.book.line(ArrivalNo(file.n)).ok();
        let message = line.and_then(|line| line.message.ok());
        if let Some(Body::File(announced)) = message.as_ref().and_then(|it| it.body()) {
            return shared_file(&self.book.dir, announced);
        }
        SharedFile {
            name: file.name.clone(),
            size: file.size,
            folder: file.folder,
            place: FilePlace::NotHere,
        }
    }
}
