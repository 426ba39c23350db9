//! A room's core and its log, driven together: blocking, without a network.
//!
//! [`RoomEngine::turn`] takes many inputs, appends what the core says, makes all of it durable with
//! one sync, and only then gives out what is to be sent, told or answered. So whatever leaves a
//! machine is on its disk. The daemon and the simulator run this same code.

mod files;

use std::path::{Path, PathBuf};

use cc_log::{
    CursorStore, FsStorage, LineInfo, LogWriter, ReadError, RosterView, Storage, Trust, ViewMember,
    WriteError,
};
use cc_proto::body::{Body, Genesis, Invite, InvitePolicy};
use cc_proto::clock::Now;
use cc_proto::id::{
    ArrivalNo, AuthorId, ChainId, Hash, InviteKey, MessageId, RoomId, Seq, Timestamp,
};
use cc_proto::identity::Identity;
use cc_proto::limits;
use cc_proto::message::{Message, MessageError, NewMessage};
use cc_proto::random::Random;
use cc_proto::room::{Input, Output, RejectReason, RoomConfig, RoomCore, RoomEvent, Stored};
use cc_proto::text;
use cc_proto::ticket::Ticket;

use files::Files;

/// Cursors of sessions that are long gone are swept this often.
const SWEEP_MS: u64 = 24 * 60 * 60 * 1000;

/// Why a room was not made or opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// Its log does not open.
    #[error(transparent)]
    Open(#[from] cc_log::OpenError),
    /// What is stored could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// What it starts with could not be stored.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The view for readers could not be written.
    #[error(transparent)]
    View(#[from] cc_log::ViewError),
    /// A name is too long.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// One of its small files could not be read or written.
    #[error("cannot use {}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the file system said.
        source: std::io::Error,
    },
    /// The folder holds no room: its making was cut short, or it is damaged.
    #[error("{} holds no room", dir.display())]
    NoRoom {
        /// The folder.
        dir: PathBuf,
    },
}

/// Why a draft was not stored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DraftError {
    /// The room does not take it.
    #[error(transparent)]
    Rejected(#[from] RejectReason),
    /// The disk is full; nothing stored is harmed.
    #[error("the disk is full, the message is not stored")]
    StorageFull,
    /// The disk failed; nothing stored is harmed.
    #[error("the message could not be stored: {reason}")]
    Storage {
        /// What the file system said.
        reason: String,
    },
}

/// A stored draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredDraft {
    /// The message's id.
    pub id: MessageId,
    /// Its line in our log.
    pub n: ArrivalNo,
}

/// A message that was appended.
#[derive(Debug, Clone)]
pub struct Appended {
    /// Its line.
    pub n: ArrivalNo,
    /// The message.
    pub message: Message,
}

/// What a turn did; all of it durable.
#[derive(Debug, Default)]
pub struct Turn {
    /// Messages appended, in order.
    pub appended: Vec<Appended>,
    /// What became of drafts, by token.
    pub drafts: Vec<(u64, Result<StoredDraft, DraftError>)>,
    /// What is to be sent and told, in order. No [`Output::Append`], [`Output::NewChain`] or
    /// [`Output::Rejected`] is among them.
    pub outputs: Vec<Output>,
    /// Set where the disk failed: the turn's inputs other than drafts are undone, all sessions
    /// are gone, and the room was opened anew from what is stored.
    pub failed: bool,
}

/// Where a room is kept and how it runs.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// The machine's key.
    pub identity: Identity,
    /// Whether there is gossip at all.
    pub gossip: bool,
    /// The randomness of this run.
    pub seed: [u8; 32],
}

/// A room's core and log.
#[derive(Debug)]
pub struct RoomEngine<S: Storage = FsStorage> {
    storage: S,
    dir: PathBuf,
    config: EngineConfig,
    ticket: Option<Ticket>,
    log: LogWriter<S>,
    core: RoomCore,
    random: Random,
    /// Set while the core could not be opened anew after a failure of the disk: it may believe that
    /// it holds what is not stored, so nothing is asked of it.
    stale: bool,
    sweep_at_ms: u64,
}

impl<S: Storage> RoomEngine<S> {
    /// Makes a room, with a first invite, in a folder of its own under `rooms`.
    ///
    /// # Errors
    /// [`EngineError`]; what was written is then no room, and no reader takes it for one.
    pub fn create(
        storage: S,
        rooms: &Path,
        config: EngineConfig,
        name: &str,
        nick: &str,
        now: Now,
    ) -> Result<Self, EngineError> {
        // A stream of its own: the secret below must not be drawn again for anything else.
        let seed = Hash::of(&[&config.seed[..], b"create"].concat());
        let mut random = Random::new(*seed.as_bytes());
        let chain = ChainId(random.next_u64() as u32);
        let mut secret = [0; 32];
        secret[..16].copy_from_slice(&random.bytes());
        secret[16..].copy_from_slice(&random.bytes());
        let genesis = Body::Genesis(Genesis {
            name: name.to_owned(),
            nick: nick.to_owned(),
            invite_policy: InvitePolicy::Members,
            nonce: random.bytes(),
        });
        let new = |room, seq, prev, body| NewMessage {
            room,
            chain,
            seq: Seq(seq),
            prev,
            ts: Timestamp(now.wall.0 + seq),
            via: String::new(),
            re: None,
            body,
        };
        let genesis = Message::write(
            &config.identity,
            new(RoomId::from_bytes([0; 32]), 1, None, genesis),
        )?;
        let room = genesis.room();
        let expires = Timestamp(now.wall.0 + limits::INVITE_LIFETIME_MS);
        let invite = Body::Invite(Invite {
            key: InviteKey::from_bytes(*Identity::from_seed(secret).author().as_bytes()),
            expires: Some(expires),
            uses_max: None,
            note: String::new(),
            lifts: None,
        });
        let invite = Message::write(&config.identity, new(room, 2, Some(genesis.id()), invite))?;
        let ticket = Ticket {
            room,
            invite_secret: secret,
            expires: Some(expires),
            name: name.to_owned(),
            addresses: Vec::new(),
        };
        let dir = rooms.join(room.to_hex());
        let files = Files {
            storage: &storage,
            dir: &dir,
        };
        files.make_dir()?;
        files.write_chain(chain)?;
        files.write_ticket(&ticket)?;
        let (mut log, _) = LogWriter::open(storage.clone(), &dir, room, config.identity.author())?;
        let line = LineInfo {
            nick,
            names_owner: false,
        };
        log.append(&genesis, now.wall, line)?;
        log.append(&invite, now.wall, line)?;
        log.commit()?;
        drop(log);
        Self::open(storage, &dir, config, now)
    }

    /// Asks to be let into the room of a ticket: nothing is in its log until somebody does.
    /// A room that is here already is opened as it is, with the new ticket.
    ///
    /// # Errors
    /// [`EngineError`].
    pub fn join(
        storage: S,
        rooms: &Path,
        config: EngineConfig,
        ticket: &Ticket,
        nick: &str,
        now: Now,
    ) -> Result<Self, EngineError> {
        let mut random = Random::new(config.seed);
        let dir = rooms.join(ticket.room.to_hex());
        let files = Files {
            storage: &storage,
            dir: &dir,
        };
        files.make_dir()?;
        files.chain_or_new(&mut random)?;
        files.write_join(&config.identity, ticket, nick, now)?;
        Self::open(storage, &dir, config, now)
    }

    /// Takes up another ticket of the room, and another nick, while nobody has let us in yet. All
    /// sessions are gone then. In a room that we belong to it does nothing.
    ///
    /// # Errors
    /// [`EngineError`]; the former ticket may then still stand.
    pub fn renew(&mut self, ticket: &Ticket, nick: &str, now: Now) -> Result<bool, EngineError> {
        if !self.core.is_joining() {
            return Ok(false);
        }
        let files = Files {
            storage: &self.storage,
            dir: &self.dir,
        };
        // A chain of its own: the join of the former ticket may yet turn up in the other.
        let chain = ChainId(self.random.next_u64() as u32);
        files.write_chain(chain)?;
        files.write_join(&self.config.identity, ticket, nick, now)?;
        self.ticket = Some(ticket.clone());
        self.stale = true;
        self.reload(now)?;
        Ok(true)
    }

    /// Opens the room in `dir`.
    ///
    /// # Errors
    /// [`EngineError`].
    pub fn open(
        storage: S,
        dir: &Path,
        config: EngineConfig,
        now: Now,
    ) -> Result<Self, EngineError> {
        let no_room = || EngineError::NoRoom {
            dir: dir.to_owned(),
        };
        let room: RoomId = dir
            .file_name()
            .and_then(|name| name.to_str())
            .and_then(|name| name.parse().ok())
            .ok_or_else(no_room)?;
        let files = Files {
            storage: &storage,
            dir,
        };
        let ticket = files.read_ticket()?;
        let has_join = files.read_join(&room)?.is_some();
        let (log, _) = LogWriter::open(storage.clone(), dir, room, config.identity.author())?;
        if log.is_empty() && !has_join {
            return Err(no_room());
        }
        let mut random = Random::new(config.seed);
        let core = load(
            &storage,
            dir,
            &log,
            &config,
            ticket.as_ref(),
            &mut random,
            now,
        )?;
        let engine = Self {
            storage,
            dir: dir.to_owned(),
            config,
            ticket,
            log,
            core,
            random,
            stale: false,
            sweep_at_ms: 0,
        };
        engine.write_view()?;
        Ok(engine)
    }

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
            if let Input::Draft { token, .. } = &input {
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
        let shaped = turn
            .appended
            .iter()
            .any(|line| line.message.shapes_roster());
        if roster_changed || shaped {
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
            Output::Event(RoomEvent::Joined) => {
                let files = Files {
                    storage: &self.storage,
                    dir: &self.dir,
                };
                files.remove_join();
                turn.outputs.push(Output::Event(RoomEvent::Joined));
            }
            output => turn.outputs.push(output),
        }
        Ok(())
    }

    fn append(&mut self, message: &Message, now: Now) -> Result<ArrivalNo, WriteError> {
        let members = self.core.roster().members();
        let nick = members
            .get(&message.header().author)
            .map_or("", |member| &member.nick);
        let own = self.nick();
        let names_owner = message
            .text()
            .is_some_and(|said| text::names_reader(said, own));
        self.log
            .append(message, now.wall, LineInfo { nick, names_owner })
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
        self.stale = self.reload(now).is_err();
        undone
    }

    fn reload(&mut self, now: Now) -> Result<(), EngineError> {
        self.core = load(
            &self.storage,
            &self.dir,
            &self.log,
            &self.config,
            self.ticket.as_ref(),
            &mut self.random,
            now,
        )?;
        self.stale = false;
        Ok(())
    }

    fn write_view(&self) -> Result<(), cc_log::ViewError> {
        let roster = self.core.roster();
        let me = self.config.identity.author();
        let mut view = RosterView::new(
            roster.room(),
            roster.name().to_owned(),
            me,
            self.nick().to_owned(),
        );
        view.through = self.log.len().0;
        view.members = roster
            .members()
            .iter()
            .map(|(author, member)| ViewMember {
                author: *author,
                nick: member.nick.clone(),
                petname: None,
                root: member.root,
                trust: Trust::default(),
            })
            .collect();
        view.save(&self.storage, &self.dir)
    }

    /// Our nickname in the room; empty until somebody let us in.
    pub fn nick(&self) -> &str {
        let me = self.config.identity.author();
        self.core
            .roster()
            .members()
            .get(&me)
            .map_or("", |member| &member.nick)
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

fn load<S: Storage>(
    storage: &S,
    dir: &Path,
    log: &LogWriter<S>,
    config: &EngineConfig,
    ticket: Option<&Ticket>,
    random: &mut Random,
    now: Now,
) -> Result<RoomCore, EngineError> {
    let files = Files { storage, dir };
    let own_chain = files.chain_or_new(random)?;
    let addresses = ticket
        .map(|ticket| ticket.addresses.as_slice())
        .unwrap_or_default();
    let mut seed = [0; 32];
    seed[..16].copy_from_slice(&random.bytes());
    seed[16..].copy_from_slice(&random.bytes());
    let room = RoomConfig {
        identity: config.identity.clone(),
        room: log.room(),
        own_chain,
        pending_join: files.read_join(&log.room())?,
        bootstrap: addresses
            .iter()
            .map(|address| address.id)
            .collect::<Vec<AuthorId>>(),
        gossip: config.gossip,
        seed,
    };
    let stored = Stored {
        heads: log.heads(),
        forks: log.forks(),
        roster: log.roster_messages()?,
        lost: log.lost()?,
    };
    Ok(RoomCore::open(room, &stored, now, log)?)
}
