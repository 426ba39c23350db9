//! Frames on a stream: their bounds, the time that they may take, and how many one peer may send.

use std::time::Duration;

use cc_proto::limits::SYNC_FRAME_BYTES_MAX;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, BufWriter};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::{BUFFER_BYTES, SessionError};
use crate::allowance::Allowance;
use crate::tuning::{
    FRAME_BYTES_PER_SECOND_MIN, FRAME_GRACE, SESSION_BYTES_BURST, SESSION_BYTES_PER_SECOND,
    SESSION_FRAMES_BURST, SESSION_FRAMES_PER_SECOND,
};
use iroh::endpoint::SendStream;

/// Shape: length as u32 little-endian, then that many bytes. None at a clean end of the stream.
pub async fn read_frame(
    receive: &mut (impl AsyncRead + Unpin),
    bytes_max: usize,
    progress: &Progress,
) -> Result<Option<Vec<u8>>, SessionError> {
    match read_length(receive, bytes_max).await? {
        Some(len) => Ok(Some(read_body(receive, len, progress).await?)),
        None => Ok(None),
    }
}

/// How long the frame that follows is, at most `bytes_max`; none at a clean end of the stream.
pub async fn read_length(
    receive: &mut (impl AsyncRead + Unpin),
    bytes_max: usize,
) -> Result<Option<usize>, SessionError> {
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
    Ok(Some(len))
}

/// The `len` bytes of a frame.
pub async fn read_body(
    receive: &mut (impl AsyncRead + Unpin),
    len: usize,
    progress: &Progress,
) -> Result<Vec<u8>, SessionError> {
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
    Ok(deadline(len, body).await??)
}

/// Writes a frame; it may stay in the writer's buffer.
pub async fn write_frame(
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

/// Gives a step on `bytes` bytes the time that it may take.
pub async fn deadline<T>(bytes: usize, future: impl Future<Output = T>) -> Result<T, SessionError> {
    let allowed = FRAME_GRACE + Duration::from_secs(bytes as u64 / FRAME_BYTES_PER_SECOND_MIN);
    timeout(allowed, future)
        .await
        .map_err(|_| SessionError::TooSlow)
}

/// What one peer may still send in a session before it is read more slowly.
#[derive(Debug)]
pub struct Budget {
    frames: Allowance,
    bytes: Allowance,
}

impl Budget {
    /// All of it.
    pub fn new() -> Self {
        Self {
            frames: Allowance::new(SESSION_FRAMES_BURST, SESSION_FRAMES_PER_SECOND),
            bytes: Allowance::new(SESSION_BYTES_BURST, SESSION_BYTES_PER_SECOND),
        }
    }

    /// Returns once nothing is owed. The wait is ours: it does not count as the peer's silence.
    pub async fn refill(&mut self, progress: &Progress) {
        let pause = self.frames.debt().max(self.bytes.debt());
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
            progress.moved();
        }
    }

    /// Takes a frame of so many bytes.
    pub fn spend(&mut self, bytes: usize) {
        self.frames.spend(1);
        self.bytes.spend(bytes as u64);
    }
}

/// When a session last moved, in either direction.
pub struct Progress(watch::Sender<Instant>);

impl Progress {
    /// It has moved just now.
    pub fn new() -> Self {
        Self(watch::Sender::new(Instant::now()))
    }

    /// It moves.
    pub fn moved(&self) {
        self.0.send_replace(Instant::now());
    }

    /// Returns once nothing has moved for `idle`.
    pub async fn stalled(&self, idle: Duration) {
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
    use crate::tuning::SESSION_IDLE_TIMEOUT;

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
    async fn a_flood_is_read_slowly_and_an_ordinary_sync_is_not() {
        let (mut budget, progress) = (Budget::new(), Progress::new());
        let begun = Instant::now();
        for _ in 0..SESSION_FRAMES_BURST {
            budget.refill(&progress).await;
            budget.spend(100);
        }
        assert_eq!(begun.elapsed(), Duration::ZERO);
        for _ in 0..10 * SESSION_FRAMES_PER_SECOND {
            budget.refill(&progress).await;
            budget.spend(100);
        }
        let slowed = begun.elapsed();
        assert!((9..=10).contains(&slowed.as_secs()), "{slowed:?}");
        let mut budget = Budget::new();
        let begun = Instant::now();
        let frame = SYNC_FRAME_BYTES_MAX as u64;
        for _ in 0..(SESSION_BYTES_BURST + 10 * SESSION_BYTES_PER_SECOND) / frame {
            budget.refill(&progress).await;
            budget.spend(SYNC_FRAME_BYTES_MAX);
        }
        assert!((9..=10).contains(&begun.elapsed().as_secs()));
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
