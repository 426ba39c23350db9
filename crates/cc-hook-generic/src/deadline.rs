//! The watchdog: whatever the hook is stuck on, the process ends in time and with exit code 0.

use std::process;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::hook_log::HookLog;

/// How long a hook may take until it writes.
pub const DEADLINE: Duration = Duration::from_millis(200);
/// How long the watchdog itself waits for its line in `hook.log`: the disk may be what is stuck.
const LAST_WORDS: Duration = Duration::from_millis(20);
/// The watchdog calls nothing deep.
const STACK_BYTES: usize = 64 * 1024;

/// Whoever changes it first decides: a hook that is about to write is not stopped any more.
#[derive(Debug)]
enum State {
    /// Dropping the sender calls the watchdog off.
    Watching {
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
}

impl Watchdog {
    /// Starts to watch.
    pub fn start(log: HookLog) -> Self {
        let (leash, released) = mpsc::channel::<()>();
        let state = Arc::new(Mutex::new(State::Watching { _leash: leash }));
        let doing = Arc::new(Mutex::new("starting"));
        let (its_state, its_doing) = (Arc::clone(&state), Arc::clone(&doing));
        let watch = move || {
            if released.recv_timeout(DEADLINE) == Err(RecvTimeoutError::Timeout)
                && strike(&its_state)
            {
                let stage = *its_doing.lock().unwrap_or_else(PoisonError::into_inner);
                last_words(log, stage);
                process::exit(0);
            }
        };
        // Without a thread there is no watchdog; the agent's own timeout is then what is left.
        let _ = thread::Builder::new().stack_size(STACK_BYTES).spawn(watch);
        Self { state, doing }
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

fn strike(state: &Mutex<State>) -> bool {
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    let watching = matches!(*state, State::Watching { .. });
    if watching {
        *state = State::Struck;
    }
    watching
}

fn last_words(log: HookLog, stage: &'static str) {
    let (done, written) = mpsc::channel();
    let write = move || {
        log.note(&format!(
            "gave up after {} ms, while {stage}; nothing was printed",
            DEADLINE.as_millis()
        ));
        let _ = done.send(());
    };
    if thread::Builder::new().spawn(write).is_ok() {
        let _ = written.recv_timeout(LAST_WORDS);
    }
}
