//! Tasks in every state that a tool wants of them.

use mcs_core::domain::{Dispatch, NewTask, Status, TaskId};
use mcs_core::service::{Principal, Service};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Longest that a task may take to come to its state.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the tools are called on, each on something of its own, so that all can be called at the same time.
pub(crate) struct Stage {
    done: TaskId,
    asks: TaskId,
    waits: TaskId,
    held: TaskId,
    cancelled: TaskId,
    doomed: TaskId,
    past: TaskId,
    files: PathBuf,
}

impl Stage {
    pub(crate) async fn set(service: &Service, directory: &Path) -> Self {
        let who = Principal::local();
        let create_in = async |queue: &str, kind: &str, dispatch| {
            let mut task = NewTask::new(kind, json!({"prompt": "hello"}));
            task.dispatch = dispatch;
            task.queue = queue.into();
            let created = service.tasks().create(&who, task).await;
            created.expect("a task is created").id
        };
        let create = async |kind: &str, dispatch| create_in("inspected", kind, dispatch).await;
        let files = directory.join("files");
        std::fs::create_dir_all(&files).expect("a directory");
        std::fs::write(files.join("one.txt"), "one").expect("a file");
        let stage = Self {
            done: create("talking", Dispatch::Auto).await,
            asks: create("approving", Dispatch::Auto).await,
            waits: create("talking", Dispatch::Manual).await,
            held: create("talking", Dispatch::Manual).await,
            cancelled: create("talking", Dispatch::Manual).await,
            doomed: create_in("doomed", "talking", Dispatch::Manual).await,
            past: create_in("past", "talking", Dispatch::Auto).await,
            files,
        };
        let cancelled = service.tasks().cancel(&who, stage.cancelled, "").await;
        cancelled.expect("a task that waits is cancelled");
        for (id, status) in [
            (stage.done, Status::Completed),
            (stage.past, Status::Completed),
            (stage.asks, Status::InputRequired),
        ] {
            let task = service.tasks().wait_or_asked(&who, id, PATIENCE).await;
            assert_eq!(task.expect("the task is there").status, status);
        }
        stage
    }

    /// Fails where a tool said that it did what it did not do.
    pub(crate) async fn is_struck(&self, service: &Service) {
        let (tasks, who) = (service.tasks(), Principal::local());
        for (id, status) in [
            (self.asks, Status::Completed),
            (self.waits, Status::Completed),
            (self.held, Status::Cancelled),
            (self.doomed, Status::Cancelled),
        ] {
            let task = tasks.wait(&who, id, PATIENCE).await;
            assert_eq!(task.expect("the task is there").status, status);
        }
        let removed = tasks.get(&who, self.past).await;
        assert!(removed.is_err(), "{removed:?}");
    }

    /// Every tool and what it is called with.
    pub(crate) fn calls(&self) -> Vec<(&'static str, Value)> {
        let named = |id: &TaskId| json!({"task_id": id});
        let done = named(&self.done);
        let queue = json!({"queue": "of nobody"});
        vec![
            ("create_task", json!({"prompt": "hello"})),
            ("get_task_status", done.clone()),
            ("list_tasks", json!({"queue": "inspected"})),
            ("get_task_result", done.clone()),
            ("wait_for_task", done.clone()),
            ("cancel_task", named(&self.held)),
            ("cancel_tasks", json!({"queue": "doomed", "confirm": true})),
            ("purge_tasks", json!({"queue": "past", "confirm": true})),
            ("retry_task", named(&self.cancelled)),
            (
                "respond_to_task",
                json!({"task_id": self.asks, "decision": "allow"}),
            ),
            (
                "continue_task",
                json!({"task_id": self.done, "prompt": "and on"}),
            ),
            ("execute_task", named(&self.waits)),
            (
                "execute_directory",
                json!({"directory": self.files, "pattern": "*.txt", "prompt": "count {content}"}),
            ),
            ("get_statistics", json!({})),
            ("remove_worktree", done),
            ("list_queues", json!({})),
            ("pause_queue", queue.clone()),
            ("resume_queue", queue.clone()),
            // Where nothing matches, nobody is asked.
            ("cancel_tasks", queue.clone()),
            ("purge_tasks", queue),
        ]
    }
}
