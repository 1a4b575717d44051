//! Tasks by their ids, read together for all who ask at the same time.

use super::failure::{Cause, Failure};
use super::reader::{self, Readers};
use super::unchanged::{Unchanged, Version};
use crate::domain::{Task, TaskId};
use crate::store::{Parts, StoreError};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::{OwnedSemaphorePermit, TryAcquireError, oneshot};
use tokio::task::spawn_blocking;

/// Reads of tasks that wait for a thread.
///
/// To wake a thread and to begin a transaction takes longer than to read a task. Under load many reads wait anyway, so they
/// share both.
#[derive(Debug, Default)]
pub(super) struct Lookups {
    state: Mutex<State>,
    pub(super) unchanged: Unchanged,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Lookup>,
    /// Threads that serve those that wait, or are about to.
    turns: usize,
}

#[derive(Debug)]
struct Lookup {
    ids: Vec<TaskId>,
    parts: Parts,
    reply: oneshot::Sender<Found>,
}

type Found = Result<Vec<Option<Task>>, StoreError>;

/// Threads that look tasks up at a time. The other readers are left to longer reads.
const TURNS: usize = 2;
/// Most reads in one transaction.
const TOGETHER: usize = 64;
/// Transactions after which a thread goes to the end of the queue for places.
const ROUNDS: usize = 16;
const OPERATION: &str = "reading tasks";

impl Lookups {
    /// The tasks with these ids, in order, as they are now or later.
    pub(super) async fn get(
        self: &Arc<Self>,
        readers: &Arc<Readers>,
        ids: &[TaskId],
        parts: Parts,
    ) -> Found {
        if let [id] = *ids
            && let Some(task) = self.unchanged.get(id, parts)
        {
            return Ok(vec![Some(Task::clone(&task))]);
        }
        let ids = ids.to_vec();
        let (reply, answer) = oneshot::channel();
        if self.push(Lookup { ids, parts, reply }) {
            let turn = Turn {
                lookups: Arc::clone(self),
                readers: Arc::clone(readers),
                ended: false,
            };
            turn.begin();
        }
        answer
            .await
            .unwrap_or_else(|_| Err(readers.lost(OPERATION)))
    }

    /// Lets a read wait, and says whether a thread has to be found for it.
    fn push(&self, lookup: Lookup) -> bool {
        let mut state = self.lock();
        state.waiting.push_back(lookup);
        let begins = state.turns < TURNS;
        state.turns += usize::from(begins);
        begins
    }

    /// The reads to serve next. Where there are none the turn is over.
    fn take(&self) -> Vec<Lookup> {
        let mut state = self.lock();
        let count = state.waiting.len().min(TOGETHER);
        state.turns -= usize::from(count == 0);
        state.waiting.drain(..count).collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One thread's turn to serve reads until none waits.
#[derive(Debug)]
struct Turn {
    lookups: Arc<Lookups>,
    readers: Arc<Readers>,
    /// Whether it was counted out.
    ended: bool,
}

impl Turn {
    fn begin(self) {
        match self.readers.try_place() {
            Ok(place) => drop(spawn_blocking(move || self.serve(place))),
            Err(TryAcquireError::NoPermits) => drop(tokio::spawn(async move {
                if let Ok(place) = self.readers.place().await {
                    spawn_blocking(move || self.serve(place));
                }
            })),
            Err(TryAcquireError::Closed) => {}
        }
    }

    fn serve(mut self, place: OwnedSemaphorePermit) {
        for _ in 0..ROUNDS {
            // What is committed by now is seen: the transaction begins later.
            let batch = self.lookups.take();
            if batch.is_empty() {
                self.ended = true;
                return;
            }
            self.answer(batch);
        }
        drop(place);
        self.begin();
    }

    fn answer(&self, batch: Vec<Lookup>) {
        let version = self.lookups.unchanged.version(self.readers.file());
        let mut batch = batch.into_iter();
        let begun = Instant::now();
        let failed = self.readers.run(|conn| {
            for lookup in batch.by_ref().filter(|lookup| !lookup.reply.is_closed()) {
                let found = reader::get(conn, &lookup.ids, lookup.parts);
                self.keep(version, lookup.parts, &found);
                let found = found.map_err(|failure| self.readers.explain(failure, OPERATION));
                // Who asked may have left.
                let _ = lookup.reply.send(found);
            }
            Ok(())
        });
        self.readers.told(OPERATION, begun.elapsed());
        if let Err(Failure::Sql(error)) = failed {
            let cause = Cause::from(&error);
            for lookup in batch {
                let error = cause.to_store_error(OPERATION, self.readers.file());
                let _ = lookup.reply.send(Err(error));
            }
        }
    }
}

impl Turn {
    /// Keeps a task that was asked for alone, as who waits for one does.
    fn keep(
        &self,
        version: Option<Version>,
        parts: Parts,
        found: &Result<Vec<Option<Task>>, Failure>,
    ) {
        if let (Some(version), Ok(found)) = (version, found)
            && let [Some(task)] = &found[..]
        {
            self.lookups.unchanged.keep(version, parts, task);
        }
    }
}

/// A turn that ends early, since the store was closed or a read panicked, leaves nobody waiting for it.
impl Drop for Turn {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let mut state = self.lookups.lock();
        state.turns -= 1;
        if state.turns == 0 {
            state.waiting.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::NewTask;
    use crate::store::TaskStore;
    use crate::store::sqlite::{SqliteOptions, SqliteStore};
    use serde_json::json;

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn everybody_gets_what_it_asked_for_until_the_store_is_closed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("mcs.db");
        let store = SqliteStore::open(&SqliteOptions::new(path)).unwrap();
        let store = Arc::new(store);
        let tasks = (0..300).map(|index| NewTask::new("echo", json!({"index": index})));
        let stored = store.insert(tasks.collect(), None).await.unwrap();
        let ids: Vec<TaskId> = stored.iter().map(|inserted| inserted.id).collect();
        let asking = ids.iter().enumerate().map(|(index, id)| {
            let (store, id) = (Arc::clone(&store), *id);
            let asking = tokio::spawn(async move { store.get(&[id], Parts::NONE).await });
            // Some leave before they have an answer.
            if index % 7 == 0 {
                asking.abort();
            }
            (id, asking)
        });
        let asking: Vec<_> = asking.collect();
        for (index, (id, asking)) in asking.into_iter().enumerate() {
            if index % 7 != 0 {
                let found = asking.await.unwrap().unwrap();
                assert_eq!(found[0].as_ref().map(|task| task.id), Some(id));
            }
        }
        let all = store.get(&ids, Parts::NONE).await.unwrap();
        assert!(all.iter().all(Option::is_some));
        store.close().await.unwrap();
        let error = store.get(&ids[..1], Parts::NONE).await.unwrap_err();
        assert!(matches!(error, StoreError::Closed), "{error}");
        let state = store.lookups.lock();
        assert_eq!((state.turns, state.waiting.len()), (0, 0));
    }

    #[tokio::test]
    async fn a_read_that_panics_leaves_nobody_waiting() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("mcs.db");
        let store = SqliteStore::open(&SqliteOptions::new(path)).unwrap();
        let (reply, answer) = oneshot::channel();
        let ids = Vec::new();
        let parts = Parts::NONE;
        assert!(store.lookups.push(Lookup { ids, parts, reply }));
        drop(Turn {
            lookups: Arc::clone(&store.lookups),
            readers: Arc::clone(&store.readers),
            ended: false,
        });
        assert!(answer.await.is_err());
        assert_eq!(store.get(&[], Parts::NONE).await.unwrap(), []);
    }
}
