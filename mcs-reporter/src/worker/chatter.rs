//! What is logged: each change once, and what repeats once in a while.

use crate::drain::Moment;
use crate::drain::policy::Condition;
use std::time::Duration;

/// How often something that repeats is said again.
const AGAIN: Duration = Duration::from_mins(1);

/// Says things, but not twice.
#[derive(Debug)]
pub(super) struct Chatter {
    max_retries: u32,
    condition: Condition,
    /// When trouble was last said, and what.
    trouble: Option<(Moment, String)>,
    /// When dead letters were last said, and how many came since.
    dead: Option<Moment>,
    unsaid: u64,
}

impl Chatter {
    /// Warns after so many failed attempts.
    pub(super) fn new(max_retries: u32) -> Self {
        Self {
            max_retries,
            condition: Condition::Well,
            trouble: None,
            dead: None,
            unsaid: 0,
        }
    }

    /// What came of a request.
    pub(super) fn condition(&mut self, condition: Condition, failures: u32, why: &str) {
        if failures > 0 && failures == self.max_retries {
            tracing::warn!(
                target: "mcs_reporter", failures, why,
                "reports do not reach the coordinator; they are kept, and sent again until they do"
            );
        }
        if condition == self.condition {
            return;
        }
        match condition {
            Condition::Well => {
                tracing::info!(target: "mcs_reporter", "the coordinator takes reports");
            }
            Condition::Failing => {
                tracing::debug!(target: "mcs_reporter", why, "a report did not reach the coordinator");
            }
            Condition::Down => tracing::warn!(
                target: "mcs_reporter", why,
                "the coordinator is down; reports are kept until it answers"
            ),
            Condition::Throttling => {
                tracing::debug!(target: "mcs_reporter", why, "the coordinator asks for patience");
            }
            Condition::AuthFailed => tracing::error!(
                target: "mcs_reporter", why,
                "the coordinator refuses the API key; reports are kept until it takes it; \
                 see to the key, and start again if it is another"
            ),
        }
        self.condition = condition;
    }

    /// Something of the machine does not work.
    pub(super) fn trouble(&mut self, what: String, now: Moment) {
        let is_said = self
            .trouble
            .as_ref()
            .is_some_and(|(at, said)| *said == what && now < *at + AGAIN);
        if !is_said {
            tracing::error!(target: "mcs_reporter", "{what}");
            self.trouble = Some((now, what));
        }
    }

    /// So many events became dead letters.
    pub(super) fn dead(&mut self, count: u64, why: &str, now: Moment) {
        self.unsaid += count;
        if self.unsaid > 0 && self.dead.is_none_or(|at| now >= at + AGAIN) {
            tracing::warn!(
                target: "mcs_reporter", count = self.unsaid, why,
                "the coordinator refused events for good; they are kept as dead letters"
            );
            self.unsaid = 0;
            self.dead = Some(now);
        }
    }
}
