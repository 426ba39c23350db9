//! The plain chat of `room start` and `room join`: history, then lines as they come; what is typed is sent.
//!
//! Events from the daemon only say that there is something to read: lines are read from the log, so none is missed
//! when events are. What was typed before a member let us in, or could not be sent, is kept and tried again.

use std::collections::VecDeque;
use std::io::{BufRead as _, IsTerminal as _};
use std::time::Duration;

use cc_log::Line;
use cc_proto::id::ArrivalNo;
use cc_proto::text::{clean_nick, clean_text};
use serde::Deserialize as _;
use serde_json::Value;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::chat::run::KEEPS_RUNNING;
use crate::chat::slash::{self, Typed};
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
/// Typed lines that wait to be sent; further ones stay in the terminal.
const TYPED_LINES_MAX: usize = 16;
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
    if !matches!(&ended, Err(error) if matches!(error.kind, Kind::Daemon | Kind::Gone)) {
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
    /// Whether the terminal shows already what we typed.
    echoes: bool,
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
        let mut typed = typed_lines();
        let mut retry = tokio::time::interval(RETRY_INTERVAL);
        loop {
            tokio::select! {
                line = typed.recv() => {
                    let Some(line) = line else {
                        self.send_waiting().await?;
                        return self.print_new();
                    };
                    self.take_typed(line).await?;
                }
                notification = self.client.notification() => match notification {
                    Some(notification) => self.notified(&notification).await?,
                    None => self.reconnect().await?,
                },
                _ = retry.tick(), if self.joined && !self.unsent.is_empty() => self.send_waiting().await?,
            }
        }
    }

    async fn take_typed(&mut self, line: String) -> CliResult {
        if line.trim().is_empty() {
            return Ok(());
        }
        // Who types `/remove bob` does not mean to say it. What a program writes is only ever text.
        let line = if self.echoes {
            match said(&line) {
                Ok(line) => line,
                Err(note) => {
                    self.output.note(note);
                    return Ok(());
                }
            }
        } else {
            line
        };
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
                    if let Some(note) = of_agents(event, &notification.params) {
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

/// What is said with a typed line; or, of what the full screen takes for a command, why it is not said.
fn said(line: &str) -> Result<String, String> {
    match slash::parse(line) {
        Typed::Message(text) => Ok(text),
        Typed::Command(_) | Typed::Wrong(_) | Typed::Help(_) => Err(format!(
            "not sent: {}\nhere a line is only ever said; commands go to another terminal, as cc-connect COMMAND, and // \
             says one slash",
            clean_text(line)
        )),
    }
}

/// What the owner is told of agents.
fn of_agents(event: &str, params: &Value) -> Option<String> {
    match event {
        "held" => {
            let held = params["held"].as_u64()?;
            let via = clean_nick(params["via"].as_str()?)?;
            Some(format!(
                "your {via} wants to say something: cc-connect held, then approve {held} or refuse {held}"
            ))
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

/// Lines from standard input, read by a thread that ends with the input or the process.
fn typed_lines() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(TYPED_LINES_MAX);
    std::thread::spawn(move || {
        let mut input = std::io::stdin().lock();
        let mut line = Vec::new();
        while input
            .read_until(b'\n', &mut line)
            .is_ok_and(|length| length > 0)
        {
            let text = String::from_utf8_lossy(&line)
                .trim_end_matches(['\n', '\r'])
                .to_owned();
            line.clear();
            if sender.blocking_send(text).is_err() {
                return;
            }
        }
    });
    receiver
}

#[cfg(test)]
mod tests {
    use super::said;

    #[test]
    fn what_looks_like_a_command_is_not_said_in_a_terminal() {
        for line in ["/remove mallory", "/help", "/hlep", "/drop \"a b\""] {
            let note = said(line).unwrap_err();
            assert!(note.contains(line), "{note}");
        }
        for (line, text) in [("//etc", "/etc"), ("1/2 done", "1/2 done"), ("hi", "hi")] {
            assert_eq!(said(line).as_deref(), Ok(text));
        }
    }
}
