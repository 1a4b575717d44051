use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// A connection that does not end in the face of a client that is still sending.
///
/// Whoever is refused in the middle of a body goes on to send for a while. If the connection was closed with that unread, the
/// system would take back the answer, and the client would never learn why it was refused.
#[derive(Debug)]
pub(super) struct Lingering<T> {
    inner: T,
    longest: Duration,
    /// Set once nothing more is written.
    shut: bool,
    /// Runs from the first byte on that was sent in vain.
    patience: Option<Pin<Box<Sleep>>>,
}

impl<T> Lingering<T> {
    pub(super) fn new(inner: T, longest: Duration) -> Self {
        Self {
            inner,
            longest,
            shut: false,
            patience: None,
        }
    }
}

impl<T: AsyncRead + Unpin> Lingering<T> {
    /// Reads what the client still sends, if it sends anything, until it ends or for as long as that is worth it.
    fn drain(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut bytes = [0; 4096];
        loop {
            let mut buffer = ReadBuf::new(&mut bytes);
            match Pin::new(&mut self.inner).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    let longest = self.longest;
                    let patience = self
                        .patience
                        .get_or_insert_with(|| Box::pin(sleep(longest)));
                    // The clock is asked, since a timer that was never polled does not ring.
                    if Instant::now() >= patience.deadline() {
                        return Poll::Ready(());
                    }
                }
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => {
                    return match &mut self.patience {
                        Some(patience) => patience.as_mut().poll(cx),
                        None => Poll::Ready(()),
                    };
                }
            }
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Lingering<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Lingering<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.shut {
            ready!(Pin::new(&mut self.inner).poll_shutdown(cx))?;
            self.shut = true;
        }
        self.drain(cx).map(Ok)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::time::advance;

    const LONGEST: Duration = Duration::from_secs(2);

    #[tokio::test(start_paused = true)]
    async fn who_has_sent_nothing_more_is_not_waited_for() {
        let (_client, server) = duplex(10);
        let began = Instant::now();
        Lingering::new(server, LONGEST).shutdown().await.unwrap();
        assert_eq!(began.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_still_sending_is_read_until_it_ends_or_for_a_while() {
        for ends in [true, false] {
            let (mut client, server) = duplex(10);
            let sending = tokio::spawn(async move {
                client.write_all(&[0; 100]).await.unwrap();
                if ends {
                    return None;
                }
                Some(client)
            });
            tokio::task::yield_now().await;
            let began = Instant::now();
            let mut server = Lingering::new(server, LONGEST);
            server.shutdown().await.unwrap();
            let took = if ends { Duration::ZERO } else { LONGEST };
            assert_eq!(began.elapsed(), took);
            if let Some(mut client) = sending.await.unwrap() {
                let mut rest = Vec::new();
                client.read_to_end(&mut rest).await.unwrap();
            }
        }
    }

    /// Always has something more to read, which takes some time.
    struct Endless;

    impl AsyncRead for Endless {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            // Time goes on while it is read, without any timer being looked at.
            let mut time = std::pin::pin!(advance(Duration::from_millis(1)));
            let _ = time.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            buffer.put_slice(&[0]);
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_never_leaves_a_pause_is_read_no_longer() {
        let mut connection = Lingering::new(Endless, LONGEST);
        let began = Instant::now();
        std::future::poll_fn(|cx| connection.drain(cx)).await;
        assert!(began.elapsed() <= 2 * LONGEST, "{:?}", began.elapsed());
    }
}
