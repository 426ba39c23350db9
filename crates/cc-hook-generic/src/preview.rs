//! What a hook would say, without its saying it: nothing is written, no cursor moves, and no session is noted.

use std::cell::RefCell;
use std::path::Path;

use cc_proto::id::{RoomId, Timestamp};

use crate::adapter::{Adapter, Event, Moment};
use crate::answer::{Access, Answer};
use crate::offer::Asked;
use crate::pause::Pause;
use crate::run::rooms_of;
use crate::sessions::session_id;

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct PreviewRequest<'a> {
    /// The home.
    pub home: &'a Path,
    /// The session; `None` for one that is new.
    pub session: Option<&'a str>,
    /// The directory that the session works in.
    pub directory: &'a Path,
    /// The one room of the session, whatever its directory is bound to.
    pub room: Option<RoomId>,
    /// At which moment. There is none of [`Moment::Wake`].
    pub moment: Moment,
    /// The wall clock.
    pub now: Timestamp,
}

/// What a hook would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// What the model would get to see, and the whole of stdout; `None` where nothing would be said.
    pub said: Option<(String, Vec<u8>)>,
    /// The rooms that reach the session.
    pub rooms: Vec<RoomId>,
    /// Those of them that are paused.
    pub paused: Vec<RoomId>,
    /// What would be noted in `hook.log`.
    pub notes: Vec<String>,
}

/// Works out what the hook of an agent would say, byte for byte but for the nonce of its fence.
///
/// # Errors
/// The line that `hook.log` would get where the hook would say nothing for a fault.
pub fn preview(adapter: &dyn Adapter, request: &PreviewRequest<'_>) -> Result<Preview, String> {
    // No cursor is of that name: a session id from an event is never empty.
    let session = request.session.map(session_id).unwrap_or_default();
    let directory = request.directory;
    let rooms = rooms_of(request.home, request.room, directory)?;
    let pause = Pause::load(request.home);
    let (paused, heard): (Vec<_>, Vec<_>) = rooms
        .iter()
        .partition(|room| pause.holds(room, request.now));
    let asked = Asked {
        home: request.home,
        agent: adapter.name(),
        session: &session,
        now: request.now,
        bytes_max: adapter.bytes_max(),
    };
    let event = Event {
        moment: request.moment,
        session: session.clone(),
        directory: directory.to_owned(),
    };
    let notes = RefCell::new(Vec::new());
    let note = |reason: &str| notes.borrow_mut().push(reason.to_owned());
    let answer = if heard.is_empty() {
        None
    } else {
        Answer::prepare(adapter, &asked, &event, heard, Access::Look, &note)?.said
    };
    Ok(Preview {
        said: answer.map(|said| (said.text, said.stdout)),
        rooms,
        paused,
        notes: notes.into_inner(),
    })
}
