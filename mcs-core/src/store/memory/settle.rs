use super::events::Commit;
use super::row::{Row, bytes};
use super::state::State;
use crate::domain::{Ended, Happening, Hold, SettleReply, Settlement, Timestamp, Usage};
use crate::store::ending::{self, ClockChange, Ending, ErrorChange};
use std::collections::hash_map::Entry;

impl State {
    /// Ends leases, in one commit.
    pub(super) fn settle(
        &mut self,
        settlements: Vec<Settlement>,
        now: Timestamp,
    ) -> Vec<SettleReply> {
        let mut commit = Commit::at(now);
        let replies = settlements
            .into_iter()
            .map(|settlement| self.settle_one(settlement, &mut commit))
            .collect();
        self.events.publish(commit);
        replies
    }

    /// Ends one lease.
    pub(super) fn settle_one(
        &mut self,
        settlement: Settlement,
        commit: &mut Commit,
    ) -> SettleReply {
        let Some(row) = self.find(settlement.task) else {
            return SettleReply::Missing;
        };
        if !row.is_held_under(settlement.lease) {
            return SettleReply::Stale;
        }
        let seq = row.seq;
        let Some(ending) = ending::settle(row.held(), settlement.outcome, commit.now) else {
            return SettleReply::Stale;
        };
        let status = ending.status;
        self.end_lease(seq, ending, settlement.usage.bounded(), commit);
        SettleReply::Settled(status)
    }

    /// Makes of a row what its lease's ending says, and adds what the attempt used.
    pub(super) fn end_lease(
        &mut self,
        seq: u64,
        mut ending: Ending,
        usage: Usage,
        commit: &mut Commit,
    ) {
        if let Some(hold) = ending.hold.take() {
            self.hold(hold);
        }
        let mut counted = Vec::new();
        if ending.retried {
            counted.push(Happening::Retried);
        }
        if !usage.is_zero() {
            counted.push(Happening::Used(usage));
        }
        self.change(seq, |row| {
            row.task.usage += usage;
            apply(row, ending, commit);
        });
        self.count_end(seq, counted, commit.now);
    }

    /// Adds what happened to a row to the aggregates, and its end if it has just finished.
    pub(super) fn count_end(&mut self, seq: u64, mut counted: Vec<Happening>, now: Timestamp) {
        let Some(row) = self.rows.get(&seq) else {
            return;
        };
        if row.task.status.is_terminal() {
            let start = row.first_started_at;
            counted.push(Happening::Ended(Ended {
                status: row.task.status,
                waited: start.map(|start| start.since(row.task.created_at)),
                ran_ms: row.task.usage.duration_ms,
            }));
        }
        if !counted.is_empty() {
            self.stats.count(now, &row.task, &counted);
        }
    }

    /// Holds a key back, never for shorter than it is already.
    fn hold(&mut self, hold: Hold) {
        match self.holds.entry(hold.key.clone()) {
            Entry::Vacant(place) => {
                place.insert(hold);
            }
            Entry::Occupied(mut old) => {
                if hold.until > old.get().until {
                    old.insert(hold);
                }
            }
        }
    }
}

fn apply(row: &mut Row, ending: Ending, commit: &mut Commit) {
    let task = &mut row.task;
    // The event belongs to the attempt that ended, also when that attempt does not count.
    commit.tell(task, ending.event, ending.detail);
    task.status = ending.status;
    task.run_at = ending.run_at;
    task.wait_reason = ending.wait;
    task.lease = None;
    if ending.clock == ClockChange::Clear {
        task.clock_left_ms = None;
    }
    if ending.gives_back {
        task.attempt = task.attempt.saturating_sub(1);
    }
    if ending.rescued {
        task.rescues += 1;
    }
    match ending.error {
        ErrorChange::Keep => {}
        ErrorChange::Clear => task.error = None,
        ErrorChange::Set(error) => task.error = Some(error),
    }
    if let Some(result) = ending.result {
        task.result_bytes = bytes(result.as_str());
        task.result = Some(result);
    }
    if task.status.is_terminal() {
        task.finished_at = Some(commit.now);
    }
}
