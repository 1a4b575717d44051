//! What goes out, and what comes back when all is well.

use crate::openai::whole;
use crate::server::{KEY, Server, answer};
use mcs_core::domain::Usage;
use mcs_core::provider::openai::OpenAi;
use mcs_core::provider::settings::OpenAiSettings;
use mcs_core::provider::{CompletionRequest, FinishReason, Provider, ProviderError};
use serde_json::{Map, json};

fn asks() -> CompletionRequest {
    CompletionRequest {
        model: "big".into(),
        system: Some("be brief".into()),
        prompt: "hello".into(),
        max_tokens: Some(9),
        at_most: None,
        temperature: Some(0.5),
        parameters: Map::from_iter([("top_p".into(), json!(0.25))]),
        traceparent: None,
    }
}

#[tokio::test]
async fn a_request_carries_key_prompt_and_parameters() {
    let mut server = Server::start(answer(
        200,
        &[("x-request-id", "req-1")],
        &whole("hi").to_string(),
    ))
    .await;
    let completion = server.provider().complete(&asks()).await.unwrap();
    let request = server.request().await;
    assert!(
        request
            .head
            .starts_with("POST /v1/chat/completions HTTP/1.1"),
        "{}",
        request.head
    );
    assert_eq!(
        request.header("authorization"),
        Some(format!("Bearer {KEY}").as_str())
    );
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(
        request.body,
        json!({
            "model": "big", "stream": false, "max_tokens": 9, "temperature": 0.5, "top_p": 0.25,
            "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hello"}],
        })
    );
    assert_eq!(completion.text, "hi");
    assert_eq!(completion.model, "test-model-2026");
    assert_eq!(completion.finish, FinishReason::Stop);
    assert_eq!(completion.request_id.as_deref(), Some("req-1"));
    let usage = Usage {
        input_tokens: 20,
        cached_tokens: 16,
        output_tokens: 3,
        ..Usage::default()
    };
    assert_eq!(completion.usage, usage);
}

#[tokio::test]
async fn openai_gets_its_own_name_of_the_limit_and_the_default_model() {
    let mut server = Server::start(answer(200, &[], &whole("hi").to_string())).await;
    let mut settings = OpenAiSettings::openai();
    settings.api.base_url = server.settings().api.base_url;
    let request = CompletionRequest {
        model: String::new(),
        ..asks()
    };
    OpenAi::new(settings)
        .unwrap()
        .complete(&request)
        .await
        .unwrap();
    let sent = server.request().await;
    assert_eq!(sent.body["max_completion_tokens"], 9);
    assert_eq!(sent.body.get("max_tokens"), None);
    assert_eq!(sent.body["model"], "gpt-6-luna");
    assert_eq!(sent.header("authorization"), None, "there is no key");
}

#[tokio::test]
async fn blank_lines_before_an_answer_keep_the_connection_alive() {
    let body = format!("\n\n\r\n\n{}", whole("hi"));
    let server = Server::start(answer(200, &[], &body)).await;
    assert_eq!(
        server.provider().complete(&asks()).await.unwrap().text,
        "hi"
    );
}

#[tokio::test]
async fn a_reserved_parameter_is_refused_before_anything_is_sent() {
    let server = Server::start(answer(200, &[], &whole("hi").to_string())).await;
    for name in CompletionRequest::RESERVED {
        let request = CompletionRequest {
            parameters: Map::from_iter([(name.into(), json!(1))]),
            ..asks()
        };
        let error = server.provider().complete(&request).await.unwrap_err();
        assert!(
            matches!(&error, ProviderError::Permanent { message, .. } if message.contains(name)),
            "{error}"
        );
    }
    assert_eq!(server.unseen(), 0);
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_takes_no_key_along() {
    let elsewhere = Server::start(answer(200, &[], &whole("stolen").to_string())).await;
    let target = format!("{}/v1/chat/completions?token=secret", elsewhere.url());
    for status in [301, 302, 307, 308] {
        let server = Server::start(answer(status, &[("location", &target)], "")).await;
        let error = server.provider().complete(&asks()).await.unwrap_err();
        assert!(matches!(error, ProviderError::Permanent { .. }), "{error}");
        let text = error.to_string();
        assert!(
            text.contains(&elsewhere.url()) && text.contains("base_url"),
            "{text}"
        );
        assert!(!text.contains("token=secret"), "{text}");
    }
    assert_eq!(elsewhere.unseen(), 0);
}
