use super::fitting;
use super::history::{HistoryView, history_text};
use mcs_core::domain::{HistoryRequest, QueueStats, Stats, Status, StatusCounts, Timestamp};
use mcs_core::service::Statistics;
use schemars::JsonSchema;
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Most bytes of JSON that the kinds take of an answer, and the queues.
const PART_BYTES: usize = 2304;
/// Most queues that a text tells of.
const LINES: usize = 12;

/// Statistics as they are shown.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct StatsView {
    /// All tasks.
    total: u64,
    /// Tasks by status.
    statuses: BTreeMap<&'static str, u64>,
    /// Tasks by status of each kind; the kinds with the most tasks where not all fit, and one that was named.
    kinds: BTreeMap<String, BTreeMap<&'static str, u64>>,
    /// Each queue, likewise.
    queues: BTreeMap<String, QueueView>,
    /// How many kinds and queues with fewer tasks are not shown; name one to see it.
    names_left_out: usize,
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

impl StatsView {
    /// What an answer to `request` shows of `statistics`.
    pub(crate) fn of(statistics: &Statistics, request: &HistoryRequest) -> Self {
        let stats = &statistics.stored;
        let counts = |counts: &StatusCounts| *counts;
        let kinds = most(&stats.kinds, request.kind.as_deref(), counts, by_name);
        let counts = |queue: &QueueStats| queue.counts;
        let queues = most(
            &stats.queues,
            request.queue.as_deref(),
            counts,
            QueueView::from,
        );
        let all = stats.kinds.len() + stats.queues.len();
        Self {
            total: stats.counts.total(),
            statuses: by_name(&stats.counts),
            names_left_out: all - kinds.len() - queues.len(),
            kinds,
            queues,
            history: statistics.history.as_ref().map(HistoryView::from),
        }
    }
}

/// As `view` shows them, those of `parts` that fit: the one that is `named`, then those with the most tasks.
fn most<'a, T, V: Serialize>(
    parts: &'a BTreeMap<Arc<str>, T>,
    named: Option<&str>,
    counts: impl Fn(&T) -> StatusCounts,
    view: impl Fn(&'a T) -> V,
) -> BTreeMap<String, V> {
    let mut all: Vec<_> = parts.iter().collect();
    all.sort_by_key(|(name, part)| (named != Some(&***name), Reverse(counts(part).total())));
    let shown = all.into_iter().take(PART_BYTES / LEAST_BYTES);
    let mut shown: Vec<_> = shown
        .map(|(name, part)| (name.to_string(), view(part)))
        .collect();
    shown.truncate(fitting(&shown, PART_BYTES));
    shown.into_iter().collect()
}

/// No part is shown in fewer bytes: it has six counts with their names.
const LEAST_BYTES: usize = 64;

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
    let mut queues: Vec<_> = stats.queues.iter().collect();
    let more = queues.len().saturating_sub(LINES);
    if more > 0 {
        queues.sort_by_key(|(_, queue)| Reverse(queue.counts.total()));
        queues.truncate(LINES);
    }
    lines.extend(queues.into_iter().map(|(name, queue)| {
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
    if more > 0 {
        lines.push(format!("{more} more queues have fewer tasks."));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::{ANSWER_BYTES, bytes_of};
    use mcs_core::domain::{History, HistoryHour, Times, WorkStatistics};
    use mcs_core::engine::EngineLoad;
    use serde_json::{Value, json};

    const HOURS: usize = 48;

    fn work() -> WorkStatistics {
        let times = Times {
            mean_seconds: Some(12_345.678_912),
            p50_seconds: Some(12_345.678_912),
            p95_seconds: Some(12_345.678_912),
        };
        WorkStatistics {
            created: 123_456,
            completed: 123_456,
            failed: 1234,
            cancelled: 1234,
            retried: 12_345,
            finished_per_hour: 12_345.678_912,
            finished_per_minute: 12_345.678_912,
            success_rate: Some(0.123_456_789),
            retry_rate: Some(0.123_456_789),
            wait: times,
            run: times,
            input_tokens: 123_456_789,
            cached_tokens: 12_345_678,
            output_tokens: 12_345_678,
            cost_usd: 12_345.678_912_345,
        }
    }

    /// Statistics of so many names, of which one in the middle of the alphabet has few tasks.
    fn full(names: usize, name_bytes: usize) -> Statistics {
        let name = |index: usize| -> Arc<str> { format!("{index:0name_bytes$}").into() };
        let counts = |index: usize| StatusCounts {
            completed: if index == names / 2 { 1 } else { 123_456 },
            ..StatusCounts::default()
        };
        let queue = |index| QueueStats {
            counts: counts(index),
            ready: 123_456,
            oldest_ready: Some(Timestamp::from_millis(1_800_000_000_000)),
        };
        let work_of = || (0..names).map(|index| (name(index), work())).collect();
        let hours = (0..HOURS).map(|index| HistoryHour {
            hour: Timestamp::from_millis(
                1_800_000_000_000 + 3_600_000 * i64::try_from(index).unwrap(),
            ),
            work: work(),
        });
        Statistics {
            load: EngineLoad::default(),
            stored: Stats {
                kinds: (0..names)
                    .map(|index| (name(index), counts(index)))
                    .collect(),
                queues: (0..names)
                    .map(|index| (name(index), queue(index)))
                    .collect(),
                ..Stats::default()
            },
            history: Some(History {
                since: Timestamp::from_millis(1_800_000_000_000),
                total: work(),
                queues: work_of(),
                kinds: work_of(),
                models: work_of(),
                hours: hours.collect(),
            }),
        }
    }

    #[test]
    fn an_answer_keeps_its_bound_however_many_names_and_hours_there_are() {
        for (names, name_bytes) in [(5, 8), (50, 20), (2000, 200)] {
            let statistics = full(names, name_bytes);
            let view = StatsView::of(&statistics, &HistoryRequest::default());
            let bytes = bytes_of(&view);
            assert!(bytes <= ANSWER_BYTES, "{names} names: {bytes} bytes");
            let text = stats_text(&statistics);
            assert!(text.len() <= ANSWER_BYTES, "{names}: {}", text.len());
            let history = view.history.unwrap();
            let history: Value = serde_json::to_value(history).unwrap();
            let hours = history["hours"].as_array().unwrap();
            assert_eq!(hours.len(), HOURS, "all hours fit");
            assert_eq!(hours[0].get("success_rate"), None);
            assert_eq!(hours[0]["cost_usd"], json!(12_345.678_912));
            let shown =
                ["queues", "kinds", "models"].map(|part| history[part].as_object().unwrap().len());
            let left_out = history["names_left_out"].as_u64().unwrap();
            assert_eq!(
                shown.iter().sum::<usize>() as u64 + left_out,
                3 * names as u64
            );
        }
    }

    #[test]
    fn of_many_names_the_one_that_was_named_is_shown() {
        let statistics = full(100, 20);
        let few = format!("{:020}", 50);
        let unnamed = StatsView::of(&statistics, &HistoryRequest::default());
        assert!(!unnamed.queues.contains_key(&few) && !unnamed.kinds.contains_key(&few));
        let shown = unnamed.queues.len() + unnamed.kinds.len();
        assert_eq!(unnamed.names_left_out, 200 - shown);
        assert!(unnamed.queues.len() >= 8, "{}", unnamed.queues.len());
        let request = HistoryRequest {
            queue: Some(few.clone()),
            ..HistoryRequest::default()
        };
        let named = StatsView::of(&statistics, &request);
        assert!(named.queues.contains_key(&few) && !named.kinds.contains_key(&few));
    }
}
