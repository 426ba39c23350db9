//! `agents`: which are found, what of ours is in their settings, and when they last read.

mod trust;

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use cc_hook_generic::install::{Registered, registered};
use cc_hook_generic::{Profile, audit, sessions};
use cc_proto::id::Timestamp;
use cc_proto::text::clean_line;
use tokio::process::Command;

use super::install::{Asked, Here, program_of, scope_name};
use super::objects::{Last, ListedAgent, ListedRegistration, object};
use crate::error::CliResult;
use crate::home::Home;
use crate::output::Output;
use crate::rooms;
use crate::table::aligned;
use crate::when;

/// How long an agent may take to say its version.
const VERSION_WAIT: Duration = Duration::from_secs(3);
const VERSION_CHARS_MAX: usize = 32;

/// Lists the agents.
pub async fn list(home: Option<&Path>, output: Output) -> CliResult {
    let here = Here::new(home)?;
    let seen = Seen::look(here.home()?.as_ref())?;
    let profiles = here.all()?;
    let all = profiles.iter().map(|profile| agent(profile, &here, &seen));
    let mut agents = Vec::new();
    for agent in futures_util::future::join_all(all).await {
        agents.push(agent?);
    }
    if output.json() {
        for agent in &agents {
            output.data(&object(agent), "");
        }
        return Ok(());
    }
    let head = [
        "AGENT",
        "FOUND",
        "VERSION",
        "REGISTERED",
        "TRUSTED",
        "LAST EVENT",
        "LAST TOLD",
    ];
    let mut rows = vec![head.map(str::to_owned)];
    rows.extend(agents.iter().map(row));
    for line in aligned(&rows) {
        output.text(line);
    }
    for agent in &agents {
        if let Some(fault) = &agent.fault {
            output.note(format_args!(
                "{}: {}",
                agent.agent,
                clean_line(fault, usize::MAX)
            ));
        }
    }
    Ok(())
}

async fn agent(profile: &Profile, here: &Here, seen: &Seen) -> CliResult<ListedAgent> {
    let found = program_of(profile);
    let version = match &found {
        Some(program) => version(profile, program).await,
        None => None,
    };
    let mut all = Vec::new();
    let mut fault = None;
    for project in [false, true] {
        let asked = Asked {
            project,
            user: !project,
            dry_run: true,
            mid_turn: false,
            approve: false,
        };
        let request = here.request(profile, &asked)?;
        match registered(profile, &request) {
            Ok(found) => {
                let scope = scope_name(&request.scope);
                all.extend(found.into_iter().map(|it| registration(it, scope, here)));
            }
            Err(error) => fault = Some(error.to_string()),
        }
    }
    let trusted = match (&found, all.is_empty()) {
        (_, true) => None,
        (program, false) => Some(trust::of(profile, program.as_deref(), &here.folder).await),
    };
    Ok(ListedAgent {
        agent: profile.short_name().to_owned(),
        name: profile.name.clone(),
        title: profile.title.clone(),
        shipped: Profile::named(&profile.name).is_some(),
        version,
        found,
        registered: all,
        fault,
        trusted,
        last_event: seen.events.get(&profile.name).map(last),
        last_injection: seen.injections.get(&profile.name).map(last),
    })
}

fn registration(it: Registered, scope: &'static str, here: &Here) -> ListedRegistration {
    let canonical = |path: &Path| path.canonicalize().ok();
    let is = match &it.program {
        None => "this",
        Some(program) => match canonical(program) {
            None => "missing",
            Some(program) if Some(&program) == canonical(here.program()).as_ref() => "this",
            Some(_) => "other",
        },
    };
    ListedRegistration {
        scope,
        what: it.what.name(),
        path: it.path,
        program: it.program,
        is,
    }
}

/// From the npm package that the program is in; else from the program, where that is quick and leaves nothing behind.
async fn version(profile: &Profile, program: &Path) -> Option<String> {
    if let Some(version) = packaged_version(program) {
        return Some(version);
    }
    let arguments = &profile.found.as_ref()?.version;
    if arguments.is_empty() {
        return None;
    }
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let output = tokio::time::timeout(VERSION_WAIT, command.output()).await;
    let output = output.ok()?.ok().filter(|output| output.status.success())?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    // The first word that looks like one: `codex-cli 0.169.0`, `GitHub Copilot CLI 1.0.102.`
    let mut words = text.split_whitespace();
    let word = words.find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    Some(clean_line(word.trim_end_matches('.'), VERSION_CHARS_MAX))
}

fn packaged_version(program: &Path) -> Option<String> {
    let real = program.canonicalize().ok()?;
    let is_package = |folder: &&Path| folder.iter().any(|part| part == "node_modules");
    let folders = real.ancestors().skip(1).take(3).filter(is_package);
    folders.into_iter().find_map(|folder| {
        let package = fs::read(folder.join("package.json")).ok()?;
        let package: serde_json::Value = serde_json::from_slice(&package).ok()?;
        let version = package["version"].as_str()?;
        Some(clean_line(version, VERSION_CHARS_MAX))
    })
}

/// When each agent was last heard of and told something, by its name.
#[derive(Default)]
struct Seen {
    events: HashMap<String, (u64, String)>,
    injections: HashMap<String, (u64, String)>,
}

impl Seen {
    fn look(home: Option<&Home>) -> CliResult<Self> {
        let mut seen = Self::default();
        let Some(home) = home else {
            return Ok(seen);
        };
        for session in sessions(home.path()).unwrap_or_default() {
            let at = session.last_event.0;
            newest(&mut seen.events, session.agent, (at, session.session));
        }
        for room in rooms::all(home)? {
            for line in audit::read(&rooms::dir(home, &room.id)) {
                newest(&mut seen.injections, line.agent, (line.at, line.session));
            }
        }
        Ok(seen)
    }
}

fn newest(all: &mut HashMap<String, (u64, String)>, agent: String, one: (u64, String)) {
    let last = all.entry(agent).or_insert_with(|| one.clone());
    if one.0 > last.0 {
        *last = one;
    }
}

fn last((at, session): &(u64, String)) -> Last {
    Last {
        at: *at,
        session: session.clone(),
    }
}

fn row(agent: &ListedAgent) -> [String; 7] {
    let dash = || "-".to_owned();
    let when = |last: &Option<Last>| {
        let last = last.as_ref();
        last.map_or_else(dash, |last| {
            when::short_time(Timestamp(last.at), when::now())
        })
    };
    let found = match &agent.found {
        Some(path) => clean_line(&path.to_string_lossy(), 60),
        None => "no".to_owned(),
    };
    [
        agent.agent.clone(),
        found,
        agent.version.clone().unwrap_or_else(dash),
        registrations(&agent.registered),
        agent.trusted.map_or_else(dash, str::to_owned),
        when(&agent.last_event),
        when(&agent.last_injection),
    ]
}

/// `user: hook, tools; project: hook (other program)`
fn registrations(all: &[ListedRegistration]) -> String {
    let mut scopes = Vec::new();
    for scope in ["user", "project"] {
        let mut whats: Vec<&str> = Vec::new();
        let here = all.iter().filter(|it| it.scope == scope);
        for it in here.clone() {
            if !whats.contains(&it.what) {
                whats.push(it.what);
            }
        }
        if whats.is_empty() {
            continue;
        }
        let other = match here.map(|it| it.is).find(|is| *is != "this") {
            None => String::new(),
            Some(is) => format!(" ({is} program)"),
        };
        scopes.push(format!("{scope}: {}{other}", whats.join(", ")));
    }
    if scopes.is_empty() {
        return "no".to_owned();
    }
    scopes.join("; ")
}
