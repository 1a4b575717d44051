//! A service that runs commands.

use crate::children::LONG;
use mcs_core::config::{CommandConfig, Config, Database};
use mcs_core::domain::{NewTask, Status, Task, TaskError, TaskId, TaskResult};
use mcs_core::service::{Principal, Service, ServiceError};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) const STAND_IN: &str = env!("CARGO_BIN_EXE_process-stand-in");

pub(crate) struct Kit {
    pub(crate) service: Service,
    pub(crate) local: Principal,
    pub(crate) config: Config,
    home: tempfile::TempDir,
}

impl Kit {
    /// Commands may run in the directory `work`.
    pub(crate) async fn open() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut CommandConfig)) -> Self {
        let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let at = |name: &str| home.path().join(name);
        std::fs::create_dir(at("work")).unwrap();
        let mut config = Config::in_memory();
        config.directories.allowed = Some(vec![at("work")]);
        config.directories.runs = Some(at("runs"));
        config.directories.worktrees = Some(at("worktrees"));
        config.claude_code.enabled = false;
        config.engine.retry.base = Duration::from_millis(1);
        config.command.enabled = true;
        config.database = Database::File(at("tasks.db"));
        change(&mut config.command);
        Self {
            service: mcs_core::open(&config).await.unwrap(),
            local: Principal::local(),
            config,
            home,
        }
    }

    /// Without symbolic links, as programs see it.
    pub(crate) fn work(&self) -> PathBuf {
        std::fs::canonicalize(self.home.path().join("work")).unwrap()
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    pub(crate) fn runs(&self) -> PathBuf {
        self.home.path().join("runs")
    }

    /// A task that has the test child do `steps`.
    pub(crate) fn task(&self, steps: &[&str]) -> NewTask {
        self.payload(json!({"program": STAND_IN, "arguments": steps}))
    }

    pub(crate) fn payload(&self, payload: Value) -> NewTask {
        let mut task = NewTask::new("command", payload).max_attempts(1);
        task.work_directory = Some(self.work().to_str().unwrap().to_owned());
        task
    }

    pub(crate) async fn create(&self, task: NewTask) -> Result<TaskId, ServiceError> {
        let inserted = self.service.tasks().create(&self.local, task).await;
        inserted.map(|inserted| inserted.id)
    }

    /// The task once it has finished.
    pub(crate) async fn finished(&self, id: TaskId) -> Task {
        let task = self.service.tasks().wait(&self.local, id, LONG).await;
        task.unwrap()
    }

    pub(crate) async fn done(&self, task: NewTask) -> TaskResult {
        let id = self.create(task).await.unwrap();
        let task = self.finished(id).await;
        assert_eq!(task.status, Status::Completed, "{:?}", task.error);
        let outcome = self.service.tasks().result(&self.local, id).await.unwrap();
        outcome.result.unwrap()
    }

    pub(crate) async fn failed(&self, task: NewTask) -> (Task, TaskError) {
        let id = self.create(task).await.unwrap();
        let task = self.finished(id).await;
        assert_eq!(task.status, Status::Failed);
        let error = task.error.clone().unwrap();
        (task, error)
    }
}
