//! What goes out, and what comes back when all is well.

use super::message;
use crate::server::{KEY, Server, answer};
use mcs_core::domain::Usage;
use mcs_core::provider::anthropic::Anthropic;
use mcs_core::provider::settings::AnthropicSettings;
use mcs_core::provider::{
    Completion, CompletionRequest, FinishReason, Provider, ProviderError, ToolCall,
};
use serde_json::{Map, Value, json};

fn asks() -> CompletionRequest {
    CompletionRequest {
        model: "big".into(),
        system: Some("be brief".into()),
        prompt: "hello".into(),
        max_tokens: Some(9),
        at_most: None,
        temperature: Some(0.5),
        parameters: Map::from_iter([("top_k".into(), json!(5))]),
        traceparent: None,
    }
}

async fn answered(content: &Value, stop_reason: &str) -> Completion {
    let body = message(content, stop_reason).to_string();
    let server = Server::start(answer(200, &[("request-id", "req-1")], &body)).await;
    server.claude().complete(&asks()).await.unwrap()
}

#[tokio::test]
async fn a_request_carries_key_version_prompt_and_parameters() {
    let body = message(&json!([{"type": "text", "text": "hi"}]), "end_turn").to_string();
    let mut server = Server::start(answer(200, &[("request-id", "req-1")], &body)).await;
    let completion = server.claude().complete(&asks()).await.unwrap();
    let request = server.request().await;
    assert!(
        request.head.starts_with("POST /v1/messages HTTP/1.1"),
        "{}",
        request.head
    );
    assert_eq!(request.header("x-api-key"), Some(KEY));
    assert_eq!(request.header("authorization"), None);
    assert_eq!(request.header("anthropic-version"), Some("2023-06-01"));
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(
        request.body,
        json!({
            "model": "big", "stream": false, "max_tokens": 9, "temperature": 0.5, "top_k": 5, "system": "be brief",
            "messages": [{"role": "user", "content": "hello"}],
        })
    );
    assert_eq!(completion.text, "hi");
    assert_eq!(completion.model, "test-model-20261101");
    assert_eq!(completion.finish, FinishReason::Stop);
    assert_eq!(completion.request_id.as_deref(), Some("req-1"));
    // What came from the cache and what went into it was read too.
    let usage = Usage {
        input_tokens: 1120,
        cached_tokens: 1000,
        output_tokens: 7,
        ..Usage::default()
    };
    assert_eq!(completion.usage, usage);
}

#[tokio::test]
async fn a_request_that_leaves_everything_out_has_a_model_and_a_limit() {
    let body = message(&json!([]), "end_turn").to_string();
    let mut server = Server::start(answer(200, &[], &body)).await;
    let plain = CompletionRequest {
        prompt: "hello".into(),
        ..CompletionRequest::default()
    };
    let mut settings = server.claude_settings();
    settings.api.api_key = None;
    Anthropic::new(settings)
        .unwrap()
        .complete(&plain)
        .await
        .unwrap();
    let request = server.request().await;
    assert_eq!(request.header("x-api-key"), None, "there is no key");
    assert_eq!(
        request.body,
        json!({
            "model": "test-model", "stream": false, "max_tokens": AnthropicSettings::MAX_TOKENS,
            "messages": [{"role": "user", "content": "hello"}],
        })
    );
}

#[tokio::test]
async fn thoughts_and_tools_are_told_from_the_text() {
    let content = json!([
        {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "b64"},
        {"type": "text", "text": "let me "},
        {"type": "text", "text": "look"},
        {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "x"}},
        {"type": "something_new", "text": "not an answer"},
        {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"at": [1, "é"]}},
        {"type": "tool_use", "id": "toolu_2", "name": "now", "input": {}},
    ]);
    let completion = answered(&content, "tool_use").await;
    assert_eq!(completion.text, "let me look");
    assert_eq!(completion.reasoning.as_deref(), Some("hm"));
    assert_eq!(completion.finish, FinishReason::ToolCalls);
    let call = |id: &str, name: &str, arguments: &str| ToolCall {
        id: id.into(),
        name: name.into(),
        arguments: arguments.into(),
    };
    let calls = [
        call("toolu_1", "look", r#"{"at":[1,"é"]}"#),
        call("toolu_2", "now", "{}"),
    ];
    assert_eq!(completion.tool_calls, calls);
}

#[tokio::test]
async fn every_end_has_its_name() {
    let rows = [
        ("end_turn", FinishReason::Stop),
        ("stop_sequence", FinishReason::Stop),
        ("max_tokens", FinishReason::Length),
        ("model_context_window_exceeded", FinishReason::Length),
        ("tool_use", FinishReason::ToolCalls),
        ("pause_turn", FinishReason::Paused),
        ("refusal", FinishReason::Refusal),
        ("compaction", FinishReason::Other("compaction".into())),
    ];
    for (reason, finish) in rows {
        let completion = answered(&json!([{"type": "text", "text": "a"}]), reason).await;
        assert_eq!(completion.finish, finish, "{reason}");
        assert_eq!(completion.refusal, None);
    }
}

#[tokio::test]
async fn a_refusal_may_be_explained() {
    let mut body = message(&json!([]), "refusal");
    body["stop_details"] = json!({"type": "refusal", "explanation": "not that"});
    let server = Server::start(answer(200, &[], &body.to_string())).await;
    let completion = server.claude().complete(&asks()).await.unwrap();
    assert_eq!(completion.refusal.as_deref(), Some("not that"));
    assert_eq!(completion.usage.input_tokens, 1120, "it is paid");
}

#[tokio::test]
async fn a_reserved_parameter_is_refused_before_anything_is_sent() {
    let server = Server::start(vec![]).await;
    let request = CompletionRequest {
        parameters: Map::from_iter([("messages".into(), json!([]))]),
        ..asks()
    };
    let error = server.claude().complete(&request).await.unwrap_err();
    assert!(
        matches!(&error, ProviderError::Permanent { message, .. } if message.contains("`messages`")),
        "{error}"
    );
    assert_eq!(server.unseen(), 0);
}
