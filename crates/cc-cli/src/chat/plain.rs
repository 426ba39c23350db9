//! The plain chat of `room start` and `room join`: history, then lines as they come; what is typed is sent. Where it is typed
//! into a terminal, a line that begins with `/` is a command; what a program writes is only ever text.
//!
//! | file | what |
//! |---|---|
//! | `commands.rs` | commands, and what comes of them |
//! | `typed.rs` | the lines that are typed |
//!
//! Events from the daemon only say that there is something to read: lines are read from the log, so none is missed
//! when events are. What was typed before a member let us in, or could not be sent, is kept and tried again.

mod commands;
mod typed;

use std::collections::VecDeque;
use std::io::IsTerminal as _;
use std::time::Duration;

use cc_log::Line;
use cc_proto::id::ArrivalNo;
use cc_proto::text::{clean_nick, clean_text};
use serde::Deserialize as _;
use serde_json::Value;
use tokio::signal::unix::{SignalKind, signal};

use self::commands::{Commands, Next};
use self::typed::TypedLine;
use crate::chat::run::KEEPS_RUNNING;
use crate::client::{Client, Notification};
use crate::commands::objects::Opened;
use crate::commands::send::check_text;
use crate::commands::status::{held_back_note, stopped};
use crate::error::{CliError, CliResult, Kind};
use crate::files;
use crate::history::History;
use crate::home::Home;
use crate::launch;
use crate::output::Output;
use crate::rooms::{self, KnownRoom};
use crate::rpc::{
    FileInfo, FileState, HeldBackInfo, RoomParams, SendParams, SendResult, State, Subscribed,
};

/// Lines of history shown when the chat opens.
const HISTORY_LINES: u64 = 20;
/// How long to look for a daemon that replaces the one that ended.
const REPLACEMENT_DEADLINE: Duration = Duration::from_secs(10);
/// How often to look.
const REPLACEMENT_INTERVAL: Duration = Duration::from_millis(200);
/// How long to wait before something unsent is tried again.
const RETRY_INTERVAL: Duration = Duration::from_secs(2);

/// Runs the chat until the end of input or Ctrl-C.
pub async fn run(home: &Home, client: Client, opened: Opened, output: Output) -> CliResult {
    let mut interrupts = signal(SignalKind::interrupt()).map_err(|error| {
        CliError::new(Kind::Command, "cannot listen for Ctrl-C").because(&error)
    })?;
    let mut chat = Chat::open(home, client, &opened, output).await?;
    let ended = tokio::select! {
        ended = chat.talk() => ended,
        _ = interrupts.recv() => Err(CliError::new(Kind::Interrupted, "interrupted")),
    };
    for text in &chat.unsent {
        output.note(format!("not known to be sent: {}", clean_text(text)));
    }
    let is_gone = matches!(&ended, Err(error) if matches!(error.kind, Kind::Daemon | Kind::Gone));
    if !is_gone && !chat.left {
        output.note(KEEPS_RUNNING);
    }
    ended
}

struct Chat<'a> {
    home: &'a Home,
    room: KnownRoom,
    client: Client,
    history: Option<History>,
    last: ArrivalNo,
    joined: bool,
    unsent: VecDeque<String>,
    /// Whether somebody types into a terminal: it shows already what they typed, and they have commands.
    echoes: bool,
    commands: Commands,
    /// Whether a command left the room.
    left: bool,
    /// The last failure that was told, so as not to tell it with every retry.
    told: Option<String>,
    /// Messages sent from here, whose lines need not be shown again.
    sent: Vec<u64>,
    output: Output,
}

impl<'a> Chat<'a> {
    async fn open(
        home: &'a Home,
        mut client: Client,
        opened: &Opened,
        output: Output,
    ) -> CliResult<Self> {
        let id = opened
            .room
            .parse()
            .map_err(|error: cc_proto::id::ParseIdError| {
                CliError::new(Kind::Daemon, "the daemon named no room").because(&error)
            })?;
        let room = KnownRoom {
            id,
            name: opened.name.clone(),
            nick: opened.nick.clone(),
            state: opened.state,
            members: 1,
        };
        let subscribed: Subscribed = client
            .call(
                "subscribe",
                &RoomParams {
                    room: opened.room.clone(),
                },
            )
            .await?;
        let mut chat = Self {
            home,
            commands: Commands::new(home, &room, output),
            left: false,
            room,
            client,
            history: None,
            last: ArrivalNo(subscribed.n.saturating_sub(HISTORY_LINES)),
            joined: subscribed.state == State::Joined,
            unsent: VecDeque::new(),
            echoes: std::io::stdin().is_terminal() && !output.json(),
            told: None,
            sent: Vec::new(),
            output,
        };
        chat.print_new()?;
        Ok(chat)
    }

    async fn talk(&mut self) -> CliResult {
        let mut typed = typed::lines(self.echoes);
        let mut retry = tokio::time::interval(RETRY_INTERVAL);
        loop {
            tokio::select! {
                line = typed.recv() => {
                    let Some(line) = line else { return self.finish().await };
                    if self.take_typed(line).await? {
                        return self.finish().await;
                    }
                }
                done = self.commands.next() => {
                    self.left = self.commands.tell(done);
                    if self.left {
                        return self.print_new();
                    }
                }
                notification = self.client.notification() => match notification {
                    Some(notification) => self.notified(&notification).await?,
                    None => self.reconnect().await?,
                },
                _ = retry.tick(), if self.joined && !self.unsent.is_empty() => self.send_waiting().await?,
            }
        }
    }

    /// Nothing more is typed: what is on its way is waited for.
    async fn finish(&mut self) -> CliResult {
        self.send_waiting().await?;
        self.left = self.commands.finish().await;
        self.print_new()
    }

    /// Sends what was typed, or carries it out; true where the person leaves.
    async fn take_typed(&mut self, line: TypedLine) -> CliResult<bool> {
        if line.text.trim().is_empty() && !self.commands.asks() {
            return Ok(false);
        }
        // What a program writes is only ever text.
        let next = if self.echoes {
            self.commands.take(&line)
        } else {
            Next::Say(line.text)
        };
        match next {
            Next::Say(text) => self.say(text).await?,
            Next::Nothing => {}
            Next::Leave => return Ok(true),
        }
        Ok(false)
    }

    async fn say(&mut self, line: String) -> CliResult {
        if let Err(error) = check_text(&line) {
            self.output
                .note(format!("not sent: {error}\n{}", clean_text(&line)));
            return Ok(());
        }
        self.unsent.push_back(line);
        if !self.joined {
            self.output
                .note("kept, and sent as soon as a member lets you in");
            return Ok(());
        }
        self.send_waiting().await
    }

    /// Sends what waits, in order; what fails stays first in the queue.
    async fn send_waiting(&mut self) -> CliResult {
        while self.joined
            && let Some(text) = self.unsent.front()
        {
            let params = SendParams {
                room: self.room.id.to_hex(),
                text: text.clone(),
                ..SendParams::default()
            };
            let sent: CliResult<SendResult> = self.client.call("send", &params).await;
            match sent {
                Ok(sent) => {
                    self.unsent.pop_front();
                    self.told = None;
                    if self.echoes {
                        self.sent.extend(sent.n);
                    }
                }
                Err(error) if error.kind == Kind::Joining => {
                    self.joined = false;
                    return Ok(());
                }
                Err(error) => {
                    let why = error.to_string();
                    if self.told.as_ref() != Some(&why) {
                        self.output
                            .note(format!("not sent yet, will be tried again: {why}"));
                        self.told = Some(why);
                    }
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    async fn notified(&mut self, notification: &Notification) -> CliResult {
        if notification.method == "event" {
            match notification.params["event"].as_str() {
                Some("joined") if !self.joined => {
                    self.joined = true;
                    self.output.note("a member let you in");
                    self.send_waiting().await?;
                }
                Some("removed") if self.commands.is_leaving() => {}
                Some("removed") => {
                    self.joined = false;
                    self.print_new()?;
                    return Err(CliError::new(
                        Kind::NotAMember,
                        "you are no longer a member of the room: you were removed, or your invite was revoked",
                    )
                    .hint("what you have read stays here: cc-connect log"));
                }
                Some("refused") if !self.joined => self.refused(&notification.params)?,
                Some("file") => {
                    self.print_new()?;
                    self.file_came(&notification.params);
                }
                Some(event) => {
                    if let Some(note) = of_agents(event, &notification.params, self.echoes) {
                        self.output.note(note);
                    }
                }
                _ => {}
            }
        }
        self.print_new()
    }

    /// Says where a file is that was shown as one that is not here, or why it cannot be had.
    fn file_came(&mut self, params: &Value) {
        let (Ok(file), Some(history)) = (FileInfo::deserialize(params), &mut self.history) else {
            return;
        };
        let how = match (file.state, &file.path) {
            (FileState::Here, Some(path)) => format!("is here: {}", files::shown_path(path)),
            (FileState::Failed, _) => files::state(&file),
            _ => return,
        };
        if history.no_longer_awaits(file.n) {
            self.output
                .text(format!("* {} {how}", files::said_of(&file)));
        }
    }

    /// A closed door ends the chat where every other would be closed as well.
    fn refused(&mut self, params: &Value) -> CliResult {
        let reason = clean_text(params["reason"].as_str().unwrap_or("no reason was given"));
        if params["code"].as_str().is_some_and(is_final) {
            return Err(CliError::new(Kind::Refused, reason).hint("ask a member for a new ticket"));
        }
        let note = format!("a member's door was closed: {reason}");
        if self.told.as_ref() != Some(&note) {
            self.output.note(&note);
            self.told = Some(note);
        }
        Ok(())
    }

    fn print_new(&mut self) -> CliResult {
        // Before anything arrived there is no log to open.
        if self.history.is_none() {
            self.history = History::open(self.home, &self.room).ok();
        }
        let Some(history) = &mut self.history else {
            return Ok(());
        };
        let sent = &self.sent;
        let is_echo = |line: &Line| sent.contains(&line.n.0);
        self.last = history.print_after(self.last, is_echo, self.output)?;
        let last = self.last.0;
        self.sent.retain(|n| *n > last);
        Ok(())
    }

    /// Finds the daemon that took the place of ours. Never starts one: somebody may have stopped it for good.
    async fn reconnect(&mut self) -> CliResult {
        let looking = async {
            loop {
                if let Some(mut client) = launch::connect(self.home).await? {
                    let params = RoomParams {
                        room: self.room.id.to_hex(),
                    };
                    let subscribed: Subscribed = client.call("subscribe", &params).await?;
                    return CliResult::Ok((client, subscribed.state));
                }
                tokio::time::sleep(REPLACEMENT_INTERVAL).await;
            }
        };
        let found = tokio::time::timeout(REPLACEMENT_DEADLINE, looking).await;
        let (client, state) = found.map_err(|_| {
            CliError::new(Kind::Daemon, "the daemon has stopped, and the chat with it").hint(
                format!(
                    "cc-connect log --room {} shows the history",
                    rooms::shown_name(&self.room.name, &self.room.id.to_hex())
                ),
            )
        })??;
        self.client = client;
        self.joined = state == State::Joined;
        self.print_new()
    }
}

/// What the owner is told of agents; who has commands here is told of those.
fn of_agents(event: &str, params: &Value, has_commands: bool) -> Option<String> {
    match event {
        "held" => {
            let held = params["held"].as_u64()?;
            let via = clean_nick(params["via"].as_str()?)?;
            let how = if has_commands {
                format!("/held, then /approve {held} or /refuse {held}")
            } else {
                format!("cc-connect held, then approve {held} or refuse {held}")
            };
            Some(format!("your {via} wants to say something: {how}"))
        }
        "held_back" => {
            let info: HeldBackInfo = serde_json::from_value(params.clone()).ok()?;
            Some(held_back_note(&info))
        }
        "agents_stopped" => Some(stopped(params["run"].as_u64()?)),
        _ => None,
    }
}

/// Whether no other door will open to this ticket either.
fn is_final(code: &str) -> bool {
    matches!(code, "expired" | "used_up" | "revoked" | "removed")
}
