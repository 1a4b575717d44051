//! Takes back the tasks of workers that died.

use super::leases::beat_once;
use super::process;
use super::shared::Shared;
use crate::domain::{Worker, WorkerId};
use crate::store::StoreError;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Most tasks taken back in one commit.
const REAPED_AT_ONCE: usize = 500;
/// Longest time between two looks.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// After so many leases without a heartbeat a worker that cannot be looked at is taken off the list.
const FORGOTTEN_AFTER_LEASES: u32 = 20;

/// Reaps until the engine stops.
pub(super) async fn reap(shared: Arc<Shared>) {
    let mut stopped = std::pin::pin!(shared.stop.cancelled());
    let pause = LONGEST_PAUSE.min(shared.settings.heartbeat);
    loop {
        let next = Instant::now() + pause;
        tokio::select! {
            biased;
            () = &mut stopped => return,
            () = tokio::time::sleep_until(next) => {}
        }
        if let Err(error) = reap_once(&shared).await {
            tracing::warn!(%error, "tasks of dead workers could not be taken back; trying again");
        }
    }
}

/// Takes back whatever the dead hold now.
pub(super) async fn reap_once(shared: &Shared) -> Result<(), StoreError> {
    // After a suspend our own leases may have run out too; nobody took them yet, so they are renewed first.
    beat_once(shared).await?;
    let mut others = shared.store.workers().await?;
    others.retain(|worker| worker.id != shared.worker.id);
    let stale = stale(shared, &others);
    let dead = dead_among(&shared.worker, others).await;
    loop {
        let reaped = shared
            .store
            .reap(&dead, REAPED_AT_ONCE, shared.now())
            .await?;
        for task in &reaped {
            tracing::info!(task = %task.id, status = %task.status, "taken back from a dead worker");
        }
        if reaped.len() < REAPED_AT_ONCE {
            break;
        }
    }
    let mut forgotten = dead;
    forgotten.extend(stale);
    if !forgotten.is_empty() {
        shared.store.forget_workers(&forgotten).await?;
    }
    Ok(())
}

/// Workers whose leases ran out long ago. One that comes back registers itself again.
fn stale(shared: &Shared, workers: &[Worker]) -> Vec<WorkerId> {
    let oldest = shared
        .wall()
        .minus(shared.settings.lease.saturating_mul(FORGOTTEN_AFTER_LEASES));
    let old = workers.iter().filter(|worker| worker.heartbeat_at < oldest);
    old.map(|worker| worker.id.clone()).collect()
}

async fn dead_among(own: &Worker, others: Vec<Worker>) -> Vec<WorkerId> {
    if others.is_empty() {
        return Vec::new();
    }
    let own = own.clone();
    let looked = tokio::task::spawn_blocking(move || {
        let dead = others
            .iter()
            .filter(|other| process::is_provably_dead(&own, other));
        dead.map(|worker| worker.id.clone()).collect()
    });
    // A look that failed proves nothing.
    looked.await.unwrap_or_default()
}
