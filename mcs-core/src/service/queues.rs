use super::{Principal, Scope, Service, ServiceError};
use crate::domain::{
    InvalidInput, QueueChange, QueueInfo, QueueStats, StatusCounts, Timestamp, check_name, limits,
};
use crate::engine::EngineQueue;
use std::sync::Arc;

/// What can be done with queues.
///
/// Queues are shared by everybody, so changing one needs the admin scope; seeing them needs only the read scope.
#[derive(Debug, Clone, Copy)]
pub struct Queues<'a> {
    pub(super) service: &'a Service,
}

/// A queue with what is in it and what runs of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueStatus {
    /// Its name.
    pub name: Arc<str>,
    /// Whether no more of its tasks start.
    pub paused: bool,
    /// Most of its tasks that one engine runs at a time, where set at run time.
    pub concurrency: Option<u32>,
    /// Most of its tasks that run here at a time.
    pub slots: usize,
    /// Those that run here now.
    pub running: usize,
    /// Tasks by status: everybody's with the admin scope, else the caller's own.
    pub counts: StatusCounts,
    /// Of the pending ones, those that a free worker may take now.
    pub ready: u64,
    /// When the ready task that waits longest became due; only told with the admin scope.
    pub oldest_ready: Option<Timestamp>,
}

impl Queues<'_> {
    /// Every queue that has or had tasks, or was changed.
    pub async fn list(&self, who: &Principal) -> Result<Vec<QueueInfo>, ServiceError> {
        who.needs(Scope::Read)?;
        Ok(self.service.engine().store().queues().await?)
    }

    /// Every queue that is configured, has or had tasks, or was changed, by name, with what is in it.
    pub async fn overview(&self, who: &Principal) -> Result<Vec<QueueStatus>, ServiceError> {
        who.needs(Scope::Read)?;
        let served = self.service.engine().queues().await?;
        let mut stored = self.service.tasks().stats(who).await?.queues;
        // What became known between the two is in the next overview.
        let all = served.into_iter().map(|(name, queue)| {
            let stats = stored.remove(&name).unwrap_or_default();
            QueueStatus::of(name, queue, &stats)
        });
        Ok(all.collect())
    }

    /// One queue as in [`Queues::overview`]. Any name is that of a queue: one that nobody named yet is empty.
    pub async fn status(&self, who: &Principal, name: &str) -> Result<QueueStatus, ServiceError> {
        who.needs(Scope::Read)?;
        check_name("queue", name)?;
        let engine = self.service.engine();
        let served = engine.queues().await?.remove(name);
        let queue = served.unwrap_or_else(|| engine.unchanged_queue(name));
        let mut stored = self.service.tasks().stats(who).await?.queues;
        let stats = stored.remove(name).unwrap_or_default();
        Ok(QueueStatus::of(name.into(), queue, &stats))
    }

    /// Starts no more tasks of the queue. Running ones go on.
    pub async fn pause(&self, who: &Principal, name: &str) -> Result<QueueInfo, ServiceError> {
        self.set_paused(who, name, true).await
    }

    /// Starts tasks of the queue again.
    pub async fn resume(&self, who: &Principal, name: &str) -> Result<QueueInfo, ServiceError> {
        self.set_paused(who, name, false).await
    }

    /// Pauses or resumes a queue, or sets how many of its tasks one engine runs at a time, whether or not anybody named it
    /// yet. Seen here at once, and by other processes within a second.
    pub async fn change(
        &self,
        who: &Principal,
        name: &str,
        change: QueueChange,
    ) -> Result<QueueInfo, ServiceError> {
        who.needs(Scope::Admin)?;
        check_name("queue", name)?;
        check_change(change)?;
        Ok(self.service.engine().change_queue(name, change).await?)
    }

    async fn set_paused(
        &self,
        who: &Principal,
        name: &str,
        paused: bool,
    ) -> Result<QueueInfo, ServiceError> {
        let change = QueueChange {
            paused: Some(paused),
            ..QueueChange::default()
        };
        self.change(who, name, change).await
    }
}

impl QueueStatus {
    fn of(name: Arc<str>, queue: EngineQueue, stats: &QueueStats) -> Self {
        Self {
            name,
            paused: queue.paused,
            concurrency: queue.set,
            slots: queue.concurrency,
            running: queue.running,
            counts: stats.counts,
            ready: stats.ready,
            oldest_ready: stats.oldest_ready,
        }
    }
}

fn check_change(change: QueueChange) -> Result<(), InvalidInput> {
    if change == QueueChange::default() {
        let problem = "is missing; give `paused`, `concurrency` or both";
        return Err(InvalidInput::new("paused", problem));
    }
    let Some(Some(set)) = change.concurrency else {
        return Ok(());
    };
    let most = limits::QUEUE_CONCURRENCY;
    if (1..=most).contains(&usize::try_from(set).unwrap_or(usize::MAX)) {
        return Ok(());
    }
    let problem = format!("is {set}; use 1 to {most}, or pause the queue to run none of its tasks");
    Err(InvalidInput::new("concurrency", problem))
}
