//! The watchdog: whatever the hook is stuck on, the process ends in time and with exit code 0.

use std::process;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::hook_log::HookLog;

/// How long a hook may take until it writes.
pub const DEADLINE: Duration = Duration::from_millis(200);
/// How long it may take from then on: an agent drops the output of a hook that it had to kill.
const AFTERWARDS: Duration = Duration::from_millis(100);
/// How long the watchdog itself waits for its line in `hook.log`: the disk may be what is stuck.
const LAST_WORDS: Duration = Duration::from_millis(20);
/// The watchdog calls nothing deep.
const STACK_BYTES: usize = 64 * 1024;

/// What must be reached in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Until {
    Output,
    End,
}

impl Until {
    fn limit(self) -> Duration {
        match self {
            Self::Output => DEADLINE,
            Self::End => AFTERWARDS,
        }
    }
}

/// Whoever changes it first decides: a hook that is about to write is not stopped any more.
#[derive(Debug)]
enum State {
    /// Dropping the sender calls the watchdog off.
    Watching {
        until: Until,
        _leash: Sender<()>,
    },
    Off,
    Struck,
}

/// A running watchdog.
#[derive(Debug)]
pub(crate) struct Watchdog {
    state: Arc<Mutex<State>>,
    doing: Arc<Mutex<&'static str>>,
    log: HookLog,
}

impl Watchdog {
    /// Starts to watch until the hook writes.
    pub fn start(log: HookLog) -> Self {
        let watchdog = Self {
            state: Arc::new(Mutex::new(State::Off)),
            doing: Arc::new(Mutex::new("starting")),
            log,
        };
        watchdog.watch(Until::Output);
        watchdog
    }

    /// Watches from here on until the hook ends: what it had to say was written. To be called once it was called off.
    pub fn watch_end(&self) {
        self.watch(Until::End);
    }

    fn watch(&self, until: Until) {
        let (leash, released) = mpsc::channel::<()>();
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = State::Watching {
            until,
            _leash: leash,
        };
        let (state, doing) = (Arc::clone(&self.state), Arc::clone(&self.doing));
        let log = self.log.clone();
        let watch = move || {
            if released.recv_timeout(until.limit()) == Err(RecvTimeoutError::Timeout)
                && strike(&state, until)
            {
                let stage = *doing.lock().unwrap_or_else(PoisonError::into_inner);
                last_words(log, until, stage);
                process::exit(0);
            }
        };
        // Without a thread there is no watchdog; the agent's own timeout is then what is left.
        let _ = thread::Builder::new().stack_size(STACK_BYTES).spawn(watch);
    }

    /// Says what is being done, for the line in `hook.log`.
    pub fn doing(&self, what: &'static str) {
        *self.doing.lock().unwrap_or_else(PoisonError::into_inner) = what;
    }

    /// Calls the watchdog off. Does not return if it has struck: the process is ending.
    pub fn call_off(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !matches!(*state, State::Struck) {
            *state = State::Off;
            return;
        }
        drop(state);
        loop {
            thread::park();
        }
    }
}

/// Whether it is still this that is watched for.
fn strike(state: &Mutex<State>, watched: Until) -> bool {
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    let watching = matches!(*state, State::Watching { until, .. } if until == watched);
    if watching {
        *state = State::Struck;
    }
    watching
}

fn last_words(log: HookLog, until: Until, stage: &'static str) {
    let (done, written) = mpsc::channel();
    let write = move || {
        let ms = until.limit().as_millis();
        log.note(&match until {
            Until::Output => format!("gave up after {ms} ms, while {stage}; nothing was printed"),
            Until::End => format!("gave up {ms} ms after the output, while {stage}"),
        });
        let _ = done.send(());
    };
    if thread::Builder::new().spawn(write).is_ok() {
        let _ = written.recv_timeout(LAST_WORDS);
    }
}
