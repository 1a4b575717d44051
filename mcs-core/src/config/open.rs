use super::source::Environment;
use super::{Builder, Config, ConfigError, Database, database};
use crate::clock::SystemClock;
use crate::domain::InvalidInput;
use crate::engine::{Engine, EngineBuilder, EngineError};
use crate::executor::prompt::{AnswerCache, Prompt};
use crate::provider::models::ModelTable;
use crate::provider::{Provider, Providers};
use crate::service::Service;

use crate::store::{InteractionStore, MemoryStore, RecordStore, StoreError, TaskStore};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Opens what `config` says: the store, the providers, the engine with the kind `prompt`, and the service on top.
pub async fn open(config: &Config) -> Result<Service, OpenError> {
    builder(config).open().await
}

/// The same as [`open`], for programs that add executors, providers or a store of their own first.
pub fn builder(config: &Config) -> Builder {
    Builder::new(config.clone())
}

/// Why a service did not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The configuration makes no sense.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A provider or a model cannot work as configured.
    #[error(transparent)]
    Invalid(#[from] InvalidInput),
    /// The environment does not say where the user's data is.
    #[error(
        "there is no place for the database: neither XDG_DATA_HOME nor HOME is set; \
         set `database` or MCS_DATABASE to a file, or to \":memory:\" to keep nothing"
    )]
    NoDataDirectory,
    /// The directory of the database could not be made.
    #[error("cannot make the directory {} for the database: {source}; set `database` or MCS_DATABASE to another file", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The build has no store that keeps files.
    #[error(
        "{} cannot be opened: this build has no SQLite store; build mcs-core with the feature `sqlite`, \
         or set `database` to \":memory:\"", path.display()
    )]
    NoSqlite {
        /// The file.
        path: PathBuf,
    },
    /// The store did not open.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The threads that start and end programs could not be made.
    #[error(
        "the threads that start programs could not be made: {0}; let this process have a few more"
    )]
    Threads(std::io::Error),
    /// The engine did not start.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// One store, seen as each of its traits.
#[derive(Debug, Clone)]
pub(super) struct Stores {
    pub(super) tasks: Arc<dyn TaskStore>,
    pub(super) records: Arc<dyn RecordStore>,
    /// Not every store keeps interactions.
    pub(super) interactions: Option<Arc<dyn InteractionStore>>,
}

impl Stores {
    pub(super) fn of<S: TaskStore + RecordStore>(store: Arc<S>) -> Self {
        Self {
            tasks: store.clone(),
            records: store,
            interactions: None,
        }
    }

    /// A store that keeps interactions too.
    fn of_all<S: TaskStore + RecordStore + InteractionStore>(store: Arc<S>) -> Self {
        Self {
            interactions: Some(store.clone()),
            ..Self::of(store)
        }
    }
}

pub(super) async fn stores(config: &Config) -> Result<Stores, OpenError> {
    let path = match &config.database {
        Database::Memory => return Ok(Stores::of_all(Arc::new(MemoryStore::new()))),
        Database::File(path) => path.clone(),
        Database::UserData => {
            let environment: Environment<'_> = &|name| std::env::var(name).ok();
            let path = database::user_data(environment).ok_or(OpenError::NoDataDirectory)?;
            // Without the store there is nothing to make a directory for.
            if cfg!(feature = "sqlite") {
                make_directory(&path)?;
            }
            path
        }
    };
    open_file(path, config).await
}

/// Makes the directory of `file`, for its user alone: payloads and results are nobody else's business.
fn make_directory(file: &Path) -> Result<(), OpenError> {
    let Some(directory) = file.parent() else {
        return Ok(());
    };
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(directory)
        .map_err(|source| OpenError::Directory {
            path: directory.to_owned(),
            source,
        })
}

#[cfg(feature = "sqlite")]
async fn open_file(path: PathBuf, config: &Config) -> Result<Stores, OpenError> {
    use crate::store::sqlite::{SqliteOptions, SqliteStore, Synchronous};
    let options = SqliteOptions {
        synchronous: match config.synchronous {
            super::Synchronous::Full => Synchronous::Full,
            super::Synchronous::Normal => Synchronous::Normal,
        },
        ..SqliteOptions::new(path)
    };
    // Opening reads, and may migrate, a file. It ends without an answer only when the runtime does.
    let opened = tokio::task::spawn_blocking(move || SqliteStore::open(&options)).await;
    let store = opened.unwrap_or(Err(StoreError::Closed))?;
    Ok(Stores::of_all(Arc::new(store)))
}

#[cfg(not(feature = "sqlite"))]
#[expect(clippy::unused_async, reason = "the one with a store waits for it")]
async fn open_file(path: PathBuf, _config: &Config) -> Result<Stores, OpenError> {
    Err(OpenError::NoSqlite { path })
}

/// The configured providers and those that were `added`, which the configured ones may ask.
#[cfg(feature = "providers")]
pub(super) fn providers(
    config: &Config,
    added: Vec<Arc<dyn Provider>>,
    models: &ModelTable,
) -> Result<Providers, InvalidInput> {
    // The environment is in the configuration already, and code may have changed it since.
    let resolved = crate::provider::settings::resolve(&config.providers, |_| None)?;
    let apis = Providers::from_settings(resolved.apis, models)?;
    let all = added.into_iter().fold(apis, Providers::with_arc);
    all.with_routed(resolved.routed, models)
}

#[cfg(not(feature = "providers"))]
#[expect(clippy::unnecessary_wraps, reason = "the one with providers can fail")]
pub(super) fn providers(
    config: &Config,
    added: Vec<Arc<dyn Provider>>,
    _: &ModelTable,
) -> Result<Providers, InvalidInput> {
    if !config.providers.is_empty() {
        tracing::warn!(
            "this build has no HTTP providers: those of the configuration and the environment are left out; \
             build mcs-core with the feature `providers` to use them"
        );
    }
    Ok(added
        .into_iter()
        .fold(Providers::new(), Providers::with_arc))
}

/// The engine as the configuration says, before it starts.
pub(super) fn engine(
    config: &Config,
    stores: &Stores,
    providers: Providers,
    models: &ModelTable,
) -> EngineBuilder {
    let settings = &config.engine;
    let (tasks, records) = (stores.tasks.clone(), stores.records.clone());
    let cache = AnswerCache::new(tasks, records, Arc::new(SystemClock));
    let engine = Engine::builder(stores.tasks.clone())
        .executor(Prompt::new(providers, models.clone()).with_cache(cache))
        .default_concurrency(settings.concurrency)
        .max_waiting(settings.max_waiting)
        .lease(settings.lease)
        .heartbeat(settings.heartbeat)
        .attempt_timeout(settings.attempt_timeout)
        .retry(settings.retry.policy())
        .retention(config.retention);
    let queues = config.queues.iter();
    let engine = queues.fold(engine, |engine, (name, queue)| {
        engine.queue(name, queue.concurrency)
    });
    let kinds = config.kinds.iter().cloned();
    kinds.fold(engine, EngineBuilder::kind)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_directory_is_made_for_its_user_alone() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("share").join("mcs").join("mcs.db");
        make_directory(&file).unwrap();
        make_directory(&file).unwrap();
        let made = std::fs::metadata(file.parent().unwrap()).unwrap();
        assert_eq!(made.permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_named() {
        let home = tempfile::tempdir().unwrap();
        let taken = home.path().join("mcs");
        std::fs::write(&taken, "a file").unwrap();
        let error = make_directory(&taken.join("mcs.db")).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains(&taken.display().to_string()) && text.contains("MCS_DATABASE"),
            "{text}"
        );
    }
}
