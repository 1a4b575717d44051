//! What the service says of itself: whether it is ready, which kinds can run, and who works.
#![cfg(feature = "engine")]
#![allow(clippy::unwrap_used, reason = "a helper of a test fails the test")]

mod common;

use async_trait::async_trait;
use common::{Upper, service, user};
use mcs_core::domain::{Task, Timestamp, Worker, WorkerId};
use mcs_core::engine::{Engine, EngineBuilder, EngineState};
use mcs_core::executor::{Availability, Context, ExecuteError, Executor, KindSpec, Outcome};
use mcs_core::provider::models::ModelTable;
use mcs_core::service::{Principal, Scopes, Service, ServiceError, StoreState};
use mcs_core::store::{MemoryStore, TaskStore};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// Says whether it can run, until it is told to say no more.
#[derive(Debug, Default)]
struct Moody(Arc<AtomicBool>);

#[async_trait]
impl Executor for Moody {
    fn kind(&self) -> KindSpec {
        KindSpec::new("moody", "Says nothing at times.")
    }

    async fn check(&self) -> Availability {
        if self.0.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        Availability::Available
    }

    async fn execute(&self, _: &Task, _: &Context) -> Result<Outcome, ExecuteError> {
        Ok(Outcome::Release)
    }
}

async fn built(build: impl FnOnce(EngineBuilder) -> EngineBuilder) -> (Service, Arc<MemoryStore>) {
    let store = Arc::new(MemoryStore::new());
    let engine = build(Engine::builder(store.clone())).start().await.unwrap();
    let service = Service::new(engine, store.clone(), ModelTable::builtin());
    (service, store)
}

#[tokio::test]
async fn every_kind_says_whether_it_can_run_here() {
    let service = service().await;
    let found = service.kind_statuses().await;
    let unavailable = Availability::Unavailable {
        reason: "the tool is missing".into(),
        remedy: "install it".into(),
    };
    let found: Vec<_> = found
        .into_iter()
        .map(|kind| (kind.spec.name, kind.availability))
        .collect();
    let wanted = [
        ("batch".to_owned(), Some(Availability::Available)),
        ("broken".to_owned(), Some(unavailable)),
        ("idle".to_owned(), None),
        ("upper".to_owned(), Some(Availability::Available)),
    ];
    assert_eq!(found, wanted);
    let readiness = service.readiness().await;
    assert!(
        readiness.is_ready(),
        "one that cannot run is none of the others' business"
    );
    assert_eq!(
        (readiness.kinds.len(), readiness.store),
        (4, StoreState::Up)
    );
}

#[tokio::test(start_paused = true)]
async fn an_executor_that_does_not_say_is_as_it_last_was() {
    let silent = Arc::new(AtomicBool::new(true));
    let moody = Moody(Arc::clone(&silent));
    let (service, _) = built(|engine| engine.executor(moody)).await;
    let availability = async || {
        let before = Instant::now();
        let readiness = service.readiness().await;
        assert!(before.elapsed() <= Duration::from_secs(1), "it is bounded");
        assert!(readiness.is_ready());
        let mut kinds = readiness.kinds.into_iter();
        let moody = kinds.find(|kind| kind.spec.name == "moody").unwrap();
        moody.availability.unwrap()
    };
    let Availability::Unavailable { reason, .. } = availability().await else {
        panic!("nobody knows yet");
    };
    assert!(reason.contains("not said yet"), "{reason}");

    silent.store(false, Ordering::SeqCst);
    // The silent check is given up, and its answer grows old.
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(availability().await, Availability::Available);
    silent.store(true, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(9)).await;
    assert_eq!(
        availability().await,
        Availability::Available,
        "it is remembered"
    );
}

#[tokio::test]
async fn who_is_about_to_end_or_has_ended_is_not_ready() {
    let (service, _) = built(|engine| engine.executor(Upper)).await;
    assert_eq!(service.readiness().await.engine, EngineState::Running);
    service.shutdown(Duration::ZERO).await.unwrap();
    let readiness = service.readiness().await;
    assert_eq!(readiness.engine, EngineState::Stopped);
    assert!(matches!(readiness.store, StoreState::Down { .. }));
    assert!(!readiness.is_ready());
}

#[tokio::test]
async fn who_leaves_the_work_to_others_is_ready() {
    let (service, _) = built(EngineBuilder::hands_off).await;
    let readiness = service.readiness().await;
    assert_eq!(readiness.engine, EngineState::HandsOff);
    assert!(readiness.is_ready() && readiness.kinds.is_empty());
}

#[tokio::test]
async fn workers_are_told_with_whether_they_live() {
    let (service, store) = built(|engine| engine.executor(Upper)).await;
    let local = Principal::local();
    let own = service.workers(&local).await.unwrap().remove(0);
    assert_eq!((own.here, own.alive), (true, Some(true)));
    assert_eq!(own.worker.pid, std::process::id());

    let other = |name: &str| Worker {
        id: WorkerId(name.into()),
        boot_id: Some("another machine".into()),
        ..own.worker.clone()
    };
    let long_ago = Timestamp::from_millis(1_000_000);
    store.beat(&other("fresh"), None).await.unwrap();
    store.beat(&other("old"), Some(long_ago)).await.unwrap();
    let found = service.workers(&local).await.unwrap();
    let found: Vec<_> = found
        .iter()
        .map(|status| (&*status.worker.id.0, status.here, status.alive))
        .collect();
    let wanted = [
        (&*own.worker.id.0, true, Some(true)),
        ("fresh", false, Some(true)),
        ("old", false, None),
    ];
    assert_eq!(found, wanted);

    assert!(service.workers(&user("alice")).await.is_ok());
    let nobody = Principal::new("nobody", Scopes::default());
    let refused = service.workers(&nobody).await;
    assert!(matches!(refused, Err(ServiceError::Forbidden { .. })));
}
