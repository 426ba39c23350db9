//! `remove`, `admin`, `leave` and `retract`: acts that everybody in the room hears of.

use cc_proto::id::{ArrivalNo, MessageId};
use cc_proto::message::Message;
use cc_proto::text::{clean_line, file_name};

use super::invite::until;
use super::members::{Gathered, gather};
use super::objects::{AdminObject, Removed, Retracted, object};
use crate::args::{AdminArgs, LeaveArgs, RemoveArgs, RetractArgs};
use crate::client::Client;
use crate::confirm;
use crate::error::{CliError, CliResult, Kind};
use crate::history::History;
use crate::home::Home;
use crate::launch;
use crate::output::Printer;
use crate::people::{self, Somebody};
use crate::rooms::{self, KnownRoom, short};
use crate::rpc::{
    Acted, AdminParams, InviteParams, Invited, LeaveResult, People, RemoveParams, RemoveResult,
    RetractParams, RevokeParams, RoomParams,
};

/// From so many digits on an id is meant and not a line.
const ID_DIGITS_MIN: usize = 10;
/// The least of an id that names a message.
const PREFIX_DIGITS_MIN: usize = 4;
/// How much of a message is shown when it is taken back, in characters.
const SHOWN_TEXT_CHARS_MAX: usize = 60;

/// Removes a member; with `--back` removes nobody, and lets one who was removed in again.
pub async fn remove(home: &Home, args: &RemoveArgs, output: Printer<'_>) -> CliResult {
    let Gathered {
        room,
        people,
        mut client,
    } = gather(home, args.who.of.room.as_deref()).await?;
    if args.back {
        let person = people::anybody(&people, &args.who.member)?;
        if matches!(person, Somebody::Member(_)) {
            let is_in = format!("{} belongs to the room", person.with_fingerprint());
            return Err(CliError::new(Kind::NotAllowed, is_in)
                .hint("--back is for somebody who was removed; without it, remove removes"));
        }
        let back = let_back(&mut client, &room, &person).await?;
        tell_of_return(&room, &person, back.as_ref(), output);
        return Ok(());
    }
    let person = Somebody::Member(people::member(&people, &args.who.member)?);
    confirm::ask(
        &format!(
            "Remove {} from {}?",
            person.with_fingerprint(),
            room.shown_name()
        ),
        args.yes,
    )?;
    let params = RemoveParams {
        room: room.id.to_hex(),
        member: person.author().to_owned(),
        keep_invite: args.keep_invite,
    };
    let removal: RemoveResult = client.call("room.remove", &params).await?;
    tell_of_removal(&room, &person, &removal, output);
    Ok(())
}

/// Lifts the removals of somebody. Gives the ticket that they need; none where an invite that they came
/// by still stands for them, so that they are a member again at once.
async fn let_back(
    client: &mut Client,
    room: &KnownRoom,
    person: &Somebody,
) -> CliResult<Option<Invited>> {
    let params = InviteParams {
        room: room.id.to_hex(),
        expires: None,
        // The ticket is for one person; whoever else gets hold of it first is at least alone.
        uses: Some(1),
        note: format!("lets @{} back", person.name()),
        back: Some(person.author().to_owned()),
    };
    let invited: Invited = client.call("room.invite", &params).await?;
    let params = RoomParams {
        room: room.id.to_hex(),
    };
    let people: People = client.call("room.members", &params).await?;
    let author = person.author();
    if !people.members.iter().any(|member| member.author == author) {
        return Ok(Some(invited));
    }
    // Nobody needs the ticket, and whoever had it could use it.
    let params = RevokeParams {
        room: room.id.to_hex(),
        invite: invited.invite,
    };
    let _: Acted = client.call("room.revoke", &params).await?;
    Ok(None)
}

fn tell_of_removal(
    room: &KnownRoom,
    person: &Somebody,
    removal: &RemoveResult,
    output: Printer<'_>,
) {
    let mut said = vec![format!(
        "removed {} from {}. What they wrote before stays; what they write from now on counts for nobody who has heard \
         of this. What they have read cannot be unread. They may never hear of it: to them the room falls silent.",
        person.with_fingerprint(),
        room.shown_name()
    )];
    let ended: Vec<&str> = removal.voided.iter().map(|invite| short(invite)).collect();
    if !ended.is_empty() {
        said.push(format!(
            "With it ended {}: {}. Everybody else who came by them stays.",
            if ended.len() == 1 {
                "an invite"
            } else {
                "these invites"
            },
            ended.join(", ")
        ));
    }
    said.push(format!(
        "cc-connect remove {} --back lets them in again.",
        short(person.author())
    ));
    let shown = object(&Removed {
        room: room.id.to_hex(),
        author: person.author().to_owned(),
        removed: true,
        id: Some(removal.id.clone()),
        n: Some(removal.n),
        voided: removal.voided.clone(),
        invite: None,
        ticket: None,
        expires: None,
        uses: None,
    });
    output.data(&shown, said.join(" "));
}

fn tell_of_return(
    room: &KnownRoom,
    person: &Somebody,
    back: Option<&Invited>,
    output: Printer<'_>,
) {
    let shown = object(&Removed {
        room: room.id.to_hex(),
        author: person.author().to_owned(),
        removed: false,
        id: None,
        n: None,
        voided: Vec::new(),
        invite: back.map(|back| back.invite.clone()),
        ticket: back.map(|back| back.ticket.clone()),
        expires: back.and_then(|back| back.expires),
        uses: back.and_then(|back| back.uses),
    });
    let who = person.with_fingerprint();
    let Some(back) = back else {
        let said = format!(
            "{who} is a member of {} again, without a ticket: an invite that they came by still stands for them.",
            room.shown_name()
        );
        return output.data(&shown, said);
    };
    // The ticket alone is data: it can be piped to where it is wanted.
    output.data(&shown, &back.ticket);
    if !output.json() {
        output.note(format!(
            "The ticket lets {who} in again {}, and whoever holds it is let in by it, once.",
            until(back.expires)
        ));
    }
}

/// Makes or unmakes an admin.
pub async fn admin(home: &Home, args: &AdminArgs, output: Printer<'_>) -> CliResult {
    let Gathered {
        room,
        people,
        mut client,
    } = gather(home, args.who.of.room.as_deref()).await?;
    let person = people::member(&people, &args.who.member)?;
    let wanted = !args.off;
    if person.admin == wanted && !person.root {
        let is = if wanted {
            "is an admin already"
        } else {
            "is no admin"
        };
        return Err(CliError::new(
            Kind::Member,
            format!("@{} {is}", person.name),
        ));
    }
    let params = AdminParams {
        room: room.id.to_hex(),
        member: person.author.clone(),
        admin: wanted,
    };
    let acted: Acted = client.call("room.admin", &params).await?;
    let who = Somebody::Member(person.clone()).with_fingerprint();
    let said = if wanted {
        format!(
            "{who} is an admin of {} now: they can remove members, revoke any invite and take back any message. You \
             alone can undo it, with --off; what they did until then stays done.",
            room.shown_name()
        )
    } else {
        format!(
            "{who} is no longer an admin of {}, and stays a member. What they did as an admin stays done.",
            room.shown_name()
        )
    };
    let shown = object(&AdminObject {
        room: acted.room,
        author: person.author,
        admin: wanted,
        id: acted.id,
        n: acted.n,
    });
    output.data(&shown, said);
    Ok(())
}

/// Leaves a room.
pub async fn leave(home: &Home, args: &LeaveArgs, output: Printer<'_>) -> CliResult {
    let room = rooms::find(home, args.of.room.as_deref())?;
    confirm::ask(&format!("Leave {}?", room.shown_name()), args.yes)?;
    let mut client = launch::connect_or_start(home).await?;
    let params = RoomParams {
        room: room.id.to_hex(),
    };
    let left: LeaveResult = client.call("room.leave", &params).await?;
    let heard = if left.told {
        "The others have heard of it."
    } else {
        "Nobody else was online: the others hear of it only if you join again."
    };
    let said = format!(
        "left {}. {heard} What you wrote stays with the others, and what you read stays here: cc-connect log --room {}. \
         No agent session is given it any more. To come back you need a ticket that is still good.",
        room.shown_name(),
        room.id.short()
    );
    output.data(&object(&left), said);
    Ok(())
}

/// Takes a message back.
pub async fn retract(home: &Home, args: &RetractArgs, output: Printer<'_>) -> CliResult {
    let room = rooms::find(home, args.of.room.as_deref())?;
    let (message, what) = meant(&History::open(home, &room)?, &args.message)?;
    let mut client = launch::connect_or_start(home).await?;
    let params = RetractParams {
        room: room.id.to_hex(),
        message: message.to_hex(),
    };
    let acted: Acted = client.call("room.retract", &params).await?;
    let shown = object(&Retracted {
        room: acted.room,
        message: params.message,
        id: acted.id,
        n: acted.n,
    });
    output.data(
        &shown,
        format!(
            "took back {what}. Every member's machine erases it as soon as it hears of this, and no agent is given it \
             from then on. Who has read it, and whatever was copied, keeps it. This cannot be undone."
        ),
    );
    Ok(())
}

/// A message as a sentence names it.
fn in_words(message: &Message) -> String {
    if let Some(text) = message.text() {
        return format!("“{}”", clean_line(text, SHOWN_TEXT_CHARS_MAX));
    }
    match message.file() {
        Some(file) => format!("the file {}", file_name(&file.name)),
        None => format!("the message {}", message.id().short()),
    }
}

/// The message that is meant by its line, its id or the beginning of its id; and what it is, in words.
pub fn meant(history: &History, asked: &str) -> CliResult<(MessageId, String)> {
    let asked = asked.trim();
    let none = |what: &str| {
        CliError::new(
            Kind::Message,
            format!(
                "there is no message {}",
                clean_line(what, SHOWN_TEXT_CHARS_MAX)
            ),
        )
        .hint("a line of cc-connect log --json, or the beginning of an id")
    };
    if asked.len() < ID_DIGITS_MIN
        && let Ok(n) = asked.parse::<u64>()
    {
        if n == 0 || n > history.len().0 {
            return Err(none(asked));
        }
        let line = history.line(ArrivalNo(n))?;
        let message = line.message.map_err(|_| none(asked))?;
        return Ok((message.id(), in_words(&message)));
    }
    let digits = asked.to_ascii_lowercase();
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if digits.len() < PREFIX_DIGITS_MIN || !is_hex {
        return Err(none(asked));
    }
    let mut found = history.by_id(&digits)?;
    match (found.len(), found.pop_first()) {
        (1, Some((id, message))) => Ok((id, in_words(&message))),
        (_, None) => Err(none(asked)),
        (_, Some((first, _))) => {
            let others = found.keys().map(MessageId::short);
            let ids: Vec<String> = std::iter::once(first.short()).chain(others).collect();
            Err(
                CliError::new(Kind::Message, format!("{asked} can mean several messages"))
                    .hint(format!("name one of {}", ids.join(", "))),
            )
        }
    }
}
