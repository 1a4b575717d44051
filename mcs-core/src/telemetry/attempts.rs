use super::OTHER;
use super::bounded::PerPair;
use crate::domain::{Outcome, Usage};
use metrics::{Counter, Histogram, Unit, counter, describe_counter, describe_histogram, histogram};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// What an engine tells.
#[derive(Debug)]
pub(crate) struct EngineMeters {
    created: PerPair<Counter>,
    attempts: PerPair<AttemptMeters>,
    spent: PerPair<SpentMeters>,
    settled: Histogram,
    claimed: Histogram,
}

/// What is told of the attempts at tasks of one queue and kind.
#[derive(Debug)]
pub(crate) struct AttemptMeters {
    queue: String,
    kind: String,
    start_latency: Histogram,
    /// Made when an attempt first ends so, since most ways are rare.
    durations: [OnceLock<Histogram>; Ended::ALL.len()],
}

/// What attempts of one kind spent on one model.
#[derive(Debug)]
struct SpentMeters {
    cost: Histogram,
    input: Histogram,
    output: Histogram,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    Completed,
    Failed,
    Cancelled,
    Retrying,
    Snoozed,
    Released,
    /// Another worker may have the task.
    Lost,
}

impl Ended {
    const ALL: [Self; 7] = [
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
        Self::Retrying,
        Self::Snoozed,
        Self::Released,
        Self::Lost,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Retrying => "retrying",
            Self::Snoozed => "snoozed",
            Self::Released => "released",
            Self::Lost => "lost",
        }
    }
}

impl From<Option<&Outcome>> for Ended {
    fn from(outcome: Option<&Outcome>) -> Self {
        match outcome {
            Some(Outcome::Complete(_)) => Self::Completed,
            Some(Outcome::Fail(_)) => Self::Failed,
            Some(Outcome::Cancel(_)) => Self::Cancelled,
            Some(Outcome::Retry { .. }) => Self::Retrying,
            Some(Outcome::Snooze(_)) => Self::Snoozed,
            Some(Outcome::Release) => Self::Released,
            None => Self::Lost,
        }
    }
}

impl EngineMeters {
    pub(crate) fn new() -> Self {
        describe();
        Self {
            created: PerPair::new(
                |queue, kind| counter!("mcs.task.created", "queue" => queue.to_owned(), "kind" => kind.to_owned()),
            ),
            attempts: PerPair::new(AttemptMeters::new),
            spent: PerPair::new(SpentMeters::new),
            settled: histogram!("mcs.settle.batch.size"),
            claimed: histogram!("mcs.claim.batch.size"),
        }
    }

    /// A task was stored.
    pub(crate) fn created(&self, queue: &str, kind: &str) {
        self.created.get(queue, kind).increment(1);
    }

    /// Those of a task's queue and kind.
    pub(crate) fn attempt(&self, queue: &str, kind: &str) -> Arc<AttemptMeters> {
        self.attempts.get(queue, kind)
    }

    /// What an attempt used.
    pub(crate) fn spent(&self, kind: &str, model: Option<&str>, usage: &Usage) {
        let tokens = usage.input_tokens + usage.output_tokens;
        if tokens == 0 && usage.cost_usd <= 0.0 {
            return;
        }
        let meters = self.spent.get(kind, model.unwrap_or(OTHER));
        if usage.cost_usd > 0.0 {
            meters.cost.record(usage.cost_usd);
        }
        if tokens > 0 {
            meters.input.record(number(usage.input_tokens));
            meters.output.record(number(usage.output_tokens));
        }
    }

    /// So many outcomes were stored in one exchange with the store, and so many tasks claimed.
    pub(crate) fn exchanged(&self, settled: usize, claimed: usize) {
        for (meter, count) in [(&self.settled, settled), (&self.claimed, claimed)] {
            if count > 0 {
                meter.record(number(count as u64));
            }
        }
    }
}

impl AttemptMeters {
    fn new(queue: &str, kind: &str) -> Self {
        let (queue, kind) = (queue.to_owned(), kind.to_owned());
        Self {
            start_latency: histogram!(
                "mcs.attempt.start.latency", "queue" => queue.clone(), "kind" => kind.clone()
            ),
            durations: [const { OnceLock::new() }; Ended::ALL.len()],
            queue,
            kind,
        }
    }

    /// An attempt began so long after it was due.
    pub(crate) fn started(&self, latency: Duration) {
        self.start_latency.record(latency);
    }

    /// An attempt ended after it ran for so long.
    pub(crate) fn ended(&self, how: Ended, ran: Duration) {
        let meter = self.durations[how as usize].get_or_init(|| {
            histogram!(
                "mcs.attempt.duration",
                "queue" => self.queue.clone(), "kind" => self.kind.clone(), "outcome" => how.name()
            )
        });
        meter.record(ran);
    }
}

impl SpentMeters {
    fn new(kind: &str, model: &str) -> Self {
        let (kind, model) = (kind.to_owned(), model.to_owned());
        let tokens = |which: &'static str| {
            histogram!(
                "mcs.attempt.tokens",
                "kind" => kind.clone(), "gen_ai.request.model" => model.clone(),
                "gen_ai.token.type" => which
            )
        };
        Self {
            input: tokens("input"),
            output: tokens("output"),
            cost: histogram!(
                "mcs.attempt.cost.usd", "kind" => kind.clone(), "gen_ai.request.model" => model.clone()
            ),
        }
    }
}

/// Counts here are far below what a float has no room for.
#[expect(
    clippy::cast_precision_loss,
    reason = "an estimate will do beyond 2^53"
)]
pub(super) const fn number(count: u64) -> f64 {
    count as f64
}

fn describe() {
    describe_counter!("mcs.task.created", Unit::Count, "Tasks that were stored.");
    describe_histogram!(
        "mcs.attempt.start.latency",
        Unit::Seconds,
        "From when a task was due until its attempt began."
    );
    describe_histogram!(
        "mcs.attempt.duration",
        Unit::Seconds,
        "How long attempts ran."
    );
    describe_histogram!(
        "mcs.attempt.cost.usd",
        Unit::Count,
        "US dollars that attempts cost."
    );
    describe_histogram!(
        "mcs.attempt.tokens",
        Unit::Count,
        "Tokens that attempts used."
    );
    describe_histogram!(
        "mcs.settle.batch.size",
        Unit::Count,
        "Outcomes that were stored together."
    );
    describe_histogram!(
        "mcs.claim.batch.size",
        Unit::Count,
        "Tasks that were claimed together."
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_end_has_its_place() {
        for (place, how) in Ended::ALL.into_iter().enumerate() {
            assert_eq!(how as usize, place, "{how:?}");
        }
    }
}
