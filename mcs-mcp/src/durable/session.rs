//! The private session of one attempt: the tool's server finds a client there, which is the attempt.

use rmcp::ServerHandler;
use rmcp::model::InitializeRequestParams;
use rmcp::service::{
    Peer, RoleServer, RunningService, RxJsonRpcMessage, TxJsonRpcMessage, serve_directly,
};
use rmcp::transport::Transport;
use std::io;
use tokio::sync::mpsc;

/// Messages that either side may be ahead of the other.
const BUFFER: usize = 32;

/// What a server sends to its client.
pub(super) type FromServer = TxJsonRpcMessage<RoleServer>;
/// What a client sends to its server.
pub(super) type ToServer = RxJsonRpcMessage<RoleServer>;

/// An open session. It ends with this.
pub(super) struct Session<S: ServerHandler> {
    running: RunningService<RoleServer, S>,
    pub(super) heard: mpsc::Receiver<FromServer>,
    says: mpsc::Sender<ToServer>,
}

impl<S: ServerHandler> Session<S> {
    /// A session of `server` with a client that is as `client` was when it made the call.
    pub(super) fn open(server: S, client: InitializeRequestParams) -> Self {
        let (sender, heard) = mpsc::channel(BUFFER);
        let (says, receiver) = mpsc::channel(BUFFER);
        let pipe = Pipe { sender, receiver };
        Self {
            running: serve_directly(server, pipe, Some(client)),
            heard,
            says,
        }
    }

    /// Whom the tool knows as its client.
    pub(super) fn peer(&self) -> Peer<RoleServer> {
        self.running.peer().clone()
    }

    /// Tells the server something.
    pub(super) async fn say(&self, message: ToServer) {
        // A session ends before this only with the server's own tasks, when the runtime ends.
        let _ = self.says.send(message).await;
    }
}

impl<S: ServerHandler> Drop for Session<S> {
    fn drop(&mut self) {
        self.running.cancellation_token().cancel();
    }
}

/// Two channels, as a transport.
struct Pipe {
    sender: mpsc::Sender<FromServer>,
    receiver: mpsc::Receiver<ToServer>,
}

impl Transport<RoleServer> for Pipe {
    type Error = io::Error;

    fn send(
        &mut self,
        item: FromServer,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        let sender = self.sender.clone();
        async move {
            let sent = sender.send(item).await;
            sent.map_err(|_| io::ErrorKind::BrokenPipe.into())
        }
    }

    async fn receive(&mut self) -> Option<ToServer> {
        self.receiver.recv().await
    }

    fn close(&mut self) -> impl Future<Output = Result<(), Self::Error>> + Send {
        self.receiver.close();
        std::future::ready(Ok(()))
    }
}
