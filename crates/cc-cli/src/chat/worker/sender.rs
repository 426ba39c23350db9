//! What was typed, on its way: kept until the daemon has it on disk, and said once, whatever happens between.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

use super::lines::{Job, Said};
use crate::chat::app::{Draft, Told};
use crate::client::Client;
use crate::error::{CliError, CliResult, Kind};
use crate::home::Home;
use crate::launch;
use crate::rpc::{SendParams, SendResult};

/// How long to wait before what failed is tried again.
const RETRY_INTERVAL: Duration = Duration::from_secs(2);
/// Own lines of a room that are remembered, so that none is taken for another of the same text.
const KNOWN_MAX: usize = 256;

/// Something on its way.
struct Item {
    draft: Draft,
    /// How long the log was before it was first said; none before that.
    after: Option<u64>,
}

/// The way.
pub struct Sender {
    home: Home,
    told: mpsc::Sender<Told>,
    lines: mpsc::Sender<Job>,
    /// By room, in the order in which it was typed.
    queues: BTreeMap<String, VecDeque<Item>>,
    /// Rooms in which nothing can be said until something changes.
    blocked: BTreeSet<String>,
    /// Own lines that are known, by room.
    known: BTreeMap<String, VecDeque<u64>>,
    client: Option<Client>,
}

/// What became of an attempt.
enum Outcome {
    /// It is on disk, or refused for good.
    Done,
    /// The room takes nothing for now.
    Blocked,
    /// It failed, and may not the next time.
    Failed,
    /// The daemon went away, and may have it.
    Lost,
}

impl Sender {
    /// One with nothing on its way.
    pub const fn new(home: Home, told: mpsc::Sender<Told>, lines: mpsc::Sender<Job>) -> Self {
        Self {
            home,
            told,
            lines,
            queues: BTreeMap::new(),
            blocked: BTreeSet::new(),
            known: BTreeMap::new(),
            client: None,
        }
    }

    /// Sends what comes, until it is dropped. `epoch` grows with each connection to a daemon, and when a room lets us in.
    pub async fn run(mut self, mut drafts: mpsc::Receiver<Draft>, mut epoch: watch::Receiver<u64>) {
        loop {
            let up = *epoch.borrow_and_update() > 0;
            let outcome = if up {
                self.send_next().await
            } else {
                Outcome::Done
            };
            let waits = up && self.next_room().is_some();
            let next = async move {
                match outcome {
                    _ if !waits => std::future::pending().await,
                    Outcome::Done | Outcome::Blocked => {}
                    Outcome::Failed | Outcome::Lost => tokio::time::sleep(RETRY_INTERVAL).await,
                }
            };
            tokio::select! {
                biased;
                draft = drafts.recv() => match draft {
                    Some(draft) => self.take(draft),
                    None => return,
                },
                changed = epoch.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    self.blocked.clear();
                    self.client = None;
                }
                () = next => {}
            }
        }
    }

    fn take(&mut self, draft: Draft) {
        let queue = self.queues.entry(draft.room.clone()).or_default();
        queue.push_back(Item { draft, after: None });
    }

    fn next_room(&self) -> Option<String> {
        let mut rooms = self.queues.iter();
        let ready = rooms.find(|(room, queue)| !queue.is_empty() && !self.blocked.contains(*room));
        ready.map(|(room, _)| room.clone())
    }

    async fn send_next(&mut self) -> Outcome {
        let Some(room) = self.next_room() else {
            return Outcome::Done;
        };
        let Some(mut item) = self.queues.get_mut(&room).and_then(VecDeque::pop_front) else {
            return Outcome::Done;
        };
        let outcome = self.attempt(&mut item).await;
        match outcome {
            Outcome::Done | Outcome::Failed => {}
            Outcome::Blocked => drop(self.blocked.insert(room.clone())),
            Outcome::Lost => self.client = None,
        }
        if !matches!(outcome, Outcome::Done) {
            self.queues.entry(room).or_default().push_front(item);
        }
        outcome
    }

    async fn attempt(&mut self, item: &mut Item) -> Outcome {
        // A daemon first: one that has just started has recovered what the last one wrote.
        let mut client = match self.connected().await {
            Ok(client) => client,
            Err(error) => return self.failed(&item.draft, &error).await,
        };
        if let Some(after) = item.after {
            // It was said before, and nobody knows whether it was heard.
            if let Some(n) = self.said(&item.draft, after).await {
                self.client = Some(client);
                self.sent(&item.draft, n).await;
                return Outcome::Done;
            }
        } else {
            item.after = Some(self.length(&item.draft.room).await);
        }
        let params = SendParams {
            room: item.draft.room.clone(),
            text: item.draft.text.clone(),
            re: item.draft.re.clone(),
            ..SendParams::default()
        };
        let answer: CliResult<SendResult> = client.call("send", &params).await;
        self.client = Some(client);
        match answer {
            Ok(sent) => {
                if let Some(n) = sent.n {
                    self.sent(&item.draft, n).await;
                }
                Outcome::Done
            }
            Err(error) => self.failed(&item.draft, &error).await,
        }
    }

    async fn connected(&mut self) -> CliResult<Client> {
        if let Some(client) = self.client.take() {
            return Ok(client);
        }
        let client = launch::connect(&self.home).await?;
        client.ok_or_else(|| CliError::new(Kind::Gone, "there is no daemon"))
    }

    async fn sent(&mut self, draft: &Draft, n: u64) {
        let known = self.known.entry(draft.room.clone()).or_default();
        known.push_back(n);
        if known.len() > KNOWN_MAX {
            known.pop_front();
        }
        let (local, room) = (draft.local, draft.room.clone());
        let _ = self.lines.send(Job::News(room.clone())).await;
        let _ = self.told.send(Told::Sent { local, room, n }).await;
    }

    async fn failed(&mut self, draft: &Draft, error: &CliError) -> Outcome {
        let outcome = match error.kind {
            Kind::Gone | Kind::Daemon => Outcome::Lost,
            Kind::Joining => Outcome::Blocked,
            Kind::Disk => Outcome::Failed,
            _ => Outcome::Done,
        };
        let why = match outcome {
            // It is said of the daemon itself.
            Outcome::Lost => return Outcome::Lost,
            Outcome::Blocked => "kept, and sent as soon as a member lets you in".to_owned(),
            _ => error.to_string(),
        };
        let told = Told::NotSent {
            local: draft.local,
            room: draft.room.clone(),
            why,
            again: !matches!(outcome, Outcome::Done),
        };
        let _ = self.told.send(told).await;
        outcome
    }

    async fn length(&self, room: &str) -> u64 {
        let (answer, length) = oneshot::channel();
        let job = Job::Length(room.to_owned(), answer);
        if self.lines.send(job).await.is_err() {
            return 0;
        }
        length.await.unwrap_or(0)
    }

    async fn said(&self, draft: &Draft, after: u64) -> Option<u64> {
        let known = self.known.get(&draft.room);
        let said = Said {
            room: draft.room.clone(),
            after,
            text: draft.text.clone(),
            re: draft.re.clone(),
            known: known.into_iter().flatten().copied().collect(),
        };
        let (answer, found) = oneshot::channel();
        self.lines.send(Job::Said(said, answer)).await.ok()?;
        found.await.ok().flatten()
    }
}
