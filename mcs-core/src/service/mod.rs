//! The door of the core: the use cases, one method each. Adapters call only this.

mod announced;
mod directory;
mod error;
mod events;
mod execute;
mod interactions;
mod keeper;
mod keys;
mod many;
mod principal;
mod queues;
mod readiness;
mod respond;
mod retry;
mod statistics;
mod taken;
mod task_spec;
mod tasks;

pub use announced::Announced;
pub use directory::{DirectoryBatch, DirectoryRequest, Skipped, TaskFields};
pub use error::ServiceError;
pub use events::{
    BadEventPlace, EventFilter, EventGap, EventPlace, EventPortion, EventSummary, Followed,
    LogFollower, Logged, SummaryFollower, TaskFollower,
};
pub use interactions::{EventFollower, InteractionDetail, Interactions, LONGEST_STATISTICS};
pub use keys::{
    Key, KeyPage, Keys, NewKey, NewToken, TokenEntry, TokenFile, TokenFileError, TokenHash,
};
pub(crate) use keys::{keep_new, new_entry};
pub use many::{Changed, Counted};
pub use principal::{Principal, Scope, Scopes};
pub use queues::{QueueStatus, Queues};
pub use readiness::{Readiness, StoreState};
pub use statistics::Statistics;
pub use taken::{Heartbeat, NextRequest};
pub use task_spec::{DirectorySpec, TaskSpec};
pub use tasks::{LARGEST_OFFSET, LONGEST_WAIT, TaskOutcome, Tasks};

use crate::domain::{Json, NewTask, limits};
use crate::engine::{Engine, EngineError, ShutdownReport};
use crate::executor::{Executor, KindSpec};
#[cfg(feature = "process")]
use crate::process::Spawner;
use crate::provider::models::ModelTable;
use crate::reporter::InteractionReporter;
use crate::store::{InteractionStore, RecordStore, StoreError};
use crate::workspace::Roots;
use keeper::Keeper;
use std::sync::Arc;
use std::time::Duration;

/// The use cases. Cheap to clone; all clones are one service.
#[derive(Debug, Clone)]
pub struct Service(Arc<Shared>);

#[derive(Debug, Clone)]
struct Shared {
    engine: Engine,
    records: Arc<dyn RecordStore>,
    interactions: Option<Arc<dyn InteractionStore>>,
    keeper: Option<Arc<Keeper>>,
    hub: Arc<events::Hub>,
    models: ModelTable,
    providers: Vec<String>,
    max_attempts: u32,
    key_cache: Arc<keys::KeyCache>,
    roots: Roots,
    #[cfg(feature = "process")]
    spawner: Option<Spawner>,
}

/// How long a shutdown waits for the ends of processes that were left over.
#[cfg(feature = "process")]
const SWEEP_TIME: Duration = Duration::from_secs(1);

impl Service {
    /// The use cases of `engine`.
    pub fn new(engine: Engine, records: Arc<dyn RecordStore>, models: ModelTable) -> Self {
        Self(Arc::new(Shared {
            engine,
            records,
            interactions: None,
            keeper: None,
            hub: Arc::default(),
            models,
            providers: Vec::new(),
            max_attempts: limits::MAX_ATTEMPTS,
            key_cache: Arc::default(),
            roots: Roots::new(Vec::new()),
            #[cfg(feature = "process")]
            spawner: None,
        }))
    }

    /// The same service, which keeps interactions in this store. Without one, [`Service::interactions`] refuses everything.
    pub fn with_interactions(self, store: Arc<dyn InteractionStore>) -> Self {
        self.with(|shared| shared.interactions = Some(store))
    }

    /// The same service, which removes in the background what was reported longer than `keep` ago, until it is shut down.
    /// Comes after [`Service::with_interactions`].
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn with_interaction_retention(self, keep: Duration) -> Self {
        self.with(|shared| {
            let store = shared.interactions.clone();
            shared.keeper = store.map(|store| Arc::new(Keeper::start(store, keep)));
        })
    }

    /// The same service, which reads files below `roots`. Without them it reads none.
    pub fn with_roots(self, roots: Roots) -> Self {
        self.with(|shared| shared.roots = roots)
    }

    /// The same service, which does not end before what this started has ended, for a while.
    #[cfg(feature = "process")]
    pub(crate) fn with_spawner(self, spawner: Spawner) -> Self {
        self.with(|shared| shared.spawner = Some(spawner))
    }

    /// The same service, whose [`Service::new_task`] makes tasks of at most `attempts` attempts, and whose prompts go to
    /// `providers`.
    pub(crate) fn with_surroundings(self, attempts: u32, providers: Vec<String>) -> Self {
        self.with(|shared| {
            shared.providers = providers;
            shared.max_attempts = attempts;
        })
    }

    fn with(self, change: impl FnOnce(&mut Shared)) -> Self {
        let mut shared = Shared::clone(&self.0);
        change(&mut shared);
        Self(Arc::new(shared))
    }

    /// A task of `kind` with the configured defaults for all the rest, to be given to [`Tasks::create`].
    pub fn new_task(&self, kind: impl Into<Arc<str>>, payload: impl Into<Json>) -> NewTask {
        NewTask::new(kind, payload).max_attempts(self.0.max_attempts)
    }

    /// What can be done with tasks.
    pub fn tasks(&self) -> Tasks<'_> {
        Tasks {
            service: self,
            trace: None,
        }
    }

    /// What can be done with queues.
    pub fn queues(&self) -> Queues<'_> {
        Queues { service: self }
    }

    /// What can be done with the keys by which callers over a network prove who they are.
    pub fn keys(&self) -> Keys<'_> {
        Keys { service: self }
    }

    /// What can be done with interactions.
    pub fn interactions(&self) -> Interactions<'_> {
        Interactions { service: self }
    }

    /// Whether there is a store for interactions.
    pub fn keeps_interactions(&self) -> bool {
        self.0.interactions.is_some()
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

    /// Whether prompts can use this provider here.
    pub fn has_provider(&self, name: &str) -> bool {
        self.0.providers.iter().any(|known| known == name)
    }

    /// The kinds of tasks that are taken; see [`Engine::kinds`].
    pub fn kinds(&self) -> Vec<Arc<KindSpec>> {
        self.0.engine.kinds()
    }

    /// Takes and runs tasks of the kind of `executor` from now on; see [`Engine::register`].
    pub fn register(&self, executor: impl Executor) -> Result<(), EngineError> {
        self.0.engine.register(Arc::new(executor))
    }

    /// The engine behind it.
    pub fn engine(&self) -> &Engine {
        &self.0.engine
    }

    /// The directories in which work may be done.
    pub fn roots(&self) -> &Roots {
        &self.0.roots
    }

    /// Whom calls are told. It may be one that nobody listens to.
    pub fn reporter(&self) -> &Arc<dyn InteractionReporter> {
        self.0.engine.reporter()
    }

    /// Small records beside the tasks.
    pub fn records(&self) -> &Arc<dyn RecordStore> {
        &self.0.records
    }

    /// Stops taking up work, gives running tasks up to `grace`, hands back what is left, and closes the store. Where a task
    /// left processes behind, it returns once they have ended, or a second later.
    pub async fn shutdown(&self, grace: Duration) -> Result<ShutdownReport, StoreError> {
        let report = self.0.engine.shutdown(grace).await;
        if let Some(keeper) = &self.0.keeper {
            keeper.stop().await;
        }
        self.0.hub.stop();
        let closed = self.0.engine.store().close().await;
        self.swept().await;
        closed?;
        Ok(report)
    }

    /// Waits for the ends of processes whose tasks were taken from them: they are being ended, and who exits first leaves
    /// them alive.
    #[cfg(feature = "process")]
    async fn swept(&self) {
        if let Some(spawner) = &self.0.spawner
            && tokio::time::timeout(SWEEP_TIME, spawner.idle())
                .await
                .is_err()
        {
            tracing::warn!("processes that tasks had started are still alive");
        }
    }

    #[cfg(not(feature = "process"))]
    #[expect(clippy::unused_async, reason = "the one with processes waits for them")]
    async fn swept(&self) {}
}
