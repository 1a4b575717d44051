//! Makes tasks ready when their time comes.

use super::shared::Shared;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Most tasks made ready in one commit.
const PROMOTED_AT_ONCE: usize = 1000;
/// Shortest time between two looks, so that tasks due one by one do not cost a commit each.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);
/// Longest time between two looks, for what other processes add and no event tells of, such as deadlines and holds.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long to leave a failing store alone.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Promotes until the engine stops.
pub(super) async fn promote(shared: Arc<Shared>) {
    let mut stopped = std::pin::pin!(shared.stop.cancelled());
    loop {
        let noted = shared.dues.take();
        let (next, pause) = match shared.store.promote(PROMOTED_AT_ONCE, shared.now()).await {
            Ok(promotion) => {
                if promotion.ready > 0 || noted.is_some() {
                    // A hold ends without an event of its own.
                    shared.wakes.all();
                }
                (promotion.next_due, SHORTEST_PAUSE)
            }
            Err(error) => {
                tracing::warn!(%error, "due tasks could not be made ready; trying again");
                (noted, AFTER_FAILURE)
            }
        };
        let now = shared.wall();
        let still_ahead = noted.filter(|at| *at > now);
        for at in [next, still_ahead].into_iter().flatten() {
            shared.dues.note(at);
        }
        let began = Instant::now();
        tokio::select! {
            biased;
            () = &mut stopped => return,
            () = tokio::time::sleep(pause) => {}
        }
        tokio::select! {
            biased;
            () = &mut stopped => return,
            () = due(&shared) => {}
            () = tokio::time::sleep_until(began + LONGEST_PAUSE) => shared.wakes.all(),
        }
    }
}

/// Returns when the earliest time noted has come.
async fn due(shared: &Shared) {
    loop {
        let at = shared.dues.earliest().map(|at| shared.instant_of(at));
        tokio::select! {
            () = shared.dues.notified() => {}
            () = tokio::time::sleep_until(at.unwrap_or_else(Instant::now)), if at.is_some() => return,
        }
    }
}
