use crate::harness::{EngineExt, LONG, World, done, noop, runs, task, text_of};
use mcs_core::domain::{NewTask, Priority, Status};
use mcs_core::executor::Outcome;
use mcs_core::store::TaskStore;
use serde_json::json;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

#[tokio::test(start_paused = true)]
async fn a_task_runs_and_its_result_is_kept() {
    let world = World::new();
    let engine = world.builder().executor(noop()).start().await.unwrap();
    let ended = engine.run(task("noop")).await;
    assert_eq!(ended.status, Status::Completed);
    assert_eq!((ended.attempt, text_of(&ended).as_str()), (1, "ok"));
    assert!(
        engine
            .get(ended.id)
            .await
            .unwrap()
            .unwrap()
            .result
            .is_none()
    );
}

#[tokio::test(start_paused = true)]
async fn an_idle_engine_starts_a_task_without_waiting_for_a_timer() {
    let world = World::new();
    let engine = world.builder().executor(noop()).start().await.unwrap();
    tokio::time::sleep(Duration::from_millis(12_345)).await;
    let before = Instant::now();
    engine.run(task("noop")).await;
    assert_eq!(before.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn many_tasks_all_end_and_never_more_run_than_may() {
    let world = World::new();
    let most = Arc::new(AtomicUsize::new(0));
    let (calls, inside, peak) = (
        AtomicUsize::new(0),
        Arc::new(AtomicUsize::new(0)),
        Arc::clone(&most),
    );
    let counted = runs("counted", move |_, _| {
        let (inside, peak) = (Arc::clone(&inside), Arc::clone(&peak));
        let takes = [1, 3, 0, 7, 2][calls.fetch_add(1, Ordering::SeqCst) % 5];
        Box::pin(async move {
            let now = inside.fetch_add(1, Ordering::SeqCst) + 1;
            peak.fetch_max(now, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(takes)).await;
            inside.fetch_sub(1, Ordering::SeqCst);
            Ok(done("ok"))
        })
    });
    let builder = world.builder().executor(counted).default_concurrency(7);
    let engine = builder.start().await.unwrap();
    let tasks = (0..2000).map(|_| task("counted")).collect();
    let inserted = engine.submit_many(tasks).await.unwrap();
    for one in &inserted {
        assert_eq!(engine.end_of(one.id).await.status, Status::Completed);
    }
    assert_eq!(most.load(Ordering::SeqCst), 7);
    assert_eq!(engine.stats().await.unwrap().store.counts.completed, 2000);
}

#[tokio::test(start_paused = true)]
async fn urgent_tasks_go_first() {
    let world = World::new();
    for priority in [1, 5, 10, 3, 8] {
        let payload = json!({"priority": priority});
        let priority = Priority::new(priority).unwrap();
        world
            .insert(NewTask::new("order", payload).priority(priority))
            .await;
    }
    let order = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&order);
    let noting = runs("order", move |task, _| {
        seen.lock().unwrap().push(task.priority.get());
        Box::pin(async { Ok(done("ok")) })
    });
    let builder = world.builder().executor(noting).default_concurrency(1);
    let engine = builder.start().await.unwrap();
    while engine.stats().await.unwrap().store.counts.completed < 5 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(*order.lock().unwrap(), [10, 8, 5, 3, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_delayed_task_starts_when_its_time_comes() {
    let world = World::new();
    let engine = world.builder().executor(noop()).start().await.unwrap();
    for delay in [70_000, 30, 4_000] {
        let before = Instant::now();
        let ended = engine.run(task("noop").run_at(world.after(delay))).await;
        let took = u64::try_from(before.elapsed().as_millis()).unwrap();
        assert!((delay..delay + 20).contains(&took), "{delay}: {took}");
        assert_eq!(ended.status, Status::Completed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_snoozed_task_is_called_again_and_costs_no_attempt() {
    let world = World::new();
    let calls = Arc::new(AtomicUsize::new(0));
    let (count, at) = (Arc::clone(&calls), world.after(5000));
    let snoozing = runs("snooze", move |_, _| {
        let first = count.fetch_add(1, Ordering::SeqCst) == 0;
        Box::pin(async move {
            Ok(if first {
                Outcome::Snooze(at)
            } else {
                done("ok")
            })
        })
    });
    let engine = world.builder().executor(snoozing).start().await.unwrap();
    let before = Instant::now();
    let ended = engine.run(task("snooze").max_attempts(1)).await;
    assert_eq!((ended.status, ended.attempt), (Status::Completed, 1));
    assert_eq!(calls.load(Ordering::SeqCst), 2);
    assert!(before.elapsed() >= Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn waiting_returns_the_task_as_it_is_when_the_time_is_up() {
    let world = World::new();
    let engine = world.builder().executor(noop()).start().await.unwrap();
    let id = world.insert(task("noop").run_at(world.after(60_000))).await;
    let before = Instant::now();
    let waited = engine.wait(id, Duration::from_secs(2)).await.unwrap();
    assert_eq!(waited.unwrap().status, Status::Pending);
    assert_eq!(before.elapsed(), Duration::from_secs(2));
    let unknown = "019aa0b0-0000-7000-8000-000000000000".parse().unwrap();
    assert!(engine.wait(unknown, LONG).await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn all_who_wait_for_one_task_are_woken() {
    let world = World::new();
    let engine = world.builder().executor(noop()).start().await.unwrap();
    let id = engine
        .submit(task("noop").run_at(world.after(1000)))
        .await
        .unwrap()
        .id;
    let waits: Vec<_> = (0..50)
        .map(|_| {
            let engine = engine.clone();
            tokio::spawn(async move { engine.end_of(id).await.status })
        })
        .collect();
    for wait in waits {
        assert_eq!(wait.await.unwrap(), Status::Completed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_waiter_is_not_lost_when_the_engine_misses_events() {
    let world = World::new();
    let engine = world.builder().executor(noop()).start().await.unwrap();
    let waiting = world.insert(task("elsewhere")).await;
    let wait = {
        let engine = engine.clone();
        tokio::spawn(async move { engine.end_of(waiting).await.status })
    };
    tokio::time::sleep(Duration::from_millis(5)).await;
    // More commits than the engine's receiver holds, without a moment for the engine in between.
    let now = Some(world.now());
    world
        .store
        .cancel(vec![waiting], "enough", now)
        .await
        .unwrap();
    for _ in 0..3000 {
        world
            .store
            .insert(vec![task("elsewhere")], now)
            .await
            .unwrap();
    }
    assert_eq!(wait.await.unwrap(), Status::Cancelled);
    assert_eq!(engine.run(task("noop")).await.status, Status::Completed);
}

#[tokio::test(start_paused = true)]
async fn the_engine_ends_with_its_last_handle() {
    let world = World::new();
    let engine = world.builder().executor(noop()).start().await.unwrap();
    let clone = engine.clone();
    drop(engine);
    assert_eq!(clone.run(task("noop")).await.status, Status::Completed);
    drop(clone);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(Arc::strong_count(&world.store), 1);
    let id = world.insert(task("noop")).await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(world.get(id).await.status, Status::Pending);
}
