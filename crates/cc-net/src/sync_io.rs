//! Sync sessions on the wire: framing, deadlines and the orderly end of a connection.
//!
//! One connection and one bidirectional stream a session. What the frames say is the core's
//! business; here they are bytes with a bound.

use std::sync::Arc;
use std::time::Duration;

use cc_proto::limits::SYNC_FRAME_BYTES_MAX;
use cc_proto::room::{SessionId, SyncAbortCode};
use iroh::endpoint::{Connection, ConnectionError, RecvStream, SendStream, VarInt};
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader, BufWriter};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::room::inbox::{RoomInbox, RoomMessage};
use crate::tuning::{
    FINISH_TIMEOUT, FRAME_BYTES_PER_SECOND_MIN, FRAME_GRACE, SESSION_IDLE_TIMEOUT,
    SESSION_RECEIVE_FRAMES_MAX, SESSION_SEND_FRAMES_MAX,
};

/// Closes a connection whose session came to its end.
pub const DONE: VarInt = VarInt::from_u32(0);
/// Closes a connection that got a refusal, the same from a room and where there is no such room.
pub const REFUSED: VarInt = VarInt::from_u32(SyncAbortCode::Refused as u32);
/// Closes a connection that broke, or whose peer broke the framing.
pub const BROKEN: VarInt = VarInt::from_u32(16);
/// Closes a connection whose session did not move for too long.
pub const TOO_SLOW: VarInt = VarInt::from_u32(17);
/// Closes a connection whose room is closing.
pub const GOING_AWAY: VarInt = VarInt::from_u32(18);

/// Large enough that a burst of small frames is one write.
const BUFFER_BYTES: usize = 64 * 1024;

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

/// Both halves of a session's stream, buffered.
#[derive(Debug)]
pub struct SyncStream {
    connection: Connection,
    send: BufWriter<SendStream>,
    receive: BufReader<RecvStream>,
}

impl SyncStream {
    /// Wraps an open bidirectional stream.
    pub fn new(connection: Connection, send: SendStream, receive: RecvStream) -> Self {
        Self {
            connection,
            send: BufWriter::with_capacity(BUFFER_BYTES, send),
            receive: BufReader::with_capacity(BUFFER_BYTES, receive),
        }
    }

    /// The connection under it.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The first frame of an incoming session, of at most `bytes_max` bytes; none if the peer
    /// closed its side without one. The caller sets the deadline.
    ///
    /// # Errors
    /// When the frame is too long or the stream breaks.
    pub async fn first_frame(&mut self, bytes_max: usize) -> Result<Option<Vec<u8>>, SessionError> {
        read_frame(&mut self.receive, bytes_max, &Progress::new()).await
    }

    /// Refuses with one last frame, as a room does.
    pub async fn refuse(mut self, frame: &[u8]) {
        if write_frame(&mut self.send, frame, &Progress::new())
            .await
            .is_ok()
        {
            end_stream(&mut self.send).await.ok();
        }
        self.connection.close(REFUSED, b"");
    }
}

/// The room's end of a session. Dropping it ends the session at once.
#[derive(Debug)]
pub struct SessionHandle {
    commands: mpsc::Sender<SessionCommand>,
    abort: CancellationToken,
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
}

/// A handle for the room and what the task of the session listens to.
pub fn session_handle() -> (SessionHandle, SessionCommands) {
    let (tx, rx) = mpsc::channel(SESSION_SEND_FRAMES_MAX);
    let abort = CancellationToken::new();
    (
        SessionHandle {
            commands: tx,
            abort: abort.clone(),
        },
        SessionCommands {
            commands: rx,
            abort,
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
        mut send,
        mut receive,
    } = stream;
    let SessionCommands { commands, abort } = commands;
    let progress = Progress::new();
    let ended = tokio::select! {
        ended = async {
            let both = tokio::try_join!(
                write_side(&mut send, commands, session, &inbox, &progress),
                read_side(&mut receive, first, session, &inbox, &progress),
            );
            both.map(|_| ())
        } => ended,
        () = progress.stalled(SESSION_IDLE_TIMEOUT) => Err(SessionError::TooSlow),
        () = abort.cancelled() => Err(SessionError::RoomClosed),
    };
    match ended {
        Ok(()) => connection.close(DONE, b""),
        // The peer was first to see that all is done.
        Err(_) if closed_as_done(&connection) => {}
        Err(error) => {
            tracing::debug!(session = session.0, %error, "sync session aborted");
            connection.close(error.code(), b"");
        }
    }
    inbox
        .send(RoomMessage::SessionClosed { session })
        .await
        .ok();
}

fn closed_as_done(connection: &Connection) -> bool {
    matches!(
        connection.close_reason(),
        Some(ConnectionError::ApplicationClosed(close)) if close.error_code == DONE
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
    loop {
        let permit = window
            .clone()
            .acquire_owned()
            .await
            .map_err(|_| SessionError::RoomClosed)?;
        let frame = match next.take() {
            Some(frame) => frame,
            None => match read_frame(receive, SYNC_FRAME_BYTES_MAX, progress).await? {
                Some(frame) => frame,
                None => return Ok(()),
            },
        };
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

/// Shape: length as u32 little-endian, then that many bytes. None at a clean end of the stream.
async fn read_frame(
    receive: &mut (impl tokio::io::AsyncRead + Unpin),
    bytes_max: usize,
    progress: &Progress,
) -> Result<Option<Vec<u8>>, SessionError> {
    let mut prefix = [0; 4];
    if receive.read(&mut prefix[..1]).await? == 0 {
        return Ok(None);
    }
    deadline(0, receive.read_exact(&mut prefix[1..])).await??;
    let len = u32::from_le_bytes(prefix) as usize;
    if len > bytes_max {
        return Err(SessionError::FrameTooLong {
            bytes: len,
            max: bytes_max,
        });
    }
    let body = async {
        // Memory is taken as bytes come, not as they are promised.
        let mut frame = Vec::with_capacity(len.min(BUFFER_BYTES));
        let mut rest = receive.take(len as u64);
        while frame.len() < len {
            if rest.read_buf(&mut frame).await? == 0 {
                return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof));
            }
            progress.moved();
        }
        Ok(frame)
    };
    Ok(Some(deadline(len, body).await??))
}

async fn write_frame(
    send: &mut BufWriter<SendStream>,
    frame: &[u8],
    progress: &Progress,
) -> Result<(), SessionError> {
    let len = u32::try_from(frame.len()).map_err(|_| SessionError::FrameTooLong {
        bytes: frame.len(),
        max: SYNC_FRAME_BYTES_MAX,
    })?;
    deadline(frame.len(), async {
        send.write_all(&len.to_le_bytes()).await?;
        for chunk in frame.chunks(BUFFER_BYTES) {
            send.write_all(chunk).await?;
            progress.moved();
        }
        Ok::<(), std::io::Error>(())
    })
    .await??;
    progress.moved();
    Ok(())
}

async fn deadline<T>(bytes: usize, future: impl Future<Output = T>) -> Result<T, SessionError> {
    let allowed = FRAME_GRACE + Duration::from_secs(bytes as u64 / FRAME_BYTES_PER_SECOND_MIN);
    timeout(allowed, future)
        .await
        .map_err(|_| SessionError::TooSlow)
}

/// When a session last moved, in either direction.
struct Progress(watch::Sender<Instant>);

impl Progress {
    fn new() -> Self {
        Self(watch::Sender::new(Instant::now()))
    }

    fn moved(&self) {
        self.0.send_replace(Instant::now());
    }

    /// Returns once nothing has moved for `idle`.
    async fn stalled(&self, idle: Duration) {
        loop {
            let due = *self.0.borrow() + idle;
            if Instant::now() >= due {
                return;
            }
            tokio::time::sleep_until(due).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(bytes: &[u8]) -> Result<Option<Vec<u8>>, SessionError> {
        read_frame(&mut &bytes[..], 8, &Progress::new()).await
    }

    #[tokio::test]
    async fn frames_are_bounded_and_never_torn() {
        assert!(read(&[]).await.unwrap().is_none());
        assert_eq!(read(&[0, 0, 0, 0]).await.unwrap().unwrap(), b"");
        assert_eq!(
            read(&[2, 0, 0, 0, b'h', b'i', 9]).await.unwrap().unwrap(),
            b"hi"
        );
        for torn in [&[2, 0][..], &[2, 0, 0, 0], &[2, 0, 0, 0, b'h']] {
            assert!(
                matches!(read(torn).await, Err(SessionError::Io(_))),
                "{torn:?}"
            );
        }
        for long in [[9, 0, 0, 0], [255; 4]] {
            assert!(matches!(
                read(&long).await,
                Err(SessionError::FrameTooLong { .. })
            ));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_trickles_or_stops_runs_into_a_deadline() {
        let (mut theirs, mut ours) = tokio::io::duplex(64);
        theirs.write_all(&[4, 0, 0, 0, 1, 2]).await.unwrap();
        let read = read_frame(&mut ours, 8, &Progress::new()).await;
        assert!(matches!(read, Err(SessionError::TooSlow)));

        let progress = Progress::new();
        let begun = Instant::now();
        let moves = async {
            for _ in 0..3 {
                tokio::time::sleep(SESSION_IDLE_TIMEOUT / 2).await;
                progress.moved();
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = progress.stalled(SESSION_IDLE_TIMEOUT) => {}
            () = moves => {}
        }
        assert_eq!(
            begun.elapsed(),
            SESSION_IDLE_TIMEOUT / 2 * 3 + SESSION_IDLE_TIMEOUT
        );
    }
}
