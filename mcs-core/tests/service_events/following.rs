use crate::world::{World, events, idle, of_queue, of_task, owned};
use mcs_core::domain::{Cursor, EventKind, NewTask, Retention, TaskId};
use mcs_core::service::{
    EventFilter, EventGap, EventPlace, Followed, Principal, Scopes, ServiceError, TaskFollower,
};
use serde_json::json;
use std::time::Duration;

const ALL: fn() -> EventFilter = EventFilter::default;

/// More than a reader or the task that hands on may fall behind.
const MANY: usize = 600;

async fn ids(follower: &mut TaskFollower) -> Vec<TaskId> {
    let told = events(follower.next().await.unwrap());
    told.iter().map(|(_, event)| event.task).collect()
}

#[tokio::test]
async fn what_happens_is_told_with_its_place() {
    let world = World::new().await;
    world.add(vec![idle("before")]).await;
    world.told().await;
    let mut all = world.follow(ALL(), None).await;
    let mut some = world.follow(of_queue("b"), None).await;
    let added = world.add(vec![idle("a"), idle("b"), idle("b")]).await;
    let told = events(all.next().await.unwrap());
    let tasks: Vec<_> = told.iter().map(|(_, event)| event.task).collect();
    assert_eq!(tasks, added);
    let places: Vec<_> = told.iter().map(|(place, _)| place.to_string()).collect();
    assert_eq!(places, ["c2.0", "c2.1", "c2.2"]);
    let told = events(some.next().await.unwrap());
    let places: Vec<_> = told.iter().map(|(place, _)| place.to_string()).collect();
    assert_eq!(places, ["c2.1", "c2.2"]);
    // Who begins later knows where.
    let later = world.follow(ALL(), None).await;
    assert_eq!(later.start(), EventPlace::end_of(2));
}

#[tokio::test]
async fn who_hears_nothing_still_knows_where_it_is() {
    let world = World::new().await;
    world.add(vec![idle("before")]).await;
    world.told().await;
    let mut quiet = world.follow(of_queue("rare"), None).await;
    assert_eq!(quiet.start(), EventPlace::end_of(1), "the first one too");
    assert_eq!(quiet.quiet_place(), Some(EventPlace::end_of(1)));
    for _ in 0..3 {
        world.add(vec![idle("q")]).await;
    }
    world.told().await;
    assert_eq!(quiet.quiet_place(), Some(EventPlace::end_of(4)));
    world.add(vec![idle("rare"), idle("q")]).await;
    world.add(vec![idle("q")]).await;
    world.told().await;
    assert_eq!(quiet.quiet_place(), None, "there is something to be told");
    assert_eq!(ids(&mut quiet).await.len(), 1);
    assert_eq!(quiet.quiet_place(), Some(EventPlace::end_of(6)));
    // What is stored while nobody follows is not passed over by who goes on from there.
    let place = quiet.quiet_place();
    drop(quiet);
    world.told().await;
    let added = world.add(vec![idle("rare")]).await;
    let mut again = world.follow(of_queue("rare"), place).await;
    assert_eq!(ids(&mut again).await, added);
    assert_eq!(again.quiet_place(), None, "it has not read all yet");
}

#[tokio::test]
async fn whose_events_went_before_it_came_back_missed_nothing() {
    let world = World::new().await;
    world.add(vec![idle("q")]).await;
    world.told().await;
    let place = Some(world.follow(ALL(), None).await.start());
    let at_once = Retention {
        events: Some(Duration::ZERO),
        ..Retention::FOREVER
    };
    world.store.purge(&at_once, 10, None).await.unwrap();
    let mut again = world.follow(ALL(), place).await;
    let next = tokio::time::timeout(Duration::ZERO, again.next()).await;
    assert!(next.is_err(), "{next:?}");
}

#[tokio::test]
async fn each_hears_its_own_task() {
    let world = World::new().await;
    let added = world.add(vec![idle("q"), idle("q")]).await;
    world.told().await;
    let mut one = world.follow(of_task(added[1]), None).await;
    let only_ends = EventFilter {
        events: Some(vec![EventKind::Cancelled]),
        ..of_task(added[0])
    };
    let mut ends = world.follow(only_ends, None).await;
    world.add(vec![idle("q")]).await;
    world.store.cancel(added.clone(), "no", None).await.unwrap();
    let told = events(one.next().await.unwrap());
    assert_eq!(told.len(), 1);
    assert_eq!(
        (told[0].1.task, told[0].1.kind),
        (added[1], EventKind::Cancelled)
    );
    assert_eq!(told[0].0, EventPlace::new(3, 1));
    assert_eq!(ids(&mut ends).await, [added[0]]);
}

#[tokio::test]
async fn others_are_not_heard() {
    let world = World::new().await;
    let tasks = world.service.tasks();
    let alice = Principal::new("alice", Scopes::USER);
    let bob = Principal::new("bob", Scopes::USER);
    let mut hears = tasks.follow(&bob, ALL(), None).await.unwrap();
    let added = world.add(vec![owned("alice"), owned("bob")]).await;
    let mut of_alice = tasks.follow(&bob, of_task(added[0]), None).await.unwrap();
    let begin = Some(EventPlace::end_of(0));
    let mut stored = tasks.follow(&bob, ALL(), begin).await.unwrap();
    let mut stored_of_alice = tasks.follow(&bob, of_task(added[0]), begin).await.unwrap();
    assert_eq!(ids(&mut hears).await, [added[1]]);
    assert_eq!(ids(&mut stored).await, [added[1]]);

    world.store.cancel(added.clone(), "no", None).await.unwrap();
    assert_eq!(ids(&mut hears).await, [added[1]]);
    world.service.shutdown(Duration::ZERO).await.unwrap();
    assert_eq!(of_alice.next().await.unwrap(), None);
    assert!(
        stored_of_alice.next().await.is_err(),
        "there is no store any more"
    );

    let world = World::new().await;
    let tasks = world.service.tasks();
    let task = world.add(vec![owned("alice")]).await[0];
    let deltas = EventFilter {
        deltas: true,
        ..of_task(task)
    };
    let refused = tasks.follow(&bob, deltas.clone(), None).await.unwrap_err();
    assert!(matches!(refused, ServiceError::NotFound(id) if id == task));
    assert!(tasks.follow(&alice, deltas, None).await.is_ok());
    let none = Principal::new("bob", Scopes::default());
    let refused = tasks.follow(&none, ALL(), None).await.unwrap_err();
    assert!(matches!(refused, ServiceError::Forbidden { .. }));
}

#[tokio::test]
async fn streamed_text_is_told_to_those_who_ask() {
    let world = World::new().await;
    let local = Principal::local();
    let speak = NewTask::new("speak", json!({}));
    let id = world
        .service
        .tasks()
        .create(&local, speak)
        .await
        .unwrap()
        .id;
    let asked = EventFilter {
        deltas: true,
        ..of_task(id)
    };
    let mut hears = world.follow(asked, None).await;
    let mut events_only = world.follow(of_task(id), None).await;
    world.steps.add_permits(3);
    let mut text = String::new();
    loop {
        match hears.next().await.unwrap().unwrap() {
            Followed::Delta { task, text: more } => {
                assert_eq!(task, id);
                text.push_str(&more);
            }
            Followed::Events(portion) => {
                if portion
                    .iter()
                    .any(|(_, event)| event.kind == EventKind::Completed)
                {
                    break;
                }
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(text, "onetwothree");
    loop {
        let told = events(events_only.next().await.unwrap());
        if told
            .iter()
            .any(|(_, event)| event.kind == EventKind::Completed)
        {
            break;
        }
    }
    let everybody = EventFilter {
        deltas: true,
        ..ALL()
    };
    let refused = world.service.tasks().follow(&local, everybody, None).await;
    assert!(refused.unwrap_err().to_string().contains("`deltas`"));
}

#[tokio::test]
async fn who_does_not_read_loses_its_place_and_nobody_else_does() {
    let world = World::new().await;
    let mut slow = world.follow(ALL(), None).await;
    let mut quick = world.follow(ALL(), None).await;
    for _ in 0..MANY {
        let added = world.add(vec![idle("q")]).await;
        assert_eq!(ids(&mut quick).await, added);
    }
    let mut last = None;
    loop {
        match slow.next().await.unwrap() {
            Some(Followed::Events(portion)) => last = portion.iter().last().map(|(place, _)| place),
            Some(Followed::FellBehind) => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(last, Some(EventPlace::new(256, 0)));
    assert_eq!(slow.next().await.unwrap(), None);
    // It goes on where it was.
    let mut again = world.follow(ALL(), last).await;
    for seq in 257..=MANY {
        let told = events(again.next().await.unwrap());
        assert_eq!(told[0].0, EventPlace::new(seq.try_into().unwrap(), 0));
    }
}

#[tokio::test]
async fn what_was_missed_is_read_once_for_all() {
    let world = World::new().await;
    let mut of_one = world.follow(of_queue("rare"), None).await;
    world.add(vec![idle("rare")]).await;
    assert_eq!(ids(&mut of_one).await.len(), 1);
    // The memory store does not wait, so nobody else runs meanwhile, and what is told overflows on its way.
    for _ in 0..MANY {
        world.add(vec![idle("q")]).await;
    }
    let added = world.add(vec![idle("rare")]).await;
    assert_eq!(ids(&mut of_one).await, added);
}

#[tokio::test]
async fn a_place_that_nobody_knows_is_told() {
    let world = World::new().await;
    for _ in 0..3 {
        world.add(vec![idle("q")]).await;
    }
    world.told().await;
    let mut ahead = world.follow(ALL(), Some(EventPlace::new(77, 0))).await;
    let gap = |gap| Some(Followed::Gap(gap));
    assert_eq!(ahead.next().await.unwrap(), gap(EventGap::Ahead));
    let added = world.add(vec![idle("q")]).await;
    assert_eq!(
        ids(&mut ahead).await,
        added,
        "though its number is below the place"
    );

    let at_once = Retention {
        events: Some(Duration::ZERO),
        ..Retention::FOREVER
    };
    world.store.purge(&at_once, 10, None).await.unwrap();
    let added = world.add(vec![idle("q")]).await;
    let mut forgotten = world.follow(ALL(), Some(EventPlace::new(2, 0))).await;
    assert_eq!(forgotten.next().await.unwrap(), gap(EventGap::Forgotten));
    assert_eq!(ids(&mut forgotten).await, added);
    let mut from_the_start = world.follow(ALL(), Some(EventPlace::end_of(0))).await;
    assert_eq!(
        ids(&mut from_the_start).await,
        added,
        "nothing was there before"
    );
}

#[tokio::test]
async fn the_end_of_the_service_ends_all() {
    let world = World::new().await;
    let local = Principal::local();
    let mut all = world.follow(ALL(), None).await;
    let mut sum = world
        .service
        .tasks()
        .summarize(&local, ALL())
        .await
        .unwrap();
    let waiting = tokio::spawn(async move { (all.next().await.unwrap(), sum.next().await) });
    world.service.shutdown(Duration::ZERO).await.unwrap();
    assert_eq!(waiting.await.unwrap(), (None, None));
    let mut late = world.follow(ALL(), None).await;
    assert_eq!(late.next().await.unwrap(), None);
}

#[tokio::test]
async fn one_task_is_found_page_by_page() {
    let world = World::new().await;
    let local = Principal::local();
    let id = world.add(vec![idle("q")]).await[0];
    world.store.cancel(vec![id], "no", None).await.unwrap();
    let tasks = world.service.tasks();
    let page = tasks.task_events(&local, id, Cursor(0), 1).await.unwrap();
    assert_eq!((page.batches.len(), page.next), (1, Some(Cursor(1))));
    let rest = tasks.task_events(&local, id, Cursor(1), 1).await.unwrap();
    assert_eq!((rest.batches.len(), rest.next), (1, None));
    let bob = Principal::new("bob", Scopes::USER);
    assert!(tasks.task_events(&bob, id, Cursor(0), 1).await.is_err());
    assert!(tasks.task_events(&local, id, Cursor(0), 0).await.is_err());

    assert!(matches!(
        tasks.remove(&bob, id).await,
        Err(ServiceError::NotFound(_))
    ));
    tasks.remove(&local, id).await.unwrap();
    assert!(matches!(
        tasks.remove(&local, id).await,
        Err(ServiceError::NotFound(_))
    ));
    let open = world.add(vec![idle("q")]).await[0];
    let refused = tasks.remove(&local, open).await.unwrap_err();
    assert!(matches!(&refused, ServiceError::Conflict { reason } if reason.contains("PENDING")));
}
