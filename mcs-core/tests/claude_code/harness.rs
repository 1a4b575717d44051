//! What the tests share: a stand-in for the program, a service that runs it, and ways to wait for what it does.

use mcs_core::config::{Config, Database};
use mcs_core::domain::{
    Cursor, EventKind, Json, LogEntry, NewTask, Status, Task, TaskId, TaskResult,
};
use mcs_core::service::{Principal, Service};
use mcs_core::store::{Parts, TaskStore};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Longer than anything here takes.
pub(crate) const LONG: Duration = Duration::from_secs(90);
/// What one answer of the stand-in costs.
pub(crate) const ANSWER_USD: f64 = 0.00194;

/// Directories, and the stand-in as it is called there.
pub(crate) struct World {
    home: TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        let world = Self {
            home: tempfile::tempdir().unwrap(),
        };
        for name in ["work", "state", "pids", "marks"] {
            std::fs::create_dir(world.path(name)).unwrap();
        }
        world.program(&[]);
        world
    }

    /// The world of another process, which also tidies it up.
    pub(crate) fn of_another(home: &Path) -> WorldAt {
        WorldAt(home.canonicalize().unwrap())
    }

    /// The stand-in, with these variables set.
    pub(crate) fn program(&self, variables: &[(&str, &str)]) {
        let mut lines = vec!["#!/bin/sh".to_owned()];
        let own = [
            ("CLAUDE_STAND_IN_STATE", self.path("state")),
            ("CLAUDE_STAND_IN_PIDS", self.path("pids")),
        ];
        for (name, value) in own {
            lines.push(format!("export {name}='{}'", value.display()));
        }
        for (name, value) in variables {
            lines.push(format!("export {name}='{value}'"));
        }
        lines.push(format!(
            "exec '{}' \"$@\"\n",
            env!("CARGO_BIN_EXE_claude-stand-in")
        ));
        self.executable("claude", &lines.join("\n"), 0o755);
    }

    pub(crate) fn executable(&self, name: &str, text: &str, mode: u32) {
        let path = self.path(name);
        // Written aside, since a file that is being written cannot be run by a test beside this one.
        let new = self.path(&format!("{name}.new"));
        std::fs::write(&new, text).unwrap();
        std::fs::set_permissions(&new, std::fs::Permissions::from_mode(mode)).unwrap();
        std::fs::rename(new, path).unwrap();
    }

    pub(crate) fn at(&self) -> WorldAt {
        WorldAt(self.home.path().canonicalize().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.at().path(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn config(&self) -> Config {
        self.at().config()
    }

    pub(crate) async fn open(&self) -> Desk {
        Desk::open(&self.config()).await
    }

    /// A task with this prompt in the directory of work.
    pub(crate) fn task(&self, prompt: &str) -> NewTask {
        self.with(json!({"prompt": prompt}))
    }

    pub(crate) fn with(&self, payload: Value) -> NewTask {
        let mut task = NewTask::new("claude_code", payload).max_attempts(1);
        task.work_directory = Some(self.text("work"));
        task
    }

    /// The grandchildren that said that they began, and are alive.
    pub(crate) fn alive(&self) -> Vec<u32> {
        self.pids()
            .into_iter()
            .filter(|pid| is_alive(*pid))
            .collect()
    }

    pub(crate) fn pids(&self) -> Vec<u32> {
        let files = std::fs::read_dir(self.path("pids")).unwrap();
        files
            .map(|file| file.unwrap().file_name().to_str().unwrap().parse().unwrap())
            .collect()
    }

    /// Waits until so many grandchildren said that they began.
    pub(crate) async fn until_pids(&self, count: usize) {
        until(|| self.pids().len() >= count).await;
    }

    pub(crate) async fn until_marked(&self, name: &str) {
        let mark = self.path("marks").join(name);
        until(|| mark.exists()).await;
    }

    /// The directive that leaves a mark.
    pub(crate) fn mark(&self, name: &str) -> String {
        format!("mark:{}", self.path("marks").join(name).display())
    }

    pub(crate) fn wait_for(&self, name: &str) -> String {
        format!("wait:{}", self.path("marks").join(name).display())
    }

    pub(crate) fn make_mark(&self, name: &str) {
        std::fs::write(self.path("marks").join(name), "").unwrap();
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for pid in self.alive() {
            let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

/// A world by its directory.
pub(crate) struct WorldAt(PathBuf);

impl WorldAt {
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn config(&self) -> Config {
        let mut config = Config {
            database: Database::File(self.path("tasks.db")),
            ..Config::default()
        };
        config.engine.retry.base = Duration::from_millis(1);
        config.engine.retry.cap = Duration::from_millis(1);
        config.directories.allowed = Some(vec![self.path("work")]);
        config.directories.worktrees = Some(self.path("worktrees"));
        config.directories.runs = Some(self.path("runs"));
        config.claude_code.path = self.path("claude");
        config
    }
}

fn is_alive(pid: u32) -> bool {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else {
        return false;
    };
    let state = stat.rsplit(") ").next().unwrap_or_default();
    !state.starts_with(['Z', 'X'])
}

/// Waits for a sign that no event tells of.
pub(crate) async fn until(seen: impl Fn() -> bool) {
    let began = Instant::now();
    while !seen() {
        assert!(began.elapsed() < LONG, "it never came");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// A service, and what somebody does with it.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) service: Service,
    pub(crate) store: Arc<dyn TaskStore>,
    pub(crate) who: Principal,
}

impl Desk {
    pub(crate) async fn open(config: &Config) -> Self {
        let service = mcs_core::open(config).await.unwrap();
        Self {
            store: Arc::clone(service.engine().store()),
            service,
            who: Principal::local(),
        }
    }

    pub(crate) async fn submit(&self, task: NewTask) -> TaskId {
        self.service
            .tasks()
            .create(&self.who, task)
            .await
            .unwrap()
            .id
    }

    pub(crate) async fn refusal(&self, task: NewTask) -> String {
        let refused = self.service.tasks().create(&self.who, task).await;
        refused.unwrap_err().to_string()
    }

    pub(crate) async fn end_of(&self, id: TaskId) -> Task {
        let ended = self
            .service
            .tasks()
            .wait(&self.who, id, LONG)
            .await
            .unwrap();
        assert!(ended.status.is_terminal(), "it has not ended: {ended:?}");
        self.get(id).await
    }

    pub(crate) async fn run(&self, task: NewTask) -> Task {
        let id = self.submit(task).await;
        self.end_of(id).await
    }

    /// Runs a task that is to complete.
    pub(crate) async fn done(&self, task: NewTask) -> (Task, TaskResult) {
        let task = self.run(task).await;
        let result = completed(&task);
        (task, result)
    }

    pub(crate) async fn get(&self, id: TaskId) -> Task {
        let found = self.store.get(&[id], Parts::ALL).await.unwrap();
        found.into_iter().next().flatten().unwrap()
    }

    /// Waits until the task looks so.
    pub(crate) async fn until(&self, id: TaskId, seen: impl Fn(&Task) -> bool) -> Task {
        let mut events = self.store.subscribe();
        let look = async {
            loop {
                let task = self.get(id).await;
                if seen(&task) {
                    return task;
                }
                let _ = events.recv().await;
            }
        };
        let found = tokio::time::timeout(LONG, look).await;
        match found.ok() {
            Some(task) => task,
            None => panic!("it never came: {:?}", self.get(id).await),
        }
    }

    /// Waits until the run said `text`.
    pub(crate) async fn until_said(&self, id: TaskId, text: &str) {
        let mut events = self.store.subscribe();
        let look = async {
            loop {
                let said = |entry: &Value| entry["type"] == "message" && entry["text"] == text;
                if self.entries(id).await.iter().any(said) {
                    return;
                }
                let _ = events.recv().await;
            }
        };
        tokio::time::timeout(LONG, look)
            .await
            .unwrap_or_else(|_| panic!("it never said {text}"));
    }

    /// What the run did, as events told it.
    pub(crate) async fn entries(&self, id: TaskId) -> Vec<Value> {
        let (mut entries, mut after) = (Vec::new(), Cursor(0));
        loop {
            let batches = self.store.events(after, 500).await.unwrap();
            let Some(last) = batches.last() else {
                return entries;
            };
            after = Cursor(last.seq);
            let events = batches.iter().flat_map(|batch| &batch.events);
            let outputs =
                events.filter(|event| event.task == id && event.kind == EventKind::Output);
            entries.extend(outputs.filter_map(|event| event.detail.clone()));
        }
    }

    pub(crate) async fn log(&self, id: TaskId) -> Vec<LogEntry> {
        let (mut lines, mut after) = (Vec::new(), 0);
        loop {
            let page = self.store.log(id, after, 500).await.unwrap();
            let Some(last) = page.last() else {
                return lines;
            };
            after = last.seq;
            lines.extend(page);
        }
    }

    /// Answers the one open question.
    pub(crate) async fn answer(&self, task: TaskId, response: Value) {
        let tasks = self.service.tasks();
        let answered = tasks.respond(&self.who, task, None, response.into());
        answered.await.unwrap();
    }

    pub(crate) async fn follow_up(&self, finished: &Task, prompt: &str) -> Task {
        let tasks = self.service.tasks();
        let id = tasks.follow_up(&self.who, finished.id, prompt).await;
        self.end_of(id.unwrap()).await
    }

    pub(crate) async fn cancel(&self, id: TaskId) {
        self.service
            .tasks()
            .cancel(&self.who, id, "enough")
            .await
            .unwrap();
    }

    pub(crate) async fn close(&self) {
        self.service
            .shutdown(Duration::from_millis(1500))
            .await
            .unwrap();
    }
}

pub(crate) fn completed(task: &Task) -> TaskResult {
    assert_eq!(task.status, Status::Completed, "{:?}", task.error);
    task.result.as_ref().unwrap().parse().unwrap()
}

/// The name of the failure that a task's error tells programs.
pub(crate) fn name_of(task: &Task) -> String {
    let error = task
        .error
        .as_ref()
        .unwrap_or_else(|| panic!("it did not fail: {task:?}"));
    let details = error
        .details
        .as_ref()
        .unwrap_or_else(|| panic!("no details: {error:?}"));
    details["name"].as_str().unwrap_or_default().to_owned()
}

/// The question that waits for an answer.
pub(crate) fn open_question(task: &Task) -> Option<(String, Value)> {
    let open = task
        .input_requests
        .iter()
        .find(|question| question.response.is_none())?;
    Some((open.key.clone(), open.request.parse().unwrap()))
}

pub(crate) fn near(cost: f64, expected: f64) -> bool {
    (cost - expected).abs() < 1e-9
}

pub(crate) fn json_of(json: &Json) -> Value {
    json.parse().unwrap()
}
