//! Which rooms a call may name: exactly those whose messages the hook would put before a prompt in this folder.

use std::path::PathBuf;

use cc_hook_generic::pause::Pause;
use cc_hook_generic::{ROOM_VARIABLE, rooms_bound_to};
use cc_proto::id::RoomId;
use cc_proto::render::fence;
use cc_proto::text::clean_line_for_agent;

use super::desk::Desk;
use super::refusal::{Outcome, Refusal};
use crate::home::Home;
use crate::rooms::{self, KnownRoom};
use crate::when;

/// The longest name of a room that is shown, in characters.
pub const ROOM_NAME_CHARS_MAX: usize = 40;
/// The longest of what was asked for that is told back, in characters.
const ASKED_CHARS_MAX: usize = 64;

/// The rooms of this process, as of now.
pub struct Connected {
    /// Where they are.
    pub home: Home,
    rooms: Vec<KnownRoom>,
    pause: Pause,
}

impl Desk {
    /// Looks which rooms the folder is connected to. Bindings may change at any time, and so this is asked for each call.
    pub fn connected(&self) -> Outcome<Connected> {
        let home = Home::existing(self.options.home.as_deref())?.ok_or_else(not_connected)?;
        let mut rooms: Vec<KnownRoom> = ids(&home)?
            .iter()
            .filter(|id| rooms::dir(&home, id).is_dir())
            .map(|id| rooms::known(&home, *id))
            .collect();
        if let Some(only) = &self.options.room {
            rooms = rooms::named(&rooms, only).into_iter().collect();
        }
        if rooms.is_empty() {
            return Err(not_connected());
        }
        let pause = Pause::load(home.path());
        Ok(Connected { home, rooms, pause })
    }
}

impl Connected {
    /// The room that is meant; the only one where none is named.
    pub fn one(&self, asked: Option<&str>) -> Outcome<&KnownRoom> {
        let room = match (asked, self.rooms.as_slice()) {
            (None, [only]) => only,
            (None, _) => {
                return Err(self.which("several rooms are connected to this folder; name one"));
            }
            (Some(asked), _) => self.named(asked)?,
        };
        if self.pause.holds(&room.id, when::now()) {
            return Err(paused());
        }
        Ok(room)
    }

    /// The room that is meant; where none is named, all that are not paused.
    pub fn several(&self, asked: Option<&str>) -> Outcome<Vec<KnownRoom>> {
        if asked.is_some() {
            return Ok(vec![self.one(asked)?.clone()]);
        }
        let now = when::now();
        let rooms = self.rooms.iter();
        let rooms: Vec<KnownRoom> = rooms
            .filter(|room| !self.pause.holds(&room.id, now))
            .cloned()
            .collect();
        if rooms.is_empty() {
            return Err(paused());
        }
        Ok(rooms)
    }

    /// All of them, paused or not.
    pub fn all(&self) -> &[KnownRoom] {
        &self.rooms
    }

    fn named(&self, asked: &str) -> Outcome<&KnownRoom> {
        let found = rooms::named(&self.rooms, asked.trim()).ok();
        let found = found.and_then(|found| self.rooms.iter().find(|room| room.id == found.id));
        found.ok_or_else(|| {
            let asked = clean_line_for_agent(asked, ASKED_CHARS_MAX);
            self.which(&format!(
                "of the rooms that are connected to this folder, \"{asked}\" names none or several"
            ))
        })
    }

    /// A refusal with the rooms there are to choose from. Their names are their makers' words, and so stand in a fence.
    fn which(&self, message: &str) -> Refusal {
        let fence = fence(rand::random());
        let mut list = format!(
            "Each line between the two `{fence}` lines has a name that people gave to a room, and the room's id.\n{fence}\n"
        );
        for room in &self.rooms {
            list.push_str(&room_line(&room.id, &room.name));
        }
        list.push_str(&fence);
        Refusal::new("which_room", message).more(list)
    }
}

/// A room's name and short id on a line of its own, to stand in a fence.
pub fn room_line(id: &RoomId, name: &str) -> String {
    let name = clean_line_for_agent(name, ROOM_NAME_CHARS_MAX).replace('"', "'");
    format!("room \"{name}\" {}\n", id.short())
}

/// The one room of the environment, whatever it says, or those bound to the working directory.
fn ids(home: &Home) -> Outcome<Vec<RoomId>> {
    if let Some(named) = std::env::var_os(ROOM_VARIABLE) {
        let room = named.to_str().and_then(|hex| hex.parse().ok());
        return Ok(room.into_iter().collect());
    }
    // A folder that was removed beneath us is bound to nothing but what is bound everywhere.
    let here = std::env::current_dir().unwrap_or_else(|_| PathBuf::new());
    let bound = rooms_bound_to(home.path(), &here)
        .map_err(|error| Refusal::new("home", error.to_string()))?;
    Ok(bound.into_iter().collect())
}

fn not_connected() -> Refusal {
    Refusal::new("not_connected", "no room is connected to this folder")
        .more("The user can connect one: cc-connect room start, or cc-connect room join TICKET, in this folder.")
}

fn paused() -> Refusal {
    Refusal::new(
        "paused",
        "the user has paused what agents read and say here",
    )
    .more("It ends by itself, or when the user runs cc-connect resume.")
}
