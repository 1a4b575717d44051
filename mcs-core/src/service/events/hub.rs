//! One task reads what the engine tells, and hands it to all who follow.
//!
//! It runs as long as somebody follows. It never waits for anybody but the engine, and for the store only when it missed
//! something itself.

use super::filter::Heard;
use super::registry::{Message, Registry, Sink, Ticket};
use super::summary::Gathering;
use crate::clock::{Clock, SystemClock};
use crate::domain::{Cursor, EventBatch, TaskId};
use crate::engine::{Engine, EngineEvent};
use crate::store::{StoreError, TaskStore};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Notify, mpsc};

/// Messages that a reader may fall behind before it loses its place.
pub(super) const BEHIND: usize = 256;
/// Batches that are read at once after some were missed.
const CATCH_UP_BATCHES: usize = 64;

/// Hands what happens to those who follow.
#[derive(Debug, Default)]
pub(in crate::service) struct Hub {
    state: Mutex<State>,
    /// Told when the last one left.
    left: Notify,
}

#[derive(Debug, Default)]
struct State {
    registry: Registry,
    /// Whether the task runs.
    runs: bool,
    /// The last batch that it told of, or that was stored before it ran.
    last: u64,
    /// Whether nobody can follow any more.
    stopped: bool,
}

impl Hub {
    /// Follows from now on as a reader.
    pub(super) async fn read(
        self: &Arc<Self>,
        engine: &Engine,
        heard: Heard,
    ) -> Result<Subscription, StoreError> {
        let (queue, messages) = mpsc::channel(BEHIND);
        let behind = Arc::new(AtomicBool::new(false));
        let sink = Sink::Reader {
            queue,
            behind: Arc::clone(&behind),
        };
        let (place, last) = self.subscribe(engine, heard, sink).await?;
        Ok(Subscription {
            messages,
            behind,
            last,
            place,
        })
    }

    /// Sums up from now on.
    pub(super) async fn sum_up(
        self: &Arc<Self>,
        engine: &Engine,
        heard: Heard,
        gathering: Arc<Gathering>,
    ) -> Result<Place, StoreError> {
        let subscribed = self.subscribe(engine, heard, Sink::Summary(gathering));
        Ok(subscribed.await?.0)
    }

    /// Ends everybody's following, and lets nobody begin.
    pub(in crate::service) fn stop(&self) {
        let mut state = self.lock();
        state.stopped = true;
        state.registry.clear();
        drop(state);
        self.left.notify_one();
    }

    /// Adds somebody, and says which batch was told last before. The first one has the store asked for that, before the
    /// engine is listened to: what is stored in between is told, and never passed over.
    async fn subscribe(
        self: &Arc<Self>,
        engine: &Engine,
        heard: Heard,
        sink: Sink,
    ) -> Result<(Place, u64), StoreError> {
        let stored = if self.needs_a_beginning() {
            engine.store().last_batch().await?.0
        } else {
            0
        };
        let mut state = self.lock();
        let hub = Arc::clone(self);
        let ticket = state.registry.add(heard, sink);
        if state.stopped {
            state.registry.clear();
        } else if !state.runs {
            state.runs = true;
            // The last one may have left while this one asked whether somebody follows. What was told until then is
            // not told again.
            state.last = state.last.max(stored);
            // Before anybody can look into the store, so that what comes after their look is told.
            let events = engine.subscribe();
            let store = Arc::clone(engine.store());
            tokio::spawn(run(Arc::clone(self), events, store));
        }
        Ok((Place { hub, ticket }, state.last))
    }

    /// Whether who comes now is the first.
    fn needs_a_beginning(&self) -> bool {
        let state = self.lock();
        !state.runs && !state.stopped
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nobody follows any more, so that the task ends.
    fn is_over(&self) -> bool {
        let mut state = self.lock();
        let over = state.registry.is_empty();
        if over {
            state.runs = false;
        }
        over
    }

    /// The last batch that was told.
    fn last(&self) -> u64 {
        self.lock().last
    }

    fn tell(&self, batch: &Arc<EventBatch>) {
        let mut state = self.lock();
        state.last = batch.seq;
        state.registry.tell(batch);
    }

    fn tell_delta(&self, task: TaskId, text: &str) {
        self.lock().registry.tell_delta(task, text);
    }

    fn tell_gap(&self) {
        let now = SystemClock.now();
        self.lock().registry.tell_gap(now);
    }
}

/// What a reader was sent and has not read yet.
#[derive(Debug)]
pub(super) struct Subscription {
    messages: mpsc::Receiver<Message>,
    behind: Arc<AtomicBool>,
    last: u64,
    place: Place,
}

impl Subscription {
    /// The next message; `None` once there are no more.
    pub(super) async fn next(&mut self) -> Option<Message> {
        self.messages.recv().await
    }

    /// Whether it ended because it was not read fast enough. Comes after [`Subscription::next`] said `None`.
    pub(super) fn fell_behind(&self) -> bool {
        self.behind.load(Ordering::Acquire)
    }

    /// The batch after which it begins.
    pub(super) const fn begins_after(&self) -> u64 {
        self.last
    }

    /// The last batch that all were told of, unless there is a message that was not read yet.
    pub(super) fn read_until(&self) -> Option<u64> {
        // Nothing is told while it is locked, so that the two belong together.
        let state = self.place.hub.lock();
        self.messages.is_empty().then_some(state.last)
    }
}

/// A place among those who follow, which is given up when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    hub: Arc<Hub>,
    ticket: Ticket,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.hub.lock();
        state.registry.remove(self.ticket);
        if state.registry.is_empty() {
            self.hub.left.notify_one();
        }
    }
}

/// Hands on what the engine tells until nobody follows any more.
async fn run(hub: Arc<Hub>, mut events: Receiver<EngineEvent>, store: Arc<dyn TaskStore>) {
    loop {
        let received = tokio::select! {
            biased;
            () = hub.left.notified() => {
                if hub.is_over() {
                    return;
                }
                continue;
            }
            received = events.recv() => received,
        };
        match received {
            Ok(EngineEvent::Batch(batch)) => {
                if hub.last() + 1 < batch.seq {
                    catch_up(&hub, &*store, batch.seq).await;
                }
                if hub.last() < batch.seq {
                    hub.tell(&batch);
                }
            }
            Ok(EngineEvent::Delta { task, text }) => hub.tell_delta(task, &text),
            Err(RecvError::Lagged(count)) => {
                tracing::debug!(count, "events were missed; reading them from the store");
                catch_up(&hub, &*store, u64::MAX).await;
            }
            Err(RecvError::Closed) => {
                hub.stop();
                return;
            }
        }
    }
}

/// Reads the batches before `end` that were missed, once for all who follow.
async fn catch_up(hub: &Hub, store: &dyn TaskStore, end: u64) {
    let mut last = hub.last();
    loop {
        match store.events(Cursor(last), CATCH_UP_BATCHES).await {
            Ok(batches) => {
                let all = batches.len() < CATCH_UP_BATCHES;
                for batch in batches {
                    last = batch.seq;
                    if last >= end {
                        return;
                    }
                    hub.tell(&Arc::new(batch));
                }
                if all {
                    return;
                }
            }
            Err(error) => {
                tracing::warn!(%error, "missed events could not be read");
                hub.tell_gap();
                return;
            }
        }
    }
}
