use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// A connection whose writes fail once the other side has taken nothing for too long.
///
/// A client that stops to read would otherwise hold its place, and whatever an answer holds, for as long as it likes.
#[derive(Debug)]
pub(super) struct Stalling<T> {
    inner: T,
    longest: Duration,
    /// Runs while a write waits.
    stalled: Pin<Box<Sleep>>,
    waiting: bool,
}

impl<T> Stalling<T> {
    pub(super) fn new(inner: T, longest: Duration) -> Self {
        Self {
            inner,
            longest,
            stalled: Box::pin(sleep(longest)),
            waiting: false,
        }
    }

    /// What a write came to, or an error if it waits for too long.
    fn bound<R>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<R>>,
    ) -> Poll<io::Result<R>> {
        if written.is_ready() {
            self.waiting = false;
            return written;
        }
        if !self.waiting {
            self.waiting = true;
            self.stalled.as_mut().reset(Instant::now() + self.longest);
        }
        ready!(self.stalled.as_mut().poll(cx));
        let problem = "the client takes nothing any more";
        Poll::Ready(Err(io::Error::new(ErrorKind::TimedOut, problem)))
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Stalling<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Stalling<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.bound(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(cx, slices);
        self.bound(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.inner).poll_flush(cx);
        self.bound(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.inner).poll_shutdown(cx);
        self.bound(cx, shut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    const LONGEST: Duration = Duration::from_secs(30);

    #[tokio::test(start_paused = true)]
    async fn a_client_that_reads_slowly_is_served_and_one_that_stops_is_not() {
        let (mut client, server) = duplex(10);
        let mut server = Stalling::new(server, LONGEST);
        let writing = tokio::spawn(async move { server.write_all(&[0; 100]).await });
        // The time passes only while everybody waits.
        for _ in 0..3 {
            tokio::time::sleep(LONGEST / 2).await;
            client.read_exact(&mut [0; 10]).await.unwrap();
        }
        assert!(!writing.is_finished());
        let stopped = Instant::now();
        let error = writing.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert_eq!(stopped.elapsed(), LONGEST);
    }
}
