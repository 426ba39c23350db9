//! How the room and the daemon are, in pieces for the line under the messages: what is amiss comes first.

use super::paint::{Run, run};
use super::screen::Screen;
use crate::chat::app::Connection;
use crate::chat::theme;
use crate::rpc::State;

/// What the line says, in the order of how much it matters.
pub fn pieces(screen: &Screen<'_>) -> Vec<Run<'static>> {
    let theme = screen.theme;
    let mut out = Vec::new();
    let Some(room) = screen.rooms.get(screen.current) else {
        out.push(run("no room", theme::dim()));
        out.extend(connection(screen));
        return out;
    };
    out.push(run(
        cc_proto::text::clean_line(&room.name, 24),
        theme::bold(),
    ));
    out.extend(connection(screen));
    match room.state {
        State::Joining => out.push(run("waiting to be let in", theme.warn())),
        State::Removed => out.push(run("you are no longer a member", theme.bad())),
        State::Left => out.push(run("you left", theme.warn())),
        State::Joined if *screen.connection != Connection::Up => {}
        State::Joined if room.members <= 1 => {
            out.push(run("nobody else yet: /ticket", theme.warn()));
        }
        State::Joined if room.online <= 1 && room.looking => {
            let words = format!("connecting to the others{}", theme.signs().running);
            out.push(run(words, theme::dim()));
        }
        State::Joined if room.online <= 1 => {
            out.push(run("nobody online: they get it later", theme.warn()));
        }
        State::Joined => {
            let words = format!("{} of {} online", room.online, room.members);
            out.push(run(words, theme::dim()));
        }
    }
    if screen.paused {
        out.push(run("paused: agents get nothing", theme.warn()));
    }
    if screen.held > 0 {
        out.push(run(
            format!("{} held for your yes: /held", screen.held),
            theme.warn(),
        ));
    }
    if screen.loading {
        out.push(run("loading", theme::dim()));
    }
    out
}

fn connection(screen: &Screen<'_>) -> Option<Run<'static>> {
    let theme = screen.theme;
    match screen.connection {
        Connection::Up => None,
        Connection::Looking => Some(run(
            format!("reconnecting{}", theme.signs().running),
            theme.warn(),
        )),
        Connection::Stopped => Some(run("stopped: a message starts it again", theme.warn())),
        Connection::Failed(why) => {
            let why = cc_proto::text::clean_line(why, 200);
            Some(run(format!("no daemon: {why}"), theme.bad()))
        }
    }
}
