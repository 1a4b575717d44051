//! Lists and statistics of interactions.

use super::kit::at;
use super::reported::{MCP, event, fact, ids, named, report, summary};
use crate::domain::interaction::{
    InteractionAction, InteractionFilter, InteractionStatus, McpHours, Micros, NewEvent,
};
use crate::domain::{Timestamp, limits};
use crate::store::InteractionStore;
use InteractionAction::{Complete, Error, Progress, Start};
use InteractionStatus::{Completed, Failed, InProgress, Started};
use std::ops::RangeInclusive;
use std::sync::Arc;

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

/// Interactions of two MCP servers with every status, of two users and with two tools.
async fn report_some(store: &Store) {
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
    report(store, &events, 0).await;
}

type Filter = InteractionFilter;

pub(super) async fn each_part_of_a_filter_holds_alone(store: Store) {
    report_some(&store).await;
    let found = async |change: fn(&mut Filter)| ids(&store, change).await;
    assert_eq!(found(|f| f.status = Some(Started)).await, ["e"]);
    assert_eq!(found(|f| f.status = Some(InProgress)).await, ["d"]);
    assert_eq!(found(|f| f.status = Some(Completed)).await, ["a"]);
    assert_eq!(found(|f| f.status = Some(Failed)).await, ["c", "b"]);
    assert_eq!(found(|f| f.mcp_id = named("n")).await, ["c"]);
    let of_one = found(|f| f.mcp_id = named(MCP)).await;
    assert_eq!(of_one, ["e", "d", "b", "a"]);
    assert_eq!(found(|f| f.mcp_id = named("x")).await, [""; 0]);
    assert_eq!(found(|f| f.user_id = named("u1")).await, ["c", "a"]);
    assert_eq!(found(|f| f.tool = named("add")).await, ["b", "a"]);
    assert_eq!(found(|f| f.error_type = named("TypeError")).await, ["c"]);
    let since = found(|f| f.since = Some(Micros::from_micros(30))).await;
    assert_eq!(since, ["e", "d", "c"]);
    let until = found(|f| f.until = Some(Micros::from_micros(30))).await;
    assert_eq!(until, ["b", "a"]);
}

pub(super) async fn parts_of_a_filter_hold_together(store: Store) {
    report_some(&store).await;
    let found = async |change: fn(&mut Filter)| ids(&store, change).await;
    let both = |f: &mut Filter| {
        f.user_id = named("u1");
        f.tool = named("add");
    };
    assert_eq!(ids(&store, both).await, ["a"]);
    let failed = |f: &mut Filter| {
        both(f);
        f.status = Some(Failed);
    };
    assert_eq!(ids(&store, failed).await, [""; 0]);
    let all = found(|f| {
        f.status = Some(Failed);
        f.mcp_id = named(MCP);
        f.error_type = named("ValueError");
        f.since = Some(Micros::from_micros(20));
        f.until = Some(Micros::from_micros(21));
    });
    assert_eq!(all.await, ["b"]);
    let never = found(|f| {
        f.status = Some(Completed);
        f.error_type = named("ValueError");
    });
    assert_eq!(never.await, [""; 0]);
    let of_other = found(|f| {
        f.tool = named("add");
        f.mcp_id = named("n");
    });
    assert_eq!(of_other.await, [""; 0]);
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

/// All hours up to the beginning of the case.
fn past() -> RangeInclusive<Timestamp> {
    Timestamp::from_millis(0)..=at(0)
}

/// Number, calls, completed and failed of each hour.
fn counts(mcp: &McpHours) -> Vec<(i64, u64, u64, u64)> {
    let counts = mcp.hours.iter().map(|hour| {
        let number = hour.hour.as_millis() / 3_600_000;
        (number, hour.calls, hour.completed, hour.failed)
    });
    counts.collect()
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
    let hours = store.interaction_hours(None, past()).await.unwrap();
    let names: Vec<_> = hours.iter().map(|mcp| &*mcp.mcp_id).collect();
    assert_eq!(names, [MCP, "n"]);
    assert_eq!(counts(&hours[0]), [(0, 1, 0, 0), (1, 2, 3, 0)]);
    let durations: Vec<_> = hours[0].hours[1].durations.buckets().collect();
    assert_eq!(durations, [(5, 1), (7, 2)]);
    assert_eq!(counts(&hours[1]), [(2, 1, 0, 1)]);
    let quantile = hours[1].hours[0].durations.quantile(0.5);
    assert_eq!(quantile, None, "its beginning is not known");
}

pub(super) async fn hours_are_read_within_a_span(store: Store) {
    let events = [
        event("a", Start, 0),
        event("b", Start, HOUR),
        of("n", event("c", Start, 2 * HOUR)),
    ];
    report(&store, &events, 0).await;
    let read = async |mcp: Option<&str>, from: i64, to: i64| {
        let span = Timestamp::from_millis(from)..=Timestamp::from_millis(to);
        let found = store.interaction_hours(mcp, span).await.unwrap();
        let hours = found.iter().flat_map(|mcp| {
            let hours = counts(mcp).into_iter();
            hours.map(|hour| (mcp.mcp_id.to_string(), hour.0))
        });
        hours.collect::<Vec<_>>()
    };
    let (m, n) = (|hour| (MCP.to_owned(), hour), |hour| ("n".to_owned(), hour));
    assert_eq!(read(None, 0, 7_200_000).await, [m(0), m(1), n(2)]);
    assert_eq!(read(None, 1, 7_199_999).await, [m(1)]);
    assert_eq!(read(None, 3_600_000, 3_600_000).await, [m(1)]);
    assert_eq!(read(None, 3_600_001, 9_000_000).await, [n(2)]);
    assert_eq!(read(Some(MCP), 0, 9_000_000).await, [m(0), m(1)]);
    assert_eq!(read(Some("x"), 0, 9_000_000).await, []);
}

pub(super) async fn no_hour_lies_ahead_of_the_store(store: Store) {
    // Years ahead, as the calendar of a reporter may be.
    let ahead = at(0).as_millis() * 1000 + 70_000 * HOUR;
    let events = [
        event("a", Start, ahead),
        event("a", Complete, ahead + 5),
        event("b", Start, at(0).as_millis() * 1000 + 1),
    ];
    report(&store, &events, 0).await;
    // An end that lies ahead is measured when its beginning becomes known.
    report(&store, &[event("c", Complete, ahead)], 0).await;
    report(&store, &[event("c", Start, ahead - 5)], 0).await;
    let all = Timestamp::from_millis(0)..=Timestamp::from_millis(i64::MAX);
    let hours = store.interaction_hours(None, all).await.unwrap();
    let current = at(0).as_millis() / 3_600_000;
    assert_eq!(counts(&hours[0]), [(current, 3, 2, 0)]);
    let durations: Vec<_> = hours[0].hours[0].durations.buckets().collect();
    assert_eq!(durations, [(5, 2)]);
    assert_eq!(
        summary(&store, "a").await.started_at,
        Micros::from_micros(ahead),
        "only the hour is another"
    );
}
