use crate::store::InteractionStore;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

/// How often to look.
const PURGE_EVERY: Duration = Duration::from_secs(10);
/// Most events removed in one commit, so that others get their turn.
const PURGED_AT_ONCE: usize = 500;
/// How long others have the store between two such commits.
const BETWEEN_BATCHES: Duration = Duration::from_millis(20);

/// Removes old interactions in the background, until it is stopped or dropped.
#[derive(Debug)]
pub(super) struct Keeper {
    stop: DropGuard,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Keeper {
    /// Starts to remove what is older than `keep`. Needs a runtime.
    pub(super) fn start(store: Arc<dyn InteractionStore>, keep: Duration) -> Self {
        let stop = CancellationToken::new();
        let task = tokio::spawn(purge(store, keep, stop.clone()));
        Self {
            stop: stop.drop_guard(),
            task: Mutex::new(Some(task)),
        }
    }

    /// Stops, and returns once nothing is being removed.
    pub(super) async fn stop(&self) {
        self.stop.token().cancel();
        let task = self.task.lock().await.take();
        if let Some(Err(error)) = match task {
            Some(task) => Some(task.await),
            None => None,
        } {
            tracing::error!(%error, "the removal of old interactions ended badly");
        }
    }
}

async fn purge(store: Arc<dyn InteractionStore>, keep: Duration, stop: CancellationToken) {
    let mut pause = PURGE_EVERY;
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        pause = match store.purge_interactions(keep, PURGED_AT_ONCE, None).await {
            Ok(purged) if purged.more => BETWEEN_BATCHES,
            Ok(_) => PURGE_EVERY,
            Err(error) => {
                tracing::warn!(%error, "old interactions could not be removed; trying again");
                PURGE_EVERY
            }
        };
    }
}
