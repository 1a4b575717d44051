use super::cache_ttl::CacheTtl;
use crate::domain::{InvalidInput, Json};
use crate::provider::CompletionRequest;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// The payload of a `prompt` task.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PromptPayload {
    pub(super) prompt: String,
    #[serde(default)]
    system: Option<String>,
    #[serde(default)]
    parameters: Parameters,
    #[serde(default)]
    cache_ttl: Option<CacheTtl>,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
struct Parameters {
    #[serde(default, alias = "max_completion_tokens")]
    max_tokens: Option<u64>,
    #[serde(default)]
    temperature: Option<f64>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

impl PromptPayload {
    /// Its JSON Schema.
    pub(super) fn schema() -> Value {
        json!({
            "type": "object",
            "properties": {
                "prompt": {"type": "string", "minLength": 1, "description": "What the model is asked."},
                "system": {"type": ["string", "null"], "description": "What the model is told about its role."},
                "parameters": {
                    "type": "object",
                    "description": "Parameters of the call. Names that are not listed here go to the API as they are.",
                    "properties": {
                        "max_tokens": {"type": ["integer", "null"], "minimum": 1, "description": "Most tokens to write."},
                        "temperature": {"type": ["number", "null"], "minimum": 0, "description": "Randomness, as the API understands it."},
                    },
                },
                "cache_ttl": {
                    "type": ["string", "number", "null"],
                    "description": "Answer from an earlier task that asked exactly the same, with a cache_ttl too, and completed no longer ago than this: a time such as \"1h\", or seconds. Left out, the model is asked.",
                },
            },
            "required": ["prompt"],
            "additionalProperties": false,
        })
    }

    /// Reads a payload and refuses what no provider could be asked.
    pub(super) fn read(json: &Json) -> Result<Self, InvalidInput> {
        let payload: Self = json.parse().map_err(|error| {
            let problem = format!(
                "is no prompt: {error}; it is an object such as {{\"prompt\": \"...\", \"system\": \"...\", \"parameters\": \
                 {{\"max_tokens\": 500}}}}"
            );
            InvalidInput::new("payload", problem)
        })?;
        if payload.prompt.trim().is_empty() {
            return Err(InvalidInput::new(
                "payload.prompt",
                "is empty; say what the model is asked",
            ));
        }
        let parameters = &payload.parameters;
        if parameters.max_tokens == Some(0) {
            let problem = "is 0; use 1 or more, or leave it out";
            return Err(InvalidInput::new("payload.parameters.max_tokens", problem));
        }
        if let Some(temperature) = parameters
            .temperature
            .filter(|temperature| *temperature < 0.0)
        {
            let problem = format!("is {temperature}; use 0 or more, or leave it out");
            return Err(InvalidInput::new("payload.parameters.temperature", problem));
        }
        if let Some(name) = payload.request("").reserved_parameter() {
            let problem = "cannot be set here; the task's own fields and the provider set it";
            return Err(InvalidInput::new(
                format!("payload.parameters.{name}"),
                problem,
            ));
        }
        if let Some(problem) = payload.cache_ttl.and_then(CacheTtl::problem) {
            return Err(InvalidInput::new("payload.cache_ttl", problem));
        }
        Ok(payload)
    }

    /// How old an answer from earlier may be; `None` if there shall be a new one.
    pub(super) fn cache_ttl(&self) -> Option<Duration> {
        self.cache_ttl.map(CacheTtl::duration)
    }

    /// The request it makes of `model`.
    pub(super) fn request(&self, model: &str) -> CompletionRequest {
        CompletionRequest {
            model: model.to_owned(),
            system: self.system.clone(),
            prompt: self.prompt.clone(),
            max_tokens: self.parameters.max_tokens,
            at_most: None,
            temperature: self.parameters.temperature,
            parameters: self.parameters.rest.clone(),
            traceparent: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(payload: Value) -> String {
        PromptPayload::read(&payload.into()).unwrap_err().field
    }

    #[test]
    fn parameters_are_handed_on() {
        let payload = json!({"prompt": "p", "system": "s", "parameters": {"max_completion_tokens": 5, "temperature": 0, "top_p": 0.5}});
        let request = PromptPayload::read(&payload.into()).unwrap().request("m");
        assert_eq!(
            (request.model.as_str(), request.prompt.as_str()),
            ("m", "p")
        );
        assert_eq!(request.system.as_deref(), Some("s"));
        assert_eq!(
            (request.max_tokens, request.temperature),
            (Some(5), Some(0.0))
        );
        assert_eq!(Value::Object(request.parameters), json!({"top_p": 0.5}));
    }

    #[test]
    fn the_age_of_an_answer_is_a_text_or_seconds() {
        let read =
            |ttl: Value| PromptPayload::read(&json!({"prompt": "p", "cache_ttl": ttl}).into());
        let millis = |ttl: Value| read(ttl).unwrap().cache_ttl().map(|ttl| ttl.as_millis());
        assert_eq!(millis(Value::Null), None);
        assert_eq!(millis(json!("1h 30m")), Some(5_400_000));
        assert_eq!(millis(json!(90)), Some(90_000));
        assert_eq!(millis(json!(0.5)), Some(500));
        for ttl in [
            json!("soon"),
            json!(-1),
            json!(-0.5),
            json!([1]),
            json!("1"),
        ] {
            let error = read(ttl).unwrap_err();
            assert_eq!(error.field, "payload");
            assert!(
                error.problem.contains("seconds") || error.problem.contains("7d"),
                "{error}"
            );
        }
        for ttl in [json!(0), json!("0s"), json!("31d"), json!(1e12)] {
            let error = read(ttl).unwrap_err();
            assert_eq!(error.field, "payload.cache_ttl");
            assert!(error.problem.contains("30days"), "{error}");
        }
    }

    #[test]
    fn what_nobody_could_answer_is_refused_by_name() {
        assert_eq!(refused(json!({"prompt": " \n"})), "payload.prompt");
        let payloads = [
            json!("hello"),
            json!({}),
            json!({"prompt": 7}),
            json!({"prompt": "p", "promt": "q"}),
            json!({"prompt": "p", "parameters": {"max_tokens": -1}}),
            json!({"prompt": "p", "parameters": {"max_tokens": 1, "max_completion_tokens": 2}}),
        ];
        for payload in payloads {
            assert_eq!(refused(payload.clone()), "payload", "{payload}");
        }
        let with = |parameters: Value| refused(json!({"prompt": "p", "parameters": parameters}));
        assert_eq!(
            with(json!({"max_tokens": 0})),
            "payload.parameters.max_tokens"
        );
        assert_eq!(
            with(json!({"temperature": -0.5})),
            "payload.parameters.temperature"
        );
        assert_eq!(with(json!({"stream": true})), "payload.parameters.stream");
        assert_eq!(with(json!({"messages": []})), "payload.parameters.messages");
    }
}
