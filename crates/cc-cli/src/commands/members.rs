//! `members`, `verify`, `trust` and `petname`: who belongs, and what one thinks of them. The last two are one's own
//! affair: nobody else hears of it.

use cc_proto::id::AuthorId;
use cc_proto::text::clean_nick;

use super::objects::{Comparison, ListedPerson, PetnameObject, TrustObject, object};
use crate::args::{MemberArg, PetnameArgs, RoomArg, TrustArgs};
use crate::client::Client;
use crate::error::{CliError, CliResult, Kind};
use crate::home::Home;
use crate::launch;
use crate::output::{Printer, Style};
use crate::people;
use crate::rooms::{self, KnownRoom, short};
use crate::rpc::{FormerPerson, People, Person, PetnameParams, RoomParams, Trust, TrustParams};
use crate::table;
use crate::verify;

/// Groups of digits in one line, which is as much as a person says in one breath.
const GROUPS_A_LINE: usize = 4;

/// A room, who belongs to it, and the way to its daemon.
pub struct Gathered {
    /// The room.
    pub room: KnownRoom,
    /// Members and former members.
    pub people: People,
    /// The way to the daemon.
    pub client: Client,
}

/// Finds the room that is meant and asks who belongs to it.
pub async fn gather(home: &Home, room: Option<&str>) -> CliResult<Gathered> {
    let room = rooms::find(home, room)?;
    let mut client = launch::connect_or_start(home).await?;
    let params = RoomParams {
        room: room.id.to_hex(),
    };
    let people: People = client.call("room.members", &params).await?;
    Ok(Gathered {
        room,
        people,
        client,
    })
}

/// Lists who belongs to a room, and who did.
pub async fn list(home: &Home, args: &RoomArg, output: Printer<'_>) -> CliResult {
    let Gathered { people, .. } = gather(home, args.room.as_deref()).await?;
    if output.json() {
        list_objects(people, output);
        return Ok(());
    }
    let mut rows = vec![["MEMBER", "KEY", "", "LET IN BY", "INVITE", "MARKS"].map(str::to_owned)];
    rows.extend(people.members.iter().map(|person| row(person, &people)));
    for line in table::aligned(&rows) {
        output.text(line);
    }
    if !people.former.is_empty() {
        output.text(output.style(Style::Dim, "No longer members:"));
    }
    for person in &people.former {
        output.text(format!(
            "@{}  {}  {}",
            person.name,
            person.fingerprint,
            why_gone(person, &people)
        ));
    }
    Ok(())
}

fn list_objects(people: People, output: Printer<'_>) {
    for person in people.members {
        let listed = ListedPerson::Member {
            room: people.room.clone(),
            member: true,
            person,
        };
        output.data(&object(&listed), "");
    }
    for person in people.former {
        let listed = ListedPerson::Former {
            room: people.room.clone(),
            member: false,
            person,
        };
        output.data(&object(&listed), "");
    }
}

/// Shows what to compare with a member.
pub async fn verify(home: &Home, args: &MemberArg, output: Printer<'_>) -> CliResult {
    let Gathered { room, people, .. } = gather(home, args.of.room.as_deref()).await?;
    let person = people::member(&people, &args.member)?;
    if person.me {
        return Err(CliError::new(Kind::Member, "that is you")
            .hint("name the member whose key you want to be sure of"));
    }
    let me = home.identity()?.author();
    let other: AuthorId = person.author.parse().map_err(|error| {
        let error: cc_proto::id::ParseIdError = error;
        CliError::new(Kind::Daemon, "the daemon named no key").because(&error)
    })?;
    let digits = verify::digits(&room.id, &me, &other);
    let groups: Vec<&str> = digits.split(' ').collect();
    let lines: Vec<String> = groups
        .chunks(GROUPS_A_LINE)
        .map(|line| format!("  {}", line.join(" ")))
        .collect();
    let shown = object(&Comparison {
        room: room.id.to_hex(),
        author: person.author,
        name: person.name.clone(),
        me: me.to_hex(),
        digits: digits.clone(),
    });
    output.data(
        &shown,
        format!(
            "{}\nCompare with @{} by voice or face to face, not in this room. They see the same digits with \
             cc-connect verify, as long as each of you has the other's true key.\nThen a petname keeps it: \
             cc-connect petname {} NAME",
            lines.join("\n"),
            person.name,
            person.fingerprint
        ),
    );
    Ok(())
}

/// Chooses how a member's words reach the agents of this machine.
pub async fn trust(home: &Home, args: &TrustArgs, output: Printer<'_>) -> CliResult {
    let mut gathered = gather(home, args.who.of.room.as_deref()).await?;
    let person = people::anybody(&gathered.people, &args.who.member)?;
    let trust = Trust::from(args.trust);
    let params = TrustParams {
        room: gathered.room.id.to_hex(),
        member: person.author().to_owned(),
        trust,
    };
    let _: serde_json::Value = gathered.client.call("room.trust", &params).await?;
    let how = match trust {
        Trust::Inline => "reads in full what",
        Trust::Notice => "is told only how many messages there are of what",
        Trust::Muted => "hears nothing of what",
    };
    let shown = object(&TrustObject {
        room: params.room,
        author: params.member,
        trust,
    });
    output.data(
        &shown,
        format!(
            "from now on your agent {how} @{} writes in {}. What it has read before it keeps. Nobody else hears of this.",
            person.name(),
            gathered.room.shown_name()
        ),
    );
    Ok(())
}

/// Calls a member by a name of one's own.
pub async fn petname(home: &Home, args: &PetnameArgs, output: Printer<'_>) -> CliResult {
    let petname = args.name.as_deref().map(checked_petname).transpose()?;
    let mut gathered = gather(home, args.who.of.room.as_deref()).await?;
    let person = people::anybody(&gathered.people, &args.who.member)?;
    let params = PetnameParams {
        room: gathered.room.id.to_hex(),
        member: person.author().to_owned(),
        petname: petname.clone(),
    };
    let _: serde_json::Value = gathered.client.call("room.petname", &params).await?;
    let fingerprint = person.fingerprint();
    let nick = clean_nick(person.nick()).unwrap_or_else(|| fingerprint.to_owned());
    let said = match &petname {
        Some(name) => format!(
            "{fingerprint} ({nick}) is @{name} to you and to your agents. Nobody else sees this name."
        ),
        None => format!("{fingerprint} is shown by the nick they claim: {nick}"),
    };
    let shown = object(&PetnameObject {
        room: params.room,
        author: params.member,
        petname,
    });
    output.data(&shown, said);
    Ok(())
}

fn checked_petname(name: &str) -> CliResult<String> {
    clean_nick(name).ok_or_else(|| {
        CliError::new(Kind::Usage, "nothing of that name can be shown")
            .hint("choose one of letters and digits")
    })
}

fn row(person: &Person, people: &People) -> [String; 6] {
    let standing = [
        (person.me, "you"),
        (person.root, "root"),
        (person.admin, "admin"),
        (person.online, "online"),
    ];
    let marks = [
        (person.over, "over the uses of the invite"),
        (person.forked, "forked"),
        (person.lookalike, "looks like another"),
        (person.trust == Trust::Notice, "notice"),
        (person.trust == Trust::Muted, "muted"),
    ];
    let doors: Vec<String> = person
        .doors
        .iter()
        .map(|door| name_of(door, people))
        .collect();
    let invites: Vec<&str> = person.invites.iter().map(|invite| short(invite)).collect();
    [
        format!("@{}", person.name),
        person.fingerprint.clone(),
        words(&standing),
        doors.join(" "),
        invites.join(" "),
        words(&marks),
    ]
}

fn words(all: &[(bool, &str)]) -> String {
    let said: Vec<&str> = all
        .iter()
        .filter(|(holds, _)| *holds)
        .map(|(_, word)| *word)
        .collect();
    said.join(", ")
}

/// Why somebody belongs no longer, in words.
pub fn why_gone(person: &FormerPerson, people: &People) -> String {
    let mut why = if person.removed {
        let by: Vec<String> = person
            .by
            .iter()
            .map(|author| name_of(author, people))
            .collect();
        format!("removed by {}", by.join(", "))
    } else if person.left {
        "left".to_owned()
    } else {
        "the invite that let them in was revoked".to_owned()
    };
    if person.forked {
        why.push_str("; forked");
    }
    why
}

/// How a member or former member is called.
pub fn name_of(author: &str, people: &People) -> String {
    let members = people
        .members
        .iter()
        .map(|person| (&person.author, &person.name));
    let former = people
        .former
        .iter()
        .map(|person| (&person.author, &person.name));
    let found = members.chain(former).find(|(key, _)| *key == author);
    found.map_or_else(|| short(author).to_owned(), |(_, name)| format!("@{name}"))
}
