//! The small files in a room's folder beside the log; `spec/log.md` lists them.

use std::path::Path;

use cc_log::{Durability, Storage};
use cc_proto::body::Body;
use cc_proto::id::{ChainId, RoomId, Seq, Timestamp};
use cc_proto::identity::Identity;
use cc_proto::message::{Message, NewMessage};
use cc_proto::random::Random;
use cc_proto::roster::join_body;
use cc_proto::ticket::Ticket;

use super::EngineError;

const CHAIN_FILE: &str = "chain";
const TICKET_FILE: &str = "ticket";
const PENDING_JOIN_FILE: &str = "pending-join";
const LEFT_FILE: &str = "left";
pub(super) const LOCAL_FILE: &str = "local.json";
const LOCAL_DAMAGED_FILE: &str = "local.json.damaged";
/// Longest `local.json`, in bytes.
const LOCAL_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Longest of them, in bytes.
const SMALL_FILE_BYTES_MAX: u64 = 64 * 1024;

/// Whether the room in `dir` was left.
pub fn is_left(dir: &Path) -> bool {
    dir.join(LEFT_FILE).exists()
}

/// The small files in a room's folder.
pub(super) struct Files<'a, S> {
    pub storage: &'a S,
    pub dir: &'a Path,
}

impl<S: Storage> Files<'_, S> {
    fn failed(&self, name: &str) -> impl FnOnce(std::io::Error) -> EngineError {
        let path = self.dir.join(name);
        move |source| EngineError::File { path, source }
    }

    pub fn make_dir(&self) -> Result<(), EngineError> {
        self.storage
            .create_dir_all(self.dir)
            .map_err(self.failed(""))
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), EngineError> {
        self.storage
            .replace(&self.dir.join(name), bytes, Durability::Synced)
            .map_err(self.failed(name))
    }

    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, EngineError> {
        self.read_up_to(name, SMALL_FILE_BYTES_MAX)
    }

    fn read_up_to(&self, name: &str, bytes_max: u64) -> Result<Option<Vec<u8>>, EngineError> {
        match self.storage.read(&self.dir.join(name), bytes_max) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.failed(name)(error)),
        }
    }

    /// The chain of our own messages. A new one where the file was lost, so that the old chain is
    /// never forked.
    pub fn chain_or_new(&self, random: &mut Random) -> Result<ChainId, EngineError> {
        if let Some(chain) = self.read_chain()? {
            return Ok(chain);
        }
        let chain = ChainId(random.next_u64() as u32);
        self.write_chain(chain)?;
        Ok(chain)
    }

    /// Writes the join that proves `ticket`, to open our chain, and the ticket.
    pub fn write_join(
        &self,
        identity: &Identity,
        ticket: &Ticket,
        nick: &str,
        ts: Timestamp,
    ) -> Result<(), EngineError> {
        let chain = self.read_chain()?.unwrap_or(ChainId(0));
        let (me, invite) = (identity.author(), ticket.invite());
        let new = NewMessage {
            room: ticket.room,
            chain,
            seq: Seq::FIRST,
            prev: None,
            ts,
            via: String::new(),
            re: None,
            body: Body::Join(join_body(&invite, &ticket.room, &me, nick.to_owned())),
        };
        let join = Message::write(identity, new)?;
        self.write(PENDING_JOIN_FILE, &join.to_raw())?;
        self.write_ticket(ticket)
    }

    pub fn write_chain(&self, chain: ChainId) -> Result<(), EngineError> {
        self.write(CHAIN_FILE, chain.0.to_string().as_bytes())
    }

    pub fn write_ticket(&self, ticket: &Ticket) -> Result<(), EngineError> {
        self.write(TICKET_FILE, ticket.to_string().as_bytes())
    }

    /// Left behind it does no harm: a member has no use for it.
    pub fn remove_join(&self) {
        let _ = self.storage.remove(&self.dir.join(PENDING_JOIN_FILE));
    }

    pub fn write_left(&self) -> Result<(), EngineError> {
        self.write(LEFT_FILE, b"")
    }

    pub fn remove_left(&self) -> Result<(), EngineError> {
        match self.storage.remove(&self.dir.join(LEFT_FILE)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(self.failed(LEFT_FILE)(error))
            }
            _ => Ok(()),
        }
    }

    pub fn read_local(&self) -> Result<Option<Vec<u8>>, EngineError> {
        self.read_up_to(LOCAL_FILE, LOCAL_BYTES_MAX)
    }

    pub fn write_local(&self, bytes: &[u8]) -> Result<(), EngineError> {
        self.write(LOCAL_FILE, bytes)
    }

    pub fn keep_damaged_local(&self, bytes: &[u8]) -> Result<(), EngineError> {
        self.write(LOCAL_DAMAGED_FILE, bytes)
    }

    pub fn has_damaged_local(&self) -> bool {
        !matches!(
            self.read_up_to(LOCAL_DAMAGED_FILE, LOCAL_BYTES_MAX),
            Ok(None)
        )
    }

    /// `None` where it is missing or damaged.
    fn read_chain(&self) -> Result<Option<ChainId>, EngineError> {
        let bytes = self.read(CHAIN_FILE)?;
        let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
        Ok(text.and_then(|text| text.trim().parse().ok()).map(ChainId))
    }

    pub fn read_ticket(&self) -> Result<Option<Ticket>, EngineError> {
        let bytes = self.read(TICKET_FILE)?;
        let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
        Ok(text.and_then(|text| text.parse().ok()))
    }

    pub fn read_join(&self, room: &RoomId) -> Result<Option<Message>, EngineError> {
        let bytes = self.read(PENDING_JOIN_FILE)?;
        let join = bytes.and_then(|bytes| Message::from_log(&bytes).ok());
        Ok(join.filter(|join| join.room() == *room))
    }
}
