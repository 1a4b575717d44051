//! Tasks that are asked for again while nobody commits.

use super::file::DatabaseFile;
use super::open::open_watcher;
use crate::domain::{Task, TaskId};
use crate::store::Parts;
use rusqlite::Connection;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Tasks as they were read last, until anybody commits anything.
///
/// Whoever waits for a task asks for it again and again, mostly while nothing happens. To be told so takes a look at the
/// memory that the file's processes share, and neither a thread nor the disk. A commit of any process is seen, so what is
/// found here is what a read would find.
#[derive(Debug, Default)]
pub(super) struct Unchanged(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Only looks whether others committed.
    watcher: Option<Connection>,
    closed: bool,
    /// Of which state of the file the tasks are.
    version: Version,
    tasks: HashMap<(TaskId, Parts), Arc<Task>>,
    bytes: u64,
}

/// A state of the file. It is another one after each commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Version(i64);

/// Most bytes of payloads and results that are kept.
const BYTES: u64 = 4 * 1024 * 1024;
/// Most tasks that are kept.
const TASKS: usize = 2048;
/// Largest payload and result of a task that is kept.
const LARGEST: u64 = 16 * 1024;

impl Unchanged {
    /// The task, if it was read since the last commit.
    pub(super) fn get(&self, id: TaskId, parts: Parts) -> Option<Arc<Task>> {
        // Nobody waits here: a read finds the same.
        let state = self.0.try_lock().ok()?;
        let task = state.tasks.get(&(id, parts))?;
        (state.look()? == state.version).then(|| Arc::clone(task))
    }

    /// The state of the file, for what is read next. `None` where it does not tell, and where commits come too fast for
    /// anything to be asked for twice between them. Blocks when it is first called.
    pub(super) fn version(&self, file: &DatabaseFile) -> Option<Version> {
        let mut state = self.lock();
        if state.watcher.is_none() && !state.closed {
            state.watcher = open_watcher(file).ok();
        }
        let version = state.look()?;
        if version == state.version {
            return Some(version);
        }
        state.version = version;
        state.tasks.clear();
        state.bytes = 0;
        None
    }

    /// Keeps a task that was read after the file was seen to be in this state.
    pub(super) fn keep(&self, version: Version, parts: Parts, task: &Task) {
        let bytes = task.payload_bytes + task.result_bytes;
        let mut state = self.lock();
        let fits = state.tasks.len() < TASKS && state.bytes + bytes <= BYTES;
        if version == state.version && fits && bytes <= LARGEST && task.checkpoint.is_none() {
            let kept = Arc::new(task.clone());
            let before = state.tasks.insert((task.id, parts), kept);
            state.bytes += if before.is_none() { bytes } else { 0 };
        }
    }

    /// Forgets all and keeps nothing any more.
    pub(super) fn close(&self) {
        *self.lock() = State {
            closed: true,
            ..State::default()
        };
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The state of the file as it is now.
    fn look(&self) -> Option<Version> {
        let mut look = self
            .watcher
            .as_ref()?
            .prepare_cached("PRAGMA data_version")
            .ok()?;
        look.query_row([], |row| row.get(0)).map(Version).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::NewTask;
    use crate::store::TaskStore;
    use crate::store::sqlite::{SqliteOptions, SqliteStore};
    use serde_json::{Value, json};
    use std::path::Path;

    fn open(directory: &Path) -> SqliteStore {
        SqliteStore::open(&SqliteOptions::new(directory.join("mcs.db"))).unwrap()
    }

    async fn stored(store: &SqliteStore, payload: Value) -> TaskId {
        let task = NewTask::new("echo", payload);
        store.insert(vec![task], None).await.unwrap()[0].id
    }

    /// Reads the task until it is kept, and says as what.
    async fn kept(store: &SqliteStore, id: TaskId) -> Option<Arc<Task>> {
        for _ in 0..2 {
            let read = store.get(&[id], Parts::NONE).await.unwrap();
            assert_eq!(read[0].as_ref().map(|task| task.id), Some(id));
        }
        store.lookups.unchanged.get(id, Parts::NONE)
    }

    #[tokio::test]
    async fn a_task_is_kept_until_any_process_commits() {
        let directory = tempfile::tempdir().unwrap();
        let (ours, theirs) = (open(directory.path()), open(directory.path()));
        let id = stored(&ours, json!({})).await;
        for committer in [&ours, &theirs] {
            let task = kept(&ours, id).await.expect("nobody commits");
            let read = ours.get(&[id], Parts::NONE).await.unwrap();
            assert_eq!(read[0].as_ref(), Some(&*task));
            stored(committer, json!({})).await;
            assert_eq!(ours.lookups.unchanged.get(id, Parts::NONE), None);
        }
        assert!(kept(&ours, id).await.is_some());
        theirs.cancel(vec![id], "no", None).await.unwrap();
        let read = ours.get(&[id], Parts::NONE).await.unwrap().remove(0);
        assert!(read.unwrap().status.is_terminal());
    }

    #[tokio::test]
    async fn each_read_finds_the_parts_that_it_asks_for() {
        let directory = tempfile::tempdir().unwrap();
        let store = open(directory.path());
        let id = stored(&store, json!({"text": "hello"})).await;
        assert!(kept(&store, id).await.unwrap().payload.is_none());
        let whole = store.get(&[id], Parts::ALL).await.unwrap().remove(0);
        assert!(whole.unwrap().payload.is_some());
    }

    #[tokio::test]
    async fn what_is_large_is_not_kept_and_nothing_is_once_it_is_closed() {
        let directory = tempfile::tempdir().unwrap();
        let store = open(directory.path());
        let large = stored(&store, json!({"text": "x".repeat(20_000)})).await;
        assert_eq!(kept(&store, large).await, None);
        let id = stored(&store, json!({})).await;
        assert!(kept(&store, id).await.is_some());
        store.close().await.unwrap();
        assert_eq!(store.lookups.unchanged.get(id, Parts::NONE), None);
        assert!(store.get(&[id], Parts::NONE).await.is_err());
    }
}
