use crate::common::idle;
use crate::world::{create, invalid, next_as, service};
use mcs_core::domain::{Dispatch, NewTask, PageRequest, TaskFilter};
use mcs_core::engine::Engine;
use mcs_core::executor::KindSpec;
use mcs_core::provider::models::ModelTable;
use mcs_core::service::{NextRequest, Principal, Service, ServiceError};
use mcs_core::store::MemoryStore;
use serde_json::json;
use std::sync::Arc;

async fn with_kinds(kinds: &[&str]) -> Service {
    let store = Arc::new(MemoryStore::new());
    let kinds = kinds.iter().map(|name| KindSpec::new(*name, "Waits."));
    let builder = kinds.fold(Engine::builder(store.clone()), |builder, kind| {
        builder.kind(kind)
    });
    let engine = builder.start().await.unwrap();
    Service::new(engine, store, ModelTable::builtin())
}

fn of_kind(kind: &str) -> NewTask {
    NewTask::new(kind, json!({}))
}

#[tokio::test]
async fn execution_modes_are_names_of_kinds() {
    let service = with_kinds(&["prompt", "claude_code"]).await;
    let local = Principal::local();
    let id = create(&service, &local, of_kind("ClaudeCode")).await;
    let stored = service.tasks().get(&local, id).await.unwrap();
    assert_eq!(&*stored.kind, "claude_code");
    let manual = NewTask {
        dispatch: Dispatch::Manual,
        ..of_kind("Standard")
    };
    let many = vec![manual, of_kind("claudecode")];
    service.tasks().create_many(&local, many).await.unwrap();
    let filter = TaskFilter {
        kind: Some("ClaudeCode".into()),
        ..TaskFilter::default()
    };
    let page = PageRequest::default();
    let listed = service.tasks().list(&local, filter, page).await.unwrap();
    assert_eq!(listed.items.len(), 2);
    let next = NextRequest {
        kind: Some("Standard".into()),
        ..next_as("w")
    };
    let taken = service.tasks().next(&local, next).await.unwrap().unwrap();
    assert_eq!(&*taken.kind, "prompt");
}

#[tokio::test]
async fn a_kind_of_that_name_goes_first() {
    let service = with_kinds(&["prompt", "Standard", "Custom"]).await;
    let local = Principal::local();
    for kind in ["Standard", "Custom"] {
        let id = create(&service, &local, of_kind(kind)).await;
        let stored = service.tasks().get(&local, id).await.unwrap();
        assert_eq!(&*stored.kind, kind);
    }
}

#[tokio::test]
async fn custom_leaves_the_kind_to_the_caller() {
    let service = service().await;
    let local = Principal::local();
    let refused = service.tasks().create(&local, of_kind("Custom")).await;
    assert_eq!(invalid(refused).field, "kind");
    let many = vec![idle(), of_kind("Custom")];
    let refused = service.tasks().create_many(&local, many).await;
    assert_eq!(invalid(refused).field, "tasks[1].kind");
    // A mode whose kind is not registered is as unknown as its kind.
    match service.tasks().create(&local, of_kind("Standard")).await {
        Err(ServiceError::UnknownKind { kind, .. }) => assert_eq!(kind, "prompt"),
        other => panic!("{other:?}"),
    }
}
