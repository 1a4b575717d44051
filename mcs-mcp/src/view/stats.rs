use mcs_core::domain::{HourlyStats, QueueStats, Stats, Status, StatusCounts, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// Statistics as they are shown.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct StatsView {
    /// All tasks.
    total: u64,
    /// Tasks by status.
    statuses: BTreeMap<&'static str, u64>,
    /// Tasks by status of each kind.
    kinds: BTreeMap<String, BTreeMap<&'static str, u64>>,
    /// Each queue.
    queues: BTreeMap<String, QueueView>,
    /// The latest hours with any activity, oldest first; at most 48.
    hours: Vec<HourView>,
}

/// One queue.
#[derive(Debug, Serialize, JsonSchema)]
struct QueueView {
    /// Tasks by status.
    statuses: BTreeMap<&'static str, u64>,
    /// PENDING tasks that a free worker may take now.
    ready: u64,
    /// When the ready task that waits longest became due.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    oldest_ready: Option<Timestamp>,
}

/// One hour.
#[derive(Debug, Serialize, JsonSchema)]
struct HourView {
    /// Its start.
    #[schemars(with = "String")]
    hour: Timestamp,
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
    /// Mean time from creation to the first start of the tasks that finished, in seconds.
    mean_wait_seconds: f64,
    /// Mean time in attempts of the tasks that finished, in seconds.
    mean_run_seconds: f64,
    /// Tokens read.
    input_tokens: u64,
    /// Tokens written.
    output_tokens: u64,
    /// Cost in US dollars.
    cost_usd: f64,
}

impl From<&Stats> for StatsView {
    fn from(stats: &Stats) -> Self {
        let kinds = stats.kinds.iter();
        let queues = stats.queues.iter();
        Self {
            total: stats.counts.total(),
            statuses: by_name(&stats.counts),
            kinds: kinds
                .map(|(kind, counts)| (kind.to_string(), by_name(counts)))
                .collect(),
            queues: queues
                .map(|(queue, stats)| (queue.to_string(), QueueView::from(stats)))
                .collect(),
            hours: stats.hours.iter().map(HourView::from).collect(),
        }
    }
}

impl From<&QueueStats> for QueueView {
    fn from(stats: &QueueStats) -> Self {
        Self {
            statuses: by_name(&stats.counts),
            ready: stats.ready,
            oldest_ready: stats.oldest_ready,
        }
    }
}

impl From<&HourlyStats> for HourView {
    fn from(hour: &HourlyStats) -> Self {
        let finished = hour.completed + hour.failed + hour.cancelled;
        Self {
            hour: hour.hour,
            created: hour.created,
            completed: hour.completed,
            failed: hour.failed,
            cancelled: hour.cancelled,
            retried: hour.retried,
            mean_wait_seconds: mean_seconds(hour.wait_ms, finished),
            mean_run_seconds: mean_seconds(hour.run_ms, finished),
            input_tokens: hour.input_tokens,
            output_tokens: hour.output_tokens,
            cost_usd: hour.cost_usd,
        }
    }
}

fn by_name(counts: &StatusCounts) -> BTreeMap<&'static str, u64> {
    let named = Status::ALL.map(|status| (status.as_str(), counts.get(status)));
    named.into_iter().collect()
}

#[expect(clippy::cast_precision_loss, reason = "a mean of what a person reads")]
pub(crate) fn mean_seconds(total_ms: u64, count: u64) -> f64 {
    if count == 0 {
        return 0.0;
    }
    total_ms as f64 / count as f64 / 1000.0
}

/// Statistics in a few lines.
pub(crate) fn stats_text(stats: &Stats) -> String {
    let counts = Status::ALL.map(|status| format!("{} {status}", stats.counts.get(status)));
    let mut lines = vec![format!(
        "{} tasks: {}.",
        stats.counts.total(),
        counts.join(", ")
    )];
    lines.extend(stats.queues.iter().map(|(name, queue)| {
        let running = queue.counts.processing + queue.counts.input_required;
        let oldest = queue
            .oldest_ready
            .map(|since| format!(", the oldest since {since}"));
        let oldest = oldest.unwrap_or_default();
        format!(
            "Queue {name}: {} ready{oldest}, {running} running.",
            queue.ready
        )
    }));
    if let Some(hour) = stats.hours.last() {
        let finished = hour.completed + hour.failed + hour.cancelled;
        lines.push(format!(
            "Hour from {}: {} created, {} completed, {} failed, {} cancelled, {} retries; \
             mean wait {:.3} s, mean run {:.3} s; {} tokens read, {} written, {:.4} USD.",
            hour.hour,
            hour.created,
            hour.completed,
            hour.failed,
            hour.cancelled,
            hour.retried,
            mean_seconds(hour.wait_ms, finished),
            mean_seconds(hour.run_ms, finished),
            hour.input_tokens,
            hour.output_tokens,
            hour.cost_usd,
        ));
    }
    lines.join("\n")
}
