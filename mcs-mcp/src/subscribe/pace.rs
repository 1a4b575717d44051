use mcs_core::domain::TaskId;
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::Instant;

/// Shortest time between two messages about one task.
const EVERY: Duration = Duration::from_secs(1);

/// When the changes of tasks are told: at once, and of one task at most once a second.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// When each task was told of, where that was less than a second ago.
    told: HashMap<TaskId, Instant>,
    waiting: HashMap<TaskId, Change>,
}

/// What has to be told of a task.
#[derive(Debug, Clone, Copy)]
struct Change {
    at: Instant,
    ended: bool,
}

impl Pace {
    /// Something happened to a task, which may have `ended` it.
    pub(super) fn heard(&mut self, task: TaskId, ended: bool, now: Instant) {
        let told = self.told.get(&task);
        let at = told.map_or(now, |told| now.max(*told + EVERY));
        let change = self.waiting.entry(task);
        let change = change.or_insert(Change { at, ended: false });
        change.ended |= ended;
    }

    /// When there is something to tell.
    pub(super) fn due(&self) -> Option<Instant> {
        self.waiting.values().map(|change| change.at).min()
    }

    /// The tasks that are told of now, each with whether it may have ended.
    pub(super) fn take(&mut self, now: Instant) -> Vec<(TaskId, bool)> {
        self.told.retain(|_, told| *told + EVERY > now);
        let due = self.waiting.extract_if(|_, change| change.at <= now);
        let due: Vec<_> = due.map(|(task, change)| (task, change.ended)).collect();
        self.told.extend(due.iter().map(|(task, _)| (*task, now)));
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(number: u8) -> TaskId {
        TaskId::from_bytes([number; 16])
    }

    #[test]
    fn the_first_change_is_told_at_once_and_those_that_follow_together() {
        let (mut pace, begin) = (Pace::default(), Instant::now());
        let at = |millis| begin + Duration::from_millis(millis);
        assert_eq!(pace.due(), None);
        pace.heard(task(1), false, at(0));
        assert_eq!(pace.due(), Some(at(0)));
        assert_eq!(pace.take(at(0)), [(task(1), false)]);
        for (millis, ended) in [(10, false), (20, true), (900, false)] {
            pace.heard(task(1), ended, at(millis));
        }
        assert_eq!(pace.due(), Some(at(1000)));
        assert_eq!(pace.take(at(999)), []);
        assert_eq!(pace.take(at(1000)), [(task(1), true)]);
        assert_eq!((pace.due(), pace.take(at(5000))), (None, vec![]));
        assert!(pace.told.is_empty());
    }

    #[test]
    fn one_task_does_not_hold_up_another() {
        let (mut pace, begin) = (Pace::default(), Instant::now());
        pace.heard(task(1), false, begin);
        pace.take(begin);
        let soon = begin + Duration::from_millis(1);
        pace.heard(task(1), false, soon);
        pace.heard(task(2), false, soon);
        assert_eq!(pace.take(soon), [(task(2), false)]);
        assert_eq!(pace.due(), Some(begin + EVERY));
    }
}
