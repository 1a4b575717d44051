//! From a configuration to a service that runs.
#![cfg(feature = "engine")]
#![allow(clippy::unwrap_used, reason = "a helper of a test fails the test")]

mod common;

use mcs_core::config::{Config, Database, OpenError, QueueConfig};
use mcs_core::domain::{NewTask, Status};
use mcs_core::engine::{EngineBuilder, EngineError};
use mcs_core::service::{Principal, Service};
use mcs_core::store::{MemoryStore, TaskStore};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

const LONG: Duration = Duration::from_mins(1);

async fn answer(service: &Service, task: NewTask) -> String {
    let (tasks, local) = (service.tasks(), Principal::local());
    let id = tasks.create(&local, task).await.unwrap().id;
    let done = tasks.wait(&local, id, LONG).await.unwrap();
    assert_eq!(done.status, Status::Completed, "{:?}", done.error);
    let outcome = tasks.result(&local, id).await.unwrap();
    outcome.result.unwrap().joined_text()
}

#[tokio::test(start_paused = true)]
async fn without_a_key_prompts_are_echoed() {
    let mut config = Config::in_memory();
    // Whether there is such a program is found out by starting it, which takes time that is not that of the test.
    config.claude_code.enabled = false;
    let service = mcs_core::open(&config).await.unwrap();
    let text = answer(&service, NewTask::new("prompt", json!({"prompt": "hello"}))).await;
    assert!(text.contains("hello"), "{text}");
    assert!(service.models().iter().count() > 0);
    let began = Instant::now();
    service.shutdown(LONG).await.unwrap();
    assert_eq!(
        began.elapsed(),
        Duration::ZERO,
        "nothing runs that could be waited for"
    );
    let (tasks, local) = (service.tasks(), Principal::local());
    let closed = tasks.stats(&local).await.unwrap_err().to_string();
    assert!(closed.contains("closed"), "{closed}");
}

#[tokio::test]
async fn kinds_of_workers_elsewhere_are_taken_as_their_schema_says() {
    let text = r#"
        database = ":memory:"
        [[kinds]]
        name = "resize"
        description = "Makes a picture smaller."
        schema = '{"type": "object", "required": ["file"]}'
    "#;
    let config = Config::parse(Path::new("mcs.toml"), text, |_| None).unwrap();
    let service = mcs_core::open(&config).await.unwrap();
    let kinds = service.kinds();
    let kind = kinds.iter().find(|kind| kind.name == "resize").unwrap();
    assert_eq!(kind.description, "Makes a picture smaller.");
    let (tasks, local) = (service.tasks(), Principal::local());
    let good = NewTask::new("resize", json!({"file": "a.png"}));
    let id = tasks.create(&local, good).await.unwrap().id;
    let waits = tasks.status(&local, id).await.unwrap();
    assert_eq!(waits.status, Status::Pending);
    let bad = tasks.create(&local, NewTask::new("resize", json!({})));
    let refused = bad.await.unwrap_err().to_string();
    assert!(refused.contains("\"file\""), "{refused}");
}

/// The clock moves on by itself while everybody waits: within the minute any engine would have run the task.
#[tokio::test(start_paused = true)]
async fn an_engine_with_its_hands_off_runs_nothing() {
    let store = Arc::new(MemoryStore::new());
    let builder = || {
        let builder = mcs_core::builder(&Config::in_memory()).store(store.clone());
        builder.executor(common::Upper)
    };
    let idle = builder().engine(EngineBuilder::hands_off).open();
    let idle = idle.await.unwrap();
    let (tasks, local) = (idle.tasks(), Principal::local());
    let task = || NewTask::new("upper", json!({"text": "x"}));
    let id = store.insert(vec![task()], None).await.unwrap()[0].id;
    let left = tasks.wait(&local, id, LONG).await.unwrap();
    assert_eq!((left.status, left.attempt), (Status::Pending, 0));
    let refused = tasks.create(&local, task()).await.unwrap_err();
    assert!(refused.to_string().contains("upper"), "{refused}");
    let busy = builder().open().await.unwrap();
    let done = busy.tasks().wait(&local, id, LONG).await.unwrap();
    assert_eq!(done.status, Status::Completed, "{:?}", done.error);
}

#[tokio::test]
async fn executors_and_stores_of_ones_own_take_part() {
    let store = Arc::new(MemoryStore::new());
    let mut config = Config::default();
    config.engine.retry.max_attempts = 9;
    config.claude_code.enabled = false;
    let queue = QueueConfig { concurrency: 1 };
    config.queues.insert("one".to_owned(), queue);
    let service = mcs_core::builder(&config)
        .store(store)
        .executor(common::Upper)
        .engine(|engine| engine.executor(common::Broken))
        .open()
        .await
        .unwrap();
    let kinds = service.kinds();
    let names: Vec<_> = kinds.iter().map(|kind| kind.name.as_str()).collect();
    assert_eq!(names, ["batch", "broken", "prompt", "upper"]);
    // Whoever asks again is given the same ones, not copies of their schemas.
    let again = service.kinds();
    assert!(
        kinds
            .iter()
            .zip(&again)
            .all(|(kind, same)| Arc::ptr_eq(kind, same))
    );
    let task = service.new_task("upper", json!({"text": "x"}));
    assert_eq!(task.max_attempts, 9);
    assert_eq!(answer(&service, task.queue("one")).await, r#"{"TEXT":"X"}"#);
}

#[tokio::test]
async fn a_default_provider_that_is_not_there_is_refused() {
    let config = Config {
        default_provider: Some("openai".to_owned()),
        ..Config::in_memory()
    };
    let error = mcs_core::open(&config).await.unwrap_err().to_string();
    assert!(
        error.contains("`default_provider`") && error.contains("OPENAI_API_KEY"),
        "{error}"
    );
}

#[tokio::test]
async fn a_bad_configuration_opens_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tasks.db");
    let mut config = Config {
        database: Database::File(path.clone()),
        ..Config::default()
    };
    config.engine.concurrency = 0;
    let error = mcs_core::open(&config).await.unwrap_err();
    assert!(matches!(error, OpenError::Config(_)), "{error:?}");
    assert!(!path.exists());
}

#[tokio::test]
async fn an_engine_that_does_not_start_says_why() {
    let twice = mcs_core::builder(&Config::in_memory())
        .executor(common::Upper)
        .executor(common::Upper);
    let error = twice.open().await.unwrap_err();
    let kind = match &error {
        OpenError::Engine(EngineError::DuplicateKind { kind }) => kind,
        other => panic!("{other:?}"),
    };
    assert_eq!(kind, "upper");
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn a_file_keeps_tasks_from_one_service_to_the_next() {
    let directory = tempfile::tempdir().unwrap();
    let config = Config {
        database: Database::File(directory.path().join("tasks.db")),
        ..Config::default()
    };
    let local = Principal::local();
    let first = mcs_core::open(&config).await.unwrap();
    first.queues().pause(&local, "default").await.unwrap();
    let task = NewTask::new("prompt", json!({"prompt": "still here"}));
    let id = first.tasks().create(&local, task).await.unwrap().id;
    first.shutdown(Duration::ZERO).await.unwrap();

    let second = mcs_core::open(&config).await.unwrap();
    second.queues().resume(&local, "default").await.unwrap();
    let done = second.tasks().wait(&local, id, LONG).await.unwrap();
    assert_eq!(done.status, Status::Completed);
    second.shutdown(Duration::ZERO).await.unwrap();
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn a_file_in_no_directory_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let config = Config {
        database: Database::File(directory.path().join("missing").join("tasks.db")),
        ..Config::default()
    };
    let error = mcs_core::open(&config).await.unwrap_err();
    assert!(matches!(error, OpenError::Store(_)), "{error:?}");
    assert!(error.to_string().contains("missing"), "{error}");
    assert!(!directory.path().join("missing").exists());
}
