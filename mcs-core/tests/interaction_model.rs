//! Random histories of reported events on two stores, which must answer the same and show the same.
#![expect(clippy::unwrap_used, reason = "the helpers of a test are tests too")]

use mcs_core::domain::interaction::{
    EventId, EventPage, Facts, InteractionAction, InteractionFilter, InteractionStatus,
    InteractionSummary, McpHours, Micros, NewEvent,
};
use mcs_core::domain::{Cursor, Json, Timestamp};
use mcs_core::store::sqlite::{SqliteOptions, SqliteStore, Synchronous};
use mcs_core::store::{InteractionStore, MemoryStore, Purged, Stored};
use proptest::prelude::*;
use std::time::Duration;

/// Half an hour, so that few events share an hour and many a time.
const STEP: i64 = 1_800_000_000;
const KEEP: Duration = Duration::from_secs(20);

#[derive(Debug, Clone)]
enum Op {
    Report(Vec<NewEvent>),
    Purge {
        limit: usize,
    },
    Pass {
        millis: i64,
    },
    List {
        filter: InteractionFilter,
        limit: usize,
    },
    Read {
        mcp: Option<String>,
        limit: usize,
    },
}

fn name(names: &'static [&'static str]) -> impl Strategy<Value = Option<String>> {
    prop::option::of(prop::sample::select(names).prop_map(str::to_owned))
}

const MCPS: &[&str] = &["a", "b", "é"];
const USERS: &[&str] = &["u1", "u2"];
const TOOLS: &[&str] = &["add", "sub"];
const ERRORS: &[&str] = &["ValueError", "abandoned"];

fn any_event() -> impl Strategy<Value = NewEvent> {
    let ids = (prop::sample::select(MCPS), 0..4_u8, 0..30_u8);
    let facts = (
        name(USERS),
        name(TOOLS),
        name(ERRORS),
        prop::option::of(0..5_000_u64),
    );
    let action = prop::sample::select(InteractionAction::ALL.to_vec());
    (ids, action, -2..6_i64, facts).prop_map(|((mcp, interaction, id), action, at, facts)| {
        let (user_id, tool, error_type, duration_us) = facts;
        let text = (id % 3 == 0).then(|| format!("event {id}").into());
        NewEvent {
            mcp_id: mcp.into(),
            interaction_id: format!("i{interaction}").into(),
            event_id: EventId::from_stored([id; 16], text),
            action,
            at: Micros::from_micros(at * STEP),
            seq: (id % 2 == 0).then_some(id.into()),
            traceparent: None,
            data: Json::from_stored(format!("{{\"n\":{id}}}")),
            facts: Facts {
                user_id: user_id.map(Into::into),
                request_type: None,
                tool: tool.map(Into::into),
                error_type: error_type.map(Into::into),
                duration_us,
            },
        }
    })
}

fn any_filter() -> impl Strategy<Value = InteractionFilter> {
    let status = prop::option::of(prop::sample::select(InteractionStatus::ALL.to_vec()));
    let time = || prop::option::of((-2..6_i64).prop_map(|at| Micros::from_micros(at * STEP)));
    let names = (name(MCPS), name(USERS), name(TOOLS), name(ERRORS));
    (names, status, time(), time()).prop_map(|(names, status, since, until)| {
        let (mcp_id, user_id, tool, error_type) = names;
        InteractionFilter {
            mcp_id,
            status,
            user_id,
            tool,
            error_type,
            since,
            until,
        }
    })
}

fn any_op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => prop::collection::vec(any_event(), 0..8).prop_map(Op::Report),
        1 => (0..12_usize).prop_map(|limit| Op::Purge { limit }),
        2 => (0..15_000_i64).prop_map(|millis| Op::Pass { millis }),
        3 => (any_filter(), 1..5_usize).prop_map(|(filter, limit)| Op::List { filter, limit }),
        1 => (name(MCPS), 1..20_usize).prop_map(|(mcp, limit)| Op::Read { mcp, limit }),
    ]
}

/// What a store answers to a call.
#[derive(Debug, PartialEq)]
enum Answer {
    Stored(Vec<Stored>),
    Purged(Purged),
    Listed(Vec<InteractionSummary>),
    Read(Vec<EventPage>),
    Nothing,
}

async fn answer(store: &dyn InteractionStore, op: &Op, now: Timestamp) -> Answer {
    match op {
        Op::Report(events) => {
            Answer::Stored(store.store_events(events.clone(), Some(now)).await.unwrap())
        }
        Op::Purge { limit } => Answer::Purged(
            store
                .purge_interactions(KEEP, *limit, Some(now))
                .await
                .unwrap(),
        ),
        Op::List { filter, limit } => Answer::Listed(list(store, filter, *limit).await),
        Op::Read { mcp, limit } => Answer::Read(read(store, mcp.as_deref(), *limit).await),
        Op::Pass { .. } => Answer::Nothing,
    }
}

/// Every page of a list.
async fn list(
    store: &dyn InteractionStore,
    filter: &InteractionFilter,
    limit: usize,
) -> Vec<InteractionSummary> {
    let mut after = None;
    let mut items = Vec::new();
    loop {
        let page = store.list_interactions(filter, after, limit).await.unwrap();
        items.extend(page.items);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert!(items.iter().all(|item| filter.matches(item)));
    assert!(items.is_sorted_by(|one, next| one.started_at >= next.started_at));
    items
}

/// Every page of the events.
async fn read(store: &dyn InteractionStore, mcp: Option<&str>, limit: usize) -> Vec<EventPage> {
    let mut pages: Vec<EventPage> = Vec::new();
    loop {
        let after = pages.last().map_or(Cursor(0), |page| page.next);
        let page = store.interaction_events(mcp, after, limit).await.unwrap();
        let more = page.more;
        pages.push(page);
        if !more {
            return pages;
        }
    }
}

/// All that a store shows.
async fn everything(
    store: &dyn InteractionStore,
) -> (
    Vec<InteractionSummary>,
    Vec<EventPage>,
    Vec<EventPage>,
    Vec<McpHours>,
    Cursor,
) {
    let items = list(store, &InteractionFilter::default(), 500).await;
    let mut of_each = Vec::new();
    for item in &items {
        let found = store
            .find_interactions(&item.interaction_id, Some(&item.mcp_id))
            .await;
        assert_eq!(found.unwrap(), std::slice::from_ref(item));
        let (mcp, id) = (&item.mcp_id, &item.interaction_id);
        of_each.push(
            store
                .events_of_interaction(mcp, id, Cursor(0), 500)
                .await
                .unwrap(),
        );
    }
    let events = read(store, None, 500).await;
    let kept: usize = events.iter().map(|page| page.events.len()).sum();
    let of_interactions: usize = of_each.iter().map(|page| page.events.len()).sum();
    assert_eq!(
        kept, of_interactions,
        "each event belongs to an interaction that is there"
    );
    let hours = store
        .interaction_hours(
            None,
            Timestamp::from_millis(i64::MIN)..=Timestamp::from_millis(i64::MAX),
        )
        .await
        .unwrap();
    let latest = *store.watch_interactions().borrow();
    (items, of_each, events, hours, latest)
}

async fn compare(one: &dyn InteractionStore, other: &dyn InteractionStore, ops: &[Op]) {
    let mut now = Timestamp::from_millis(1_000_000);
    for (step, op) in ops.iter().enumerate() {
        if let Op::Pass { millis } = op {
            now = Timestamp::from_millis(now.as_millis() + millis);
        }
        let answers = (answer(one, op, now).await, answer(other, op, now).await);
        assert_eq!(answers.0, answers.1, "step {step}: {op:#?}");
    }
    assert_eq!(everything(one).await, everything(other).await);
}

/// Histories to run: `usual`, or as many as `PROPTEST_CASES` says.
fn cases(usual: u32) -> u32 {
    let wanted = std::env::var("PROPTEST_CASES").ok();
    wanted.map_or(usual, |wanted| wanted.parse().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(48)))]

    #[test]
    fn sqlite_answers_as_memory_does(ops in prop::collection::vec(any_op(), 1..40)) {
        let directory = tempfile::tempdir().unwrap();
        let options = SqliteOptions {
            synchronous: Synchronous::Normal,
            ..SqliteOptions::new(directory.path().join("mcs.db"))
        };
        let store = SqliteStore::open(&options).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(compare(&MemoryStore::new(), &store, &ops));
    }
}
