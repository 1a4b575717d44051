//! Runs a program.

mod capture;
mod outcome;
mod payload;
mod programs;
mod run;

use super::merge::merge;
use super::orphans::end_orphans;
use super::sandbox_check::SandboxCheck;
use super::settings::{CommandConfig, CommandLimits, SandboxUse};
use super::traced::hand_on_trace;
use super::{Availability, Context, ExecuteError, Executor, KindSpec, Outcome};
use crate::domain::{InvalidInput, LogLevel, NewTask, Task};
use crate::process::{
    Child, DEFAULT_ENVIRONMENT, Limits, Sandbox, Spawner, Spec, StderrFile, allowed_environment,
    is_allowed,
};
use crate::workspace::Roots;
use async_trait::async_trait;
use capture::Capture;
use outcome::Facts;
use payload::CommandPayload;
use programs::Programs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// When the file of a command's standard error is full. At most twice as much is kept.
const STDERR_BYTES: u64 = 16 * 1024 * 1024;

/// The executor of the kind `command`: runs a program with its arguments, without a shell, in a directory that is allowed.
/// Nothing that came from it is alive afterwards.
#[derive(Debug)]
pub struct Command {
    config: CommandConfig,
    programs: Programs,
    roots: Roots,
    /// Where output goes that is too long for a result.
    runs: PathBuf,
    spawner: Spawner,
    sandbox: SandboxCheck,
}

/// A command that can be run: everything it names is there.
#[derive(Debug)]
struct Found {
    program: PathBuf,
    directory: PathBuf,
}

impl Command {
    /// The kind it runs.
    pub const KIND: &'static str = "command";

    /// An executor for directories below `roots`, which leaves long output below `runs`.
    pub fn new(config: CommandConfig, roots: Roots, runs: PathBuf, spawner: Spawner) -> Self {
        Self {
            programs: Programs::new(config.programs.clone()),
            config,
            roots,
            runs,
            spawner,
            sandbox: SandboxCheck::default(),
        }
    }

    /// Looks for the program and the directory, beside the runtime.
    async fn find(&self, program: &str, directory: &str) -> Result<Found, InvalidInput> {
        let (programs, roots) = (self.programs.clone(), self.roots.clone());
        let (program, directory) = (program.to_owned(), directory.to_owned());
        let look = move || {
            let directory = roots.resolve(&directory)?;
            let program = programs.find(&program, &directory)?;
            Ok(Found { program, directory })
        };
        let ending =
            |_| InvalidInput::new("payload", "could not be looked at: the runtime is ending");
        tokio::task::spawn_blocking(look).await.map_err(ending)?
    }

    async fn sandbox(&self) -> Result<Option<Sandbox>, ExecuteError> {
        let is_used = self.sandbox.is_used(self.config.sandbox).await;
        let is_used = is_used.map_err(|error| ExecuteError::permanent(error.to_string()))?;
        Ok(is_used.then(|| Sandbox {
            network: self.config.network,
            readable: Vec::new(),
            writable: self.config.writable.clone(),
            private_tmp: true,
        }))
    }

    /// The names of the variables that a command is given: the usual ones, and those that it wants of the allowed ones.
    fn environment(&self, wanted: Option<&[String]>) -> Result<Vec<String>, InvalidInput> {
        let usual = DEFAULT_ENVIRONMENT.map(str::to_owned);
        let all = [&usual[..], &self.config.environment].concat();
        let Some(wanted) = wanted else {
            return Ok(all);
        };
        let is_refused = |name: &&String| name.contains('*') || !is_allowed(name.as_ref(), &all);
        if let Some(refused) = wanted.iter().find(is_refused) {
            let problem = format!(
                "has `{refused}`, and commands are given only {}; leave it out, or add it to `command.environment` in \
                 the configuration",
                all.join(", ")
            );
            return Err(InvalidInput::new("payload.environment", problem));
        }
        Ok([&usual[..], wanted].concat())
    }

    async fn spec(
        &self,
        found: Found,
        payload: &CommandPayload,
        (run, label): (&Path, String),
    ) -> Result<Spec, ExecuteError> {
        // What a stored task may be given may have been narrowed since.
        let names = self.environment(payload.environment.as_deref());
        let names = names.map_err(|error| refused(&error))?;
        let mut spec = Spec::new(found.program, found.directory);
        spec.arguments = payload.arguments.iter().map(Into::into).collect();
        spec.environment = allowed_environment(&names);
        spec.label = label;
        spec.limits = limits(&self.config.limits);
        spec.sandbox = self.sandbox().await?;
        spec.stderr = Some(StderrFile {
            path: run.join("stderr.log"),
            bytes: STDERR_BYTES,
        });
        Ok(spec)
    }

    async fn start(&self, spec: Spec, context: &Context) -> Result<Child, ExecuteError> {
        end_orphans(&self.spawner, context).await;
        let child = self.spawner.spawn(spec).await;
        child.map_err(ExecuteError::not_started)
    }
}

#[async_trait]
impl Executor for Command {
    fn kind(&self) -> KindSpec {
        let which = if self.config.programs.is_empty() {
            "Any program may be run.".to_owned()
        } else {
            format!("Programs here: {}.", self.config.programs.join(", "))
        };
        let description = format!(
            "Runs a program with arguments, without a shell, and keeps its output and its exit code. {which}"
        );
        KindSpec::new(Self::KIND, description).with_schema(CommandPayload::schema())
    }

    async fn check(&self) -> Availability {
        if self.config.sandbox != SandboxUse::Required {
            return Availability::Available;
        }
        match self.sandbox.available().await {
            Ok(()) => Availability::Available,
            Err(error) => Availability::Unavailable {
                reason: error.to_string(),
                remedy: "or set `command.sandbox` to \"auto\" or \"off\" in the configuration"
                    .into(),
            },
        }
    }

    fn prepare(&self, task: &mut NewTask) -> Result<(), InvalidInput> {
        let payload = CommandPayload::read(&task.payload)?;
        self.environment(payload.environment.as_deref())?;
        let said = payload.work_directory.as_ref();
        merge("work_directory", &mut task.work_directory, said)?;
        if task.work_directory.is_none() {
            let problem = "is missing; name the directory in which the program runs";
            return Err(InvalidInput::new("work_directory", problem));
        }
        if task.preview.is_empty() {
            task.preview = payload.shown();
        }
        Ok(())
    }

    async fn admit(&self, task: &NewTask) -> Result<(), InvalidInput> {
        let payload = CommandPayload::read(&task.payload)?;
        let directory = task.work_directory.as_deref().unwrap_or_default();
        self.find(&payload.program, directory).await.map(drop)
    }

    fn time_to_end(&self) -> Option<Duration> {
        Some(run::TIME_TO_END)
    }

    async fn execute(&self, task: &Task, context: &Context) -> Result<Outcome, ExecuteError> {
        let payload = task.payload.as_ref();
        let payload =
            payload.ok_or_else(|| ExecuteError::permanent("the task came without its payload"))?;
        let payload = CommandPayload::read(payload).map_err(|error| refused(&error))?;
        let directory = task.work_directory.as_deref().unwrap_or_default();
        let found = self
            .find(&payload.program, directory)
            .await
            .map_err(|error| refused(&error))?;
        let label = format!("{}.{}", task.id, context.lease().0);
        let run = self.runs.join(&label);
        let mut spec = self.spec(found, &payload, (&run, label)).await?;
        hand_on_trace(&mut spec.environment, context);
        let is_sandboxed = spec.sandbox.is_some();
        let shown = payload.shown();
        context.progress(None, format!("running {shown}"));
        let mut child = self.start(spec, context).await?;
        let mut stdout = Capture::new(self.config.output_bytes, run.join("stdout.log"));
        let ran = run::run(&mut child, payload.stdin.as_deref(), &mut stdout, context).await;
        if ran.swept.ended > 0 && !ran.is_stopped {
            let text = format!(
                "{} processes that it had started were still alive and were ended",
                ran.swept.ended
            );
            context.log(LogLevel::Warn, text).await;
        }
        let stderr = child.stderr_tail();
        let stderr_bytes = child.stderr_bytes();
        let stderr_file = run.join("stderr.log");
        let has_all = stderr.len() as u64 >= stderr_bytes;
        if has_all && stderr_bytes > 0 {
            forget(&stderr_file, &run).await;
        }
        let facts = Facts {
            command: &shown,
            ran: &ran,
            stdout: &stdout,
            stderr: &stderr,
            stderr_bytes,
            stderr_file: (!has_all).then_some(stderr_file.as_path()),
            is_sandboxed,
            retry: &payload.retry_exit_codes,
        };
        facts.outcome().map(Outcome::Done)
    }
}

const fn limits(config: &CommandLimits) -> Limits {
    let CommandLimits {
        memory_bytes,
        cpu_seconds,
        open_files,
        processes,
        file_bytes,
    } = *config;
    Limits {
        memory_bytes,
        cpu_seconds,
        open_files,
        processes,
        file_bytes,
    }
}

fn refused(error: &InvalidInput) -> ExecuteError {
    ExecuteError::permanent(error.to_string())
}

/// Removes a file that is in the result as a whole, and its directory where nothing else is in it.
async fn forget(file: &Path, directory: &Path) {
    // What is not removed now goes with the directory one day.
    let _ = tokio::fs::remove_file(file).await;
    let _ = tokio::fs::remove_dir(directory).await;
}
