use super::row::Row;
use super::state::State;
use crate::domain::{Cursor, LogEntry, Page, PageRequest, Status, Task, TaskFilter, TaskId};
use crate::store::Parts;

impl State {
    /// A task with the parts that were asked for.
    pub(super) fn get(&self, id: TaskId, parts: Parts) -> Option<Task> {
        self.find(id).map(|row| self.show(row, parts))
    }

    /// A page of the tasks that match.
    pub(super) fn list(&self, filter: &TaskFilter, page: &PageRequest) -> Page<Task> {
        let before = page.after.map_or(u64::MAX, |cursor| cursor.0);
        let mut rows = self
            .newest_first(before)
            .filter(|row| filter.matches(&row.task))
            .skip(page.offset);
        let shown: Vec<&Row> = rows.by_ref().take(page.limit).collect();
        let next = rows.next().and(shown.last().map(|row| Cursor(row.seq)));
        let items = shown
            .into_iter()
            .map(|row| self.show(row, Parts::NONE))
            .collect();
        Page { items, next }
    }

    /// Log lines of a task.
    pub(super) fn log(&self, id: TaskId, after: u64, limit: usize) -> Vec<LogEntry> {
        let lines = self.find(id).map(|row| row.log.as_slice());
        lines
            .unwrap_or_default()
            .iter()
            .filter(|line| line.seq > after)
            .take(limit)
            .cloned()
            .collect()
    }

    /// A row as it is shown.
    pub(super) fn show(&self, row: &Row, parts: Parts) -> Task {
        let mut task = row.task.clone();
        if !parts.payload {
            task.payload = None;
        }
        if !parts.result {
            task.result = None;
        }
        if !parts.checkpoint {
            task.checkpoint = None;
        }
        let hold = task.hold_key.as_ref().and_then(|key| self.holds.get(key));
        if let Some(hold) = hold.filter(|_| task.status == Status::Pending) {
            task.held_until = Some(hold.until);
            task.hold_reason = Some(hold.reason.clone());
        }
        task
    }
}
