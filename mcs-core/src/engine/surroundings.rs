//! Looks at what no event tells of: which executors can run, and what the queues may do.

use super::shared::Shared;
use crate::domain::QueueInfo;
use std::sync::Arc;
use std::time::Duration;

/// How often to look. Changes made through the engine's own handle are seen at once.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Looks until the engine stops.
pub(super) async fn watch(shared: Arc<Shared>) {
    let mut stopped = std::pin::pin!(shared.stop.cancelled());
    let mut known: (Vec<Arc<str>>, Vec<QueueInfo>) = Default::default();
    loop {
        let kinds = shared.kinds.runnable().await;
        if kinds != known.0 {
            tracing::debug!(?kinds, "the kinds that can run here changed");
            known.0.clone_from(&kinds);
            shared.wakes.kinds(kinds);
        }
        match shared.store.queues().await {
            Ok(infos) if infos != known.1 => {
                known.1.clone_from(&infos);
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
