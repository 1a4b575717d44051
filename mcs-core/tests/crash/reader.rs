//! Reads a store from its first page to its last.

use mcs_core::domain::{Cursor, PageRequest, Task, TaskEvent, TaskFilter, limits};
use mcs_core::store::{Parts, TaskStore};

/// Every task, with its result.
pub(crate) async fn all_tasks(store: &dyn TaskStore) -> Vec<Task> {
    let mut page = PageRequest::first(limits::PAGE_ROWS);
    let mut tasks = Vec::new();
    loop {
        let found = store.list(&TaskFilter::default(), &page).await.unwrap();
        let ids: Vec<_> = found.items.iter().map(|task| task.id).collect();
        let read = store.get(&ids, Parts::RESULT).await.unwrap();
        tasks.extend(read.into_iter().flatten());
        match found.next {
            Some(next) => page.after = Some(next),
            None => return tasks,
        }
    }
}

/// Every event, oldest first.
pub(crate) async fn all_events(store: &dyn TaskStore) -> Vec<TaskEvent> {
    let mut events = Vec::new();
    let mut after = Cursor(0);
    loop {
        let batches = store.events(after, 1000).await.unwrap();
        let Some(last) = batches.last() else {
            return events;
        };
        after = Cursor(last.seq);
        events.extend(batches.into_iter().flat_map(|batch| batch.events));
    }
}
