use super::history::{HistoryView, history_text};
use mcs_core::domain::{QueueStats, Stats, Status, StatusCounts, Timestamp};
use mcs_core::service::Statistics;
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
    /// What was done over the last hours. It is kept for the tasks of all owners together, and absent for callers who see
    /// their own tasks only.
    #[serde(skip_serializing_if = "Option::is_none")]
    history: Option<HistoryView>,
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

impl From<&Statistics> for StatsView {
    fn from(statistics: &Statistics) -> Self {
        let stats = &statistics.stored;
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
            history: statistics.history.as_ref().map(HistoryView::from),
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

fn by_name(counts: &StatusCounts) -> BTreeMap<&'static str, u64> {
    let named = Status::ALL.map(|status| (status.as_str(), counts.get(status)));
    named.into_iter().collect()
}

/// Statistics in a few lines.
pub(crate) fn stats_text(statistics: &Statistics) -> String {
    let stored = stored_text(&statistics.stored);
    match &statistics.history {
        Some(history) => format!("{stored}\n{}", history_text(history)),
        None => stored,
    }
}

/// The counts of what is there now.
pub(crate) fn stored_text(stats: &Stats) -> String {
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
    lines.join("\n")
}
