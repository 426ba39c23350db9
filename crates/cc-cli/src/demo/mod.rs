//! `demo`: the whole story with real daemons, in two temporary homes, on loopback alone.
//!
//! Alice and Bob have a home and a project folder each. Alice makes a room, Bob joins with the ticket and writes; then
//! Alice asks her agent something else entirely, and the agent's hook, the very program that an agent calls, prints
//! Bob's line. Daemons and files are gone at the end, whichever way it ends.

mod stage;

use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};

use crate::commands::objects::object;
use crate::error::{CliError, CliResult, Kind};
use crate::output::{Output, Style};
use stage::{Person, Stage};

/// What Bob writes.
const BOBS_WORDS: &str = "postgres, we have it";
/// What Alice types to her agent.
const ALICES_PROMPT: &str = "Redis or Postgres?";
/// How long the whole story may take.
const DEADLINE: Duration = Duration::from_secs(90);
/// How often Alice's agent is asked at most until the hook prints something.
const PROMPTS: u32 = 5;

/// What `demo --json` prints: the pieces of the story.
#[derive(Debug, Serialize)]
pub struct Told {
    /// The room's id.
    pub room: String,
    /// The ticket that Bob joined with.
    pub ticket: String,
    /// What Bob wrote.
    pub sent: String,
    /// What Alice typed to her agent.
    pub prompt: String,
    /// The very bytes that the hook printed for it.
    pub hook: String,
    /// What it printed for the next prompt: nothing.
    pub hook_again: String,
}

/// Tells the story; gives the exit code once everything is cleared away.
pub async fn run(output: Output) -> CliResult<u8> {
    // However it ends, daemons and folders are cleared away.
    let output = output.surviving();
    let stage = Stage::build()?;
    let ended = tokio::select! {
        told = tokio::time::timeout(DEADLINE, tell(&stage, output)) => {
            told.unwrap_or_else(|_| Err(CliError::new(Kind::Demo, "the story took too long")))
        }
        stopped = stopped() => stopped,
    };
    // On every way out, and before the outcome is told: a demo that leaves something behind has failed.
    let log = ended.as_ref().err().and_then(|_| stage.daemon_logs());
    let cleared = stage.clear().await;
    let told = ended.map_err(|error| match log {
        Some(log) if error.hint.is_none() && error.kind != Kind::Interrupted => {
            error.hint(format!("what the daemons said last:\n{log}"))
        }
        _ => error,
    })?;
    cleared?;
    if output.json() {
        output.data(&object(&told), "");
    }
    output.text("\nBoth daemons have stopped and their folders are gone. Now for real: cc-connect room start");
    Ok(0)
}

async fn tell(stage: &Stage, output: Output) -> CliResult<Told> {
    let say =
        |who: &str, what: &str| output.text(format!("\n{} {what}", output.style(Style::Bold, who)));
    let show = |text: &str| output.text(indented(text));
    output.text("Two people on one machine: each with a home, a daemon and a project folder of their own, on loopback alone.");

    say("Alice", "makes a room in her project:");
    show("$ cc-connect room start --name shop");
    let alice = &stage.alice;
    let started = alice
        .command_json(
            &[
                "room", "start", "--name", "shop", "--nick", "alice", "--relay", "none", "--no-ui",
            ],
            "",
        )
        .await?;
    let (room, ticket) = (text_of(&started, "room")?, text_of(&started, "ticket")?);
    show(&ticket);

    say(
        "Bob",
        "got the ticket from her and joins, in his own project:",
    );
    show("$ cc-connect room join cc1-…");
    let bob = &stage.bob;
    let joined = bob
        .command_json(
            &[
                "room", "join", "-", "--nick", "bob", "--relay", "none", "--no-ui", "--wait", "60",
            ],
            &ticket,
        )
        .await?;
    if joined["state"] != "joined" {
        return Err(CliError::new(Kind::Demo, "Bob was not let in"));
    }
    show("joined shop as @bob");

    say("Bob", "writes to the room:");
    show(&format!("$ cc-connect send \"{BOBS_WORDS}\""));
    let sent = bob.command_json(&["send", BOBS_WORDS], "").await?;
    let id = text_of(&sent, "id")?;
    alice.until_arrived(&room, &id).await?;
    show("signed, stored on his disk, synced to hers");

    say("Alice", "asks her own agent, and mentions nobody:");
    show(&format!("> {ALICES_PROMPT}"));
    output.text("\nHer agent calls cc-connect's hook, which prints, byte for byte:");
    let mut hook = prompt(alice).await?;
    // The hook gives up rather than hold up an agent, and a busy machine may be too slow for its deadline.
    for _ in 1..PROMPTS {
        if hook.is_empty() {
            hook = prompt(alice).await?;
        }
    }
    show(&hook);
    let context = context_of(&hook)?;
    if !context.contains(BOBS_WORDS) || !context.contains("[chatroom @bob ") {
        return Err(CliError::new(
            Kind::Demo,
            "Bob's line is not in what the hook printed",
        ));
    }
    output.text("\nWhich puts this into the prompt:");
    show(&context);

    say(
        "Alice",
        "asks again. Nothing new was said, so the hook prints nothing:",
    );
    let hook_again = prompt(alice).await?;
    if !hook_again.is_empty() {
        return Err(CliError::new(
            Kind::Demo,
            "the hook printed something twice",
        ));
    }
    show("(nothing)");
    Ok(Told {
        room,
        ticket,
        sent: BOBS_WORDS.to_owned(),
        prompt: ALICES_PROMPT.to_owned(),
        hook,
        hook_again,
    })
}

/// What the hook prints when this person's agent is prompted in their project.
async fn prompt(person: &Person) -> CliResult<String> {
    let event = json!({
        "session_id": "demo",
        "cwd": person.project(),
        "hook_event_name": "UserPromptSubmit",
        "prompt": ALICES_PROMPT,
    });
    person
        .command(&["hook", "--agent", "claude"], &event.to_string())
        .await
}

fn context_of(hook: &str) -> CliResult<String> {
    let printed: Value = serde_json::from_str(hook).map_err(|error| {
        CliError::new(
            Kind::Demo,
            "the hook printed nothing that an agent understands",
        )
        .because(&error)
    })?;
    text_of(&printed["hookSpecificOutput"], "additionalContext")
}

fn text_of(object: &Value, name: &str) -> CliResult<String> {
    let text = object[name].as_str().map(str::to_owned);
    text.ok_or_else(|| {
        CliError::new(
            Kind::Demo,
            format!("{name} is missing from what was printed"),
        )
    })
}

fn indented(text: &str) -> String {
    text.trim_end()
        .lines()
        .map(|line| format!("  {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Completes when the person, the terminal or the system wants the demo to end.
async fn stopped() -> CliResult<Told> {
    let failed = |error: std::io::Error| {
        CliError::new(Kind::Demo, "cannot listen for signals").because(&error)
    };
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut hang_up = signal(SignalKind::hangup()).map_err(failed)?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hang_up.recv() => {}
    }
    Err(CliError::new(Kind::Interrupted, "interrupted"))
}
