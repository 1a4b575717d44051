//! Manual tasks that callers outside of the engine take, do the work of, and bring back. Nothing renews their leases but
//! their takers, and nothing is known of these: a lease that runs out is all there is.

use super::Engine;
use super::control::Stop;
use super::shared::{Shared, later};
use super::verdict::{End, Facts, verdict};
use crate::domain::{
    Claim, Dispatch, LaneDemand, LeaseNumber, Outcome, Progress, QueueDemand, SettleReply,
    Settlement, Task, TaskId, Usage, WorkerId, limits,
};
use crate::executor::{self, ExecuteError};
use crate::store::{Append, AppendReply, Entry, Extension, LeaseState, StoreError};
use crate::telemetry::Ended;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};

/// Shortest time between two looks of one who waits: what becomes ready for the dispatcher wakes it too.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);

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
    /// Under a lease of this length; `None` for [`limits::TAKEN_LEASE`].
    pub lease: Option<Duration>,
    /// How long to wait for one.
    pub wait: Duration,
}

impl Engine {
    /// Gives a manual task to `worker`: the first of a queue by its order. Queues are looked at from a random one on, so
    /// that none is always first. Of an owner or a work directory it finds those among the first [`limits::CLAIM_LOOKS`]
    /// that are ready; who has more of others in front keeps theirs in a queue of their own. Where there is none it waits
    /// as long as is wanted, and looks again when tasks become ready that may be wanted. Of those who wait for the same, few
    /// look at a time.
    pub async fn take(&self, worker: WorkerId, wanted: Wanted) -> Result<Option<Task>, StoreError> {
        let shared = &self.0.shared;
        let until = later(Instant::now(), wanted.wait);
        let found = self.look(&worker, &wanted).await?;
        if found.is_some() || wanted.wait.is_zero() {
            return Ok(found);
        }
        let place = shared.wakes.takers.join(&wanted);
        let _turn = tokio::select! {
            biased;
            () = shared.stop.cancelled() => return Ok(None),
            () = sleep_until(until) => return Ok(None),
            turn = place.turn() => turn,
        };
        loop {
            let mut told = std::pin::pin!(place.news());
            told.as_mut().enable();
            if let Some(task) = self.look(&worker, &wanted).await? {
                return Ok(Some(task));
            }
            let rested = Instant::now() + SHORTEST_PAUSE;
            tokio::select! {
                biased;
                () = shared.stop.cancelled() => return Ok(None),
                () = sleep_until(until) => return Ok(None),
                () = told => sleep_until(rested.min(until)).await,
            }
        }
    }

    /// Takes what is there.
    async fn look(&self, worker: &WorkerId, wanted: &Wanted) -> Result<Option<Task>, StoreError> {
        let queues = self.demands(wanted).await?;
        if queues.is_empty() {
            return Ok(None);
        }
        self.take_of(queues, worker, wanted).await
    }

    /// Claims apart from the taker. One that goes while the store is at it would leave a task behind that nobody knows it
    /// has, until its lease runs out; that task is handed back.
    async fn take_of(
        &self,
        queues: Vec<QueueDemand>,
        worker: &WorkerId,
        wanted: &Wanted,
    ) -> Result<Option<Task>, StoreError> {
        let claim = Claim {
            worker: worker.clone(),
            settle: Vec::new(),
            queues,
            limit: 1,
            dispatch: Dispatch::Manual,
            work_directory: wanted.work_directory.clone(),
            owner: wanted.owner.clone(),
            task: None,
            lease: wanted.lease.unwrap_or(limits::TAKEN_LEASE),
        };
        let shared = Arc::clone(&self.0.shared);
        let (reply, answer) = oneshot::channel();
        tokio::spawn(async move {
            let claimed = shared.store.claim(claim, shared.now()).await;
            let claimed = claimed.map(|claimed| Underway {
                task: claimed.tasks.into_iter().next(),
                shared,
            });
            // It may still lie in the channel when its taker goes.
            let _ = reply.send(claimed);
        });
        // Without an answer only where the runtime ends.
        let claimed = answer.await.unwrap_or(Err(StoreError::Closed))?;
        Ok(claimed.taken())
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

    /// Renews a taker's lease, which then ends after `length`.
    pub async fn extend_taken(
        &self,
        task: TaskId,
        lease: LeaseNumber,
        length: Duration,
    ) -> Result<LeaseState, StoreError> {
        let shared = &self.0.shared;
        let leases = vec![Extension { task, lease }];
        let states = shared.store.extend(leases, length, shared.now()).await?;
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
        let how = Ended::from(Some(&outcome));
        let settlement = Settlement {
            task: task.id,
            lease,
            outcome,
            usage,
        };
        let replies = shared.store.settle(vec![settlement], shared.now()).await?;
        let reply = replies.first().copied().unwrap_or(SettleReply::Missing);
        if let SettleReply::Settled(_) = reply {
            let meters = &shared.meters;
            meters.exchanged(1, 0);
            let attempts = meters.attempt(&task.queue, &task.kind);
            attempts.ended(how, ran.unwrap_or_default());
            meters.spent(&task.kind, task.model.as_deref(), &usage);
        }
        Ok(reply)
    }
}

/// A task on its way to its taker. Where there is nobody to take it, it is handed back.
#[derive(Debug)]
struct Underway {
    task: Option<Task>,
    shared: Arc<Shared>,
}

impl Underway {
    fn taken(mut self) -> Option<Task> {
        let task = self.task.take()?;
        let (meters, waited) = (&self.shared.meters, self.shared.wall().since(task.run_at));
        meters.exchanged(0, 1);
        meters.attempt(&task.queue, &task.kind).started(waited);
        Some(task)
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        let Some(task) = self.task.take() else { return };
        let shared = Arc::clone(&self.shared);
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move { hand_back(&shared, task).await });
        }
    }
}

async fn hand_back(shared: &Shared, task: Task) {
    let Some(lease) = task.lease else { return };
    let settlement = Settlement {
        task: task.id,
        lease: lease.number,
        outcome: Outcome::Release,
        usage: Usage::default(),
    };
    if let Err(error) = shared.store.settle(vec![settlement], shared.now()).await {
        tracing::warn!(task = %task.id, %error, "a task whose taker had gone was not handed back; it is once its lease ends");
    }
}
