//! `room join --dry-run`: what joining would contact, expose and bind. Reads the ticket and the home, and changes neither
//! this machine nor any other.

use std::fmt::Write as _;

use cc_proto::id::Timestamp;
use cc_proto::text::{clean_line, fingerprint};
use cc_proto::ticket::{PeerAddress, Ticket};

use super::objects::{Address, DryRun, object};
use super::room::{choose_binding, claimed_nick, parse_ticket, read_ticket};
use crate::args::JoinArgs;
use crate::bindings::BindTo;
use crate::error::CliResult;
use crate::home::Home;
use crate::output::Output;
use crate::rooms::{self, KnownRoom};
use crate::rpc::State;
use crate::when;

/// The longest relay that is shown, in characters.
const SHOWN_RELAY_CHARS_MAX: usize = 128;

/// Says what joining by this ticket would do. The home need not be there.
pub fn run(home: Option<&Home>, args: &JoinArgs, output: Output) -> CliResult {
    let ticket = parse_ticket(&read_ticket(&args.ticket)?)?;
    let bound = match choose_binding(args.common.bind.as_deref(), output)? {
        BindTo::None => None,
        BindTo::Global => Some("global".to_owned()),
        BindTo::Dir(dir) => Some(dir.to_string_lossy().into_owned()),
    };
    let (relay, key, known) = match home {
        Some(home) => (
            home.config()?.relay,
            home.existing_identity()?.map(|identity| identity.author()),
            rooms::all(home)?,
        ),
        None => (None, None, Vec::new()),
    };
    let known = known.into_iter().find(|room| room.id == ticket.room);
    let nick = claimed_nick(&args.common);
    let dry = DryRun {
        dry_run: true,
        room: ticket.room.to_hex(),
        name: ticket.name.clone(),
        expires: ticket.expires.map(|time| time.0),
        expired: ticket.expires.is_some_and(|time| time <= when::now()),
        state: known.as_ref().map(|room| room.state),
        addresses: ticket.addresses.iter().map(address).collect(),
        relay: args
            .common
            .relay
            .clone()
            .or(relay)
            .unwrap_or_else(|| "default".to_owned()),
        key: key.map(|key| key.to_hex()),
        nick: nick.or_else(|| key.as_ref().map(fingerprint)),
        bound,
    };
    output.data(&object(&dry), text(&dry, &ticket, known.as_ref()));
    Ok(())
}

fn address(address: &PeerAddress) -> Address {
    Address {
        author: address.id.to_hex(),
        relay: address.relay.clone(),
        direct: address.direct.clone(),
    }
}

fn text(dry: &DryRun, ticket: &Ticket, known: Option<&KnownRoom>) -> String {
    let name = rooms::shown_name(&ticket.name, &dry.room);
    let mut text = format!(
        "This ticket is for a room that it calls {name}, {}.\n",
        rooms::short(&dry.room)
    );
    let mut say = |line: String| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{line}");
    };
    match dry.expires {
        None => say("It does not expire.".to_owned()),
        Some(time) if dry.expired => say(format!(
            "It expired {}: nobody would let you in by it.",
            when::long_time(Timestamp(time))
        )),
        Some(time) => say(format!("It expires {}.", when::long_time(Timestamp(time)))),
    }
    match known.map(|room| room.state) {
        None => {}
        Some(State::Joined) => say(
            "You are a member already: joining would change nothing but the binding.".to_owned(),
        ),
        Some(State::Joining) => say("You are waiting to be let in already.".to_owned()),
        Some(State::Removed) => say(
            "You were a member, and are none any more: only a ticket made to let you back does."
                .to_owned(),
        ),
        Some(State::Left) => say("You were a member, and left.".to_owned()),
    }
    say("Joining would contact:".to_owned());
    for peer in &dry.addresses {
        say(format!("  {}", reach(peer)));
    }
    if dry.addresses.is_empty() {
        say("  whoever of the room is found on your local network, or remembered here".to_owned());
    }
    say(format!("  {}", relay(&dry.relay)));
    say("It would show to every member, and to who becomes one later:".to_owned());
    say(match &dry.key {
        Some(key) => format!("  your key {}…", rooms::short(key)),
        None => "  your key, which would be made".to_owned(),
    });
    say(match &dry.nick {
        Some(nick) => format!("  your nick {}", clean_line(nick, usize::MAX)),
        None => "  as your nick, the first digits of that key".to_owned(),
    });
    say("  the IP addresses of this machine, and when it is online".to_owned());
    say(
        "  whatever you or your agents say there; nothing can be called back from who has read it"
            .to_owned(),
    );
    say(match dry.bound.as_deref() {
        Some("global") => {
            "Your agents would be given the room's history, everywhere on this machine.".to_owned()
        }
        Some(dir) => format!(
            "Your agents would be given the room's history, in {} and beneath.",
            clean_line(dir, usize::MAX)
        ),
        None => {
            "No folder would be bound: an agent is given the room's history only by cc-connect run."
                .to_owned()
        }
    });
    text.push_str("Nothing was joined, contacted or written.");
    text
}

fn reach(peer: &Address) -> String {
    let direct: Vec<String> = peer.direct.iter().map(ToString::to_string).collect();
    let mut ways = direct.join(" ");
    if let Some(relay) = &peer.relay {
        let by = if ways.is_empty() { "" } else { " or " };
        // Writing to a string cannot fail.
        let _ = write!(
            ways,
            "{by}through {}",
            clean_line(relay, SHOWN_RELAY_CHARS_MAX)
        );
    }
    if ways.is_empty() {
        ways.push_str("wherever it is found");
    }
    format!("member {} at {ways}", rooms::short(&peer.author))
}

fn relay(relay: &str) -> String {
    match relay {
        "none" => "no relay".to_owned(),
        "default" => {
            "a public relay of n0, which sees encrypted traffic and who talks to whom".to_owned()
        }
        url => format!(
            "the relay {}, which sees encrypted traffic and who talks to whom",
            clean_line(url, SHOWN_RELAY_CHARS_MAX)
        ),
    }
}
