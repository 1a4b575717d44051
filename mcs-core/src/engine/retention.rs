//! Removes finished tasks that were kept long enough.

use super::shared::Shared;
use std::sync::Arc;
use std::time::Duration;

/// How often to look.
const PURGE_EVERY: Duration = Duration::from_secs(10);
/// Most tasks removed in one commit, so that others get their turn.
const PURGED_AT_ONCE: usize = 200;
/// How long others have the store between two such commits.
const BETWEEN_BATCHES: Duration = Duration::from_millis(20);

/// Purges until the engine stops.
pub(super) async fn purge(shared: Arc<Shared>) {
    let mut stopped = std::pin::pin!(shared.stop.cancelled());
    let mut pause = PURGE_EVERY;
    loop {
        tokio::select! {
            biased;
            () = &mut stopped => return,
            () = tokio::time::sleep(pause) => {}
        }
        let purged = shared
            .store
            .purge(&shared.settings.retention, PURGED_AT_ONCE, shared.now())
            .await;
        pause = match purged {
            Ok(removed) if removed >= PURGED_AT_ONCE as u64 => BETWEEN_BATCHES,
            Ok(_) => PURGE_EVERY,
            Err(error) => {
                tracing::warn!(%error, "old tasks could not be removed; trying again");
                PURGE_EVERY
            }
        };
    }
}
