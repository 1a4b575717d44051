use rmcp::model::JsonRpcMessage;
use rmcp::service::{RoleServer, RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use rmcp::transport::async_rw::AsyncRwTransport;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

/// Messages as lines, with two things that a long-lived server needs on top of reading them: a stray notification before
/// the handshake does not end it, and the end of input is known before calls under way have been answered.
///
/// Lines over 16 MiB and lines that are no JSON, or JSON nested too deep, are dropped by the transport inside.
pub(crate) struct Lines<R: AsyncRead, W: AsyncWrite> {
    inner: AsyncRwTransport<RoleServer, R, W>,
    opened: Arc<AtomicBool>,
    ended: CancellationToken,
}

impl<R, W> Lines<R, W>
where
    R: AsyncRead + Send + Unpin,
    W: AsyncWrite + Send + Unpin + 'static,
{
    /// Reads and writes lines. `opened` is set by whoever sees the handshake succeed; `ended` fires at the end of input.
    pub(crate) fn new(
        read: R,
        write: W,
        opened: Arc<AtomicBool>,
        ended: CancellationToken,
    ) -> Self {
        Self {
            inner: AsyncRwTransport::new_server(read, write),
            opened,
            ended,
        }
    }
}

impl<R, W> Transport<RoleServer> for Lines<R, W>
where
    R: AsyncRead + Send + Unpin,
    W: AsyncWrite + Send + Unpin + 'static,
{
    type Error = io::Error;

    fn send(
        &mut self,
        item: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        self.inner.send(item)
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        loop {
            let message = self.inner.receive().await;
            match &message {
                None => self.ended.cancel(),
                Some(JsonRpcMessage::Request(_)) => {}
                Some(_) if !self.opened.load(Ordering::Acquire) => {
                    tracing::warn!(
                        "dropped a message that is no request and came before the handshake"
                    );
                    continue;
                }
                Some(_) => {}
            }
            return message;
        }
    }

    fn close(&mut self) -> impl Future<Output = Result<(), Self::Error>> + Send {
        self.inner.close()
    }
}
