//! The executors that start programs.

use super::Config;
use super::open::{OpenError, Stores};
use crate::engine::EngineBuilder;
use crate::provider::models::ModelTable;
use crate::service::Service;

/// What starts programs, where there is any.
#[cfg(feature = "process")]
pub(super) type Starter = Option<crate::process::Spawner>;

/// This build has none.
#[cfg(not(feature = "process"))]
pub(super) type Starter = ();

/// The same engine with those that the configuration switches on, and what starts their programs. Nothing is started for
/// them: a program is looked for once somebody asks whether its kind can run.
#[cfg(feature = "process")]
pub(super) fn with_programs(
    engine: EngineBuilder,
    config: &Config,
    stores: &Stores,
    models: &ModelTable,
) -> Result<(EngineBuilder, Starter), OpenError> {
    use super::source::Environment;
    use crate::executor::claude_code::{ClaudeCode, Places};
    use crate::executor::command::Command;
    use crate::process::Spawner;
    let kinds = [
        (ClaudeCode::KIND, config.claude_code.enabled),
        (Command::KIND, config.command.enabled),
    ];
    let kinds: Vec<_> = kinds
        .iter()
        .filter(|(_, enabled)| *enabled)
        .map(|(kind, _)| *kind)
        .collect();
    if kinds.is_empty() {
        return Ok((engine, None));
    }
    let environment: Environment<'_> = &|name| std::env::var(name).ok();
    let directories = &config.directories;
    let (Some(worktrees), Some(runs)) = (
        directories.worktrees(environment),
        directories.runs(environment),
    ) else {
        tracing::warn!(
            ?kinds,
            "tasks of these kinds are not taken: neither XDG_DATA_HOME nor HOME is set; set `directories.worktrees` and \
             `directories.runs`"
        );
        return Ok((engine, None));
    };
    // It ends what a process that was killed left running, before it starts anything itself.
    let spawner = Spawner::start().map_err(OpenError::Threads)?;
    let old = runs.clone();
    tokio::task::spawn_blocking(move || ClaudeCode::remove_old_runs(&old));
    let roots = directories.roots(environment);
    let mut engine = engine;
    if config.command.enabled {
        let mut command = config.command.clone();
        let writable = command.writable.into_iter();
        let expand = |path| super::database::expand_home(path, environment);
        command.writable = writable.map(expand).collect();
        engine = engine.executor(Command::new(
            command,
            roots.clone(),
            runs.clone(),
            spawner.clone(),
        ));
    }
    if config.claude_code.enabled {
        let places = Places {
            roots,
            worktrees,
            runs,
        };
        let (claude_code, store) = (config.claude_code.clone(), stores.tasks.clone());
        let claude_code =
            ClaudeCode::new(claude_code, places, spawner.clone(), store, models.clone());
        engine = engine.executor(claude_code);
    }
    Ok((engine, Some(spawner)))
}

/// The same engine: this build starts no programs.
#[cfg(not(feature = "process"))]
#[expect(clippy::unnecessary_wraps, reason = "the one with programs can fail")]
pub(super) fn with_programs(
    engine: EngineBuilder,
    config: &Config,
    _stores: &Stores,
    _models: &ModelTable,
) -> Result<(EngineBuilder, Starter), OpenError> {
    if config.command.enabled {
        tracing::warn!(
            "this build runs no commands: build mcs-core with the feature `process` to have tasks of the kind `command`"
        );
    }
    Ok((engine, ()))
}

/// The same service, which waits for the ends of what was started.
#[cfg(feature = "process")]
pub(super) fn with_starter(service: Service, starter: Starter) -> Service {
    match starter {
        Some(spawner) => service.with_spawner(spawner),
        None => service,
    }
}

/// The same service.
#[cfg(not(feature = "process"))]
pub(super) fn with_starter(service: Service, (): Starter) -> Service {
    service
}
