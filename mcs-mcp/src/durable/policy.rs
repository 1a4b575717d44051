use mcs_core::domain::{NewTask, Priority, RetryPolicy};
use std::sync::Arc;
use std::time::Duration;

/// How the calls of one durable tool are run.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    pub(super) idempotent: Option<bool>,
    attempts: Option<u32>,
    backoff: Option<RetryPolicy>,
    timeout: Option<Duration>,
    queue: Option<Arc<str>>,
    priority: Option<Priority>,
    pub(super) limit: Option<usize>,
    keep: Option<Duration>,
    pub(super) retry_errors: bool,
    pub(super) answer_within: Duration,
    pub(super) cancel_with_call: bool,
    pub(super) ask_first: bool,
}

impl Policy {
    /// What the configuration of the service says of tasks, and what the tool says of itself.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether a call that was cut off may run again. Unless it is said here, the tool's annotations say it: one that only
    /// reads, or that is idempotent, may; any other is run once and no more, and fails if its end is not known.
    pub fn idempotent(mut self, idempotent: bool) -> Self {
        self.idempotent = Some(idempotent);
        self
    }

    /// How often a call is tried. What the service is configured to do by default. A call of a tool that is not idempotent
    /// is tried once, and again only for errors that the tool answers with itself, with [`Policy::retry_errors`]: one that
    /// ran out of time, panicked or was cut off may have taken effect.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = Some(attempts);
        self
    }

    /// Tries again what the tool itself says is an error, too: a result with `isError`, or an error of the protocol. That is
    /// the tool's last word by default.
    pub fn retry_errors(mut self, retry: bool) -> Self {
        self.retry_errors = retry;
        self
    }

    /// How long to wait between attempts.
    pub fn backoff(mut self, backoff: RetryPolicy) -> Self {
        self.backoff = Some(backoff);
        self
    }

    /// Longest time of one attempt, ten minutes unless the service is configured otherwise. It stands still while a question
    /// waits for its answer.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The queue that calls wait in, with its concurrency. By default the one of all tasks that name none.
    pub fn queue(mut self, queue: impl Into<Arc<str>>) -> Self {
        self.queue = Some(queue.into());
        self
    }

    /// How urgent calls are.
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = Some(priority);
        self
    }

    /// Runs at most so many calls at a time in this process; the others wait to be taken up, with all of their time. A call
    /// that waits for an answer does not count. Without a queue of its own, the tool gets one of its kind's name.
    pub fn limit(mut self, calls: usize) -> Self {
        self.limit = Some(calls.max(1));
        self
    }

    /// How long a call is kept after its end, for clients that come back for the result.
    pub fn ttl(mut self, keep: Duration) -> Self {
        self.keep = Some(keep);
        self
    }

    /// Waits so long for a result before a client that takes tasks gets one. What ends sooner is answered as any call is.
    pub fn answer_within(mut self, wait: Duration) -> Self {
        self.answer_within = wait;
        self
    }

    /// Ends the work when a client that waits for the result cancels its call or goes. Unless it is said here the work goes
    /// on: a lost connection is no reason to lose it.
    pub fn cancel_with_call(mut self, cancel: bool) -> Self {
        self.cancel_with_call = cancel;
        self
    }

    /// Leaves the first round to a tool that asks its client before the work begins, with an `InputRequiredResult`: a call
    /// that brings no answers is the tool's own, stored nowhere, and may not do more than ask. One that brings them is
    /// durable. Clients with sessions have no such rounds, so their calls are durable from the start.
    pub fn ask_first(mut self, ask: bool) -> Self {
        self.ask_first = ask;
        self
    }

    /// The task of a call, as this policy has it.
    pub(super) fn apply(&self, task: &mut NewTask, idempotent: bool) {
        match self.attempts {
            // What may run once is called again only for what it says itself.
            _ if !idempotent && !self.retry_errors => task.max_attempts = 1,
            Some(attempts) => task.max_attempts = attempts,
            None if !idempotent => task.max_attempts = 1,
            None => {}
        }
        task.retry = self.backoff;
        task.timeout_ms = self.timeout.map(millis);
        task.ttl_ms = self.keep.map(millis);
        if let Some(priority) = self.priority {
            task.priority = priority;
        }
        match &self.queue {
            Some(queue) => task.queue = Arc::clone(queue),
            None if self.limit.is_some() => task.queue = Arc::clone(&task.kind),
            None => {}
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
