//! A room's core and its log, driven together: blocking, without a network.
//!
//! [`RoomEngine::turn`] takes many inputs, appends what the core says, makes all of it durable with
//! one sync, and only then gives out what is to be sent, told or answered. So whatever leaves a
//! machine is on its disk. The daemon and the simulator run this same code.

//!
//! | file | what |
//! |---|---|
//! | `types.rs` | what it is given and gives back |
//! | `begin.rs` | a room made, joined, or opened |
//! | `files.rs`, `local.rs` | the small files beside the log |
//! | `view.rs` | the view for readers |
//! | `summaries.rs` | which summary of the room stands |

mod begin;
mod files;
mod local;
mod summaries;
mod types;
mod view;

use std::path::{Path, PathBuf};

use cc_log::{CursorStore, FsStorage, LineInfo, LogWriter, Storage, WriteError};
use cc_proto::clock::Now;
use cc_proto::id::{ArrivalNo, AuthorId};
use cc_proto::message::Message;
use cc_proto::random::Random;
use cc_proto::room::{Input, Output, RoomCore, RoomEvent};
use cc_proto::text;
use cc_proto::ticket::Ticket;

use files::Files;
pub(crate) use files::is_left;
use local::Local;
pub use local::{LocalError, Note};
use summaries::Summaries;
pub use types::{Appended, DraftError, EngineConfig, EngineError, StoredDraft, Turn};

/// Cursors of sessions that are long gone are swept this often.
const SWEEP_MS: u64 = 24 * 60 * 60 * 1000;

/// A room's core and log.
#[derive(Debug)]
pub struct RoomEngine<S: Storage = FsStorage> {
    storage: S,
    dir: PathBuf,
    config: EngineConfig,
    ticket: Option<Ticket>,
    local: Local,
    log: LogWriter<S>,
    core: RoomCore,
    summaries: Summaries,
    random: Random,
    /// Set while the core could not be opened anew after a failure of the disk: it may believe that
    /// it holds what is not stored, so nothing is asked of it.
    stale: bool,
    sweep_at_ms: u64,
}

impl<S: Storage> RoomEngine<S> {
    /// Takes inputs, in order, with one sync for all that they append.
    pub fn turn(&mut self, inputs: Vec<Input>, now: Now) -> Turn {
        self.sweep_cursors(now);
        let mut turn = Turn::default();
        let mut stored: Vec<(u64, StoredDraft)> = Vec::new();
        let mut tokens: Vec<u64> = Vec::new();
        let mut roster_changed = false;
        let mut fault = if self.stale {
            self.reload(now).err()
        } else {
            None
        };
        for input in inputs {
            if let Input::Draft { token, .. } | Input::Act { token, .. } = &input {
                tokens.push(*token);
            }
            if fault.is_some() {
                continue;
            }
            let done = self
                .core
                .handle(input, now, &self.log)
                .map_err(EngineError::from);
            let done = done.and_then(|outputs| {
                for output in outputs {
                    roster_changed |= matches!(&output, Output::RosterChanged);
                    self.carry_out(output, now, &mut turn, &mut stored)?;
                }
                Ok(())
            });
            fault = done.err();
        }
        let fault = fault.or_else(|| self.log.commit().err().map(EngineError::from));
        if let Some(fault) = fault {
            return self.undo(tokens, turn, &fault, now);
        }
        turn.drafts.extend(
            stored
                .into_iter()
                .map(|(token, stored)| (token, Ok(stored))),
        );
        let joined = |output: &Output| matches!(output, Output::Event(RoomEvent::Joined));
        if turn.outputs.iter().any(joined) {
            // Only now that being let in is durable: the join is all there is of the room before.
            let files = Files {
                storage: &self.storage,
                dir: &self.dir,
            };
            files.remove_join();
        }
        let shaped = turn
            .appended
            .iter()
            .any(|line| line.message.shapes_roster());
        let summary_changed = self.summaries.take_changed();
        if roster_changed || shaped || summary_changed {
            // A view that could not be written is behind, not wrong: hooks stop before the first
            // line that it does not take in, and it is written again with the next one.
            let _ = self.write_view();
        }
        turn
    }

    /// A cursor that cannot be removed now is met again tomorrow.
    fn sweep_cursors(&mut self, now: Now) {
        if now.mono_ms >= self.sweep_at_ms {
            self.sweep_at_ms = now.mono_ms + SWEEP_MS;
            let cursors = CursorStore::new_in(self.storage.clone(), &self.dir);
            let _ = cursors.sweep(now.wall);
        }
    }

    fn carry_out(
        &mut self,
        output: Output,
        now: Now,
        turn: &mut Turn,
        stored: &mut Vec<(u64, StoredDraft)>,
    ) -> Result<(), EngineError> {
        match output {
            Output::NewChain(chain) => {
                let files = Files {
                    storage: &self.storage,
                    dir: &self.dir,
                };
                files.write_chain(chain)?;
            }
            Output::Append { message, token } => {
                let n = self.append(&message, now)?;
                stored.extend(token.map(|token| {
                    (
                        token,
                        StoredDraft {
                            id: message.id(),
                            n,
                        },
                    )
                }));
                turn.appended.push(Appended { n, message });
            }
            Output::Rejected { token, reason } => {
                turn.drafts.push((token, Err(reason.into())));
            }
            Output::Erase {
                author,
                chain,
                seq,
                id,
            } => {
                self.log.erase(&author, chain, seq, &id)?;
                self.summaries.forget(&author, &id);
            }
            output => turn.outputs.push(output),
        }
        Ok(())
    }

    fn append(&mut self, message: &Message, now: Now) -> Result<ArrivalNo, WriteError> {
        let author = message.header().author;
        let nick = self.core.roster().nick(&author).unwrap_or_default();
        let own = self.nick();
        let names_owner = message
            .text()
            .is_some_and(|said| text::names_reader(said, own));
        let line = LineInfo { nick, names_owner };
        let n = self.log.append(message, now.wall, line)?;
        self.summaries.take(message, n, now.wall);
        Ok(n)
    }

    /// After a failure of the disk: nothing of the turn is stored, so nothing of it may be told.
    fn undo(&mut self, tokens: Vec<u64>, turn: Turn, fault: &EngineError, now: Now) -> Turn {
        let full = matches!(fault, EngineError::Write(WriteError::StorageFull { .. }));
        let error = || {
            if full {
                DraftError::StorageFull
            } else {
                DraftError::Storage {
                    reason: fault.to_string(),
                }
            }
        };
        let mut undone = Turn {
            failed: true,
            ..Turn::default()
        };
        let mut rejected: Vec<(u64, Result<StoredDraft, DraftError>)> = turn.drafts;
        let is_rejected = |token: &u64| rejected.iter().any(|(known, _)| known == token);
        let lost: Vec<u64> = tokens
            .into_iter()
            .filter(|token| !is_rejected(token))
            .collect();
        undone
            .drafts
            .extend(lost.into_iter().map(|token| (token, Err(error()))));
        undone.drafts.append(&mut rejected);
        self.log.abandon();
        self.summaries = Summaries::load(&self.log).unwrap_or_default();
        self.stale = self.reload(now).is_err();
        undone
    }

    fn reload(&mut self, now: Now) -> Result<(), EngineError> {
        let offers = self.core.receipts().offers;
        self.core = begin::load(
            &self.storage,
            &self.dir,
            &self.log,
            &self.config,
            self.ticket.as_ref(),
            &mut self.random,
            now,
        )?;
        self.core
            .open_receipts(self.local.shares_receipts(), offers);
        self.stale = false;
        Ok(())
    }

    /// Our nickname in the room; empty until somebody let us in.
    pub fn nick(&self) -> &str {
        let me = self.config.identity.author();
        self.core.roster().nick(&me).unwrap_or_default()
    }

    /// What the owner noted down about somebody.
    pub fn note(&self, who: &AuthorId) -> Note {
        self.local.note(who)
    }

    /// Notes something down about somebody, durably, and shows it to readers.
    ///
    /// # Errors
    /// [`LocalError`]; nothing is changed then.
    pub fn set_note(&mut self, who: AuthorId, note: Note) -> Result<(), LocalError> {
        let roster = self.core.roster();
        if roster.nick(&who).is_none() {
            return Err(LocalError::UnknownPerson);
        }
        let files = Files {
            storage: &self.storage,
            dir: &self.dir,
        };
        self.local.set(who, note, &files)?;
        // As in a turn: a view that could not be written is behind, not wrong.
        let _ = self.write_view();
        Ok(())
    }

    /// Whether others are told what is on this machine's disk and what its agents were shown.
    pub fn shares_receipts(&self) -> bool {
        self.local.shares_receipts()
    }

    /// Notes down, durably, whether others are told what is on this machine's disk and what its agents
    /// were shown. The input is to be given to a turn: it tells the core.
    ///
    /// # Errors
    /// [`LocalError`]; nothing is changed then.
    pub fn set_receipts(&mut self, share: bool) -> Result<Input, LocalError> {
        let files = Files {
            storage: &self.storage,
            dir: &self.dir,
        };
        self.local.set_receipts(share, &files)?;
        Ok(Input::ShareReceipts(share))
    }

    /// An agent at this machine was shown these lines of the log: what tells the core. Lines that are
    /// damaged or not there are passed over.
    pub fn offered(&self, agent: String, lines: &[ArrivalNo]) -> Input {
        let read = lines.iter().filter_map(|n| self.log.read(*n).ok());
        let shown = read.filter_map(|line| {
            let message = line.message.ok()?;
            let header = message.header();
            Some((header.author, header.chain, header.seq))
        });
        Input::Offered {
            agent,
            shown: shown.collect(),
        }
    }

    /// Marks the folder as that of a room that was left: it is not opened with the others until it
    /// is joined again.
    ///
    /// # Errors
    /// [`EngineError::File`].
    pub fn mark_left(&self) -> Result<(), EngineError> {
        let files = Files {
            storage: &self.storage,
            dir: &self.dir,
        };
        files.write_left()
    }

    /// The room's core.
    pub fn core(&self) -> &RoomCore {
        &self.core
    }

    /// The room's core, to tell it addresses.
    pub fn core_mut(&mut self) -> &mut RoomCore {
        &mut self.core
    }

    /// The room's log.
    pub fn log(&self) -> &LogWriter<S> {
        &self.log
    }

    /// The room's folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The ticket we made or came by; the addresses in it are those of that time.
    pub fn ticket(&self) -> Option<&Ticket> {
        self.ticket.as_ref()
    }

    /// Ends it: the next opening reads nothing that it need not.
    ///
    /// # Errors
    /// [`WriteError`]; what was acknowledged is stored all the same.
    pub fn close(self) -> Result<(), WriteError> {
        self.log.close()
    }
}
