use super::process;
use super::shared::Shared;
use crate::domain::Worker;
use crate::store::StoreError;

/// A worker, and whether it lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerStatus {
    /// What it says of itself.
    pub worker: Worker,
    /// Whether it lives: what can be known of its process, else what a heartbeat within the length of a lease says. `None`
    /// for one of another machine that was not heard of for longer.
    pub alive: Option<bool>,
    /// Whether it is known to run on another machine, or in another container, than this one.
    pub elsewhere: bool,
    /// Whether it is this engine.
    pub here: bool,
}

/// Every registered worker, this one first, then those heard of last.
pub(super) async fn statuses(shared: &Shared) -> Result<Vec<WorkerStatus>, StoreError> {
    let workers = shared.store.workers().await?;
    let own = shared.worker.clone();
    let oldest = shared.wall().minus(shared.settings.lease);
    let look = move || {
        let look = |worker: Worker| {
            let here = worker.id == own.id;
            let heard_of = worker.heartbeat_at >= oldest;
            let alive = if here {
                Some(true)
            } else {
                process::is_alive(&own, &worker).or(heard_of.then_some(true))
            };
            WorkerStatus {
                elsewhere: process::is_elsewhere(&own, &worker),
                worker,
                alive,
                here,
            }
        };
        workers.into_iter().map(look).collect::<Vec<_>>()
    };
    // It reads files of the kernel.
    let looked = tokio::task::spawn_blocking(look).await;
    // Only a runtime that ends takes the answer away, and the store with it.
    let mut all = looked.map_err(|_| StoreError::Closed)?;
    all.sort_by_key(|status| {
        (
            !status.here,
            std::cmp::Reverse(status.worker.heartbeat_at),
            status.worker.id.clone(),
        )
    });
    Ok(all)
}
