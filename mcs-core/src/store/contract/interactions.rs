//! Lists, statistics and retention of interactions.

use super::kit::{at, now};
use super::reported::{MCP, event, fact, ids, named, report, summary};
use crate::domain::interaction::{
    InteractionAction, InteractionFilter, InteractionStatus, Micros, NewEvent,
};
use crate::domain::{Cursor, Timestamp, limits};
use crate::store::{InteractionStore, Stored};
use InteractionAction::{Complete, Error, Progress, Start};
use InteractionStatus::{Completed, Failed, InProgress, Started};
use std::sync::Arc;
use std::time::Duration;

type Store = Arc<dyn InteractionStore>;

const HOUR: i64 = 3_600_000_000;

fn of(mcp: &str, mut event: NewEvent) -> NewEvent {
    event.mcp_id = mcp.into();
    event
}

fn failed(id: &str, micros: i64, error_type: &str) -> NewEvent {
    let mut event = event(id, Error, micros);
    event.facts.error_type = Some(error_type.into());
    event
}

pub(super) async fn those_that_began_last_come_first(store: Store) {
    // In another order than they began, and two of them at one time.
    for (id, micros) in [("b", 20), ("d", 40), ("a", -10), ("c1", 30), ("c2", 30)] {
        report(
            &store,
            &[of(&format!("m{id}"), event(id, Start, micros))],
            0,
        )
        .await;
    }
    assert_eq!(ids(&store, |_| ()).await, ["d", "c2", "c1", "b", "a"]);
    let page = store
        .list_interactions(&InteractionFilter::default(), None, 5)
        .await
        .unwrap();
    assert_eq!(page.next, None, "five were asked for and five are there");
    let page = store
        .list_interactions(&InteractionFilter::default(), None, 4)
        .await
        .unwrap();
    // What came meanwhile does not disturb the next page.
    report(
        &store,
        &[event("e", Start, 50), event("late", Start, 20)],
        0,
    )
    .await;
    let rest = store
        .list_interactions(&InteractionFilter::default(), page.next, 4)
        .await
        .unwrap();
    let rest: Vec<_> = rest
        .items
        .iter()
        .map(|item| &*item.interaction_id)
        .collect();
    assert_eq!(
        rest,
        ["a"],
        "of those that began at the cursor's time only earlier stored ones follow"
    );
}

pub(super) async fn each_part_of_a_filter_holds_alone_and_with_others(store: Store) {
    let start = |id: &str, micros, user: &str, tool: &str| {
        let mut event = event(id, Start, micros);
        event.facts = fact(user, tool);
        event
    };
    let events = [
        start("a", 10, "u1", "add"),
        start("b", 20, "u2", "add"),
        of("n", start("c", 30, "u1", "sub")),
        event("d", Start, 40),
        event("a", Complete, 50),
        failed("b", 60, "ValueError"),
        of("n", failed("c", 70, "TypeError")),
        event("d", Progress, 80),
        event("e", Start, 90),
    ];
    report(&store, &events, 0).await;
    let status = |status| move |filter: &mut InteractionFilter| filter.status = Some(status);
    assert_eq!(ids(&store, status(Started)).await, ["e"]);
    assert_eq!(ids(&store, status(InProgress)).await, ["d"]);
    assert_eq!(ids(&store, status(Completed)).await, ["a"]);
    assert_eq!(ids(&store, status(Failed)).await, ["c", "b"]);
    assert_eq!(ids(&store, |f| f.mcp_id = named("n")).await, ["c"]);
    assert_eq!(
        ids(&store, |f| f.mcp_id = named(MCP)).await,
        ["e", "d", "b", "a"]
    );
    assert!(ids(&store, |f| f.mcp_id = named("x")).await.is_empty());
    assert_eq!(ids(&store, |f| f.user_id = named("u1")).await, ["c", "a"]);
    assert_eq!(ids(&store, |f| f.tool = named("add")).await, ["b", "a"]);
    assert_eq!(
        ids(&store, |f| f.error_type = named("TypeError")).await,
        ["c"]
    );
    assert_eq!(
        ids(&store, |f| f.since = Some(Micros::from_micros(30))).await,
        ["e", "d", "c"]
    );
    assert_eq!(
        ids(&store, |f| f.until = Some(Micros::from_micros(30))).await,
        ["b", "a"]
    );
    // Together.
    let both = |f: &mut InteractionFilter| {
        f.user_id = named("u1");
        f.tool = named("add");
    };
    assert_eq!(ids(&store, both).await, ["a"]);
    assert_eq!(
        ids(&store, |f| {
            both(f);
            f.status = Some(Failed);
        })
        .await,
        [""; 0]
    );
    assert_eq!(
        ids(&store, |f| {
            f.status = Some(Failed);
            f.mcp_id = named(MCP);
            f.error_type = named("ValueError");
            f.since = Some(Micros::from_micros(20));
            f.until = Some(Micros::from_micros(21));
        })
        .await,
        ["b"]
    );
    assert!(
        ids(&store, |f| {
            f.status = Some(Completed);
            f.error_type = named("ValueError");
        })
        .await
        .is_empty()
    );
    assert_eq!(
        ids(&store, |f| {
            f.tool = named("add");
            f.mcp_id = named("n");
        })
        .await,
        [""; 0]
    );
}

pub(super) async fn bad_lists_are_refused(store: Store) {
    for limit in [0, limits::PAGE_ROWS + 1] {
        assert!(
            store
                .list_interactions(&InteractionFilter::default(), None, limit)
                .await
                .is_err()
        );
    }
    let filter = InteractionFilter {
        user_id: named("a\0"),
        ..InteractionFilter::default()
    };
    assert!(store.list_interactions(&filter, None, 1).await.is_err());
}

pub(super) async fn hours_count_what_happened_in_them(store: Store) {
    let mut measured = event("b", Complete, HOUR + 9);
    measured.facts.duration_us = Some(5);
    let first = [
        event("a", Start, HOUR - 3),
        event("b", Start, HOUR + 1),
        measured,
        of("n", failed("c", 2 * HOUR, "Oops")),
    ];
    report(&store, &first, 0).await;
    // More of the same hours in a later call, and an end whose beginning comes late.
    let second = [
        event("a", Complete, HOUR + 4),
        event("d", Complete, HOUR + 20),
        event("d", Start, HOUR + 13),
        event("d", Complete, HOUR + 30),
    ];
    report(&store, &second, 1).await;
    let hours = store
        .interaction_hours(None, Timestamp::from_millis(0))
        .await
        .unwrap();
    let names: Vec<_> = hours.iter().map(|mcp| &*mcp.mcp_id).collect();
    assert_eq!(names, [MCP, "n"]);
    let counts: Vec<_> = hours[0]
        .hours
        .iter()
        .map(|hour| {
            (
                hour.hour.as_millis() / 3_600_000,
                hour.calls,
                hour.completed,
                hour.failed,
            )
        })
        .collect();
    assert_eq!(counts, [(0, 1, 0, 0), (1, 2, 3, 0)]);
    let durations: Vec<_> = hours[0].hours[1].durations.buckets().collect();
    assert_eq!(durations, [(5, 1), (7, 2)]);
    assert_eq!(hours[1].hours[0].failed, 1);
    assert_eq!(
        hours[1].hours[0].durations.quantile(0.5),
        None,
        "its beginning is not known"
    );
    // From an hour on, and of one MCP server.
    let hours = store
        .interaction_hours(None, Timestamp::from_millis(3_600_001))
        .await
        .unwrap();
    assert_eq!(hours.len(), 1);
    assert_eq!(&*hours[0].mcp_id, "n");
    let hours = store
        .interaction_hours(Some(MCP), Timestamp::from_millis(3_600_000))
        .await
        .unwrap();
    assert_eq!((hours.len(), hours[0].hours.len()), (1, 1));
    assert!(
        store
            .interaction_hours(Some("x"), Timestamp::from_millis(0))
            .await
            .unwrap()
            .is_empty()
    );
}

const KEEP: Duration = Duration::from_secs(1);

pub(super) async fn old_events_go_and_what_is_left_without_any(store: Store) {
    report(&store, &[event("a", Start, 1), event("b", Start, 2)], 0).await;
    report(&store, &[event("b", Progress, 3)], 500).await;
    let purge = async |millis, limit| {
        store
            .purge_interactions(KEEP, limit, now(millis))
            .await
            .unwrap()
    };
    assert_eq!(purge(999, 10).await, 0);
    assert_eq!(
        purge(1000, 10).await,
        2,
        "what is exactly as old as it is kept goes"
    );
    assert!(store.find_interactions("a", None).await.unwrap().is_empty());
    assert_eq!(ids(&store, |_| ()).await, ["b"]);
    let left = store
        .events_of_interaction(MCP, "b", Cursor(0), 9)
        .await
        .unwrap();
    assert_eq!(left.events.len(), 1);
    assert_eq!(summary(&store, "b").await.events, 2, "it was told of two");
    assert_eq!(purge(1500, 10).await, 1);
    assert!(ids(&store, |_| ()).await.is_empty());
    assert_eq!(purge(1500, 10).await, 0);
}

pub(super) async fn a_purge_is_bounded_and_first_stored_go_first(store: Store) {
    for n in 0..5 {
        report(&store, &[event(&format!("i{n}"), Start, 100 - n)], n).await;
    }
    for left in [3, 1, 0] {
        store
            .purge_interactions(KEEP, 2, now(10_000))
            .await
            .unwrap();
        let page = store.interaction_events(None, Cursor(0), 9).await.unwrap();
        assert_eq!(page.events.len(), left);
        assert!(
            page.events
                .iter()
                .all(|event| event.place > Cursor(5 - left as u64))
        );
    }
}

pub(super) async fn places_go_on_after_a_purge(store: Store) {
    let first = event("a", Start, 1);
    report(&store, &[first.clone(), event("a", Complete, 2)], 0).await;
    store
        .purge_interactions(KEEP, 10, now(10_000))
        .await
        .unwrap();
    // It is not known any more, so it is new, behind all that was there.
    assert_eq!(report(&store, &[first], 10_000).await, [Stored::New]);
    let page = store.interaction_events(None, Cursor(2), 9).await.unwrap();
    assert_eq!(
        page.events
            .iter()
            .map(|event| event.place)
            .collect::<Vec<_>>(),
        [Cursor(3)]
    );
    assert_eq!(
        summary(&store, "a").await.status,
        InteractionStatus::Started
    );
    assert_eq!(*store.watch_interactions().borrow(), Cursor(3));
}

pub(super) async fn old_hours_go(store: Store) {
    // The hours are those of the events, whenever they were stored.
    let hour = |n: i64| (at(0).as_millis() / 3_600_000 + n) * HOUR;
    let events = [
        event("a", Start, hour(-2)),
        event("b", Start, hour(-1)),
        event("c", Start, hour(0)),
    ];
    report(&store, &events, 0).await;
    let keep = Duration::from_hours(1);
    let left = async || {
        let hours = store
            .interaction_hours(None, Timestamp::from_millis(0))
            .await
            .unwrap();
        hours.iter().map(|mcp| mcp.hours.len()).sum::<usize>()
    };
    store.purge_interactions(keep, 1, now(0)).await.unwrap();
    assert_eq!(left().await, 2);
    store.purge_interactions(keep, 10, now(0)).await.unwrap();
    assert_eq!(left().await, 1);
    assert_eq!(
        ids(&store, |_| ()).await.len(),
        3,
        "the events were stored just now"
    );
}
