use crate::harness::{EngineExt, World, hang, noop, runs, task};
use async_trait::async_trait;
use mcs_core::domain::{Dispatch, InvalidInput, NewTask, Status, Task};
use mcs_core::engine::{EngineError, SubmitError};
use mcs_core::executor::{Availability, Context, ExecuteError, Executor, KindSpec, Outcome};
use mcs_core::store::TaskStore;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

async fn stored(world: &World) -> u64 {
    world.store.stats(None).await.unwrap().counts.total()
}

fn typed() -> impl Executor {
    let schema = json!({
        "type": "object",
        "properties": {"prompt": {"type": "string"}, "n": {"type": "integer", "minimum": 1}},
        "required": ["prompt"],
        "additionalProperties": false,
    });
    runs("typed", |_, _| {
        Box::pin(async { Ok(crate::harness::done("ok")) })
    })
    .schema(schema)
}

#[tokio::test(start_paused = true)]
async fn a_payload_that_does_not_fit_is_refused_by_its_place() {
    let world = World::new();
    let engine = world.builder().executor(typed()).start().await.unwrap();
    let cases = [
        (json!({}), "payload", "prompt"),
        (json!({"prompt": 5}), "payload.prompt", "string"),
        (json!({"prompt": "x", "n": 0}), "payload.n", "minimum"),
        (json!({"prompt": "x", "m": 0}), "payload", "'m'"),
        (json!([1]), "payload", "object"),
    ];
    for (payload, field, word) in cases {
        match engine.submit(NewTask::new("typed", payload)).await {
            Err(SubmitError::Invalid(refused)) => {
                assert_eq!(refused.field, field);
                assert!(refused.problem.contains(word), "{refused}");
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(stored(&world).await, 0);
    let ended = engine
        .run(NewTask::new("typed", json!({"prompt": "x"})))
        .await;
    assert_eq!(ended.status, Status::Completed);
}

#[tokio::test(start_paused = true)]
async fn a_large_payload_is_checked_too_and_not_repeated_in_the_error() {
    let world = World::new();
    let engine = world.builder().executor(typed()).start().await.unwrap();
    let large = json!(["x".repeat(1_000_000)]);
    let refused = engine
        .submit(NewTask::new("typed", large))
        .await
        .unwrap_err();
    assert!(refused.to_string().len() < 500);
    assert_eq!(stored(&world).await, 0);
}

#[tokio::test(start_paused = true)]
async fn one_bad_task_refuses_them_all_and_is_named() {
    let world = World::new();
    let engine = world.builder().executor(noop()).start().await.unwrap();
    let tasks = vec![task("noop"), task("noop").queue("")];
    let refused = engine.submit_many(tasks).await.unwrap_err();
    assert!(refused.to_string().contains("tasks[1].queue"), "{refused}");
    assert_eq!(stored(&world).await, 0);
    assert!(engine.submit_many(Vec::new()).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_unknown_kind_is_refused_with_the_nearest_name_first() {
    let world = World::new();
    let builder = world.builder().executor(noop()).executor(hang());
    let engine = builder
        .kind(KindSpec::new("remote", "runs elsewhere"))
        .start()
        .await
        .unwrap();
    match engine.submit(task("nop")).await {
        Err(SubmitError::UnknownKind { kind, known }) => {
            assert_eq!((kind.as_str(), known[0].as_str()), ("nop", "noop"));
            assert_eq!(known.len(), 4);
        }
        other => panic!("{other:?}"),
    }
    // A kind without an executor here is taken and waits.
    let id = engine.submit(task("remote")).await.unwrap().id;
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(world.get(id).await.status, Status::Pending);
    assert_eq!(engine.availability("remote").await, None);
    assert_eq!(engine.kinds().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn dependencies_are_refused_in_words() {
    let world = World::new();
    let engine = world.builder().executor(noop()).start().await.unwrap();
    let first = engine.submit(task("noop")).await.unwrap().id;
    let second = NewTask {
        depends_on: vec![first],
        ..task("noop")
    };
    match engine.submit(second).await {
        Err(SubmitError::Invalid(refused)) => assert_eq!(refused.field, "depends_on"),
        other => panic!("{other:?}"),
    }
}

/// An executor that says whether it can run, and completes its tasks.
#[derive(Debug)]
struct Moody(Arc<AtomicBool>);

#[async_trait]
impl Executor for Moody {
    fn kind(&self) -> KindSpec {
        KindSpec::new("moody", "runs when it likes")
    }

    async fn check(&self) -> Availability {
        if self.0.load(Ordering::SeqCst) {
            return Availability::Available;
        }
        Availability::Unavailable {
            reason: "the tool is missing".into(),
            remedy: "install it".into(),
        }
    }

    fn prepare(&self, task: &mut NewTask) -> Result<(), InvalidInput> {
        if task.model.as_deref() == Some("none") {
            return Err(InvalidInput::new("model", "is none; name one"));
        }
        task.model.get_or_insert("default-model".into());
        Ok(())
    }

    async fn execute(&self, _: &Task, _: &Context) -> Result<Outcome, ExecuteError> {
        Ok(crate::harness::done("ok"))
    }
}

#[tokio::test(start_paused = true)]
async fn an_executor_that_cannot_run_refuses_tasks_until_it_can() {
    let world = World::new();
    let can = Arc::new(AtomicBool::new(false));
    let builder = world.builder().executor(Moody(Arc::clone(&can)));
    let engine = builder.start().await.unwrap();
    match engine.submit(task("moody")).await {
        Err(SubmitError::Unavailable {
            kind,
            reason,
            remedy,
        }) => {
            let said = (kind.as_str(), reason.as_str(), remedy.as_str());
            assert_eq!(said, ("moody", "the tool is missing", "install it"));
        }
        other => panic!("{other:?}"),
    }
    // A task for a caller to take is not for this executor, and one that is stored already waits for it.
    let manual = NewTask {
        dispatch: Dispatch::Manual,
        ..task("moody")
    };
    engine.submit(manual).await.unwrap();
    let waiting = world.insert(task("moody")).await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(world.get(waiting).await.status, Status::Pending);

    can.store(true, Ordering::SeqCst);
    assert_eq!(engine.end_of(waiting).await.status, Status::Completed);
    assert_eq!(
        engine.run(task("moody")).await.model.as_deref(),
        Some("default-model")
    );
}

#[tokio::test(start_paused = true)]
async fn an_executor_completes_or_refuses_a_task_before_it_is_stored() {
    let world = World::new();
    let can = Arc::new(AtomicBool::new(true));
    let engine = world.builder().executor(Moody(can)).start().await.unwrap();
    let bad = NewTask {
        model: Some("none".into()),
        ..task("moody")
    };
    assert!(
        engine
            .submit(bad)
            .await
            .unwrap_err()
            .to_string()
            .contains("name one")
    );
    assert_eq!(stored(&world).await, 0);
}

#[tokio::test(start_paused = true)]
async fn settings_that_could_not_work_are_refused() {
    let world = World::new();
    let second = Duration::from_secs(1);
    let refused = [
        world.builder().default_concurrency(0),
        world.builder().queue("q", 0),
        world.builder().queue("", 1),
        world.builder().lease(second).heartbeat(second),
        world.builder().heartbeat(Duration::ZERO),
        world.builder().attempt_timeout(Duration::ZERO),
    ];
    for builder in refused {
        assert!(matches!(
            builder.start().await,
            Err(EngineError::Invalid(_))
        ));
    }
    let twice = world.builder().executor(noop()).executor(noop());
    assert!(
        matches!(twice.start().await, Err(EngineError::DuplicateKind { kind }) if kind == "noop")
    );
    let bad = KindSpec::new("bad", "").with_schema(json!({"type": "strng"}));
    assert!(matches!(
        world.builder().kind(bad).start().await,
        Err(EngineError::Schema { kind, .. }) if kind == "bad"
    ));
}
