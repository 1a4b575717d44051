use super::Content;
#[cfg(feature = "engine")]
use super::{InvalidInput, Json, new_task::check_no_nul};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

/// What a finished task answers. The one source of MCP's `CallToolResult` and of REST's result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskResult {
    /// What a reader sees, in order.
    pub content: Vec<Content>,
    /// The same for programs. JSON's `null` is a value like any other.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub structured: Option<Value>,
    /// The work was done and its outcome is an error, as when a tool reports one. A tool that says nothing of it means that
    /// it is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_error: Option<bool>,
    /// What a tool says beside its answer, by names that it chose.
    #[serde(default, rename = "_meta", skip_serializing_if = "Option::is_none")]
    pub meta: Option<Map<String, Value>>,
}

impl Default for TaskResult {
    fn default() -> Self {
        Self {
            content: Vec::new(),
            structured: None,
            is_error: Some(false),
            meta: None,
        }
    }
}

impl TaskResult {
    /// A result of one text.
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            content: vec![Content::text(text)],
            ..Self::default()
        }
    }

    /// The same result with `structured` beside the content.
    pub fn with_structured(mut self, structured: Value) -> Self {
        self.structured = Some(structured);
        self
    }

    /// Refuses a NUL character inside its texts, as it is refused in a payload. `field` is what the result is called.
    #[cfg(feature = "engine")]
    pub(crate) fn check(&self, field: &str) -> Result<(), InvalidInput> {
        let json = Json::new(self)
            .map_err(|error| InvalidInput::new(field, format!("cannot be written: {error}")))?;
        check_no_nul(field, &json)
    }

    /// All text blocks, joined by line feeds.
    pub fn joined_text(&self) -> String {
        let texts = self.content.iter().filter_map(|content| match content {
            Content::Text { text, .. } => Some(text.as_str()),
            _ => None,
        });
        texts.collect::<Vec<_>>().join("\n")
    }
}

/// What is there, `null` included.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// What work used: tokens, money and time. Usages add up over attempts.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// Tokens read, those from a cache included.
    pub input_tokens: u64,
    /// Of the tokens read, those that came from the provider's cache.
    pub cached_tokens: u64,
    /// Tokens written, reasoning included.
    pub output_tokens: u64,
    /// Cost in US dollars.
    pub cost_usd: f64,
    /// Time spent in attempts, in milliseconds.
    pub duration_ms: u64,
}

impl Usage {
    /// Largest count and largest cost that are kept. What a server says beyond them is nonsense, and sums of what is
    /// below them stay numbers that every store can add.
    const MOST: u64 = 1 << 53;
    const MOST_USD: f64 = 1e12;

    /// The same usage with every figure between zero and what can be kept.
    pub fn bounded(self) -> Self {
        let cost = if self.cost_usd.is_finite() {
            self.cost_usd.clamp(0.0, Self::MOST_USD)
        } else {
            0.0
        };
        Self {
            input_tokens: self.input_tokens.min(Self::MOST),
            cached_tokens: self.cached_tokens.min(Self::MOST),
            output_tokens: self.output_tokens.min(Self::MOST),
            cost_usd: cost,
            duration_ms: self.duration_ms.min(Self::MOST),
        }
    }

    /// Whether nothing was used.
    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }
}

impl std::ops::AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.input_tokens = self.input_tokens.saturating_add(other.input_tokens);
        self.cached_tokens = self.cached_tokens.saturating_add(other.cached_tokens);
        self.output_tokens = self.output_tokens.saturating_add(other.output_tokens);
        self.cost_usd += other.cost_usd;
        self.duration_ms = self.duration_ms.saturating_add(other.duration_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn absurd_figures_are_kept_within_bounds() {
        let absurd = Usage {
            input_tokens: u64::MAX,
            cost_usd: f64::NAN,
            ..Usage::default()
        };
        assert_eq!(
            absurd.bounded(),
            Usage {
                input_tokens: 1 << 53,
                ..Usage::default()
            }
        );
        let negative = Usage {
            cost_usd: -1.0,
            ..Usage::default()
        };
        assert!(negative.bounded().is_zero());
    }

    #[test]
    fn a_result_is_read_as_it_was_written() {
        for wire in [
            json!({"content": [], "is_error": false}),
            json!({"content": [], "is_error": true, "structured": null}),
            json!({"content": [{"type": "text", "text": "a"}], "structured": {"a": [1]}, "_meta": {"b": 2}}),
        ] {
            let result: TaskResult = serde_json::from_value(wire.clone()).unwrap();
            assert_eq!(serde_json::to_value(&result).unwrap(), wire);
        }
        let text = serde_json::to_value(TaskResult::text("a")).unwrap();
        assert_eq!(
            text,
            json!({"content": [{"type": "text", "text": "a"}], "is_error": false})
        );
    }
}
