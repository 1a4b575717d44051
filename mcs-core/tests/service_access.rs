//! Who may do what with whose tasks.
#![cfg(feature = "engine")]
#![allow(clippy::unwrap_used, reason = "a helper of a test fails the test")]

mod common;

use common::{idle, service, user};
use mcs_core::domain::{Cursor, NewTask, PageRequest, TaskFilter, TaskId};
use mcs_core::service::{Principal, Scope, Scopes, Service, ServiceError};
use std::fmt::Debug;
use std::time::Duration;

async fn create(service: &Service, who: &Principal, task: NewTask) -> TaskId {
    service.tasks().create(who, task).await.unwrap().id
}

async fn owner_of(service: &Service, id: TaskId) -> String {
    let local = Principal::local();
    let task = service.tasks().get(&local, id).await.unwrap();
    task.owner.to_string()
}

fn owned_by(owner: &str) -> NewTask {
    NewTask {
        owner: owner.into(),
        ..idle()
    }
}

#[tokio::test]
async fn the_caller_owns_what_it_creates() {
    let service = service().await;
    let id = create(&service, &user("alice"), idle()).await;
    assert_eq!(owner_of(&service, id).await, "alice");
    let id = create(&service, &user("alice"), owned_by("bob")).await;
    assert_eq!(
        owner_of(&service, id).await,
        "alice",
        "only an admin names another owner"
    );
    let admin = Principal::new("root", Scopes::ALL);
    let id = create(&service, &admin, owned_by("bob")).await;
    assert_eq!(owner_of(&service, id).await, "bob");
    let id = create(&service, &admin, idle()).await;
    assert_eq!(owner_of(&service, id).await, "root");
    let id = create(&service, &Principal::local(), idle()).await;
    assert_eq!(owner_of(&service, id).await, "local");
}

#[track_caller]
fn not_found<T: Debug>(id: TaskId, answer: Result<T, ServiceError>) {
    match answer {
        Err(ServiceError::NotFound(missing)) => assert_eq!(missing, id),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_tasks_of_others_are_not_there() {
    let service = service().await;
    let (alice, bob) = (user("alice"), user("bob"));
    let id = create(&service, &alice, idle()).await;
    let tasks = service.tasks();
    not_found(id, tasks.get(&bob, id).await);
    not_found(id, tasks.result(&bob, id).await);
    not_found(id, tasks.wait(&bob, id, Duration::ZERO).await);
    not_found(id, tasks.log(&bob, id, 0, 10).await);
    not_found(id, tasks.cancel(&bob, id, "mine now").await);
    not_found(id, tasks.retry(&bob, id).await);
    let task = tasks.get(&alice, id).await.unwrap();
    assert!(
        !task.status.is_terminal(),
        "what was not found was not cancelled"
    );
}

#[tokio::test]
async fn lists_counts_and_events_are_ones_own() {
    let service = service().await;
    let (alice, bob, carol) = (user("alice"), user("bob"), user("carol"));
    let hers = create(&service, &alice, idle()).await;
    let his = create(&service, &bob, idle()).await;
    let ids = async |who: &Principal, owner: Option<&str>| {
        let filter = TaskFilter {
            owner: owner.map(str::to_owned),
            ..TaskFilter::default()
        };
        let page = service
            .tasks()
            .list(who, filter, PageRequest::default())
            .await;
        let items = page.unwrap().items;
        items.iter().map(|task| task.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(&alice, None).await, [hers]);
    assert_eq!(ids(&alice, Some("alice")).await, [hers]);
    assert_eq!(ids(&alice, Some("bob")).await, []);
    assert_eq!(ids(&Principal::local(), None).await, [his, hers]);
    assert_eq!(ids(&Principal::local(), Some("bob")).await, [his]);

    let total = async |who| service.tasks().stats(who).await.unwrap().counts.total();
    assert_eq!(total(&alice).await, 1);
    assert_eq!(total(&carol).await, 0);
    assert_eq!(total(&Principal::local()).await, 2);

    let seen = async |who| {
        let batches = service.tasks().events(who, Cursor(0), 100).await.unwrap();
        let events = batches.iter().flat_map(|batch| &batch.events);
        events.map(|event| event.task).collect::<Vec<_>>()
    };
    assert_eq!(seen(&alice).await, [hers]);
    assert_eq!(seen(&Principal::local()).await, [hers, his]);
}

#[track_caller]
fn forbidden<T: Debug>(wanted: Scope, answer: Result<T, ServiceError>) {
    match answer {
        Err(ServiceError::Forbidden { scope }) => assert_eq!(scope, wanted),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn every_method_needs_its_scope() {
    let service = service().await;
    let id = create(&service, &user("alice"), idle()).await;
    let (tasks, queues) = (service.tasks(), service.queues());
    let without = |scope: Scope| {
        let mut scopes = Scopes::USER;
        match scope {
            Scope::Read => scopes.read = false,
            Scope::Write => scopes.write = false,
            Scope::Execute | Scope::Report | Scope::Metrics | Scope::Admin => {}
        }
        Principal::new("alice", scopes)
    };
    let deaf = without(Scope::Read);
    forbidden(Scope::Read, tasks.get(&deaf, id).await);
    forbidden(Scope::Read, tasks.result(&deaf, id).await);
    forbidden(Scope::Read, tasks.wait(&deaf, id, Duration::ZERO).await);
    forbidden(Scope::Read, tasks.log(&deaf, id, 0, 1).await);
    forbidden(Scope::Read, tasks.events(&deaf, Cursor(0), 1).await);
    forbidden(Scope::Read, tasks.stats(&deaf).await);
    let filter = TaskFilter::default();
    forbidden(
        Scope::Read,
        tasks.list(&deaf, filter, PageRequest::default()).await,
    );
    forbidden(Scope::Read, queues.list(&deaf).await);

    let mute = without(Scope::Write);
    forbidden(Scope::Write, tasks.create(&mute, idle()).await);
    forbidden(Scope::Write, tasks.create_many(&mute, vec![idle()]).await);
    forbidden(Scope::Write, tasks.cancel(&mute, id, "").await);
    forbidden(Scope::Write, tasks.retry(&mute, id).await);

    let user = without(Scope::Admin);
    forbidden(Scope::Admin, queues.pause(&user, "default").await);
    forbidden(Scope::Admin, queues.resume(&user, "default").await);
    queues.list(&user).await.unwrap();
}

#[tokio::test]
async fn the_tasks_of_a_user_and_of_an_mcp_server_of_its_name_are_apart() {
    let service = service().await;
    for name in ["alice", Principal::LOCAL] {
        let server = Principal::mcp(name, Scopes::USER);
        let (his, its) = (
            create(&service, &user(name), idle()).await,
            create(&service, &server, idle()).await,
        );
        assert_eq!(owner_of(&service, his).await, name);
        assert_eq!(owner_of(&service, its).await, format!("mcp:{name}"));
        for (who, own, other) in [(&user(name), his, its), (&server, its, his)] {
            let tasks = service.tasks();
            assert_eq!(tasks.get(who, own).await.unwrap().id, own);
            not_found(other, tasks.get(who, other).await);
            let page = tasks.list(who, TaskFilter::default(), PageRequest::first(10));
            let ids: Vec<_> = page
                .await
                .unwrap()
                .items
                .iter()
                .map(|task| task.id)
                .collect();
            assert_eq!(ids, [own]);
            assert_eq!(tasks.stats(who).await.unwrap().counts.total(), 1);
        }
    }
}
