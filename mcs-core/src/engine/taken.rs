//! Manual tasks that callers outside of the engine take, do the work of, and bring back. Nothing renews their leases but
//! their takers, and nothing is known of these: a lease that runs out is all there is.

use super::Engine;
use super::control::Stop;
use super::verdict::{End, Facts, verdict};
use crate::domain::{
    Claim, Dispatch, LaneDemand, LeaseNumber, Outcome, Progress, QueueDemand, SettleReply,
    Settlement, Task, TaskId, Usage, WorkerId, limits,
};
use crate::executor::{self, ExecuteError};
use crate::store::{Append, AppendReply, Entry, Extension, LeaseState, StoreError};
use std::sync::Arc;

/// Which task a taker wants.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Of this owner.
    pub owner: Option<String>,
    /// In this queue.
    pub queue: Option<String>,
    /// Of this kind.
    pub kind: Option<String>,
    /// With this work directory.
    pub work_directory: Option<String>,
}

impl Engine {
    /// Gives a manual task to `worker` for [`limits::TAKEN_LEASE`]: the first of a queue by its order. Queues are looked at
    /// from a random one on, so that none is always first. Of an owner or a work directory it finds those among the first
    /// [`limits::CLAIM_LOOKS`] that are ready; who has more of others in front keeps theirs in a queue of their own.
    pub async fn take(&self, worker: WorkerId, wanted: Wanted) -> Result<Option<Task>, StoreError> {
        let shared = &self.0.shared;
        let queues = self.demands(&wanted).await?;
        if queues.is_empty() {
            return Ok(None);
        }
        let claim = Claim {
            worker,
            settle: Vec::new(),
            queues,
            limit: 1,
            dispatch: Dispatch::Manual,
            work_directory: wanted.work_directory,
            owner: wanted.owner,
            task: None,
            lease: limits::TAKEN_LEASE,
        };
        let claimed = shared.store.claim(claim, shared.now()).await?;
        Ok(claimed.tasks.into_iter().next())
    }

    /// The lanes that may have a task that is wanted.
    async fn demands(&self, wanted: &Wanted) -> Result<Vec<QueueDemand>, StoreError> {
        let owner = wanted.owner.as_deref();
        let ready = self.store().ready_work(Dispatch::Manual, owner).await?;
        let meant = |asked: &Option<String>, name: &Arc<str>| {
            asked.as_ref().is_none_or(|asked| **asked == **name)
        };
        let ready = ready
            .into_iter()
            .filter(|work| meant(&wanted.queue, &work.queue) && meant(&wanted.kind, &work.kind));
        let mut demands: Vec<QueueDemand> = Vec::new();
        for work in ready {
            let lane = LaneDemand {
                kind: work.kind.to_string(),
                limit_key: None,
                slots: 1,
            };
            match demands.last_mut().filter(|last| *last.queue == *work.queue) {
                Some(last) => last.lanes.push(lane),
                None => demands.push(QueueDemand {
                    queue: work.queue.to_string(),
                    slots: 1,
                    lanes: vec![lane],
                }),
            }
        }
        if !demands.is_empty() {
            let first = fastrand::usize(..demands.len());
            demands.rotate_left(first);
        }
        Ok(demands)
    }

    /// Renews a taker's lease.
    pub async fn extend_taken(
        &self,
        task: TaskId,
        lease: LeaseNumber,
    ) -> Result<LeaseState, StoreError> {
        let shared = &self.0.shared;
        let leases = vec![Extension { task, lease }];
        let states = shared
            .store
            .extend(leases, limits::TAKEN_LEASE, shared.now())
            .await?;
        Ok(states.first().copied().unwrap_or(LeaseState::Lost))
    }

    /// Stores how far a taker is.
    pub async fn progress_of_taken(
        &self,
        task: TaskId,
        lease: LeaseNumber,
        progress: Progress,
    ) -> Result<AppendReply, StoreError> {
        let shared = &self.0.shared;
        let append = Append {
            task,
            lease: Some(lease),
            entry: Entry::Progress(progress),
        };
        let replies = shared.store.append(vec![append], shared.now()).await?;
        Ok(replies.first().copied().unwrap_or(AppendReply::Missing))
    }

    /// Settles what came of a taker's work, as if an executor here had returned it.
    pub async fn settle_taken(
        &self,
        task: &Task,
        lease: LeaseNumber,
        ended: Result<executor::Outcome, ExecuteError>,
        mut usage: Usage,
    ) -> Result<SettleReply, StoreError> {
        let shared = &self.0.shared;
        let now = shared.wall();
        let ran = task.started_at.map(|started| now.since(started));
        usage.duration_ms = u64::try_from(ran.unwrap_or_default().as_millis()).unwrap_or(u64::MAX);
        let facts = Facts {
            task,
            stop: task.cancel_requested_at.map(|_| Stop::Cancel),
            cancel_reason: None,
            usage: &usage,
            timeout: limits::TAKEN_LEASE,
            retry: &shared.settings.retry,
            now,
            jitter: fastrand::f64(),
        };
        let outcome = match verdict(&facts, End::Returned(ended)) {
            // Why somebody asked for the end is in the store, which says it when the task is handed back.
            Some(Outcome::Cancel(_)) if task.cancel_requested_at.is_some() => Outcome::Release,
            Some(outcome) => outcome,
            None => Outcome::Release,
        };
        let settlement = Settlement {
            task: task.id,
            lease,
            outcome,
            usage,
        };
        let replies = shared.store.settle(vec![settlement], shared.now()).await?;
        Ok(replies.first().copied().unwrap_or(SettleReply::Missing))
    }
}
