//! Streams as real servers send them: slow, odd, silent, broken and cut.

use crate::openai::{finish_event, text_event, whole};
use crate::reading::{asks, read};
use crate::server::{Server, Step, answer, chunked, event, part, stream, stream_end, stream_head};
use futures_util::StreamExt;
use mcs_core::domain::{ErrorClass, Usage};
use mcs_core::provider::openai::OpenAi;
use mcs_core::provider::settings::OpenAiSettings;
use mcs_core::provider::{Completion, Delta, FinishReason, Provider, ProviderError};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;

async fn streamed(steps: Vec<Step>) -> (String, Result<Completion, ProviderError>) {
    read(&Server::start(steps).await.provider()).await
}

async fn broken(steps: Vec<Step>) -> (String, ProviderError) {
    let (texts, end) = streamed(steps).await;
    (texts, end.unwrap_err())
}

/// A stream as DeepSeek sends it while it is busy.
fn busy_stream() -> String {
    [
        ": keep-alive\n\n: keep-alive\n\n".to_owned(),
        event(&json!({"id": "1", "model": "deepseek-flash-1", "choices": [{"index": 0, "delta": {"role": "assistant", "content": null, "reasoning_content": "hm"}}], "usage": null})),
        ": keep-alive\n\n".to_owned(),
        text_event("héllo "),
        text_event("漢🦀"),
        finish_event("stop"),
        event(&json!({"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 4, "prompt_cache_hit_tokens": 8, "prompt_cache_miss_tokens": 1}})),
        "data: [DONE]\n\n".to_owned(),
    ]
    .concat()
}

fn check_busy_stream((texts, end): (String, Result<Completion, ProviderError>)) {
    assert_eq!(texts, "<hm>héllo 漢🦀");
    let end = end.unwrap();
    assert_eq!(end.text, "héllo 漢🦀");
    assert_eq!(end.reasoning.as_deref(), Some("hm"));
    assert_eq!(end.model, "deepseek-flash-1");
    assert_eq!(end.finish, FinishReason::Stop);
    assert_eq!(end.request_id.as_deref(), Some("req-7"));
    assert_eq!(
        end.usage,
        Usage {
            input_tokens: 9,
            cached_tokens: 8,
            output_tokens: 4,
            ..Usage::default()
        }
    );
}

#[tokio::test]
async fn a_stream_is_read_in_one_piece_and_byte_by_byte() {
    let text = busy_stream();
    check_busy_stream(streamed(stream(&[&text])).await);
    check_busy_stream(streamed(stream(&[&text.replace('\n', "\r\n")])).await);
    let bytes = text
        .bytes()
        .map(|byte| Step::Send([b"1\r\n", &[byte][..], b"\r\n"].concat()));
    let steps = std::iter::once(stream_head())
        .chain(bytes)
        .chain([stream_end()]);
    check_busy_stream(streamed(steps.collect()).await);
}

#[tokio::test]
async fn usage_is_asked_for_unless_the_server_cannot_tell() {
    let mut server = Server::start(stream(&[&busy_stream()])).await;
    read(&server.provider()).await.1.unwrap();
    let sent = server.request().await;
    assert_eq!(sent.body["stream"], true);
    assert_eq!(sent.body["stream_options"], json!({"include_usage": true}));
    assert_eq!(sent.header("accept"), Some("text/event-stream"));
    let settings = OpenAiSettings {
        stream_usage: false,
        ..server.settings()
    };
    read(&OpenAi::new(settings).unwrap()).await.1.unwrap();
    assert_eq!(server.request().await.body.get("stream_options"), None);
}

#[tokio::test]
async fn a_server_that_cannot_stream_answers_whole() {
    let body = format!("\n\n{}", whole("all at once"));
    let (texts, end) = streamed(answer(200, &[], &body)).await;
    assert_eq!(texts, "all at once");
    assert_eq!(end.unwrap().text, "all at once");
}

#[tokio::test]
async fn an_error_in_the_middle_of_a_stream_is_seen() {
    let error = |error: Value| json!({"error": error}).to_string();
    let server_error =
        error(json!({"message": "The server had an error", "type": "server_error", "code": null}));
    let rows = [
        (format!("data: {server_error}\n\n"), ErrorClass::Transient),
        (format!("{server_error}\n\n"), ErrorClass::Transient),
        (
            format!("event: error\ndata: {server_error}\n\n"),
            ErrorClass::Transient,
        ),
        (
            "event: error\ndata: {\"message\":\"The server had an error\"}\n\n".into(),
            ErrorClass::Transient,
        ),
        (
            format!(
                "data: {}\n\n",
                error(json!({"message": "The server had an error", "code": 502}))
            ),
            ErrorClass::Transient,
        ),
        (
            format!(
                "data: {}\n\n",
                error(json!({"message": "The server had an error", "code": "rate_limit_exceeded"}))
            ),
            ErrorClass::RateLimited,
        ),
        (
            format!(
                "data: {}\n\n",
                error(json!({"message": "The server had an error", "type": "insufficient_quota"}))
            ),
            ErrorClass::Permanent,
        ),
        (
            format!(
                "data: {}\n\n",
                error(
                    json!({"message": "The server had an error", "type": "invalid_request_error"})
                )
            ),
            ErrorClass::Permanent,
        ),
    ];
    for (sent, class) in rows {
        // What follows the error, even a regular end, does not make it good.
        let parts = [
            text_event("par"),
            sent.clone(),
            finish_event("stop"),
            "data: [DONE]\n\n".into(),
        ];
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let (texts, error) = broken(stream(&parts)).await;
        assert_eq!(texts, "par");
        assert_eq!(error.class(), class, "{sent}");
        assert_eq!(error.request_id(), Some("req-7"));
        assert!(
            error.to_string().contains("The server had an error"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_stream_that_ends_before_its_answer_was_cut() {
    let text = text_event("par");
    let half = &text_event("tial")[..12];
    let cuts = [
        vec![stream_head(), part(&text)],
        vec![stream_head(), part(&text), stream_end()],
        vec![
            stream_head(),
            part(&text),
            Step::Send(chunked(half)[..6].to_vec()),
        ],
        vec![stream_head(), part(&text), part(half), stream_end()],
    ];
    for steps in cuts {
        let (texts, error) = broken(steps.clone()).await;
        assert_eq!(texts, "par", "{steps:?}");
        assert_eq!(error.class(), ErrorClass::Transient, "{steps:?}");
        assert_eq!(error.request_id(), Some("req-7"));
    }
    let (_, nothing) = broken(stream(&["data: [DONE]\n\n"])).await;
    assert_eq!(nothing.class(), ErrorClass::Transient);
}

#[tokio::test]
async fn an_answer_that_was_whole_survives_a_lost_end() {
    let parts = [text_event("whole"), finish_event("stop")].concat();
    for end in [vec![], vec![stream_end()], vec![Step::Silence]] {
        let steps = [vec![stream_head(), part(&parts)], end].concat();
        let (_, completion) = streamed(steps).await;
        assert_eq!(completion.unwrap().text, "whole");
    }
}

#[tokio::test]
async fn an_answer_that_the_server_gave_up_on_is_tried_again() {
    let parts = [
        text_event("par"),
        finish_event("insufficient_system_resource"),
        "data: [DONE]\n\n".into(),
    ]
    .concat();
    let (_, error) = broken(stream(&[&parts])).await;
    assert_eq!(error.class(), ErrorClass::Transient);
    assert!(
        error.to_string().contains("insufficient_system_resource"),
        "{error}"
    );
}

#[tokio::test]
async fn a_server_that_never_answers_runs_into_the_timeout_of_the_call() {
    let server = Server::start(vec![Step::Silence]).await;
    let provider = server.provider();
    let begun = Instant::now();
    let (_, end) = read(&provider).await;
    let error = end.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Timeout);
    assert!(error.to_string().contains("60s"), "{error}");
    assert!(
        (60..62).contains(&begun.elapsed().as_secs()),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn a_stream_that_falls_silent_is_given_up() {
    let server = Server::start(vec![stream_head(), part(&text_event("par")), Step::Silence]).await;
    let mut settings = server.settings();
    settings.api.idle_timeout = Duration::from_secs(5);
    let begun = Instant::now();
    let (texts, end) = read(&OpenAi::new(settings).unwrap()).await;
    assert_eq!(texts, "par");
    let error = end.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Timeout);
    assert!(
        error.to_string().contains("silent") && error.to_string().contains("idle_timeout_ms"),
        "{error}"
    );
    assert!(
        (5..7).contains(&begun.elapsed().as_secs()),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn a_stream_that_only_keeps_alive_ends_with_the_call() {
    let alive = Step::Repeat(chunked(": keep-alive\n\n"), Duration::from_secs(7));
    let server = Server::start(vec![stream_head(), part(&text_event("par")), alive]).await;
    let begun = Instant::now();
    let (_, end) = read(&server.provider()).await;
    assert_eq!(end.unwrap_err().class(), ErrorClass::Timeout);
    assert!(
        (60..62).contains(&begun.elapsed().as_secs()),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn a_stream_is_bounded() {
    let server = Server::start(stream(&[
        &text_event(&"x".repeat(600)),
        &text_event(&"x".repeat(600)),
    ]))
    .await;
    let mut settings = server.settings();
    settings.api.max_answer_bytes = 1000;
    let (_, end) = read(&OpenAi::new(settings).unwrap()).await;
    assert_eq!(end.unwrap_err().class(), ErrorClass::Permanent);
    let endless = "x".repeat(1024 * 1024);
    let (_, error) = broken(stream(&[endless.as_str(); 5])).await;
    assert_eq!(error.class(), ErrorClass::Permanent);
}

#[tokio::test]
async fn dropping_a_stream_ends_the_request() {
    let mut server = Server::start(vec![stream_head(), part(&text_event("par")), Step::Hold]).await;
    let mut deltas = server.provider().stream(&asks()).await.unwrap();
    assert_eq!(
        deltas.next().await.unwrap().unwrap(),
        Delta::Text("par".into())
    );
    drop(deltas);
    server.hangup().await;
}
