use super::events::Commit;
use super::row::Row;
use super::state::State;
use crate::domain::{Timestamp, Usage, WorkerId};
use crate::store::{Extension, LeaseState, Reaped, ending};
use std::collections::HashSet;

impl State {
    /// Moves the expiry of leases.
    pub(super) fn extend(&mut self, leases: &[Extension], until: Timestamp) -> Vec<LeaseState> {
        let mut extend = |extension: &Extension| {
            let row = self.find(extension.task)?;
            let seq = row.is_held_under(extension.lease).then_some(row.seq)?;
            self.change(seq, |row| {
                if let Some(lease) = &mut row.task.lease {
                    lease.expires_at = until;
                }
                match row.task.cancel_requested_at {
                    Some(_) => LeaseState::CancelRequested,
                    None => LeaseState::Held,
                }
            })
        };
        leases
            .iter()
            .map(|extension| extend(extension).unwrap_or(LeaseState::Lost))
            .collect()
    }

    /// Takes tasks back whose lease ran out or whose worker is dead.
    pub(super) fn reap(&mut self, dead: &[WorkerId], limit: usize, now: Timestamp) -> Vec<Reaped> {
        let dead: HashSet<&WorkerId> = dead.iter().collect();
        let abandoned = |row: &&Row| {
            let lease = row.task.lease.as_ref();
            lease.is_some_and(|lease| lease.expires_at <= now || dead.contains(&lease.worker))
        };
        let lost: Vec<u64> = self
            .leases
            .iter()
            // Leases are in the order of their expiry, so without dead workers nothing follows the first that lasts.
            .take_while(|(expires_at, _)| *expires_at <= now || !dead.is_empty())
            .filter_map(|(_, seq)| self.row(*seq))
            .filter(abandoned)
            .map(|row| row.seq)
            .take(limit)
            .collect();
        let mut commit = Commit::at(now);
        let reaped = lost
            .into_iter()
            .filter_map(|seq| self.rescue(seq, &mut commit))
            .collect();
        self.events.publish(commit);
        reaped
    }

    fn rescue(&mut self, seq: u64, commit: &mut Commit) -> Option<Reaped> {
        let row = self.row(seq)?;
        let (id, worker) = (row.task.id, &row.task.lease.as_ref()?.worker);
        let ending = ending::rescue(row.held(), worker)?;
        let status = ending.status;
        self.end_lease(seq, ending, Usage::default(), commit);
        Some(Reaped { id, status })
    }
}
