use super::events::EventLog;
use super::interactions::Interactions;
use super::queue::Queue;
use super::row::Row;
use super::stats::Counters;
use crate::domain::{
    Hold, IdSource, Lane, Priority, Status, TaskId, Timestamp, WaitReason, Worker, WorkerId,
};
use crate::store::Record;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// Rows ordered by a time, then by age.
pub(super) type ByTime = BTreeSet<(Timestamp, u64)>;

/// Everything the store knows. Rows are changed by [`State::change`] alone, which keeps the indexes in step.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) rows: BTreeMap<u64, Row>,
    seq_of: HashMap<TaskId, u64>,
    /// Owner and key to the task that has it.
    pub(super) unique: HashMap<(Arc<str>, String), u64>,
    last_seq: u64,
    /// The latest `created_at`, below which none falls.
    pub(super) latest_created: Timestamp,
    /// Makes ids.
    pub(super) id_source: IdSource,
    /// Queues by name.
    pub(super) queues: BTreeMap<Arc<str>, Queue>,
    /// Holds by key.
    pub(super) holds: HashMap<String, Hold>,
    /// Ready rows, by queue and lane.
    pub(super) ready: HashMap<Arc<str>, HashMap<Lane, ReadyLane>>,
    /// Pending rows that wait for a time.
    pub(super) due: ByTime,
    /// Pending rows with a deadline.
    pub(super) deadlines: ByTime,
    /// Leased rows by expiry.
    pub(super) leases: ByTime,
    /// Finished rows.
    pub(super) finished: ByTime,
    /// Counts and aggregates.
    pub(super) stats: Counters,
    /// What happened.
    pub(super) events: EventLog,
    /// Workers by name.
    pub(super) workers: BTreeMap<WorkerId, Worker>,
    /// Records by collection and key.
    pub(super) records: BTreeMap<String, BTreeMap<String, Record>>,
    /// What MCP servers reported.
    pub(super) interactions: Interactions,
}

/// The ready rows of one lane, in both orders that claims go by.
#[derive(Debug, Default)]
pub(super) struct ReadyLane {
    /// Most urgent first, then due first, then oldest first.
    pub(super) by_priority: BTreeSet<(Reverse<Priority>, Timestamp, u64)>,
    /// Due first, then oldest first.
    pub(super) by_age: ByTime,
}

impl State {
    /// The row of a task.
    pub(super) fn find(&self, id: TaskId) -> Option<&Row> {
        self.rows.get(self.seq_of.get(&id)?)
    }

    /// The row with this number.
    pub(super) fn row(&self, seq: u64) -> Option<&Row> {
        self.rows.get(&seq)
    }

    /// Rows inserted before number `before`, newest first.
    pub(super) fn newest_first(&self, before: u64) -> impl Iterator<Item = &Row> {
        self.rows.range(..before).rev().map(|(_, row)| row)
    }

    /// The number of the next row.
    pub(super) const fn next_seq(&mut self) -> u64 {
        self.last_seq += 1;
        self.last_seq
    }

    /// Adds a row.
    pub(super) fn add(&mut self, row: Row) {
        let seq = row.seq;
        self.seq_of.insert(row.task.id, seq);
        if let Some(key) = &row.task.unique_key {
            let key = (Arc::clone(&row.task.owner), key.clone());
            self.unique.insert(key, seq);
        }
        self.index(&row);
        self.rows.insert(seq, row);
    }

    /// Changes a row by `change`, and with it every index it is in.
    pub(super) fn change<T>(&mut self, seq: u64, change: impl FnOnce(&mut Row) -> T) -> Option<T> {
        let mut row = self.rows.remove(&seq)?;
        self.unindex(&row);
        let changed = change(&mut row);
        self.index(&row);
        self.rows.insert(seq, row);
        Some(changed)
    }

    /// Removes a row.
    pub(super) fn remove(&mut self, seq: u64) {
        let Some(row) = self.rows.remove(&seq) else {
            return;
        };
        self.unindex(&row);
        self.seq_of.remove(&row.task.id);
        if let Some(key) = row.task.unique_key {
            self.unique.remove(&(row.task.owner, key));
        }
    }

    fn index(&mut self, row: &Row) {
        self.stats.add(row);
        if row.is_ready() {
            let lane = row.lane();
            let lanes = self.ready.entry(Arc::clone(&lane.queue)).or_default();
            let ready = lanes.entry(lane).or_default();
            ready.by_priority.insert(urgency(row));
            ready.by_age.insert((row.task.run_at, row.seq));
        }
        for (index, time) in self.places(row) {
            index.insert((time, row.seq));
        }
    }

    fn unindex(&mut self, row: &Row) {
        self.stats.remove(row);
        if row.is_ready() {
            self.leave_lane(row);
        }
        for (index, time) in self.places(row) {
            index.remove(&(time, row.seq));
        }
    }

    fn leave_lane(&mut self, row: &Row) {
        let lane = row.lane();
        let Some(lanes) = self.ready.get_mut(&lane.queue) else {
            return;
        };
        if let Some(ready) = lanes.get_mut(&lane) {
            ready.by_priority.remove(&urgency(row));
            ready.by_age.remove(&(row.task.run_at, row.seq));
            if ready.by_age.is_empty() {
                lanes.remove(&lane);
            }
        }
        if lanes.is_empty() {
            self.ready.remove(&lane.queue);
        }
    }

    /// The indexes by time that a row belongs in, and its time in each.
    fn places(&mut self, row: &Row) -> impl Iterator<Item = (&mut ByTime, Timestamp)> {
        let task = &row.task;
        let pending = task.status == Status::Pending;
        let waits = task
            .wait_reason
            .is_some_and(|reason| reason != WaitReason::Dependencies);
        let due = (pending && waits).then_some(task.run_at);
        let deadline = task.deadline.filter(|_| pending);
        let lease = task.lease.as_ref().map(|lease| lease.expires_at);
        [
            (&mut self.due, due),
            (&mut self.deadlines, deadline),
            (&mut self.leases, lease),
            (&mut self.finished, task.finished_at),
        ]
        .into_iter()
        .filter_map(|(index, time)| time.map(|time| (index, time)))
    }
}

fn urgency(row: &Row) -> (Reverse<Priority>, Timestamp, u64) {
    (Reverse(row.task.priority), row.task.run_at, row.seq)
}
