use super::fitting;
use super::task::is_zero;
use mcs_core::domain::{History, HistoryHour, Times, Timestamp, WorkStatistics};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

/// Most names of queues, of kinds and of models that are shown. Those with the most tasks come before others.
const NAMES: usize = 12;
/// Most bytes of JSON that the queues take of an answer, and the kinds, and the models.
const PART_BYTES: usize = 3328;
/// Most bytes of JSON that the hours take.
const HOURS_BYTES: usize = 15_872;

/// What was done over the hours that were asked for.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct HistoryView {
    /// Where it begins.
    #[schemars(with = "String")]
    since: Timestamp,
    /// All of it together.
    total: WorkView,
    /// By queue, with the fields of `total` each.
    #[schemars(with = "BTreeMap<String, Object>")]
    queues: BTreeMap<String, WorkView>,
    /// By kind, likewise.
    #[schemars(with = "BTreeMap<String, Object>")]
    kinds: BTreeMap<String, WorkView>,
    /// By model as the tasks name it, likewise; `auto` is where a routed provider chose, `other` beyond fifty an hour.
    #[schemars(with = "BTreeMap<String, Object>")]
    models: BTreeMap<String, WorkView>,
    /// How many queues, kinds and models with fewer tasks are not shown; name one to see it.
    names_left_out: usize,
    /// Each hour with any activity, oldest first: its start as `hour`, then counts, p50 and p95, tokens and cost.
    #[schemars(with = "Vec<Object>")]
    hours: Vec<HourView>,
    /// How many older hours did not fit.
    #[serde(skip_serializing_if = "is_zero")]
    #[schemars(with = "Option<usize>")]
    hours_left_out: usize,
}

/// What a number of tasks did.
#[derive(Debug, Serialize, JsonSchema)]
struct WorkView {
    /// Tasks that were created.
    created: u64,
    /// Tasks that completed.
    completed: u64,
    /// Tasks that failed.
    failed: u64,
    /// Tasks that were cancelled.
    cancelled: u64,
    /// Attempts that were followed by a retry.
    retried: u64,
    /// Tasks that finished in an hour, on average.
    finished_per_hour: f64,
    /// Tasks that finished in a minute, on average.
    finished_per_minute: f64,
    /// The share of the completed among the completed and failed, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    success_rate: Option<f64>,
    /// The share of attempts that were followed by a retry, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_rate: Option<f64>,
    /// From creation to the first start.
    wait_seconds: TimesView,
    /// Time in attempts.
    run_seconds: TimesView,
    /// Tokens read, those from a cache included.
    input_tokens: u64,
    /// Of the tokens read, those that came from a provider's cache.
    cached_tokens: u64,
    /// Tokens written.
    output_tokens: u64,
    /// Cost in US dollars.
    cost_usd: f64,
}

/// Of the tasks that finished and had started.
#[derive(Debug, Serialize, JsonSchema)]
struct TimesView {
    /// The mean.
    #[serde(skip_serializing_if = "Option::is_none")]
    mean: Option<f64>,
    /// What half of them took at most, to within three percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    p50: Option<f64>,
    /// What 95 of 100 took at most, to within three percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    p95: Option<f64>,
}

/// One hour: of what a [`WorkView`] says, that which does not follow from the rest.
#[derive(Debug, Serialize)]
struct HourView {
    hour: Timestamp,
    created: u64,
    completed: u64,
    failed: u64,
    cancelled: u64,
    retried: u64,
    wait_seconds: TimesView,
    run_seconds: TimesView,
    input_tokens: u64,
    cached_tokens: u64,
    output_tokens: u64,
    cost_usd: f64,
}

impl From<&History> for HistoryView {
    fn from(history: &History) -> Self {
        let mut left_out = 0;
        let mut named = |parts| {
            let (shown, rest) = most(parts);
            left_out += rest;
            let shown = shown.into_iter();
            let mut shown: Vec<_> = shown
                .map(|(name, work)| (name.to_string(), WorkView::from(work)))
                .collect();
            let fitting = fitting(&shown, PART_BYTES);
            left_out += shown.len() - fitting;
            shown.truncate(fitting);
            shown.into_iter().collect()
        };
        let (queues, kinds, models) = (
            named(&history.queues),
            named(&history.kinds),
            named(&history.models),
        );
        let mut hours: Vec<_> = history.hours.iter().map(HourView::from).collect();
        let hours_left_out = hours.len() - fitting(hours.iter().rev(), HOURS_BYTES);
        hours.drain(..hours_left_out);
        Self {
            since: history.since,
            total: WorkView::from(&history.total),
            queues,
            kinds,
            models,
            names_left_out: left_out,
            hours,
            hours_left_out,
        }
    }
}

impl From<&WorkStatistics> for WorkView {
    fn from(work: &WorkStatistics) -> Self {
        Self {
            created: work.created,
            completed: work.completed,
            failed: work.failed,
            cancelled: work.cancelled,
            retried: work.retried,
            finished_per_hour: rounded(work.finished_per_hour),
            finished_per_minute: rounded(work.finished_per_minute),
            success_rate: work.success_rate.map(rounded),
            retry_rate: work.retry_rate.map(rounded),
            wait_seconds: TimesView::from(work.wait),
            run_seconds: TimesView::from(work.run),
            input_tokens: work.input_tokens,
            cached_tokens: work.cached_tokens,
            output_tokens: work.output_tokens,
            cost_usd: work.cost_usd,
        }
    }
}

impl From<Times> for TimesView {
    fn from(times: Times) -> Self {
        Self {
            mean: times.mean_seconds.map(rounded),
            p50: times.p50_seconds.map(rounded),
            p95: times.p95_seconds.map(rounded),
        }
    }
}

impl From<&HistoryHour> for HourView {
    fn from(hour: &HistoryHour) -> Self {
        let work = &hour.work;
        let times = |times: Times| TimesView {
            mean: None,
            ..TimesView::from(times)
        };
        Self {
            hour: hour.hour,
            created: work.created,
            completed: work.completed,
            failed: work.failed,
            cancelled: work.cancelled,
            retried: work.retried,
            wait_seconds: times(work.wait),
            run_seconds: times(work.run),
            input_tokens: work.input_tokens,
            cached_tokens: work.cached_tokens,
            output_tokens: work.output_tokens,
            // A millionth is less than a token costs.
            cost_usd: (work.cost_usd * 1e6).round() / 1e6,
        }
    }
}

/// To the fourth digit after the point, which is more than a reader needs and shorter to read.
fn rounded(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

/// Shown in schemas where writing the same fields again would only cost its reader.
type Object = serde_json::Map<String, serde_json::Value>;

type Parts = BTreeMap<Arc<str>, WorkStatistics>;

/// The names with the most tasks, those first, and how many are left out.
fn most(parts: &Parts) -> (Vec<(&Arc<str>, &WorkStatistics)>, usize) {
    let tasks =
        |work: &WorkStatistics| work.created + work.completed + work.failed + work.cancelled;
    let mut all: Vec<_> = parts.iter().collect();
    all.sort_by_key(|(_, work)| std::cmp::Reverse(tasks(work)));
    let left_out = all.len().saturating_sub(NAMES);
    all.truncate(NAMES);
    (all, left_out)
}

/// A history in a few lines.
pub(crate) fn history_text(history: &History) -> String {
    let mut text = format!("Since {}: {}", history.since, line(&history.total));
    for (what, parts) in [
        ("Queue", &history.queues),
        ("Kind", &history.kinds),
        ("Model", &history.models),
    ] {
        for (name, work) in most(parts).0 {
            // Writing to a text cannot fail.
            let _ = write!(text, "\n{what} {name}: {}", line(work));
        }
    }
    if let Some(hour) = history.hours.last() {
        let _ = write!(text, "\nHour from {}: {}", hour.hour, line(&hour.work));
    }
    text
}

fn line(work: &WorkStatistics) -> String {
    let percent = |share: Option<f64>| {
        share.map_or("-".to_owned(), |share| format!("{:.1} %", share * 100.0))
    };
    format!(
        "{} created, {} completed, {} failed, {} cancelled, {} retries; {:.2} finished an hour, success {}, retried {}; \
         wait p50 {} p95 {}, run p50 {} p95 {}; {} tokens read ({} cached), {} written, {:.4} USD.",
        work.created,
        work.completed,
        work.failed,
        work.cancelled,
        work.retried,
        work.finished_per_hour,
        percent(work.success_rate),
        percent(work.retry_rate),
        seconds(work.wait.p50_seconds),
        seconds(work.wait.p95_seconds),
        seconds(work.run.p50_seconds),
        seconds(work.run.p95_seconds),
        work.input_tokens,
        work.cached_tokens,
        work.output_tokens,
        work.cost_usd,
    )
}

fn seconds(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), |value| format!("{value:.3} s"))
}

/// Parts of a history as a table in Markdown, whose first column is `what`.
fn table<'a>(what: &str, rows: impl Iterator<Item = (String, &'a WorkStatistics)>) -> String {
    let mut table = format!(
        "| {what} | created | completed | failed | cancelled | retries | finished/h | wait p50 | wait p95 | run p50 | run p95 \
         | tokens in | tokens out | USD |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for (name, work) in rows {
        // Writing to a text cannot fail.
        let _ = writeln!(
            table,
            "| {name} | {} | {} | {} | {} | {} | {:.2} | {} | {} | {} | {} | {} | {} | {:.4} |",
            work.created,
            work.completed,
            work.failed,
            work.cancelled,
            work.retried,
            work.finished_per_hour,
            seconds(work.wait.p50_seconds),
            seconds(work.wait.p95_seconds),
            seconds(work.run.p50_seconds),
            seconds(work.run.p95_seconds),
            work.input_tokens,
            work.output_tokens,
            work.cost_usd,
        );
    }
    table
}

/// The table of the hours.
pub(crate) fn hours_table(history: &History) -> String {
    let hours = history.hours.iter();
    table(
        "hour",
        hours.map(|hour| (hour.hour.to_string(), &hour.work)),
    )
}

/// The tables by queue, kind and model.
pub(crate) fn parts_tables(history: &History) -> String {
    let parts = [
        ("queue", &history.queues),
        ("kind", &history.kinds),
        ("model", &history.models),
    ];
    let tables = parts.map(|(what, parts)| {
        let rows = most(parts).0.into_iter();
        table(what, rows.map(|(name, work)| (name.to_string(), work)))
    });
    tables.join("\n")
}
