use super::check::{MILLISECOND, Problem, check_concurrency, check_range, check_time, shown};
use super::error::ConfigError;
use super::source::Section;
use crate::domain::{RetryPolicy, limits};
use std::time::Duration;

/// How tasks are run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineConfig {
    /// Most tasks of a queue that run at a time, for queues that do not say.
    pub concurrency: usize,
    /// Most tasks that wait for an answer at a time.
    pub max_waiting: usize,
    /// How long a worker holds a task unless it extends its lease.
    pub lease: Duration,
    /// How often leases are extended.
    pub heartbeat: Duration,
    /// Longest time of one attempt, for tasks that do not say.
    pub attempt_timeout: Duration,
    /// How long running tasks may go on when the service ends.
    pub shutdown_grace: Duration,
    /// How failed tasks are tried again.
    pub retry: RetryConfig,
}

/// How failed tasks are tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryConfig {
    /// Upper bound of the first delay; it doubles with every attempt.
    pub base: Duration,
    /// Upper bound of every delay.
    pub cap: Duration,
    /// Most attempts, for tasks that do not say.
    pub max_attempts: u32,
}

/// How one queue is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueConfig {
    /// Most of its tasks that run at a time.
    pub concurrency: usize,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            concurrency: 10,
            max_waiting: 100,
            lease: limits::LEASE,
            heartbeat: limits::HEARTBEAT,
            attempt_timeout: Duration::from_mins(10),
            shutdown_grace: Duration::from_millis(1500),
            retry: RetryConfig::default(),
        }
    }
}

impl Default for RetryConfig {
    fn default() -> Self {
        let RetryPolicy { base_ms, cap_ms } = RetryPolicy::default();
        Self {
            base: Duration::from_millis(base_ms),
            cap: Duration::from_millis(cap_ms),
            max_attempts: limits::MAX_ATTEMPTS,
        }
    }
}

impl RetryConfig {
    /// The delays as the engine takes them.
    pub(super) fn policy(&self) -> RetryPolicy {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        RetryPolicy {
            base_ms: millis(self.base),
            cap_ms: millis(self.cap),
        }
    }
}

const MOST_WAITING: usize = 100_000;
const SHORTEST_LEASE: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_hours(1);

impl EngineConfig {
    pub(super) fn read(&mut self, section: &Section<'_>) -> Result<(), ConfigError> {
        section.set("concurrency", &mut self.concurrency)?;
        section.set("max_waiting", &mut self.max_waiting)?;
        section.set("lease", &mut self.lease)?;
        section.set("heartbeat", &mut self.heartbeat)?;
        section.set("attempt_timeout", &mut self.attempt_timeout)?;
        section.set("shutdown_grace", &mut self.shutdown_grace)?;
        let retry = section.section("retry")?;
        retry.set("base", &mut self.retry.base)?;
        retry.set("cap", &mut self.retry.cap)?;
        retry.set("max_attempts", &mut self.retry.max_attempts)
    }

    /// Refuses values that no engine can run with.
    pub(super) fn check(&self) -> Result<(), Problem> {
        check_concurrency("engine.concurrency", self.concurrency)?;
        check_range("engine.max_waiting", self.max_waiting, (0, MOST_WAITING))?;
        check_time("engine.lease", self.lease, (SHORTEST_LEASE, HOUR))?;
        check_time(
            "engine.heartbeat",
            self.heartbeat,
            (Duration::from_millis(100), HOUR),
        )?;
        if self.heartbeat > self.lease / 3 {
            let problem = format!(
                "is {} with `engine.lease` at {}; use at most a third of the lease, so that one lost heartbeat loses no task",
                shown(self.heartbeat),
                shown(self.lease)
            );
            return Err(Problem::new("engine.heartbeat", problem));
        }
        check_time(
            "engine.attempt_timeout",
            self.attempt_timeout,
            (MILLISECOND, limits::LONGEST),
        )?;
        check_time(
            "engine.shutdown_grace",
            self.shutdown_grace,
            (Duration::ZERO, HOUR),
        )?;
        check_time(
            "engine.retry.cap",
            self.retry.cap,
            (MILLISECOND, limits::LONGEST),
        )?;
        if self.retry.base > self.retry.cap {
            let problem = format!(
                "is {}, more than `engine.retry.cap` at {}; lower it or raise the cap",
                shown(self.retry.base),
                shown(self.retry.cap)
            );
            return Err(Problem::new("engine.retry.base", problem));
        }
        let attempts = (1, limits::MAX_ATTEMPTS_CEILING);
        check_range(
            "engine.retry.max_attempts",
            self.retry.max_attempts,
            attempts,
        )
    }
}

impl QueueConfig {
    pub(super) fn read(section: &Section<'_>) -> Result<Self, ConfigError> {
        match section.get("concurrency")? {
            Some(concurrency) => Ok(Self { concurrency }),
            None => {
                Err(section.refuse("concurrency", "is missing; set it, or leave the queue out"))
            }
        }
    }
}
