//! How long to wait after failures.

use std::time::Duration;

/// Longest wait between two attempts.
pub(crate) const LONGEST: Duration = Duration::from_mins(1);

/// The wait after the `failures`th failure in a row: anything up to `base`, twice that, four times that, and so on, but
/// never more than [`LONGEST`]. `jitter` in `0..1` chooses, so that reporters that failed together come back apart.
pub(crate) fn full_jitter(base: Duration, failures: u32, jitter: f64) -> Duration {
    ceiling(base, failures).mul_f64(jitter.clamp(0.0, 1.0))
}

/// The longest that [`full_jitter`] waits.
fn ceiling(base: Duration, failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(31);
    base.saturating_mul(1 << doublings).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_ceiling_doubles_up_to_a_minute() {
        let seconds: Vec<_> = (1..=9).map(|n| ceiling(SECOND, n).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(ceiling(SECOND, u32::MAX), LONGEST);
        assert_eq!(ceiling(Duration::MAX, 3), LONGEST);
        assert_eq!(ceiling(SECOND, 0), SECOND);
    }

    #[test]
    fn jitter_takes_any_part_of_it() {
        for (jitter, millis) in [(0.0, 0), (0.25, 1000), (0.5, 2000), (1.0, 4000)] {
            assert_eq!(full_jitter(SECOND, 3, jitter).as_millis(), millis);
        }
    }
}
