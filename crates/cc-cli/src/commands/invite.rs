//! `invite`, `invites` and `revoke`: who may come in.

use cc_proto::id::Timestamp;
use cc_proto::text::clean_line;

use super::objects::{ListedInvite, Revoked, object};
use crate::args::{InviteArgs, RevokeArgs, RoomArg};
use crate::client::Client;
use crate::error::{CliError, CliResult, Kind};
use crate::home::Home;
use crate::launch;
use crate::output::Printer;
use crate::qr;
use crate::rooms::{self, KnownRoom, short};
use crate::rpc::{
    Acted, Expires, InviteInfo, InviteList, InviteParams, Invited, Never, People, RevokeParams,
    RoomParams,
};
use crate::table;
use crate::when;

/// The longest note that is listed, in characters.
const SHOWN_NOTE_CHARS_MAX: usize = 40;

/// Makes an invite and prints its ticket.
pub async fn invite(home: &Home, args: &InviteArgs, output: Printer<'_>) -> CliResult {
    if args.qr && output.json() {
        return Err(CliError::new(
            Kind::Usage,
            "a QR code is for people, and no part of --json",
        )
        .hint("leave --qr or --json out"));
    }
    let expires = match when::parse_expires(&args.expires, when::now())? {
        Some(time) => Expires::At(time.0),
        None => Expires::Word(Never::Never),
    };
    let room = rooms::find(home, args.room.as_deref())?;
    let mut client = launch::connect_or_start(home).await?;
    let params = InviteParams {
        room: room.id.to_hex(),
        expires: Some(expires),
        uses: args.uses,
        note: args.note.clone().unwrap_or_default(),
        back: None,
    };
    let invited: Invited = client.call("room.invite", &params).await?;
    output.data(&object(&invited), &invited.ticket);
    if args.qr {
        output.text(qr::render(&invited.ticket, output.colored())?);
    }
    if !output.json() {
        output.note(format!(
            "Whoever has this ticket can join {} {}, {}. It cannot be called back from who has come by it; \
             cc-connect revoke {} ends it for everybody else.",
            room.shown_name(),
            until(invited.expires),
            uses(invited.uses),
            short(&invited.invite)
        ));
    }
    Ok(())
}

/// Lists the invites of a room.
pub async fn list(home: &Home, args: &RoomArg, output: Printer<'_>) -> CliResult {
    let room = rooms::find(home, args.room.as_deref())?;
    let mut client = launch::connect_or_start(home).await?;
    let listed = of(&mut client, &room).await?;
    if output.json() {
        for invite in listed.invites {
            let room = listed.room.clone();
            output.data(&object(&ListedInvite { room, invite }), "");
        }
        return Ok(());
    }
    let mut rows = vec![["INVITE", "BY", "ENDS", "USED", "NOTE"].map(str::to_owned)];
    rows.extend(listed.invites.iter().map(row));
    if rows.len() == 1 {
        output.text("no invites yet: cc-connect invite");
        return Ok(());
    }
    for line in table::aligned(&rows) {
        output.text(line);
    }
    Ok(())
}

/// Ends an invite.
pub async fn revoke(home: &Home, args: &RevokeArgs, output: Printer<'_>) -> CliResult {
    let room = rooms::find(home, args.of.room.as_deref())?;
    let mut client = launch::connect_or_start(home).await?;
    let invites = of(&mut client, &room).await?.invites;
    let invite = meant(&invites, &args.invite)?;
    if invite.revoked {
        return Err(CliError::new(
            Kind::Invite,
            format!("the invite {} was revoked before", short(&invite.invite)),
        ));
    }
    let people: People = client.call("room.members", &of_room(&room)).await?;
    let params = RevokeParams {
        room: room.id.to_hex(),
        invite: invite.invite.clone(),
    };
    let acted: Acted = client.call("room.revoke", &params).await?;
    let stay: Vec<_> = people
        .members
        .iter()
        .filter(|person| person.invites.contains(&invite.invite))
        .collect();
    let names: Vec<String> = stay
        .iter()
        .map(|person| format!("@{}", person.name))
        .collect();
    let who = if names.is_empty() {
        "Nobody has come by it, as far as is known here.".to_owned()
    } else {
        format!(
            "Who came by it stays, and keeps what they read: {}.",
            names.join(", ")
        )
    };
    let object = object(&Revoked {
        room: acted.room,
        invite: invite.invite.clone(),
        id: acted.id,
        n: acted.n,
        stay: stay.iter().map(|person| person.author.clone()).collect(),
    });
    output.data(
        &object,
        format!(
            "revoked the invite {}: its ticket lets nobody in any more, once the members have heard of it. {who} \
             This cannot be undone; cc-connect invite makes a new one.",
            short(&invite.invite)
        ),
    );
    Ok(())
}

async fn of(client: &mut Client, room: &KnownRoom) -> CliResult<InviteList> {
    client.call("room.invites", &of_room(room)).await
}

fn of_room(room: &KnownRoom) -> RoomParams {
    RoomParams {
        room: room.id.to_hex(),
    }
}

/// The invite that is meant by its id or the beginning of it.
fn meant<'a>(invites: &'a [InviteInfo], asked: &str) -> CliResult<&'a InviteInfo> {
    let digits = asked.trim().to_ascii_lowercase();
    let found: Vec<&InviteInfo> = invites
        .iter()
        .filter(|invite| !digits.is_empty() && invite.invite.starts_with(&digits))
        .collect();
    let asked = clean_line(asked, SHOWN_NOTE_CHARS_MAX);
    match found.as_slice() {
        [one] => Ok(one),
        [] => Err(
            CliError::new(Kind::Invite, format!("there is no invite {asked}"))
                .hint("cc-connect invites lists them"),
        ),
        several => {
            let ids: Vec<&str> = several.iter().map(|invite| short(&invite.invite)).collect();
            Err(
                CliError::new(Kind::Invite, format!("{asked} can mean several invites"))
                    .hint(format!("name one of {}", ids.join(", "))),
            )
        }
    }
}

/// Whether somebody could still come by it.
pub fn is_open(invite: &InviteInfo) -> bool {
    let is_used_up = invite.uses.is_some_and(|uses| invite.used >= uses);
    !invite.revoked && !invite.expired && !is_used_up
}

/// What it is for, by whom it is, how often it was used and when it ends, in one line.
pub fn about(invite: &InviteInfo) -> String {
    let used = match invite.uses {
        Some(uses) => format!("{} of {uses} used", invite.used),
        None => format!("{} used", invite.used),
    };
    let by = clean_line(&invite.by_name, SHOWN_NOTE_CHARS_MAX);
    let rest = format!("by @{by}, {used}, {}", until(invite.expires));
    match clean_line(&invite.note, SHOWN_NOTE_CHARS_MAX) {
        note if note.is_empty() => rest,
        note => format!("{note}: {rest}"),
    }
}

fn row(invite: &InviteInfo) -> [String; 5] {
    let ends = if invite.revoked {
        "revoked".to_owned()
    } else {
        match invite.expires {
            None => "never".to_owned(),
            Some(_) if invite.expired => "expired".to_owned(),
            Some(time) => when::long_time(Timestamp(time)),
        }
    };
    let used = match invite.uses {
        Some(uses) => format!("{}/{uses}", invite.used),
        None => invite.used.to_string(),
    };
    [
        short(&invite.invite).to_owned(),
        format!("@{}", invite.by_name),
        ends,
        used,
        clean_line(&invite.note, SHOWN_NOTE_CHARS_MAX),
    ]
}

/// `until 2026-11-29 10:00Z`, or `without end`.
pub fn until(expires: Option<u64>) -> String {
    match expires {
        Some(time) => format!("until {}", when::long_time(Timestamp(time))),
        None => "without end".to_owned(),
    }
}

fn uses(uses: Option<u32>) -> String {
    match uses {
        None => "and as many as like".to_owned(),
        Some(1) => "and one person alone".to_owned(),
        Some(uses) => format!("and {uses} people at most"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invite(first: &str) -> InviteInfo {
        InviteInfo {
            invite: format!("{first:0<64}"),
            by: String::new(),
            by_name: "alice".to_owned(),
            expires: None,
            expired: false,
            uses: Some(2),
            used: 1,
            note: "for\n bob".to_owned(),
            revoked: false,
        }
    }

    #[test]
    fn an_invite_is_meant_by_a_beginning_that_no_other_has() {
        let invites = [invite("abc"), invite("abd"), invite("f")];
        assert_eq!(meant(&invites, "ABD").unwrap().invite, invites[1].invite);
        assert_eq!(meant(&invites, "f").unwrap().invite, invites[2].invite);
        for wrong in ["ab", "", "e", "abc1"] {
            assert_eq!(
                meant(&invites, wrong).unwrap_err().kind,
                Kind::Invite,
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_row_says_how_an_invite_is() {
        let shown = |invite: &InviteInfo| row(invite)[2].clone();
        let mut one = invite("a");
        assert_eq!(row(&one)[1..], ["@alice", "never", "1/2", "for bob"]);
        one.expires = Some(0);
        assert_eq!(shown(&one), "1970-01-01 00:00Z");
        one.expired = true;
        assert_eq!(shown(&one), "expired");
        one.revoked = true;
        assert_eq!(shown(&one), "revoked");
    }
}
