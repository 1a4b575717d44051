//! Follows the store's events and tells those whom they concern.

use super::EngineEvent;
use super::control::Stop;
use super::shared::Shared;
use crate::domain::{Cursor, EventBatch, EventKind, TaskEvent, TaskId, Timestamp, limits};
use crate::store::Parts;
use std::sync::Arc;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

/// Batches read at once after some were missed.
const CATCH_UP_BATCHES: usize = 256;

/// Follows `events` until the engine stops.
pub(super) async fn follow(shared: Arc<Shared>, mut events: Receiver<Arc<EventBatch>>) {
    let mut stopped = std::pin::pin!(shared.stop.cancelled());
    let mut last: Option<u64> = None;
    // Of what comes before the first batch.
    let mut missed_first = 0;
    loop {
        let received = tokio::select! {
            biased;
            () = &mut stopped => return,
            received = events.recv() => received,
        };
        match received {
            Ok(batch) => {
                if last.is_none() && missed_first > 0 {
                    last = Some(batch.seq.saturating_sub(missed_first + 1));
                    catch_up(&shared, &mut last).await;
                }
                if last.is_none_or(|last| batch.seq > last) {
                    last = Some(batch.seq);
                    tell(&shared, &batch);
                }
            }
            Err(RecvError::Lagged(missed)) => {
                if last.is_none() {
                    missed_first += missed;
                }
                tracing::debug!(missed, "events were missed; looking at everything again");
                catch_up(&shared, &mut last).await;
            }
            Err(RecvError::Closed) => return,
        }
    }
}

fn tell(shared: &Shared, batch: &Arc<EventBatch>) {
    let mut ready: Vec<Arc<str>> = Vec::new();
    let mut answered: Vec<TaskId> = Vec::new();
    let mut wanted: Vec<&TaskEvent> = Vec::new();
    let alike = |one: &TaskEvent, other: &TaskEvent| {
        one.queue == other.queue && one.task_kind == other.task_kind && one.owner == other.owner
    };
    for event in &batch.events {
        match event.kind {
            // Its reason is in the store, which uses it when the task is handed back.
            EventKind::CancelRequested => shared.held.cancel(event.task, None),
            EventKind::InputReceived => answered.push(event.task),
            kind if kind.makes_ready() => {
                let run_at = run_at(event);
                if let Some(run_at) = run_at {
                    shared.dues.note(run_at);
                }
                // The batch may be younger than the event in it, so a time that has come by then was still ahead in the
                // store: it is noted above too.
                if run_at.is_none_or(|run_at| run_at <= batch.at) {
                    if ready.last().is_none_or(|last| **last != *event.queue) {
                        ready.push(Arc::clone(&event.queue));
                    }
                    if wanted.last().is_none_or(|last| !alike(last, event)) {
                        wanted.push(event);
                    }
                }
            }
            _ => {}
        }
    }
    shared.wakes.ready(ready);
    shared.wakes.takers.ready(&wanted);
    if !answered.is_empty() {
        shared.questions.tell(answered.into_iter());
    }
    shared.waiters.tell(batch);
    shared.tell(|| EngineEvent::Batch(Arc::clone(batch)));
}

/// When the task of the event may run, if the event says.
fn run_at(event: &TaskEvent) -> Option<Timestamp> {
    event.detail.as_ref()?.get("run_at")?.as_str()?.parse().ok()
}

/// Reads the batches that were missed, so that subscribers of the engine miss none, and looks again at all that may
/// have changed with those that are no longer kept.
async fn catch_up(shared: &Arc<Shared>, last: &mut Option<u64>) {
    while let Some(after) = *last {
        match shared.store.events(Cursor(after), CATCH_UP_BATCHES).await {
            Ok(batches) if batches.is_empty() => break,
            Ok(batches) => {
                for batch in batches {
                    *last = Some(batch.seq);
                    tell(shared, &Arc::new(batch));
                }
            }
            Err(error) => {
                tracing::warn!(%error, "missed events could not be read");
                break;
            }
        }
    }
    shared.wakes.all();
    shared.dues.note(shared.wall());
    shared.questions.tell_all();
    recheck(shared).await;
}

/// Looks at every task that somebody waits for or that runs here.
async fn recheck(shared: &Shared) {
    let mut tasks = shared.waiters.tasks();
    tasks.extend(shared.held.all().iter().map(|control| control.task));
    for ids in tasks.chunks(limits::PAGE_ROWS) {
        let found = match shared.store.get(ids, Parts::NONE).await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(%error, "tasks that are waited for could not be read");
                return;
            }
        };
        // Each looks for itself whether that is what it waits for.
        shared.waiters.wake(ids.iter().copied());
        for task in found.iter().flatten() {
            if task.cancel_requested_at.is_some()
                && let Some(control) = shared.held.get(task.id)
            {
                control.stop(Stop::Cancel);
            }
        }
    }
}
