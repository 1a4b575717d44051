//! Runs Claude Code without its screen.
//!
//! What is pure lies in modules of its own: the payload, the command line, what the program's output says, the control
//! protocol, and what came of a run. They do no I/O and read no clock. The rest runs the program: `check` whether it can,
//! `attempt` one attempt at a task, `run` one life of the process, `approvals` what a human decides meanwhile, `session`
//! what outlives it.

mod approvals;
mod arguments;
mod attempt;
#[cfg(test)]
mod chaos;
mod check;
mod control;
mod earlier;
mod environment;
mod failure;
#[cfg(test)]
mod failure_tests;
mod files;
#[cfg(test)]
mod fixtures;
mod input;
mod models;
mod outcome;
mod payload;
#[cfg(test)]
mod payload_tests;
mod places;
mod prices;
mod question;
mod root;
mod run;
mod schema;
mod servers;
mod session;
mod stream;
mod tenants;
mod tools;
mod usage;

pub use places::Places;

use super::sandbox_check::SandboxCheck;
use super::settings::{ClaudeCodeConfig, SandboxUse};
use super::{Availability, Context, ExecuteError, Executor, KindSpec, Outcome};
use crate::domain::{InvalidInput, NewTask, Task};
use crate::git::Worktree;
use crate::process::Spawner;
use crate::provider::models::ModelTable;
use crate::store::TaskStore;
use async_trait::async_trait;
use attempt::Attempt;
use check::Checker;
use payload::Payload;
use prices::Prices;
use session::Checkpoint;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// The executor of the kind `claude_code`: gives the task's prompt to Claude Code in the task's directory.
#[derive(Debug)]
pub struct ClaudeCode {
    config: ClaudeCodeConfig,
    places: Places,
    spawner: Spawner,
    /// Where earlier tasks are, whose sessions go on.
    store: Arc<dyn TaskStore>,
    checker: Checker,
    prices: Prices,
    sandbox: SandboxCheck,
}

impl ClaudeCode {
    /// The kind it runs.
    pub const KIND: &'static str = "claude_code";

    /// An executor that runs as `config` says, in these places. Tasks of `store` can be continued. What a run used that
    /// had to be killed is counted at the prices of `models`.
    pub fn new(
        config: ClaudeCodeConfig,
        places: Places,
        spawner: Spawner,
        store: Arc<dyn TaskStore>,
        models: ModelTable,
    ) -> Self {
        let checker = Checker::new(config.path.clone(), spawner.clone());
        Self {
            config,
            places,
            spawner,
            store,
            checker,
            prices: Prices(models),
            sandbox: SandboxCheck::default(),
        }
    }

    /// Removes what runs that ended long ago left in the directory of runs. It blocks for as long as that takes.
    pub fn remove_old_runs(runs: &Path) {
        files::remove_old(runs, SystemTime::now());
    }

    async fn admit_directory(&self, task: &NewTask, payload: &Payload) -> Result<(), InvalidInput> {
        let earlier = match payload.resume {
            Some(id) => Some(earlier::find(&*self.store, &task.owner, id).await?),
            None => None,
        };
        let directory = match (&task.work_directory, &earlier) {
            (Some(path), _) => self.places.resolve(path).await?,
            (None, Some(earlier)) => {
                let path = earlier.directory.to_string_lossy();
                self.places.resolve(&path).await?
            }
            (None, None) => return Err(no_directory()),
        };
        let Some(wanted) = &payload.worktree else {
            return Ok(());
        };
        let checked = Worktree::check(&self.spawner, &directory, wanted.base.as_deref()).await;
        checked.map_err(|error| {
            InvalidInput::new("payload.worktree", format!("cannot be made: {error}"))
        })
    }
}

#[async_trait]
impl Executor for ClaudeCode {
    fn kind(&self) -> KindSpec {
        let description = "Gives a prompt to Claude Code, which reads, writes and runs things in a directory by itself, and \
                           keeps its answer, its cost and the list of files it changed.";
        KindSpec::new(Self::KIND, description).with_schema(Payload::schema())
    }

    async fn check(&self) -> Availability {
        if self.config.sandbox == SandboxUse::Required
            && let Err(error) = self.sandbox.available().await
        {
            return Availability::Unavailable {
                reason: error.to_string(),
                remedy: "or set `sandbox` under [claude_code] to \"auto\"".into(),
            };
        }
        self.checker.check().await
    }

    fn prepare(&self, task: &mut NewTask) -> Result<(), InvalidInput> {
        let payload = Payload::prepare(task)?;
        let allowed = &self.config.environment;
        payload.check_environment(|name| environment::is_allowed(name, allowed))?;
        if task.work_directory.is_none() && payload.resume.is_none() {
            return Err(no_directory());
        }
        if payload.resume.is_some() && payload.worktree.is_some() {
            let problem = "is asked for beside `resume`, and a session goes on where it was; leave one of them out";
            return Err(InvalidInput::new("payload.worktree", problem));
        }
        if task.model.is_none() {
            task.model.clone_from(&self.config.model);
        }
        if let Some(model) = &task.model {
            models::check(model)?;
        }
        let timeout = u64::try_from(self.config.timeout.as_millis()).unwrap_or(u64::MAX);
        task.timeout_ms.get_or_insert(timeout);
        // A rate limit holds back every task of the account.
        task.hold_key.get_or_insert_with(|| Self::KIND.to_owned());
        Ok(())
    }

    async fn admit(&self, task: &NewTask) -> Result<(), InvalidInput> {
        let payload = Payload::read(&task.payload)?;
        root::check(
            payload
                .permission_mode
                .unwrap_or(self.config.permission_mode),
        )?;
        self.admit_directory(task, &payload).await?;
        let sandboxed = self.is_sandboxed(payload.sandbox).await;
        sandboxed.map_err(|error| InvalidInput::new("payload.sandbox", error.to_string()))?;
        Ok(())
    }

    fn time_to_end(&self) -> Option<Duration> {
        Some(run::TIME_TO_END)
    }

    fn follow_up(&self, finished: &Task, prompt: &str) -> Result<NewTask, InvalidInput> {
        earlier::follow_up(finished, prompt)
    }

    async fn clean_up(&self, finished: &Task) -> Result<Option<String>, ExecuteError> {
        let checkpoint = Checkpoint::of(finished.checkpoint.as_ref());
        let Some(worktree) = checkpoint.and_then(|checkpoint| checkpoint.worktree) else {
            return Ok(None);
        };
        tenants::check_vacant(&*self.store, &worktree.path).await?;
        self.places.remove_worktree(&self.spawner, &worktree).await
    }

    async fn execute(&self, task: &Task, context: &Context) -> Result<Outcome, ExecuteError> {
        let payload = task.payload.as_ref();
        let payload =
            payload.ok_or_else(|| ExecuteError::permanent("the task came without its payload"))?;
        let payload =
            Payload::read(payload).map_err(|error| ExecuteError::permanent(error.to_string()))?;
        let attempt = Attempt {
            executor: self,
            task,
            context,
            payload,
        };
        attempt.run().await
    }
}

fn no_directory() -> InvalidInput {
    InvalidInput::new(
        "work_directory",
        "is missing; name the directory to work in, by its absolute path",
    )
}
