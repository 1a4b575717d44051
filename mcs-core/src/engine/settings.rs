use crate::domain::{InvalidInput, Retention, RetryPolicy, check_name, limits};
use std::collections::HashMap;
use std::time::Duration;

/// How many tasks of a queue run at a time unless it is configured.
const CONCURRENCY: usize = 10;
/// How many attempts may wait for answers.
const MAX_WAITING: usize = 100;
/// How long an attempt may take unless its task says.
const ATTEMPT_TIMEOUT: Duration = Duration::from_mins(10);
/// How long an attempt that was told to end may take until its future is dropped.
const CANCEL_GRACE: Duration = Duration::from_secs(5);

/// What a host may set.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) queues: HashMap<String, usize>,
    pub(super) default_concurrency: usize,
    pub(super) max_waiting: usize,
    pub(super) lease: Duration,
    pub(super) heartbeat: Duration,
    pub(super) retry: RetryPolicy,
    pub(super) attempt_timeout: Duration,
    pub(super) cancel_grace: Duration,
    pub(super) retention: Retention,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            queues: HashMap::new(),
            default_concurrency: CONCURRENCY,
            max_waiting: MAX_WAITING,
            lease: limits::LEASE,
            heartbeat: limits::HEARTBEAT,
            retry: RetryPolicy::default(),
            attempt_timeout: ATTEMPT_TIMEOUT,
            cancel_grace: CANCEL_GRACE,
            retention: Retention::default(),
        }
    }
}

impl Settings {
    /// Refuses what could not work.
    pub(super) fn check(&self) -> Result<(), InvalidInput> {
        check_concurrency("default_concurrency", self.default_concurrency)?;
        for (queue, concurrency) in &self.queues {
            check_name("queue", queue)?;
            check_concurrency(&format!("queues.{queue}"), *concurrency)?;
        }
        self.retry.check()?;
        if self.heartbeat.is_zero() || self.heartbeat > self.lease / 3 {
            let problem = format!(
                "is {:?} with a lease of {:?}; make it at most a third of the lease, so that one late beat loses nothing",
                self.heartbeat, self.lease
            );
            return Err(InvalidInput::new("heartbeat", problem));
        }
        if self.attempt_timeout.is_zero() {
            let problem = "is zero; give attempts some time";
            return Err(InvalidInput::new("attempt_timeout", problem));
        }
        Ok(())
    }
}

fn check_concurrency(field: &str, concurrency: usize) -> Result<(), InvalidInput> {
    let most = limits::QUEUE_CONCURRENCY;
    if (1..=most).contains(&concurrency) {
        return Ok(());
    }
    let problem = format!("is {concurrency}; use 1 to {most}");
    Err(InvalidInput::new(field, problem))
}
