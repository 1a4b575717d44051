use super::filter::Heard;
use super::follower::EventGap;
use super::place::EventPlace;
use super::portion::EventPortion;
use crate::domain::Cursor;
use crate::store::{StoreError, TaskEvents, TaskStore};
use std::cmp::Ordering;
use std::sync::Arc;

/// Batches that are read at once. They may be large, and many may resume at a time.
const BATCHES: usize = 16;

/// Reads what came after a place, page by page.
#[derive(Debug)]
pub(super) struct Resume {
    place: EventPlace,
    next: Cursor,
}

/// Part of what came after a place.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) portions: Vec<EventPortion>,
    /// No batch up to this one has anything that was not read.
    pub(super) until: u64,
    /// Whether the store had no more.
    pub(super) is_last: bool,
}

impl Resume {
    /// Begins after `place`, and says whether something is missing from there on.
    pub(super) async fn after(
        store: &Arc<dyn TaskStore>,
        place: EventPlace,
    ) -> Result<(Self, Option<EventGap>), StoreError> {
        let next = place.before_its_batch();
        let first = store.events(next, 1).await?;
        let gap = match first.first().map(|batch| batch.seq) {
            // Before all events there is nothing to miss.
            _ if place.seq() == 0 => None,
            None => Self::without_events(place.seq(), store.last_batch().await?.0),
            Some(seq) if seq > place.seq() => Some(EventGap::Forgotten),
            Some(_) => None,
        };
        Ok((Self { place, next }, gap))
    }

    /// What is missing where nothing is kept from the batch of the place on.
    fn without_events(seq: u64, last: u64) -> Option<EventGap> {
        match seq.cmp(&last) {
            Ordering::Less => Some(EventGap::Forgotten),
            Ordering::Equal => None,
            Ordering::Greater => Some(EventGap::Ahead),
        }
    }

    /// The next page. When its future is dropped, the same is read again.
    pub(super) async fn read(
        &mut self,
        store: &Arc<dyn TaskStore>,
        heard: &Heard,
    ) -> Result<Page, StoreError> {
        let found = if let Some(task) = heard.task() {
            store.task_events(task, self.next, BATCHES).await?
        } else {
            let batches = store.events(self.next, BATCHES).await?;
            let last = batches.last().map(|batch| Cursor(batch.seq));
            TaskEvents {
                next: last.filter(|_| batches.len() == BATCHES),
                batches,
            }
        };
        let last = found.batches.last().map(|batch| Cursor(batch.seq));
        self.next = found.next.or(last).unwrap_or(self.next);
        let batches = found.batches.into_iter().map(Arc::new);
        let portions =
            batches.filter_map(|batch| EventPortion::of(&batch, heard, Some(self.place)));
        Ok(Page {
            portions: portions.collect(),
            until: self.next.0,
            is_last: found.next.is_none(),
        })
    }
}
