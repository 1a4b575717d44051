//! What MCP servers may report, and who sees it.
#![cfg(feature = "engine")]
#![allow(clippy::unwrap_used, reason = "a helper of a test fails the test")]

mod common;

use EventOutcome::{Duplicate, Rejected, Stored};
use mcs_core::config::{Config, InteractionsConfig};
use mcs_core::domain::Cursor;
use mcs_core::domain::interaction::{
    BatchAnswer, EventOutcome, InteractionEvent, InteractionFilter, InteractionStatus,
};
use mcs_core::service::{Principal, Scopes, Service, ServiceError};
use mcs_core::store::MemoryStore;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

async fn service() -> Service {
    mcs_core::open(&Config::in_memory()).await.unwrap()
}

/// The key of an MCP server.
fn server(name: &str) -> Principal {
    let scopes = Scopes {
        read: true,
        report: true,
        ..Scopes::default()
    };
    Principal::new(name, scopes)
}

fn start(mcp: &str, id: &str) -> Value {
    json!({
        "action": "interaction_start", "interaction_id": id, "mcp_id": mcp, "timestamp": 1_700_000_000.25,
        "request_data": {"user_id": "u", "tool": "add"},
    })
}

fn end(mcp: &str, id: &str) -> Value {
    json!({
        "action": "interaction_complete", "interaction_id": id, "mcp_id": mcp, "timestamp": 1_700_000_000.75,
        "result_data": {"success": true}, "event_id": "the end",
    })
}

fn wire(event: &Value) -> InteractionEvent {
    serde_json::from_value(event.clone()).unwrap()
}

async fn batch(
    service: &Service,
    who: &Principal,
    events: &[Value],
) -> Result<BatchAnswer, ServiceError> {
    let texts: Vec<String> = events.iter().map(Value::to_string).collect();
    let raw: Vec<&RawValue> = texts
        .iter()
        .map(|text| serde_json::from_str(text).unwrap())
        .collect();
    service.interactions().report_batch(who, &raw).await
}

/// The names of the MCP servers whose interactions `who` lists.
async fn listed(service: &Service, who: &Principal, mcp: Option<&str>) -> Vec<String> {
    let filter = InteractionFilter {
        mcp_id: mcp.map(str::to_owned),
        ..InteractionFilter::default()
    };
    let page = service.interactions().list(who, filter, None, 500).await;
    let items = page.unwrap().items;
    items.iter().map(|item| item.mcp_id.to_string()).collect()
}

#[tokio::test]
async fn an_event_that_is_sent_again_is_stored_once() {
    let service = service().await;
    let who = server("m");
    let mut answers = Vec::new();
    for event in [
        start("m", "i"),
        start("m", "i"),
        end("m", "i"),
        end("m", "i"),
    ] {
        answers.push(
            service
                .interactions()
                .report(&who, wire(&event))
                .await
                .unwrap(),
        );
    }
    let outcomes: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(outcomes, [Stored, Duplicate, Stored, Duplicate]);
    assert_eq!(answers[0].event_id, answers[1].event_id);
    assert_eq!(answers[2].event_id, "the end");
    let found = service
        .interactions()
        .get(&who, "i", None, None)
        .await
        .unwrap();
    assert_eq!(found.interaction.status, InteractionStatus::Completed);
    assert_eq!(found.interaction.duration_us, Some(500_000));
    assert_eq!(found.interaction.tool.as_deref(), Some("add"));
    assert_eq!(found.next, None);
    // What was stored is what was sent, with the id that it was given.
    let mut sent = start("m", "i");
    sent["event_id"] = answers[0].event_id.clone().into();
    let kept: Vec<_> = found
        .events
        .iter()
        .map(|event| serde_json::to_value(event.to_wire()).unwrap())
        .collect();
    assert_eq!(kept, [sent, end("m", "i")]);
}

#[tokio::test]
async fn a_batch_is_answered_event_by_event() {
    let service = service().await;
    let mut twice = start("m", "a");
    twice["event_id"] = "1".into();
    let mut no_object = start("m", "b");
    no_object["request_data"] = json!([1]);
    no_object["event_id"] = "2".into();
    let mut long = start("m", "c");
    long["interaction_id"] = "x".repeat(300).into();
    let other = start("n", "d");
    let events = [
        twice.clone(),
        no_object,
        long,
        other,
        json!("no event"),
        json!({"event_id": "3", "action": "interaction_dance"}),
        twice,
        end("m", "a"),
    ];
    let answer = batch(&service, &server("m"), &events).await.unwrap();
    let outcomes: Vec<_> = answer.results.iter().map(|one| one.status).collect();
    assert_eq!(
        outcomes,
        [
            Stored, Rejected, Rejected, Rejected, Rejected, Rejected, Duplicate, Stored
        ]
    );
    let ids: Vec<_> = answer
        .results
        .iter()
        .map(|one| one.event_id.as_str())
        .collect();
    assert_eq!(ids, ["1", "2", "#2", "#3", "#4", "3", "1", "the end"]);
    for (place, says) in [
        (1, "request_data"),
        (2, "300 bytes"),
        (3, "not as `n`"),
        (4, "no interaction event"),
        (5, "interaction_dance"),
    ] {
        let error = answer.results[place].error.as_deref().unwrap();
        assert!(error.contains(says), "{error}");
    }
    assert_eq!(listed(&service, &Principal::local(), None).await, ["m"]);
}

#[tokio::test]
async fn a_batch_is_bounded() {
    let service = service().await;
    let events: Vec<_> = (0..101).map(|n| start("m", &n.to_string())).collect();
    let error = batch(&service, &server("m"), &events).await.unwrap_err();
    assert!(
        matches!(&error, ServiceError::Invalid(refused) if refused.field == "events"),
        "{error}"
    );
    assert!(listed(&service, &server("m"), None).await.is_empty());
    let answer = batch(&service, &server("m"), &events[..100]).await.unwrap();
    assert!(
        answer
            .results
            .iter()
            .all(|one| one.status == EventOutcome::Stored)
    );
    assert_eq!(
        batch(&service, &server("m"), &[]).await.unwrap().results,
        []
    );
}

#[tokio::test]
async fn a_key_reports_and_sees_its_own_mcp_server_only() {
    let service = service().await;
    let report = async |who: &Principal, mcp: &str| {
        service
            .interactions()
            .report(who, wire(&start(mcp, "i")))
            .await
    };
    for mcp in ["a", "b"] {
        report(&server(mcp), mcp).await.unwrap();
    }
    let refused = report(&server("a"), "b").await.unwrap_err();
    assert!(
        matches!(&refused, ServiceError::OtherMcp { own, mcp_id } if own == "a" && mcp_id == "b")
    );
    assert_eq!(listed(&service, &server("a"), None).await, ["a"]);
    assert!(listed(&service, &server("a"), Some("b")).await.is_empty());
    assert_eq!(
        listed(&service, &Principal::local(), None).await,
        ["b", "a"]
    );
    let interactions = service.interactions();
    let of_b = interactions.get(&server("a"), "i", Some("b"), None).await;
    assert!(matches!(of_b, Err(ServiceError::NoInteraction(id)) if id == "i"));
    let statistics = interactions
        .statistics(&server("a"), None, 1)
        .await
        .unwrap();
    assert!(statistics.is_empty(), "what it reported is long ago");
    let page = interactions
        .events(&server("a"), None, Cursor(0), 10)
        .await
        .unwrap();
    assert_eq!(
        page.events
            .iter()
            .map(|event| &*event.mcp_id)
            .collect::<Vec<_>>(),
        ["a"]
    );
    assert_eq!(
        (page.next, page.more),
        (Cursor(2), false),
        "the place moves on over what is not seen"
    );
    let page = interactions
        .events(&server("a"), Some("b"), Cursor(0), 10)
        .await
        .unwrap();
    assert!(page.events.is_empty());
}

#[tokio::test]
async fn an_id_of_several_mcp_servers_needs_a_name() {
    let service = service().await;
    let local = Principal::local();
    for mcp in ["b", "a"] {
        service
            .interactions()
            .report(&local, wire(&start(mcp, "i")))
            .await
            .unwrap();
    }
    let error = service
        .interactions()
        .get(&local, "i", None, None)
        .await
        .unwrap_err();
    assert!(matches!(error, ServiceError::Conflict { .. }));
    assert!(error.to_string().contains("`a`, `b`; say whose"), "{error}");
    let found = service
        .interactions()
        .get(&local, "i", Some("b"), None)
        .await
        .unwrap();
    assert_eq!(&*found.interaction.mcp_id, "b");
    // A key never hears of the other.
    let found = service
        .interactions()
        .get(&server("a"), "i", None, None)
        .await
        .unwrap();
    assert_eq!(&*found.interaction.mcp_id, "a");
}

#[tokio::test]
async fn scopes_are_needed() {
    let service = service().await;
    let nobody = Principal::new("m", Scopes::default());
    let interactions = service.interactions();
    let forbidden = |refused: bool| assert!(refused);
    let is = |error: ServiceError| matches!(error, ServiceError::Forbidden { .. });
    forbidden(is(interactions
        .report(&nobody, wire(&start("m", "i")))
        .await
        .unwrap_err()));
    forbidden(is(batch(&service, &nobody, &[]).await.unwrap_err()));
    forbidden(is(interactions
        .get(&nobody, "i", None, None)
        .await
        .unwrap_err()));
    let list = interactions.list(&nobody, InteractionFilter::default(), None, 1);
    forbidden(is(list.await.unwrap_err()));
    forbidden(is(interactions
        .events(&nobody, None, Cursor(0), 1)
        .await
        .unwrap_err()));
    forbidden(is(interactions.follow(&nobody, None, None).unwrap_err()));
    forbidden(is(interactions
        .statistics(&nobody, None, 1)
        .await
        .unwrap_err()));
}

#[tokio::test]
async fn a_follower_hears_what_comes_and_of_its_own_only() {
    let service = service().await;
    let local = Principal::local();
    let report = async |mcp: &str, id: &str| {
        service
            .interactions()
            .report(&local, wire(&start(mcp, id)))
            .await
            .unwrap();
    };
    report("a", "before").await;
    let mut all = service.interactions().follow(&local, None, None).unwrap();
    let mut own = service
        .interactions()
        .follow(&server("a"), None, Some(Cursor(0)))
        .unwrap();
    let (first, ()) = tokio::join!(all.next(10), async {
        report("b", "1").await;
        report("a", "2").await;
    });
    let mut heard = first.unwrap().unwrap();
    while heard.len() < 2 {
        heard.extend(all.next(10).await.unwrap().unwrap());
    }
    assert_eq!(
        heard
            .iter()
            .map(|event| &*event.interaction_id)
            .collect::<Vec<_>>(),
        ["1", "2"]
    );
    // One at a time, over what is not its own.
    for id in ["before", "2"] {
        let heard = own.next(1).await.unwrap().unwrap();
        assert_eq!(
            heard
                .iter()
                .map(|event| &*event.interaction_id)
                .collect::<Vec<_>>(),
            [id]
        );
    }
    assert_eq!(own.place(), Cursor(3));
    service.shutdown(Duration::ZERO).await.unwrap();
    assert!(all.next(10).await.is_err() || all.next(10).await.unwrap().is_none());
}

#[tokio::test]
async fn statistics_count_what_happened_lately() {
    let service = service().await;
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    for (id, last) in [("a", "interaction_complete"), ("b", "interaction_error")] {
        let mut begin = start("m", id);
        begin["timestamp"] = now.as_secs_f64().into();
        let mut end = begin.clone();
        end["action"] = last.into();
        end["result_data"] = json!({"processing_time": 0.5});
        end["error_data"] = json!({"processing_time": 0.5});
        let answer = batch(&service, &server("m"), &[begin, end]).await.unwrap();
        assert!(
            answer
                .results
                .iter()
                .all(|one| one.status == EventOutcome::Stored)
        );
    }
    let interactions = service.interactions();
    let found = interactions
        .statistics(&server("m"), None, 2)
        .await
        .unwrap();
    assert_eq!(found.len(), 1);
    let total = &found[0].total;
    assert_eq!((total.calls, total.completed, total.errors), (2, 1, 1));
    assert_eq!(total.error_rate, Some(0.5));
    let p50 = total.p50_ms.unwrap();
    assert!((480.0..520.0).contains(&p50), "{p50}");
    for hours in [0, 366 * 24 + 1] {
        assert!(
            interactions
                .statistics(&server("m"), None, hours)
                .await
                .is_err()
        );
    }
}

#[tokio::test]
async fn a_service_without_a_store_for_them_says_so() {
    let service = common::service().await;
    let local = Principal::local();
    let error = service
        .interactions()
        .report(&local, wire(&start("m", "i")))
        .await
        .unwrap_err();
    assert!(matches!(error, ServiceError::NoInteractionStore));
    assert!(
        error.to_string().contains("Builder::interactions"),
        "{error}"
    );
    let error = service
        .interactions()
        .list(&local, InteractionFilter::default(), None, 1)
        .await;
    assert!(matches!(error, Err(ServiceError::NoInteractionStore)));
}

#[tokio::test]
async fn a_store_of_ones_own_keeps_interactions_where_it_is_told_to() {
    let config = Config::in_memory();
    let store = Arc::new(MemoryStore::new());
    let without = mcs_core::builder(&config)
        .store(store.clone())
        .open()
        .await
        .unwrap();
    let local = Principal::local();
    let refused = without
        .interactions()
        .report(&local, wire(&start("m", "i")))
        .await;
    assert!(matches!(refused, Err(ServiceError::NoInteractionStore)));
    let with = mcs_core::builder(&config)
        .store(store.clone())
        .interactions(store)
        .open()
        .await
        .unwrap();
    with.interactions()
        .report(&local, wire(&start("m", "i")))
        .await
        .unwrap();
    assert_eq!(listed(&with, &local, None).await, ["m"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_older_than_its_retention_goes_by_itself() {
    let config = |retention| Config {
        interactions: InteractionsConfig { retention },
        ..Config::in_memory()
    };
    let local = Principal::local();
    for (retention, left) in [
        (Some(Duration::ZERO), 0),
        (Some(Duration::from_hours(1)), 1),
        (None, 1),
    ] {
        let service = mcs_core::open(&config(retention)).await.unwrap();
        service
            .interactions()
            .report(&local, wire(&start("m", "i")))
            .await
            .unwrap();
        tokio::time::sleep(Duration::from_secs(11)).await;
        assert_eq!(
            listed(&service, &local, None).await.len(),
            left,
            "{retention:?}"
        );
        service.shutdown(Duration::ZERO).await.unwrap();
    }
}

#[test]
fn the_retention_is_configured() {
    let parse = |text: &str, variable: Option<&str>| {
        let environment = |name: &str| {
            let set = (name == "MCS_INTERACTIONS_RETENTION").then_some(variable)?;
            set.map(str::to_owned)
        };
        let config = Config::parse(Path::new("mcs.toml"), text, environment);
        config.map(|config| config.interactions.retention)
    };
    assert_eq!(
        parse("", None).unwrap(),
        Some(Duration::from_hours(30 * 24))
    );
    let table = "[interactions]\nretention = \"7d\"";
    assert_eq!(
        parse(table, None).unwrap(),
        Some(Duration::from_hours(7 * 24))
    );
    assert_eq!(parse(table, Some("forever")).unwrap(), None);
    let error = parse("[interactions]\nretention = 7", None).unwrap_err();
    assert!(
        error.to_string().contains("interactions.retention"),
        "{error}"
    );
}
