//! How long finished tasks are kept.

use crate::harness::{EngineExt, World, noop, task};
use mcs_core::domain::{Cursor, NewTask, Retention, Status, TaskId};
use mcs_core::store::{Parts, TaskStore};
use std::time::Duration;

const HOUR: Duration = Duration::from_hours(1);

async fn kept(world: &World, ids: &[TaskId]) -> usize {
    let found = world.store.get(ids, Parts::NONE).await.unwrap();
    found.iter().flatten().count()
}

#[tokio::test(start_paused = true)]
async fn finished_tasks_are_removed_when_their_time_is_over_and_no_others() {
    let world = World::new();
    let retention = Retention {
        completed: Some(HOUR),
        failed: Some(HOUR * 2),
        cancelled: None,
        events: Some(HOUR),
    };
    let builder = world.builder().executor(noop()).retention(retention);
    let engine = builder.start().await.unwrap();
    // More than are removed in one commit.
    let tasks = (0..450).map(|_| task("noop")).collect();
    let submitted = engine.submit_many(tasks).await.unwrap();
    let done: Vec<TaskId> = submitted.iter().map(|stored| stored.id).collect();
    for id in &done {
        assert_eq!(engine.end_of(*id).await.status, Status::Completed);
    }
    let late = task("noop").run_at(world.after(HOUR.as_secs() * 24_000));
    let waiting = engine.submit(late.clone()).await.unwrap().id;
    let cancelled = engine.submit(late.clone()).await.unwrap().id;
    engine.cancel(cancelled, "not needed").await.unwrap();
    let missed = NewTask {
        deadline: Some(world.after(1000)),
        ..late
    };
    let failed = engine.submit(missed).await.unwrap().id;
    assert_eq!(engine.end_of(failed).await.status, Status::Failed);

    tokio::time::sleep(Duration::from_mins(59)).await;
    assert_eq!(kept(&world, &done).await, done.len());
    // One look a minute finds them all, however many commits that takes.
    tokio::time::sleep(Duration::from_secs(150)).await;
    assert_eq!(kept(&world, &done).await, 0);
    assert_eq!(kept(&world, &[waiting, cancelled, failed]).await, 3);
    let events = world.store.events(Cursor(0), 10).await.unwrap();
    assert!(events.is_empty(), "{events:?}");

    tokio::time::sleep(HOUR).await;
    assert_eq!(kept(&world, &[failed]).await, 0);
    assert_eq!(kept(&world, &[waiting, cancelled]).await, 2);
}
