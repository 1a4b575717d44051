use super::row::Row;
use super::state::ByTime;
use crate::domain::{
    GrowingHour, Happening, QueueStats, ReadyWork, Stats, Status, StatusCounts, Task, Timestamp,
    WorkGroup, limits,
};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Counts that are kept in step with the rows, so that reading them costs the same whatever their number.
#[derive(Debug, Default)]
pub(super) struct Counters {
    groups: HashMap<Group, Tally>,
    hours: BTreeMap<Timestamp, GrowingHour>,
}

/// What tasks are counted by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Group {
    owner: Arc<str>,
    queue: Arc<str>,
    kind: Arc<str>,
}

#[derive(Debug, Default)]
struct Tally {
    counts: StatusCounts,
    ready: ByTime,
}

impl Counters {
    /// Counts a row.
    pub(super) fn add(&mut self, row: &Row) {
        let tally = self.groups.entry(Group::of(row)).or_default();
        *tally.counts.get_mut(row.task.status) += 1;
        if row.is_ready() {
            tally.ready.insert((row.task.run_at, row.seq));
        }
    }

    /// Takes a row out of the counts.
    pub(super) fn remove(&mut self, row: &Row) {
        let group = Group::of(row);
        let Some(tally) = self.groups.get_mut(&group) else {
            return;
        };
        *tally.counts.get_mut(row.task.status) -= 1;
        tally.ready.remove(&(row.task.run_at, row.seq));
        if tally.counts.total() == 0 {
            self.groups.remove(&group);
        }
    }

    /// Adds what happened at a time to a task.
    pub(super) fn count(&mut self, at: Timestamp, task: &Task, what: &[Happening]) {
        let hour = self.hours.entry(at.start_of_hour()).or_default();
        let group = WorkGroup::of(&task.queue, &task.kind, task.model.as_deref());
        for what in what {
            hour.count(group.clone(), what);
        }
        if self.hours.len() > limits::STATS_HOURS {
            self.hours.pop_first();
        }
    }

    /// Whether an owner has a ready task of this queue and kind.
    pub(super) fn has_ready(&self, owner: &str, work: &ReadyWork) -> bool {
        let group = Group {
            owner: owner.into(),
            queue: Arc::clone(&work.queue),
            kind: Arc::clone(&work.kind),
        };
        let tally = self.groups.get(&group);
        tally.is_some_and(|tally| !tally.ready.is_empty())
    }

    /// The statistics of one owner's tasks, or of all.
    pub(super) fn report(&self, owner: Option<&str>) -> Stats {
        let mut stats = Stats::default();
        for (group, tally) in &self.groups {
            if owner.is_some_and(|owner| *owner != *group.owner) {
                continue;
            }
            let queue = stats.queues.entry(Arc::clone(&group.queue)).or_default();
            let kind = stats.kinds.entry(Arc::clone(&group.kind)).or_default();
            for status in Status::ALL {
                let count = tally.counts.get(status);
                *stats.counts.get_mut(status) += count;
                *kind.get_mut(status) += count;
                *queue.counts.get_mut(status) += count;
            }
            add_ready(queue, &tally.ready);
        }
        if owner.is_some() {
            stats
                .queues
                .values_mut()
                .for_each(|queue| queue.oldest_ready = None);
        } else {
            stats.hours = self
                .hours
                .iter()
                .map(|(start, hour)| hour.report(*start))
                .collect();
        }
        stats
    }
}

fn add_ready(queue: &mut QueueStats, ready: &ByTime) {
    queue.ready += u64::try_from(ready.len()).unwrap_or(u64::MAX);
    let oldest = ready.first().map(|(run_at, _)| *run_at);
    queue.oldest_ready = [queue.oldest_ready, oldest].into_iter().flatten().min();
}

impl Group {
    fn of(row: &Row) -> Self {
        Self {
            owner: Arc::clone(&row.task.owner),
            queue: Arc::clone(&row.task.queue),
            kind: Arc::clone(&row.task.kind),
        }
    }
}
