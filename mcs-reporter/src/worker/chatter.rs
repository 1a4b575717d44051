//! What is logged: each change once, and what repeats once in a while.

use crate::drain::Moment;
use crate::drain::policy::Condition;
use std::collections::HashMap;
use std::time::Duration;

/// How often something that repeats is said again.
const AGAIN: Duration = Duration::from_mins(1);

/// How often something else of the same kind is said.
const NEXT: Duration = Duration::from_secs(10);

/// What does not work. Each kind is said once in a while, however many there are of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Trouble {
    /// The index cannot be used.
    Cache,
    /// The journal cannot be read.
    Read,
    /// The journal cannot be synced.
    Sync,
    /// There is no next segment.
    Rotation,
    /// Segments cannot be deleted.
    Deletion,
    /// The space in use cannot be measured.
    Measure,
    /// Events are gone.
    Lost,
    /// The disk is full.
    Full,
    /// Events are dropped to make room.
    Dropped,
}

/// Says things, but not twice.
#[derive(Debug)]
pub(super) struct Chatter {
    max_retries: u32,
    condition: Condition,
    /// When trouble of each kind was last said, and what.
    troubles: HashMap<Trouble, (Moment, String)>,
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
            troubles: HashMap::new(),
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
    pub(super) fn trouble(&mut self, kind: Trouble, what: String, now: Moment) {
        if self.is_news(kind, &what, now) {
            tracing::error!(target: "mcs_reporter", "{what}");
            self.troubles.insert(kind, (now, what));
        }
    }

    fn is_news(&self, kind: Trouble, what: &str, now: Moment) -> bool {
        self.troubles.get(&kind).is_none_or(|(at, said)| {
            let pause = if said == what { AGAIN } else { NEXT };
            now >= *at + pause
        })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_alternates_is_not_said_each_time() {
        let mut chatter = Chatter::new(3);
        let at = Duration::from_millis;
        chatter.trouble(Trouble::Cache, "full".to_owned(), at(0));
        assert!(!chatter.is_news(Trouble::Cache, "busy", at(50)));
        assert!(!chatter.is_news(Trouble::Cache, "full", at(100)));
        assert!(chatter.is_news(Trouble::Rotation, "full", at(100)));
        assert!(chatter.is_news(Trouble::Cache, "busy", NEXT));
        assert!(!chatter.is_news(Trouble::Cache, "full", NEXT));
        assert!(chatter.is_news(Trouble::Cache, "full", AGAIN));
    }
}
