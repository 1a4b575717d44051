use super::uses::{Use, Uses};
use rmcp::model::{ClientNotification, JsonRpcMessage, RequestId};
use rmcp::service::{RoleServer, RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use std::collections::HashMap;

/// What a session is carried by, which counts the calls that are under way as its uses. A client may have left the stream
/// of a call and come back for its answer.
pub(super) struct Counted<T> {
    inner: T,
    uses: Uses,
    calls: HashMap<RequestId, Use>,
}

impl<T> Counted<T> {
    pub(super) fn new(inner: T, uses: Uses) -> Self {
        Self {
            inner,
            uses,
            calls: HashMap::new(),
        }
    }
}

impl<T: Transport<RoleServer>> Transport<RoleServer> for Counted<T> {
    type Error = T::Error;

    fn send(
        &mut self,
        item: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        let answered = match &item {
            JsonRpcMessage::Response(answer) => self.calls.remove(&answer.id),
            JsonRpcMessage::Error(error) => error.id.as_ref().and_then(|id| self.calls.remove(id)),
            JsonRpcMessage::Request(_) | JsonRpcMessage::Notification(_) => None,
        };
        let sending = self.inner.send(item);
        async move {
            let sent = sending.await;
            drop(answered);
            sent
        }
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        let message = self.inner.receive().await?;
        match &message {
            JsonRpcMessage::Request(request) => {
                self.calls.insert(request.id.clone(), self.uses.begin());
            }
            JsonRpcMessage::Notification(notification) => {
                // A call that was cancelled may never be answered.
                if let ClientNotification::CancelledNotification(cancelled) =
                    &notification.notification
                    && let Some(id) = &cancelled.params.request_id
                {
                    self.calls.remove(id);
                }
            }
            JsonRpcMessage::Response(_) | JsonRpcMessage::Error(_) => {}
        }
        Some(message)
    }

    fn close(&mut self) -> impl Future<Output = Result<(), Self::Error>> + Send {
        self.calls.clear();
        self.inner.close()
    }
}
