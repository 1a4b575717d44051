use super::{DurationHistogram, HourlyStats, InvalidInput, Tally, Timestamp, WorkGroup, limits};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

const HOUR: Duration = Duration::from_hours(1);

/// Which part of the history to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryRequest {
    /// How many hours to look back, the one that has begun included: 1 to [`limits::STATS_HOURS`].
    pub hours: usize,
    /// Only tasks of this queue.
    pub queue: Option<String>,
    /// Only tasks of this kind.
    pub kind: Option<String>,
    /// Only tasks of this model.
    pub model: Option<String>,
}

impl Default for HistoryRequest {
    fn default() -> Self {
        Self {
            hours: 24,
            queue: None,
            kind: None,
            model: None,
        }
    }
}

impl HistoryRequest {
    /// Refuses a span that is not kept.
    pub fn check(&self) -> Result<(), InvalidInput> {
        if (1..=limits::STATS_HOURS).contains(&self.hours) {
            return Ok(());
        }
        let problem = format!(
            "is {}; use 1 to {}, which are kept",
            self.hours,
            limits::STATS_HOURS
        );
        Err(InvalidInput::new("hours", problem))
    }

    fn wants(&self, group: &WorkGroup) -> bool {
        let fits = |wanted: &Option<String>, name: &Option<Arc<str>>| {
            wanted
                .as_deref()
                .is_none_or(|wanted| name.as_deref() == Some(wanted))
        };
        fits(&self.queue, &group.queue)
            && fits(&self.kind, &group.kind)
            && fits(&self.model, &group.model)
    }
}

/// What was done over some hours.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
pub struct History {
    /// Where it begins: the start of an hour.
    pub since: Timestamp,
    /// All of it together.
    pub total: WorkStatistics,
    /// By queue.
    pub queues: BTreeMap<Arc<str>, WorkStatistics>,
    /// By kind.
    pub kinds: BTreeMap<Arc<str>, WorkStatistics>,
    /// By model, as the tasks name it. A prompt that leaves the model to a routed provider counts as `auto`, whichever model
    /// has answered; its result says which.
    pub models: BTreeMap<Arc<str>, WorkStatistics>,
    /// Each hour with any activity, oldest first.
    pub hours: Vec<HistoryHour>,
}

/// One hour in a history.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
pub struct HistoryHour {
    /// Its start.
    pub hour: Timestamp,
    /// What was done in it.
    #[serde(flatten)]
    pub work: WorkStatistics,
}

/// What a number of tasks did, with what follows from it.
///
/// A duration is told to within about three percent: it is the middle of the bucket it fell into.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
pub struct WorkStatistics {
    /// Tasks that were created.
    pub created: u64,
    /// Tasks that completed.
    pub completed: u64,
    /// Tasks that failed.
    pub failed: u64,
    /// Tasks that were cancelled.
    pub cancelled: u64,
    /// Attempts that were followed by a retry.
    pub retried: u64,
    /// Tasks that finished in an hour, on average.
    pub finished_per_hour: f64,
    /// Tasks that finished in a minute, on average.
    pub finished_per_minute: f64,
    /// The share of the completed among the completed and failed, 0 to 1; absent without any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success_rate: Option<f64>,
    /// The share of the attempts that were followed by a retry among those and the ones that completed or failed, 0 to 1;
    /// absent without any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_rate: Option<f64>,
    /// From creation to the first start.
    pub wait: Times,
    /// Time in attempts.
    pub run: Times,
    /// Tokens read, those from a cache included.
    pub input_tokens: u64,
    /// Of the tokens read, those that came from a provider's cache.
    pub cached_tokens: u64,
    /// Tokens written.
    pub output_tokens: u64,
    /// Cost in US dollars.
    pub cost_usd: f64,
}

/// How long something took, of the tasks that finished and had started. Absent without any.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
pub struct Times {
    /// The mean, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean_seconds: Option<f64>,
    /// What half of them took at most, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p50_seconds: Option<f64>,
    /// What 95 of 100 took at most, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p95_seconds: Option<f64>,
}

impl History {
    /// Of `all` hours what `request` asks for, as it is at `now`.
    pub fn of(all: &[HourlyStats], request: &HistoryRequest, now: Timestamp) -> Self {
        let back = u32::try_from(request.hours.saturating_sub(1)).unwrap_or(u32::MAX);
        let since = now.start_of_hour().minus(HOUR * back);
        let mut total = Tally::default();
        let [mut queues, mut kinds, mut models] = [const { BTreeMap::new() }; 3];
        let mut hours = Vec::new();
        for hour in all.iter().filter(|hour| hour.hour >= since) {
            let mut work = Tally::default();
            let wanted = hour
                .groups
                .iter()
                .filter(|(group, _)| request.wants(group))
                .inspect(|(_, tally)| work.merge(tally));
            let wanted: Vec<_> = wanted.collect();
            if wanted.is_empty() {
                continue;
            }
            for (group, tally) in wanted {
                add(&mut queues, group.queue.as_ref(), tally);
                add(&mut kinds, group.kind.as_ref(), tally);
                add(&mut models, group.model.as_ref(), tally);
            }
            total.merge(&work);
            let passed = now.since(hour.hour).min(HOUR);
            hours.push(HistoryHour {
                hour: hour.hour,
                work: WorkStatistics::of(&work, passed),
            });
        }
        let span = now.since(since);
        let named = |parts: BTreeMap<Arc<str>, Tally>| {
            let parts = parts.into_iter();
            parts
                .map(|(name, tally)| (name, WorkStatistics::of(&tally, span)))
                .collect()
        };
        Self {
            since,
            total: WorkStatistics::of(&total, span),
            queues: named(queues),
            kinds: named(kinds),
            models: named(models),
            hours,
        }
    }
}

fn add(parts: &mut BTreeMap<Arc<str>, Tally>, name: Option<&Arc<str>>, tally: &Tally) {
    if let Some(name) = name {
        parts.entry(Arc::clone(name)).or_default().merge(tally);
    }
}

impl WorkStatistics {
    /// What follows from `tally` over `span`, of which a minute at least counts, so that the first seconds of an hour make
    /// no rate of thousands.
    #[expect(clippy::cast_precision_loss, reason = "counts of tasks")]
    fn of(tally: &Tally, span: Duration) -> Self {
        let hours = span.max(Duration::from_mins(1)).as_secs_f64() / 3600.0;
        let per_hour = tally.finished() as f64 / hours;
        let share = |part: u64, whole: u64| (whole > 0).then(|| part as f64 / whole as f64);
        let ended = tally.completed + tally.failed;
        Self {
            created: tally.created,
            completed: tally.completed,
            failed: tally.failed,
            cancelled: tally.cancelled,
            retried: tally.retried,
            finished_per_hour: per_hour,
            finished_per_minute: per_hour / 60.0,
            success_rate: share(tally.completed, ended),
            retry_rate: share(tally.retried, tally.retried + ended),
            wait: Times::of(&tally.waits, tally.wait_ms, tally.started),
            run: Times::of(&tally.runs, tally.run_ms, tally.started),
            input_tokens: tally.input_tokens,
            cached_tokens: tally.cached_tokens,
            output_tokens: tally.output_tokens,
            cost_usd: tally.cost_usd,
        }
    }
}

impl Times {
    #[expect(clippy::cast_precision_loss, reason = "times for a reader")]
    fn of(each: &DurationHistogram, sum_ms: u64, tasks: u64) -> Self {
        let seconds = |share| Some(each.quantile(share)? as f64 / 1e6);
        Self {
            mean_seconds: (tasks > 0).then(|| sum_ms as f64 / tasks as f64 / 1e3),
            p50_seconds: seconds(0.5),
            p95_seconds: seconds(0.95),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Ended, GrowingHour, Happening, Status, Usage};
    use serde_json::json;

    const MILLIS: i64 = 3_600_000;

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_millis(hours * MILLIS)
    }

    fn group(queue: &str, kind: &str, model: Option<&str>) -> WorkGroup {
        WorkGroup::of(&queue.into(), &kind.into(), model)
    }

    fn ended(status: Status, waited: u64, ran_ms: u64) -> Happening {
        Happening::Ended(Ended {
            status,
            waited: Some(Duration::from_millis(waited)),
            ran_ms,
        })
    }

    /// Three hours: one that is too old, one with two kinds, and the one that has begun.
    fn hours() -> Vec<HourlyStats> {
        let (mut first, mut second, mut third) = (
            GrowingHour::default(),
            GrowingHour::default(),
            GrowingHour::default(),
        );
        let prompt = group("q", "prompt", Some("m"));
        first.count(prompt.clone(), &Happening::Created(9));
        let usage = Usage {
            input_tokens: 7,
            cached_tokens: 2,
            output_tokens: 3,
            cost_usd: 0.5,
            duration_ms: 0,
        };
        for what in [
            Happening::Created(3),
            Happening::Retried,
            Happening::Used(usage),
            ended(Status::Completed, 0, 16),
            ended(Status::Completed, 8, 0),
            ended(Status::Failed, 16, 16),
        ] {
            second.count(prompt.clone(), &what);
        }
        second.count(group("r", "command", None), &Happening::Created(1));
        third.count(prompt, &Happening::Created(1));
        vec![
            first.report(at(1)),
            second.report(at(2)),
            third.report(at(4)),
        ]
    }

    fn request(hours: usize) -> HistoryRequest {
        HistoryRequest {
            hours,
            ..HistoryRequest::default()
        }
    }

    #[test]
    fn parts_add_up_to_the_whole_and_rates_are_over_the_span() {
        let now = Timestamp::from_millis(4 * MILLIS + MILLIS / 2);
        let found = History::of(&hours(), &request(3), now);
        assert_eq!(found.since, at(2));
        assert_eq!(found.total.created, 5);
        assert_eq!(found.hours.len(), 2);
        let sums = [&found.queues, &found.kinds].map(|parts| {
            let created = parts.values().map(|part| part.created);
            created.sum::<u64>()
        });
        assert_eq!(sums, [5, 5]);
        assert_eq!(found.models["m"].created, 4);
        let close = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(close(found.total.finished_per_hour, 3.0 / 2.5));
        assert!(close(found.hours[0].work.finished_per_minute, 3.0 / 60.0));
        assert!(close(
            found.kinds["prompt"].success_rate.unwrap(),
            2.0 / 3.0
        ));
        assert!(close(found.kinds["prompt"].retry_rate.unwrap(), 0.25));
        assert_eq!(found.kinds["command"].success_rate, None);
    }

    #[test]
    fn it_is_written_with_names_that_say_the_unit() {
        let found = History::of(&hours()[1..2], &request(3), at(4));
        let total = serde_json::to_value(&found.models["m"]).unwrap();
        let per_hour = 1.5;
        let wanted = json!({
            "created": 3, "completed": 2, "failed": 1, "cancelled": 0, "retried": 1,
            "finished_per_hour": per_hour, "finished_per_minute": per_hour / 60.0,
            "success_rate": 2.0 / 3.0, "retry_rate": 0.25,
            "wait": {"mean_seconds": 0.008, "p50_seconds": 0.008_064, "p95_seconds": 0.016_128},
            "run": {"mean_seconds": 32.0 / 3.0 / 1e3, "p50_seconds": 0.016_128, "p95_seconds": 0.016_128},
            "input_tokens": 7, "cached_tokens": 2, "output_tokens": 3, "cost_usd": 0.5,
        });
        assert_eq!(total, wanted);
    }

    #[test]
    fn a_filter_leaves_the_other_groups_out() {
        let only = HistoryRequest {
            kind: Some("command".into()),
            ..request(3)
        };
        let found = History::of(&hours(), &only, at(4));
        assert_eq!((found.total.created, found.hours.len()), (1, 1));
        assert!(found.models.is_empty() && !found.queues.contains_key("q"));
        let none = HistoryRequest {
            model: Some("nobody".into()),
            ..request(3)
        };
        assert!(History::of(&hours(), &none, at(4)).hours.is_empty());
    }

    #[test]
    fn only_spans_that_are_kept_are_taken() {
        assert!(request(1).check().is_ok() && request(limits::STATS_HOURS).check().is_ok());
        for hours in [0, limits::STATS_HOURS + 1] {
            let refused = request(hours).check().unwrap_err();
            assert_eq!(refused.field, "hours");
        }
    }
}
