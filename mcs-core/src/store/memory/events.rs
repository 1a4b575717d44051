use crate::domain::{Cursor, EventBatch, EventKind, Task, TaskEvent, Timestamp, limits};
use crate::store::TaskEvents;
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::sync::broadcast;

/// Most events the store keeps. It lives in memory, so older batches go however long they were to be kept.
const KEPT_EVENTS: usize = 200_000;

/// What one call changes, told to subscribers as one batch.
#[derive(Debug)]
pub(super) struct Commit {
    /// When.
    pub(super) now: Timestamp,
    events: Vec<TaskEvent>,
}

impl Commit {
    /// A commit at `now` that has changed nothing yet.
    pub(super) const fn at(now: Timestamp) -> Self {
        Self {
            now,
            events: Vec::new(),
        }
    }

    /// Adds that `kind` happened to `task`.
    pub(super) fn tell(&mut self, task: &Task, kind: EventKind, detail: Option<Value>) {
        self.events.push(TaskEvent {
            task: task.id,
            kind,
            queue: Arc::clone(&task.queue),
            task_kind: Arc::clone(&task.kind),
            owner: Arc::clone(&task.owner),
            attempt: task.attempt,
            detail,
        });
    }
}

/// The latest batches, and those who follow them.
#[derive(Debug)]
pub(super) struct EventLog {
    batches: VecDeque<Arc<EventBatch>>,
    kept: usize,
    last_seq: u64,
    followers: broadcast::Sender<Arc<EventBatch>>,
}

impl Default for EventLog {
    fn default() -> Self {
        Self {
            batches: VecDeque::new(),
            kept: 0,
            last_seq: 0,
            followers: broadcast::Sender::new(limits::EVENT_BUFFER),
        }
    }
}

impl EventLog {
    /// Keeps a commit's events as a batch and sends it on. A commit without events is not told.
    pub(super) fn publish(&mut self, commit: Commit) {
        if commit.events.is_empty() {
            return;
        }
        self.last_seq += 1;
        self.kept += commit.events.len();
        let batch = Arc::new(EventBatch {
            seq: self.last_seq,
            at: commit.now,
            events: commit.events,
        });
        self.batches.push_back(Arc::clone(&batch));
        while self.kept > KEPT_EVENTS && self.batches.len() > 1 {
            self.drop_oldest();
        }
        // It fails only if nobody follows.
        let _ = self.followers.send(batch);
    }

    /// Up to `limit` batches after `after`.
    pub(super) fn after(&self, after: Cursor, limit: usize) -> Vec<EventBatch> {
        let start = self.batches.partition_point(|batch| batch.seq <= after.0);
        let batches = self.batches.range(start..).take(limit);
        batches.map(|batch| EventBatch::clone(batch)).collect()
    }

    /// The last batch that was published.
    pub(super) const fn last(&self) -> Cursor {
        Cursor(self.last_seq)
    }

    /// Up to `limit` of the batches after `after` that tell of a task, with its events alone.
    pub(super) fn of_task(&self, task: &Task, after: Cursor, limit: usize) -> TaskEvents {
        let start = self.batches.partition_point(|batch| batch.seq <= after.0);
        let mut found = TaskEvents::default();
        if self.has_ended(task, start) {
            return found;
        }
        let mut last = after;
        for batch in self.batches.range(start..) {
            if found.batches.len() >= limit {
                found.next = Some(last);
                break;
            }
            last = Cursor(batch.seq);
            // One of another owner is of a former task of the id.
            let own = |event: &&TaskEvent| event.task == task.id && event.owner == task.owner;
            let events: Vec<TaskEvent> = batch.events.iter().filter(own).cloned().collect();
            let ended = events.iter().any(|event| event.kind.ends_as().is_some());
            if !events.is_empty() {
                let (seq, at) = (batch.seq, batch.at);
                found.batches.push(EventBatch { seq, at, events });
            }
            if ended {
                break;
            }
        }
        found
    }

    /// Whether the end of a task is found among the batches before `start`, back to the time when it finished.
    fn has_ended(&self, task: &Task, start: usize) -> bool {
        let Some(finished_at) = task.finished_at else {
            return false;
        };
        let since = self.batches.range(..start).rev();
        since
            .take_while(|batch| batch.at >= finished_at)
            .flat_map(|batch| &batch.events)
            .any(|event| {
                let own = event.task == task.id && event.owner == task.owner;
                own && event.kind.ends_as().is_some()
            })
    }

    /// Follows batches from now on.
    pub(super) fn subscribe(&self) -> broadcast::Receiver<Arc<EventBatch>> {
        self.followers.subscribe()
    }

    /// Drops batches from `until` or before.
    pub(super) fn forget(&mut self, until: Timestamp) {
        while self.batches.front().is_some_and(|batch| batch.at <= until) {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        if let Some(batch) = self.batches.pop_front() {
            self.kept -= batch.events.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{NewTask, TaskId};
    use crate::store::memory::row::Row;
    use serde_json::json;

    #[test]
    fn memory_is_bounded_and_numbers_go_on() {
        let now = Timestamp::default();
        let row = Row::new(
            1,
            TaskId::from_bytes([1; 16]),
            NewTask::new("echo", json!(1)),
            (now, now),
        );
        let mut log = EventLog::default();
        for _ in 0..3 {
            let mut commit = Commit::at(now);
            for _ in 0..KEPT_EVENTS / 2 {
                commit.tell(&row.task, EventKind::Progress, None);
            }
            log.publish(commit);
        }
        let kept = log.after(Cursor(0), 10);
        assert_eq!(
            kept.iter().map(|batch| batch.seq).collect::<Vec<_>>(),
            [2, 3]
        );
        assert!(log.after(Cursor(3), 10).is_empty());
    }
}
