//! The door of the core: the use cases, one method each. Adapters call only this.

mod error;
mod keys;
mod principal;
mod queues;
mod retry;
mod tasks;

pub use error::ServiceError;
pub use keys::{Key, Keys, NewKey, NewToken};
pub use principal::{Principal, Scope, Scopes};
pub use queues::Queues;
pub use tasks::{LARGEST_OFFSET, LONGEST_WAIT, TaskOutcome, Tasks};

use crate::domain::{Json, NewTask, limits};
use crate::engine::{Engine, ShutdownReport};
use crate::executor::KindSpec;
use crate::provider::models::ModelTable;
use crate::store::{RecordStore, StoreError};
use std::sync::Arc;
use std::time::Duration;

/// The use cases. Cheap to clone; all clones are one service.
#[derive(Debug, Clone)]
pub struct Service(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    engine: Engine,
    records: Arc<dyn RecordStore>,
    models: ModelTable,
    providers: Vec<String>,
    max_attempts: u32,
    key_cache: keys::KeyCache,
}

impl Service {
    /// The use cases of `engine`.
    pub fn new(engine: Engine, records: Arc<dyn RecordStore>, models: ModelTable) -> Self {
        Self(Arc::new(Shared {
            engine,
            records,
            models,
            providers: Vec::new(),
            max_attempts: limits::MAX_ATTEMPTS,
            key_cache: keys::KeyCache::default(),
        }))
    }

    /// The same service, whose [`Service::new_task`] makes tasks of at most `attempts` attempts, and whose prompts go to
    /// `providers`.
    pub(crate) fn with_surroundings(self, attempts: u32, providers: Vec<String>) -> Self {
        let shared = &self.0;
        Self(Arc::new(Shared {
            engine: shared.engine.clone(),
            records: shared.records.clone(),
            models: shared.models.clone(),
            providers,
            max_attempts: attempts,
            key_cache: keys::KeyCache::default(),
        }))
    }

    /// A task of `kind` with the configured defaults for all the rest, to be given to [`Tasks::create`].
    pub fn new_task(&self, kind: impl Into<Arc<str>>, payload: impl Into<Json>) -> NewTask {
        NewTask::new(kind, payload).max_attempts(self.0.max_attempts)
    }

    /// What can be done with tasks.
    pub fn tasks(&self) -> Tasks<'_> {
        Tasks { service: self }
    }

    /// What can be done with queues.
    pub fn queues(&self) -> Queues<'_> {
        Queues { service: self }
    }

    /// What can be done with the keys by which callers over a network prove who they are.
    pub fn keys(&self) -> Keys<'_> {
        Keys { service: self }
    }

    /// The models with their prices and, where the configuration gives them under `[[models]]`, their sizes. What is not
    /// known is absent.
    pub fn models(&self) -> &ModelTable {
        &self.0.models
    }

    /// The names of the providers that prompts can use here, in alphabetical order. A service that was not opened from a
    /// configuration knows none.
    pub fn providers(&self) -> &[String] {
        &self.0.providers
    }

    /// The kinds of tasks that are taken.
    pub fn kinds(&self) -> Vec<KindSpec> {
        self.0.engine.kinds()
    }

    /// The engine behind it.
    pub fn engine(&self) -> &Engine {
        &self.0.engine
    }

    /// Small records beside the tasks.
    pub fn records(&self) -> &Arc<dyn RecordStore> {
        &self.0.records
    }

    /// Stops taking up work, gives running tasks up to `grace`, hands back what is left, and closes the store.
    pub async fn shutdown(&self, grace: Duration) -> Result<ShutdownReport, StoreError> {
        let report = self.0.engine.shutdown(grace).await;
        self.0.engine.store().close().await?;
        Ok(report)
    }
}
