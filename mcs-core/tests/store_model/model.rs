use crate::call::{self, Answer, Call, Snapshot};
use mcs_core::domain::{
    Claim, LeaseNumber, QueueDemand, SettleReply, Settlement, Stats, Status, Task, TaskId,
    Timestamp, limits,
};
use mcs_core::store::{AppendReply, LeaseState, RemoveReply, TaskStore};
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What must hold in every history, kept as plainly as can be: a lease is live from a claim until it is settled or taken
/// back, and an end is an end.
#[derive(Debug, Default)]
pub(crate) struct Model {
    /// In the order of insertion.
    tasks: Vec<TaskId>,
    live: HashMap<TaskId, LeaseNumber>,
    latest: HashMap<TaskId, LeaseNumber>,
    ended: HashMap<TaskId, Status>,
    purged: u64,
    /// Tasks that claims took from a queue in its order.
    claimed: HashMap<Arc<str>, u64>,
}

impl Model {
    /// Checks one step, and takes note of it.
    pub(crate) fn check(
        &mut self,
        call: &Call,
        answer: &Answer,
        (before, after): (&Snapshot, &Snapshot),
        now: Timestamp,
    ) {
        match (call, answer) {
            (Call::Insert(_), Answer::Insert(inserted)) => {
                // A task that was purged is not known any more.
                let mut stored: HashSet<_> = before.tasks.iter().map(|task| task.id).collect();
                for inserted in inserted {
                    assert_eq!(inserted.created, stored.insert(inserted.id), "stored once");
                    if inserted.created {
                        self.tasks.push(inserted.id);
                    }
                }
            }
            (Call::Claim(claim), Answer::Claim(settled, tasks)) => {
                self.check_settled(&claim.settle, settled, before);
                if claim.settle.is_empty() && claim.task.is_none() {
                    let wanted = self.predict(claim, before, now);
                    let taken: Vec<TaskId> = tasks.iter().map(|task| task.id).collect();
                    assert_eq!(taken, wanted, "the order of {claim:?}");
                }
                self.check_named(claim, tasks, before);
                self.check_claimed(claim, tasks);
            }
            (Call::Settle(ends), Answer::Settle(replies)) => {
                self.check_settled(ends, replies, before);
            }
            (Call::Extend(leases), Answer::Extend(states)) => {
                for (extension, state) in leases.iter().zip(states) {
                    let held = self.live.get(&extension.task) == Some(&extension.lease);
                    assert_eq!(*state != LeaseState::Lost, held);
                }
            }
            (Call::Append(entries), Answer::Append(replies)) => {
                for (append, reply) in entries.iter().zip(replies) {
                    let fenced = append.lease.is_some()
                        && self.live.get(&append.task).copied() != append.lease;
                    assert!(
                        !(fenced && *reply == AppendReply::Stored),
                        "a stale holder adds nothing"
                    );
                }
            }
            (Call::Reap(dead, limit), Answer::Reap(reaped)) => {
                assert!(reaped.len() <= *limit);
                for reaped in reaped {
                    let task = before.task(reaped.id).unwrap();
                    let lease = task.lease.as_ref().unwrap();
                    assert!(lease.expires_at <= now || dead.contains(&lease.worker));
                    assert!(self.live.remove(&reaped.id).is_some());
                }
            }
            (Call::Purge(_), Answer::Purge(count)) => self.purged += count,
            (Call::Remove(ids), Answer::Remove(replies)) => {
                for (id, reply) in ids.iter().zip(replies) {
                    let wanted = match before.task(*id).map(|task| task.status) {
                        None => RemoveReply::Missing,
                        Some(status) if status.is_terminal() => RemoveReply::Removed,
                        Some(status) => RemoveReply::Unfinished(status),
                    };
                    assert_eq!(*reply, wanted);
                    self.purged += u64::from(wanted == RemoveReply::Removed);
                }
            }
            (Call::Cancel(_) | Call::Promote(_) | Call::Pause(..), _) => {}
            (Call::Insert(_), Answer::Refused(why)) => {
                assert!(why.contains("unique key"), "{why}");
                assert_eq!(before, after, "a refusal changes nothing");
            }
            (call, answer) => panic!("{call:?} was answered with {answer:?}"),
        }
        self.check_state(after);
    }

    /// Every end was told once, and every start had its own lease.
    pub(crate) async fn check_events(&self, store: &dyn TaskStore) {
        let mut ends: HashMap<TaskId, u64> = HashMap::new();
        let mut starts: HashMap<TaskId, u64> = HashMap::new();
        for batch in call::events(store).await {
            for event in batch.events {
                if event.kind.ends_as().is_some() {
                    *ends.entry(event.task).or_default() += 1;
                }
                if event.kind == mcs_core::domain::EventKind::Started {
                    *starts.entry(event.task).or_default() += 1;
                }
            }
        }
        assert!(ends.values().all(|count| *count == 1), "none ends twice");
        assert_eq!(ends.len(), self.ended.len());
        for (task, LeaseNumber(latest)) in &self.latest {
            assert_eq!(starts.get(task), Some(latest));
        }
    }

    fn check_settled(&mut self, ends: &[Settlement], replies: &[SettleReply], before: &Snapshot) {
        assert_eq!(ends.len(), replies.len());
        for (end, reply) in ends.iter().zip(replies) {
            let held = self.live.get(&end.task) == Some(&end.lease);
            match reply {
                SettleReply::Settled(_) => {
                    assert!(held, "a stale holder settles nothing");
                    self.live.remove(&end.task);
                }
                SettleReply::Stale => {
                    let asking = before.task(end.task).unwrap().status == Status::InputRequired;
                    assert!(!held || asking, "a holder settles");
                }
                SettleReply::Missing => assert!(before.task(end.task).is_none()),
            }
        }
    }

    /// The claim of a named task ends its former lease or leaves it alone, and takes what nobody else holds.
    fn check_named(&mut self, claim: &Claim, tasks: &[Task], before: &Snapshot) {
        let Some(named) = claim.task else { return };
        for task in tasks {
            assert_eq!((task.id, task.dispatch), (named.id, named.dispatch));
            let held = self.live.remove(&named.id);
            assert!(held.is_none() || held == named.former, "it is fenced");
            let asked = before.task(named.id).unwrap().cancel_requested_at;
            assert!(held.is_none() || asked.is_none(), "it shall end");
        }
    }

    fn check_claimed(&mut self, claim: &Claim, tasks: &[Task]) {
        for task in tasks {
            let lease = task.lease.as_ref().unwrap();
            assert!(
                self.live.insert(task.id, lease.number).is_none(),
                "two hold {}",
                task.id
            );
            let former = self
                .latest
                .insert(task.id, lease.number)
                .unwrap_or(LeaseNumber(0));
            assert_eq!(lease.number.0, former.0 + 1);
            assert_eq!(
                (&lease.worker, task.status),
                (&claim.worker, Status::Processing)
            );
            if claim.task.is_none() {
                *self.claimed.entry(Arc::clone(&task.queue)).or_default() += 1;
            }
        }
    }

    /// What the claim must take, by sorting all there is.
    fn predict(&self, claim: &Claim, before: &Snapshot, now: Timestamp) -> Vec<TaskId> {
        let mut taken: Vec<TaskId> = Vec::new();
        let mut claimed = self.claimed.clone();
        for demand in &claim.queues {
            let paused = before
                .queues
                .iter()
                .any(|queue| *queue.name == *demand.queue && queue.paused);
            let mut slots: Vec<usize> = demand.lanes.iter().map(|lane| lane.slots).collect();
            let mut left = if paused { 0 } else { demand.slots };
            while left > 0 && taken.len() < claim.limit {
                let number = claimed.entry(demand.queue.as_str().into()).or_default();
                let by_age = (*number + 1).is_multiple_of(limits::AGE_CLAIM_EVERY);
                let free = |task: &&Task| {
                    !taken.contains(&task.id)
                        && claimable(task, claim, demand, now)
                        && slot(task, demand).is_some_and(|slot| slots[slot] > 0)
                };
                // Snapshots are newest first.
                let first = before.tasks.iter().rev().filter(free).min_by_key(|task| {
                    let priority = if by_age { 0 } else { task.priority.get() };
                    (Reverse(priority), task.run_at)
                });
                let Some(first) = first else { break };
                slots[slot(first, demand).unwrap()] -= 1;
                *number += 1;
                left -= 1;
                taken.push(first.id);
            }
        }
        taken
    }

    fn check_state(&mut self, after: &Snapshot) {
        let there = u64::try_from(after.tasks.len()).unwrap();
        assert_eq!(
            there + self.purged,
            u64::try_from(self.tasks.len()).unwrap(),
            "none is lost"
        );
        let order = |task: &Task| self.tasks.iter().rposition(|id| *id == task.id);
        assert!(
            after.tasks.is_sorted_by_key(|task| Reverse(order(task))),
            "newest first"
        );
        for task in &after.tasks {
            let number = task.lease.as_ref().map(|lease| lease.number);
            assert_eq!(
                number,
                self.live.get(&task.id).copied(),
                "the lease of {task:?}"
            );
            assert_eq!(task.status.is_leased(), number.is_some());
            assert_eq!(task.status.is_terminal(), task.finished_at.is_some());
            assert!(task.wait_reason.is_none() || task.status == Status::Pending);
            assert!(task.rescues <= limits::RESCUES);
            let ended = self.ended.entry(task.id);
            if task.status.is_terminal() {
                assert_eq!(
                    *ended.or_insert(task.status),
                    task.status,
                    "an end is an end"
                );
            } else {
                assert!(matches!(
                    ended,
                    std::collections::hash_map::Entry::Vacant(_)
                ));
            }
        }
        let own = after.tasks.iter().filter(|task| *task.owner == *"o1");
        let mut own = recount(own);
        own.queues
            .values_mut()
            .for_each(|queue| queue.oldest_ready = None);
        assert_eq!(own, after.own_stats);
        assert_eq!(
            recount(after.tasks.iter()),
            Stats {
                hours: Vec::new(),
                ..after.stats.clone()
            }
        );
    }
}

fn claimable(task: &Task, claim: &Claim, demand: &QueueDemand, now: Timestamp) -> bool {
    *task.queue == *demand.queue
        && task.status == Status::Pending
        && task.wait_reason.is_none()
        && task.dispatch == claim.dispatch
        && claim
            .owner
            .as_deref()
            .is_none_or(|owner| owner == &*task.owner)
        && task.held_until.is_none_or(|until| until <= now)
        && task.deadline.is_none_or(|deadline| deadline > now)
}

fn slot(task: &Task, demand: &QueueDemand) -> Option<usize> {
    demand
        .lanes
        .iter()
        .position(|lane| *lane.kind == *task.kind)
}

fn recount<'a>(tasks: impl Iterator<Item = &'a Task>) -> Stats {
    let mut stats = Stats::default();
    for task in tasks {
        *stats.counts.get_mut(task.status) += 1;
        *stats
            .kinds
            .entry(Arc::clone(&task.kind))
            .or_default()
            .get_mut(task.status) += 1;
        let queue = stats.queues.entry(Arc::clone(&task.queue)).or_default();
        *queue.counts.get_mut(task.status) += 1;
        if task.status == Status::Pending && task.wait_reason.is_none() {
            queue.ready += 1;
            let oldest = queue.oldest_ready.unwrap_or(task.run_at);
            queue.oldest_ready = Some(oldest.min(task.run_at));
        }
    }
    stats
}
