use super::{ErrorClass, InvalidInput, TaskError, Timestamp, WaitReason, limits};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// When a failed task is tried again: exponential backoff with full jitter, capped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetryPolicy {
    /// Upper bound of the first delay, in milliseconds.
    pub base_ms: u64,
    /// Upper bound of every delay, in milliseconds.
    pub cap_ms: u64,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            base_ms: 1000,
            cap_ms: 300_000,
        }
    }
}

impl RetryPolicy {
    /// Longest wait that another side may ask for with its Retry-After.
    pub const LONGEST_RETRY_AFTER: Duration = Duration::from_hours(24);
    /// Shortest wait after a rate limit, so that a `Retry-After: 0` does not make a busy loop.
    const SHORTEST_HOLD: Duration = Duration::from_millis(100);

    /// Refuses delays that make no sense.
    pub fn check(&self) -> Result<(), InvalidInput> {
        let longest = u64::try_from(limits::LONGEST.as_millis()).unwrap_or(u64::MAX);
        if self.base_ms > self.cap_ms || self.cap_ms > longest {
            let problem = format!(
                "has base_ms {} and cap_ms {}; base_ms may not exceed cap_ms",
                self.base_ms, self.cap_ms
            );
            return Err(InvalidInput::new("retry", problem));
        }
        Ok(())
    }

    /// The delay after `attempt` (1 is the first) failed. `jitter` in `0.0..1.0` places it between zero and its bound.
    pub fn delay(&self, attempt: u32, jitter: f64) -> Duration {
        let doublings = attempt.saturating_sub(1).min(62);
        let bound = self.base_ms.saturating_mul(1 << doublings).min(self.cap_ms);
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss
        )]
        let millis = (bound as f64 * jitter.clamp(0.0, 1.0)) as u64;
        Duration::from_millis(millis)
    }
}

/// What follows a failed attempt.
#[derive(Debug, Clone, PartialEq)]
pub enum FailureDecision {
    /// Try again.
    Retry {
        /// Not before this time.
        run_at: Timestamp,
        /// Whether the attempt counts against the task's attempts.
        counts: bool,
        /// Why it waits.
        reason: WaitReason,
    },
    /// Give up.
    Fail,
    /// End as cancelled.
    Cancel,
}

/// Decides what follows when attempt `attempt` of `max_attempts` failed with `error` at `now`.
///
/// `retry_after` is what the other side asked for. A rate limit never uses up an attempt; everything else does.
/// A retry that would start after `deadline` is not made.
pub fn decide(
    policy: &RetryPolicy,
    (attempt, max_attempts): (u32, u32),
    error: &TaskError,
    retry_after: Option<Duration>,
    deadline: Option<Timestamp>,
    (now, jitter): (Timestamp, f64),
) -> FailureDecision {
    let rate_limited = error.class == ErrorClass::RateLimited;
    if error.class == ErrorClass::Cancelled {
        return FailureDecision::Cancel;
    }
    if !error.retryable || (!rate_limited && attempt >= max_attempts) {
        return FailureDecision::Fail;
    }
    let backoff = policy.delay(attempt, jitter);
    let delay = match retry_after {
        Some(asked) => asked.min(RetryPolicy::LONGEST_RETRY_AFTER),
        None => backoff,
    };
    let delay = if rate_limited {
        delay.max(RetryPolicy::SHORTEST_HOLD)
    } else {
        delay
    };
    let run_at = now.plus(delay);
    if deadline.is_some_and(|deadline| run_at >= deadline) {
        return FailureDecision::Fail;
    }
    let reason = if rate_limited {
        WaitReason::RateLimited
    } else {
        WaitReason::Retry
    };
    FailureDecision::Retry {
        run_at,
        counts: !rate_limited,
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    fn after(
        class: ErrorClass,
        attempt: u32,
        retry_after: Option<u64>,
        deadline: Option<i64>,
    ) -> FailureDecision {
        let error = TaskError::new(class, "it broke");
        let deadline = deadline.map(Timestamp::from_millis);
        let retry_after = retry_after.map(Duration::from_millis);
        decide(
            &RetryPolicy::default(),
            (attempt, 3),
            &error,
            retry_after,
            deadline,
            (NOW, 0.5),
        )
    }

    fn retry(millis: u64, counts: bool, reason: WaitReason) -> FailureDecision {
        FailureDecision::Retry {
            run_at: NOW.plus(Duration::from_millis(millis)),
            counts,
            reason,
        }
    }

    #[test]
    fn the_class_decides() {
        assert_eq!(
            after(ErrorClass::Transient, 1, None, None),
            retry(500, true, WaitReason::Retry)
        );
        assert_eq!(
            after(ErrorClass::Timeout, 2, None, None),
            retry(1000, true, WaitReason::Retry)
        );
        assert_eq!(
            after(ErrorClass::Transient, 3, None, None),
            FailureDecision::Fail
        );
        for class in [ErrorClass::Permanent, ErrorClass::Budget, ErrorClass::Lost] {
            assert_eq!(after(class, 1, None, None), FailureDecision::Fail);
        }
        assert_eq!(
            after(ErrorClass::Cancelled, 1, None, None),
            FailureDecision::Cancel
        );
    }

    #[test]
    fn a_rate_limit_waits_as_told_and_costs_no_attempt() {
        assert_eq!(
            after(ErrorClass::RateLimited, 3, Some(7000), None),
            retry(7000, false, WaitReason::RateLimited)
        );
        assert_eq!(
            after(ErrorClass::RateLimited, 3, Some(0), None),
            retry(100, false, WaitReason::RateLimited)
        );
        let week = 7 * 24 * 3_600_000;
        assert_eq!(
            after(ErrorClass::RateLimited, 1, Some(week), None),
            retry(86_400_000, false, WaitReason::RateLimited)
        );
    }

    #[test]
    fn no_retry_starts_after_the_deadline() {
        assert_eq!(
            after(ErrorClass::Transient, 1, None, Some(1_000_500)),
            FailureDecision::Fail
        );
        assert_eq!(
            after(ErrorClass::Transient, 1, None, Some(1_000_501)),
            retry(500, true, WaitReason::Retry)
        );
    }

    #[test]
    fn delays_double_up_to_the_cap() {
        let policy = RetryPolicy {
            base_ms: 100,
            cap_ms: 1000,
        };
        let bounds: Vec<u128> = (1..7)
            .map(|attempt| policy.delay(attempt, 1.0).as_millis())
            .collect();
        assert_eq!(bounds, [100, 200, 400, 800, 1000, 1000]);
        assert_eq!(policy.delay(u32::MAX, 1.0).as_millis(), 1000);
        assert_eq!(policy.delay(4, 0.0), Duration::ZERO);
    }
}
