//! What is typed, or written by a program, line by line.

use std::io::{self, BufRead as _};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::sync::mpsc;

/// Typed lines that wait to be sent; further ones stay in the terminal.
const LINES_MAX: usize = 16;
/// What comes within this time after a line was not typed: it was pasted with it.
const PASTED_WITHIN: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 10_000_000,
};

/// A line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypedLine {
    /// What it says, without its end.
    pub text: String,
    /// Whether it came with others, from a terminal.
    pub pasted: bool,
}

/// Lines from standard input, read by a thread that ends with the input or the process.
pub fn lines(is_terminal: bool) -> mpsc::Receiver<TypedLine> {
    let (sender, receiver) = mpsc::channel(LINES_MAX);
    std::thread::spawn(move || {
        let mut input = io::stdin().lock();
        let mut line = Vec::new();
        let mut is_followed = false;
        while input
            .read_until(b'\n', &mut line)
            .is_ok_and(|length| length > 0)
        {
            let text = String::from_utf8_lossy(&line)
                .trim_end_matches(['\n', '\r'])
                .to_owned();
            line.clear();
            let follows = is_followed;
            is_followed = is_terminal && is_more_there();
            let pasted = follows || is_followed;
            if sender.blocking_send(TypedLine { text, pasted }).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Whether the next line is there already. A terminal gives one at a time, so that none is read ahead.
fn is_more_there() -> bool {
    let stdin = rustix::stdio::stdin();
    let mut input = [PollFd::new(&stdin, PollFlags::IN)];
    poll(&mut input, Some(&PASTED_WITHIN)).is_ok_and(|ready| ready > 0)
}
