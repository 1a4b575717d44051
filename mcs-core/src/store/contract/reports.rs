//! Storing reported events, and what they add up to.

use super::kit::{at, now};
use super::reported::{MCP, event, fact, ids, named, report, summary};
use crate::domain::interaction::{
    EventId, InteractionAction, InteractionFlags, InteractionStatus, Micros, NewEvent,
};
use crate::domain::{Cursor, Json, limits};
use crate::store::{InteractionStore, StoreError, Stored};
use InteractionAction::{Complete, Error, Progress, Start};
use std::sync::Arc;

type Store = Arc<dyn InteractionStore>;

pub(super) async fn an_event_is_kept_as_it_was_reported(store: Store) {
    let mut full = event("i", Start, 5);
    full.event_id = EventId::from_stored([7; 16], Some("a name".into()));
    full.seq = Some(u64::try_from(i64::MAX).unwrap());
    full.traceparent = Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into());
    full.data = Json::from_stored(r#"{ "user_id": "u",  "é": [1.0, null] }"#);
    let plain = event("i", Complete, -7);
    report(&store, &[full.clone(), plain.clone()], 3).await;
    let page = store.interaction_events(None, Cursor(0), 9).await.unwrap();
    for (kept, sent) in page.events.iter().zip([&full, &plain]) {
        assert_eq!(
            (&kept.mcp_id, &kept.interaction_id),
            (&sent.mcp_id, &sent.interaction_id)
        );
        assert_eq!(
            (&kept.event_id, kept.action, kept.at),
            (&sent.event_id, sent.action, sent.at)
        );
        assert_eq!((kept.seq, &kept.traceparent), (sent.seq, &sent.traceparent));
        assert_eq!((&kept.data, kept.received_at), (&sent.data, at(3)));
    }
    assert_eq!(page.events.len(), 2);
    assert_eq!((page.next, page.more), (page.events[1].place, false));
    let of = store
        .events_of_interaction(MCP, "i", Cursor(0), 9)
        .await
        .unwrap();
    assert_eq!(of, page);
}

pub(super) async fn an_event_is_stored_once(store: Store) {
    let first = event("i", Start, 5);
    let mut again = event("j", Error, 9);
    again.event_id = first.event_id.clone();
    let other = event("i", Progress, 6);
    // Within one call, over calls, and whatever else it says.
    let answers = report(
        &store,
        &[first.clone(), again.clone(), first.clone(), other],
        0,
    )
    .await;
    assert_eq!(
        answers,
        [
            Stored::New,
            Stored::Duplicate,
            Stored::Duplicate,
            Stored::New
        ]
    );
    let answers = report(&store, &[again.clone(), event("k", Start, 7)], 1).await;
    assert_eq!(answers, [Stored::Duplicate, Stored::New]);
    assert_eq!(summary(&store, "i").await.events, 2);
    assert!(store.find_interactions("j", None).await.unwrap().is_empty());
    let hours = store
        .interaction_hours(None, at(0).minus(limits::LONGEST)..=at(0))
        .await
        .unwrap();
    let calls: u64 = hours
        .iter()
        .flat_map(|mcp| &mcp.hours)
        .map(|hour| hour.calls)
        .sum();
    assert_eq!(calls, 2);
    // Another MCP server's event of the same id is another event.
    again.mcp_id = "other".into();
    assert_eq!(report(&store, &[again], 2).await, [Stored::New]);
}

pub(super) async fn a_duplicate_leaves_nothing_of_itself(store: Store) {
    let first = event("i", Start, 5);
    let mut again = event("j", Start, 1);
    again.event_id = first.event_id.clone();
    again.facts = fact("u", "t");
    report(&store, &[first], 0).await;
    // Met first with a duplicate, an interaction begins with its own first event.
    let answers = report(&store, &[again, event("j", Progress, 8)], 0).await;
    assert_eq!(answers, [Stored::Duplicate, Stored::New]);
    let found = summary(&store, "j").await;
    assert_eq!(
        (found.started_at, found.events),
        (Micros::from_micros(8), 1)
    );
    assert_eq!(
        (found.user_id, found.status),
        (None, InteractionStatus::InProgress)
    );
}

pub(super) async fn events_add_up_over_calls(store: Store) {
    let mut start = event("i", Start, 1_000);
    start.facts = fact("u", "add");
    report(&store, &[start], 0).await;
    assert_eq!(
        summary(&store, "i").await.status,
        InteractionStatus::Started
    );
    report(&store, &[event("i", Progress, 2_000)], 0).await;
    assert_eq!(
        summary(&store, "i").await.status,
        InteractionStatus::InProgress
    );
    let mut end = event("i", Error, 4_500);
    end.facts.error_type = Some("ValueError".into());
    report(&store, &[end, event("i", Progress, 5_000)], 0).await;
    let found = summary(&store, "i").await;
    assert_eq!(found.status, InteractionStatus::Failed);
    assert_eq!((found.duration_us, found.events), (Some(3_500), 4));
    assert_eq!(found.user_id.as_deref(), Some("u"));
    assert_eq!(found.tool.as_deref(), Some("add"));
    assert_eq!(found.request_type.as_deref(), Some("tools/call"));
    assert_eq!(found.error_type.as_deref(), Some("ValueError"));
    assert_eq!(found.finished_at, Some(Micros::from_micros(4_500)));
    assert_eq!(found.last_event_at, Micros::from_micros(5_000));
    assert_eq!(found.flags, InteractionFlags::OUT_OF_ORDER);
}

pub(super) async fn a_late_beginning_is_filled_in(store: Store) {
    report(&store, &[event("i", Complete, 9_000)], 0).await;
    let found = summary(&store, "i").await;
    assert_eq!(
        (found.duration_us, found.flags),
        (None, InteractionFlags::MISSING_START)
    );
    let mut start = event("i", Start, 2_000);
    start.facts = fact("u", "add");
    report(&store, &[start], 1).await;
    let found = summary(&store, "i").await;
    assert_eq!(
        (found.duration_us, found.started_at),
        (Some(7_000), Micros::from_micros(2_000))
    );
    assert_eq!(
        (found.status, found.flags),
        (InteractionStatus::Completed, InteractionFlags::OUT_OF_ORDER)
    );
    // It is found by what came late.
    assert_eq!(
        ids(&store, |filter| filter.user_id = named("u")).await,
        ["i"]
    );
    assert_eq!(
        ids(&store, |filter| filter.tool = named("add")).await,
        ["i"]
    );
    assert!(
        ids(&store, |filter| filter.since =
            Some(Micros::from_micros(2_001)))
        .await
        .is_empty()
    );
}

pub(super) async fn mcp_servers_are_kept_apart(store: Store) {
    let mut other = event("i", Error, 5);
    other.mcp_id = "b".into();
    report(&store, &[event("i", Start, 1), other], 0).await;
    let found = store.find_interactions("i", None).await.unwrap();
    let names: Vec<_> = found.iter().map(|one| &*one.mcp_id).collect();
    assert_eq!(names, ["b", MCP], "by name");
    assert!(found.iter().all(|one| one.events == 1));
    let found = store.find_interactions("i", Some("b")).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].status, InteractionStatus::Failed);
    assert!(
        store
            .find_interactions("i", Some("c"))
            .await
            .unwrap()
            .is_empty()
    );
    assert!(store.find_interactions("I", None).await.unwrap().is_empty());
    let page = store
        .interaction_events(Some("b"), Cursor(0), 9)
        .await
        .unwrap();
    assert_eq!(page.events.len(), 1);
    assert_eq!(page.next, Cursor(2));
    let page = store
        .events_of_interaction("b", "i", Cursor(0), 9)
        .await
        .unwrap();
    assert_eq!(page.events.len(), 1);
    let page = store
        .events_of_interaction("c", "i", Cursor(0), 9)
        .await
        .unwrap();
    assert!(page.events.is_empty());
}

pub(super) async fn bad_events_are_refused(store: Store) {
    let long = "x".repeat(limits::NAME_BYTES + 1);
    let field = async |change: fn(&mut NewEvent, &str)| {
        let mut bad = event("i", Start, 1);
        change(&mut bad, &long);
        let events = vec![event("good", Start, 1), bad];
        match store.store_events(events, now(0)).await {
            Err(StoreError::Invalid(refused)) => refused.field,
            other => panic!("{other:?} is no refusal"),
        }
    };
    assert_eq!(
        field(|bad, _| bad.mcp_id = "".into()).await,
        "events[1].mcp_id"
    );
    assert_eq!(
        field(|bad, _| bad.interaction_id = "a\0".into()).await,
        "events[1].interaction_id"
    );
    assert_eq!(
        field(|bad, long| bad.event_id = EventId::from_stored([1; 16], Some(long.into()))).await,
        "events[1].event_id"
    );
    assert_eq!(
        field(|bad, _| bad.seq = Some(1 << 63)).await,
        "events[1].seq"
    );
    assert_eq!(
        field(|bad, long| bad.traceparent = Some(long.into())).await,
        "events[1].traceparent"
    );
    assert_eq!(
        field(|bad, long| bad.facts.tool = Some(long.into())).await,
        "events[1].request_data.tool"
    );
    assert_eq!(
        field(|bad, _| bad.data = Json::from_stored(" ".repeat(limits::EVENT_DATA_BYTES + 1)))
            .await,
        "events[1].request_data"
    );
    let many = vec![event("i", Start, 1); limits::REPORT_EVENTS + 1];
    assert!(store.store_events(many, now(0)).await.is_err());
    assert_eq!(store.store_events(Vec::new(), now(0)).await.unwrap(), []);
    let page = store.interaction_events(None, Cursor(0), 9).await.unwrap();
    assert!(
        page.events.is_empty(),
        "nothing of a refused call is stored"
    );
    assert!(store.find_interactions("", None).await.is_err());
    assert!(store.find_interactions("i", Some("a\n")).await.is_err());
    assert!(
        store
            .events_of_interaction("", "i", Cursor(0), 1)
            .await
            .is_err()
    );
    assert!(
        store
            .interaction_events(Some(""), Cursor(0), 1)
            .await
            .is_err()
    );
    assert!(
        store
            .interaction_hours(Some(""), at(0)..=at(0))
            .await
            .is_err()
    );
}

pub(super) async fn events_are_read_in_the_order_they_were_stored(store: Store) {
    let events: Vec<_> = (0..7).map(|n| event("i", Progress, 100 - n)).collect();
    report(&store, &events[..3], 0).await;
    report(&store, &events[3..], 1).await;
    let mut after = Cursor(0);
    let mut seen = Vec::new();
    loop {
        let page = store.interaction_events(None, after, 3).await.unwrap();
        assert!(page.events.iter().all(|event| event.place > after));
        seen.extend(page.events.iter().map(|event| event.at.as_micros()));
        after = page.next;
        if !page.more {
            break;
        }
        assert_eq!(page.events.len(), 3);
    }
    assert_eq!(seen, [100, 99, 98, 97, 96, 95, 94]);
    let page = store.interaction_events(None, after, 3).await.unwrap();
    assert_eq!((page.events.len(), page.next, page.more), (0, after, false));
    let page = store
        .events_of_interaction(MCP, "i", Cursor(5), 2)
        .await
        .unwrap();
    assert_eq!((page.events.len(), page.more), (2, false));
    let page = store
        .events_of_interaction(MCP, "i", Cursor(0), 6)
        .await
        .unwrap();
    assert_eq!((page.events.len(), page.more), (6, true));
}

pub(super) async fn a_page_of_large_events_ends_early(store: Store) {
    let fitting = limits::EVENT_PAGE_BYTES / limits::EVENT_DATA_BYTES + 1;
    let data = Json::from_stored(format!(
        "{{\"x\":\"{}\"}}",
        "x".repeat(limits::EVENT_DATA_BYTES - 8)
    ));
    for n in 0..=fitting {
        let mut large = event("i", Progress, i64::try_from(n).unwrap());
        large.data = data.clone();
        report(&store, &[large], 0).await;
    }
    for page in [
        store
            .interaction_events(None, Cursor(0), 500)
            .await
            .unwrap(),
        store
            .events_of_interaction(MCP, "i", Cursor(0), 500)
            .await
            .unwrap(),
    ] {
        assert_eq!((page.events.len(), page.more), (fitting, true));
        let rest = store
            .interaction_events(None, page.next, 500)
            .await
            .unwrap();
        assert_eq!((rest.events.len(), rest.more), (1, false));
    }
}

pub(super) async fn watchers_know_the_latest_place(store: Store) {
    let mut watch = store.watch_interactions();
    assert_eq!(*watch.borrow_and_update(), Cursor(0));
    report(&store, &[event("i", Start, 1), event("i", Complete, 2)], 0).await;
    watch.changed().await.unwrap();
    assert_eq!(*watch.borrow_and_update(), Cursor(2));
    let again = store.interaction_events(None, Cursor(0), 9).await.unwrap();
    assert_eq!(again.events.last().unwrap().place, Cursor(2));
    let mut same = event("i", Start, 1);
    same.event_id = again.events[0].event_id.clone();
    report(&store, &[same], 0).await;
    assert!(!watch.has_changed().unwrap(), "a duplicate changes nothing");
    assert_eq!(*store.watch_interactions().borrow(), Cursor(2));
}

pub(super) async fn many_callers_lose_nothing(store: Store) {
    let callers: Vec<_> = (0..8)
        .map(|caller| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                for n in 0..20 {
                    let id = format!("i{}", n % 4);
                    // Two callers report the same.
                    let mut event = event(&id, Progress, n);
                    event.event_id =
                        EventId::from_uuid([u8::try_from(caller / 2 * 20 + n).unwrap(); 16]);
                    report(&store, &[event], 0).await;
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.expect("no caller fails");
    }
    let page = store
        .interaction_events(None, Cursor(0), 500)
        .await
        .unwrap();
    let places: Vec<_> = page.events.iter().map(|event| event.place.0).collect();
    assert_eq!(places, (1..=80).collect::<Vec<_>>());
    for n in 0..4 {
        assert_eq!(summary(&store, &format!("i{n}")).await.events, 20);
    }
}
