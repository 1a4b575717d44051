use crate::provider::CompletionRequest;
use crate::provider::settings::AnthropicSettings;
use serde_json::{Map, Value, json};

/// The body of a request. The caller has refused parameters of [`CompletionRequest::RESERVED`].
pub(super) fn body(
    request: &CompletionRequest,
    model: &str,
    settings: &AnthropicSettings,
    stream: bool,
) -> Map<String, Value> {
    let mut body = request.parameters.clone();
    let known = settings.api.model_max_tokens.get(model).copied();
    let limit = request.limit_or(known.unwrap_or(settings.max_tokens));
    body.insert("model".into(), json!(model));
    body.insert("max_tokens".into(), limit.into());
    body.insert(
        "messages".into(),
        json!([{"role": "user", "content": request.prompt}]),
    );
    body.insert("stream".into(), stream.into());
    // An empty one is refused over there.
    if let Some(system) = request.system.as_ref().filter(|system| !system.is_empty()) {
        body.insert("system".into(), json!(system));
    }
    if let Some(temperature) = request.temperature {
        body.insert("temperature".into(), temperature.into());
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_everything_that_was_asked() {
        let request = CompletionRequest {
            model: "m".into(),
            system: Some("be brief".into()),
            prompt: "hello".into(),
            max_tokens: Some(9),
            at_most: None,
            temperature: Some(0.5),
            parameters: Map::from_iter([("top_k".into(), json!(5))]),
            traceparent: None,
        };
        let body = body(&request, "m", &AnthropicSettings::anthropic(), true);
        assert_eq!(
            Value::Object(body),
            json!({
                "model": "m", "stream": true, "system": "be brief", "max_tokens": 9, "temperature": 0.5, "top_k": 5,
                "messages": [{"role": "user", "content": "hello"}],
            })
        );
    }

    #[test]
    fn the_limit_that_it_insists_on_is_the_tasks_the_models_or_the_default() {
        let mut settings = AnthropicSettings::anthropic();
        settings.api.model_max_tokens.insert("long".into(), 64_000);
        let limit = |model: &str, max_tokens, at_most| {
            let request = CompletionRequest {
                prompt: "hello".into(),
                system: Some(String::new()),
                max_tokens,
                at_most,
                ..CompletionRequest::default()
            };
            let body = body(&request, model, &settings, false);
            assert_eq!(body.get("system"), None);
            body["max_tokens"].as_u64().unwrap()
        };
        for (model, asked, at_most, sent) in [
            ("long", Some(5), None, 5),
            ("long", None, None, 64_000),
            ("other", None, None, AnthropicSettings::MAX_TOKENS),
            // What could be paid says nothing of what the model can write.
            ("long", None, Some(2_000_000), 64_000),
            (
                "other",
                None,
                Some(2_000_000),
                AnthropicSettings::MAX_TOKENS,
            ),
            ("long", Some(9), Some(2_000_000), 9),
            ("long", Some(9), Some(5), 5),
            ("other", None, Some(5), 5),
        ] {
            assert_eq!(
                limit(model, asked, at_most),
                sent,
                "{model} {asked:?} {at_most:?}"
            );
        }
    }
}
