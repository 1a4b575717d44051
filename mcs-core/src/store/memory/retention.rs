use super::row::Row;
use super::state::State;
use crate::domain::{Retention, TaskId, Timestamp};
use crate::store::RemoveReply;
use std::time::Duration;

impl State {
    /// Removes tasks and events that are older than they are kept.
    pub(super) fn purge(&mut self, retention: &Retention, limit: usize, now: Timestamp) -> u64 {
        let old: Vec<u64> = self
            .finished
            .iter()
            .filter_map(|(_, seq)| self.row(*seq))
            .filter(|row| is_old(row, retention, now))
            .map(|row| row.seq)
            .take(limit)
            .collect();
        for seq in &old {
            self.remove(*seq);
        }
        if let Some(keep) = retention.events {
            self.events.forget(now.minus(keep));
        }
        u64::try_from(old.len()).unwrap_or(u64::MAX)
    }

    /// Removes a task if it has finished.
    pub(super) fn remove_finished(&mut self, id: TaskId) -> RemoveReply {
        let Some(row) = self.find(id) else {
            return RemoveReply::Missing;
        };
        let (seq, status) = (row.seq, row.task.status);
        if !status.is_terminal() {
            return RemoveReply::Unfinished(status);
        }
        self.remove(seq);
        RemoveReply::Removed
    }
}

fn is_old(row: &Row, retention: &Retention, now: Timestamp) -> bool {
    let own = row.task.ttl_ms.map(Duration::from_millis);
    let keep = own.or_else(|| retention.of(row.task.status));
    let end = row.task.finished_at.zip(keep);
    end.is_some_and(|(finished_at, keep)| finished_at.plus(keep) <= now)
}
