//! The task that keeps a room's files: sees to what is new in the log, fetches what is wanted, serves who
//! asks, and removes what was taken back.

use std::cmp::Reverse;
use std::sync::{Arc, Mutex};

use cc_proto::body::Kind;
use cc_proto::id::{ArrivalNo, MessageId};
use cc_proto::room::RoomEvent as CoreEvent;
use iroh::endpoint::Connection;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Notify, broadcast, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::announced::{Announced, Announcement};
use super::book::{Book, Run};
use super::fetch::{Outcome, fetch};
use super::serve::serve;
use super::store::StoreCell;
use super::{Files, FilesConfig, place};
use crate::node::Net;
use crate::room::events::RoomEvent;
use crate::tuning::{
    BLOBS_ACCEPT_QUEUE_MAX, FETCH_RETRY_MAX, FETCH_RETRY_MIN, FILES_SAVE_INTERVAL,
    FILES_SWEEP_INTERVAL, ROOM_FETCHES_MAX,
};

/// Keeps the files of one room.
#[derive(Debug)]
pub(crate) struct Keeper {
    files: Arc<Files>,
    connections: mpsc::Receiver<Connection>,
    events: broadcast::Receiver<RoomEvent>,
    /// What was taken back and is to be removed from the store.
    forgotten: Vec<iroh_blobs::Hash>,
    swept: Option<Instant>,
    /// Not before then is what is new seen to: something of it failed.
    news_at: Option<Instant>,
    save_not_before: Instant,
    /// What is here and not synced yet.
    syncs: JoinSet<()>,
}

impl Drop for Keeper {
    /// A node that is dropped ends its tasks where they are, and there may still be handles of the room.
    fn drop(&mut self) {
        self.files.store.abandon();
    }
}

impl Keeper {
    /// The files of a room, and who keeps them. Hears `events` from now on.
    pub fn new(
        config: FilesConfig,
        net: &Arc<Net>,
        book: Book,
        events: broadcast::Receiver<RoomEvent>,
    ) -> (Self, Arc<Files>) {
        let (connections, accepted) = mpsc::channel(BLOBS_ACCEPT_QUEUE_MAX);
        let files = Arc::new(Files {
            me: net.me,
            announced: Mutex::new(Announced::new(&config.dir)),
            store: StoreCell::new(&config.dir),
            dir: config.dir,
            alpn: config.alpn,
            net: Arc::downgrade(net),
            inbox: config.inbox,
            events: config.events,
            book: Mutex::new(book),
            saving: Mutex::default(),
            publishing: Mutex::default(),
            news: Mutex::default(),
            begun: Mutex::default(),
            taking: tokio::sync::Mutex::default(),
            wake: Notify::new(),
            connections,
        });
        let keeper = Self {
            files: files.clone(),
            connections: accepted,
            events,
            forgotten: Vec::new(),
            swept: None,
            news_at: None,
            save_not_before: Instant::now(),
            syncs: JoinSet::new(),
        };
        (keeper, files)
    }

    /// Runs until cancelled, and closes the store.
    pub async fn run(mut self, cancelled: CancellationToken) {
        let mut fetches = JoinSet::new();
        let mut served = JoinSet::new();
        self.begin().await;
        let mut hears = true;
        while !cancelled.is_cancelled() {
            self.see_to_news().await;
            self.sweep().await;
            self.save().await;
            self.start(&mut fetches);
            let next = self.next_at();
            let sleep = sleep_until(next.unwrap_or_else(Instant::now));
            tokio::select! {
                () = cancelled.cancelled() => break,
                Some(connection) = self.connections.recv() => {
                    served.spawn(serve(self.files.clone(), connection).in_current_span());
                }
                event = self.events.recv(), if hears => hears = self.hear(event).await,
                () = self.files.wake.notified() => {}
                Some(done) = fetches.join_next(), if !fetches.is_empty() => match done {
                    Ok((id, outcome)) => self.fetched(id, outcome).await,
                    Err(error) => Self::panicked(&error),
                },
                Some(done) = served.join_next(), if !served.is_empty() => {
                    if let Err(error) = done { Self::panicked(&error) }
                }
                Some(done) = self.syncs.join_next(), if !self.syncs.is_empty() => {
                    if let Err(error) = done { Self::panicked(&error) }
                }
                () = sleep, if next.is_some() => {}
            }
        }
        served.shutdown().await;
        fetches.shutdown().await;
        self.files.store.close().await;
        while self.syncs.join_next().await.is_some() {}
        self.files.blocking(Files::save_or_warn).await.ok();
    }

    fn panicked(error: &tokio::task::JoinError) {
        if error.is_panic() {
            tracing::error!(%error, "a task of the room's files panicked");
        }
    }

    /// Takes up what was wanted in the last run, and looks at what came since.
    async fn begin(&self) {
        {
            let mut book = self.files.book();
            let wanted = book.notes.iter().filter(|(_, note)| note.wanted);
            let wanted: Vec<MessageId> = wanted.map(|(id, _)| *id).collect();
            for id in wanted {
                book.runs.entry(id).or_default();
            }
        }
        self.files.blocking(Files::withdraw_unchecked).await.ok();
        self.look().await;
    }

    async fn look(&self) {
        let looked = self.files.blocking(|files| files.announced(|_| Ok(())));
        if let Ok(Err(error)) = looked.await {
            tracing::warn!(%error, "the room's files were not looked at");
        }
    }

    /// Takes an event of the room. False when there are no more.
    async fn hear(&self, event: Result<RoomEvent, RecvError>) -> bool {
        match event {
            Ok(RoomEvent::Message(stored)) => {
                if matches!(stored.message.kind(), Kind::File | Kind::Retract) {
                    self.look().await;
                }
            }
            Ok(RoomEvent::Lagged(_)) | Err(RecvError::Lagged(_)) => self.look().await,
            Ok(RoomEvent::RosterChanged | RoomEvent::Core(CoreEvent::Synced(_))) => {
                // Somebody is there who may not have been at the last try.
                let soon = Instant::now() + FETCH_RETRY_MIN / 4;
                for run in self.files.book().runs.values_mut() {
                    run.not_before = run.not_before.map(|at| at.min(soon));
                }
            }
            Ok(_) => {}
            Err(RecvError::Closed) => return false,
        }
        true
    }

    /// Sees to some of what was found in the log; the rest has its turn after whatever else is to be done.
    async fn see_to_news(&mut self) {
        if self.news_at.is_some_and(|at| Instant::now() < at) {
            return;
        }
        self.news_at = None;
        if self.files.news().is_empty() {
            return;
        }
        let Ok(seen) = self.files.blocking(Files::see_to_news).await else {
            return;
        };
        self.forgotten.extend(seen.forgotten);
        if let Some(error) = seen.fault {
            tracing::warn!(%error, "what is new of a room's files is seen to later");
            self.news_at = Some(Instant::now() + FETCH_RETRY_MIN);
        } else if seen.more {
            self.files.wake.notify_one();
        }
    }

    /// Writes what was noted, now and then.
    async fn save(&mut self) {
        let now = Instant::now();
        if self.save_at().is_some_and(|at| at <= now) {
            self.save_not_before = now + FILES_SAVE_INTERVAL;
            self.files.blocking(Files::save_or_warn).await.ok();
        }
    }

    fn save_at(&self) -> Option<Instant> {
        let dirty = self.files.book().dirty;
        dirty.then_some(self.save_not_before)
    }

    /// Removes from the store what was taken back. It is closed for that, so this is not done for each.
    async fn sweep(&mut self) {
        let now = Instant::now();
        let due = self
            .swept
            .is_none_or(|swept| now - swept >= FILES_SWEEP_INTERVAL);
        if self.forgotten.is_empty() || !due {
            return;
        }
        self.swept = Some(now);
        let forgotten = std::mem::take(&mut self.forgotten);
        let dir = self.files.store.dir().to_owned();
        let work = move || {
            for hash in forgotten {
                StoreCell::forget(&dir, &hash);
            }
        };
        self.files.store.while_closed(work).await;
    }

    /// Begins with what is wanted, as far as its time has come and there is a turn.
    fn start(&self, fetches: &mut JoinSet<(MessageId, Outcome)>) {
        while fetches.len() < ROOM_FETCHES_MAX {
            let now = Instant::now();
            let mut book = self.files.book();
            let due = book.runs.iter().filter(|(_, run)| {
                run.cancel.is_none() && run.not_before.is_none_or(|at| at <= now)
            });
            let next = due
                .filter_map(|(id, run)| Some((*id, run.tries, book.notes.get(id)?)))
                .filter(|(_, _, note)| note.wanted && !note.named)
                // What somebody asked for first, then the smaller ones.
                .min_by_key(|(_, tries, note)| (note.auto, *tries, note.size, Reverse(note.n)))
                .map(|(id, _, note)| (id, ArrivalNo(note.n)));
            let Some((id, n)) = next else { return };
            let cancel = CancellationToken::new();
            if let Some(run) = book.runs.get_mut(&id) {
                run.cancel = Some(cancel.clone());
            }
            drop(book);
            fetches.spawn(fetch(self.files.clone(), id, n, cancel).in_current_span());
        }
    }

    /// When something is to be done though nothing happens.
    fn next_at(&self) -> Option<Instant> {
        let save = self.save_at();
        let book = self.files.book();
        let waiting = book.runs.values().filter(|run| run.cancel.is_none());
        // Without a time it waits for another to end.
        let tries = waiting.filter_map(|run| run.not_before).min();
        let sweep = self.swept.filter(|_| !self.forgotten.is_empty());
        let sweep = sweep.map(|swept| swept + FILES_SWEEP_INTERVAL);
        let now = Instant::now();
        // One whose time has come and that has no turn waits for another to end, too.
        let tries = tries.filter(|at| *at > now);
        [tries, sweep, save, self.news_at]
            .into_iter()
            .flatten()
            .min()
    }

    /// Takes note of how a try ended.
    async fn fetched(&mut self, id: MessageId, outcome: Outcome) {
        let noted = self.files.blocking(move |files| {
            // What a kill takes of the note is found again at the next start: it is not written for each.
            let file = files.note_outcome(&id, outcome)?;
            files.tell(&file);
            let note = files.book().notes.get(&id).cloned();
            note.is_some_and(|note| note.unsynced && !note.wanted)
                .then_some(file)
        });
        if let Ok(Some(file)) = noted.await {
            let files = self.files.clone();
            let sync = async move {
                files.blocking(move |files| files.sync(&file)).await.ok();
            };
            self.syncs.spawn(sync.in_current_span());
        }
    }
}

impl Files {
    /// Notes down how a try ended. The file, where there is something to tell of it.
    fn note_outcome(&self, id: &MessageId, outcome: Outcome) -> Option<Announcement> {
        match outcome {
            Outcome::Here(file) => {
                let size = if file.folder {
                    place::used_at(&place::files_dir(self.dir()).join(&file.place))
                } else {
                    file.size
                };
                self.begun().remove(&file.hash);
                let mut book = self.book();
                match book.notes.get_mut(id).filter(|note| note.unsynced) {
                    Some(note) => {
                        (note.wanted, note.unchecked, note.damaged) = (false, false, false);
                        (note.alone, note.fault) = (false, None);
                        book.dirty = true;
                        book.stop(id);
                    }
                    None => book.forget(id),
                }
                book.arrivals += 1;
                book.used = book.used.map(|used| used.saturating_add(size));
                Some(file)
            }
            Outcome::Failed(file, words) => {
                let mut book = self.book();
                book.stop(id);
                book.dirty = true;
                if let Some(note) = book.notes.get_mut(id) {
                    (note.wanted, note.failed, note.fault) = (false, true, Some(words));
                }
                Some(file)
            }
            Outcome::NotByItself(file, words) => {
                let mut book = self.book();
                // Unless a person asked for it meanwhile.
                let note = book.notes.get_mut(id);
                if let Some(note) = note.filter(|note| note.auto || note.bounded) {
                    (note.wanted, note.fault) = (false, Some(words));
                    book.dirty = true;
                    book.stop(id);
                    return Some(file);
                }
                drop(book);
                self.again_later(id, words, false).then_some(file)
            }
            Outcome::Later(file, words) => self.again_later(id, words, false).then_some(file),
            Outcome::Alone(file) => {
                let words = "nobody else who may have it is online".to_owned();
                self.again_later(id, words, true).then_some(file)
            }
            Outcome::Unread(words) => {
                self.again_later(id, words, false);
                None
            }
            Outcome::Gone => {
                self.book().forget(id);
                None
            }
            Outcome::Cancelled => {
                let mut book = self.book();
                let run = book.runs.get_mut(id);
                // Not that of one which was wanted anew meanwhile.
                let mut ended = run.filter(|run| {
                    run.cancel
                        .as_ref()
                        .is_some_and(CancellationToken::is_cancelled)
                });
                if let Some(run) = &mut ended {
                    **run = Run::default();
                }
                None
            }
        }
    }

    /// Notes down when to try again, and why. Whether that says anything new.
    fn again_later(&self, id: &MessageId, words: String, alone: bool) -> bool {
        let mut book = self.book();
        let Some(run) = book.runs.get_mut(id) else {
            return false;
        };
        let pause = FETCH_RETRY_MIN * 2_u32.saturating_pow(run.tries.min(8));
        let was_coming = run.coming;
        *run = Run {
            not_before: Some(Instant::now() + pause.min(FETCH_RETRY_MAX)),
            tries: if was_coming {
                0
            } else {
                run.tries.saturating_add(1)
            },
            ..Run::default()
        };
        let Some(note) = book.notes.get_mut(id) else {
            return false;
        };
        let is_new = note.fault.as_ref() != Some(&words) || note.alone != alone;
        (note.fault, note.alone) = (Some(words), alone);
        book.dirty |= is_new;
        was_coming || is_new
    }
}
