//! What is asked before something that cannot be undone. Whom or what it is about is found out first, and is what is
//! carried out after the yes, even if by then somebody else goes by that name.

use cc_proto::text::clean_line;

use crate::chat::slash::Slash;
use crate::commands::{belong, members};
use crate::error::CliResult;
use crate::history::History;
use crate::home::Home;
use crate::people::{self, Somebody};
use crate::rooms::{self, KnownRoom};
use crate::rpc::Person;

/// The longest of what was typed that is asked about, in characters.
const ASKED_CHARS_MAX: usize = 60;

/// What comes before a command.
pub enum Asked {
    /// Nothing.
    Go(Slash),
    /// A question.
    Wait {
        /// What cannot be undone, and the question at the end; clean.
        question: Vec<String>,
        /// What is carried out after the yes.
        then: Box<Slash>,
    },
}

/// Finds out whether a command needs a yes. Whoever gave it with the command is not asked.
pub async fn before(home: &Home, room: &KnownRoom, mut slash: Slash) -> CliResult<Asked> {
    let question = match &mut slash {
        Slash::Remove(args) if !args.yes && !args.back => {
            args.yes = true;
            let (room, person) =
                member(home, &mut args.who.member, args.who.of.room.as_deref()).await?;
            vec![
                "What they have read cannot be unread, and what they wrote stays. They may never hear of it: to them the room \
                 falls silent."
                    .to_owned(),
                format!("Remove {} from {room}?", person.with_fingerprint()),
            ]
        }
        Slash::Admin(args) if !args.yes => {
            args.yes = true;
            let who = &mut args.admin.who;
            let (room, person) = member(home, &mut who.member, who.of.room.as_deref()).await?;
            admin(args.admin.off, &person.with_fingerprint(), &room)
        }
        Slash::Leave(args) if !args.yes => {
            args.yes = true;
            let room = rooms::find(home, args.of.room.as_deref())?;
            args.of.room = Some(room.id.to_hex());
            vec![
                "What you wrote stays with the others, and what you read stays here. To come back you need a ticket that is \
                 still good."
                    .to_owned(),
                format!("Leave {}?", room.shown_name()),
            ]
        }
        Slash::Revoke(args) if !args.yes => {
            args.yes = true;
            vec![
                "Its ticket lets nobody in any more, once the members have heard of it; who came by it stays. This cannot be \
                 undone."
                    .to_owned(),
                format!("End the invite {}?", clean_line(&args.revoke.invite, ASKED_CHARS_MAX)),
            ]
        }
        Slash::Retract(args) if !args.yes => {
            args.yes = true;
            let message = args.message.as_deref().unwrap_or_default();
            retract(home, room, message)?
        }
        _ => return Ok(Asked::Go(slash)),
    };
    Ok(Asked::Wait {
        question,
        then: Box::new(slash),
    })
}

fn retract(home: &Home, room: &KnownRoom, asked: &str) -> CliResult<Vec<String>> {
    let (_, what) = belong::meant(&History::open(home, room)?, asked)?;
    Ok(vec![
        "Every member's machine erases it as soon as it hears of this; who has read it, and whatever was copied, keeps it. \
         This cannot be undone."
            .to_owned(),
        format!("Take back {what}?"),
    ])
}

fn admin(off: bool, who: &str, room: &str) -> Vec<String> {
    if off {
        return vec![
            "They stay a member, and what they did as an admin stays done.".to_owned(),
            format!("Is {who} to be no admin of {room} any more?"),
        ];
    }
    vec![
        "An admin can remove members, revoke any invite and take back any message. Whoever made the room can undo it; what \
         they did until then stays done."
            .to_owned(),
        format!("Make {who} an admin of {room}?"),
    ]
}

/// The room's name and the member who is meant, whose key takes the place of what was typed.
async fn member(
    home: &Home,
    asked: &mut String,
    room: Option<&str>,
) -> CliResult<(String, Somebody)> {
    let gathered = members::gather(home, room).await?;
    let person: Person = people::member(&gathered.people, asked)?;
    asked.clone_from(&person.author);
    Ok((gathered.room.shown_name(), Somebody::Member(person)))
}
