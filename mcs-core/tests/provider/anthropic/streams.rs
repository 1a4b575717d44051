//! Streams as the API sends them: in order, odd, silent, broken and cut.

use super::{block, end, message, named, start, stop, text};
use crate::reading::{asks, read};
use crate::server::{Server, Step, answer, chunked, part, stream, stream_end, stream_head};
use futures_util::StreamExt;
use mcs_core::domain::{ErrorClass, Usage};
use mcs_core::provider::anthropic::Anthropic;
use mcs_core::provider::{Completion, Delta, FinishReason, Provider, ProviderError, ToolCall};
use serde_json::json;
use std::time::Duration;
use tokio::time::Instant;

async fn streamed(steps: Vec<Step>) -> (String, Result<Completion, ProviderError>) {
    read(&Server::start(steps).await.claude()).await
}

async fn broken(steps: Vec<Step>) -> (String, ProviderError) {
    let (texts, end) = streamed(steps).await;
    (texts, end.unwrap_err())
}

/// A stream with everything that a stream can have.
fn rich_stream() -> String {
    let thinking = [
        json!({"type": "thinking_delta", "thinking": "hm"}),
        json!({"type": "signature_delta", "signature": "c2ln"}),
    ];
    let arguments = [
        json!({"type": "input_json_delta", "partial_json": ""}),
        json!({"type": "input_json_delta", "partial_json": "{\"at\":"}),
        json!({"type": "input_json_delta", "partial_json": "[1]}"}),
    ];
    let found = [json!({"type": "input_json_delta", "partial_json": "{\"query\":\"x\"}"})];
    let call = |kind, id| json!({"type": kind, "id": id, "name": "look", "input": {}});
    let parts = [
        start(),
        named(&json!({"type": "ping"})),
        block(0, &json!({"type": "thinking", "thinking": ""}), &thinking),
        block(1, &call("server_tool_use", "s1"), &found),
        text(2, &["héllo ", "漢🦀"]),
        named(&json!({"type": "something_new", "index": 7})),
        block(3, &call("tool_use", "toolu_1"), &arguments),
        block(4, &call("tool_use", "toolu_2"), &[]),
        named(
            &json!({"type": "message_delta", "delta": {"stop_reason": null}, "usage": {"output_tokens": 3}}),
        ),
        stop("tool_use"),
        end(),
    ];
    parts.concat()
}

fn check_rich_stream((texts, end): (String, Result<Completion, ProviderError>)) {
    assert_eq!(texts, "<hm>héllo 漢🦀");
    let end = end.unwrap();
    assert_eq!(end.text, "héllo 漢🦀");
    assert_eq!(end.reasoning.as_deref(), Some("hm"));
    assert_eq!(end.model, "test-model-20261101");
    assert_eq!(end.finish, FinishReason::ToolCalls);
    assert_eq!(end.request_id.as_deref(), Some("req-7"));
    let call = |id: &str, arguments: &str| ToolCall {
        id: id.into(),
        name: "look".into(),
        arguments: arguments.into(),
    };
    let calls = [call("toolu_1", "{\"at\":[1]}"), call("toolu_2", "{}")];
    assert_eq!(end.tool_calls, calls);
    // Counts of a stream are running totals: the last one holds, and what it leaves out stays.
    let usage = Usage {
        input_tokens: 1120,
        cached_tokens: 1000,
        output_tokens: 7,
        ..Usage::default()
    };
    assert_eq!(end.usage, usage);
}

#[tokio::test]
async fn a_stream_is_read_in_one_piece_and_byte_by_byte() {
    let text = rich_stream();
    check_rich_stream(streamed(stream(&[&text])).await);
    let bytes = text
        .bytes()
        .map(|byte| Step::Send([b"1\r\n", &[byte][..], b"\r\n"].concat()));
    let steps = std::iter::once(stream_head())
        .chain(bytes)
        .chain([stream_end()]);
    check_rich_stream(streamed(steps.collect()).await);
}

#[tokio::test]
async fn a_stream_is_asked_for() {
    let mut server = Server::start(stream(&[&rich_stream()])).await;
    read(&server.claude()).await.1.unwrap();
    let sent = server.request().await;
    assert_eq!(sent.body["stream"], true);
    assert_eq!(sent.header("accept"), Some("text/event-stream"));
}

#[tokio::test]
async fn a_server_that_cannot_stream_answers_whole() {
    let body = message(&json!([{"type": "text", "text": "at once"}]), "end_turn").to_string();
    let (texts, end) = streamed(answer(200, &[], &body)).await;
    assert_eq!(texts, "at once");
    assert_eq!(end.unwrap().text, "at once");
}

#[tokio::test]
async fn an_error_event_ends_a_stream_that_began_with_200() {
    let rows = [
        ("overloaded_error", ErrorClass::Transient),
        ("api_error", ErrorClass::Transient),
        ("timeout_error", ErrorClass::Transient),
        ("rate_limit_error", ErrorClass::RateLimited),
        ("invalid_request_error", ErrorClass::Permanent),
        ("billing_error", ErrorClass::Permanent),
    ];
    for (kind, class) in rows {
        let error = named(&json!({"type": "error", "error": {"type": kind, "message": "Sorry"}}));
        // What follows the error, even a regular end, does not make it good.
        let begun = [start(), text(0, &["par"])].concat();
        let (texts, error) = broken(stream(&[&begun, &error, &stop("end_turn"), &end()])).await;
        assert_eq!(texts, "par");
        assert_eq!(error.class(), class, "{kind}");
        assert_eq!(error.request_id(), Some("req-7"));
        assert!(error.to_string().contains("Sorry"), "{error}");
    }
}

#[tokio::test]
async fn a_stream_that_ends_before_its_answer_was_cut() {
    let begun = [start(), text(0, &["par"])].concat();
    let half = &text(1, &["tial"])[..40];
    let cuts = [
        vec![stream_head(), part(&begun)],
        vec![stream_head(), part(&begun), stream_end()],
        vec![stream_head(), part(&begun), part(half), stream_end()],
        vec![
            stream_head(),
            part(&begun),
            Step::Send(chunked(half)[..6].to_vec()),
        ],
    ];
    for steps in cuts {
        let (texts, error) = broken(steps.clone()).await;
        assert_eq!(texts, "par", "{steps:?}");
        assert_eq!(error.class(), ErrorClass::Transient, "{steps:?}");
    }
    let (_, nothing) = broken(stream(&[&end()])).await;
    assert_eq!(nothing.class(), ErrorClass::Transient);
}

#[tokio::test]
async fn an_answer_that_was_whole_survives_a_lost_end() {
    let parts = [start(), text(0, &["whole"]), stop("end_turn")].concat();
    for end in [vec![], vec![stream_end()], vec![Step::Silence]] {
        let steps = [vec![stream_head(), part(&parts)], end].concat();
        let (_, completion) = streamed(steps).await;
        assert_eq!(completion.unwrap().text, "whole");
    }
}

#[tokio::test]
async fn a_stream_that_falls_silent_or_only_pings_is_given_up() {
    let begun = [start(), text(0, &["par"])].concat();
    let ping = chunked(&named(&json!({"type": "ping"})));
    let rows = [
        (Step::Silence, 5),
        (Step::Repeat(ping, Duration::from_secs(3)), 60),
    ];
    for (step, seconds) in rows {
        let server = Server::start(vec![stream_head(), part(&begun), step]).await;
        let mut settings = server.claude_settings();
        settings.api.idle_timeout = Duration::from_secs(5);
        let at = Instant::now();
        let (texts, end) = read(&Anthropic::new(settings).unwrap()).await;
        tokio::time::resume();
        assert_eq!(texts, "par");
        assert_eq!(end.unwrap_err().class(), ErrorClass::Timeout);
        let took = at.elapsed().as_secs();
        assert!((seconds..seconds + 2).contains(&took), "{took}");
    }
}

#[tokio::test]
async fn a_stream_is_bounded() {
    let piece = "x".repeat(600);
    let server = Server::start(stream(&[&start(), &text(0, &[&piece, &piece])])).await;
    let mut settings = server.claude_settings();
    settings.api.max_answer_bytes = 1000;
    let (texts, end) = read(&Anthropic::new(settings).unwrap()).await;
    assert_eq!(texts.len(), 600);
    assert_eq!(end.unwrap_err().class(), ErrorClass::Permanent);
    let calls: String = (0..2000)
        .map(|index| block(index, &json!({"type": "tool_use"}), &[]))
        .collect();
    let (_, error) = broken(stream(&[&start(), &calls])).await;
    assert_eq!(error.class(), ErrorClass::Permanent);
}

#[tokio::test]
async fn a_garbled_event_is_worth_another_try() {
    let garbled = "event: content_block_delta\ndata: {\"type\": \"content_bl\n\n";
    let (_, error) = broken(stream(&[&start(), garbled, &stop("end_turn"), &end()])).await;
    assert_eq!(error.class(), ErrorClass::Transient);
}

#[tokio::test]
async fn dropping_a_stream_ends_the_request() {
    let begun = [start(), text(0, &["par"])].concat();
    let mut server = Server::start(vec![stream_head(), part(&begun), Step::Hold]).await;
    let mut deltas = server.claude().stream(&asks()).await.unwrap();
    let first = deltas.next().await.unwrap().unwrap();
    assert_eq!(first, Delta::Text("par".into()));
    drop(deltas);
    server.hangup().await;
}
