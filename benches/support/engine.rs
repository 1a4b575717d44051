use super::Outcome;
use async_trait::async_trait;
use mcs_core::domain::{NewTask, Task, TaskResult};
use mcs_core::engine::{Engine, EngineBuilder};
use mcs_core::executor::{Context, ExecuteError, Executor, KindSpec, Outcome as Ended};
use mcs_core::store::TaskStore;
use mcs_core::store::sqlite::{SqliteOptions, SqliteStore, Synchronous};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Notify;

/// The kind of every task that the benchmarks submit.
pub(crate) const KIND: &str = "noop";

/// An executor that does nothing, and tells once it has been called often enough.
#[derive(Debug)]
pub(crate) struct NoOp {
    calls: AtomicUsize,
    wanted: usize,
    reached: Arc<Notify>,
}

impl NoOp {
    /// Wakes the second part at the `wanted`th call.
    pub(crate) fn new(wanted: usize) -> (Self, Arc<Notify>) {
        let reached = Arc::new(Notify::new());
        let executor = Self {
            calls: AtomicUsize::new(0),
            wanted,
            reached: Arc::clone(&reached),
        };
        (executor, reached)
    }

    /// What it answers.
    pub(crate) fn result() -> TaskResult {
        TaskResult::text("done")
    }
}

#[async_trait]
impl Executor for NoOp {
    fn kind(&self) -> KindSpec {
        KindSpec::new(KIND, "Does nothing.")
    }

    async fn execute(&self, _: &Task, _: &Context) -> Result<Ended, ExecuteError> {
        if self.calls.fetch_add(1, Ordering::Relaxed) + 1 == self.wanted {
            self.reached.notify_one();
        }
        Ok(Ended::Done(Self::result()))
    }
}

/// How the benchmarks call the two ways to keep what was acknowledged.
pub(crate) const fn full_or_normal(synchronous: Synchronous) -> &'static str {
    match synchronous {
        Synchronous::Full => "FULL",
        Synchronous::Normal => "NORMAL",
    }
}

/// The store in `path`.
pub(crate) fn open_store(path: &Path, synchronous: Synchronous) -> Outcome<Arc<SqliteStore>> {
    let mut options = SqliteOptions::new(path);
    options.synchronous = synchronous;
    Ok(Arc::new(SqliteStore::open(&options)?))
}

/// An engine on a store in `path`, which takes tasks of [`KIND`] once it has an executor or the kind.
pub(crate) fn new_engine(store: &Arc<SqliteStore>) -> EngineBuilder {
    Engine::builder(Arc::clone(store) as _)
}

/// Ends an engine and closes its store.
pub(crate) async fn stop(engine: Engine, store: &SqliteStore) -> Outcome {
    engine.shutdown(Duration::ZERO).await;
    store.close().await?;
    Ok(())
}

/// A task with a payload of about `bytes`.
pub(crate) fn task(bytes: usize) -> NewTask {
    NewTask::new(
        KIND,
        json!({"prompt": "x".repeat(bytes.saturating_sub(13))}),
    )
}

/// `count` tasks with payloads of about `bytes`.
pub(crate) fn tasks(count: usize, bytes: usize) -> Vec<NewTask> {
    vec![task(bytes); count]
}
