use crate::common::{upper, user};
use crate::world::{agent, conflict, create, invalid, service, until};
use mcs_core::domain::{NewTask, Priority, Status};
use mcs_core::service::{Principal, ServiceError};
use serde_json::json;
use std::time::Duration;

const MINUTE: Duration = Duration::from_mins(1);

#[tokio::test]
async fn a_finished_task_is_continued_by_a_new_one() {
    let (service, alice) = (service().await, user("alice"));
    let first = NewTask {
        tags: vec!["a".into()],
        priority: Priority::HIGH,
        ..agent(json!({})).queue("q")
    };
    let id = create(&service, &alice, first).await;
    let tasks = service.tasks();
    tasks.wait(&alice, id, MINUTE).await.unwrap();
    // An admin goes on in the name of its owner.
    for who in [alice.clone(), Principal::local()] {
        let next = tasks.follow_up(&who, id, "and then?").await.unwrap();
        let next = tasks.get(&alice, next).await.unwrap();
        assert_eq!(
            next.payload.unwrap().as_str(),
            r#"{"before":"","say":"and then?"}"#
        );
        assert_eq!(
            (&*next.queue, &*next.owner, next.priority),
            ("q", "alice", Priority::HIGH)
        );
        assert_eq!((next.tags, next.parent), (vec!["a".to_owned()], None));
    }
}

#[tokio::test]
async fn what_cannot_be_continued_says_why() {
    let (service, alice) = (service().await, user("alice"));
    let tasks = service.tasks();
    let id = create(&service, &alice, agent(json!({"wait": true}))).await;
    until(&service, id, Status::Processing).await;
    let reason = conflict(tasks.follow_up(&alice, id, "x").await);
    assert!(reason.contains("PROCESSING"), "{reason}");
    tasks.cancel(&alice, id, "enough").await.unwrap();
    tasks.wait(&alice, id, MINUTE).await.unwrap();
    let refused = invalid(tasks.follow_up(&alice, id, "x").await);
    assert!(refused.problem.contains("no session"), "{refused}");
    let other = create(&service, &alice, upper("x")).await;
    tasks.wait(&alice, other, MINUTE).await.unwrap();
    let refused = invalid(tasks.follow_up(&alice, other, "x").await);
    assert!(refused.problem.contains("`upper`"), "{refused}");
    let refused = tasks.follow_up(&user("bob"), other, "x").await;
    assert!(matches!(refused, Err(ServiceError::NotFound(_))));
    let idle = create(&service, &alice, crate::common::idle()).await;
    tasks.cancel(&alice, idle, "enough").await.unwrap();
    let refused = tasks.follow_up(&alice, idle, "x").await;
    assert!(matches!(refused, Err(ServiceError::Unavailable { .. })));
}

#[tokio::test]
async fn what_a_task_left_is_removed_when_somebody_says_so() {
    let (service, alice) = (service().await, user("alice"));
    let tasks = service.tasks();
    let of = |category: &str| NewTask {
        category: Some(category.into()),
        ..agent(json!({}))
    };
    let mut ids = Vec::new();
    for category in ["dirty", "clean", "stuck"] {
        let id = create(&service, &alice, of(category)).await;
        tasks.wait(&alice, id, MINUTE).await.unwrap();
        ids.push(id);
    }
    let removed = tasks.clean_up(&alice, ids[0]).await.unwrap();
    assert_eq!(removed.as_deref(), Some("a work tree"));
    assert_eq!(tasks.clean_up(&alice, ids[1]).await.unwrap(), None);
    let reason = conflict(tasks.clean_up(&alice, ids[2]).await);
    assert!(reason.contains("keep them"), "{reason}");
    let running = create(&service, &alice, agent(json!({"wait": true}))).await;
    let reason = conflict(tasks.clean_up(&alice, running).await);
    assert!(reason.contains("only finished"), "{reason}");
}
