//! However a command ends, nothing that came from it is alive.

use crate::children::{LONG, carrying, until};
use crate::kit::Kit;
use mcs_core::domain::{ErrorClass, NewTask, Status, TaskId};
use mcs_core::store::CancelReply;
use std::time::Duration;

/// A command with a grandchild in a session of its own, which hangs.
fn family(kit: &Kit) -> NewTask {
    kit.task(&[
        "spawn", "2", "setsid", "hang", "spawn", "1", "hang", "say", "ready", "hang",
    ])
}

async fn running(kit: &Kit, task: NewTask) -> TaskId {
    let id = kit.create(task).await.unwrap();
    let name = id.to_string();
    until("all three run", || carrying(&name) == 3).await;
    id
}

#[tokio::test]
async fn a_cancelled_command_is_gone_with_all_of_it() {
    let kit = Kit::open().await;
    let id = running(&kit, family(&kit)).await;
    let cancelled = kit
        .service
        .tasks()
        .cancel(&kit.local, id, "enough")
        .await
        .unwrap();
    assert!(
        matches!(cancelled, CancelReply::Requested | CancelReply::Cancelled),
        "{cancelled:?}"
    );
    let task = kit.finished(id).await;
    assert_eq!(task.status, Status::Cancelled);
    assert_eq!(carrying(&id.to_string()), 0);
}

#[tokio::test]
async fn a_command_that_takes_too_long_is_gone_with_all_of_it() {
    let kit = Kit::open().await;
    let mut task = family(&kit);
    // Long enough for all three to start on a busy machine.
    task.timeout_ms = Some(5000);
    let id = running(&kit, task).await;
    let task = kit.finished(id).await;
    let error = task.error.unwrap();
    assert_eq!(
        (task.status, error.class),
        (Status::Failed, ErrorClass::Timeout)
    );
    assert_eq!(carrying(&id.to_string()), 0);
}

#[tokio::test]
async fn what_a_command_leaves_running_is_ended_and_its_result_counts() {
    let kit = Kit::open().await;
    let steps = [
        "spawn", "2", "setsid", "hang", "say", "started", "exit", "0",
    ];
    let id = kit.create(kit.task(&steps)).await.unwrap();
    let task = kit.finished(id).await;
    assert_eq!(task.status, Status::Completed, "{:?}", task.error);
    let result = kit
        .service
        .tasks()
        .result(&kit.local, id)
        .await
        .unwrap()
        .result
        .unwrap();
    assert_eq!(result.joined_text(), "started\n");
    assert_eq!(result.structured.unwrap()["processes_ended"], 1);
    assert_eq!(carrying(&id.to_string()), 0);
}

#[tokio::test]
async fn a_command_that_runs_when_the_service_ends_is_handed_back_and_gone() {
    let kit = Kit::open().await;
    // The second service runs it again.
    let id = running(&kit, family(&kit).max_attempts(2)).await;
    let ended = kit.service.shutdown(Duration::from_millis(1500));
    tokio::time::timeout(LONG, ended).await.unwrap().unwrap();
    assert_eq!(carrying(&id.to_string()), 0, "its end was waited for");
    let service = mcs_core::open(&kit.config).await.unwrap();
    until("it runs again", || carrying(&id.to_string()) == 3).await;
    service
        .tasks()
        .cancel(&kit.local, id, "enough")
        .await
        .unwrap();
    let task = service.tasks().wait(&kit.local, id, LONG).await.unwrap();
    assert_eq!(task.status, Status::Cancelled);
    assert_eq!(carrying(&id.to_string()), 0);
}
