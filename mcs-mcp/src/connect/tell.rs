use super::asked::{original, with_id};
use super::call::{tell, tell_in};
use super::listen::listen;
use super::message::{Kind, Message};
use super::remote::{Failure, Remote};
use super::session::Sessions;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// What the client says that is not answered.
pub(super) struct Notice {
    pub(super) message: Message,
    pub(super) sessions: Option<Arc<Sessions>>,
    /// The request that need not be answered any more.
    pub(super) cancelled: Option<Call>,
}

/// A request that is under way.
pub(super) struct Call {
    pub(super) task: AbortHandle,
    pub(super) in_session: bool,
    /// The service has it.
    pub(super) arrived: CancellationToken,
    /// The client does not want the answer any more.
    pub(super) unwanted: CancellationToken,
}

/// Longest time that a cancellation waits for its request to arrive: one that overtook it would have no effect.
const ARRIVAL: Duration = Duration::from_secs(2);

/// Tells the service what the client says, one after the other, and listens to each session from when it is ready.
pub(super) async fn tell_all(
    remote: Remote,
    output: mpsc::Sender<Vec<u8>>,
    mut notices: mpsc::Receiver<Notice>,
) {
    let mut listening = JoinSet::new();
    while let Some(notice) = notices.recv().await {
        if let Err(failure) = pass_on(&remote, &notice).await {
            tracing::warn!(%failure, "a notification or an answer was lost");
        }
        if let (Kind::Initialized, Some(sessions)) = (&notice.message.kind, notice.sessions) {
            listening.abort_all();
            listening.spawn(listen(remote.clone(), sessions, output.clone()));
        }
    }
}

async fn pass_on(remote: &Remote, notice: &Notice) -> Result<(), Failure> {
    let (message, sessions) = (&notice.message, notice.sessions.as_deref());
    match (&message.kind, sessions) {
        (Kind::Answer { id }, Some(sessions)) => answer(remote, sessions, message, id).await,
        (Kind::Answer { .. }, None) => {
            tracing::debug!("dropped an answer, since nothing was asked");
            Ok(())
        }
        (Kind::Cancelled { .. }, Some(sessions)) => {
            if let Some(call) = &notice.cancelled {
                let _ = timeout(ARRIVAL, call.arrived.cancelled()).await;
                call.task.abort();
            }
            tell_in(remote, &sessions.current(), &message.body).await
        }
        _ => tell(remote, sessions, message).await,
    }
}

/// Passes on an answer of the client, if what it answers is asked still.
async fn answer(
    remote: &Remote,
    sessions: &Sessions,
    message: &Message,
    id: &str,
) -> Result<(), Failure> {
    let session = sessions.current();
    let answered = session.is_answered(id).then(|| original(id)).flatten();
    let Some(body) = answered.and_then(|id| with_id(&message.body, id)) else {
        tracing::info!(id, "dropped an answer to what is not asked any more");
        return Ok(());
    };
    tell_in(remote, &session, &body).await
}
