use super::events::Commit;
use super::state::{ByTime, State};
use crate::domain::{Event, EventKind, Timestamp, next};
use crate::store::{Promotion, rules};

impl State {
    /// Fails pending tasks whose deadline passed, then makes those ready whose time has come.
    pub(super) fn promote(&mut self, limit: usize, now: Timestamp) -> Promotion {
        let mut commit = Commit::at(now);
        let expired = passed(&self.deadlines, limit, now);
        for (deadline, seq) in &expired {
            let Some(row) = self.row(*seq) else { continue };
            let Ok(failed) = next(row.task.status, Event::Fail) else {
                continue;
            };
            let error = rules::missed_deadline(*deadline);
            self.end_pending(*seq, (failed, EventKind::Failed), error, &mut commit);
        }
        let ready = passed(&self.due, limit, now);
        for (_, seq) in &ready {
            self.change(*seq, |row| {
                row.task.wait_reason = None;
                commit.tell(&row.task, EventKind::Ready, None);
            });
        }
        self.holds.retain(|_, hold| hold.until > now);
        self.events.publish(commit);
        Promotion {
            ready: count(&ready),
            expired: count(&expired),
            next_due: self.next_due(),
        }
    }

    fn next_due(&self) -> Option<Timestamp> {
        let first = |index: &ByTime| index.first().map(|(time, _)| *time);
        let hold = self.holds.values().map(|hold| hold.until).min();
        [first(&self.due), first(&self.deadlines), hold]
            .into_iter()
            .flatten()
            .min()
    }
}

/// Up to `limit` entries whose time is `now` or before.
fn passed(index: &ByTime, limit: usize, now: Timestamp) -> Vec<(Timestamp, u64)> {
    let times = index.iter().copied();
    times
        .take_while(|(time, _)| *time <= now)
        .take(limit)
        .collect()
}

fn count(rows: &[(Timestamp, u64)]) -> u64 {
    u64::try_from(rows.len()).unwrap_or(u64::MAX)
}
