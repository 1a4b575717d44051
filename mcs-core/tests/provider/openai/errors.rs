//! Every way in which an API says no, and what follows from it.

use crate::openai::whole;
use crate::reading::{Row, asks, refused};
use crate::server::{KEY, Server, Step, answer};
use mcs_core::domain::ErrorClass::{Permanent, RateLimited, Transient};
use mcs_core::provider::openai::OpenAi;
use mcs_core::provider::settings::OpenAiSettings;
use mcs_core::provider::{Provider, ProviderError};
use serde_json::json;
use std::time::{Duration, SystemTime};
use tokio::net::TcpListener;
use tokio::time::Instant;

async fn fails(steps: Vec<Step>) -> ProviderError {
    refused(&Server::start(steps).await.provider()).await
}

fn openai(message: &str, kind: &str, code: &str) -> String {
    json!({"error": {"message": message, "type": kind, "param": null, "code": code}}).to_string()
}

/// The error table: status, headers, body, then the class that follows, the wait in milliseconds, and what the message
/// has to say.
const ROWS: &str = r#"
400 | | {"error":{"message":"no such field","type":"invalid_request_error","param":null,"code":"unknown_parameter"}} | permanent | | no such field
400 | x-should-retry: true | {"error":{"message":"odd"}} | transient | | odd
401 | | {"error":{"message":"bad key","type":"invalid_request_error","code":"invalid_api_key"}} | permanent | | LAB_API_KEY
402 | | {"error":{"message":"Insufficient Balance","type":"unknown_error","code":"invalid_request_error"}} | permanent | | top up
402 | | {"type":"error","error":{"type":"billing_error","message":"words"},"request_id":"r"} | permanent | | balance
403 | | {"error":{"message":"not in your country"}} | permanent | | not in your country
404 | | {"error":{"message":"no such model","type":"invalid_request_error","code":"model_not_found"}} | permanent | | base_url
404 | | {"error":"model 'x' not found"} | permanent | | model 'x' not found
408 | | {"error":{"message":"slow"}} | transient | | 408
409 | retry-after: 1 | {"error":{"message":"conflict"}} | transient | 1000 | conflict
413 | | {"type":"error","error":{"type":"request_too_large","message":"words"}} | permanent | | words
422 | | {"detail":[{"loc":["body","temperature"]}]} | permanent | | temperature
429 | | {"error":{"message":"slow down","type":"requests","code":"rate_limit_exceeded"}} | rate_limited | | slow down
429 | retry-after: 20 | {"error":{"message":"later"}} | rate_limited | 20000 | later
429 | retry-after-ms: 250; retry-after: 1 | {"error":{"message":"later"}} | rate_limited | 250 | later
429 | x-ratelimit-remaining-tokens: 0; x-ratelimit-reset-tokens: 1m2s | {} | rate_limited | 62000 | 429
429 | x-should-retry: false; retry-after: 1 | {"error":{"message":"never"}} | permanent | | never
429 | retry-after: 1 | {"error":{"message":"quota","type":"insufficient_quota","code":"insufficient_quota"}} | permanent | | balance
429 | x-should-retry: true | {"error":{"message":"quota","code":"insufficient_quota"}} | permanent | | balance
500 | | {"error":{"message":"oops","type":"server_error"}} | transient | | oops
500 | x-should-retry: false | {"error":{"message":"oops"}} | permanent | | oops
502 | content-type: text/html | <html><h1>Bad Gateway</h1></html> | transient | | Bad Gateway
503 | retry-after: 2 | {"error":{"message":"overloaded"}} | transient | 2000 | overloaded
503 | | | transient | | 503
504 | | {"type":"error","error":{"type":"timeout_error","message":"words"}} | transient | | words
529 | | {"type":"error","error":{"type":"overloaded_error","message":"words"}} | transient | | 529
"#;

#[tokio::test]
async fn every_row_of_the_error_table_has_its_class() {
    for row in ROWS.trim().lines().map(Row::read) {
        let headers = [&row.headers[..], &[("x-request-id", "req-9")]].concat();
        row.check(&fails(answer(row.status, &headers, row.body)).await);
    }
}

#[tokio::test]
async fn retry_after_may_be_a_date() {
    let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_hours(1));
    let error = fails(answer(429, &[("retry-after", &date)], "{}")).await;
    let after = error.retry_after().unwrap();
    assert!(
        after > Duration::from_mins(50) && after <= Duration::from_hours(1),
        "{after:?}"
    );
}

#[tokio::test]
async fn the_final_error_of_an_empty_account_has_its_code() {
    let error = fails(answer(
        429,
        &[],
        &openai("quota", "insufficient_quota", "insufficient_quota"),
    ))
    .await;
    assert_eq!(error.code(), Some("insufficient_quota"));
}

#[tokio::test]
async fn a_key_that_is_quoted_back_is_not_passed_on() {
    let quoted = format!("Incorrect API key provided: {KEY}. Or was it sk-proj-abcdefgh12345678?");
    let bodies = [
        openai(&quoted, "invalid_request_error", KEY),
        json!({"error": {"message": quoted, "type": KEY, "code": KEY}, "request_id": KEY})
            .to_string(),
        format!("<p>{quoted}</p>"),
        format!("\"{quoted}\""),
        json!({"detail": {"authorization": quoted}}).to_string(),
    ];
    for body in bodies {
        for status in [401, 429, 500, 200] {
            let error = fails_with_key(status, &body).await;
            let shown = format!(
                "{error} {error:?} {:?} {:?}",
                error.code(),
                error.request_id()
            );
            assert!(!shown.contains("test-key"), "{shown}");
            assert!(!shown.contains("abcdefgh12345678"), "{shown}");
        }
    }
}

async fn fails_with_key(status: u16, body: &str) -> ProviderError {
    let server = Server::start(answer(status, &[("x-request-id", KEY)], body)).await;
    server.provider().complete(&asks()).await.unwrap_err()
}

#[tokio::test]
async fn a_key_at_the_edge_of_a_long_message_is_not_cut_in_half() {
    let message = format!("{}{KEY}", "x".repeat(990));
    let error = fails(answer(
        400,
        &[],
        &openai(&message, "invalid_request_error", ""),
    ))
    .await;
    assert!(!error.to_string().contains("test-"), "{error}");
}

#[tokio::test]
async fn a_long_error_is_cut() {
    for body in [
        "y".repeat(1_000_000),
        openai(&"y".repeat(20_000), "server_error", ""),
    ] {
        let error = fails(answer(500, &[], &body)).await;
        assert!(error.to_string().len() < 2000);
        assert_eq!(error.class(), Transient);
    }
}

#[tokio::test]
async fn an_answer_that_is_none_is_told_from_one_that_was_cut() {
    let text = whole("hello").to_string();
    let page = fails(answer(
        200,
        &[("content-type", "text/html")],
        "<html>log in first</html>",
    ))
    .await;
    assert_eq!(page.class(), Permanent);
    assert!(
        page.to_string().contains("base_url") && page.to_string().contains("log in first"),
        "{page}"
    );
    assert_eq!(
        fails(answer(200, &[], &text[..text.len() / 2]))
            .await
            .class(),
        Transient
    );
    assert_eq!(
        fails(answer(200, &[], r#"{"choices":[]}"#)).await.class(),
        Transient
    );
    let inside = fails(answer(200, &[], &openai("no", "invalid_request_error", ""))).await;
    assert_eq!(inside.class(), Permanent);
    let Step::Send(sent) = answer(200, &[], &text).remove(0) else {
        unreachable!()
    };
    let short = Step::Send(sent[..sent.len() - 5].to_vec());
    assert_eq!(fails(vec![short]).await.class(), Transient);
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_not_kept() {
    let server = Server::start(answer(200, &[], &whole(&"z".repeat(5000)).to_string())).await;
    let mut settings = server.settings();
    settings.api.max_answer_bytes = 1000;
    let error = OpenAi::new(settings)
        .unwrap()
        .complete(&asks())
        .await
        .unwrap_err();
    assert_eq!(error.class(), Permanent);
    assert!(error.to_string().contains("max_answer_bytes"), "{error}");
}

#[tokio::test]
async fn a_connection_that_breaks_is_worth_another_try() {
    assert_eq!(fails(vec![]).await.class(), Transient);
    assert_eq!(
        fails(vec![Step::Send(b"HTTP/1.1 200".to_vec())])
            .await
            .class(),
        Transient
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = listener.local_addr().unwrap();
    drop(listener);
    let settings = OpenAiSettings::compatible("lab", format!("http://{nobody}/v1"));
    let error = OpenAi::new(settings)
        .unwrap()
        .complete(&asks())
        .await
        .unwrap_err();
    assert_eq!(error.class(), Transient);
    let text = error.to_string();
    assert!(
        text.contains("could not connect to lab") && text.contains(&nobody.to_string()),
        "{text}"
    );
}

#[tokio::test]
async fn an_error_whose_body_does_not_come_is_told_by_its_status() {
    let head =
        "HTTP/1.1 429 Too Many Requests\r\ncontent-length: 100\r\nretry-after: 3\r\n\r\n{\"err";
    let server = Server::start(vec![Step::Send(head.into()), Step::Silence]).await;
    let begun = Instant::now();
    let error = server.provider().complete(&asks()).await.unwrap_err();
    assert_eq!(error.class(), RateLimited);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3)));
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn a_server_that_does_not_shake_hands_runs_into_the_connect_timeout() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    let mut settings = OpenAiSettings::compatible("lab", format!("https://{address}/v1"));
    settings.api.connect_timeout = Duration::from_millis(50);
    let error = OpenAi::new(settings)
        .unwrap()
        .complete(&asks())
        .await
        .unwrap_err();
    assert_eq!(error.class(), Transient);
    assert!(error.to_string().contains("within 50ms"), "{error}");
}
