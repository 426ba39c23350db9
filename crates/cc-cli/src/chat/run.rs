//! The loop of the full-screen chat: what is typed and what happens goes in, what is to be done comes out, and a frame is
//! drawn where something has changed.

use std::collections::VecDeque;
use std::io;
use std::time::{Duration, Instant};

use cc_proto::text::{clean_nick, clean_text};
use ratatui::crossterm::event::{self, Event};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::app::{App, Ask, Input, Places, Told, Work};
use super::terminal::{self, Ours};
use super::theme::Theme;
use super::types::RoomEntry;
use super::worker::Worker;
use crate::error::{CliError, CliResult, Kind};
use crate::home::{Home, user_folder};
use crate::output::Output;
use crate::rooms::{self, KnownRoom};
use crate::rpc::State;
use crate::when;

/// What is typed while a frame is drawn waits here; then it waits in the terminal.
const EVENTS_MAX: usize = 1024;
/// At most so many frames a second.
const FRAME_INTERVAL: Duration = Duration::from_millis(33);
/// How long the first frame waits for what it is to show.
const FIRST_WINDOW_DEADLINE: Duration = Duration::from_millis(300);
/// So much is taken in before a frame is drawn, however much more there is.
const INPUTS_A_FRAME_MAX: usize = 4096;

/// Said once at the end.
pub const KEEPS_RUNNING: &str = "the room keeps running; cc-connect stop ends it";

/// Whether this is a terminal on which the full-screen chat can be.
pub fn is_possible(output: Output) -> bool {
    use std::io::IsTerminal as _;
    let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb" || term.is_empty());
    io::stdin().is_terminal() && io::stdout().is_terminal() && !is_dumb && !output.json()
}

/// Runs the chat of all rooms, with this one in front, until the person leaves.
pub async fn run(home: &Home, front: Option<&str>, output: Output) -> CliResult {
    let failed = |error: io::Error| {
        CliError::new(Kind::Command, "the terminal cannot be used for the chat")
            .because(&error)
            .hint("--plain chats line by line")
    };
    let known = rooms::all(home)?;
    let left =
        |room: &KnownRoom| room.state == State::Left && Some(room.id.to_hex().as_str()) != front;
    let rooms = known.iter().filter(|room| !left(room)).map(entry).collect();
    let places = Places {
        folder: std::env::current_dir().unwrap_or_default(),
        home: home.path().to_path_buf(),
        user: user_folder(),
    };
    let (worker, told) = Worker::spawn(home);
    let mut ours = Ours::take(true).map_err(failed)?;
    let mut shell = Shell {
        app: App::new(rooms, front, places, when::now().0),
        theme: terminal::theme(output.colored()),
        worker,
        waiting: VecDeque::new(),
        leaves: false,
        interrupted: false,
        redraws: false,
    };
    let ended = shell.talk(&mut ours, told).await;
    let kept = shell.app.last_kept();
    shell.worker.save(kept).await;
    // Last of all: until the process ends, its thread takes what is typed.
    drop(ours);
    for (room, text) in shell.app.unsent() {
        output.note(format!(
            "not known to be sent to {room}, and in the text the next time: {}",
            clean_text(text)
        ));
    }
    output.note(KEEPS_RUNNING);
    ended.map_err(failed)?;
    if shell.interrupted {
        return Err(CliError::new(Kind::Interrupted, "interrupted"));
    }
    Ok(())
}

struct Shell {
    app: App,
    theme: Theme,
    worker: Worker,
    /// What the worker has no room for yet; as much as a person can type meanwhile.
    waiting: VecDeque<Work>,
    leaves: bool,
    interrupted: bool,
    redraws: bool,
}

impl Shell {
    async fn talk(&mut self, ours: &mut Ours, mut told: mpsc::Receiver<Told>) -> io::Result<()> {
        let mut signals = Signals::new()?;
        let asks = self.app.take_asks();
        self.carry_out(ours, asks)?;
        self.first_window(ours, &mut told).await?;
        self.draw(ours)?;
        // Only now, as the answer may be slow over a network.
        terminal::ask_for_keys();
        let mut events = events();
        let mut drawn = Instant::now();
        let mut dirty = false;
        while !self.leaves {
            let frame = tokio::time::sleep_until((drawn + FRAME_INTERVAL).into());
            let wake = tokio::time::sleep(self.wakes_in());
            let happened = tokio::select! {
                biased;
                signal = signals.next() => {
                    match signal {
                        Signalled::End => {
                            self.interrupted = true;
                            return Ok(());
                        }
                        Signalled::Suspend => suspend(ours)?,
                        Signalled::Resume => ours.take_again()?,
                    }
                    Some(Input::Resized)
                }
                () = frame, if dirty => {
                    self.draw(ours)?;
                    (drawn, dirty) = (Instant::now(), false);
                    None
                }
                event = events.recv() => match event {
                    Some(event) => Some(input(event)),
                    // Nobody can type any more.
                    None => return Ok(()),
                },
                told = told.recv() => told.map(Input::Told),
                () = wake => Some(Input::Tick),
            };
            if !terminal::is_ours() {
                return Err(io::Error::other("a part of the chat has failed"));
            }
            let Some(happened) = happened else { continue };
            dirty = true;
            self.take(ours, happened)?;
            for _ in 0..INPUTS_A_FRAME_MAX {
                let more = match events.try_recv() {
                    Ok(event) => Some(input(event)),
                    Err(_) => match told.try_recv() {
                        Ok(told) => Some(Input::Told(told)),
                        Err(_) => break,
                    },
                };
                if let Some(more) = more {
                    self.take(ours, more)?;
                }
            }
            self.hand_over();
        }
        Ok(())
    }

    /// Takes in what is read of the room in front, so that the first frame has its last screen.
    async fn first_window(
        &mut self,
        ours: &mut Ours,
        told: &mut mpsc::Receiver<Told>,
    ) -> io::Result<()> {
        let until = Instant::now() + FIRST_WINDOW_DEADLINE;
        while self.app.pane().is_some_and(|pane| !pane.opened) {
            match tokio::time::timeout_at(until.into(), told.recv()).await {
                Ok(Some(told)) => self.take(ours, Input::Told(told))?,
                _ => break,
            }
        }
        Ok(())
    }

    /// How long until something changes by itself, or the worker may have room again.
    fn wakes_in(&self) -> Duration {
        if !self.waiting.is_empty() {
            return FRAME_INTERVAL;
        }
        let now = when::now().0;
        // At the turn of a minute at the latest: the day may be another one.
        let turn = 60_000 - now % 60_000;
        let wakes = self
            .app
            .wakes_at()
            .map_or(turn, |at| at.saturating_sub(now).min(turn));
        Duration::from_millis(wakes.max(1))
    }

    fn take(&mut self, ours: &mut Ours, input: Input) -> io::Result<()> {
        let asks = self.app.handle(input, when::now().0);
        self.carry_out(ours, asks)
    }

    fn draw(&mut self, ours: &mut Ours) -> io::Result<()> {
        if std::mem::take(&mut self.redraws) {
            ours.clear()?;
        }
        let (app, theme) = (&mut self.app, self.theme);
        ours.screen.draw(|frame| app.draw(theme, frame))?;
        let asks = self.app.take_asks();
        self.carry_out(ours, asks)?;
        self.hand_over();
        Ok(())
    }

    fn carry_out(&mut self, ours: &mut Ours, asks: Vec<Ask>) -> io::Result<()> {
        for ask in asks {
            match ask {
                Ask::Leave { interrupted } => {
                    (self.leaves, self.interrupted) = (true, interrupted);
                }
                Ask::Redraw => self.redraws = true,
                Ask::Copy(text) => Ours::copy(&text)?,
                Ask::Notify(text) => Ours::notify(&text)?,
                Ask::Mouse(mouse) => ours.set_mouse(mouse)?,
                Ask::Work(work) => self.waiting.push_back(work),
            }
        }
        self.hand_over();
        Ok(())
    }

    /// Hands to the worker what it has room for, in order.
    fn hand_over(&mut self) {
        while let Some(work) = self.waiting.pop_front() {
            if let Err(work) = self.worker.take(work) {
                return self.waiting.push_front(work);
            }
        }
    }
}

/// Gives the terminal back and stops until somebody lets us go on.
fn suspend(ours: &mut Ours) -> io::Result<()> {
    terminal::give_back();
    let own = rustix::process::getpid();
    rustix::process::kill_process(own, rustix::process::Signal::STOP)?;
    ours.take_again()
}

enum Signalled {
    End,
    Suspend,
    Resume,
}

struct Signals {
    term: tokio::signal::unix::Signal,
    hup: tokio::signal::unix::Signal,
    int: tokio::signal::unix::Signal,
    stop: tokio::signal::unix::Signal,
    cont: tokio::signal::unix::Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            term: signal(SignalKind::terminate())?,
            hup: signal(SignalKind::hangup())?,
            int: signal(SignalKind::interrupt())?,
            stop: signal(SignalKind::from_raw(rustix::process::Signal::TSTP.as_raw()))?,
            cont: signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?,
        })
    }

    /// The next one. Cancel safe.
    async fn next(&mut self) -> Signalled {
        tokio::select! {
            _ = self.term.recv() => Signalled::End,
            _ = self.hup.recv() => Signalled::End,
            _ = self.int.recv() => Signalled::End,
            _ = self.stop.recv() => Signalled::Suspend,
            _ = self.cont.recv() => Signalled::Resume,
        }
    }
}

/// What the terminal tells, read by a thread that ends with the process.
fn events() -> mpsc::Receiver<Event> {
    let (sender, receiver) = mpsc::channel(EVENTS_MAX);
    std::thread::spawn(move || {
        while let Ok(event) = event::read() {
            if sender.blocking_send(event).is_err() {
                return;
            }
        }
    });
    receiver
}

fn input(event: Event) -> Input {
    match event {
        Event::Key(key) => Input::Key(key),
        Event::Mouse(mouse) => Input::Mouse(mouse),
        Event::Paste(text) => Input::Paste(text),
        Event::Resize(..) => Input::Resized,
        Event::FocusGained => Input::Focus(true),
        Event::FocusLost => Input::Focus(false),
    }
}

/// A room as the list shows it, from what the home tells of it.
fn entry(room: &KnownRoom) -> RoomEntry {
    RoomEntry {
        room: room.id.to_hex(),
        name: room.shown_name(),
        nick: clean_nick(&room.nick).unwrap_or_default(),
        state: room.state,
        members: room.members,
        online: 0,
        looking: true,
        unread: 0,
        mentions: 0,
    }
}
