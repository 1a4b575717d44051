//! What MCP servers may report, and who sees it.
#![cfg(feature = "engine")]
#![allow(clippy::unwrap_used, reason = "a helper of a test fails the test")]

#[path = "../common/mod.rs"]
mod common;

mod access;
mod batch;
mod reading;

use EventOutcome::{Duplicate, Rejected, Stored};
use mcs_core::config::{Config, InteractionsConfig};
use mcs_core::domain::Cursor;
use mcs_core::domain::interaction::{
    BatchAnswer, EventOutcome, InteractionEvent, InteractionFilter, InteractionStatus,
};
use mcs_core::service::{InteractionDetail, Principal, Scopes, Service, ServiceError};
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
    Principal::mcp(name, scopes)
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

/// The current time, as it is on the wire.
fn now() -> f64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.unwrap().as_secs_f64()
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
async fn statistics_count_what_happened_lately() {
    let service = service().await;
    for (id, last) in [("a", "interaction_complete"), ("b", "interaction_error")] {
        let mut begin = start("m", id);
        begin["timestamp"] = now().into();
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
