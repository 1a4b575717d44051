//! The life of a batch.

use super::{House, LONG, payload};
use crate::common::{Upper, idle, user};
use mcs_core::domain::{Cursor, NewTask, Retention, Status};
use mcs_core::engine::Engine;
use mcs_core::executor::KindSpec;
use mcs_core::provider::models::ModelTable;
use mcs_core::service::{Principal, Scope, Scopes, Service};
use mcs_core::store::sqlite::{SqliteOptions, SqliteStore};
use mcs_core::store::{CancelReply, TaskStore};
use mcs_core::workspace::Roots;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

#[tokio::test]
async fn many_files_are_one_submit() {
    let house = House::new().await;
    for number in 0..2000 {
        house.write(
            &format!("{number:04}.task.toml"),
            format!("kind = 'idle'\npayload = {{ n = {number} }}"),
        );
    }
    let batch = house.run(house.request()).await.unwrap();
    assert_eq!(batch.tasks.len(), 2000);
    let last = house.get(batch.tasks[1999].task_id).await;
    assert_eq!(payload(&last), json!({"n": 1999}));
    let created = house.store.events(Cursor(0), 2).await.unwrap();
    assert!(
        created[0].events.len() > 2000,
        "they were stored in one commit"
    );
    house.write("2000.task.toml", "kind = 'idle'");
    let refused = house.run(house.request()).await.unwrap_err().to_string();
    assert!(refused.contains("more than 2000 files"), "{refused}");
}

#[tokio::test]
async fn cancelling_a_batch_cancels_what_has_not_finished() {
    let house = House::new().await;
    house.write("a.task.toml", "kind = 'upper'\npayload = { text = 'a' }");
    house.write("b.task.toml", "kind = 'idle'");
    house.write("c.task.toml", "kind = 'idle'\ndelay = '1h'");
    let local = Principal::local();
    let batch = house.run(house.request()).await.unwrap();
    house.finished(batch.tasks[0].task_id).await;
    let tasks = house.service.tasks();
    let reply = tasks.cancel(&local, batch.task_id, "enough").await.unwrap();
    assert!(matches!(
        reply,
        CancelReply::Cancelled | CancelReply::Requested
    ));
    let parent = tasks.wait(&local, batch.task_id, LONG).await.unwrap();
    let mut statuses = vec![parent.status];
    for made in &batch.tasks {
        statuses.push(house.get(made.task_id).await.status);
    }
    // A batch that was just looking at its tasks may see that all of them have finished.
    let ends = [Status::Cancelled, Status::Completed];
    assert!(ends.contains(&parent.status), "{}", parent.status);
    let [cancelled, completed] = ends;
    assert_eq!(statuses[1..], [completed, cancelled, cancelled]);
    let again = tasks.cancel(&local, batch.task_id, "again").await.unwrap();
    assert_eq!(again, CancelReply::Finished(parent.status));
}

#[tokio::test]
async fn a_batch_is_cancelled_with_the_scope_write_alone_and_not_after_its_end() {
    let house = House::new().await;
    house.write("a.task.toml", "kind = 'idle'");
    house.write("b.task.toml", "kind = 'idle'");
    let writer = Principal::new(Principal::LOCAL, Scopes::of(&[Scope::Write]));
    let tasks = house.service.tasks();
    // One that is ended without its tasks leaves them as they are.
    let over = house.run(house.request()).await.unwrap();
    let engine = house.service.engine();
    engine.cancel(over.task_id, "alone").await.unwrap();
    let local = Principal::local();
    tasks.wait(&local, over.task_id, LONG).await.unwrap();
    let reply = tasks.cancel(&writer, over.task_id, "late").await.unwrap();
    assert_eq!(reply, CancelReply::Finished(Status::Cancelled));
    let left = house.get(over.tasks[0].task_id).await;
    assert_eq!(left.status, Status::Pending);

    let batch = house.run(house.request()).await.unwrap();
    let reply = tasks.cancel(&writer, batch.task_id, "enough").await;
    assert!(!matches!(reply.unwrap(), CancelReply::Finished(_)));
    let ended = house.get(batch.tasks[0].task_id).await;
    assert_eq!(ended.status, Status::Cancelled);
}

#[tokio::test]
async fn failed_and_purged_tasks_are_told_of() {
    let house = House::new().await;
    house.write("a.task.toml", "kind = 'upper'\npayload = { text = 'a' }");
    house.write("b.task.toml", "kind = 'idle'");
    let local = Principal::local();
    let batch = house.run(house.request()).await.unwrap();
    house.finished(batch.tasks[0].task_id).await;
    let at_once = Retention {
        completed: Some(Duration::ZERO),
        ..Retention::default()
    };
    house.store.purge(&at_once, 10, None).await.unwrap();
    let tasks = house.service.tasks();
    let cancelled = tasks
        .cancel(&local, batch.tasks[1].task_id, "not today")
        .await;
    assert_eq!(cancelled.unwrap(), CancelReply::Cancelled);
    let result = house.finished(batch.task_id).await;
    let told = result.structured.clone().unwrap();
    let counts =
        json!({"total": 2, "completed": 0, "failed": 0, "cancelled": 1, "no_longer_kept": 1});
    assert_eq!(told["counts"], counts);
    let text = result.joined_text();
    assert!(
        text.contains("a.task.toml") && text.contains("no longer kept"),
        "{text}"
    );
    assert!(text.contains("CANCELLED: not today"), "{text}");
}

#[tokio::test]
async fn a_batch_is_made_by_its_call_alone() {
    let house = House::new().await;
    let local = Principal::local();
    let tasks = house.service.tasks();
    let payload = json!({"directory": "/", "pattern": "*", "tasks": []});
    let refused = tasks
        .create(&local, NewTask::new("batch", payload.clone()))
        .await;
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .contains("only execute_directory makes")
    );
    // One that names tasks of others fails rather than telling of them.
    let other = tasks.create(&user("other"), idle()).await.unwrap().id;
    let payload =
        json!({"directory": "/", "pattern": "*", "tasks": [{"file": "x", "task_id": other}]});
    let mut forged = NewTask::new("batch", payload);
    forged.id = Some("01900000-0000-7000-8000-000000000001".parse().unwrap());
    let forged = tasks.create(&local, forged).await.unwrap().id;
    let reply = tasks.cancel(&local, forged, "theirs too").await.unwrap();
    assert_ne!(reply, CancelReply::Missing);
    let ended = tasks.wait(&local, forged, LONG).await.unwrap();
    assert!(ended.status.is_terminal() && ended.status != Status::Completed);
    assert_eq!(house.get(other).await.status, Status::Pending);
    let refused = tasks.retry(&local, forged).await.unwrap_err().to_string();
    assert!(
        refused.contains("retry those of them that failed"),
        "{refused}"
    );
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn a_batch_outlives_the_process_that_made_it() {
    let house = House::new().await;
    house.write("a.task.toml", "kind = 'upper'\npayload = { text = 'a' }");
    let local = Principal::local();
    let file = house.path.join("tasks.db");
    let open = || Arc::new(SqliteStore::open(&SqliteOptions::new(&file)).unwrap());
    let store = open();
    // Nothing runs the kind here.
    let engine = Engine::builder(store.clone())
        .kind(KindSpec::new("upper", "Waits."))
        .start();
    let roots = Roots::new(vec![house.path.clone()]);
    let service =
        Service::new(engine.await.unwrap(), store, ModelTable::builtin()).with_roots(roots);
    let made = service
        .tasks()
        .execute_directory(&local, house.request())
        .await;
    let id = made.unwrap().task_id;
    service.shutdown(Duration::ZERO).await.unwrap();
    let store = open();
    let engine = Engine::builder(store.clone()).executor(Upper).start();
    let service = Service::new(engine.await.unwrap(), store, ModelTable::builtin());
    let done = service.tasks().wait(&local, id, LONG).await.unwrap();
    assert_eq!(done.status, Status::Completed, "{:?}", done.error);
    assert_eq!(done.attempt, 1, "looks cost no attempt");
    service.shutdown(Duration::ZERO).await.unwrap();
}
