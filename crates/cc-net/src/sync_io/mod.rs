//! Sync sessions on the wire: framing, deadlines and the orderly end of a connection.
//!
//! One connection and one bidirectional stream a session. What the frames say is the core's
//! business; here they are bytes with a bound.

mod wire;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cc_proto::limits::SYNC_FRAME_BYTES_MAX;
use cc_proto::room::{SessionId, SyncAbortCode};
use iroh::endpoint::{Connection, ConnectionError, RecvStream, SendStream, VarInt};
use tokio::io::{AsyncWriteExt, BufReader, BufWriter};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::room::inbox::{RoomInbox, RoomMessage};
use crate::tuning::{
    FINISH_TIMEOUT, FIRST_FRAME_BYTES_FREE, SESSION_IDLE_TIMEOUT, SESSION_RECEIVE_FRAMES_MAX,
    SESSION_SEND_FRAMES_MAX,
};
use wire::{Budget, Progress, deadline, read_body, read_frame, read_length, write_frame};

/// Closes a connection whose session came to its end.
pub const DONE: VarInt = VarInt::from_u32(0);
/// Closes a connection that got a refusal, the same from a room and where there is no such room.
pub const REFUSED: VarInt = VarInt::from_u32(SyncAbortCode::Refused as u32);
/// Closes a connection of whoever no longer belongs.
const GONE: VarInt = VarInt::from_u32(SyncAbortCode::Gone as u32);
/// Closes a connection that broke, or whose peer broke the framing.
pub const BROKEN: VarInt = VarInt::from_u32(16);
/// Closes a connection whose session did not move for too long.
pub const TOO_SLOW: VarInt = VarInt::from_u32(17);
/// Closes a connection whose room is closing.
pub const GOING_AWAY: VarInt = VarInt::from_u32(18);

/// Large enough that a burst of small frames is one write.
pub const BUFFER_BYTES: usize = 64 * 1024;
/// As much as a refusal needs.
pub const STRANGER_BUFFER_BYTES: usize = 4 * 1024;

/// Why a session ended before its time.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// A frame is longer than allowed.
    #[error("the peer sent a frame of {bytes} bytes, {max} are allowed")]
    FrameTooLong {
        /// What its length field says.
        bytes: usize,
        /// What is allowed.
        max: usize,
    },
    /// The stream or the connection broke.
    #[error("the stream broke")]
    Io(#[from] std::io::Error),
    /// The connection broke.
    #[error("the connection broke")]
    Connection(#[from] ConnectionError),
    /// A deadline passed.
    #[error("the peer is too slow")]
    TooSlow,
    /// The core gave the session up.
    #[error("the room ended the session with code {}", *.code as u32)]
    Aborted {
        /// Why.
        code: SyncAbortCode,
    },
    /// The room is closing.
    #[error("the room is closing")]
    RoomClosed,
}

impl SessionError {
    fn code(&self) -> VarInt {
        match self {
            Self::TooSlow => TOO_SLOW,
            Self::Aborted { code } => VarInt::from_u32(*code as u32),
            Self::RoomClosed => GOING_AWAY,
            Self::FrameTooLong { .. } | Self::Io(_) | Self::Connection(_) => BROKEN,
        }
    }
}

/// Both halves of a session's stream.
#[derive(Debug)]
pub struct SyncStream {
    connection: Connection,
    send: SendStream,
    receive: RecvStream,
    buffer_bytes: usize,
}

impl SyncStream {
    /// Wraps an open bidirectional stream. Buffers of `buffer_bytes` are taken when a session runs
    /// on it, and not before.
    pub fn new(
        connection: Connection,
        send: SendStream,
        receive: RecvStream,
        buffer_bytes: usize,
    ) -> Self {
        Self {
            connection,
            send,
            receive,
            buffer_bytes,
        }
    }

    /// The connection under it.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The first frame of an incoming session, of at most `bytes_max` bytes; none if the peer
    /// closed its side without one. With a `pool`, a frame over [`FIRST_FRAME_BYTES_FREE`] waits
    /// for as many permits as it has bytes, and comes with them. The caller sets the deadline.
    ///
    /// # Errors
    /// When the frame is too long or the stream breaks.
    pub async fn first_frame(
        &mut self,
        bytes_max: usize,
        pool: Option<&Arc<Semaphore>>,
    ) -> Result<Option<(Vec<u8>, Option<OwnedSemaphorePermit>)>, SessionError> {
        let progress = Progress::new();
        let Some(len) = read_length(&mut self.receive, bytes_max).await? else {
            return Ok(None);
        };
        let place = match pool {
            Some(pool) if len > FIRST_FRAME_BYTES_FREE => {
                let permits = u32::try_from(len).unwrap_or(u32::MAX);
                let place = pool.clone().acquire_many_owned(permits).await;
                Some(place.map_err(|_| SessionError::RoomClosed)?)
            }
            _ => None,
        };
        let frame = read_body(&mut self.receive, len, &progress).await?;
        Ok(Some((frame, place)))
    }

    /// Refuses with one last frame, as a room does.
    pub async fn refuse(self, frame: &[u8]) {
        let mut send = BufWriter::with_capacity(STRANGER_BUFFER_BYTES, self.send);
        if write_frame(&mut send, frame, &Progress::new())
            .await
            .is_ok()
        {
            end_stream(&mut send).await.ok();
        }
        self.connection.close(REFUSED, b"");
    }
}

/// The room's end of a session. Dropping it ends the session at once.
#[derive(Debug)]
pub struct SessionHandle {
    commands: mpsc::Sender<SessionCommand>,
    abort: CancellationToken,
    gone: Arc<AtomicBool>,
}

#[derive(Debug)]
enum SessionCommand {
    Frame(Vec<u8>),
    Finish,
    Abort(SyncAbortCode),
}

impl SessionHandle {
    /// Queues a frame. A full queue means that the core ran ahead of its own bound: the session is
    /// aborted.
    pub fn send(&self, frame: Vec<u8>) {
        self.command(SessionCommand::Frame(frame));
    }

    /// Ends our direction after what is queued.
    pub fn finish(&self) {
        self.command(SessionCommand::Finish);
    }

    /// Ends the session after what is queued: the last frame may say why.
    pub fn abort(&self, code: SyncAbortCode) {
        self.command(SessionCommand::Abort(code));
    }

    /// Ends the session at once, as the peer no longer belongs: what is queued does not go.
    pub fn part(self) {
        self.gone.store(true, Ordering::Release);
    }

    fn command(&self, command: SessionCommand) {
        if self.commands.try_send(command).is_err() {
            self.abort.cancel();
        }
    }
}

impl Drop for SessionHandle {
    fn drop(&mut self) {
        self.abort.cancel();
    }
}

/// The far end of a [`SessionHandle`], held by the session's task.
#[derive(Debug)]
pub struct SessionCommands {
    commands: mpsc::Receiver<SessionCommand>,
    abort: CancellationToken,
    gone: Arc<AtomicBool>,
}

/// A handle for the room and what the task of the session listens to. The session also ends when
/// `parent` is cancelled.
pub fn session_handle(parent: &CancellationToken) -> (SessionHandle, SessionCommands) {
    let (tx, rx) = mpsc::channel(SESSION_SEND_FRAMES_MAX);
    let abort = parent.child_token();
    let gone = Arc::new(AtomicBool::new(false));
    (
        SessionHandle {
            commands: tx,
            abort: abort.clone(),
            gone: gone.clone(),
        },
        SessionCommands {
            commands: rx,
            abort,
            gone,
        },
    )
}

/// Moves frames between the wire and the room until both directions have ended, then tells the
/// room. `first` is a frame already read.
///
/// Not cancel safe in one regard: dropped, it does not tell the room.
pub async fn run_session(
    stream: SyncStream,
    session: SessionId,
    first: Option<Vec<u8>>,
    commands: SessionCommands,
    inbox: RoomInbox,
) {
    let SyncStream {
        connection,
        send,
        receive,
        buffer_bytes,
    } = stream;
    let mut send = BufWriter::with_capacity(buffer_bytes, send);
    let mut receive = BufReader::with_capacity(buffer_bytes, receive);
    let SessionCommands {
        commands,
        abort,
        gone,
    } = commands;
    let progress = Progress::new();
    let ended = tokio::select! {
        biased;
        // First: to a peer that was removed not one more frame may go.
        () = abort.cancelled() => Err(if gone.load(Ordering::Acquire) {
            SessionError::Aborted { code: SyncAbortCode::Gone }
        } else {
            SessionError::RoomClosed
        }),
        ended = async {
            let both = tokio::try_join!(
                write_side(&mut send, commands, session, &inbox, &progress),
                read_side(&mut receive, first, session, &inbox, &progress),
            );
            both.map(|_| ())
        } => ended,
        () = progress.stalled(SESSION_IDLE_TIMEOUT) => Err(SessionError::TooSlow),
    };
    let parted = is_closed_with(&connection, GONE);
    match ended {
        Ok(()) => connection.close(DONE, b""),
        // The peer was first to see that all is done.
        Err(_) if is_closed_with(&connection, DONE) => {}
        Err(error) => {
            tracing::debug!(session = session.0, %error, "sync session aborted");
            connection.close(error.code(), b"");
        }
    }
    inbox
        .send(RoomMessage::SessionClosed { session, parted })
        .await
        .ok();
}

/// Whether the peer has closed the connection with this code.
fn is_closed_with(connection: &Connection, code: VarInt) -> bool {
    matches!(
        connection.close_reason(),
        Some(ConnectionError::ApplicationClosed(close)) if close.error_code == code
    )
}

async fn write_side(
    send: &mut BufWriter<SendStream>,
    mut commands: mpsc::Receiver<SessionCommand>,
    session: SessionId,
    inbox: &RoomInbox,
    progress: &Progress,
) -> Result<(), SessionError> {
    loop {
        let command = if let Ok(command) = commands.try_recv() {
            command
        } else {
            deadline(0, send.flush()).await??;
            commands.recv().await.ok_or(SessionError::RoomClosed)?
        };
        match command {
            SessionCommand::Frame(frame) => {
                write_frame(send, &frame, progress).await?;
                inbox
                    .send(RoomMessage::SessionReady { session })
                    .await
                    .map_err(|_| SessionError::RoomClosed)?;
            }
            SessionCommand::Finish => return end_stream(send).await,
            SessionCommand::Abort(code) => {
                end_stream(send).await?;
                return Err(SessionError::Aborted { code });
            }
        }
    }
}

/// Ends our direction and waits until the peer has everything: `finish` does not flush, and a close
/// now would overtake the last frames.
async fn end_stream(send: &mut BufWriter<SendStream>) -> Result<(), SessionError> {
    deadline(0, send.flush()).await??;
    send.get_mut().finish().ok();
    match timeout(FINISH_TIMEOUT, send.get_ref().stopped()).await {
        Ok(_) => Ok(()),
        Err(_) => Err(SessionError::TooSlow),
    }
}

async fn read_side(
    receive: &mut BufReader<RecvStream>,
    first: Option<Vec<u8>>,
    session: SessionId,
    inbox: &RoomInbox,
    progress: &Progress,
) -> Result<(), SessionError> {
    // A permit travels with each frame and comes back when the room has handled it, so that a
    // fast peer fills its own window and not our memory.
    let window = Arc::new(Semaphore::new(SESSION_RECEIVE_FRAMES_MAX));
    let mut next = first;
    let mut budget = Budget::new();
    loop {
        let permit = window
            .clone()
            .acquire_owned()
            .await
            .map_err(|_| SessionError::RoomClosed)?;
        // Whoever sends more than its share waits, by QUIC's flow control, and nobody else does.
        budget.refill(progress).await;
        let frame = match next.take() {
            Some(frame) => frame,
            None => match read_frame(receive, SYNC_FRAME_BYTES_MAX, progress).await? {
                Some(frame) => frame,
                None => return Ok(()),
            },
        };
        budget.spend(frame.len());
        inbox
            .send(RoomMessage::SessionFrame {
                session,
                frame,
                permit,
            })
            .await
            .map_err(|_| SessionError::RoomClosed)?;
        progress.moved();
    }
}
