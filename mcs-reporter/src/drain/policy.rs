//! What the drain does next: a state machine without a clock, a network or a disk of its own.

use super::Moment;
use super::backoff::{self, full_jitter};
use super::bucket::Bucket;
use super::pace::Pace;
use mcs_core::domain::interaction::BATCH_EVENTS;
use std::time::Duration;

/// Failures in a row after which the coordinator counts as down.
const BREAKER: u32 = 5;
/// How often a coordinator that fails is asked whether it is back.
const PROBE_EVERY: Duration = Duration::from_millis(500);
/// How often a coordinator that refused the key is asked whether it takes it now.
const VALIDATE_EVERY: Duration = Duration::from_mins(1);
/// How long a coordinator without batches gets single events before it is asked again.
const SINGLE_FOR: Duration = Duration::from_hours(1);

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing, until something waits to be sent.
    Idle,
    /// Nothing before then.
    Wait(Moment),
    /// Ask `/api/v2/health`.
    Probe,
    /// Ask `/api/v2/validate`.
    Validate,
    /// Send the oldest events: at most so many. One goes by itself, more go as a batch.
    Send(usize),
}

/// What came of sending events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The coordinator took a stand on at least one of so many events.
    Answered(usize),
    /// There was no answer, or none that makes sense.
    Failed,
    /// The coordinator asks for patience: for so long, or without saying for how long.
    Throttled(Option<Duration>),
    /// It does not take the key, or so it says; so many events were sent with it.
    Refused(usize),
    /// So many events were too large for it.
    TooLarge(usize),
    /// It cannot make sense of something among so many events.
    Invalid(usize),
    /// There is nothing at that address; so many events were sent there.
    Missing(usize),
}

/// What a coordinator said to a question beside the events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reply {
    /// Yes: it is healthy, the key is good.
    Yes,
    /// No, or nothing at all.
    No,
    /// It does not know the question.
    Unknown,
}

/// What an outcome means for the events that were sent, where they have no answers of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// They stay where they are.
    Keep,
    /// The one event that was sent can never be taken.
    Bury,
}

/// How the coordinator is doing, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Condition {
    /// It takes what it gets.
    Well,
    /// It failed, less than [`BREAKER`] times in a row.
    Failing,
    /// It counts as down.
    Down,
    /// It asked for patience.
    Throttling,
    /// It does not take the key.
    AuthFailed,
}

/// What a refusal of the key is about, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Blame {
    /// The key.
    Key,
    /// Something in the events, to which whatever is before the coordinator takes offence: the key is good.
    Events,
    /// An event was buried for it, and nothing was taken since. It may be the key after all.
    Unclear,
}

/// Decides what the drain does. Times are given to it; see [`Moment`].
#[derive(Debug)]
pub(crate) struct Policy {
    base: Duration,
    jitter: fn() -> f64,
    bucket: Bucket,
    pace: Pace,
    /// Failures in a row.
    failures: u32,
    /// Requests for patience in a row.
    throttles: u32,
    /// Events are sent again from then on, or sooner when the coordinator comes back.
    retry_at: Moment,
    /// Nothing is sent before then, whatever else is known.
    held_until: Moment,
    probe_at: Moment,
    /// Whether the last probe was answered since the last time that events arrived; `None` before the first.
    healthy: Option<bool>,
    /// Set while the key is refused: when to ask again.
    validate_at: Option<Moment>,
    blame: Blame,
    /// Whether the key was found good since the last events were sent.
    is_vouched: bool,
    /// Set while the coordinator has no batches: when to ask again.
    single_until: Option<Moment>,
}

impl Policy {
    /// Sends up to `rate` requests a second and waits `base` after a first failure, times what `jitter` (in `0..1`) says.
    pub(crate) fn new(rate: f64, base: Duration, jitter: fn() -> f64) -> Self {
        Self {
            base,
            jitter,
            bucket: Bucket::new(rate),
            pace: Pace::default(),
            failures: 0,
            throttles: 0,
            retry_at: Moment::ZERO,
            held_until: Moment::ZERO,
            probe_at: Moment::ZERO,
            healthy: None,
            validate_at: None,
            blame: Blame::Key,
            is_vouched: false,
            single_until: None,
        }
    }

    /// What to do now. What it says is taken as begun.
    pub(crate) fn next(&mut self, now: Moment, waiting: bool) -> Step {
        if !waiting {
            return Step::Idle;
        }
        if let Some(at) = self.validate_at {
            if now < at {
                return Step::Wait(at);
            }
            self.validate_at = Some(now + VALIDATE_EVERY);
            return Step::Validate;
        }
        if now < self.held_until {
            return Step::Wait(self.held_until);
        }
        if self.failures > 0 && now < self.retry_at {
            if now < self.probe_at {
                return Step::Wait(self.probe_at.min(self.retry_at));
            }
            self.probe_at = now + PROBE_EVERY;
            return Step::Probe;
        }
        let ready_at = self.bucket.ready_at(now);
        if now < ready_at {
            return Step::Wait(ready_at);
        }
        self.bucket.take(now);
        Step::Send(self.events(now))
    }

    /// Takes in what came of the events that were sent.
    pub(crate) fn sent(&mut self, outcome: Outcome, now: Moment) -> Fate {
        let is_vouched = std::mem::take(&mut self.is_vouched);
        match outcome {
            Outcome::Answered(events) => {
                self.recovered();
                if self.blame == Blame::Unclear {
                    self.blame = Blame::Events;
                }
                self.pace.answered(events);
            }
            Outcome::Failed => self.failed(now),
            Outcome::Throttled(wait) => self.throttled(wait, now),
            Outcome::Refused(events) if is_vouched => {
                self.recovered();
                return self.offended(events, now);
            }
            Outcome::Refused(_) if self.blame == Blame::Events => self.validate_at = Some(now),
            Outcome::Refused(_) => self.validate_at = Some(now + VALIDATE_EVERY),
            Outcome::TooLarge(events) => {
                self.recovered();
                return self.pace.too_large(events, now);
            }
            Outcome::Invalid(events) => {
                self.recovered();
                return self.pace.invalid(events);
            }
            Outcome::Missing(events) => self.missing(events, now),
        }
        Fate::Keep
    }

    /// Takes in what came of [`Step::Probe`].
    pub(crate) fn probed(&mut self, reply: Reply, now: Moment) {
        match reply {
            // That it answers is news only the first time after it did not: a coordinator that says that it is well and
            // yet fails is left to the backoff, not asked twice a second.
            Reply::Yes if self.healthy != Some(true) => {
                self.healthy = Some(true);
                self.retry_at = now;
            }
            Reply::Yes | Reply::Unknown => {}
            Reply::No => self.healthy = Some(false),
        }
    }

    /// Takes in what came of [`Step::Validate`]. A coordinator that does not know the question is tried with events.
    pub(crate) fn validated(&mut self, reply: Reply) {
        if reply == Reply::Yes {
            self.is_vouched = self.validate_at.is_some();
        } else {
            self.blame = Blame::Key;
        }
        if reply != Reply::No {
            self.validate_at = None;
        }
    }

    /// Failures in a row.
    pub(crate) const fn failures(&self) -> u32 {
        self.failures
    }

    /// How the coordinator is doing.
    pub(crate) fn condition(&self, now: Moment) -> Condition {
        if self.validate_at.is_some() && self.blame != Blame::Events {
            Condition::AuthFailed
        } else if self.failures >= BREAKER {
            Condition::Down
        } else if now < self.held_until {
            Condition::Throttling
        } else if self.failures > 0 {
            Condition::Failing
        } else {
            Condition::Well
        }
    }

    /// How many events the next request takes.
    fn events(&mut self, now: Moment) -> usize {
        if self.single_until.is_some_and(|until| now >= until) {
            self.single_until = None;
        }
        if self.single_until.is_some() {
            return 1;
        }
        self.pace.events(now).min(BATCH_EVENTS)
    }

    /// The key was refused right after it was found good, so something in the events is to blame. It is searched for, and
    /// at each step the key is asked for again, so that one which is withdrawn meanwhile buries nobody.
    fn offended(&mut self, events: usize, now: Moment) -> Fate {
        let fate = self.pace.invalid(events);
        if fate == Fate::Bury {
            self.blame = Blame::Unclear;
        } else {
            self.blame = Blame::Events;
            self.validate_at = Some(now);
        }
        fate
    }

    fn failed(&mut self, now: Moment) {
        self.failures = self.failures.saturating_add(1);
        let jitter = (self.jitter)();
        let wait = if self.failures < BREAKER {
            full_jitter(self.base, self.failures, jitter)
        } else {
            // Whether it is back is for the probe to find out. Without a `/health` that answers, this is all there is.
            backoff::LONGEST.mul_f64(0.5 + jitter / 2.0)
        };
        self.retry_at = now + wait;
        self.probe_at = now + PROBE_EVERY;
    }

    fn throttled(&mut self, wait: Option<Duration>, now: Moment) {
        self.throttles = self.throttles.saturating_add(1);
        let wait = wait.unwrap_or_else(|| full_jitter(self.base, self.throttles, (self.jitter)()));
        self.held_until = now + wait;
    }

    fn missing(&mut self, events: usize, now: Moment) {
        if events > 1 {
            self.single_until = Some(now + SINGLE_FOR);
        } else {
            // Not even the address for single events is there. Whatever answered is not the coordinator.
            self.single_until = None;
            self.failed(now);
        }
    }

    fn recovered(&mut self) {
        self.failures = 0;
        self.throttles = 0;
        self.healthy = None;
    }
}
