use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Where a task stands. Scheduled, retrying, held and waiting-for-dependencies are [`Status::Pending`] with a reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// Stored, and waiting for a worker, a time, a limit or another task.
    Pending,
    /// A worker holds its lease and runs it.
    Processing,
    /// A worker holds its lease and waits for an answer from a human.
    InputRequired,
    /// It has a result.
    Completed,
    /// It has an error and will not run again.
    Failed,
    /// Somebody ended it.
    Cancelled,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 6] = [
        Self::Pending,
        Self::Processing,
        Self::InputRequired,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
    ];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Processing => "PROCESSING",
            Self::InputRequired => "INPUT_REQUIRED",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
        }
    }

    /// What the status means, in a sentence.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Pending => {
                "Stored and waiting: for a free worker, a scheduled time, a retry or a limit."
            }
            Self::Processing => "A worker is running it now.",
            Self::InputRequired => "It runs and waits for an answer to a question.",
            Self::Completed => "It finished and its result can be read.",
            Self::Failed => {
                "It ended with an error and will not run again by itself; retry makes a new task of it."
            }
            Self::Cancelled => "It was ended before it finished.",
        }
    }

    /// Whether the status never changes again.
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }

    /// Whether a worker holds the task's lease.
    pub const fn is_leased(self) -> bool {
        matches!(self, Self::Processing | Self::InputRequired)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Status {
    type Err = super::InvalidInput;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wanted = text.to_ascii_uppercase();
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == wanted)
            .ok_or_else(|| {
                let known = Self::ALL.map(Self::as_str).join(", ");
                super::InvalidInput::new("status", format!("is `{text}`; use one of {known}"))
            })
    }
}

/// What can happen to a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// A worker took it.
    Claim,
    /// The executor asked a human a question.
    Ask,
    /// The question was answered.
    Answer,
    /// The executor returned a result.
    Complete,
    /// It failed for good.
    Fail,
    /// It failed and will be tried again.
    Retry,
    /// The executor wants to be called again later.
    Snooze,
    /// The worker handed it back unfinished.
    Release,
    /// Its worker died and it was taken back.
    Rescue,
    /// Somebody ended it.
    Cancel,
}

impl Event {
    /// Every event.
    pub const ALL: [Self; 10] = [
        Self::Claim,
        Self::Ask,
        Self::Answer,
        Self::Complete,
        Self::Fail,
        Self::Retry,
        Self::Snooze,
        Self::Release,
        Self::Rescue,
        Self::Cancel,
    ];
}

/// An event that a status does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a {from} task does not take {event:?}")]
pub struct IllegalTransition {
    /// The status the task has.
    pub from: Status,
    /// What was asked of it.
    pub event: Event,
}

/// The status after `event`. The whole state machine is this function.
pub const fn next(from: Status, event: Event) -> Result<Status, IllegalTransition> {
    use {Event as E, Status as S};
    match (from, event) {
        (S::Pending, E::Claim) | (S::InputRequired, E::Answer) => Ok(S::Processing),
        (S::Processing, E::Ask) => Ok(S::InputRequired),
        (S::Processing, E::Complete) => Ok(S::Completed),
        // A pending task fails when its deadline passes or a task it depends on failed.
        (S::Pending | S::Processing | S::InputRequired, E::Fail) => Ok(S::Failed),
        (S::Processing | S::InputRequired, E::Retry | E::Snooze | E::Release | E::Rescue) => {
            Ok(S::Pending)
        }
        (S::Pending | S::Processing | S::InputRequired, E::Cancel) => Ok(S::Cancelled),
        _ => Err(IllegalTransition { from, event }),
    }
}

#[cfg(test)]
mod tests {
    use super::{Event as E, Status as S, *};
    use std::collections::HashSet;

    /// Every legal pair. What is not listed is refused.
    const GOLDEN: [(S, E, S); 18] = [
        (S::Pending, E::Claim, S::Processing),
        (S::Pending, E::Fail, S::Failed),
        (S::Pending, E::Cancel, S::Cancelled),
        (S::Processing, E::Ask, S::InputRequired),
        (S::Processing, E::Complete, S::Completed),
        (S::Processing, E::Fail, S::Failed),
        (S::Processing, E::Retry, S::Pending),
        (S::Processing, E::Snooze, S::Pending),
        (S::Processing, E::Release, S::Pending),
        (S::Processing, E::Rescue, S::Pending),
        (S::Processing, E::Cancel, S::Cancelled),
        (S::InputRequired, E::Answer, S::Processing),
        (S::InputRequired, E::Fail, S::Failed),
        (S::InputRequired, E::Retry, S::Pending),
        (S::InputRequired, E::Snooze, S::Pending),
        (S::InputRequired, E::Release, S::Pending),
        (S::InputRequired, E::Rescue, S::Pending),
        (S::InputRequired, E::Cancel, S::Cancelled),
    ];

    #[test]
    fn every_pair_is_as_the_table_says() {
        for from in S::ALL {
            for event in E::ALL {
                let wanted = GOLDEN
                    .iter()
                    .find(|row| row.0 == from && row.1 == event)
                    .map(|row| row.2);
                assert_eq!(next(from, event).ok(), wanted, "{from} {event:?}");
            }
        }
    }

    #[test]
    fn a_terminal_status_takes_nothing() {
        for from in S::ALL.into_iter().filter(|status| status.is_terminal()) {
            assert!(
                E::ALL
                    .into_iter()
                    .all(|event| next(from, event) == Err(IllegalTransition { from, event }))
            );
        }
    }

    #[test]
    fn every_status_is_reachable_and_can_finish() {
        let reach = |start: S| {
            let mut seen = HashSet::from([start]);
            let mut open = vec![start];
            while let Some(from) = open.pop() {
                for to in E::ALL
                    .into_iter()
                    .filter_map(|event| next(from, event).ok())
                {
                    if seen.insert(to) {
                        open.push(to);
                    }
                }
            }
            seen
        };
        assert_eq!(reach(S::Pending).len(), S::ALL.len());
        assert!(
            S::ALL
                .into_iter()
                .all(|from| reach(from).into_iter().any(S::is_terminal))
        );
    }

    #[test]
    fn names_are_read_in_any_case() {
        assert_eq!("input_required".parse::<S>().unwrap(), S::InputRequired);
        assert!(
            "DONE"
                .parse::<S>()
                .unwrap_err()
                .to_string()
                .contains("COMPLETED")
        );
        assert_eq!(
            serde_json::to_string(&S::InputRequired).unwrap(),
            "\"INPUT_REQUIRED\""
        );
    }
}
