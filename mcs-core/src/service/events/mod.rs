//! What happens to tasks: read from the store, and followed as it happens.

mod filter;
mod follower;
mod hub;
mod log_follower;
mod place;
mod portion;
mod registry;
mod resume;
mod summary;

pub use filter::EventFilter;
pub use follower::{EventGap, Followed, TaskFollower};
pub use log_follower::{LogFollower, Logged};
pub use place::{BadEventPlace, EventPlace};
pub use portion::EventPortion;
pub use summary::{EventSummary, SummaryFollower};

pub(super) use hub::Hub;

use super::{Principal, Scope, ServiceError, Tasks};
use crate::domain::{Cursor, EventBatch, LogEntry, PageRequest, TaskId};
use crate::engine::Engine;
use crate::store::{Parts, TaskEvents};
use filter::Heard;
use std::sync::Arc;
use summary::Gathering;

impl Tasks<'_> {
    /// Up to `limit` lines of a task's log after number `after`; 0 is the beginning.
    pub async fn log(
        &self,
        who: &Principal,
        id: TaskId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<LogEntry>, ServiceError> {
        PageRequest::first(limit).check()?;
        self.find(who, Scope::Read, id, Parts::NONE).await?;
        Ok(self.store().log(id, after, limit).await?)
    }

    /// Up to `limit` batches of events after `after`, oldest first; `Cursor(0)` is the beginning of what is kept. The
    /// `seq` of the last batch is the cursor to go on from. Events of tasks that are not seen are left out, which may
    /// leave a batch empty.
    pub async fn events(
        &self,
        who: &Principal,
        after: Cursor,
        limit: usize,
    ) -> Result<Vec<EventBatch>, ServiceError> {
        who.needs(Scope::Read)?;
        PageRequest::first(limit).check()?;
        let mut batches = self.store().events(after, limit).await?;
        for batch in &mut batches {
            batch.events.retain(|event| who.sees(&event.owner));
        }
        Ok(batches)
    }

    /// What happened to one task, see [`crate::store::TaskStore::task_events`]: up to `limit` of the batches after `after` that tell of
    /// it, with its own events only.
    pub async fn task_events(
        &self,
        who: &Principal,
        id: TaskId,
        after: Cursor,
        limit: usize,
    ) -> Result<TaskEvents, ServiceError> {
        PageRequest::first(limit).check()?;
        self.find(who, Scope::Read, id, Parts::NONE).await?;
        Ok(self.store().task_events(id, after, limit).await?)
    }

    /// Follows what happens to tasks: from now on, and maybe from what happened a moment before, or everything after a place that an earlier follower came to. Events of
    /// tasks that are not seen are left out. Who does not go on from a place costs no read of the store, but for the first
    /// of all who follow, and for one with [`EventFilter::deltas`].
    pub async fn follow(
        &self,
        who: &Principal,
        filter: EventFilter,
        after: Option<EventPlace>,
    ) -> Result<TaskFollower, ServiceError> {
        let heard = self.heard(who, filter).await?;
        let (hub, engine) = self.hub_and_engine();
        match after {
            Some(place) => TaskFollower::after(hub, engine, heard, place).await,
            None => TaskFollower::now(hub, engine, heard).await,
        }
    }

    /// Sums up what happens to tasks from now on: for whoever shows much of it, and never falls behind.
    pub async fn summarize(
        &self,
        who: &Principal,
        filter: EventFilter,
    ) -> Result<SummaryFollower, ServiceError> {
        let heard = self.heard(who, filter).await?;
        let (hub, engine) = self.hub_and_engine();
        let gathering = Arc::<Gathering>::default();
        let place = hub.sum_up(&engine, heard, Arc::clone(&gathering)).await?;
        Ok(SummaryFollower::new(gathering, place))
    }

    /// Follows the log of a task from line `after` on, until the task has finished.
    pub async fn follow_log(
        &self,
        who: &Principal,
        id: TaskId,
        after: u64,
    ) -> Result<LogFollower, ServiceError> {
        self.find(who, Scope::Read, id, Parts::NONE).await?;
        let (hub, engine) = self.hub_and_engine();
        Ok(LogFollower::new(hub, engine, who, id, after))
    }

    async fn heard(&self, who: &Principal, mut filter: EventFilter) -> Result<Heard, ServiceError> {
        who.needs(Scope::Read)?;
        filter.check()?;
        let kind = filter.kind.as_deref().map(|kind| self.kind_named(kind));
        filter.kind = kind.transpose()?.map(ToOwned::to_owned);
        if let Some(task) = filter.task.filter(|_| filter.deltas) {
            // They do not say whose they are.
            self.find(who, Scope::Read, task, Parts::NONE).await?;
        }
        Ok(Heard::new(who.clone(), filter))
    }

    fn hub_and_engine(self) -> (Arc<Hub>, Engine) {
        (
            Arc::clone(&self.service.0.hub),
            self.service.engine().clone(),
        )
    }
}
