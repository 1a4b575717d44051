use mcs_core::domain::Usage;
use schemars::JsonSchema;
use serde::Deserialize;

/// What the attempt used. How long it took is known without.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "UsedByAttempt")]
pub(super) struct UsageBody {
    /// Tokens read, those from a cache included.
    input_tokens: Option<u64>,
    /// Of the tokens read, those from the provider's cache.
    cached_tokens: Option<u64>,
    /// Tokens written.
    output_tokens: Option<u64>,
    /// Cost in US dollars.
    #[schemars(range(min = 0))]
    cost_usd: Option<f64>,
}

impl From<Option<UsageBody>> for UsedUp {
    fn from(body: Option<UsageBody>) -> Self {
        let body = body.unwrap_or_default();
        let usage = Usage {
            input_tokens: body.input_tokens.unwrap_or_default(),
            cached_tokens: body.cached_tokens.unwrap_or_default(),
            output_tokens: body.output_tokens.unwrap_or_default(),
            cost_usd: body.cost_usd.unwrap_or_default(),
            duration_ms: 0,
        };
        Self(usage.bounded())
    }
}

/// The same as the core counts it.
pub(super) struct UsedUp(pub(super) Usage);
