use super::seen::Seen;
use crate::domain::Cursor;
use crate::domain::interaction::{EventPage, KeptEvent};
use crate::service::ServiceError;
use crate::store::InteractionStore;
use std::sync::Arc;
use tokio::sync::watch;

/// Follows events as they are stored, in this process or another. Made by [`super::Interactions::follow`].
#[derive(Debug)]
pub struct EventFollower {
    store: Arc<dyn InteractionStore>,
    latest: watch::Receiver<Cursor>,
    seen: Seen,
    place: Cursor,
}

impl EventFollower {
    /// Follows what is `seen` from now on.
    pub(super) fn new(store: Arc<dyn InteractionStore>, seen: Seen) -> Self {
        let latest = store.watch_interactions();
        let place = *latest.borrow();
        Self {
            store,
            latest,
            seen,
            place,
        }
    }

    /// The same after a place. One ahead of the latest is of another time or file: whoever waited for what comes after it
    /// would miss all that comes before it.
    pub(super) fn after(self, place: Cursor) -> Self {
        Self {
            place: place.min(self.place),
            ..self
        }
    }

    /// Waits for events and returns up to `limit` of them, at least one; `None` once the store is closed. Nothing is lost
    /// when its future is dropped.
    pub async fn next(&mut self, limit: usize) -> Result<Option<Vec<KeptEvent>>, ServiceError> {
        loop {
            // Marked as seen before reading, so that what is stored meanwhile wakes the next wait.
            self.latest.borrow_and_update();
            let page = self.read(self.place, limit).await?;
            self.place = page.next;
            if !page.events.is_empty() {
                return Ok(Some(page.events));
            }
            if !page.more && self.latest.changed().await.is_err() {
                return Ok(None);
            }
        }
    }

    /// The place that it has come to, also over events that it left out.
    pub const fn place(&self) -> Cursor {
        self.place
    }

    pub(super) async fn read(
        &self,
        after: Cursor,
        limit: usize,
    ) -> Result<EventPage, ServiceError> {
        match &self.seen {
            Seen::Some(mcp_id) => {
                let page = self
                    .store
                    .interaction_events(mcp_id.as_deref(), after, limit);
                Ok(page.await?)
            }
            Seen::None => Ok(EventPage {
                events: Vec::new(),
                next: after,
                more: false,
            }),
        }
    }
}
