//! Every way in which the API says no, and what follows from it.

use super::message;
use crate::reading::{Row, asks, refused};
use crate::server::{KEY, Server, Step, answer};
use mcs_core::domain::ErrorClass;
use mcs_core::provider::anthropic::Anthropic;
use mcs_core::provider::{Provider, ProviderError};
use serde_json::json;
use std::time::{Duration, SystemTime};

async fn fails(steps: Vec<Step>) -> ProviderError {
    refused(&Server::start(steps).await.claude()).await
}

fn body(kind: &str) -> String {
    let message = format!("words with {KEY}");
    json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req-body"})
        .to_string()
}

/// The error table: status, headers, type, then the class that follows, the wait in milliseconds, and what the message
/// has to say.
const ROWS: &str = "
400 | | invalid_request_error | permanent | | words
401 | | authentication_error | permanent | | CLAUDE_API_KEY
402 | | billing_error | permanent | | balance
403 | | permission_error | permanent | | CLAUDE_API_KEY
404 | | not_found_error | permanent | | /v1/messages
413 | | request_too_large | permanent | | shorten
429 | | rate_limit_error | rate_limited | | words
429 | retry-after: 20 | rate_limit_error | rate_limited | 20000 | words
429 | retry-after: 20 | billing_error | permanent | | balance
500 | | api_error | transient | | words
500 | x-should-retry: false | api_error | permanent | | words
504 | | timeout_error | transient | | words
529 | | overloaded_error | transient | | words
529 | retry-after: 2 | overloaded_error | transient | 2000 | words
";

#[tokio::test]
async fn every_row_of_the_error_table_has_its_class() {
    for row in ROWS.trim().lines().map(Row::read) {
        let headers = [&row.headers[..], &[("request-id", "req-9")]].concat();
        let error = fails(answer(row.status, &headers, &body(row.body))).await;
        row.check(&error);
        let final_name = (error.class() == ErrorClass::Permanent).then_some(row.body);
        assert_eq!(error.code(), final_name, "{error}");
    }
}

#[tokio::test]
async fn a_request_id_may_stand_in_the_body() {
    let error = fails(answer(500, &[], &body("api_error"))).await;
    assert_eq!(error.request_id(), Some("req-body"));
}

#[tokio::test]
async fn the_reset_of_a_used_up_limit_is_the_wait() {
    let at = |minutes| {
        let time = SystemTime::now() + Duration::from_mins(minutes);
        jiff::Timestamp::try_from(time).unwrap().to_string()
    };
    let (soon, late) = (at(10), at(60));
    let headers = [
        ("anthropic-ratelimit-requests-remaining", "5"),
        ("anthropic-ratelimit-requests-reset", late.as_str()),
        ("anthropic-ratelimit-output-tokens-remaining", "0"),
        ("anthropic-ratelimit-output-tokens-reset", soon.as_str()),
    ];
    let error = fails(answer(429, &headers, &body("rate_limit_error"))).await;
    let after = error.retry_after().unwrap();
    assert!(
        after > Duration::from_mins(9) && after <= Duration::from_mins(10),
        "{after:?}"
    );
}

#[tokio::test]
async fn an_answer_that_is_none_is_told_from_one_that_was_cut() {
    let page = [("content-type", "text/html")];
    let error = fails(answer(200, &page, "<html>log in first</html>")).await;
    assert_eq!(error.class(), ErrorClass::Permanent);
    assert!(
        error.to_string().contains("base_url") && error.to_string().contains("no message"),
        "{error}"
    );
    let text = message(&json!([]), "end_turn").to_string();
    let error = fails(answer(200, &[], &text[..text.len() / 2])).await;
    assert_eq!(error.class(), ErrorClass::Transient);
    // What another protocol answers is no message either.
    let error = fails(answer(200, &[], r#"{"choices":[]}"#)).await;
    assert_eq!(error.class(), ErrorClass::Transient);
    let error = fails(answer(200, &[], &body("overloaded_error"))).await;
    assert_eq!(error.class(), ErrorClass::Transient);
    let error = fails(answer(200, &[], &body("authentication_error"))).await;
    assert_eq!(error.class(), ErrorClass::Permanent);
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_not_kept() {
    let content = json!([{"type": "text", "text": "z".repeat(5000)}]);
    let body = message(&content, "end_turn").to_string();
    let server = Server::start(answer(200, &[], &body)).await;
    let mut settings = server.claude_settings();
    settings.api.max_answer_bytes = 1000;
    let provider = Anthropic::new(settings).unwrap();
    let error = provider.complete(&asks()).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Permanent);
    assert!(error.to_string().contains("max_answer_bytes"), "{error}");
}

#[tokio::test]
async fn a_connection_that_breaks_is_worth_another_try() {
    assert_eq!(fails(vec![]).await.class(), ErrorClass::Transient);
    let half = Step::Send(b"HTTP/1.1 200 OK\r\ncontent-le".to_vec());
    assert_eq!(fails(vec![half]).await.class(), ErrorClass::Transient);
}
