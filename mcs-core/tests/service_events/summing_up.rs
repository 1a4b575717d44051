use crate::world::{World, idle, of_queue};
use mcs_core::domain::EventKind;
use mcs_core::service::{EventFilter, Principal};
use std::time::Duration;
use tokio::time::{Instant, timeout};

#[tokio::test(start_paused = true)]
async fn much_is_told_in_few_words() {
    let world = World::new().await;
    let local = Principal::local();
    let tasks = world.service.tasks();
    let mut sum = tasks.summarize(&local, of_queue("q")).await.unwrap();
    let first = world.add(vec![idle("q"), idle("other")]).await;
    let told = sum.next().await.unwrap();
    assert_eq!((told.tasks, told.more), (vec![first[0]], false));
    assert_eq!(told.counts, [(EventKind::Created, 1)].into());

    let began = Instant::now();
    let mut added = Vec::new();
    for _ in 0..1000 {
        added.extend(world.add(vec![idle("q"); 5]).await);
        tokio::task::yield_now().await;
    }
    world
        .store
        .cancel(added[..7].to_vec(), "no", None)
        .await
        .unwrap();
    let told = sum.next().await.unwrap();
    assert!(
        began.elapsed() >= Duration::from_millis(450),
        "{:?}",
        began.elapsed()
    );
    let counts = [(EventKind::Created, 5000), (EventKind::Cancelled, 7)];
    assert_eq!(told.counts, counts.into());
    assert_eq!((told.tasks.len(), told.more), (100, true));
    assert!(told.since <= told.until);
    let silence = timeout(Duration::from_mins(1), sum.next()).await;
    assert!(silence.is_err(), "nothing happens, and nothing is told");
}

#[tokio::test(start_paused = true)]
async fn the_same_tasks_are_named_once() {
    let world = World::new().await;
    let local = Principal::local();
    let added = world.add(vec![idle("q"); 100]).await;
    world.told().await;
    let all = EventFilter::default();
    let mut sum = world.service.tasks().summarize(&local, all).await.unwrap();
    world
        .store
        .cancel(added[..50].to_vec(), "no", None)
        .await
        .unwrap();
    world.store.cancel(added.clone(), "no", None).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1)).await;
    let told = sum.next().await.unwrap();
    let mut named = told.tasks;
    named.sort_unstable();
    assert_eq!((named, told.more), (added, false));
    assert_eq!(told.counts, [(EventKind::Cancelled, 100)].into());
}
