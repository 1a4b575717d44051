use super::{DurationHistogram, Effect, Micros};
use crate::domain::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the interactions of one MCP server added up to in one hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InteractionHour {
    /// The start of the hour, by the reporter's clock; what happened ahead of the store's is in the hour in which it was
    /// stored.
    pub hour: Timestamp,
    /// Interactions whose first event happened in it.
    pub calls: u64,
    /// Interactions that ended well in it.
    pub completed: u64,
    /// Interactions that ended with an error in it.
    pub failed: u64,
    /// How long those took that ended in it, of those that it is known of.
    pub durations: DurationHistogram,
}

impl InteractionHour {
    /// An hour in which nothing happened.
    pub fn empty(hour: Timestamp) -> Self {
        Self {
            hour,
            calls: 0,
            completed: 0,
            failed: 0,
            durations: DurationHistogram::default(),
        }
    }

    /// Adds another hour's counts.
    pub fn merge(&mut self, other: &Self) {
        self.calls += other.calls;
        self.completed += other.completed;
        self.failed += other.failed;
        self.durations.merge(&other.durations);
    }
}

/// Hours that grow with the effects of events, by MCP server.
#[derive(Debug, Clone)]
pub(crate) struct Tally<K>(BTreeMap<(K, Timestamp), InteractionHour>);

impl<K> Default for Tally<K> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Ord + Clone> Tally<K> {
    /// Counts what an event changed that is stored `now`. No hour begins later, since those of a reporter whose clock is
    /// years ahead would be shown and kept for as long.
    pub(crate) fn count(&mut self, mcp: &K, effect: &Effect, now: Timestamp) {
        let current = Micros::from(now).hour();
        if let Some(hour) = effect.called {
            self.hour(mcp, hour.min(current)).calls += 1;
        }
        if let Some((hour, failed)) = effect.ended {
            let hour = self.hour(mcp, hour.min(current));
            *(if failed {
                &mut hour.failed
            } else {
                &mut hour.completed
            }) += 1;
        }
        if let Some((hour, micros)) = effect.measured {
            self.hour(mcp, hour.min(current)).durations.record(micros);
        }
    }

    /// Adds the hours of another.
    #[cfg(feature = "sqlite")]
    pub(crate) fn merge(&mut self, other: Self) {
        for ((mcp, _), hour) in other.0 {
            self.hour(&mcp, hour.hour).merge(&hour);
        }
    }

    /// The hours.
    #[cfg(any(test, feature = "sqlite"))]
    pub(crate) fn into_hours(self) -> impl Iterator<Item = (K, InteractionHour)> {
        self.0.into_iter().map(|((mcp, _), hour)| (mcp, hour))
    }

    /// The hours that are there.
    pub(crate) fn hours(&self) -> impl Iterator<Item = (&K, &InteractionHour)> {
        self.0.iter().map(|((mcp, _), hour)| (mcp, hour))
    }

    /// Removes up to `limit` hours that began at `until` or before, those that began first before others.
    pub(crate) fn forget(&mut self, until: Timestamp, limit: usize) {
        let mut old: Vec<_> = self
            .0
            .keys()
            .filter(|(_, hour)| *hour <= until)
            .cloned()
            .collect();
        old.sort_unstable_by_key(|(_, hour)| *hour);
        for key in old.iter().take(limit) {
            self.0.remove(key);
        }
    }

    fn hour(&mut self, mcp: &K, hour: Timestamp) -> &mut InteractionHour {
        self.0
            .entry((mcp.clone(), hour))
            .or_insert_with(|| InteractionHour::empty(hour))
    }
}

/// The hours of one MCP server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct McpHours {
    /// Which.
    pub mcp_id: Arc<str>,
    /// Its hours with any activity, oldest first.
    pub hours: Vec<InteractionHour>,
}

/// What the interactions of one MCP server add up to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct McpStatistics {
    /// Which.
    pub mcp_id: Arc<str>,
    /// All of its hours together.
    #[serde(flatten)]
    pub total: CallStatistics,
    /// Each of its hours with any activity, oldest first.
    pub hours: Vec<HourStatistics>,
}

/// One hour in the statistics.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HourStatistics {
    /// Its start.
    pub hour: Timestamp,
    /// What happened in it.
    #[serde(flatten)]
    pub calls: CallStatistics,
}

/// Counts and durations of calls.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CallStatistics {
    /// Calls that began.
    pub calls: u64,
    /// Calls that ended well.
    pub completed: u64,
    /// Calls that ended with an error.
    pub errors: u64,
    /// The share of errors among the calls that ended, 0 to 1; absent if none did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_rate: Option<f64>,
    /// Calls that began a minute, on average.
    pub calls_per_minute: f64,
    /// What half of the calls took at most, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p50_ms: Option<f64>,
    /// What 95 of 100 calls took at most, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p95_ms: Option<f64>,
}

impl McpStatistics {
    /// Adds up hours that began at `since` or later, as it is at `now`.
    pub fn of(mcp: &McpHours, since: Timestamp, now: Timestamp) -> Self {
        let mut total = InteractionHour::empty(since);
        for hour in &mcp.hours {
            total.merge(hour);
        }
        let hours = mcp.hours.iter().map(|hour| HourStatistics {
            hour: hour.hour,
            calls: CallStatistics::of(hour, minutes(hour.hour, now).min(60.0)),
        });
        Self {
            mcp_id: Arc::clone(&mcp.mcp_id),
            total: CallStatistics::of(&total, minutes(since, now)),
            hours: hours.collect(),
        }
    }
}

/// The minutes from `since` to `now`, at least one, so that the first seconds of an hour make no rate of thousands.
fn minutes(since: Timestamp, now: Timestamp) -> f64 {
    (now.since(since).as_secs_f64() / 60.0).max(1.0)
}

impl CallStatistics {
    #[expect(clippy::cast_precision_loss, reason = "counts of calls")]
    fn of(hour: &InteractionHour, minutes: f64) -> Self {
        let ended = hour.completed + hour.failed;
        let millis = |q| Some(hour.durations.quantile(q)? as f64 / 1000.0);
        Self {
            calls: hour.calls,
            completed: hour.completed,
            errors: hour.failed,
            error_rate: (ended > 0).then(|| hour.failed as f64 / ended as f64),
            calls_per_minute: hour.calls as f64 / minutes,
            p50_ms: millis(0.5),
            p95_ms: millis(0.95),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const HOUR: i64 = 3_600_000;

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_millis(hours * HOUR)
    }

    #[test]
    fn hours_add_up_and_rates_are_over_the_time_that_passed() {
        let mut tally = Tally::default();
        for (hour, failed, micros) in [(1, false, 8), (1, true, 10), (3, false, 10), (3, false, 12)]
        {
            let effect = Effect {
                called: Some(at(hour)),
                ended: Some((at(hour), failed)),
                measured: Some((at(hour), micros)),
            };
            tally.count(&"m", &effect, at(3));
        }
        // Ahead of the store's clock.
        let begun = Effect {
            called: Some(at(9)),
            ..Effect::default()
        };
        tally.count(&"m", &begun, at(3));
        let mcp = McpHours {
            mcp_id: "m".into(),
            hours: tally.into_hours().map(|(_, hour)| hour).collect(),
        };
        let now = Timestamp::from_millis(3 * HOUR + HOUR / 2);
        let found = serde_json::to_value(McpStatistics::of(&mcp, at(1), now)).unwrap();
        let wanted = json!({
            "mcp_id": "m", "calls": 5, "completed": 3, "errors": 1, "error_rate": 0.25,
            "calls_per_minute": 5.0 / 150.0, "p50_ms": 0.01, "p95_ms": 0.012,
            "hours": [
                {"hour": "1970-01-01T01:00:00.000Z", "calls": 2, "completed": 1, "errors": 1, "error_rate": 0.5,
                 "calls_per_minute": 2.0 / 60.0, "p50_ms": 0.008, "p95_ms": 0.01},
                {"hour": "1970-01-01T03:00:00.000Z", "calls": 3, "completed": 2, "errors": 0, "error_rate": 0.0,
                 "calls_per_minute": 0.1, "p50_ms": 0.01, "p95_ms": 0.012},
            ],
        });
        assert_eq!(found, wanted);
    }

    #[test]
    fn what_never_happened_is_absent() {
        let mcp = McpHours {
            mcp_id: "m".into(),
            hours: Vec::new(),
        };
        let found = McpStatistics::of(&mcp, at(1), at(1)).total;
        assert_eq!(
            (found.calls, found.error_rate, found.p95_ms),
            (0, None, None)
        );
        assert!(found.calls_per_minute.abs() < f64::EPSILON);
    }
}
