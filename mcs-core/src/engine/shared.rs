//! What the handle and the background tasks of one engine share.

use super::EngineEvent;
use super::dues::Dues;
use super::held::Held;
use super::kinds::KindRegistry;
use super::questions::Questions;
use super::settings::Settings;
use super::waiters::Waiters;
use super::wakes::Wakes;
use crate::clock::{Clock, SystemClock};
use crate::domain::{Timestamp, Worker};
use crate::executor::Signalled;
use crate::reporter::InteractionReporter;
use crate::store::TaskStore;
use crate::telemetry::EngineMeters;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, broadcast, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Event batches and deltas that a slow subscriber may fall behind.
pub(super) const SUBSCRIBER_BUFFER: usize = crate::domain::limits::EVENT_BUFFER;

/// What the handle and the background tasks share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) store: Arc<dyn TaskStore>,
    pub(super) kinds: KindRegistry,
    pub(super) settings: Settings,
    pub(super) reporter: Arc<dyn InteractionReporter>,
    pub(super) meters: EngineMeters,
    /// The injected clock; `None` leaves the time to the store.
    pub(super) clock: Option<Arc<dyn Clock>>,
    pub(super) worker: Worker,
    pub(super) held: Held,
    pub(super) wakes: Wakes,
    pub(super) dues: Dues,
    pub(super) waiters: Waiters,
    pub(super) questions: Questions,
    /// Told to look at queues and executors at once.
    pub(super) look: Notify,
    pub(super) signals: mpsc::Sender<Signalled>,
    pub(super) subscribers: broadcast::Sender<EngineEvent>,
    /// Ends every background task.
    pub(super) stop: CancellationToken,
}

impl Shared {
    /// The time to give to the store.
    pub(super) fn now(&self) -> Option<Timestamp> {
        self.clock.as_ref().map(|clock| clock.now())
    }

    /// The time as this process sees it.
    pub(super) fn wall(&self) -> Timestamp {
        self.clock
            .as_ref()
            .map_or_else(|| SystemClock.now(), |clock| clock.now())
    }

    /// When a timer for `at` rings.
    pub(super) fn instant_of(&self, at: Timestamp) -> Instant {
        later(Instant::now(), at.since(self.wall()))
    }

    /// Tells the subscribers, if there are any.
    pub(super) fn tell(&self, event: impl FnOnce() -> EngineEvent) {
        if self.subscribers.receiver_count() > 0 {
            // The last receiver may have gone in between.
            let _ = self.subscribers.send(event());
        }
    }
}

/// `delay` after `start`, at most a far time that timers can hold.
pub(super) fn later(start: Instant, delay: Duration) -> Instant {
    const FAR: Duration = Duration::from_hours(30 * 365 * 24);
    start + delay.min(FAR)
}
