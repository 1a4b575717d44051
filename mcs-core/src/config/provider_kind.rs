//! Which settings a provider of one kind has.

use super::value::Choice;
use crate::provider::routed::Policy;
use crate::provider::settings::{self, MaxTokensParameter, ProviderConfig, ProviderKind};

impl Choice for ProviderKind {
    const ALL: &'static [(&'static str, Self)] = &[
        ("openai", Self::OpenAi),
        ("anthropic", Self::Anthropic),
        ("routed", Self::Routed),
    ];
}

impl Choice for MaxTokensParameter {
    const ALL: &'static [(&'static str, Self)] = &[
        ("max_tokens", Self::MaxTokens),
        ("max_completion_tokens", Self::MaxCompletionTokens),
    ];
}

impl Choice for Policy {
    const ALL: &'static [(&'static str, Self)] = &[
        ("in_order", Self::InOrder),
        ("round_robin", Self::RoundRobin),
        ("lowest_latency", Self::LowestLatency),
        ("lowest_cost", Self::LowestCost),
    ];
}

const APIS: &[ProviderKind] = &[ProviderKind::OpenAi, ProviderKind::Anthropic];
const OPENAI: &[ProviderKind] = &[ProviderKind::OpenAi];
const ANTHROPIC: &[ProviderKind] = &[ProviderKind::Anthropic];
const ROUTED: &[ProviderKind] = &[ProviderKind::Routed];

/// Refuses a setting that only providers of other kinds have.
pub(super) fn check_kind(
    name: &str,
    provider: &ProviderConfig,
) -> Result<(), (&'static str, String)> {
    let kind = settings::kind_of(name, provider.kind);
    let keys = [
        ("base_url", provider.base_url.is_some(), APIS),
        ("api_key", provider.api_key.is_some(), APIS),
        ("default_model", provider.default_model.is_some(), APIS),
        (
            "connect_timeout",
            provider.connect_timeout_ms.is_some(),
            APIS,
        ),
        ("timeout", provider.timeout_ms.is_some(), APIS),
        ("idle_timeout", provider.idle_timeout_ms.is_some(), APIS),
        (
            "max_answer_bytes",
            provider.max_answer_bytes.is_some(),
            APIS,
        ),
        (
            "max_tokens_parameter",
            provider.max_tokens_parameter.is_some(),
            OPENAI,
        ),
        ("stream_usage", provider.stream_usage.is_some(), OPENAI),
        ("max_tokens", provider.max_tokens.is_some(), ANTHROPIC),
        ("providers", provider.providers.is_some(), ROUTED),
        ("policy", provider.policy.is_some(), ROUTED),
        ("models", !provider.models.is_empty(), ROUTED),
        (
            "breaker_failures",
            provider.breaker_failures.is_some(),
            ROUTED,
        ),
        ("breaker_pause", provider.breaker_pause_ms.is_some(), ROUTED),
    ];
    let mut keys = keys.into_iter();
    match keys.find(|(_, is_set, kinds)| *is_set && !kinds.contains(&kind)) {
        None => Ok(()),
        Some((key, ..)) => {
            let problem = format!(
                "means nothing to a provider of the kind \"{}\"; remove it",
                kind.as_str()
            );
            Err((key, problem))
        }
    }
}
