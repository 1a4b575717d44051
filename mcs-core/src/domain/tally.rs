use super::{DurationHistogram, Status, Usage};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What a number of tasks did, added up.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Tally {
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
    /// Of the tasks that finished, those that had started.
    pub started: u64,
    /// From creation to the first start, added up over those, in milliseconds.
    pub wait_ms: u64,
    /// Time in attempts, added up over the same tasks, in milliseconds.
    pub run_ms: u64,
    /// Tokens read, those from a cache included.
    pub input_tokens: u64,
    /// Of the tokens read, those that came from a provider's cache.
    pub cached_tokens: u64,
    /// Tokens written.
    pub output_tokens: u64,
    /// Cost in US dollars.
    pub cost_usd: f64,
    /// The same waits one by one. Hours that were counted before waits were told apart have none.
    pub waits: DurationHistogram,
    /// The same times one by one.
    pub runs: DurationHistogram,
}

/// Something that counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Happening {
    /// So many tasks were created.
    Created(u64),
    /// An attempt was followed by a retry.
    Retried,
    /// An attempt used something.
    Used(Usage),
    /// A task finished.
    Ended(Ended),
}

/// The end of a task.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Ended {
    /// Its terminal status.
    pub(crate) status: Status,
    /// From its creation to its first start; `None` if it never started.
    pub(crate) waited: Option<Duration>,
    /// Its whole time in attempts, in milliseconds.
    pub(crate) ran_ms: u64,
}

impl Tally {
    /// Largest sum of tokens or times that is kept, so that every store can write it.
    const MOST: u64 = 1 << 53;

    /// Tasks that finished.
    pub const fn finished(&self) -> u64 {
        self.completed + self.failed + self.cancelled
    }

    /// Adds what happened.
    pub(crate) fn count(&mut self, what: &Happening) {
        match what {
            Happening::Created(tasks) => self.created += tasks,
            Happening::Retried => self.retried += 1,
            Happening::Used(usage) => {
                add(&mut self.input_tokens, usage.input_tokens);
                add(&mut self.cached_tokens, usage.cached_tokens);
                add(&mut self.output_tokens, usage.output_tokens);
                self.cost_usd += usage.cost_usd;
            }
            Happening::Ended(ended) => self.end(ended),
        }
    }

    fn end(&mut self, ended: &Ended) {
        match ended.status {
            Status::Completed => self.completed += 1,
            Status::Failed => self.failed += 1,
            Status::Cancelled => self.cancelled += 1,
            Status::Pending | Status::Processing | Status::InputRequired => {}
        }
        let Some(waited) = ended.waited else {
            return;
        };
        let waited = u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
        self.started += 1;
        add(&mut self.wait_ms, waited);
        add(&mut self.run_ms, ended.ran_ms);
        self.waits.record(waited.saturating_mul(1000));
        self.runs.record(ended.ran_ms.saturating_mul(1000));
    }

    /// Adds another tally.
    pub fn merge(&mut self, other: &Self) {
        for (sum, more) in [
            (&mut self.created, other.created),
            (&mut self.completed, other.completed),
            (&mut self.failed, other.failed),
            (&mut self.cancelled, other.cancelled),
            (&mut self.retried, other.retried),
            (&mut self.started, other.started),
            (&mut self.wait_ms, other.wait_ms),
            (&mut self.run_ms, other.run_ms),
            (&mut self.input_tokens, other.input_tokens),
            (&mut self.cached_tokens, other.cached_tokens),
            (&mut self.output_tokens, other.output_tokens),
        ] {
            add(sum, more);
        }
        self.cost_usd += other.cost_usd;
        self.waits.merge(&other.waits);
        self.runs.merge(&other.runs);
    }
}

fn add(sum: &mut u64, more: u64) {
    *sum = sum.saturating_add(more).min(Tally::MOST);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_never_started_has_no_duration() {
        let mut tally = Tally::default();
        let ended = Ended {
            status: Status::Cancelled,
            waited: None,
            ran_ms: 0,
        };
        tally.count(&Happening::Ended(ended));
        assert_eq!((tally.cancelled, tally.finished()), (1, 1));
        assert!(tally.waits.is_empty() && tally.runs.is_empty());
    }

    #[test]
    fn sums_stay_what_every_store_can_write() {
        let usage = Usage {
            input_tokens: 1 << 53,
            ..Usage::default()
        };
        let mut tally = Tally::default();
        tally.count(&Happening::Used(usage));
        tally.count(&Happening::Used(usage));
        assert_eq!(tally.input_tokens, 1 << 53);
    }

    proptest! {
        #[test]
        fn percentiles_are_those_of_the_tasks_and_parts_add_up(
            tasks in prop::collection::vec((0..10_000_000_u64, 0..10_000_000_u64), 1..200),
        ) {
            let (mut one, mut other) = (Tally::default(), Tally::default());
            for (number, (waited, ran_ms)) in tasks.iter().enumerate() {
                let part = if number % 3 == 0 { &mut one } else { &mut other };
                part.count(&Happening::Ended(Ended {
                    status: Status::Completed,
                    waited: Some(Duration::from_millis(*waited)),
                    ran_ms: *ran_ms,
                }));
            }
            one.merge(&other);
            prop_assert_eq!(one.wait_ms, tasks.iter().map(|task| task.0).sum::<u64>());
            prop_assert_eq!(one.completed, tasks.len() as u64);
            let mut runs: Vec<u64> = tasks.iter().map(|task| task.1 * 1000).collect();
            runs.sort_unstable();
            for (share, percent) in [(0.5, 50), (0.95, 95)] {
                let exact = runs[(runs.len() * percent).div_ceil(100) - 1];
                let found = one.runs.quantile(share).unwrap();
                prop_assert!(found.abs_diff(exact) <= exact / 32 + 1, "{found} for {exact}");
            }
        }
    }
}
