//! One attempt at a task: which session it runs in, what the program is given, and what came of it.

use super::approvals::{Approvals, Ask};
use super::arguments::{Call, Session, environment};
use super::environment::inherited;
use super::failure::{Ending, Reason};
use super::files::RunFiles;
use super::outcome::{Spent, Traces, Wanted, conclude};
use super::payload::Payload;
use super::places::{git_failed, sandbox};
use super::run::{Over, follow};
use super::session::{Checkpoint, Origin, go_on};
use super::stream::Run;
use super::usage::cents;
use super::{ClaudeCode, check, earlier, servers};
use crate::clock::{Clock, SystemClock};
use crate::domain::{InvalidInput, LogLevel, Task};
use crate::executor::orphans::end_orphans;
use crate::executor::settings::{PermissionMode, SandboxUse};
use crate::executor::traced::hand_on_trace;
use crate::executor::{Context, ContextError, ExecuteError, Outcome};
use crate::git::{GitError, Snapshot};
use crate::process::{Child, Spec};
use serde_json::json;

/// Longest piece of a line of output that is read as one, in bytes.
const LINE_BYTES: usize = 32 * 1024 * 1024;

pub(super) struct Attempt<'a> {
    pub(super) executor: &'a ClaudeCode,
    pub(super) task: &'a Task,
    pub(super) context: &'a Context,
    pub(super) payload: Payload,
}

/// What the program is to do this time.
struct Plan {
    checkpoint: Checkpoint,
    session: Session,
    prompt: String,
}

impl Attempt<'_> {
    pub(super) async fn run(&self) -> Result<Outcome, ExecuteError> {
        end_orphans(&self.executor.spawner, self.context).await;
        self.withdraw_questions().await?;
        let mut plan = self.plan().await?;
        let mut over = self.run_once(&mut plan).await?;
        let is_resumed = matches!(plan.session, Session::Resume(_));
        let is_unknown = || Reason::of(&over.run, &over.ending) == Some(Reason::UnknownSession);
        if is_resumed && is_unknown() && !self.context.cancellation().is_cancelled() {
            // The former attempt died before the session began, or somebody removed it.
            let text = format!(
                "the session {} is not there; the work begins anew",
                plan.checkpoint.session_id
            );
            self.context.log(LogLevel::Warn, text).await;
            let checkpoint = plan.checkpoint.anew(&self.task.usage);
            plan = Plan {
                session: checkpoint.beginning(),
                checkpoint,
                prompt: self.payload.prompt.clone(),
            };
            over = self.run_once(&mut plan).await?;
        }
        self.conclude(plan, over).await
    }

    /// Nobody waits for what a former attempt asked: the program asks again, under other names.
    async fn withdraw_questions(&self) -> Result<(), ExecuteError> {
        let questions = self.task.input_requests.iter();
        for question in questions.filter(|question| question.response.is_none()) {
            let withdrawn = self.context.withdraw(question.key.clone()).await;
            withdrawn.map_err(|error| not_stored(&error))?;
        }
        Ok(())
    }

    async fn plan(&self) -> Result<Plan, ExecuteError> {
        if let Some(mut checkpoint) = Checkpoint::of(self.task.checkpoint.as_ref()) {
            checkpoint.directory = self
                .directory(&checkpoint.directory.to_string_lossy())
                .await?;
            return Ok(Plan {
                session: Session::Resume(checkpoint.session_id),
                checkpoint,
                prompt: go_on(&self.payload.prompt),
            });
        }
        let earlier = match self.payload.resume {
            Some(id) => Some(
                earlier::find(&*self.executor.store, &self.task.owner, id)
                    .await
                    .map_err(|error| refused(&error))?,
            ),
            None => None,
        };
        let own = self.task.work_directory.clone();
        let path = own.or_else(|| {
            let earlier = earlier.as_ref()?;
            Some(earlier.directory.to_string_lossy().into_owned())
        });
        let directory = self.directory(&path.unwrap_or_default()).await?;
        let worktree = earlier
            .as_ref()
            .and_then(|earlier| earlier.worktree.clone());
        let origin = earlier.map(|earlier| Origin {
            session_id: earlier.session_id,
            totals: earlier.totals,
        });
        let mut checkpoint = Checkpoint::new(directory, origin, &self.task.usage);
        checkpoint.worktree = worktree;
        self.make_worktree(&mut checkpoint).await?;
        checkpoint.before = self.snapshot(&checkpoint).await;
        Ok(Plan {
            session: checkpoint.beginning(),
            checkpoint,
            prompt: self.payload.prompt.clone(),
        })
    }

    async fn directory(&self, path: &str) -> Result<std::path::PathBuf, ExecuteError> {
        let found = self.executor.places.resolve(path).await;
        found.map_err(|error| refused(&error))
    }

    async fn make_worktree(&self, checkpoint: &mut Checkpoint) -> Result<(), ExecuteError> {
        let Some(wanted) = &self.payload.worktree else {
            return Ok(());
        };
        self.context.progress(None, "makes a git worktree");
        let lease = self.context.lease().0;
        let made = self.executor.places.make_worktree(
            &self.executor.spawner,
            &checkpoint.directory,
            wanted.base.as_deref(),
            (self.task.id, lease),
        );
        let worktree = made.await.map_err(|error| git_failed(&error))?;
        checkpoint.directory.clone_from(&worktree.directory);
        checkpoint.worktree = Some(worktree);
        Ok(())
    }

    /// How the files are before the run. Without it the result does not say which were changed.
    async fn snapshot(&self, checkpoint: &Checkpoint) -> Option<Snapshot> {
        match Snapshot::of(&self.executor.spawner, &checkpoint.directory).await {
            Ok(snapshot) => snapshot,
            Err(GitError::NotInstalled) => None,
            Err(error) => {
                let text = format!("the result will not say which files were changed: {error}");
                self.context.log(LogLevel::Warn, text).await;
                None
            }
        }
    }

    /// Runs the program once. What it is about to do is durable before it begins.
    async fn run_once(&self, plan: &mut Plan) -> Result<Over, ExecuteError> {
        let stored = plan.checkpoint.store(self.context).await;
        stored.map_err(|error| not_stored(&error))?;
        let servers = &self.payload.mcp_servers;
        let mcp_config = (!servers.is_empty()).then(|| servers::config(servers));
        let run = (self.task.id, self.context.lease());
        let files = RunFiles::make(self.executor.places.runs.clone(), run, mcp_config).await;
        let files = files.map_err(|error| {
            let runs = self.executor.places.runs.display();
            ExecuteError::transient(format!(
                "the directory of the run cannot be made below {runs}: {error}"
            ))
        })?;
        self.context.progress(None, "starts Claude Code");
        let child = self.spawn(plan, &files).await?;
        let asks = self.permission_mode() == PermissionMode::Ask;
        let ask = asks.then(|| Ask {
            limit: self.executor.config.question_limit,
            directory: plan.checkpoint.directory.to_string_lossy().into_owned(),
        });
        let approvals = Approvals::new(self.context, ask, &self.task.input_requests);
        let over = follow(child, &plan.prompt, approvals, self.context).await;
        // A second run of this attempt makes the same file.
        files.clean().await;
        Ok(over)
    }

    async fn spawn(&self, plan: &Plan, files: &RunFiles) -> Result<Child, ExecuteError> {
        let config = &self.executor.config;
        let program = check::find(config.path.clone()).await.map_err(|problem| {
            let message = format!("{}; {}", problem.reason, problem.remedy);
            ExecuteError::transient(message).with_details(json!({"name": "not_available"}))
        })?;
        let call = Call {
            payload: &self.payload,
            session: plan.session,
            model: self.task.model.as_deref(),
            permission_mode: self.permission_mode(),
            max_turns: self.payload.max_turns.or(config.max_turns),
            max_budget_usd: self.budget()?,
            mcp_config: files.mcp_config(),
        };
        let directory = &plan.checkpoint.directory;
        let names = self
            .payload
            .environment
            .as_ref()
            .unwrap_or(&config.environment);
        let mut spec = Spec::new(program, directory);
        spec.arguments = call.arguments();
        spec.environment = environment(inherited(names), config.max_retries);
        hand_on_trace(&mut spec.environment, self.context);
        spec.label = format!("{}.{}", self.task.id, self.context.lease().0);
        spec.stderr = Some(files.stderr());
        spec.line_bytes = LINE_BYTES;
        if self
            .executor
            .is_sandboxed(self.payload.sandbox)
            .await
            .map_err(|error| {
                ExecuteError::permanent(error.to_string()).with_details(json!({"name": "sandbox"}))
            })?
        {
            let worktree = plan.checkpoint.worktree.as_ref();
            spec.sandbox = Some(sandbox(config.network, worktree, files.directory()).await);
        }
        self.executor.spawner.spawn(spec).await.map_err(|error| {
            ExecuteError::not_started(error).with_details(json!({"name": "not_started"}))
        })
    }

    fn permission_mode(&self) -> PermissionMode {
        self.payload
            .permission_mode
            .unwrap_or(self.executor.config.permission_mode)
    }

    /// What this attempt may cost: the smallest of the bounds, less what former attempts cost.
    fn budget(&self) -> Result<Option<f64>, ExecuteError> {
        let bounds = [
            self.payload.max_budget_usd,
            self.executor.config.max_budget_usd,
            self.task.budget_usd,
        ];
        let Some(budget) = bounds.into_iter().flatten().reduce(f64::min) else {
            return Ok(None);
        };
        let left = budget - self.task.usage.cost_usd;
        if left > 0.0 {
            return Ok(Some(left));
        }
        let message = format!(
            "the task has cost {} US dollars and may cost {budget}; raise max_budget_usd, or continue the task",
            self.task.usage.cost_usd
        );
        Err(ExecuteError::permanent(message).with_details(json!({"name": "max_budget"})))
    }

    /// Stores what the run used and says what came of it.
    async fn conclude(&self, mut plan: Plan, over: Over) -> Result<Outcome, ExecuteError> {
        let Over { run, ending } = over;
        self.account(&mut plan, &run, &ending).await;
        let traces = self.traces(&plan.checkpoint).await;
        let config = &self.executor.config;
        let wanted = Wanted {
            structured_output: self.payload.json_schema.is_some(),
            on_denied: self.payload.on_denied.unwrap_or(config.on_denied),
            on_mcp_failure: self.payload.on_mcp_failure.unwrap_or(config.on_mcp_failure),
        };
        let spent = Spent {
            cost_usd: cents(self.task.usage.cost_usd + self.context.usage().cost_usd),
            models: plan.checkpoint.base.of_models(&plan.checkpoint.totals),
        };
        let now = SystemClock.now();
        conclude(&run, &ending, wanted, &spent, &traces, now).map(Outcome::Done)
    }

    async fn account(&self, plan: &mut Plan, run: &Run, ending: &Ending) {
        let begins = !matches!(plan.session, Session::Resume(_));
        let checkpoint = &mut plan.checkpoint;
        let settled = &self.task.usage;
        if run.results() > 0 {
            if let Some(carried) = run.carried() {
                checkpoint.base.carried(carried, settled, begins);
            }
            let totals = run.totals();
            self.context
                .record_usage(checkpoint.base.of_attempt(&totals, settled));
            checkpoint.totals = totals;
        }
        // What it used since its last result is in its session, where it lived to store it, and is then told by the next.
        let unheard = self.executor.prices.usage(&run.unreported());
        self.context.record_usage(unheard);
        if ending.is_killed() {
            checkpoint.base.forget(&unheard);
        }
        // Without it a task that goes on with the session is told of a cost that is not its own; that is all.
        if let Err(error) = checkpoint.store(self.context).await {
            tracing::debug!(%error, task = %self.task.id, "the session's usage was not stored");
        }
    }

    async fn traces(&self, checkpoint: &Checkpoint) -> Traces {
        let mut traces = Traces::default();
        if let Some(worktree) = &checkpoint.worktree {
            traces.worktree = Some(worktree.path.to_string_lossy().into_owned());
            traces.branch = Some(worktree.branch.clone());
        }
        // Somebody waits for the end of an attempt that was told to end.
        if let Some(before) = checkpoint
            .before
            .as_ref()
            .filter(|_| !self.context.cancellation().is_cancelled())
        {
            match before.changes(&self.executor.spawner).await {
                Ok(changes) => traces.files_changed = serde_json::to_value(changes).ok(),
                Err(error) => {
                    let text = format!("which files were changed is not known: {error}");
                    self.context.log(LogLevel::Warn, text).await;
                }
            }
        }
        traces
    }
}

impl ClaudeCode {
    /// Whether a run is put into a sandbox, or why it cannot be.
    pub(super) async fn is_sandboxed(
        &self,
        asked: Option<SandboxUse>,
    ) -> Result<bool, crate::process::SandboxError> {
        let wanted = asked.unwrap_or(SandboxUse::Off).max(self.config.sandbox);
        self.sandbox.is_used(wanted).await
    }
}

fn refused(error: &InvalidInput) -> ExecuteError {
    ExecuteError::permanent(error.to_string()).with_details(json!({"name": error.field}))
}

fn not_stored(error: &ContextError) -> ExecuteError {
    ExecuteError::transient(format!(
        "the attempt could not be stored before it began: {error}"
    ))
}
