use super::queues::configured;
use super::shared::Shared;
use crate::domain::Stats;
use crate::store::StoreError;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What an engine and its store know of themselves.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EngineStats {
    /// What the store knows, of all engines.
    pub store: Stats,
    /// Attempts that run in this engine now.
    pub running: usize,
    /// Attempts in this engine that wait for answers outside of their queue's slots.
    pub waiting: usize,
    /// Each queue, as this engine serves it.
    pub queues: BTreeMap<Arc<str>, EngineQueue>,
}

/// A queue as one engine serves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EngineQueue {
    /// Most of its tasks that run here at a time.
    pub concurrency: usize,
    /// Those that run here now.
    pub running: usize,
    /// Whether it is paused.
    pub paused: bool,
}

/// Gathers the statistics.
pub(super) async fn gather(shared: &Shared) -> Result<EngineStats, StoreError> {
    let mut stats = EngineStats {
        store: shared.store.stats(None).await?,
        ..EngineStats::default()
    };
    let settings = &shared.settings;
    for name in settings.queues.keys() {
        let queue = stats.queues.entry(name.as_str().into()).or_default();
        queue.concurrency = configured(name, settings);
    }
    for info in shared.store.queues().await? {
        let concurrency = info.concurrency.map_or_else(
            || configured(&info.name, settings),
            |set| usize::try_from(set).unwrap_or(usize::MAX),
        );
        let queue = stats.queues.entry(info.name).or_default();
        queue.concurrency = concurrency;
        queue.paused = info.paused;
    }
    for control in shared.held.all() {
        if control.has_left() {
            continue;
        }
        if control.is_waiting() {
            stats.waiting += 1;
            continue;
        }
        stats.running += 1;
        let name = Arc::clone(&control.queue.name);
        stats.queues.entry(name).or_default().running += 1;
    }
    Ok(stats)
}
