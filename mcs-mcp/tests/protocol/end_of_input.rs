//! What happens when the client goes.

use crate::support::{Raw, service, structured};
use async_trait::async_trait;
use mcs_core::config::{Config, Database, ToolSet, builder};
use mcs_core::domain::{NewTask, Status, Task};
use mcs_core::executor::{Context, ExecuteError, Executor, KindSpec, Outcome};
use mcs_core::service::Principal;
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn an_empty_input_is_a_quiet_end() {
    let (service, _) = service().await;
    let (rest, ended) = Raw::silent(service, ToolSet::Core).finish().await;
    assert!(rest.is_empty() && ended.is_ok(), "{rest:?} {ended:?}");
}

#[tokio::test]
async fn calls_under_way_are_answered_and_waits_end_at_once() {
    let (service, _gate) = service().await;
    let mut client = Raw::connect(service, ToolSet::Core, "2025-11-25").await;
    let created = client.call("create_task", json!({"kind": "gated"})).await;
    let id = structured(&created)["task_id"].clone();
    let arguments = json!({"task_id": id, "timeout_seconds": 45});
    let wait = client
        .post(
            "tools/call",
            json!({"name": "wait_for_task", "arguments": arguments}),
        )
        .await;
    let late = client
        .post(
            "tools/call",
            json!({"name": "create_task", "arguments": {"prompt": "last"}}),
        )
        .await;
    let (rest, ended) = tokio::time::timeout(Duration::from_secs(10), client.finish())
        .await
        .expect("the server does not wait for the task");
    ended.expect("the end of input is no error");
    let answer = |id: u64| rest.iter().find(|message| message["id"] == id);
    let waited = answer(wait).expect("the wait is answered");
    assert_eq!(waited["result"]["structuredContent"]["task_id"], id);
    let created = answer(late).expect("what was sent before the end is done");
    assert_eq!(created["result"]["structuredContent"]["created"], true);
}

#[tokio::test]
async fn running_work_is_handed_back_to_the_next_server() {
    let directory = tempfile::tempdir().expect("a directory");
    let config = Config {
        database: Database::File(directory.path().join("tasks.db")),
        ..Config::default()
    };
    let who = Principal::local();
    let first = builder(&config)
        .executor(Endless)
        .open()
        .await
        .expect("it opens");
    let task = first
        .tasks()
        .create(&who, NewTask::new("endless", json!({})))
        .await;
    let id = task.expect("it is taken").id;
    while first
        .tasks()
        .get(&who, id)
        .await
        .expect("it is there")
        .status
        != Status::Processing
    {
        tokio::task::yield_now().await;
    }
    let client = Raw::connect(first, ToolSet::Core, "2025-11-25").await;
    let (_, ended) = client.finish().await;
    ended.expect("the end of input is no error");

    let next =
        builder(&config).engine(|engine| engine.kind(KindSpec::new("endless", "runs elsewhere")));
    let next = next.open().await.expect("it opens again");
    let task = next.tasks().get(&who, id).await.expect("it is there");
    assert_eq!(
        (task.status, task.lease.is_none(), task.rescues),
        (Status::Pending, true, 0)
    );
}

#[derive(Debug)]
struct Endless;

#[async_trait]
impl Executor for Endless {
    fn kind(&self) -> KindSpec {
        KindSpec::new("endless", "never ends")
    }

    async fn execute(&self, _: &Task, _: &Context) -> Result<Outcome, ExecuteError> {
        std::future::pending().await
    }
}
