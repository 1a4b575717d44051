//! Tasks made of the files of a directory.
#![cfg(feature = "engine")]
#![allow(clippy::unwrap_used, reason = "a helper of a test fails the test")]

mod batch;
#[path = "../common/mod.rs"]
mod common;

use common::{Upper, user};
use mcs_core::domain::{
    Dispatch, PageRequest, Priority, Status, Task, TaskFilter, TaskId, TaskResult,
};
use mcs_core::engine::Engine;
use mcs_core::executor::KindSpec;
use mcs_core::provider::models::ModelTable;
use mcs_core::service::{
    DirectoryBatch, DirectoryRequest, Principal, Scopes, Service, ServiceError, TaskFields,
};
use mcs_core::store::MemoryStore;
use mcs_core::workspace::Roots;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

const LONG: Duration = Duration::from_mins(1);

/// A service that may read below a directory of its own.
struct House {
    service: Service,
    store: Arc<MemoryStore>,
    path: PathBuf,
    _made: tempfile::TempDir,
}

impl House {
    async fn new() -> Self {
        let made = tempfile::tempdir().unwrap();
        let path = fs::canonicalize(made.path()).unwrap();
        let store = Arc::new(MemoryStore::new());
        let engine = Engine::builder(store.clone())
            .executor(Upper)
            .kind(KindSpec::new("idle", "Waits for a worker elsewhere."))
            .start()
            .await
            .unwrap();
        let service = Service::new(engine, store.clone(), ModelTable::builtin())
            .with_roots(Roots::new(vec![path.clone()]));
        Self {
            service,
            store,
            path,
            _made: made,
        }
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let file = self.path.join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, content).unwrap();
    }

    fn request(&self) -> DirectoryRequest {
        DirectoryRequest {
            directory: self.path.to_str().unwrap().to_owned(),
            ..DirectoryRequest::default()
        }
    }

    async fn run(&self, request: DirectoryRequest) -> Result<DirectoryBatch, ServiceError> {
        let local = Principal::local();
        let tasks = self.service.tasks();
        tasks.execute_directory(&local, request).await
    }

    /// The refusal of a request, after which nothing is stored.
    async fn refused(&self, request: DirectoryRequest) -> String {
        let refused = self.run(request).await.unwrap_err().to_string();
        let local = Principal::local();
        let stats = self.service.tasks().stats(&local).await.unwrap();
        assert_eq!(stats.counts.total(), 0, "{refused}");
        refused
    }

    async fn get(&self, id: TaskId) -> Task {
        let local = Principal::local();
        self.service.tasks().get(&local, id).await.unwrap()
    }

    async fn finished(&self, id: TaskId) -> TaskResult {
        let local = Principal::local();
        let task = self.service.tasks().wait(&local, id, LONG).await.unwrap();
        assert_eq!(task.status, Status::Completed, "{:?}", task.error);
        task.result.unwrap().parse().unwrap()
    }
}

fn payload(task: &Task) -> Value {
    task.payload.as_ref().unwrap().parse().unwrap()
}

#[tokio::test]
async fn each_file_becomes_a_task_and_the_batch_completes_with_them() {
    let house = House::new().await;
    house.write(
        "b.task.toml",
        "kind = 'upper'\npriority = 'High'\ntags = ['own']\nwork_directory = 'sub'\n[payload]\ntext = 'b'\n",
    );
    house.write("a.task.toml", "kind = 'upper'\npayload = { text = 'a' }\n");
    house.write(
        "sub/c.task.md",
        "+++\nkind = 'upper'\nwork_directory = '..'\npayload = { text = 'c' }\n+++\n\n# Do it\n",
    );
    house.write("sub/readme.md", "no task");
    let request = DirectoryRequest {
        defaults: TaskFields {
            queue: Some("q".into()),
            tags: vec!["all".into()],
            ..TaskFields::default()
        },
        ..house.request()
    };
    let batch = house.run(request).await.unwrap();
    let files: Vec<_> = batch.tasks.iter().map(|task| task.file.as_str()).collect();
    assert_eq!(files, ["a.task.toml", "b.task.toml", "sub/c.task.md"]);
    let root = house.path.to_str().unwrap();
    let wanted = [
        (
            Priority::NORMAL,
            vec!["all"],
            root.to_owned(),
            json!({"text": "a"}),
        ),
        (
            Priority::HIGH,
            vec!["all", "own"],
            format!("{root}/sub"),
            json!({"text": "b"}),
        ),
        (
            Priority::NORMAL,
            vec!["all"],
            root.to_owned(),
            json!({"text": "c", "prompt": "# Do it"}),
        ),
    ];
    for (made, (priority, tags, directory, wanted)) in batch.tasks.iter().zip(wanted) {
        let task = house.get(made.task_id).await;
        assert_eq!(
            (&*task.kind, &*task.queue, task.priority),
            ("upper", "q", priority)
        );
        assert_eq!(
            (task.tags.clone(), task.parent),
            (
                tags.into_iter().map(String::from).collect(),
                Some(batch.task_id)
            )
        );
        assert_eq!(task.work_directory.as_deref(), Some(directory.as_str()));
        assert_eq!(payload(&task), wanted);
    }
    let parent = house.get(batch.task_id).await;
    assert_eq!((&*parent.kind, &*parent.queue), ("batch", "q"));
    assert_eq!(
        parent.preview,
        format!("3 tasks of **/*.task.{{toml,md}} in {root}")
    );
    let result = house.finished(batch.task_id).await;
    let told = result.structured.clone().unwrap();
    let counts =
        json!({"total": 3, "completed": 3, "failed": 0, "cancelled": 0, "no_longer_kept": 0});
    assert_eq!(told["counts"], counts);
    assert_eq!(told["tasks"][2]["file"], "sub/c.task.md");
    assert_eq!(told["tasks"][2]["status"], "COMPLETED");
    assert!(
        result.joined_text().contains("3 completed, 0 failed"),
        "{result:?}"
    );
}

#[tokio::test]
async fn one_prompt_is_applied_to_each_matching_file() {
    let house = House::new().await;
    house.write("src/a.rs", "fn a() {}");
    house.write("src/deep/b.rs", "fn {file}");
    house.write("src/c.txt", "");
    let request = DirectoryRequest {
        pattern: Some("src/**/*.rs".into()),
        prompt: Some("Review {relative} ({stem}): {content}".into()),
        defaults: TaskFields {
            execution_mode: Some("Custom".into()),
            kind: Some("idle".into()),
            dispatch: Some(Dispatch::Manual),
            ..TaskFields::default()
        },
        ..house.request()
    };
    let batch = house.run(request).await.unwrap();
    let mut prompts = Vec::new();
    for made in &batch.tasks {
        let task = house.get(made.task_id).await;
        assert_eq!(task.dispatch, Dispatch::Manual);
        prompts.push(payload(&task)["prompt"].clone());
    }
    assert_eq!(
        prompts,
        [
            "Review src/a.rs (a): fn a() {}",
            "Review src/deep/b.rs (b): fn {file}"
        ]
    );
}

#[tokio::test]
async fn what_is_wrong_in_a_file_refuses_all_and_names_file_and_line() {
    let good = "kind = 'upper'\npayload = { text = 'a' }\n";
    for (name, content, wanted) in [
        (
            "b.task.toml",
            "kind = 'upper'\ncolour = 'red'",
            "`b.task.toml:2` unknown field",
        ),
        (
            "b.task.toml",
            "kind = 'upper'\n\n[payload]\nother = 1",
            "`b.task.toml:3` `payload` does not fit the kind",
        ),
        (
            "b.task.toml",
            "kind = 'upper'\n[payload]\ntext = 1",
            "`b.task.toml:3` `payload.text` does not fit",
        ),
        (
            "b.task.toml",
            "\nkind = 'uper'",
            "`b.task.toml:2` `kind` is `uper`",
        ),
        (
            "b.task.toml",
            "kind = 'upper'\nexecution_mode = 'Standard'",
            "`b.task.toml:2` `execution_mode`",
        ),
        (
            "b.task.toml",
            "model = 'm'",
            "`b.task.toml` `prompt` is missing",
        ),
        (
            "b.task.toml",
            "kind = 'idle'\nwork_directory = '/'",
            "`b.task.toml:2` `work_directory` is `/`",
        ),
        (
            "b.task.toml",
            "kind = 'idle'\nbudget_usd = -1.0",
            "`b.task.toml:2` `budget_usd` is -1",
        ),
        (
            "b.task.toml",
            "kind = 'idle'\nmax_attempts = 0",
            "`b.task.toml:2` `max_attempts`",
        ),
        (
            "b.task.toml",
            "kind = 'idle'\ntimeout = '0s'",
            "`b.task.toml:2` `timeout_ms`",
        ),
        (
            "b.task.md",
            "+++\nkind = 'idle'\nqueue = ''\n+++\nx",
            "`b.task.md:3` `queue` is empty",
        ),
        (
            "b.task.md",
            "just text",
            "`b.task.md:1` has no front matter",
        ),
    ] {
        let house = House::new().await;
        house.write("a.task.toml", good);
        house.write(name, content);
        house.write("c.task.toml", good);
        let refused = house.refused(house.request()).await;
        assert!(refused.starts_with(wanted), "{content:?}: {refused}");
    }
}

#[tokio::test]
async fn hostile_files_are_refused_or_left_out() {
    let house = House::new().await;
    house.write("a.task.toml", b"kind = 'upper'\nprompt = '\xff'");
    house.write("b.task.toml", "kind = 'idle'\n# \0");
    house.write("c.task.toml", vec![b'#'; 1024 * 1024 + 1]);
    house.write("d.task.toml", "x = [".repeat(100_000));
    let refused = house.refused(house.request()).await;
    assert!(
        refused.starts_with("`a.task.toml:2` is not UTF-8"),
        "{refused}"
    );
    for part in [
        "`b.task.toml:2` contains a NUL",
        "`c.task.toml` has more than 1048576 bytes",
        "`d.task.toml:1`",
    ] {
        assert!(refused.contains(part), "{refused}");
    }
    assert!(refused.len() < 4000, "{}", refused.len());
}

#[cfg(unix)]
#[tokio::test]
async fn what_lies_outside_is_not_read() {
    use std::os::unix::fs::symlink;
    let (house, outside) = (House::new().await, House::new().await);
    outside.write("secret.task.toml", "kind = 'idle'");
    symlink(&outside.path, house.path.join("away")).unwrap();
    symlink(
        outside.path.join("secret.task.toml"),
        house.path.join("s.task.toml"),
    )
    .unwrap();
    let refused = house.refused(house.request()).await;
    assert!(refused.contains("leads out of the directory"), "{refused}");
    let away = DirectoryRequest {
        directory: house.path.join("away").to_str().unwrap().to_owned(),
        ..house.request()
    };
    let refused = house.refused(away).await;
    assert!(
        refused.starts_with("`directory` is") && refused.contains("directories.allowed"),
        "{refused}"
    );
    house.write("a.task.toml", "kind = 'idle'");
    let batch = house.run(house.request()).await.unwrap();
    assert_eq!((batch.tasks.len(), batch.skipped.len()), (1, 1));
    assert_eq!(batch.skipped[0].file, "s.task.toml");
}

#[tokio::test]
async fn requests_that_cannot_be_meant_are_refused_by_field() {
    let house = House::new().await;
    house.write("a.task.toml", "kind = 'idle'");
    let with = |change: fn(&mut DirectoryRequest)| {
        let mut request = house.request();
        change(&mut request);
        request
    };
    for (request, wanted) in [
        (
            with(|request| request.directory = "relative".into()),
            "`directory` is `relative`",
        ),
        (
            with(|request| request.directory += "/none"),
            "`directory` is",
        ),
        (
            with(|request| request.pattern = Some("../*".into())),
            "`pattern` is `../*`",
        ),
        (
            with(|request| request.pattern = Some("*.none".into())),
            "`pattern` is `*.none`, which fits no file",
        ),
        (
            with(|request| request.prompt = Some("{file}".into())),
            "`pattern` is missing",
        ),
        (
            with(|request| request.prompt = Some("do it".into())),
            "`prompt` says nothing of the file",
        ),
    ] {
        let refused = house.refused(request).await;
        assert!(refused.starts_with(wanted), "{refused}");
    }
}

#[tokio::test]
async fn it_needs_the_scopes_and_shows_its_owner_only() {
    let house = House::new().await;
    house.write("a.task.toml", "kind = 'idle'");
    let tasks = house.service.tasks();
    let only_writes = Principal::new(
        "w",
        Scopes {
            write: true,
            ..Scopes::default()
        },
    );
    let refused = tasks.execute_directory(&only_writes, house.request()).await;
    assert!(matches!(refused, Err(ServiceError::Forbidden { .. })));
    let alice = Principal::new(
        "alice",
        Scopes {
            execute: true,
            ..Scopes::USER
        },
    );
    let batch = tasks
        .execute_directory(&alice, house.request())
        .await
        .unwrap();
    let (bob, page) = (user("bob"), PageRequest::first(9));
    let seen = tasks.list(&bob, TaskFilter::default(), page).await;
    assert!(seen.unwrap().items.is_empty());
    let own = tasks.status(&alice, batch.tasks[0].task_id).await.unwrap();
    assert_eq!(&*own.owner, "alice");
}

#[tokio::test]
async fn a_service_without_roots_reads_nothing() {
    let house = House::new().await;
    house.write("a.task.toml", "kind = 'idle'");
    let closed = house.service.clone().with_roots(Roots::new(Vec::new()));
    let local = Principal::local();
    let refused = closed
        .tasks()
        .execute_directory(&local, house.request())
        .await;
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .contains("no directory at all")
    );
    assert!(Path::new(&house.request().directory).is_absolute());
}
