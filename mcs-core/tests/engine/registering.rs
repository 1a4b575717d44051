use crate::harness::{EngineExt, World, hang, noop, task};
use mcs_core::domain::Status;
use mcs_core::engine::{EngineError, EngineState, SubmitError};
use std::sync::Arc;
use tokio::time::Instant;

#[tokio::test(start_paused = true)]
async fn a_kind_that_comes_while_the_engine_runs_is_run_at_once() {
    let world = World::new();
    let former = world.builder().executor(hang()).start().await.unwrap();
    let engine = world.builder().start().await.unwrap();
    let refused = engine.submit(task("noop")).await.unwrap_err();
    assert!(matches!(refused, SubmitError::UnknownKind { .. }));
    // The first looks at executors and queues are over, and the engine sleeps.
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;

    former.register(Arc::new(noop())).unwrap();
    let before = Instant::now();
    assert_eq!(former.run(task("noop")).await.status, Status::Completed);
    assert_eq!(before.elapsed(), std::time::Duration::ZERO);
    assert!(former.knows("noop") && !engine.knows("noop"));
}

#[tokio::test(start_paused = true)]
async fn what_waits_in_the_store_is_taken_up_when_its_kind_comes() {
    let world = World::new();
    let first = world.builder().executor(noop()).start().await.unwrap();
    first.shutdown(std::time::Duration::ZERO).await;
    let id = first.submit(task("noop")).await.unwrap().id;

    let second = world.builder().start().await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    assert_eq!(world.get(id).await.status, Status::Pending);
    second.register(Arc::new(noop())).unwrap();
    let before = Instant::now();
    assert_eq!(second.end_of(id).await.status, Status::Completed);
    assert_eq!(before.elapsed(), std::time::Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_known_kind_keeps_what_runs_it() {
    let world = World::new();
    let engine = world.builder().executor(noop()).start().await.unwrap();
    let refused = engine.register(Arc::new(noop())).unwrap_err();
    assert!(matches!(refused, EngineError::DuplicateKind { kind } if kind == "noop"));
    assert_eq!(engine.run(task("noop")).await.status, Status::Completed);
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_keeps_its_hands_off_runs_what_is_registered() {
    let world = World::new();
    let engine = world.builder().hands_off().start().await.unwrap();
    assert_eq!(engine.state(), EngineState::HandsOff);
    engine.register(Arc::new(noop())).unwrap();
    assert_eq!(engine.state(), EngineState::Running);
    assert_eq!(engine.run(task("noop")).await.status, Status::Completed);
}
