//! The rooms of a home as its files tell them, and which one is meant.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use cc_log::{FsStorage, RosterView, Storage as _};
use cc_proto::body::Body;
use cc_proto::id::RoomId;
use cc_proto::message::Message;
use cc_proto::text::clean_line;
use cc_proto::ticket::Ticket;

use crate::bindings::Bindings;
use crate::error::{CliError, CliResult, Kind};
use crate::home::Home;
use crate::rpc::State;

/// The longest name of a room that is shown, in characters.
const SHOWN_NAME_CHARS_MAX: usize = 64;
/// No join in wire form is longer.
const JOIN_BYTES_MAX: u64 = 64 * 1024;
/// The digits of a short id, which the hook and the lists print.
const SHORT_ID_DIGITS: usize = 10;

/// A room in the home.
#[derive(Debug, Clone)]
pub struct KnownRoom {
    /// Its id.
    pub id: RoomId,
    /// Its name as its maker wrote it; until we are let in as the ticket says it.
    pub name: String,
    /// Our nick in it.
    pub nick: String,
    /// Whether we are in.
    pub state: State,
    /// How many belong to it.
    pub members: u64,
}

impl KnownRoom {
    /// The name, fit for a terminal.
    pub fn shown_name(&self) -> String {
        shown_name(&self.name, &self.id.to_hex())
    }
}

/// A room's name, fit for a terminal; its short id where it has none.
pub fn shown_name(name: &str, id: &str) -> String {
    let name = clean_line(name, SHOWN_NAME_CHARS_MAX);
    if name.is_empty() {
        short(id).to_owned()
    } else {
        name
    }
}

/// The short form of an id in hexadecimal digits.
pub fn short(id: &str) -> &str {
    id.get(..SHORT_ID_DIGITS).unwrap_or(id)
}

/// The folder of a room.
pub fn dir(home: &Home, room: &RoomId) -> PathBuf {
    home.join("rooms").join(room.to_hex())
}

/// All rooms, by id.
pub fn all(home: &Home) -> CliResult<Vec<KnownRoom>> {
    let entries = match fs::read_dir(home.join("rooms")) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            return Err(CliError::new(Kind::Home, "cannot look at the rooms").because(&error));
        }
    };
    let mut rooms: Vec<KnownRoom> = entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .map(|id| known(home, id))
        .collect();
    rooms.sort_by_key(|room| room.id);
    Ok(rooms)
}

/// The room that is meant: the named one, else the one bound to the current folder or its nearest bound ancestor, else
/// the only one.
pub fn find(home: &Home, asked: Option<&str>) -> CliResult<KnownRoom> {
    let rooms = all(home)?;
    if let Some(asked) = asked {
        return named(&rooms, asked);
    }
    if rooms.is_empty() {
        return Err(no_rooms());
    }
    let bound = match std::env::current_dir() {
        Ok(here) => Bindings::rooms_at(home, &here)?,
        // A folder that was removed beneath us is bound to nothing.
        Err(_) => BTreeSet::new(),
    };
    let mut here: Vec<KnownRoom> = rooms
        .iter()
        .filter(|room| bound.contains(&room.id))
        .cloned()
        .collect();
    match (here.len(), rooms.len()) {
        (1, _) => Ok(here.remove(0)),
        // A room that was left is meant only where it is named, or there is no other.
        (0, _) => match rooms.as_slice() {
            [only] => Ok(only.clone()),
            _ => only_one_not_left(&rooms),
        },
        _ => Err(which(&here, "several rooms are bound to this folder")),
    }
}

fn only_one_not_left(rooms: &[KnownRoom]) -> CliResult<KnownRoom> {
    let mut there = rooms.iter().filter(|room| room.state != State::Left);
    match (there.next(), there.next()) {
        (Some(only), None) => Ok(only.clone()),
        _ => Err(which(
            rooms,
            "no room is bound to this folder, and there are several",
        )),
    }
}

/// The one of these rooms that is meant.
pub fn named(rooms: &[KnownRoom], asked: &str) -> CliResult<KnownRoom> {
    if rooms.is_empty() {
        return Err(no_rooms());
    }
    let id = asked.to_ascii_lowercase();
    let is_hex = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let by_id = |room: &KnownRoom| is_hex && room.id.to_hex().starts_with(&id);
    let by_name =
        |room: &KnownRoom| !asked.is_empty() && (room.name == asked || room.shown_name() == asked);
    let of = |meant: &dyn Fn(&KnownRoom) -> bool| -> Vec<KnownRoom> {
        rooms.iter().filter(|room| meant(room)).cloned().collect()
    };
    // A name is its maker's choice, and must not take the place of an id that was printed to be typed again.
    let is_printed = id.len() >= SHORT_ID_DIGITS && rooms.iter().any(by_id);
    let mut found = if is_printed {
        of(&by_id)
    } else {
        of(&|room| by_id(room) || by_name(room))
    };
    match found.len() {
        1 => Ok(found.remove(0)),
        0 if asked.is_empty() => Err(which(rooms, "a room is named by its name or its id")),
        0 => Err(which(
            rooms,
            &format!(
                "there is no room {}",
                clean_line(asked, SHOWN_NAME_CHARS_MAX)
            ),
        )),
        _ => Err(which(
            &found,
            &format!(
                "{} can mean several rooms",
                clean_line(asked, SHOWN_NAME_CHARS_MAX)
            ),
        )),
    }
}

fn no_rooms() -> CliError {
    CliError::new(Kind::Room, "there are no rooms yet")
        .hint("cc-connect room start, or cc-connect room join TICKET")
}

fn which(rooms: &[KnownRoom], message: &str) -> CliError {
    let mut hint = "name one with --room:".to_owned();
    for room in rooms {
        // Writing to a string cannot fail.
        let _ = write!(hint, "\n  {}  {}", room.id.short(), room.shown_name());
    }
    CliError::new(Kind::Room, message).hint(hint)
}

/// What the files of a home tell of a room.
pub fn known(home: &Home, id: RoomId) -> KnownRoom {
    let dir = dir(home, &id);
    let view = RosterView::load(&dir).ok().flatten();
    let is_member = view
        .as_ref()
        .is_none_or(|view| view.member(&view.me).is_some());
    // The daemon leaves these marks, the latter only until the room is joined again.
    let state = if dir.join("pending-join").exists() {
        State::Joining
    } else if dir.join("left").exists() {
        State::Left
    } else if is_member {
        State::Joined
    } else {
        State::Removed
    };
    let (mut name, mut nick, members) = view.map_or_else(Default::default, |view| {
        (view.name, view.nick, view.members.len() as u64)
    });
    if name.is_empty() {
        name = name_in_ticket(&dir).unwrap_or_default();
    }
    if nick.is_empty() {
        nick = asked_nick(&dir).unwrap_or_default();
    }
    KnownRoom {
        id,
        name,
        nick,
        state,
        members,
    }
}

/// The name that the ticket gives as a hint, which is all that is known until we are let in.
fn name_in_ticket(dir: &Path) -> Option<String> {
    let ticket: Ticket = fs::read_to_string(dir.join("ticket"))
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Some(ticket.name)
}

/// The nick by which we asked to be let into the room of this folder, until somebody does.
pub fn asked_nick(dir: &Path) -> Option<String> {
    let join = FsStorage.read(&dir.join("pending-join"), JOIN_BYTES_MAX);
    match Message::from_log(&join.ok()?).ok()?.body()? {
        Body::Join(join) => Some(join.nick.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(byte: u8, name: &str) -> KnownRoom {
        let id = RoomId::from_bytes([byte; 32]);
        KnownRoom {
            id,
            name: name.to_owned(),
            nick: String::new(),
            state: State::Joined,
            members: 1,
        }
    }

    #[test]
    fn a_room_is_named_by_name_id_or_unique_beginning() {
        let rooms = || vec![room(0xab, "plan"), room(0xac, "trip"), room(0xff, "trip")];
        assert_eq!(named(&rooms(), "plan").unwrap().id.as_bytes()[0], 0xab);
        assert_eq!(named(&rooms(), "AC").unwrap().id.as_bytes()[0], 0xac);
        assert_eq!(
            named(&rooms(), &rooms()[2].id.to_hex())
                .unwrap()
                .id
                .as_bytes()[0],
            0xff
        );
        for (asked, listed) in [("trip", 2), ("a", 2), ("nothing", 3), ("", 3)] {
            let error = named(&rooms(), asked).unwrap_err();
            assert_eq!(error.kind, Kind::Room);
            assert_eq!(error.hint.unwrap().lines().count(), listed + 1, "{asked}");
        }
    }

    #[test]
    fn a_name_cannot_take_the_place_of_an_id() {
        let id = RoomId::from_bytes([0xab; 32]);
        let meant = |asked: &str, name: &str| named(&[room(0xab, "plan"), room(0xff, name)], asked);
        for digits in [10, 12, 64] {
            let asked = &id.to_hex()[..digits];
            assert_eq!(meant(asked, asked).unwrap().id, id, "{asked}");
        }
        // So few digits are as likely meant as a name.
        let hint = meant("ab", "ab").unwrap_err().hint.unwrap();
        assert!(hint.contains("plan") && hint.contains("ffff"), "{hint}");
        assert_eq!(meant("cd", "cd").unwrap().name, "cd");
        assert_eq!(named(&[room(0xab, "ab")], "ab").unwrap().id, id);
    }

    #[test]
    fn nothing_names_no_room() {
        let rooms = [room(0xab, ""), room(0xff, "")];
        let error = named(&rooms, "").unwrap_err();
        assert_eq!(error.message, "a room is named by its name or its id");
    }

    #[test]
    fn a_name_cannot_act_on_the_terminal() {
        assert_eq!(shown_name("a\u{1b}[2Jb", "00"), "a\\u{1b}[2Jb");
        assert_eq!(shown_name(" ", "0123456789abcdef"), "0123456789");
    }
}
