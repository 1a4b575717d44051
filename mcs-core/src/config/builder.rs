use super::open::{OpenError, Stores};
use super::{Config, open, programs};
use crate::domain::InvalidInput;
use crate::engine::EngineBuilder;
use crate::executor::Executor;
use crate::provider::echo::Echo;
use crate::provider::models::ModelTable;
use crate::provider::{Provider, Providers};
use crate::reporter::InteractionReporter;
use crate::service::Service;
use crate::store::{InteractionStore, RecordStore, TaskStore};
use std::fmt;
use std::sync::Arc;

/// A configuration and what a program adds to it: executors, providers and a store of its own.
#[must_use = "nothing happens until `open` is called"]
pub struct Builder {
    config: Config,
    providers: Vec<Arc<dyn Provider>>,
    store: Option<Stores>,
    interactions: Option<Arc<dyn InteractionStore>>,
    additions: Vec<Addition>,
}

type Addition = Box<dyn FnOnce(EngineBuilder) -> EngineBuilder + Send>;

impl Builder {
    pub(super) fn new(config: Config) -> Self {
        Self {
            config,
            providers: Vec::new(),
            store: None,
            interactions: None,
            additions: Vec::new(),
        }
    }

    /// Runs tasks of one more kind.
    pub fn executor(self, executor: impl Executor) -> Self {
        self.engine(|engine| engine.executor(executor))
    }

    /// Offers prompts one more provider. One of the same name is replaced.
    pub fn provider(mut self, provider: impl Provider) -> Self {
        self.providers.push(Arc::new(provider));
        self
    }

    /// Keeps tasks and records in this store, whatever the configuration says. Interactions are not kept then, unless
    /// [`Builder::interactions`] says where; it may be the same store.
    pub fn store<S: TaskStore + RecordStore>(mut self, store: Arc<S>) -> Self {
        self.store = Some(Stores::of(store));
        self
    }

    /// Keeps interactions in this store, whatever the configuration says. One that is not the store of the tasks is not
    /// closed with the service.
    pub fn interactions(mut self, store: Arc<dyn InteractionStore>) -> Self {
        self.interactions = Some(store);
        self
    }

    /// Tells `reporter` of every attempt. Adapters tell it of their calls, through [`Service::reporter`].
    pub fn reporter(self, reporter: Arc<dyn InteractionReporter>) -> Self {
        self.engine(|engine| engine.reporter(reporter))
    }

    /// Changes the engine before it starts, in the order of the calls and after what the configuration says.
    pub fn engine(
        mut self,
        change: impl FnOnce(EngineBuilder) -> EngineBuilder + Send + 'static,
    ) -> Self {
        self.additions.push(Box::new(change));
        self
    }

    /// Opens the store, starts the engine, and returns the service.
    pub async fn open(self) -> Result<Service, OpenError> {
        let config = self.config;
        config.check()?;
        let models = ModelTable::builtin().with_overrides(config.models.clone())?;
        let providers =
            choose_default(open::providers(&config, self.providers, &models)?, &config)?;
        let names = providers.names().map(str::to_owned).collect();
        let stores = match self.store {
            Some(stores) => stores,
            None => open::stores(&config).await?,
        };
        let engine = open::engine(&config, &stores, providers, &models);
        let (engine, starter) = programs::with_programs(engine, &config, &stores, &models)?;
        let engine = self
            .additions
            .into_iter()
            .fold(engine, |engine, change| change(engine));
        match engine.start().await {
            Ok(engine) => {
                let roots = config.directories.roots(&|name| std::env::var(name).ok());
                let service = Service::new(engine, stores.records, models)
                    .with_roots(roots)
                    .with_surroundings(config.engine.retry.max_attempts, names);
                let service = programs::with_starter(service, starter);
                let interactions = self.interactions.or(stores.interactions);
                Ok(with_interactions(service, interactions, &config))
            }
            Err(error) => {
                // The engine's error is the one that matters; a store that does not close either says so in the log.
                if let Err(error) = stores.tasks.close().await {
                    tracing::warn!(%error, "the store did not close");
                }
                Err(error.into())
            }
        }
    }
}

fn with_interactions(
    service: Service,
    store: Option<Arc<dyn InteractionStore>>,
    config: &Config,
) -> Service {
    let Some(store) = store else {
        return service;
    };
    let service = service.with_interactions(store);
    match config.interactions.retention {
        Some(keep) => service.with_interaction_retention(keep),
        None => service,
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("config", &self.config)
            .field("providers", &self.providers)
            .field("store", &self.store)
            .field("interactions", &self.interactions)
            .field("additions", &self.additions.len())
            .finish()
    }
}

/// The configured provider is the default, else the first real one, else the echo, and the log says so.
fn choose_default(providers: Providers, config: &Config) -> Result<Providers, InvalidInput> {
    if let Some(name) = &config.default_provider {
        return providers.with_default(name);
    }
    if providers.default_provider().is_some() {
        return Ok(providers);
    }
    tracing::info!(
        "no provider has a key: prompts that name no provider are answered by `echo`, with the prompt itself"
    );
    providers.with_default(Echo::NAME)
}
