use super::events::Commit;
use super::state::State;
use crate::domain::{Event, EventKind, Status, TaskError, TaskId, Timestamp, next};
use crate::store::{CancelReply, rules};
use serde_json::json;

impl State {
    /// Ends tasks, or asks their workers to.
    pub(super) fn cancel(
        &mut self,
        ids: &[TaskId],
        reason: &str,
        now: Timestamp,
    ) -> Vec<CancelReply> {
        let mut commit = Commit::at(now);
        let replies = ids
            .iter()
            .map(|id| self.cancel_one(*id, reason, &mut commit))
            .collect();
        self.events.publish(commit);
        replies
    }

    fn cancel_one(&mut self, id: TaskId, reason: &str, commit: &mut Commit) -> CancelReply {
        let Some(row) = self.find(id) else {
            return CancelReply::Missing;
        };
        let (seq, status) = (row.seq, row.task.status);
        if status.is_leased() {
            self.change(seq, |row| {
                if row.task.cancel_requested_at.is_none() {
                    row.task.cancel_requested_at = Some(commit.now);
                    row.cancel_reason = Some(reason.to_owned());
                    commit.tell(&row.task, EventKind::CancelRequested, None);
                }
            });
            return CancelReply::Requested;
        }
        match next(status, Event::Cancel) {
            Ok(cancelled) => {
                let error = rules::cancelled(reason);
                self.end_pending(seq, (cancelled, EventKind::Cancelled), error, commit);
                CancelReply::Cancelled
            }
            Err(refused) => CancelReply::Finished(refused.from),
        }
    }

    /// Ends a task that nobody holds.
    pub(super) fn end_pending(
        &mut self,
        seq: u64,
        (status, event): (Status, EventKind),
        error: TaskError,
        commit: &mut Commit,
    ) {
        self.change(seq, |row| {
            let task = &mut row.task;
            task.status = status;
            task.wait_reason = None;
            task.clock_left_ms = None;
            task.finished_at = Some(commit.now);
            commit.tell(task, event, Some(json!({"error": &error})));
            task.error = Some(error);
        });
        self.count_end(seq, Vec::new(), commit.now);
    }
}
