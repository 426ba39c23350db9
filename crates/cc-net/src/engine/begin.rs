//! How a room begins on this machine: made, joined, joined again, or opened as it is stored.

use std::path::Path;
use std::sync::Arc;

use cc_log::{LineInfo, LogWriter, Storage};
use cc_proto::body::{Body, Genesis, Invite, InvitePolicy};
use cc_proto::clock::Now;
use cc_proto::id::{AuthorId, ChainId, Hash, InviteKey, RoomId, Seq, Timestamp};
use cc_proto::identity::Identity;
use cc_proto::limits;
use cc_proto::message::{Message, NewMessage};
use cc_proto::random::Random;
use cc_proto::room::{RoomConfig, RoomCore, Stored};
use cc_proto::ticket::Ticket;

use super::files::Files;
use super::local::Local;
use super::summaries::Summaries;
use super::{EngineConfig, EngineError, RoomEngine};

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
            lifts: Vec::new(),
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
    /// A room that is here already, be it left or removed from, is opened as it is, and asks with
    /// the new ticket.
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
        let former = match Self::open(storage.clone(), &dir, config.clone(), now) {
            Ok(engine) => Some(engine),
            Err(EngineError::NoRoom { .. }) => None,
            Err(error) => return Err(error),
        };
        // Later than all that we wrote there before: a leave that is later than the join would stand.
        let ts = former.map_or(now.wall, |mut engine| engine.core.next_ts(now));
        ask_again(&files, &config.identity, &mut random, ticket, nick, ts)?;
        files.remove_left()?;
        Self::open(storage, &dir, config, now)
    }

    /// Takes up another ticket of the room, and another nick: while nobody has let us in yet, once we
    /// no longer belong, and also where as far as we know we do, for others may know better. All
    /// sessions are gone then. False, and nothing is done, where we came by this very invite and no
    /// member refuses us.
    ///
    /// # Errors
    /// [`EngineError`]; the former ticket may then still stand.
    pub fn renew(&mut self, ticket: &Ticket, nick: &str, now: Now) -> Result<bool, EngineError> {
        let invite = InviteKey::from_bytes(*ticket.invite().author().as_bytes());
        let me = self.config.identity.author();
        let member = self.core.roster().members().get(&me);
        let came_by_it = member.is_some_and(|member| member.invites.contains(&invite));
        if came_by_it && !self.core.is_refused() {
            return Ok(false);
        }
        let files = Files {
            storage: &self.storage,
            dir: &self.dir,
        };
        let identity = &self.config.identity;
        let ts = self.core.next_ts(now);
        ask_again(&files, identity, &mut self.random, ticket, nick, ts)?;
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
        let mut core = load(
            &storage,
            dir,
            &log,
            &config,
            ticket.as_ref(),
            &mut random,
            now,
        )?;
        let local = Local::read(&files);
        core.open_receipts(local.shares_receipts(), Arc::default());
        // A room is as good without them: they are a hint for readers.
        let summaries = Summaries::load(&log).unwrap_or_default();
        let engine = Self {
            storage,
            dir: dir.to_owned(),
            config,
            ticket,
            local,
            log,
            core,
            summaries,
            random,
            stale: false,
            sweep_at_ms: 0,
        };
        engine.write_view()?;
        Ok(engine)
    }
}

/// Writes a join that proves `ticket`, and the ticket.
fn ask_again<S: Storage>(
    files: &Files<'_, S>,
    identity: &Identity,
    random: &mut Random,
    ticket: &Ticket,
    nick: &str,
    ts: Timestamp,
) -> Result<(), EngineError> {
    // A chain of its own: the join of a former ticket may yet turn up in another, and what followed
    // a removal or a leave counts for nothing.
    files.write_chain(ChainId(random.next_u64() as u32))?;
    files.write_join(identity, ticket, nick, ts)
}

/// The core of what is stored.
pub(super) fn load<S: Storage>(
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

#[cfg(test)]
mod tests {
    use super::*;
    use cc_log::FsStorage;
    use cc_proto::room::{Act, Input};

    #[test]
    fn a_join_is_later_than_the_leave_before_it_whatever_the_clock_says() {
        let home = tempfile::tempdir().unwrap();
        let config = EngineConfig {
            identity: Identity::from_seed([1; 32]),
            gossip: false,
            seed: [2; 32],
        };
        let at = |wall| Now {
            wall: Timestamp(wall),
            mono_ms: 0,
        };
        let (rooms, room) = (home.path(), config.clone());
        let mut engine =
            RoomEngine::create(FsStorage, rooms, room, "db", "alice", at(9_000)).unwrap();
        let ticket = engine.ticket().unwrap().clone();
        let turn = engine.turn(
            vec![Input::Act {
                token: 1,
                act: Act::Leave,
            }],
            at(9_000),
        );
        let left = turn.appended.last().unwrap().message.header().ts;
        engine.mark_left().unwrap();
        engine.close().unwrap();

        let engine =
            RoomEngine::join(FsStorage, rooms, config, &ticket, "alice", at(1_000)).unwrap();
        let files = Files {
            storage: &FsStorage,
            dir: engine.dir(),
        };
        let join = files.read_join(&ticket.room).unwrap().unwrap();
        assert!(join.header().ts > left);
    }
}
