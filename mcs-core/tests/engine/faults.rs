//! The engine on a store that fails.

use crate::faulty::Faulty;
use crate::harness::{EngineExt, LONG, World, done, hang, manual, noop, runs, task};
use mcs_core::domain::{ErrorClass, LogLevel, QueueChange, Status, WorkerId, limits};
use mcs_core::engine::{Engine, EngineBuilder, StartError, Wanted};
use mcs_core::provider::models::ModelTable;
use mcs_core::service::{Logged, Principal, Service, StoreState};
use mcs_core::store::{StoreError, TaskStore};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::broadcast;
use tokio::time::Instant;

fn faulty(world: &World) -> (Arc<Faulty>, EngineBuilder) {
    let store = Arc::new(Faulty {
        inner: Arc::clone(&world.store),
        ..Faulty::default()
    });
    let shared: Arc<dyn TaskStore> = store.clone();
    (store, Engine::builder(shared).clock(world.clock.clone()))
}

fn slow(seconds: u64) -> impl mcs_core::executor::Executor {
    runs("slow", move |_, context| {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            context.log(LogLevel::Info, "lost with the disk").await;
            Ok(done("ok"))
        })
    })
}

#[tokio::test(start_paused = true)]
async fn outcomes_are_settled_once_the_store_works_again() {
    let world = World::new();
    let (store, builder) = faulty(&world);
    let engine = builder.executor(slow(2)).start().await.unwrap();
    let tasks = (0..25).map(|_| task("slow")).collect();
    let ids = engine.submit_many(tasks).await.unwrap();
    world.until(ids[0].id, Status::Processing).await;
    store.fails.store(true, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(world.get(ids[0].id).await.status, Status::Processing);
    // Tried again and again, but not in a busy loop.
    let tries = store.refused_calls.load(Ordering::SeqCst);
    assert!((10..200).contains(&tries), "{tries}");
    assert!(engine.submit(task("slow")).await.is_err());

    store.fails.store(false, Ordering::SeqCst);
    for id in ids {
        let ended = engine.end_of(id.id).await;
        let ran = (ended.status, ended.attempt, ended.rescues);
        assert_eq!(ran, (Status::Completed, 1, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn an_outcome_that_comes_after_its_lease_is_dropped_and_the_task_runs_again() {
    let world = World::new();
    let (store, builder) = faulty(&world);
    let engine = builder.executor(slow(2)).start().await.unwrap();
    let id = engine.submit(task("slow")).await.unwrap().id;
    world.until(id, Status::Processing).await;
    store.fails.store(true, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(40)).await;
    // Somebody with a store that works takes it back.
    world.store.reap(&[], 10, Some(world.now())).await.unwrap();
    store.fails.store(false, Ordering::SeqCst);
    let ended = engine.end_of(id).await;
    let ran = (ended.status, ended.attempt, ended.rescues);
    assert_eq!(ran, (Status::Completed, 1, 1));
    let stats = engine.stats().await.unwrap();
    assert_eq!((stats.running, stats.store.counts.completed), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_result_that_the_store_refuses_fails_its_own_task_only() {
    let world = World::new();
    let (store, builder) = faulty(&world);
    let engine = builder.executor(noop()).start().await.unwrap();
    let at = world.after(1000);
    let tasks = (0..20).map(|_| task("noop").run_at(at)).collect();
    let ids = engine.submit_many(tasks).await.unwrap();
    *store.refuses.lock().unwrap() = Some(ids[7].id);
    for (index, id) in ids.iter().enumerate() {
        let ended = engine.end_of(id.id).await;
        if index == 7 {
            let error = ended.error.unwrap();
            assert_eq!(
                (ended.status, error.class),
                (Status::Failed, ErrorClass::Permanent)
            );
            assert!(error.message.contains("refused here"), "{error:?}");
        } else {
            assert_eq!(ended.status, Status::Completed);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_does_not_wait_for_ever_for_a_store_that_fails() {
    let world = World::new();
    let (store, builder) = faulty(&world);
    let engine = builder.executor(slow(60)).start().await.unwrap();
    let id = engine.submit(task("slow")).await.unwrap().id;
    world.until(id, Status::Processing).await;
    store.fails.store(true, Ordering::SeqCst);
    let before = Instant::now();
    engine.shutdown(Duration::from_secs(1)).await;
    assert!(
        before.elapsed() < Duration::from_secs(5),
        "{:?}",
        before.elapsed()
    );
    // Nothing is lost: the lease runs out and another engine takes the task.
    let next = world.builder().executor(slow(1)).start().await.unwrap();
    assert_eq!(next.end_of(id).await.status, Status::Completed);
}

#[tokio::test(start_paused = true)]
async fn a_question_answers_itself_once_the_store_works_again() {
    let world = World::new();
    let (store, builder) = faulty(&world);
    let asks = runs("asks", |_, context| {
        Box::pin(async {
            let limit = Duration::from_secs(5);
            let ask = context.ask_within("ok", json!(1).into(), limit, json!(2).into());
            Ok(done(ask.await.unwrap().as_str()))
        })
    });
    let engine = builder.executor(asks).start().await.unwrap();
    let id = engine.submit(task("asks")).await.unwrap().id;
    world.until(id, Status::InputRequired).await;
    store.fails.store(true, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(15)).await;
    assert_eq!(world.get(id).await.status, Status::InputRequired);
    let tries = store.refused_calls.load(Ordering::SeqCst);
    assert!(tries < 100, "{tries}");
    store.fails.store(false, Ordering::SeqCst);
    let before = Instant::now();
    assert_eq!(engine.end_of(id).await.status, Status::Completed);
    assert!(before.elapsed() <= Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn a_start_by_hand_that_the_store_refuses_says_so_and_costs_nothing() {
    let world = World::new();
    let (store, builder) = faulty(&world);
    let engine = builder.executor(noop()).start().await.unwrap();
    let later = world
        .insert(task("noop").run_at(world.after(3_600_000)))
        .await;
    let later = world.get(later).await;
    store.fails.store(true, Ordering::SeqCst);
    match engine.execute(&later, None).await {
        Err(StartError::Store(StoreError::Full { .. })) => {}
        other => panic!("{other:?}"),
    }
    store.fails.store(false, Ordering::SeqCst);
    engine.execute(&later, None).await.unwrap();
    assert_eq!(engine.end_of(later.id).await.status, Status::Completed);
    assert_eq!(engine.run(task("noop")).await.status, Status::Completed);
}

#[tokio::test(start_paused = true)]
async fn an_engine_whose_store_was_closed_ends() {
    let world = World::new();
    let engine = world.builder().executor(noop()).start().await.unwrap();
    engine.run(task("noop")).await;
    world.store.close().await.unwrap();
    let before = Instant::now();
    engine.shutdown(LONG).await;
    assert!(before.elapsed() < Duration::from_mins(1));
    assert!(engine.submit(task("noop")).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_cancel_that_no_event_tells_of_comes_with_the_heartbeat() {
    let world = World::new();
    // There before the engine starts, since no event tells of it either.
    let id = world.insert(task("hang")).await;
    let store: Arc<dyn TaskStore> = Arc::new(Faulty {
        inner: Arc::clone(&world.store),
        silence: Some(broadcast::channel(1).0),
        ..Faulty::default()
    });
    let builder = Engine::builder(store).clock(world.clock.clone());
    let engine = builder.executor(hang()).start().await.unwrap();
    world.until(id, Status::Processing).await;
    let cancel = world.store.cancel(vec![id], "enough", Some(world.now()));
    cancel.await.unwrap();
    let before = Instant::now();
    let ended = world.until(id, Status::Cancelled).await;
    let took = before.elapsed();
    assert!(
        (limits::HEARTBEAT / 2..=limits::HEARTBEAT * 2).contains(&took),
        "{took:?}"
    );
    let error = ended.error.unwrap();
    assert_eq!(
        (error.class, error.message.as_str()),
        (ErrorClass::Cancelled, "enough")
    );
    assert_eq!((ended.attempt, ended.rescues), (1, 0));
    engine.shutdown(LONG).await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_answer_is_told_within_a_bounded_time() {
    let world = World::new();
    let (store, builder) = faulty(&world);
    let engine = builder.executor(noop()).start().await.unwrap();
    let service = Service::new(engine, world.store.clone(), ModelTable::builtin());
    assert!(service.readiness().await.is_ready());

    store.hangs.store(true, Ordering::SeqCst);
    let before = Instant::now();
    let readiness = service.readiness().await;
    assert_eq!(before.elapsed(), Duration::from_secs(2));
    assert!(!readiness.is_ready());
    let StoreState::Down { reason } = readiness.store else {
        panic!("{readiness:?}");
    };
    assert!(reason.contains("2 s"), "{reason}");

    store.hangs.store(false, Ordering::SeqCst);
    assert!(service.readiness().await.is_ready());
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_look_for_what_they_want_and_a_few_at_a_time() {
    let world = World::new();
    let (store, builder) = faulty(&world);
    let engine = builder.executor(noop()).start().await.unwrap();
    let paused = |paused| QueueChange {
        paused: Some(paused),
        ..QueueChange::default()
    };
    engine.change_queue("later", paused(true)).await.unwrap();
    let id = world.insert(manual("noop").queue("later")).await;
    let (looks, claims) = (&store.looks, &store.manual_claims);
    let takers = (0..50).map(|number| {
        let wanted = Wanted {
            queue: Some("later".into()),
            wait: Duration::from_secs(30),
            ..Wanted::default()
        };
        engine.take(WorkerId(format!("w{number}").into()), wanted)
    });
    let takers = futures_util::future::join_all(takers);
    let meanwhile = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let before = looks.load(Ordering::SeqCst);
        for _ in 0..60 {
            engine.submit(task("noop")).await.unwrap();
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        // Queues that changed are a reason to look, whoever they are; tasks of others are none.
        let others = looks.load(Ordering::SeqCst) - before;
        assert!(others <= 20, "{others} looks for what nobody wants");
        for _ in 0..60 {
            engine.submit(manual("noop").queue("later")).await.unwrap();
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let own = looks.load(Ordering::SeqCst) - before;
        assert!((1..150).contains(&own), "{own} looks by all who wait");
        assert_eq!(claims.load(Ordering::SeqCst), 0, "its queue is paused");
        engine.change_queue("later", paused(false)).await.unwrap();
    };
    let (taken, ()) = tokio::join!(takers, meanwhile);
    let taken: Vec<_> = taken.into_iter().filter_map(Result::unwrap).collect();
    assert_eq!(taken.len(), 50, "each is given one");
    assert!(taken.iter().any(|task| task.id == id));
}

#[tokio::test(start_paused = true)]
async fn a_log_in_which_nothing_is_written_is_hardly_read() {
    let world = World::new();
    let (store, builder) = faulty(&world);
    let engine = builder.executor(hang()).start().await.unwrap();
    let records = Arc::clone(&world.store);
    let service = Service::new(engine.clone(), records, ModelTable::builtin());
    let id = world.insert(manual("hang")).await;
    let local = Principal::local();
    let mut log = service.tasks().follow_log(&local, id, 0).await.unwrap();
    let mut reads_in_a_minute = async || {
        let before = store.reads.load(Ordering::SeqCst);
        let silence = tokio::time::timeout(Duration::from_mins(1), log.next()).await;
        assert!(silence.is_err(), "{silence:?}");
        store.reads.load(Ordering::SeqCst) - before
    };
    let idle = reads_in_a_minute().await;
    assert!(idle <= 5, "{idle} reads while it does not run");
    let worker = WorkerId("laptop".into());
    assert!(
        engine
            .take(worker, Wanted::default())
            .await
            .unwrap()
            .is_some()
    );
    let quiet = reads_in_a_minute().await;
    assert!((10..40).contains(&quiet), "{quiet} reads while it runs");
    world
        .store
        .cancel(vec![id], "no", Some(world.now()))
        .await
        .unwrap();
    let lease = Duration::from_hours(1);
    let end = tokio::time::timeout(lease, log.next())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(end, Some(Logged::End(Status::Cancelled)));
}
