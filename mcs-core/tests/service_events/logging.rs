use crate::world::{World, idle};
use mcs_core::domain::{NewTask, Status};
use mcs_core::service::{Logged, Principal, Scopes, ServiceError};
use serde_json::json;
use std::time::Duration;
use tokio::time::timeout;

fn texts(logged: &Logged) -> Vec<&str> {
    match logged {
        Logged::Lines(lines) => lines.iter().map(|line| &*line.text).collect(),
        Logged::End(_) => Vec::new(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_log_is_followed_to_the_end_of_its_task() {
    let world = World::new().await;
    let local = Principal::local();
    let tasks = world.service.tasks();
    let speak = NewTask::new("speak", json!({}));
    let id = tasks.create(&local, speak).await.unwrap().id;
    let mut log = tasks.follow_log(&local, id, 0).await.unwrap();
    let mut later = tasks.follow_log(&local, id, 1).await.unwrap();
    let silence = timeout(Duration::from_secs(10), log.next()).await;
    assert!(silence.is_err(), "nothing was said yet");
    for word in ["one", "two"] {
        world.steps.add_permits(1);
        let logged = log.next().await.unwrap().unwrap();
        assert_eq!(texts(&logged), [word]);
    }
    world.steps.add_permits(1);
    let mut rest = Vec::new();
    while let Some(logged) = log.next().await.unwrap() {
        rest.push(logged);
    }
    assert_eq!(texts(&rest[0]), ["three"]);
    assert_eq!(rest[1..], [Logged::End(Status::Completed)]);
    assert_eq!(log.next().await.unwrap(), None);
    let logged = later.next().await.unwrap().unwrap();
    assert_eq!(texts(&logged), ["two", "three"]);
    assert_eq!(
        later.next().await.unwrap(),
        Some(Logged::End(Status::Completed))
    );
}

#[tokio::test(start_paused = true)]
async fn the_log_of_a_task_that_goes_ends() {
    let world = World::new().await;
    let local = Principal::local();
    let tasks = world.service.tasks();
    let id = world.add(vec![idle("q")]).await[0];
    let bob = Principal::new("bob", Scopes::USER);
    let refused = tasks.follow_log(&bob, id, 0).await.unwrap_err();
    assert!(matches!(refused, ServiceError::NotFound(_)));
    let mut log = tasks.follow_log(&local, id, 0).await.unwrap();
    world.store.cancel(vec![id], "no", None).await.unwrap();
    world.store.remove(vec![id]).await.unwrap();
    assert!(matches!(log.next().await, Err(ServiceError::NotFound(_))));
}
