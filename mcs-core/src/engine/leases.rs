//! The heartbeat: of the worker, and of every lease it holds.

use super::control::{Control, Stop};
use super::shared::Shared;
use crate::domain::limits;
use crate::store::{Extension, LeaseState, StoreError};
use std::sync::Arc;
use tokio::time::Instant;

/// Beats until the engine stops.
pub(super) async fn beat(shared: Arc<Shared>) {
    let mut stopped = std::pin::pin!(shared.stop.cancelled());
    let heartbeat = shared.settings.heartbeat;
    let mut next = Instant::now() + heartbeat;
    loop {
        tokio::select! {
            biased;
            () = &mut stopped => return,
            () = tokio::time::sleep_until(next) => {}
        }
        let began = Instant::now();
        next = match beat_once(&shared).await {
            Ok(()) => began + heartbeat,
            Err(error) => {
                tracing::warn!(%error, "a heartbeat failed; trying again soon");
                Instant::now() + heartbeat / 4
            }
        };
    }
}

/// Renews the worker's heartbeat and every lease it holds.
pub(super) async fn beat_once(shared: &Shared) -> Result<(), StoreError> {
    shared.store.beat(&shared.worker, shared.now()).await?;
    // A younger lease lasts until the next heartbeat, and the one after it, in any case.
    let due =
        |control: &Arc<Control>| control.claimed_at.elapsed() >= shared.settings.heartbeat / 2;
    let mut controls = shared.held.all();
    controls.retain(due);
    for controls in controls.chunks(limits::CLAIM_TASKS) {
        let leases = controls.iter().map(|control| Extension {
            task: control.task,
            lease: control.lease,
        });
        let states = shared
            .store
            .extend(leases.collect(), shared.settings.lease, shared.now())
            .await?;
        for (control, state) in controls.iter().zip(states) {
            match state {
                LeaseState::Held => {}
                LeaseState::CancelRequested => control.stop(Stop::Cancel),
                LeaseState::Lost => lost(control),
            }
        }
    }
    Ok(())
}

fn lost(control: &Control) {
    // One that has left its seat is being settled, which ends the lease as well.
    if !control.has_left() {
        tracing::warn!(task = %control.task, "the lease is lost; its attempt ends and its outcome is dropped");
        control.stop(Stop::Lost);
    }
}
