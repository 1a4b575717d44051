//! A place for tests of Claude Code: a home, a work directory, and an API, in a process whose environment names them.

use crate::anthropic::Anthropic;
use crate::{cli, support};
use mcs_core::config::{Config, Database};
use mcs_core::domain::{NewTask, Task, TaskError, TaskId, TaskResult};
use mcs_core::service::{Principal, Service};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::{Duration, Instant};
use tokio::process::Command;

/// What each answer of the stand-in costs, as Claude Code counts it with its default model.
pub(crate) const ANSWER_USD: f64 = 0.00194;
/// How long anything may take that takes a second or two on an idle machine.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);
/// How long something of a tree may live after its task has ended.
const AFTERLIFE: Duration = Duration::from_secs(2);
/// Names the directory of a test to the process that runs it.
const PLACE: &str = "MCS_TEST_PLACE";
const CLAUDE: &str = "MCS_TEST_CLAUDE";

/// Runs `body` in a process of its own, since only so the environment that Claude Code gets can be another one.
pub(crate) fn run(test: &str, body: impl AsyncFnOnce(Lab)) {
    run_with(test, &[], body);
}

/// As [`run`], with more in the environment.
pub(crate) fn run_with(test: &str, more: &[(&str, &str)], body: impl AsyncFnOnce(Lab)) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    if support::role().is_some() {
        return runtime.block_on(body(Lab::here()));
    }
    let Some(claude) = cli::find() else {
        return;
    };
    let directory = tempfile::tempdir().expect("a directory");
    let place = directory.path().canonicalize().expect("a path");
    for name in ["home", "work"] {
        fs::create_dir(place.join(name)).expect("a directory");
    }
    let ran = runtime.block_on(async {
        let api = Anthropic::start().await;
        let mut command = Command::from(support::again(test, "body"));
        command
            .envs(api.environment())
            .envs(more.iter().copied())
            .env(CLAUDE, claude)
            .env(PLACE, &place)
            .env("HOME", place.join("home"))
            .env_remove("XDG_DATA_HOME")
            .env_remove("XDG_CONFIG_HOME")
            .kill_on_drop(true);
        command.output().await.expect("the test starts again")
    });
    let left = survivors(&place);
    for pid in &left {
        let pid = i32::try_from(*pid).ok();
        let pid = pid.and_then(rustix::process::Pid::from_raw);
        let _ = pid.map(|pid| rustix::process::kill_process(pid, rustix::process::Signal::KILL));
    }
    let Output {
        status,
        stdout,
        stderr,
    } = ran;
    let (stdout, stderr) = (
        String::from_utf8_lossy(&stdout),
        String::from_utf8_lossy(&stderr),
    );
    assert!(status.success(), "{stdout}\n{stderr}");
    assert_eq!(
        left,
        Vec::<u32>::new(),
        "processes that outlived the test\n{stderr}"
    );
}

/// The processes whose home is that of the test, but for this one.
fn survivors(place: &Path) -> Vec<u32> {
    let sign = format!("HOME={}/home\0", place.display());
    let belongs = |pid: &u32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let found = environment
            .windows(sign.len())
            .any(|part| part == sign.as_bytes());
        found && *pid != std::process::id()
    };
    let entries = fs::read_dir("/proc").expect("processes");
    let names = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    names.filter(belongs).collect()
}

/// What a test has.
#[derive(Debug, Clone)]
pub(crate) struct Lab {
    place: PathBuf,
    /// The directory that tasks work in.
    pub(crate) work: PathBuf,
}

impl Lab {
    fn here() -> Self {
        let place = PathBuf::from(std::env::var_os(PLACE).expect("the place"));
        Self {
            work: place.join("work"),
            place,
        }
    }

    pub(crate) fn config(&self) -> Config {
        let mut config = Config {
            database: Database::File(self.place.join("tasks.db")),
            ..Config::default()
        };
        config.engine.retry.base = Duration::from_millis(10);
        config.directories.allowed = Some(vec![self.work.clone()]);
        config.directories.worktrees = Some(self.place.join("worktrees"));
        config.directories.runs = Some(self.place.join("runs"));
        let claude = std::env::var_os(CLAUDE).expect("the program");
        config.claude_code.path = claude.into();
        config
    }

    pub(crate) async fn service(&self) -> Service {
        let opened = mcs_core::open(&self.config()).await;
        opened.expect("the service opens")
    }

    /// A task with this prompt, and with what else `fields` say.
    pub(crate) fn task(&self, service: &Service, prompt: &str, fields: &Value) -> NewTask {
        let mut payload = json!({"prompt": prompt, "work_directory": self.work});
        let fields = fields.as_object().into_iter().flatten();
        for (name, value) in fields {
            payload[name] = value.clone();
        }
        service.new_task("claude_code", payload)
    }

    /// Runs a task to its end.
    pub(crate) async fn done(&self, service: &Service, prompt: &str, fields: &Value) -> Done {
        let task = self.task(service, prompt, fields);
        let id = create(service, task).await;
        self.finished(service, id).await
    }

    /// Waits for the end of a task, and for that of all that it started.
    pub(crate) async fn finished(&self, service: &Service, id: TaskId) -> Done {
        let (tasks, me) = (service.tasks(), Principal::local());
        let task = tasks.wait(&me, id, PATIENCE).await.expect("the task");
        assert!(task.status.is_terminal(), "{task:?}");
        let ended = Instant::now();
        while !survivors(&self.place).is_empty() {
            assert!(
                ended.elapsed() < AFTERLIFE,
                "{:?} outlived their task",
                survivors(&self.place)
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let outcome = tasks.result(&me, id).await.expect("the result");
        Done {
            task,
            result: outcome.result.unwrap_or_default(),
            error: outcome.task.error,
        }
    }

    /// Returns once there is such a file in the work directory.
    pub(crate) async fn sign(&self, file: &str) {
        let began = Instant::now();
        while !self.work.join(file).exists() {
            assert!(began.elapsed() < PATIENCE, "there is no {file}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The processes of this test whose command line has `words`.
    pub(crate) fn processes(&self, words: &str) -> Vec<u32> {
        let has = |pid: &u32| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&line)
                .replace('\0', " ")
                .contains(words)
        };
        survivors(&self.place).into_iter().filter(has).collect()
    }
}

/// A task that has ended.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) task: Task,
    pub(crate) result: TaskResult,
    pub(crate) error: Option<TaskError>,
}

impl Done {
    /// A field of the structured result.
    pub(crate) fn field(&self, name: &str) -> Value {
        let structured = self.result.structured.as_ref();
        structured.map_or(Value::Null, |structured| structured[name].clone())
    }

    /// The name of what went wrong.
    pub(crate) fn problem(&self) -> String {
        let details = self.error.as_ref().and_then(|error| error.details.as_ref());
        let name = details.and_then(|details| details["name"].as_str());
        name.unwrap_or("nothing").to_owned()
    }

    /// Fails unless the task cost exactly so much.
    pub(crate) fn costs(&self, usd: f64) {
        self.costs_within(usd, 1e-9);
    }

    /// Fails unless the task cost so much, more or less.
    pub(crate) fn costs_within(&self, usd: f64, more_or_less: f64) {
        let cost = self.task.usage.cost_usd;
        let is_right = (cost - usd).abs() < more_or_less;
        assert!(is_right, "{cost} instead of {usd}: {self:#?}");
    }
}

pub(crate) async fn create(service: &Service, task: NewTask) -> TaskId {
    let created = service.tasks().create(&Principal::local(), task).await;
    created.expect("the task is taken").id
}
