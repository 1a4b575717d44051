//! Looks at what no event tells of: which executors can run, and what the queues may do.

use super::shared::Shared;
use crate::domain::QueueInfo;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How often to look. Changes made through the engine's own handle are seen at once.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Looks at executors until the engine stops, and at once when there is a new one. They are asked side by side, and one
/// that takes its time to answer holds up no other.
pub(super) async fn watch_kinds(shared: Arc<Shared>) {
    let mut stopped = std::pin::pin!(shared.stop.cancelled());
    let mut known = BTreeSet::new();
    let mut looks: FuturesUnordered<_> = shared.kinds.looks().into_iter().collect();
    let mut next = Instant::now();
    loop {
        let (name, runs) = tokio::select! {
            biased;
            () = &mut stopped => return,
            // Those that were asked a moment ago answer from memory.
            () = shared.kinds.added() => {
                looks.extend(shared.kinds.looks());
                continue;
            }
            Some(look) = looks.next(), if !looks.is_empty() => {
                next = Instant::now() + LOOK_EVERY;
                look
            }
            () = tokio::time::sleep_until(next), if looks.is_empty() => {
                looks.extend(shared.kinds.looks());
                next = Instant::now() + LOOK_EVERY;
                continue;
            }
        };
        let changed = if runs {
            known.insert(name)
        } else {
            known.remove(&name)
        };
        if changed {
            tracing::debug!(kinds = ?known, "the kinds that can run here changed");
            shared.wakes.kinds(known.iter().cloned().collect());
        }
    }
}

/// Looks at the queues until the engine stops.
pub(super) async fn watch_queues(shared: Arc<Shared>) {
    let mut stopped = std::pin::pin!(shared.stop.cancelled());
    let mut known: Vec<QueueInfo> = Vec::new();
    loop {
        match shared.store.queues().await {
            Ok(infos) if infos != known => {
                known.clone_from(&infos);
                shared.wakes.infos(infos);
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "the queues could not be read"),
        }
        tokio::select! {
            biased;
            () = &mut stopped => return,
            () = shared.look.notified() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}
