use super::lines::Denial;
use super::raw::{Raw, count, list, name, some_name, status, string};
use super::text::shortened;
use crate::executor::claude_code::usage::{ModelUsage, Totals};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// Most of the final text that is kept, in bytes of JSON.
const RESULT_BYTES: usize = 4 * 1024 * 1024;
/// Most errors of a result that are kept, and most of one.
const ERRORS: usize = 20;
const ERROR_BYTES: usize = 1024;
/// Most denied tool calls that are kept.
pub(crate) const DENIALS: usize = 100;
/// Most models whose usage is kept.
const MODELS: usize = 50;

/// What a line of the type `result` says.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Report {
    /// Whether it says that all went well, in so many words: `is_error` is there and `false`.
    pub(crate) is_success: bool,
    pub(crate) subtype: String,
    pub(crate) session_id: Option<String>,
    pub(crate) text: Option<String>,
    pub(crate) structured: Option<Value>,
    pub(crate) turns: u64,
    pub(crate) stop_reason: Option<String>,
    pub(crate) terminal_reason: Option<String>,
    /// The HTTP status of the failure of the API that ended the run.
    pub(crate) status: Option<u16>,
    pub(crate) errors: Vec<String>,
    pub(crate) denials: Vec<Denial>,
    /// What the session used up to here.
    pub(crate) totals: Totals,
    /// What of it was used since the process began or told a result before, if it says so.
    pub(crate) since: Option<BTreeMap<String, ModelUsage>>,
    pub(crate) duration_ms: u64,
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow, default)]
    is_error: Raw<'a>,
    #[serde(borrow, default)]
    subtype: Raw<'a>,
    #[serde(borrow, default)]
    session_id: Raw<'a>,
    #[serde(borrow, default)]
    result: Raw<'a>,
    #[serde(borrow, default)]
    structured_output: Raw<'a>,
    #[serde(borrow, default)]
    num_turns: Raw<'a>,
    #[serde(borrow, default)]
    stop_reason: Raw<'a>,
    #[serde(borrow, default)]
    terminal_reason: Raw<'a>,
    #[serde(borrow, default)]
    api_error_status: Raw<'a>,
    #[serde(borrow, default)]
    errors: Raw<'a>,
    #[serde(borrow, default)]
    permission_denials: Raw<'a>,
    #[serde(borrow, default)]
    total_cost_usd: Raw<'a>,
    #[serde(borrow, default, rename = "modelUsage")]
    model_usage: Raw<'a>,
    #[serde(borrow, default)]
    model_usage_since_last_result: Raw<'a>,
    #[serde(borrow, default)]
    duration_ms: Raw<'a>,
}

impl Report {
    pub(super) fn read(text: &str) -> Option<Self> {
        let line: Line<'_> = serde_json::from_str(text).ok()?;
        let errors = list(line.errors).into_iter().take(ERRORS);
        let denials = list(line.permission_denials).into_iter().take(DENIALS);
        Some(Self {
            is_success: is_false(line.is_error),
            subtype: name(line.subtype),
            session_id: some_name(line.session_id),
            text: string(line.result).map(|text| shortened(&text, RESULT_BYTES)),
            structured: line
                .structured_output
                .and_then(|raw| serde_json::from_str(raw.get()).ok()),
            turns: count(line.num_turns),
            stop_reason: some_name(line.stop_reason),
            terminal_reason: some_name(line.terminal_reason),
            status: status(line.api_error_status),
            errors: errors
                .filter_map(|raw| Some(shortened(&string(Some(raw))?, ERROR_BYTES)))
                .collect(),
            denials: denials.filter_map(|raw| Denial::read(raw.get())).collect(),
            totals: Totals {
                cost_usd: dollars(line.total_cost_usd),
                models: models(line.model_usage),
            },
            since: line
                .model_usage_since_last_result
                .filter(|raw| raw.get().starts_with('{'))
                .map(|raw| models(Some(raw))),
            duration_ms: count(line.duration_ms),
        })
    }

    /// What went wrong, in the program's words.
    pub(crate) fn said(&self) -> String {
        let text = self.text.as_deref().map(str::trim).unwrap_or_default();
        if text.is_empty() {
            self.errors.join("; ")
        } else {
            text.to_owned()
        }
    }
}

/// Tokens as the API itself counts them.
pub(super) fn tokens(raw: &RawValue) -> Option<ModelUsage> {
    #[derive(Deserialize)]
    struct Counted<'a> {
        #[serde(borrow, default, rename = "input_tokens")]
        input: Raw<'a>,
        #[serde(borrow, default, rename = "output_tokens")]
        output: Raw<'a>,
        #[serde(borrow, default, rename = "cache_read_input_tokens")]
        cached: Raw<'a>,
        #[serde(borrow, default, rename = "cache_creation_input_tokens")]
        written: Raw<'a>,
    }
    let counted: Counted<'_> = serde_json::from_str(raw.get()).ok()?;
    let cached = count(counted.cached);
    Some(ModelUsage {
        input_tokens: count(counted.input)
            .saturating_add(cached)
            .saturating_add(count(counted.written)),
        cached_tokens: cached,
        output_tokens: count(counted.output),
        cost_usd: 0.0,
    })
}

fn is_false(raw: Raw<'_>) -> bool {
    raw.is_some_and(|raw| raw.get() == "false")
}

/// An amount of money that makes sense; 0 for any other.
fn dollars(raw: Raw<'_>) -> f64 {
    raw.and_then(|raw| raw.get().parse::<f64>().ok())
        .filter(|amount| amount.is_finite() && *amount >= 0.0)
        .unwrap_or_default()
}

fn models(raw: Raw<'_>) -> BTreeMap<String, ModelUsage> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Model<'a> {
        #[serde(borrow, default)]
        input_tokens: Raw<'a>,
        #[serde(borrow, default)]
        output_tokens: Raw<'a>,
        #[serde(borrow, default)]
        cache_read_input_tokens: Raw<'a>,
        #[serde(borrow, default)]
        cache_creation_input_tokens: Raw<'a>,
        #[serde(borrow, default, rename = "costUSD")]
        cost_usd: Raw<'a>,
    }
    let models: BTreeMap<String, &RawValue> = raw
        .and_then(|raw| serde_json::from_str(raw.get()).ok())
        .unwrap_or_default();
    let usage = |raw: &RawValue| {
        let model: Model<'_> = serde_json::from_str(raw.get()).ok()?;
        let cached = count(model.cache_read_input_tokens);
        let written = count(model.cache_creation_input_tokens);
        Some(ModelUsage {
            input_tokens: count(model.input_tokens)
                .saturating_add(cached)
                .saturating_add(written),
            cached_tokens: cached,
            output_tokens: count(model.output_tokens),
            cost_usd: dollars(model.cost_usd),
        })
    };
    let models = models.into_iter().take(MODELS);
    models
        .filter_map(|(name, raw)| Some((shortened(&name, super::NAME_BYTES), usage(raw)?)))
        .collect()
}
