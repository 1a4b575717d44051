use crate::domain::{LogEntry, Status, TaskId};
use crate::service::ServiceError;
use crate::store::{Parts, StoreError, TaskStore};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// How often to look for lines. They make no events.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Lines that are read at once.
const LINES: usize = 200;

/// What a [`LogFollower`] reads.
#[derive(Debug, Clone, PartialEq)]
pub enum Logged {
    /// The next lines, at least one.
    Lines(Vec<LogEntry>),
    /// The task has finished like this, and there are no more lines.
    End(Status),
}

/// Follows the log of a task, in this process or another. Made by [`crate::service::Tasks::follow_log`].
#[derive(Debug)]
pub struct LogFollower {
    store: Arc<dyn TaskStore>,
    task: TaskId,
    /// The number of the last line that was read.
    last: u64,
    ended: bool,
}

impl LogFollower {
    pub(super) const fn new(store: Arc<dyn TaskStore>, task: TaskId, after: u64) -> Self {
        Self {
            store,
            task,
            last: after,
            ended: false,
        }
    }

    /// Waits for lines, or for the end of the task; `None` after that. Nothing is lost when its future is dropped.
    pub async fn next(&mut self) -> Result<Option<Logged>, ServiceError> {
        if self.ended {
            return Ok(None);
        }
        loop {
            if let Some(lines) = self.lines().await? {
                return Ok(Some(lines));
            }
            let status = self.status().await?;
            if status.is_terminal() {
                // Nothing is added after the end, but something may have been before it.
                let last = self.lines().await?;
                self.ended = last.is_none();
                return Ok(Some(last.unwrap_or(Logged::End(status))));
            }
            sleep(LOOK_EVERY).await;
        }
    }

    async fn lines(&mut self) -> Result<Option<Logged>, StoreError> {
        let lines = self.store.log(self.task, self.last, LINES).await?;
        let Some(last) = lines.last() else {
            return Ok(None);
        };
        self.last = last.seq;
        Ok(Some(Logged::Lines(lines)))
    }

    async fn status(&self) -> Result<Status, ServiceError> {
        let found = self.store.get(&[self.task], Parts::NONE).await?.pop();
        let task = found.flatten().ok_or(ServiceError::NotFound(self.task))?;
        Ok(task.status)
    }
}
