//! What an event is answered, the same for a hook that prints it and for a preview that shows it.

use cc_proto::id::RoomId;

use crate::adapter::{Adapter, Event, Moment};
use crate::audit::AuditEvent;
use crate::offer::{Asked, Offer};
use crate::orient::Welcome;
use crate::sessions::{make_wake_file, wake_path};

/// Whether cursors are taken to be moved, or only looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Until what was printed is out, nobody else tells of the same.
    Move,
    /// Nothing is written, by nobody.
    Look,
}

/// An answer, before it is printed.
#[derive(Debug)]
pub(crate) struct Answer {
    /// What the model gets to see, and the whole of stdout; `None` where nothing is to be said.
    pub said: Option<Said>,
    tells: Tells,
}

/// What is said.
#[derive(Debug)]
pub(crate) struct Said {
    pub text: String,
    pub stdout: Vec<u8>,
}

#[derive(Debug)]
enum Tells {
    Nothing,
    Unread(Offer, AuditEvent),
    Where(Welcome),
}

impl Answer {
    /// Works out what `event` is answered. [`Moment::Wake`] is answered with nothing.
    pub fn prepare(
        adapter: &dyn Adapter,
        asked: &Asked<'_>,
        event: &Event,
        rooms: Vec<RoomId>,
        access: Access,
        note: &dyn Fn(&str),
    ) -> Result<Self, String> {
        let nothing = Self {
            said: None,
            tells: Tells::Nothing,
        };
        let audited = match event.moment {
            Moment::Wake => return Ok(nothing),
            Moment::Start => return Self::welcome(adapter, asked, event, rooms, access, note),
            Moment::Prompt => AuditEvent::Prompt,
            Moment::Tool => AuditEvent::Tool,
        };
        let mut offer = match access {
            Access::Move => Offer::collect(asked, rooms, note),
            Access::Look => Offer::look(asked, rooms, note),
        };
        if event.moment == Moment::Tool && !offer.names_reader() {
            return Ok(nothing);
        }
        let text = offer.render(asked, note)?;
        let said = text.map(|text| Said {
            stdout: adapter.write(event, &text),
            text,
        });
        Ok(Self {
            said,
            tells: Tells::Unread(offer, audited),
        })
    }

    fn welcome(
        adapter: &dyn Adapter,
        asked: &Asked<'_>,
        event: &Event,
        rooms: Vec<RoomId>,
        access: Access,
        note: &dyn Fn(&str),
    ) -> Result<Self, String> {
        let welcome = Welcome::look(asked, rooms, note);
        let path = wake_path(asked.home, asked.agent, asked.session);
        let watch = adapter.watches().then_some(path);
        let text = welcome.render(asked)?;
        if let (Some(path), Some(_), Access::Move) = (&watch, &text, access)
            && let Err(error) = make_wake_file(path)
        {
            note(&format!("the session cannot be woken: {error}"));
        }
        let said = text.map(|text| Said {
            stdout: adapter.write_start(event, &text, watch.as_slice()),
            text,
        });
        Ok(Self {
            said,
            tells: Tells::Where(welcome),
        })
    }

    /// What was said is out: the cursors move.
    pub fn move_cursors(&mut self, asked: &Asked<'_>, note: &dyn Fn(&str)) {
        if let Tells::Unread(offer, _) = &mut self.tells {
            offer.move_cursors(asked, note);
        }
    }

    /// Notes what was said, once the cursors moved.
    pub fn audit(&self, asked: &Asked<'_>, note: &dyn Fn(&str)) {
        match &self.tells {
            Tells::Nothing => {}
            Tells::Unread(offer, event) => offer.audit(asked, *event, note),
            Tells::Where(welcome) => welcome.delivered(asked, note),
        }
    }
}
