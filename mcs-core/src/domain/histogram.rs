use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Bits of a duration that its bucket keeps beside the magnitude: sixteen buckets an octave.
const SUB_BITS: u32 = 4;
const SUB: u64 = 1 << SUB_BITS;

/// How many durations there were of which length, to within about three percent.
///
/// Buckets are linear up to 16 microseconds and sixteen to each doubling above. Histograms of hours add up to those of days.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DurationHistogram(BTreeMap<u16, u64>);

impl DurationHistogram {
    /// The bucket of the longest duration.
    pub const LAST_BUCKET: u16 = Self::bucket_of(u64::MAX);

    /// The bucket of a duration in microseconds. Stores write this number.
    pub const fn bucket_of(micros: u64) -> u16 {
        if micros < SUB {
            #[expect(clippy::cast_possible_truncation, reason = "it is less than 16")]
            return micros as u16;
        }
        let shift = micros.ilog2() - SUB_BITS;
        let bucket = (shift as u64 + 1) * SUB + ((micros >> shift) & (SUB - 1));
        #[expect(
            clippy::cast_possible_truncation,
            reason = "it is less than 61 times 16"
        )]
        return bucket as u16;
    }

    /// The middle of a bucket, in microseconds.
    const fn middle_of(bucket: u16) -> u64 {
        if (bucket as u64) < SUB {
            return bucket as u64;
        }
        let shift = (bucket as u32 >> SUB_BITS) - 1;
        let start = (SUB + bucket as u64 % SUB) << shift;
        start + (1 << shift) / 2
    }

    /// Adds `count` durations to a bucket.
    pub fn add(&mut self, bucket: u16, count: u64) {
        let sum = self.0.entry(bucket).or_default();
        *sum = sum.saturating_add(count);
    }

    /// Adds one duration.
    pub fn record(&mut self, micros: u64) {
        self.add(Self::bucket_of(micros), 1);
    }

    /// Adds all durations of another.
    pub fn merge(&mut self, other: &Self) {
        for (bucket, count) in other.buckets() {
            self.add(bucket, count);
        }
    }

    /// The buckets that are not empty, and the durations in each.
    pub fn buckets(&self) -> impl Iterator<Item = (u16, u64)> {
        self.0.iter().map(|(bucket, count)| (*bucket, *count))
    }

    /// Whether it has no duration.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many durations it has.
    pub fn count(&self) -> u64 {
        self.0
            .values()
            .fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// The duration in microseconds that the share `q` of all does not exceed, such as the median for 0.5; `None` without
    /// any.
    pub fn quantile(&self, q: f64) -> Option<u64> {
        let total = self.count();
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a count, times a share of it"
        )]
        let rank = ((total as f64 * q).ceil() as u64).clamp(1, total.max(1));
        let mut seen = 0;
        let found = self.buckets().find(|(_, count)| {
            seen = count.saturating_add(seen);
            seen >= rank
        });
        found.map(|(bucket, _)| Self::middle_of(bucket))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bucket_numbers_stay_as_they_were_written() {
        for (micros, bucket) in [
            (0, 0),
            (15, 15),
            (16, 16),
            (31, 31),
            (32, 32),
            (33, 32),
            (34, 33),
            (1_000, 111),
            (1_000_000, 270),
            (u64::MAX, 975),
        ] {
            assert_eq!(DurationHistogram::bucket_of(micros), bucket, "{micros}");
        }
    }

    #[test]
    fn quantiles_of_few_are_among_them() {
        let mut histogram = DurationHistogram::default();
        assert_eq!(histogram.quantile(0.5), None);
        histogram.record(3);
        for q in [0.0, 0.5, 1.0] {
            assert_eq!(histogram.quantile(q), Some(3));
        }
        histogram.record(9);
        histogram.record(9);
        assert_eq!(histogram.quantile(0.33), Some(3));
        assert_eq!(histogram.quantile(0.5), Some(9));
    }

    proptest! {
        #[test]
        fn a_bucket_is_close_and_grows_with_the_duration(micros in 0..u64::MAX / 2, more in 0..1_000_000_u64) {
            let bucket = DurationHistogram::bucket_of(micros);
            prop_assert!(DurationHistogram::bucket_of(micros + more) >= bucket);
            let off = DurationHistogram::middle_of(bucket).abs_diff(micros);
            prop_assert!(off <= micros / 32 + 1, "{micros} is off by {off}");
        }

        #[test]
        fn quantiles_are_those_of_the_sorted_list(
            mut all in prop::collection::vec(0..10_000_000_u64, 1..200), parts in 0..=128_u8,
        ) {
            let (mut one, mut other) = (DurationHistogram::default(), DurationHistogram::default());
            for (number, micros) in all.iter().enumerate() {
                if number % 2 == 0 { one.record(*micros) } else { other.record(*micros) }
            }
            one.merge(&other);
            all.sort_unstable();
            // A share that a float holds exactly.
            let rank = (all.len() * usize::from(parts)).div_ceil(128).clamp(1, all.len());
            let found = one.quantile(f64::from(parts) / 128.0).unwrap();
            prop_assert!(found.abs_diff(all[rank - 1]) <= all[rank - 1] / 32 + 1);
        }
    }
}
