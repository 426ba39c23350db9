//! `preview`: what the next prompt in a folder would get. Nothing is written: no cursor, no lock, no session.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use cc_hook_generic::{
    Adapter, Environment, Moment, PreviewRequest, Profile, Session, preview, sessions,
};
use cc_proto::id::RoomId;
use cc_proto::text::clean_line;

use super::hook::adapter_named;
use super::objects::{Previewed, object};
use crate::args::{MomentArg, PreviewArgs};
use crate::error::{CliError, CliResult, Kind};
use crate::home::Home;
use crate::output::{Printer, Style};
use crate::when;

/// Whose text stands for everybody's where no agent was seen yet.
const ANY_AGENT: &str = "generic";
/// The longest name of a session that is shown, in characters.
const SHOWN_CHARS_MAX: usize = 64;

/// Whose prompt is meant.
struct Asker {
    adapter: Box<dyn Adapter>,
    session: Option<String>,
    directory: PathBuf,
    room: Option<RoomId>,
}

/// Shows it, for each agent that is meant.
pub fn run(home: Option<&Path>, args: &PreviewArgs, output: Printer<'_>) -> CliResult {
    let home = Home::existing(home)?
        .ok_or_else(|| CliError::new(Kind::Home, "there is no such home folder"))?;
    for asker in askers(&home, args)? {
        show(&home, &asker, args.moment, output)?;
    }
    Ok(())
}

/// The agents that were seen in the folder, each with its last session there; the one that is named; or any.
fn askers(home: &Home, args: &PreviewArgs) -> CliResult<Vec<Asker>> {
    let directory = folder(args.dir.as_deref())?;
    let seen = sessions(home.path()).map_err(|error| {
        CliError::new(Kind::Home, "cannot look at the sessions").because(&error)
    })?;
    let here = |session: &&Session| is_same(&session.directory, &directory);
    let agent = args.agent.as_deref().map(full_name);
    let of_agent = |session: &&Session| agent.as_ref().is_none_or(|agent| session.agent == *agent);
    let sessions: Vec<&Session> = match &args.session {
        Some(id) => {
            let named = |session: &&Session| session.session == *id;
            seen.iter().filter(named).filter(of_agent).take(1).collect()
        }
        None => seen.iter().filter(here).filter(of_agent).collect(),
    };
    // The latest comes first, so that of each agent its last session is taken.
    let mut agents = BTreeSet::new();
    let latest = sessions
        .into_iter()
        .filter(|session| agents.insert(session.agent.clone()));
    let mut askers = Vec::new();
    for session in latest {
        askers.push(Asker {
            adapter: adapter(home, &session.agent)?,
            session: Some(session.session.clone()),
            directory: match args.dir {
                Some(_) => directory.clone(),
                None => session.directory.clone(),
            },
            room: session.room,
        });
    }
    if askers.is_empty() {
        if args.session.is_some() && agent.is_none() {
            return Err(
                CliError::new(Kind::Command, "no such session was seen").hint(
                    "cc-connect agents lists the agents; leave --session out for their last ones",
                ),
            );
        }
        let environment = Environment::of_process();
        askers.push(Asker {
            adapter: adapter(home, agent.as_deref().unwrap_or(ANY_AGENT))?,
            session: args.session.clone(),
            directory,
            room: environment
                .named_room()
                .map_err(|reason| CliError::new(Kind::Room, reason))?,
        });
    }
    Ok(askers)
}

fn full_name(name: &str) -> String {
    Profile::named(name).map_or_else(|| name.to_owned(), |profile| profile.name)
}

fn adapter(home: &Home, name: &str) -> CliResult<Box<dyn Adapter>> {
    adapter_named(name, Some(&OsString::from(home.path())))
        .map_err(|reason| CliError::new(Kind::Command, reason).hint("cc-connect agents lists them"))
}

fn folder(asked: Option<&Path>) -> CliResult<PathBuf> {
    let folder = asked.unwrap_or_else(|| Path::new("."));
    folder.canonicalize().map_err(|error| {
        CliError::new(Kind::Usage, format!("cannot look at {}", folder.display())).because(&error)
    })
}

fn is_same(directory: &Path, canonical: &Path) -> bool {
    directory == canonical || directory.canonicalize().is_ok_and(|it| it == canonical)
}

fn show(home: &Home, asker: &Asker, moment: MomentArg, output: Printer<'_>) -> CliResult {
    let moment = match moment {
        MomentArg::Prompt => Moment::Prompt,
        MomentArg::Start => Moment::Start,
        MomentArg::Tool => Moment::Tool,
    };
    let adapter = asker.adapter.as_ref();
    let found = preview(
        adapter,
        &PreviewRequest {
            home: home.path(),
            session: asker.session.as_deref(),
            directory: &asker.directory,
            room: asker.room,
            moment,
            now: when::now(),
        },
    );
    let found =
        found.map_err(|reason| CliError::new(Kind::Home, clean_line(&reason, usize::MAX)))?;
    for note in &found.notes {
        output.note(clean_line(note, usize::MAX));
    }
    let session = asker.session.as_ref().map_or_else(
        || "a new session".to_owned(),
        |session| format!("session {}", clean_line(session, SHOWN_CHARS_MAX)),
    );
    let whose = match (adapter.name(), &asker.session) {
        (ANY_AGENT, None) => "any agent".to_owned(),
        (name, _) => name.to_owned(),
    };
    let text = found.said.as_ref().map(|(text, _)| text.clone());
    let shown = text.clone().unwrap_or_else(|| {
        let why = match (
            found.rooms.is_empty(),
            found.rooms.len() == found.paused.len(),
        ) {
            (true, _) => "nothing: no room reaches it",
            (_, true) => "nothing: paused",
            _ if moment == Moment::Tool => "nothing: nothing unread is for you",
            _ => "nothing: nothing is unread",
        };
        why.to_owned()
    });
    let hex = |rooms: &[RoomId]| rooms.iter().map(RoomId::to_hex).collect();
    let object = object(&Previewed {
        agent: adapter.name().to_owned(),
        session: asker.session.clone(),
        directory: asker.directory.clone(),
        moment: moment.name(),
        rooms: hex(&found.rooms),
        paused: hex(&found.paused),
        text,
        stdout: found
            .said
            .map(|(_, stdout)| String::from_utf8_lossy(&stdout).into_owned()),
    });
    let title = format!("{whose}, {session}:");
    output.data(
        &object,
        format!("{}\n{shown}", output.style(Style::Bold, &title)),
    );
    Ok(())
}
