//! A token bucket: how often something may be done.

use super::Moment;
use std::time::Duration;

/// Gives out `rate` tokens a second, and up to a second's worth of them at once after a pause.
#[derive(Debug)]
pub(crate) struct Bucket {
    /// Time in which one token comes.
    every: Duration,
    /// Most that may lie ready, in time.
    depth: Duration,
    /// When the bucket would be full if nobody took from it. This is the whole state: what lies ready is how far that
    /// lies behind `now + depth`.
    full_at: Moment,
}

impl Bucket {
    /// A full bucket of `rate` tokens a second. A rate that is no positive number means one a second.
    pub(crate) fn new(rate: f64) -> Self {
        let rate = if rate.is_finite() && rate > 0.0 {
            rate.clamp(0.001, 1_000_000.0)
        } else {
            1.0
        };
        let every = Duration::from_secs_f64(1.0 / rate);
        Self {
            every,
            depth: every.max(Duration::from_secs(1)),
            full_at: Moment::ZERO,
        }
    }

    /// When there is a token: `now`, or later.
    pub(crate) fn ready_at(&self, now: Moment) -> Moment {
        (self.full_at.max(now) + self.every)
            .saturating_sub(self.depth)
            .max(now)
    }

    /// Takes a token, which [`Bucket::ready_at`] said is there.
    pub(crate) fn take(&mut self, now: Moment) {
        self.full_at = self.full_at.max(now) + self.every;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes as many as may be taken until `end` and says when.
    fn taken(bucket: &mut Bucket, mut now: Moment, end: Moment) -> Vec<u128> {
        let mut times = Vec::new();
        loop {
            now = bucket.ready_at(now);
            if now > end {
                return times;
            }
            bucket.take(now);
            times.push(now.as_millis());
        }
    }

    #[test]
    fn a_second_may_be_used_at_once_and_the_rest_is_even() {
        let mut bucket = Bucket::new(10.0);
        let times = taken(&mut bucket, Moment::ZERO, Duration::from_millis(500));
        assert_eq!(
            times,
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 100, 200, 300, 400, 500]
        );
    }

    #[test]
    fn a_long_pause_saves_up_no_more_than_a_second() {
        let mut bucket = Bucket::new(10.0);
        taken(&mut bucket, Moment::ZERO, Duration::from_secs(1));
        let later = Duration::from_hours(1);
        assert_eq!(taken(&mut bucket, later, later).len(), 10);
    }

    #[test]
    fn a_rate_below_one_has_one_token() {
        let mut bucket = Bucket::new(0.5);
        let times = taken(&mut bucket, Moment::ZERO, Duration::from_secs(5));
        assert_eq!(times, [0, 2000, 4000]);
    }

    #[test]
    fn any_number_is_a_rate() {
        for rate in [f64::NAN, f64::INFINITY, -1.0, 0.0, 1e-300, 1e300] {
            let mut bucket = Bucket::new(rate);
            assert_eq!(bucket.ready_at(Moment::ZERO), Moment::ZERO, "{rate}");
            bucket.take(Moment::ZERO);
        }
    }
}
