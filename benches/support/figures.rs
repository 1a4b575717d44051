use super::Outcome;
use hdrhistogram::Histogram;
use std::time::Duration;

/// The middle one of `values`.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.as_slice() {
        [] => f64::NAN,
        values if values.len() % 2 == 1 => values[middle],
        values => f64::midpoint(values[middle - 1], values[middle]),
    }
}

/// How many of `count` things a second were done in `spent`.
#[expect(
    clippy::cast_precision_loss,
    reason = "a benchmark counts to a few millions"
)]
pub(crate) fn per_second(count: usize, spent: Duration) -> f64 {
    count as f64 / spent.as_secs_f64()
}

/// A time in microseconds.
pub(crate) fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// Times, of which any percentile can be asked.
#[derive(Debug, Clone)]
pub(crate) struct Percentiles(Histogram<u64>);

impl Percentiles {
    /// None yet. Keeps three digits of up to ten minutes.
    pub(crate) fn new() -> Outcome<Self> {
        Ok(Self(Histogram::new_with_max(600_000_000_000, 3)?))
    }

    /// Adds a time.
    pub(crate) fn record(&mut self, time: Duration) {
        self.0
            .saturating_record(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Adds all of `others`.
    pub(crate) fn add(&mut self, others: &Self) -> Outcome {
        Ok(self.0.add(&others.0)?)
    }

    /// The time that `percent` of the times do not exceed, in microseconds.
    #[expect(
        clippy::cast_precision_loss,
        reason = "ten minutes in nanoseconds are exact enough"
    )]
    pub(crate) fn at(&self, percent: f64) -> f64 {
        self.0.value_at_quantile(percent / 100.0) as f64 / 1e3
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        usize::try_from(self.0.len()).unwrap_or(usize::MAX)
    }

    /// The middle one, in microseconds.
    pub(crate) fn p50(&self) -> f64 {
        self.at(50.0)
    }

    /// The time that one in a hundred exceeds, in microseconds.
    pub(crate) fn p99(&self) -> f64 {
        self.at(99.0)
    }
}
