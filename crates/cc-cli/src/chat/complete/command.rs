//! Commands after a `/`, and what each of them takes.

use super::{Candidate, Sources, fits, paths, sorted};
use crate::chat::slash::{Word, last_word, names, options, quoted, words};
use crate::chat::types::Member;
use crate::rooms::short;

/// How many digits of a key name a member.
const FINGERPRINT_DIGITS: usize = 10;

/// What a word of a command is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Member,
    Invite,
    File,
    Room,
    Path,
    Command,
    OneOf(&'static [&'static str]),
}

/// The candidates for the word before the cursor, and where it begins.
pub fn candidates(
    before: &str,
    sources: &Sources<'_>,
    asked: bool,
) -> Option<(usize, Vec<Candidate>)> {
    let line = &before[1..];
    let Some((name, rest)) = line.split_once(char::is_whitespace) else {
        return Some((0, named(line)));
    };
    if !asked {
        return None;
    }
    let rest_at = before.len() - rest.len();
    let word = last_word(rest);
    let earlier = rest.get(..word.at.start)?;
    let from = rest_at + word.at.start;
    let candidates = match kind(name, earlier, &word) {
        None if word.text.starts_with('-') => of_options(name, &word.text),
        None => return None,
        Some(Kind::Member) => of_members(&word.text, sources.members),
        Some(Kind::Invite) => of_invites(&word.text, sources.invites),
        Some(Kind::File) => of_files(&word.text, sources.files),
        Some(Kind::Room) => of_rooms(&word.text, sources),
        Some(Kind::Path) => paths::candidates(&word.text, sources.folder, sources.home),
        Some(Kind::Command) => of_names(&word.text),
        Some(Kind::OneOf(all)) => of_words(&word.text, all),
    };
    Some((from, candidates))
}

/// What the word is that is being typed; `None` for an option, and for what nothing is known of.
fn kind(name: &str, earlier: &str, word: &Word) -> Option<Kind> {
    if word.text.starts_with('-') {
        return None;
    }
    let earlier: Vec<String> = words(earlier)
        .ok()?
        .into_iter()
        .map(|word| word.text)
        .collect();
    match earlier.last().map(String::as_str) {
        Some("--room") => return Some(Kind::Room),
        Some("--member") => return Some(Kind::Member),
        Some("--out" | "--dir" | "--bind") => return Some(Kind::Path),
        Some("--moment") => return Some(Kind::OneOf(&["prompt", "start", "tool"])),
        Some("--for") => return Some(Kind::OneOf(&["30m", "1h", "8h", "1d"])),
        Some("--expires") => return Some(Kind::OneOf(&["1h", "24h", "7d", "never"])),
        _ => {}
    }
    let place = earlier.iter().filter(|word| !word.starts_with('-')).count();
    match (name, place) {
        ("drop" | "share", _) => Some(Kind::Path),
        ("get" | "cancel", 0) => Some(Kind::File),
        ("revoke", 0) => Some(Kind::Invite),
        ("remove" | "admin" | "trust" | "petname" | "verify", 0) => Some(Kind::Member),
        ("trust", 1) => Some(Kind::OneOf(&["inline", "notice", "muted"])),
        ("wake" | "receipts", 0) => Some(Kind::OneOf(&["on", "off"])),
        ("room", 0) => Some(Kind::Room),
        ("help", 0) => Some(Kind::Command),
        _ => None,
    }
}

/// The commands whose names begin with what was typed.
fn named(typed: &str) -> Vec<Candidate> {
    let all = names();
    let begin = all.into_iter().filter(|(name, _)| name.starts_with(typed));
    begin
        .map(|(name, about)| Candidate {
            shown: format!("/{name}"),
            detail: about,
            insert: format!("/{name} "),
        })
        .collect()
}

fn of_names(typed: &str) -> Vec<Candidate> {
    let typed = typed.trim_start_matches('/');
    let mut all = named(typed);
    for candidate in &mut all {
        candidate.insert.remove(0);
    }
    all
}

fn of_options(name: &str, typed: &str) -> Vec<Candidate> {
    let all = options(name).into_iter();
    all.filter(|(option, _)| option.starts_with(typed))
        .map(|(option, about)| plain(option, about))
        .collect()
}

fn of_words(typed: &str, all: &[&str]) -> Vec<Candidate> {
    let begin = all.iter().filter(|word| word.starts_with(typed));
    begin
        .map(|word| plain((*word).to_owned(), String::new()))
        .collect()
}

/// A member is named by the fingerprint where the name may mean another, too.
fn of_members(typed: &str, members: &[Member]) -> Vec<Candidate> {
    let typed = typed.trim_start_matches('@');
    let print = |member: &Member| {
        let digits = member.author.get(..FINGERPRINT_DIGITS);
        digits.unwrap_or(&member.author).to_owned()
    };
    let others = members.iter().filter(|member| !member.me);
    let found = sorted(others, |member| {
        let names = [&member.name, &member.nick, &print(member)].map(|name| fits(name, typed));
        names.into_iter().flatten().max()
    });
    let candidate = |member: &Member| {
        let print = print(member);
        let is_unsure = member.name.contains('#')
            || members
                .iter()
                .filter(|other| other.name == member.name)
                .count()
                > 1;
        let insert = if is_unsure { &print } else { &member.name };
        Candidate {
            shown: format!("@{}", member.name),
            insert: format!("{} ", quoted(insert)),
            detail: print,
        }
    };
    found.into_iter().map(candidate).collect()
}

fn of_invites(typed: &str, invites: &[(String, String)]) -> Vec<Candidate> {
    let found = sorted(invites, |(id, about)| {
        let by_about = fits(about, typed).map(|_| false);
        if id.starts_with(typed) {
            Some(true)
        } else {
            by_about
        }
    });
    found
        .into_iter()
        .map(|(id, about)| plain(short(id).to_owned(), about.clone()))
        .collect()
}

/// A file is named by the beginning of its id where another has its name, too.
fn of_files(typed: &str, files: &[(String, String)]) -> Vec<Candidate> {
    let found = sorted(files, |(id, name)| {
        let by_id = (!typed.is_empty() && id.starts_with(typed)).then_some(true);
        [fits(name, typed), by_id].into_iter().flatten().max()
    });
    let candidate = |(id, name): &(String, String)| {
        let is_alone = files.iter().filter(|(_, other)| other == name).count() == 1;
        let insert = if is_alone { name } else { short(id) };
        Candidate {
            shown: name.clone(),
            detail: short(id).to_owned(),
            insert: format!("{} ", quoted(insert)),
        }
    };
    found.into_iter().map(candidate).collect()
}

/// A room is named by the beginning of its id where another has its name, too.
fn of_rooms(typed: &str, sources: &Sources<'_>) -> Vec<Candidate> {
    let rooms = sources.rooms;
    let found = sorted(rooms, |room| {
        let by_id = (!typed.is_empty() && room.room.starts_with(typed)).then_some(true);
        [fits(&room.name, typed), by_id].into_iter().flatten().max()
    });
    found
        .into_iter()
        .map(|room| {
            let is_alone = rooms.iter().filter(|other| other.name == room.name).count() == 1;
            let insert = if is_alone {
                &room.name
            } else {
                short(&room.room)
            };
            Candidate {
                shown: room.name.clone(),
                detail: short(&room.room).to_owned(),
                insert: format!("{} ", quoted(insert)),
            }
        })
        .collect()
}

fn plain(word: String, detail: String) -> Candidate {
    Candidate {
        insert: format!("{word} "),
        shown: word,
        detail,
    }
}
