//! Retention of interactions.

use super::kit::{at, now};
use super::reported::{MCP, event, ids, report, summary};
use crate::domain::interaction::{InteractionAction, InteractionStatus};
use crate::domain::{Cursor, Json, Timestamp, limits};
use crate::store::{InteractionStore, Purged, Stored};
use InteractionAction::{Complete, Progress, Start};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

type Store = Arc<dyn InteractionStore>;

const HOUR: i64 = 3_600_000_000;
const KEEP: Duration = Duration::from_secs(1);

pub(super) async fn old_events_go_and_what_is_left_without_any(store: Store) {
    report(&store, &[event("a", Start, 1), event("b", Start, 2)], 0).await;
    report(&store, &[event("b", Progress, 3)], 500).await;
    let purge = async |millis, limit| {
        let purged = store.purge_interactions(KEEP, limit, now(millis)).await;
        purged.unwrap().events
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
    for (left, more) in [(3, true), (1, true), (0, false)] {
        let purged = store.purge_interactions(KEEP, 2, now(10_000)).await;
        assert_eq!(purged.unwrap().more, more);
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
        let all = Timestamp::from_millis(0)..=at(0);
        let hours = store.interaction_hours(None, all).await.unwrap();
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

pub(super) async fn a_purge_ends_once_it_has_removed_much(store: Store) {
    let data = Json::from_stored(format!(
        "{{\"x\":\"{}\"}}",
        "x".repeat(limits::EVENT_DATA_BYTES - 8)
    ));
    let at_once = limits::PURGED_BYTES.div_ceil(limits::EVENT_DATA_BYTES) as u64;
    for n in 0..=at_once {
        let mut large = event(&n.to_string(), Start, 1);
        large.data = data.clone();
        report(&store, &[large], 0).await;
    }
    for (events, more) in [(at_once, true), (1, false), (0, false)] {
        let purged = store.purge_interactions(KEEP, 500, now(10_000)).await;
        assert_eq!(purged.unwrap(), Purged { events, more });
    }
}

pub(super) async fn what_was_stored_by_a_clock_ahead_holds_up_nothing(store: Store) {
    const YEAR: i64 = 365 * 86_400_000;
    let events = async |id: &str, count: i64, millis| {
        let events: Vec<_> = (0..count).map(|n| event(id, Progress, n)).collect();
        report(&store, &events, millis).await;
    };
    events("before", 2, 0).await;
    events("ahead", 150, 9 * YEAR).await;
    events("after", 3, 10).await;
    events("young", 1, 9_500).await;
    let purged = store.purge_interactions(KEEP, 500, now(10_000)).await;
    let wanted = Purged {
        events: 5,
        more: false,
    };
    assert_eq!(purged.unwrap(), wanted);
    let left: BTreeSet<_> = ids(&store, |_| ()).await.into_iter().collect();
    assert_eq!(left, ["ahead", "young"].map(String::from).into());
    // Once the clock has come to their time they go, too.
    let later = now(9 * YEAR + 1_000);
    let purged = store.purge_interactions(KEEP, 500, later).await;
    assert_eq!(purged.unwrap().events, 151);
}
