//! Changes to many tasks at once.

use super::{Principal, Scope, ServiceError, Tasks};
use crate::domain::{
    Cursor, InvalidInput, PageRequest, Status, Task, TaskFilter, TaskId, Timestamp, check_text,
    limits,
};
use crate::store::{CancelReply, RemoveReply, StoreError};

/// Most tasks changed in one commit, so that others get their turn.
const AT_ONCE: usize = 200;

/// What one change of many tasks did. It is not one transaction: what was done stays done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Changed {
    /// Tasks that are cancelled, or removed.
    pub done: usize,
    /// Running tasks whose workers were asked to end them.
    pub requested: usize,
    /// Whether tasks that match may be left: there were more than the limit, or the store failed after a part.
    pub more: bool,
}

/// How many tasks a change would take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// At most [`limits::CHANGED_TASKS`].
    pub tasks: usize,
    /// Whether there are more than that.
    pub more: bool,
}

impl Tasks<'_> {
    /// How many tasks [`Tasks::cancel_many`] would take.
    pub async fn count_to_cancel(
        &self,
        who: &Principal,
        filter: &TaskFilter,
    ) -> Result<Counted, ServiceError> {
        self.count(Meant::to_cancel(self, who, filter)?).await
    }

    /// Ends up to `limit` of the tasks that match, as [`Tasks::cancel`] does one, those that were created last before
    /// others of their status. Left alone are those whose worker was asked before. The tasks of a batch go with it only
    /// if they match too.
    pub async fn cancel_many(
        &self,
        who: &Principal,
        filter: &TaskFilter,
        reason: &str,
        limit: usize,
    ) -> Result<Changed, ServiceError> {
        check_text("reason", reason, limits::TEXT_BYTES)?;
        let mut meant = Meant::to_cancel(self, who, filter)?;
        // What was handed back while others were looked at waits again.
        if meant.statuses.len() > 1 {
            meant.statuses.insert(0, Status::Pending);
        }
        self.change(meant, limit, What::Cancel(reason)).await
    }

    /// How many tasks [`Tasks::purge`] would take.
    pub async fn count_to_purge(
        &self,
        who: &Principal,
        filter: &TaskFilter,
        finished_before: Option<Timestamp>,
    ) -> Result<Counted, ServiceError> {
        self.count(Meant::to_purge(self, who, filter, finished_before)?)
            .await
    }

    /// Removes up to `limit` of the finished tasks that match, as [`Tasks::remove`] does one, those that were created last
    /// before others of their status.
    pub async fn purge(
        &self,
        who: &Principal,
        filter: &TaskFilter,
        finished_before: Option<Timestamp>,
        limit: usize,
    ) -> Result<Changed, ServiceError> {
        let meant = Meant::to_purge(self, who, filter, finished_before)?;
        self.change(meant, limit, What::Remove).await
    }

    async fn count(&self, mut meant: Meant) -> Result<Counted, ServiceError> {
        let (most, mut tasks) = (limits::CHANGED_TASKS, 0);
        while tasks <= most {
            let Some(found) = meant.next(self, limits::PAGE_ROWS).await? else {
                return Ok(Counted { tasks, more: false });
            };
            tasks += found.len();
        }
        Ok(Counted {
            tasks: most,
            more: true,
        })
    }

    async fn change(
        &self,
        mut meant: Meant,
        limit: usize,
        what: What<'_>,
    ) -> Result<Changed, ServiceError> {
        let mut left = limit.min(limits::CHANGED_TASKS);
        let mut changed = Changed::default();
        loop {
            // Not all that are read are meant, so that however few may be changed, many are read at once.
            let portion = match meant.next(self, AT_ONCE).await {
                Ok(None) => return Ok(changed),
                Ok(Some(mut ids)) => {
                    changed.more = ids.len() > left;
                    ids.truncate(left);
                    left -= ids.len();
                    if ids.is_empty() {
                        Ok((0, 0))
                    } else {
                        what.to(self, ids).await
                    }
                }
                Err(error) => Err(error),
            };
            match portion {
                Ok((done, requested)) => {
                    changed.done += done;
                    changed.requested += requested;
                }
                Err(error) if changed.done + changed.requested == 0 => return Err(error.into()),
                Err(error) => {
                    tracing::warn!(%error, "a change of many tasks ended early");
                    changed.more = true;
                }
            }
            if changed.more {
                return Ok(changed);
            }
        }
    }
}

/// A change of tasks.
#[derive(Debug, Clone, Copy)]
enum What<'a> {
    /// For this reason.
    Cancel(&'a str),
    Remove,
}

impl What<'_> {
    /// Changes tasks in one commit. How many were, and of how many the workers were asked.
    async fn to(self, tasks: &Tasks<'_>, ids: Vec<TaskId>) -> Result<(usize, usize), StoreError> {
        match self {
            Self::Cancel(reason) => {
                let replies = tasks.service.engine().cancel_many(ids, reason).await?;
                let count = |wanted| replies.iter().filter(|reply| **reply == wanted).count();
                Ok((count(CancelReply::Cancelled), count(CancelReply::Requested)))
            }
            Self::Remove => {
                let replies = tasks.store().remove(ids).await?;
                let gone = replies
                    .iter()
                    .filter(|reply| **reply == RemoveReply::Removed);
                Ok((gone.count(), 0))
            }
        }
    }
}

/// The tasks that are meant, read page by page.
struct Meant {
    filter: TaskFilter,
    finished_before: Option<Timestamp>,
    /// Those that are still to be read, the next one last. None where nothing is seen.
    statuses: Vec<Status>,
    after: Option<Cursor>,
}

impl Meant {
    fn to_cancel(
        tasks: &Tasks<'_>,
        who: &Principal,
        filter: &TaskFilter,
    ) -> Result<Self, ServiceError> {
        let remedy =
            "only what has not finished is cancelled; use PENDING, PROCESSING or INPUT_REQUIRED";
        let takes = |status: Status| !status.is_terminal();
        Self::of(tasks, who, filter.clone(), takes, remedy)
    }

    fn to_purge(
        tasks: &Tasks<'_>,
        who: &Principal,
        filter: &TaskFilter,
        finished_before: Option<Timestamp>,
    ) -> Result<Self, ServiceError> {
        let mut filter = filter.clone();
        // What had finished by then was made before, and this is what the store finds fast.
        let bounds = filter.created_before.into_iter().chain(finished_before);
        filter.created_before = bounds.min();
        let remedy = "only what has finished is removed; use COMPLETED, FAILED or CANCELLED";
        let meant = Self::of(tasks, who, filter, Status::is_terminal, remedy)?;
        Ok(Self {
            finished_before,
            ..meant
        })
    }

    fn of(
        tasks: &Tasks<'_>,
        who: &Principal,
        filter: TaskFilter,
        takes: impl Fn(Status) -> bool,
        remedy: &str,
    ) -> Result<Self, ServiceError> {
        who.needs(Scope::Write)?;
        let mut statuses: Vec<Status> = Status::ALL.into_iter().filter(|one| takes(*one)).collect();
        if let Some(status) = filter.status {
            if !takes(status) {
                return Err(InvalidInput::new("status", format!("is {status}; {remedy}")).into());
            }
            statuses = vec![status];
        }
        statuses.reverse();
        let seen = tasks.seen_by(who, filter)?;
        if seen.is_none() {
            statuses.clear();
        }
        Ok(Self {
            filter: seen.unwrap_or_default(),
            finished_before: None,
            statuses,
            after: None,
        })
    }

    /// Some of up to `rows` tasks that come next; `None` after the last.
    async fn next(
        &mut self,
        tasks: &Tasks<'_>,
        rows: usize,
    ) -> Result<Option<Vec<TaskId>>, StoreError> {
        let Some(status) = self.statuses.last() else {
            return Ok(None);
        };
        self.filter.status = Some(*status);
        let page = PageRequest {
            after: self.after,
            ..PageRequest::first(rows)
        };
        let page = tasks.store().list(&self.filter, &page).await?;
        self.after = page.next;
        if page.next.is_none() {
            self.statuses.pop();
        }
        let meant = page.items.iter().filter(|task| self.takes(task));
        Ok(Some(meant.map(|task| task.id).collect()))
    }

    fn takes(&self, task: &Task) -> bool {
        let in_time = self
            .finished_before
            .is_none_or(|before| task.finished_at.is_some_and(|finished| finished < before));
        in_time
            && task
                .cancel_requested_at
                .is_none_or(|_| task.status.is_terminal())
    }
}
