//! `wake`: whether a mention wakes the owner's agents.

use std::fmt::Write as _;

use super::members::{Gathered, gather};
use super::objects::object;
use crate::args::{OnOff, WakeArgs};
use crate::error::{CliError, CliResult, Kind};
use crate::home::Home;
use crate::output::Printer;
use crate::people;
use crate::rpc::{People, WakeMember, WakeParams, WakeState};

/// Sets it, or says how it is.
pub async fn run(home: &Home, args: &WakeArgs, output: Printer<'_>) -> CliResult {
    let Gathered {
        room,
        people,
        mut client,
    } = gather(home, args.of.room.as_deref()).await?;
    let mut params = WakeParams {
        room: room.id.to_hex(),
        ..WakeParams::default()
    };
    let wake = args.wake.map(|wake| wake == OnOff::On);
    match (&args.member, args.agents) {
        (Some(member), _) => {
            let person = people::member(&people, member)?;
            let wake = wake.ok_or_else(|| {
                CliError::new(Kind::Usage, "say on or off, with --member")
                    .hint(format!("cc-connect wake on --member {member}"))
            })?;
            params.member = Some(WakeMember {
                author: person.author,
                wake,
            });
        }
        (None, true) => params.agents = wake,
        (None, false) => params.wake = wake,
    }
    let state: WakeState = client.call("room.wake", &params).await?;
    output.data(
        &object(&state),
        in_words(&state, &people, &room.shown_name()),
    );
    Ok(())
}

fn in_words(state: &WakeState, people: &People, room: &str) -> String {
    let name = |author: &str| {
        let member = people.members.iter().find(|it| it.author == author);
        member.map_or_else(
            || author[..10.min(author.len())].to_owned(),
            |it| it.name.clone(),
        )
    };
    let mut text = if state.wake {
        format!("a mention of you in {room} wakes your agents")
    } else {
        format!("a mention of you in {room} wakes nobody")
    };
    for member in &state.people {
        let name = name(&member.author);
        let what = if member.wake {
            "wakes them"
        } else {
            "wakes nobody"
        };
        let _ = write!(text, "; one by @{name} {what}");
    }
    if state.agents {
        text.push_str("; what agents of others write wakes them, too");
    }
    text
}
