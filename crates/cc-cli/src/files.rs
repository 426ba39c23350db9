//! The files of a room as commands and tools handle them: which one is meant, who announced it, its state in words.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use cc_hook_generic::shared_file;
use cc_proto::body::File;
use cc_proto::files::{FilePlace, file_path};
use cc_proto::id::AuthorId;
use cc_proto::text::{clean_line, file_name, file_size};

use crate::client::Client;
use crate::error::{CliError, CliResult, Kind};
use crate::home::Home;
use crate::reading::Reading;
use crate::rooms::{self, KnownRoom, short};
use crate::rpc::{FileInfo, FileList, FileListParams, FileParams, FileState, WaitsFor};

/// The fewest digits by which a file is named.
const DIGITS_MIN: usize = 4;
/// So many digits are meant as those of an id that was printed, whatever a file is called.
const DIGITS_PRINTED: usize = 10;
/// So many files are looked through for others of a name once there is one.
const NAMED_BACK_MAX: usize = 5_000;
/// Files that are listed where several may be meant.
const CANDIDATES_MAX: usize = 5;
/// The longest of what was asked for that is told back, in characters.
const ASKED_CHARS_MAX: usize = 120;

/// The names under which members are shown who announced files.
pub struct Names(Option<Reading>);

impl Names {
    /// Reads the names of a room; without any, fingerprints stand for them.
    pub fn load(home: &Home, room: &KnownRoom) -> Self {
        Self(Reading::open(&rooms::dir(home, &room.id), room.id).ok())
    }

    /// The name of a member, by the key.
    pub fn of(&self, author: &str) -> String {
        let known: Option<AuthorId> = author.parse().ok();
        match (&self.0, known) {
            (Some(reading), Some(author)) => reading.name(&author),
            _ => short(author).to_owned(),
        }
    }
}

/// A page of a room's files, those announced before line `before`, the newest first.
pub async fn page(client: &mut Client, room: &str, before: Option<u64>) -> CliResult<FileList> {
    let params = FileListParams {
        room: room.to_owned(),
        before,
        count: None,
    };
    client.call("file.list", &params).await
}

/// The file that is meant, by its safe name or by the beginning of its id or hash. Of the same bytes under one name the newest.
pub async fn meant(
    client: &mut Client,
    home: &Home,
    room: &KnownRoom,
    asked: &str,
) -> CliResult<FileInfo> {
    let mut search = Search::new(asked)?;
    let mut before = None;
    loop {
        let page = page(client, &room.id.to_hex(), before).await?;
        before = page.files.last().map(|file| file.n);
        for file in page.files {
            search.look(file);
        }
        if before.is_none() || search.is_over() {
            let names = search.is_unsure().then(|| Names::load(home, room));
            let of = |author: &str| names.as_ref().map_or_else(String::new, |it| it.of(author));
            return search.found(of);
        }
    }
}

/// Asks for a file again by its id, for a person: how it is now.
pub async fn ask(client: &mut Client, method: &str, file: &FileInfo) -> CliResult<FileInfo> {
    ask_as(client, method, file, "").await
}

/// The same for the agent `via`.
pub async fn ask_as(
    client: &mut Client,
    method: &str,
    file: &FileInfo,
    via: &str,
) -> CliResult<FileInfo> {
    let params = FileParams {
        room: file.room.clone(),
        file: file.file.clone(),
        via: via.to_owned(),
    };
    client
        .call_within(method, &params, std::time::Duration::MAX)
        .await
}

/// A file that is wanted for `via`, after the next thing that happened to it; the client must be subscribed to its room.
pub async fn next(client: &mut Client, file: &FileInfo, via: &str) -> CliResult<FileInfo> {
    loop {
        let Some(notification) = client.notification().await else {
            return Err(CliError::new(Kind::Gone, "the daemon has stopped")
                .hint("the fetch goes on when it runs again"));
        };
        let params = notification.params;
        if notification.method == "lagged" {
            return ask_as(client, "file.get", file, via).await;
        }
        let is_it = params["event"] == "file" && params["file"] == file.file.as_str();
        if is_it && let Ok(now) = serde_json::from_value(params) {
            return Ok(now);
        }
    }
}

/// A look through files, the newest first.
struct Search {
    asked: String,
    /// The name that was asked for, as names are here.
    name: String,
    digits: Option<String>,
    /// Those of that name, each with other bytes.
    by_name: Vec<FileInfo>,
    by_digits: Vec<FileInfo>,
    looked_at: usize,
}

impl Search {
    fn new(asked: &str) -> CliResult<Self> {
        if asked.trim().is_empty() {
            return Err(CliError::new(
                Kind::File,
                "a file is named by its name or its id",
            ));
        }
        let digits = asked.to_ascii_lowercase();
        let is_hex = digits.len() >= DIGITS_MIN && digits.bytes().all(|it| it.is_ascii_hexdigit());
        Ok(Self {
            asked: asked.to_owned(),
            name: file_name(asked),
            digits: is_hex.then_some(digits),
            by_name: Vec::new(),
            by_digits: Vec::new(),
            looked_at: 0,
        })
    }

    fn look(&mut self, file: FileInfo) {
        self.looked_at += 1;
        let is_new = self.by_name.iter().all(|known| known.hash != file.hash);
        if is_new && file.name == self.name {
            self.by_name.push(file.clone());
        }
        let Some(digits) = &self.digits else { return };
        let is_known = self.by_digits.iter().any(|known| known.hash == file.hash);
        let by_id = file.file.starts_with(digits);
        // The same bytes announced twice are one file.
        if by_id || (file.hash.starts_with(digits) && !is_known) {
            self.by_digits.push(file);
        }
    }

    /// Whether nothing further can change what is found.
    fn is_over(&self) -> bool {
        let is_enough = match self.by_name.len() {
            0 => false,
            some => some > CANDIDATES_MAX || self.looked_at >= NAMED_BACK_MAX,
        };
        self.digits.is_none() && is_enough
    }

    /// Whether more than one may be meant.
    fn is_unsure(&self) -> bool {
        self.by_name.len() + self.by_digits.len() > 1
    }

    /// `name_of`: the name under which a member is shown.
    fn found(self, name_of: impl Fn(&str) -> String) -> CliResult<FileInfo> {
        let printed = self.asked.len() >= DIGITS_PRINTED && !self.by_digits.is_empty();
        let digits = self.by_digits;
        let is_new = |named: &FileInfo| digits.iter().all(|file| file.file != named.file);
        let named = self.by_name.into_iter();
        let mut all: Vec<_> = named.filter(|it| !printed && is_new(it)).collect();
        all.extend(digits);
        let asked = clean_line(&self.asked, ASKED_CHARS_MAX);
        match all.len() {
            1 => Ok(all.remove(0)),
            0 => Err(
                CliError::new(Kind::File, format!("there is no file {asked}"))
                    .hint("cc-connect files lists them"),
            ),
            _ => {
                let mut hint = "name one by its id:".to_owned();
                for file in all.iter().take(CANDIDATES_MAX) {
                    // Writing to a string cannot fail.
                    let who = clean_line(&name_of(&file.author), ASKED_CHARS_MAX);
                    let (id, said) = (short(&file.file), said_of(file));
                    let _ = write!(hint, "\n  {id}  {said} from {who}");
                }
                if all.len() > CANDIDATES_MAX {
                    let _ = write!(hint, "\n  and {} more", all.len() - CANDIDATES_MAX);
                }
                Err(CliError::new(Kind::File, format!("{asked} can mean several files")).hint(hint))
            }
        }
    }
}

/// `design.svg (148 B)`; a folder's name ends with a `/`.
pub fn said(name: &str, size: u64, folder: bool) -> String {
    let slash = if folder { "/" } else { "" };
    format!("{name}{slash} ({})", file_size(size))
}

/// The same of what the daemon tells.
pub fn said_of(file: &FileInfo) -> String {
    said(&file.name, file.size, file.folder)
}

/// A safe name as a word of a command line.
pub fn word(name: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "._-+=@%,".contains(c);
    if name.chars().all(is_plain) {
        name.to_owned()
    } else {
        // No safe name holds such a quotation mark.
        format!("'{name}'")
    }
}

/// Where an announced file is, below a room's folder; none while not all of it is here.
pub fn place(room_dir: &Path, file: &File) -> Option<PathBuf> {
    match shared_file(room_dir, file).place {
        FilePlace::Here { .. } => Some(room_dir.join(file_path(&file.hash, &file.name))),
        FilePlace::NotHere => None,
    }
}

/// How far a file has come, in words.
pub fn state(file: &FileInfo) -> String {
    let fault = file.fault.as_deref().map(|fault| clean_line(fault, 400));
    let with = |word: &str| match &fault {
        Some(fault) => format!("{word}: {fault}"),
        None => word.to_owned(),
    };
    match file.state {
        FileState::Announced => with("not fetched"),
        FileState::Waiting if is_alone(file) => "waiting for somebody who has it".to_owned(),
        FileState::Waiting if file.fault.is_none() => "asked for".to_owned(),
        FileState::Waiting => with("waiting"),
        FileState::Fetching => format!("coming, {} %", percent(file)),
        FileState::Here => "here".to_owned(),
        FileState::Damaged => with("damaged"),
        FileState::Failed => with("failed"),
    }
}

/// Whether a file has not come because nobody who may have it is online.
pub fn is_alone(file: &FileInfo) -> bool {
    file.waits_for == Some(WaitsFor::Member)
}

/// How much of a file is here, in percent; less than 100 until it is whole.
pub fn percent(file: &FileInfo) -> u64 {
    let have = u128::from(file.have) * 100 / u128::from(file.size.max(1));
    u64::try_from(have).unwrap_or(99).min(99)
}

/// A path for a terminal.
pub fn shown_path(path: &Path) -> String {
    clean_line(&path.to_string_lossy(), usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(n: u64, id: &str, hash: &str, name: &str) -> FileInfo {
        FileInfo {
            room: "00".repeat(32),
            file: format!("{id:0<64}"),
            n,
            author: "aa".repeat(32),
            ts: 0,
            via: String::new(),
            name: name.to_owned(),
            size: 148,
            hash: format!("{hash:0<64}"),
            media_type: String::new(),
            folder: false,
            state: FileState::Announced,
            waits_for: None,
            have: 0,
            path: None,
            fault: None,
        }
    }

    fn search(files: &[FileInfo], asked: &str) -> CliResult<u64> {
        let mut search = Search::new(asked)?;
        for file in files {
            search.look(file.clone());
        }
        search.found(|_| "bob".to_owned()).map(|file| file.n)
    }

    #[test]
    fn a_file_is_named_by_its_name_its_id_or_its_hash() {
        let files = [
            file(9, "beef1", "1234a", "a.txt"),
            file(8, "dddd1", "7777a", "again"),
            file(7, "beef2", "1234b", "a.txt"),
            file(5, "cafe1", "5678a", "rf"),
            file(3, "cafe2", "5678a", "abcd"),
            file(2, "abcd1", "9999", "x"),
            file(1, "dddd2", "7777a", "again"),
        ];
        for (asked, n) in [
            ("again", 8),
            ("-rf", 5),
            ("rf", 5),
            ("beef2", 7),
            ("BEEF2", 7),
            ("1234b", 7),
            ("5678", 5),
            ("cafe2", 3),
            ("abcd100000", 2),
        ] {
            assert_eq!(search(&files, asked).unwrap(), n, "{asked}");
        }
        for asked in ["beef", "1234", "abcd", "cafe", "a.txt"] {
            let error = search(&files, asked).unwrap_err();
            assert_eq!(error.kind, Kind::File, "{asked}");
            let hint = error.hint.unwrap();
            assert_eq!(hint.lines().count(), 3, "{asked}");
            assert!(hint.ends_with(" (148 B) from bob"), "{hint}");
        }
        for asked in ["b", "bee", "b.txt", "", " ", "ffff"] {
            assert_eq!(
                search(&files, asked).unwrap_err().kind,
                Kind::File,
                "{asked}"
            );
        }
    }

    #[test]
    fn what_is_not_whole_is_never_all_there() {
        let mut coming = file(1, "a", "b", "c");
        coming.state = FileState::Fetching;
        coming.have = 148;
        assert_eq!(state(&coming), "coming, 99 %");
        coming.size = 0;
        assert_eq!(state(&coming), "coming, 99 %");
    }
}
