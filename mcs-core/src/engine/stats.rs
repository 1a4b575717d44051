use super::queues::configured;
use super::settings::Settings;
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
    /// The same as it was set at run time; `None` leaves it to the configuration.
    pub set: Option<u32>,
    /// Those that run here now.
    pub running: usize,
    /// Whether it is paused.
    pub paused: bool,
}

impl EngineQueue {
    /// A queue that nobody changed and that runs nothing.
    pub(super) fn unchanged(name: &str, settings: &Settings) -> Self {
        Self {
            concurrency: configured(name, settings),
            ..Self::default()
        }
    }
}

/// How much one engine does now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EngineLoad {
    /// Attempts that run.
    pub running: usize,
    /// Attempts that wait for answers outside of their queue's slots.
    pub waiting: usize,
}

/// Counts the attempts of this engine.
pub(super) fn load(shared: &Shared) -> EngineLoad {
    attempts(shared).load
}

/// Gathers the statistics.
pub(super) async fn gather(shared: &Shared) -> Result<EngineStats, StoreError> {
    let attempts = attempts(shared);
    Ok(EngineStats {
        store: shared.store.stats(None).await?,
        running: attempts.load.running,
        waiting: attempts.load.waiting,
        queues: serve(shared, attempts).await?,
    })
}

/// Gathers each queue as it is served here.
pub(super) async fn gather_queues(
    shared: &Shared,
) -> Result<BTreeMap<Arc<str>, EngineQueue>, StoreError> {
    serve(shared, attempts(shared)).await
}

/// The attempts of this engine.
#[derive(Debug, Default)]
struct Attempts {
    load: EngineLoad,
    by_queue: BTreeMap<Arc<str>, usize>,
}

fn attempts(shared: &Shared) -> Attempts {
    let mut attempts = Attempts::default();
    for control in shared.held.all() {
        if control.has_left() {
            continue;
        }
        if control.is_waiting() {
            attempts.load.waiting += 1;
            continue;
        }
        attempts.load.running += 1;
        let name = Arc::clone(&control.queue.name);
        *attempts.by_queue.entry(name).or_default() += 1;
    }
    attempts
}

/// Every queue that is configured, stored or runs something.
async fn serve(
    shared: &Shared,
    attempts: Attempts,
) -> Result<BTreeMap<Arc<str>, EngineQueue>, StoreError> {
    let settings = &shared.settings;
    let mut queues: BTreeMap<Arc<str>, EngineQueue> = BTreeMap::new();
    let fresh = |name: &str| EngineQueue::unchanged(name, settings);
    for name in settings.queues.keys() {
        queues.insert(name.as_str().into(), fresh(name));
    }
    for info in shared.store.queues().await? {
        let mut queue = fresh(&info.name);
        if let Some(set) = info.concurrency {
            queue.concurrency = usize::try_from(set).unwrap_or(usize::MAX);
        }
        (queue.set, queue.paused) = (info.concurrency, info.paused);
        queues.insert(info.name, queue);
    }
    for (name, running) in attempts.by_queue {
        let queue = queues.entry(name);
        queue.or_insert_with_key(|name| fresh(name)).running = running;
    }
    Ok(queues)
}
