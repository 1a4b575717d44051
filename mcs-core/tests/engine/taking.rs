//! Manual tasks that somebody waits for.

use crate::harness::{World, manual, noop, task};
use mcs_core::domain::{Dispatch, QueueChange, Status, TaskId, WorkerId};
use mcs_core::engine::{Engine, Wanted};
use std::time::Duration;
use tokio::time::{Instant, timeout};

const MINUTE: Duration = Duration::from_mins(1);

async fn engine(world: &World) -> Engine {
    world.builder().executor(noop()).start().await.unwrap()
}

fn waiting() -> Wanted {
    Wanted {
        wait: MINUTE,
        ..Wanted::default()
    }
}

/// What one who waits is given while `meanwhile` is done, and how long that took.
async fn taken(engine: &Engine, meanwhile: impl AsyncFnOnce()) -> (Option<TaskId>, Duration) {
    let began = Instant::now();
    let worker = WorkerId("laptop".into());
    let take = async {
        let taken = engine.take(worker, waiting()).await.unwrap();
        (taken.map(|task| task.id), began.elapsed())
    };
    tokio::join!(take, meanwhile()).0
}

#[tokio::test(start_paused = true)]
async fn a_task_that_becomes_ready_is_given_at_once() {
    let world = World::new();
    let engine = engine(&world).await;
    let pause = Duration::from_secs(3);
    let (found, after) = taken(&engine, async || {
        tokio::time::sleep(pause).await;
        engine.submit(task("noop")).await.unwrap();
        engine.submit(manual("noop")).await.unwrap();
    })
    .await;
    let found = world.get(found.expect("it is given")).await;
    assert_eq!(found.dispatch, Dispatch::Manual);
    assert!(after < pause + Duration::from_millis(200), "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn what_becomes_ready_by_itself_is_noticed_too() {
    let world = World::new();
    let engine = engine(&world).await;
    let paused = |paused| QueueChange {
        paused: Some(paused),
        ..QueueChange::default()
    };
    engine.change_queue("default", paused(true)).await.unwrap();
    let id = world.insert(manual("noop")).await;
    let (found, after) = taken(&engine, async || {
        tokio::time::sleep(Duration::from_secs(7)).await;
        engine.change_queue("default", paused(false)).await.unwrap();
    })
    .await;
    assert_eq!(found, Some(id), "its queue was resumed");
    assert!(after < Duration::from_secs(8), "{after:?}");

    let mut later = manual("noop");
    later.run_at = Some(world.now().plus(Duration::from_secs(20)));
    let id = world.insert(later).await;
    let (found, after) = taken(&engine, async || {}).await;
    assert_eq!(found, Some(id), "its time came");
    assert!(after < Duration::from_secs(21), "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn who_waits_in_vain_waits_no_longer_than_asked_or_the_engine_lives() {
    let world = World::new();
    let engine = engine(&world).await;
    let (found, after) = taken(&engine, async || {}).await;
    assert_eq!((found, after), (None, MINUTE));
    let (found, after) = taken(&engine, async || {
        engine.shutdown(Duration::ZERO).await;
    })
    .await;
    assert_eq!(found, None);
    assert!(after < MINUTE, "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn of_many_who_wait_one_is_given_a_task() {
    let world = World::new();
    let engine = engine(&world).await;
    let takers = (0..50).map(|number| {
        let worker = WorkerId(format!("w{number}").into());
        engine.take(worker, waiting())
    });
    let takers = futures_util::future::join_all(takers);
    let create = async {
        for _ in 0..20 {
            tokio::time::sleep(Duration::from_millis(30)).await;
            engine.submit(manual("noop")).await.unwrap();
        }
    };
    let (taken, ()) = tokio::join!(takers, create);
    let mut ids: Vec<_> = taken.into_iter().filter_map(Result::unwrap).collect();
    ids.sort_by_key(|task| task.id);
    ids.dedup_by_key(|task| task.id);
    assert_eq!(ids.len(), 20);
}

#[tokio::test(start_paused = true)]
async fn a_task_for_a_taker_who_left_is_handed_back() {
    let world = World::new();
    let engine = engine(&world).await;
    let id = world.insert(manual("noop")).await;
    let worker = WorkerId("laptop".into());
    // It asks, and is gone before the store has answered.
    let left = timeout(Duration::ZERO, engine.take(worker, Wanted::default()));
    assert!(left.await.is_err());
    let (found, _) = taken(&engine, async || {}).await;
    assert_eq!(found, Some(id));
    let task = world.get(id).await;
    assert_eq!((task.status, task.attempt), (Status::Processing, 1));
    assert_eq!(task.lease.unwrap().number.0, 2, "it was claimed before");
}
