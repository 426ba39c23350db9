//! What the chat has others do, so that drawing and typing never wait: the daemon, the logs, searches, commands.
//!
//! | file | what |
//! |---|---|
//! | `link.rs` | the connection that tells what happens, found again when it is lost |
//! | `sender.rs` | what was typed, until it is on disk |
//! | `calls.rs` | questions to the daemon, and commands |
//! | `lines.rs` | reading the logs, in a thread |
//! | `entries.rs` | from a line to what is shown of it |
//! | `search.rs` | looking for a text, in a thread |
//! | `drafts.rs` | what was being typed in each room |
//! | `seen.rs` | how far each room was looked at |

mod calls;
mod drafts;
mod entries;
mod lines;
mod link;
mod search;
mod seen;
mod sender;

use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

use self::calls::{Call, Calls};
use self::lines::{Job, Reader};
use self::link::{Link, Urge};
use self::search::Running;
use self::sender::Sender;
use super::app::{Draft, Told, Work};
use crate::home::Home;

pub use calls::carry_out;
pub use link::LOOKING;
pub use search::{HITS_MAX, start as start_search};

/// What the worker has to say waits here until the chat takes it; then whoever has more waits.
const TOLD_MAX: usize = 1024;
/// What waits for a part of the worker; of more the chat keeps what is not taken and offers it again.
const WORK_MAX: usize = 256;
/// How long the end may take for keeping what is to be kept.
const SAVE_DEADLINE: Duration = Duration::from_secs(2);

/// The worker. Its tasks end when it is dropped, its threads soon after.
pub struct Worker {
    home: Home,
    told: mpsc::Sender<Told>,
    lines: mpsc::Sender<Job>,
    drafts: mpsc::Sender<Draft>,
    calls: mpsc::Sender<Call>,
    urges: mpsc::Sender<Urge>,
    search: Option<Running>,
    _tasks: JoinSet<()>,
}

impl Worker {
    /// Starts it; what it has to say comes out of the channel.
    pub fn spawn(home: &Home) -> (Self, mpsc::Receiver<Told>) {
        let (told, heard) = mpsc::channel(TOLD_MAX);
        let (lines, jobs) = mpsc::channel(WORK_MAX);
        let (drafts, to_send) = mpsc::channel(WORK_MAX);
        let (calls, to_ask) = mpsc::channel(WORK_MAX);
        let (urges, to_link) = mpsc::channel(WORK_MAX);
        let (epoch, epochs) = watch::channel(0);
        Reader::spawn(home.clone(), jobs, told.clone());
        let link = Link {
            home: home.clone(),
            told: told.clone(),
            lines: lines.clone(),
            calls: calls.clone(),
            epoch,
        };
        let sender = Sender::new(home.clone(), told.clone(), lines.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(link.run(to_link));
        tasks.spawn(sender.run(to_send, epochs));
        tasks.spawn(Calls::new(home.clone(), told.clone()).run(to_ask));
        let worker = Self {
            home: home.clone(),
            told,
            lines,
            drafts,
            calls,
            urges,
            search: None,
            _tasks: tasks,
        };
        (worker, heard)
    }

    /// Hands something over; gives it back where it has to wait.
    pub fn take(&mut self, work: Work) -> Result<(), Work> {
        let full = match &work {
            Work::Load { .. } | Work::Seen { .. } | Work::Keep { .. } => self.lines.capacity() == 0,
            Work::Send(_) => self.drafts.capacity() == 0,
            Work::Reconnect | Work::Look => self.urges.capacity() == 0,
            Work::Search { .. } | Work::StopSearch => false,
            _ => self.calls.capacity() == 0,
        };
        if full {
            return Err(work);
        }
        match work {
            Work::Load { room, what } => offer(&self.lines, Job::Load(room, what)),
            Work::Seen { room, n } => offer(&self.lines, Job::Seen(room, n)),
            Work::Send(draft) => offer(&self.drafts, draft),
            Work::Receipts {
                room,
                after,
                through,
            } => {
                offer(
                    &self.calls,
                    Call::Receipts {
                        room,
                        after,
                        through,
                    },
                );
            }
            Work::Members(room) => offer(&self.calls, Call::Members(room)),
            Work::Files(room) => offer(&self.calls, Call::Files(room)),
            Work::FilesOf { room, first, last } => {
                offer(&self.calls, Call::FilesOf { room, first, last });
            }
            Work::Held => offer(&self.calls, Call::Held),
            Work::Invites(room) => offer(&self.calls, Call::Invites(room)),
            Work::Keep { room, kept } => offer(&self.lines, Job::Keep(room, *kept)),
            Work::Run { room, slash } => offer(&self.calls, Call::Run { room, slash }),
            Work::StopRuns => offer(&self.calls, Call::StopRuns),
            Work::Reconnect => offer(&self.urges, Urge::Connect),
            Work::Look => offer(&self.urges, Urge::Look),
            Work::Search { room, text } => {
                self.search = Some(search::start(&self.home, room, text, self.told.clone()));
            }
            Work::StopSearch => self.search = None,
        }
        Ok(())
    }

    /// Has kept what is to be kept, and these.
    pub async fn save(&self, last: Vec<Work>) {
        let save = async {
            for work in last {
                if let Work::Keep { room, kept } = work {
                    let _ = self.lines.send(Job::Keep(room, *kept)).await;
                }
            }
            let (answer, saved) = oneshot::channel();
            let _ = self.lines.send(Job::Save(answer)).await;
            let _ = saved.await;
        };
        // What is not kept by then is an unread line in the wrong place, or the last words of a text.
        let _ = tokio::time::timeout(SAVE_DEADLINE, save).await;
    }
}

/// Where nobody takes anything any more, it does not matter what is thrown away. That there is room was looked at.
fn offer<T>(to: &mpsc::Sender<T>, what: T) {
    let _ = to.try_send(what);
}
