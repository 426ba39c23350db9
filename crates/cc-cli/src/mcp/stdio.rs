//! Standard input, watched for its end.
//!
//! The protocol's library lets running calls go on for seconds after the client has gone; ours end with it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, ReadBuf};
use tokio_util::sync::CancellationToken;

/// A reader that cancels a token at its end, or when it fails.
pub struct Watched<R> {
    inner: R,
    end: CancellationToken,
}

impl<R> Watched<R> {
    /// Watches `inner`.
    pub fn new(inner: R, end: CancellationToken) -> Self {
        Self { inner, end }
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Watched<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let (before, room) = (buffer.filled().len(), buffer.remaining());
        let read = Pin::new(&mut self.inner).poll_read(context, buffer);
        let ended = match &read {
            Poll::Ready(Ok(())) => room > 0 && buffer.filled().len() == before,
            Poll::Ready(Err(error)) => error.kind() != io::ErrorKind::Interrupted,
            Poll::Pending => false,
        };
        if ended {
            self.end.cancel();
        }
        read
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::*;

    #[tokio::test]
    async fn only_the_end_ends_it() {
        let end = CancellationToken::new();
        let mut watched = Watched::new(&b"ab"[..], end.clone());
        let mut bytes = [0; 2];
        watched.read_exact(&mut bytes).await.unwrap();
        assert!(!end.is_cancelled());
        assert_eq!(watched.read(&mut []).await.unwrap(), 0);
        assert!(!end.is_cancelled());
        assert_eq!(watched.read(&mut bytes).await.unwrap(), 0);
        assert!(end.is_cancelled());
    }
}
