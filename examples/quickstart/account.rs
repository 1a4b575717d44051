use crate::Outcome;
use mcs_core::domain::{Cursor, Status, TaskId};
use mcs_core::store::sqlite::{SqliteOptions, SqliteStore};
use mcs_core::store::{Parts, TaskStore};
use std::collections::HashMap;
use std::path::Path;

/// What a file says of the tasks that were accepted.
#[derive(Default)]
pub(crate) struct Account {
    pub(crate) completed: usize,
    /// Accepted, and not completed.
    pub(crate) open: usize,
    pub(crate) rescued: usize,
    pub(crate) settled_twice: usize,
}

impl Account {
    /// Reads the file without an engine, so that nothing in it moves.
    pub(crate) async fn of(file: &Path, accepted: &[TaskId]) -> Outcome<Self> {
        let store = SqliteStore::open(&SqliteOptions::new(file))?;
        let mut account = Self {
            open: accepted.len(),
            ..Self::default()
        };
        for task in store
            .get(accepted, Parts::NONE)
            .await?
            .into_iter()
            .flatten()
        {
            let completed = usize::from(task.status == Status::Completed);
            account.completed += completed;
            account.open -= completed;
            account.rescued += usize::from(task.rescues > 0);
        }
        let (mut ends, mut seen) = (HashMap::<TaskId, usize>::new(), Cursor(0));
        loop {
            let batches = store.events(seen, 100).await?;
            let Some(last) = batches.last() else { break };
            seen = Cursor(last.seq);
            let events = batches.iter().flat_map(|batch| &batch.events);
            for event in events.filter(|event| event.kind.ends_as().is_some()) {
                *ends.entry(event.task).or_default() += 1;
            }
        }
        account.settled_twice = ends.values().filter(|count| **count > 1).count();
        store.close().await?;
        Ok(account)
    }
}
