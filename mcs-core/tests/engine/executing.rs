//! Tasks that are started by hand, ahead of their queues.

use crate::harness::{EngineExt, World, deaf, done, hang, manual, noop, runs, task};
use async_trait::async_trait;
use mcs_core::domain::{
    Claim, Cursor, Dispatch, ErrorClass, EventKind, Hold, NamedTask, NewTask, Outcome, QueueChange,
    SettleReply, Settlement, Status, Task, TaskError, TaskId, Usage, WaitReason, WorkerId, limits,
};
use mcs_core::engine::{Engine, StartError, Wanted};
use mcs_core::executor::{self, Availability, Context, ExecuteError, Executor, KindSpec};
use mcs_core::store::{LeaseState, TaskStore};
use std::time::Duration;
use tokio::time::Instant;

/// An executor that ends its task a second after it began.
fn second() -> impl Executor {
    runs("second", |_, _| {
        Box::pin(async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok(done("ok"))
        })
    })
}

async fn execute(world: &World, engine: &Engine, id: TaskId) -> Result<Task, StartError> {
    engine.execute(&world.get(id).await, None).await
}

#[track_caller]
fn refused(answer: Result<Task, StartError>) -> String {
    match answer {
        Err(StartError::Refused { reason }) => reason,
        other => panic!("{other:?}"),
    }
}

async fn claim(world: &World, id: TaskId, dispatch: Dispatch, settle: Vec<Settlement>) -> Task {
    let claim = Claim {
        worker: WorkerId("somebody".into()),
        settle,
        queues: Vec::new(),
        limit: 1,
        dispatch,
        work_directory: None,
        owner: None,
        task: Some(NamedTask {
            id,
            former: None,
            dispatch,
        }),
        lease: Duration::from_mins(15),
    };
    let claimed = world.store.claim(claim, Some(world.now())).await.unwrap();
    claimed.tasks.into_iter().next().expect("it can be claimed")
}

fn settlement(task: &Task, outcome: Outcome) -> Settlement {
    Settlement {
        task: task.id,
        lease: task.lease.as_ref().unwrap().number,
        outcome,
        usage: Usage::default(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_runs_ahead_of_a_full_queue_and_the_queue_stays_as_wide_as_it_was() {
    let world = World::new();
    let builder = world.builder().executor(second()).default_concurrency(2);
    let engine = builder.start().await.unwrap();
    let tasks = (0..6).map(|_| task("second")).collect();
    let ids: Vec<_> = engine.submit_many(tasks).await.unwrap();
    world.until(ids[1].id, Status::Processing).await;
    let last = ids[5].id;
    let started = execute(&world, &engine, last).await.unwrap();
    assert_eq!((started.status, started.attempt), (Status::Processing, 1));
    assert_eq!(engine.stats().await.unwrap().running, 3);
    let before = Instant::now();
    assert_eq!(engine.end_of(last).await.status, Status::Completed);
    assert!(before.elapsed() <= Duration::from_secs(1));
    let mut most = 0;
    while engine.stats().await.unwrap().store.counts.completed < 6 {
        most = most.max(engine.stats().await.unwrap().running);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(most, 2);
    assert_eq!(engine.stats().await.unwrap().running, 0);
}

#[tokio::test(start_paused = true)]
async fn a_task_runs_before_its_time() {
    let world = World::new();
    let engine = world.builder().executor(noop()).start().await.unwrap();
    let later = task("noop").run_at(world.after(1_000_000));
    let scheduled = world.insert(later.clone()).await;
    let mut ids = vec![scheduled];
    let retry = Outcome::Retry {
        error: TaskError::new(ErrorClass::Transient, "it broke"),
        run_at: world.after(1_000_000),
        counts: true,
        reason: WaitReason::Retry,
        hold: None,
    };
    for outcome in [retry, Outcome::Snooze(world.after(1_000_000))] {
        let id = world.insert(later.clone()).await;
        let held = claim(&world, id, Dispatch::Auto, Vec::new()).await;
        let settled = vec![settlement(&held, outcome)];
        world
            .store
            .settle(settled, Some(world.now()))
            .await
            .unwrap();
        ids.push(id);
    }
    for id in ids {
        assert!(world.get(id).await.wait_reason.is_some());
        execute(&world, &engine, id).await.unwrap();
        assert_eq!(engine.end_of(id).await.status, Status::Completed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_paused_queue_and_a_held_lane_refuse_it() {
    let world = World::new();
    let engine = world.builder().executor(noop()).start().await.unwrap();
    let pause = |paused| QueueChange {
        paused: Some(paused),
        concurrency: None,
    };
    engine.change_queue("night", pause(true)).await.unwrap();
    let id = engine.submit(task("noop").queue("night")).await.unwrap().id;
    let reason = refused(execute(&world, &engine, id).await);
    assert!(reason.contains("`night`, which is paused"), "{reason}");
    engine.change_queue("night", pause(false)).await.unwrap();
    assert_eq!(engine.end_of(id).await.status, Status::Completed);

    let keyed = NewTask {
        hold_key: Some("provider".into()),
        ..manual("noop")
    };
    let first = world.insert(keyed.clone()).await;
    let held = claim(&world, first, Dispatch::Manual, Vec::new()).await;
    let limited = Outcome::Retry {
        error: TaskError::new(ErrorClass::RateLimited, "slow down"),
        run_at: world.after(60_000),
        counts: false,
        reason: WaitReason::RateLimited,
        hold: Some(Hold {
            key: "provider".into(),
            until: world.after(60_000),
            reason: "429".into(),
        }),
    };
    let settled = vec![settlement(&held, limited)];
    world
        .store
        .settle(settled, Some(world.now()))
        .await
        .unwrap();
    let second = world.insert(keyed).await;
    for id in [first, second] {
        let reason = refused(execute(&world, &engine, id).await);
        assert!(
            reason.contains("held back until") && reason.contains("429"),
            "{reason}"
        );
        assert_eq!(world.get(id).await.status, Status::Pending);
    }
    tokio::time::sleep(Duration::from_secs(61)).await;
    execute(&world, &engine, second).await.unwrap();
    assert_eq!(engine.end_of(second).await.status, Status::Completed);
}

#[tokio::test(start_paused = true)]
async fn what_runs_or_has_ended_is_refused_with_what_to_do() {
    let world = World::new();
    let builder = world.builder().executor(hang()).executor(noop());
    let engine = builder.start().await.unwrap();
    let running = engine.submit(task("hang")).await.unwrap().id;
    world.until(running, Status::Processing).await;
    let reason = refused(execute(&world, &engine, running).await);
    assert!(reason.contains("already"), "{reason}");
    let ended = engine.run(task("noop")).await;
    let reason = refused(execute(&world, &engine, ended.id).await);
    assert!(
        reason.contains("COMPLETED") && reason.contains("retry"),
        "{reason}"
    );
    let waits = NewTask {
        depends_on: vec![running],
        ..task("noop")
    };
    let waits = world.insert(waits).await;
    let reason = refused(execute(&world, &engine, waits).await);
    assert!(reason.contains("depends on"), "{reason}");
    let late = NewTask {
        deadline: Some(world.after(1)),
        ..manual("noop")
    };
    let late = world.insert(late).await;
    let seen = world.get(late).await;
    tokio::time::sleep(Duration::from_millis(2)).await;
    let answer = engine.execute(&seen, None).await;
    let reason = refused(answer);
    assert!(
        reason.contains("deadline") || reason.contains("FAILED"),
        "{reason}"
    );
}

#[tokio::test(start_paused = true)]
async fn one_that_changed_since_it_was_looked_at_is_explained() {
    let world = World::new();
    let engine = world.builder().executor(hang()).start().await.unwrap();
    let id = world.insert(manual("hang")).await;
    let before = world.get(id).await;
    claim(&world, id, Dispatch::Manual, Vec::new()).await;
    let reason = refused(engine.execute(&before, None).await);
    assert!(reason.contains("held by `somebody`"), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn a_manual_task_runs_and_ends_the_lease_of_its_taker() {
    let world = World::new();
    let engine = world.builder().executor(second()).start().await.unwrap();
    let id = world.insert(manual("second")).await;
    let taken = claim(&world, id, Dispatch::Manual, Vec::new()).await;
    let lease = taken.lease.as_ref().unwrap().number;
    let started = engine.execute(&taken, Some(lease)).await.unwrap();
    assert_eq!(
        (started.lease.unwrap().number.0, started.attempt),
        (lease.0 + 1, 1)
    );
    let stale = settlement(&taken, Outcome::Complete(serde_json::json!({}).into()));
    let replies = world.store.settle(vec![stale], Some(world.now())).await;
    assert_eq!(replies.unwrap(), [SettleReply::Stale]);
    assert_eq!(engine.end_of(id).await.status, Status::Completed);
    // Heartbeats and cancels reach it as any other.
    let id = world.insert(manual("second")).await;
    execute(&world, &engine, id).await.unwrap();
    engine.cancel(id, "enough").await.unwrap();
    assert_eq!(engine.end_of(id).await.status, Status::Completed);
}

#[tokio::test(start_paused = true)]
async fn a_manual_task_that_was_started_is_tried_again_by_itself() {
    let world = World::new();
    let breaks = runs("breaks", |task, context| {
        Box::pin(async move {
            match context.lease().0 {
                1 => Err(ExecuteError::transient("it broke")),
                2 => {
                    let later = task.created_at.plus(Duration::from_mins(5));
                    Ok(executor::Outcome::Snooze(later))
                }
                _ => Ok(done("ok")),
            }
        })
    });
    let engine = world.builder().executor(breaks).start().await.unwrap();
    let id = world.insert(manual("breaks")).await;
    let started = execute(&world, &engine, id).await.unwrap();
    assert_eq!(started.dispatch, Dispatch::Auto);
    let ended = engine.end_of(id).await;
    assert_eq!((ended.status, ended.attempt), (Status::Completed, 2));
    let told = world.store.events(Cursor(0), 100).await.unwrap();
    let told = told.iter().flat_map(|batch| &batch.events);
    let starts = told.filter(|event| event.kind == EventKind::Started);
    assert_eq!(starts.count(), 3, "after the retry and after the snooze");
}

#[tokio::test(start_paused = true)]
async fn a_manual_task_that_was_started_outlives_its_engine() {
    let world = World::new();
    let engine = world.builder().executor(hang()).start().await.unwrap();
    let id = world.insert(manual("hang")).await;
    execute(&world, &engine, id).await.unwrap();
    engine.shutdown(Duration::from_secs(1)).await;
    assert_eq!(world.get(id).await.status, Status::Pending);
    let quick = runs("hang", |_, _| Box::pin(async { Ok(done("ok")) }));
    let engine = world.builder().executor(quick).start().await.unwrap();
    assert_eq!(engine.end_of(id).await.status, Status::Completed);
}

#[tokio::test(start_paused = true)]
async fn what_its_taker_shall_end_is_not_started_and_stays_theirs() {
    let world = World::new();
    let engine = world.builder().executor(noop()).start().await.unwrap();
    let id = world.insert(manual("noop")).await;
    let taken = claim(&world, id, Dispatch::Manual, Vec::new()).await;
    let lease = taken.lease.as_ref().unwrap().number;
    engine.cancel(id, "enough").await.unwrap();
    for seen in [&taken, &world.get(id).await] {
        let reason = refused(engine.execute(seen, Some(lease)).await);
        assert!(reason.contains("once `somebody` gives it back"), "{reason}");
    }
    assert_eq!(world.get(id).await.lease, taken.lease);
}

#[tokio::test(start_paused = true)]
async fn a_taken_task_comes_back_once_its_taker_is_silent() {
    let world = World::new();
    let engine = world.builder().executor(noop()).start().await.unwrap();
    let id = world.insert(manual("noop")).await;
    let worker = WorkerId("laptop".into());
    let taken = engine.take(worker, Wanted::default()).await.unwrap();
    let taken = taken.expect("there is one");
    let lease = taken.lease.as_ref().unwrap().number;
    tokio::time::sleep(Duration::from_mins(14)).await;
    let length = limits::TAKEN_LEASE;
    let beat = engine.extend_taken(id, lease, length).await.unwrap();
    assert_eq!(beat, LeaseState::Held);
    tokio::time::sleep(Duration::from_mins(14)).await;
    assert_eq!(world.get(id).await.status, Status::Processing);
    tokio::time::sleep(Duration::from_mins(2)).await;
    let back = world.get(id).await;
    assert_eq!(
        (back.status, back.rescues, back.attempt),
        (Status::Pending, 1, 0)
    );
    assert_eq!(
        engine.extend_taken(id, lease, length).await.unwrap(),
        LeaseState::Lost
    );
    let late = engine.settle_taken(&taken, lease, Ok(done("late")), Usage::default());
    assert_eq!(late.await.unwrap(), SettleReply::Stale);
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_ends_starts_nothing() {
    let world = World::new();
    let engine = world.builder().executor(second()).start().await.unwrap();
    engine.submit(task("second")).await.unwrap();
    let id = world.insert(manual("second")).await;
    let ends = tokio::spawn({
        let engine = engine.clone();
        async move { engine.shutdown(Duration::from_mins(1)).await }
    });
    tokio::time::sleep(Duration::from_millis(1)).await;
    let reason = refused(execute(&world, &engine, id).await);
    assert!(reason.contains("shutting down"), "{reason}");
    assert_eq!(ends.await.unwrap().finished, 1);
    let reason = refused(execute(&world, &engine, id).await);
    assert!(reason.contains("shutting down"), "{reason}");
    let left = world.get(id).await;
    assert_eq!((left.status, left.attempt), (Status::Pending, 0));
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_comes_back_in_a_shutdown_is_handed_back() {
    let world = World::new();
    let engine = world.builder().executor(deaf()).start().await.unwrap();
    let id = world.insert(manual("deaf")).await;
    let task = world.get(id).await;
    let (answer, report) = tokio::join!(
        engine.execute(&task, None),
        engine.shutdown(Duration::from_secs(1)),
    );
    let left = world.get(id).await;
    assert_eq!((left.status, left.attempt), (Status::Pending, 0));
    // Either it was refused, or it had begun and was ended.
    assert_eq!(u64::from(answer.is_ok()), report.handed_back);
}

/// An executor that cannot run.
#[derive(Debug)]
struct Broken;

#[async_trait]
impl Executor for Broken {
    fn kind(&self) -> KindSpec {
        KindSpec::new("broken", "never runs")
    }

    async fn check(&self) -> Availability {
        Availability::Unavailable {
            reason: "the tool is missing".into(),
            remedy: "install it".into(),
        }
    }

    async fn execute(&self, _: &Task, _: &Context) -> Result<executor::Outcome, ExecuteError> {
        Ok(done("ok"))
    }
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_cannot_run_here_is_refused_when_it_shall_start() {
    let world = World::new();
    let builder = world.builder().executor(Broken);
    let engine = builder
        .kind(KindSpec::new("remote", "runs elsewhere"))
        .start()
        .await
        .unwrap();
    let idle = world.builder().executor(noop()).hands_off();
    let idle = idle.start().await.unwrap();
    let broken = engine.submit(manual("broken")).await.unwrap().id;
    let remote = engine.submit(manual("remote")).await.unwrap().id;
    let other = world.insert(manual("noop")).await;
    for (engine, id, word) in [
        (&engine, broken, "install it"),
        (&engine, remote, "no executor"),
        (&idle, other, "no executor"),
    ] {
        match execute(&world, engine, id).await {
            Err(error @ StartError::Unavailable { .. }) => {
                assert!(error.to_string().contains(word), "{error}");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(world.get(id).await.status, Status::Pending);
    }
}
