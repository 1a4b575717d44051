//! Runs a stored task ahead of its queue.

use super::named::{NotClaimed, Request};
use super::{Engine, StartError};
use crate::domain::{LeaseNumber, Status, Task, TaskId, Timestamp, WaitReason};
use crate::executor::Availability;
use crate::store::{Parts, StoreError};
use tokio::sync::oneshot;

impl Engine {
    /// Starts a pending task here and now: ahead of its queue, beyond its concurrency, and before its time. Returns it as
    /// it was claimed, while it runs. `former` is a lease on it that the caller holds; it ends with this, and stays where the
    /// task is refused. A manual task is one that engines run from then on, so that a further attempt needs no caller.
    pub async fn execute(
        &self,
        task: &Task,
        former: Option<LeaseNumber>,
    ) -> Result<Task, StartError> {
        self.check_executor(&task.kind).await?;
        self.check_startable(task, former).await?;
        let (reply, answer) = oneshot::channel();
        let request = Request {
            task: task.id,
            dispatch: task.dispatch,
            former,
            reply,
        };
        if self.0.requests.send(request).await.is_err() {
            return Err(ending());
        }
        match answer.await.unwrap_or(Err(NotClaimed::Ending)) {
            Ok(Some(task)) => Ok(task),
            Ok(None) => Err(self.explain(task.id).await?),
            Err(NotClaimed::Ending) => Err(ending()),
            Err(NotClaimed::Store(error)) => Err(error.into()),
        }
    }

    async fn check_executor(&self, kind: &str) -> Result<(), StartError> {
        let (reason, remedy) = match self.availability(kind).await {
            Some(Availability::Available) => return Ok(()),
            Some(Availability::Unavailable { reason, remedy }) => (reason, remedy),
            None => (
                "this process has no executor for it".to_owned(),
                "start it where there is one, or take it and do its work yourself".to_owned(),
            ),
        };
        Err(StartError::Unavailable {
            kind: kind.to_owned(),
            reason,
            remedy,
        })
    }

    /// Refuses what no claim would take, as far as it shows.
    async fn check_startable(
        &self,
        task: &Task,
        former: Option<LeaseNumber>,
    ) -> Result<(), StartError> {
        let own = task.lease.as_ref().map(|lease| lease.number) == former;
        let leased = task.status.is_leased();
        let now = self.0.shared.wall();
        match obstacle(task, self.is_paused(&task.queue).await?, now) {
            Some(obstacle) if !(leased && own && obstacle.is_lease()) => {
                Err(obstacle.refusal(task))
            }
            _ => Ok(()),
        }
    }

    /// Why the task was not claimed, as far as it still shows.
    async fn explain(&self, id: TaskId) -> Result<StartError, StoreError> {
        let store = self.store();
        let Some(task) = store.get(&[id], Parts::NONE).await?.pop().flatten() else {
            return Ok(StartError::Missing(id));
        };
        let paused = self.is_paused(&task.queue).await?;
        let obstacle = obstacle(&task, paused, self.0.shared.wall());
        Ok(obstacle.unwrap_or(Obstacle::Moment).refusal(&task))
    }

    async fn is_paused(&self, queue: &str) -> Result<bool, StoreError> {
        let queues = self.store().queues().await?;
        Ok(queues
            .iter()
            .any(|info| *info.name == *queue && info.paused))
    }
}

/// What stands against a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Obstacle {
    Finished,
    /// Somebody asked its holder to end it.
    Ending,
    Leased,
    Paused,
    Dependencies,
    Held,
    Late,
    /// Something that is gone again.
    Moment,
}

fn obstacle(task: &Task, paused: bool, now: Timestamp) -> Option<Obstacle> {
    let found = [
        (task.status.is_terminal(), Obstacle::Finished),
        (paused, Obstacle::Paused),
        (
            task.status.is_leased() && task.cancel_requested_at.is_some(),
            Obstacle::Ending,
        ),
        (task.status.is_leased(), Obstacle::Leased),
        (
            task.wait_reason == Some(WaitReason::Dependencies),
            Obstacle::Dependencies,
        ),
        (
            task.held_until.is_some_and(|until| until > now),
            Obstacle::Held,
        ),
        (
            task.deadline.is_some_and(|deadline| deadline <= now),
            Obstacle::Late,
        ),
    ];
    found
        .into_iter()
        .find_map(|(stands, obstacle)| stands.then_some(obstacle))
}

impl Obstacle {
    const fn is_lease(self) -> bool {
        matches!(self, Self::Leased)
    }

    fn refusal(self, task: &Task) -> StartError {
        let Task {
            id, status, queue, ..
        } = task;
        let reason = match self {
            Self::Finished => {
                format!(
                    "task {id} is {status} and does not run again; retry it, which makes a new task"
                )
            }
            Self::Paused => format!(
                "task {id} waits in the queue `{queue}`, which is paused; resume the queue, then start the task"
            ),
            Self::Ending => {
                let holder = task.lease.as_ref().map(|lease| &*lease.worker.0);
                let holder = holder.unwrap_or_default();
                format!(
                    "task {id} shall end and is cancelled once `{holder}` gives it back; create a new task"
                )
            }
            Self::Leased if *status == Status::InputRequired => {
                format!("task {id} runs already and waits for an answer; answer its question")
            }
            Self::Leased => {
                let holder = task.lease.as_ref().map(|lease| &*lease.worker.0);
                let holder = holder.unwrap_or_default();
                format!("task {id} is held by `{holder}` already; wait for it, or cancel it")
            }
            Self::Dependencies => {
                format!("task {id} waits for the tasks it depends on; start it once they completed")
            }
            Self::Held => {
                let until = task.held_until.unwrap_or_default();
                let why = task.hold_reason.as_deref().unwrap_or("it is held back");
                format!("task {id} is held back until {until} ({why}); start it after that")
            }
            Self::Late => {
                let deadline = task.deadline.unwrap_or_default();
                format!("task {id} missed its deadline {deadline}; create a new task")
            }
            Self::Moment => {
                format!("task {id} changed at the same moment; look at it and try again")
            }
        };
        StartError::Refused { reason }
    }
}

fn ending() -> StartError {
    StartError::Refused {
        reason: "the engine here is shutting down and starts nothing; start the task again once it is back".into(),
    }
}
