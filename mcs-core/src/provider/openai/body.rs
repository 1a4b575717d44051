use crate::provider::CompletionRequest;
use crate::provider::settings::OpenAiSettings;
use serde_json::{Map, Value, json};

/// The body of a chat completion. The caller has refused parameters of [`CompletionRequest::RESERVED`].
pub(super) fn body(
    request: &CompletionRequest,
    model: &str,
    settings: &OpenAiSettings,
    stream: bool,
) -> Map<String, Value> {
    let mut body = request.parameters.clone();
    let system = request.system.iter();
    let mut messages: Vec<Value> = system
        .map(|system| json!({"role": "system", "content": system}))
        .collect();
    messages.push(json!({"role": "user", "content": request.prompt}));
    body.insert("model".into(), json!(model));
    body.insert("messages".into(), messages.into());
    body.insert("stream".into(), stream.into());
    if stream && settings.stream_usage {
        body.insert("stream_options".into(), json!({"include_usage": true}));
    }
    if let Some(limit) = limit(request, model, settings) {
        body.insert(settings.max_tokens_parameter.as_str().into(), limit.into());
    }
    if let Some(temperature) = request.temperature {
        body.insert("temperature".into(), temperature.into());
    }
    body
}

/// The limit that is sent, if any: servers refuse one that is higher than what the model can write.
fn limit(request: &CompletionRequest, model: &str, settings: &OpenAiSettings) -> Option<u64> {
    let known = settings.api.model_max_tokens.get(model).copied();
    let most = known.unwrap_or(OpenAiSettings::MOST_TOKENS);
    match (request.max_tokens, request.at_most) {
        (None, at_most) => at_most.filter(|at_most| *at_most < most),
        (Some(_), _) => Some(request.limit_or(most)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> CompletionRequest {
        CompletionRequest {
            model: "m".into(),
            system: Some("be brief".into()),
            prompt: "hello".into(),
            max_tokens: Some(9),
            at_most: None,
            temperature: Some(0.5),
            parameters: Map::from_iter([("top_p".into(), json!(0.25)), ("seed".into(), json!(7))]),
            traceparent: None,
        }
    }

    #[test]
    fn it_holds_everything_that_was_asked() {
        let body = body(&request(), "m", &OpenAiSettings::deepseek(), true);
        assert_eq!(
            Value::Object(body),
            json!({
                "model": "m", "stream": true, "stream_options": {"include_usage": true},
                "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hello"}],
                "max_tokens": 9, "temperature": 0.5, "top_p": 0.25, "seed": 7,
            })
        );
    }

    #[test]
    fn names_and_defaults_follow_the_settings() {
        let plain = CompletionRequest {
            prompt: "hello".into(),
            max_tokens: Some(9),
            ..CompletionRequest::default()
        };
        let settings = OpenAiSettings {
            stream_usage: false,
            ..OpenAiSettings::openai()
        };
        assert_eq!(
            Value::Object(body(&plain, "d", &settings, true)),
            json!({
                "model": "d", "stream": true, "max_completion_tokens": 9,
                "messages": [{"role": "user", "content": "hello"}],
            })
        );
        assert_eq!(body(&plain, "d", &settings, false)["stream"], json!(false));
    }

    #[test]
    fn a_ceiling_is_sent_where_it_is_below_what_the_model_writes() {
        let mut settings = OpenAiSettings::deepseek();
        settings.api.model_max_tokens.insert("known".into(), 64_000);
        for (model, asked, at_most, sent) in [
            ("known", None, Some(2_000_000), None),
            ("known", None, Some(64_000), None),
            ("known", None, Some(5), Some(5)),
            ("known", Some(9), Some(2_000_000), Some(9)),
            ("known", Some(9), Some(5), Some(5)),
            ("other", None, Some(2_000_000), None),
            ("other", None, Some(64_000), Some(64_000)),
            ("other", None, None, None),
        ] {
            let request = CompletionRequest {
                max_tokens: asked,
                at_most,
                ..CompletionRequest::default()
            };
            let body = body(&request, model, &settings, false);
            let found = body.get("max_tokens").and_then(Value::as_u64);
            assert_eq!(found, sent, "{model} {asked:?} {at_most:?}");
        }
    }
}
