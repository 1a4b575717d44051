use super::row::Row;
use super::state::ByTime;
use crate::domain::{
    HourlyStats, QueueStats, Stats, Status, StatusCounts, Timestamp, Usage, limits,
};
use crate::store::rules::hour_of;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Counts that are kept in step with the rows, so that reading them costs the same whatever their number.
#[derive(Debug, Default)]
pub(super) struct Counters {
    groups: HashMap<Group, Tally>,
    hours: BTreeMap<Timestamp, HourlyStats>,
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

    /// A task was created.
    pub(super) fn created(&mut self, at: Timestamp) {
        self.hour(at, |hour| hour.created += 1);
    }

    /// An attempt was followed by a retry.
    pub(super) fn retried(&mut self, at: Timestamp) {
        self.hour(at, |hour| hour.retried += 1);
    }

    /// An attempt used something.
    pub(super) fn used(&mut self, at: Timestamp, usage: &Usage) {
        if usage.is_zero() {
            return;
        }
        self.hour(at, |hour| {
            hour.input_tokens = hour.input_tokens.saturating_add(usage.input_tokens);
            hour.output_tokens = hour.output_tokens.saturating_add(usage.output_tokens);
            hour.cost_usd += usage.cost_usd;
        });
    }

    /// A task finished, that had waited and run for so many milliseconds.
    pub(super) fn ended(&mut self, at: Timestamp, status: Status, waited: u64, ran: u64) {
        self.hour(at, |hour| {
            match status {
                Status::Completed => hour.completed += 1,
                Status::Failed => hour.failed += 1,
                Status::Cancelled => hour.cancelled += 1,
                Status::Pending | Status::Processing | Status::InputRequired => {}
            }
            hour.wait_ms = hour.wait_ms.saturating_add(waited);
            hour.run_ms = hour.run_ms.saturating_add(ran);
        });
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
            stats.hours = self.hours.values().cloned().collect();
        }
        stats
    }

    fn hour(&mut self, at: Timestamp, change: impl FnOnce(&mut HourlyStats)) {
        let start = hour_of(at);
        let hour = self.hours.entry(start);
        change(hour.or_insert_with(|| HourlyStats::empty(start)));
        if self.hours.len() > limits::STATS_HOURS {
            self.hours.pop_first();
        }
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
