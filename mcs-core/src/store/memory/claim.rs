use super::events::Commit;
use super::row::Row;
use super::state::{ReadyLane, State};
use crate::domain::{
    Claim, Claimed, Dispatch, Event, EventKind, Lane, LaneDemand, Lease, LeaseNumber, NamedTask,
    Priority, QueueDemand, ReadyWork, Task, Timestamp, limits, next,
};
use crate::store::{Parts, rules};
use std::cmp::Reverse;
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

impl State {
    /// Settles, then claims, in one commit.
    pub(super) fn claim(&mut self, mut claim: Claim, now: Timestamp) -> Claimed {
        let mut commit = Commit::at(now);
        let settled = std::mem::take(&mut claim.settle)
            .into_iter()
            .map(|settlement| self.settle_one(settlement, &mut commit))
            .collect();
        let picked = match claim.task {
            Some(named) => {
                let free = self.free_named(&claim, named, &mut commit);
                free.into_iter().collect()
            }
            None => self.pick(&claim, now),
        };
        let tasks = picked
            .into_iter()
            .filter_map(|seq| self.start(seq, &claim, &mut commit))
            .collect();
        self.events.publish(commit);
        Claimed { settled, tasks }
    }

    /// The task that the claim names, if it may be claimed now, free of its former lease. It takes no part in the order, so
    /// it does not count.
    fn free_named(&mut self, claim: &Claim, named: NamedTask, commit: &mut Commit) -> Option<u64> {
        let row = self.find(named.id)?;
        let (seq, lane) = (row.seq, row.lane());
        let former = named
            .former
            .filter(|former| row.is_held_under(*former) && row.task.cancel_requested_at.is_none());
        let free = claim.limit > 0
            && (row.can_start() || former.is_some())
            && fits(row, claim, commit.now)
            && lane.dispatch == claim.dispatch
            && !self.is_paused(&lane.queue)
            && !self.is_held(&lane, commit.now);
        if !free {
            return None;
        }
        if let Some(former) = former {
            self.settle_one(rules::released(named.id, former), commit);
        }
        Some(seq)
    }

    fn pick(&mut self, claim: &Claim, now: Timestamp) -> Vec<u64> {
        let mut picked = Vec::new();
        let limit = claim.limit.min(limits::CLAIM_TASKS);
        // A queue may be named twice, and what the first demand took is still in the lanes.
        let mut taken = HashSet::new();
        for demand in &claim.queues {
            let most = demand.slots.min(limit - picked.len());
            if most == 0 || self.is_paused(&demand.queue) {
                continue;
            }
            let claimed = self
                .queues
                .get(&*demand.queue)
                .map_or(0, |queue| queue.claimed);
            let from_queue = self.pick_from(demand, claim, (claimed, most), &mut taken, now);
            let count = u64::try_from(from_queue.len()).unwrap_or(u64::MAX);
            if let Some(queue) = self.queues.get_mut(&*demand.queue) {
                queue.claimed += count;
            }
            picked.extend(from_queue);
        }
        picked
    }

    /// Up to `most` rows of one queue, whose earlier claims took `claimed`.
    fn pick_from(
        &self,
        demand: &QueueDemand,
        claim: &Claim,
        (claimed, most): (u64, usize),
        taken: &mut HashSet<u64>,
        now: Timestamp,
    ) -> Vec<u64> {
        let lanes = self.ready.get(&*demand.queue);
        let mut lanes: Vec<Candidates<'_>> = lanes
            .into_iter()
            .flatten()
            .filter(|(lane, _)| lane.dispatch == claim.dispatch && !self.is_held(lane, now))
            .filter_map(|(lane, ready)| Candidates::of(lane, ready, &demand.lanes))
            .collect();
        let mut slots: Vec<usize> = demand.lanes.iter().map(|lane| lane.slots).collect();
        let mut picked = Vec::new();
        let mut number = claimed;
        while picked.len() < most {
            number += 1;
            let by_age = number.is_multiple_of(limits::AGE_CLAIM_EVERY);
            let mut free = |seq: &u64| {
                let fits = |row| fits(row, claim, now);
                !taken.contains(seq) && self.row(*seq).is_some_and(fits)
            };
            let Some((seq, slot)) = first(&mut lanes, &slots, by_age, &mut free) else {
                break;
            };
            slots[slot] -= 1;
            taken.insert(seq);
            picked.push(seq);
        }
        picked
    }

    /// The queues that are not paused and kinds with ready tasks of a dispatch, of one owner or all.
    pub(super) fn ready_work(&self, dispatch: Dispatch, owner: Option<&str>) -> Vec<ReadyWork> {
        let work: BTreeSet<ReadyWork> = self
            .ready
            .values()
            .flat_map(|lanes| lanes.keys())
            .filter(|lane| lane.dispatch == dispatch && !self.is_paused(&lane.queue))
            .map(|lane| ReadyWork {
                queue: Arc::clone(&lane.queue),
                kind: Arc::clone(&lane.kind),
            })
            .collect();
        let has_owner =
            |work: &ReadyWork| owner.is_none_or(|owner| self.stats.has_ready(owner, work));
        work.into_iter().filter(has_owner).collect()
    }

    /// Gives the row its next lease.
    fn start(&mut self, seq: u64, claim: &Claim, commit: &mut Commit) -> Option<Task> {
        let now = commit.now;
        self.change(seq, |row| {
            row.leases += 1;
            row.first_started_at.get_or_insert(now);
            let task = &mut row.task;
            if let Some(named) = claim.task {
                task.dispatch = named.dispatch;
            }
            // A task that is named may be taken before its time.
            if task.wait_reason.take().is_some() {
                task.run_at = task.run_at.min(now);
            }
            // Only pending rows are picked, and those take a claim.
            task.status = next(task.status, Event::Claim).unwrap_or(task.status);
            task.attempt = task.attempt.saturating_add(1);
            task.started_at = Some(now);
            task.lease = Some(Lease {
                number: LeaseNumber(row.leases),
                worker: claim.worker.clone(),
                expires_at: now.plus(claim.lease),
            });
            commit.tell(task, EventKind::Started, None);
        })?;
        let parts = Parts {
            result: false,
            ..Parts::ALL
        };
        self.row(seq).map(|row| self.show(row, parts))
    }

    fn is_paused(&self, queue: &str) -> bool {
        self.queues
            .get(queue)
            .is_some_and(|queue| queue.info.paused)
    }

    fn is_held(&self, lane: &Lane, now: Timestamp) -> bool {
        let hold = lane.hold_key.as_ref().and_then(|key| self.holds.get(key));
        hold.is_some_and(|hold| hold.until > now)
    }
}

/// The ready rows of one lane, from the first that no claim has passed yet.
struct Candidates<'a> {
    ready: &'a ReadyLane,
    /// Where both orders go on: what lies before is taken or does not fit.
    next_urgent: Option<(Reverse<Priority>, Timestamp, u64)>,
    next_aged: Option<(Timestamp, u64)>,
    /// The demands that it counts against, in the order in which they are used up.
    demands: Vec<usize>,
}

impl<'a> Candidates<'a> {
    fn of(lane: &Lane, ready: &'a ReadyLane, demands: &[LaneDemand]) -> Option<Self> {
        let wants = |demand: &LaneDemand| {
            *demand.kind == *lane.kind
                && (demand.limit_key.is_none() || demand.limit_key == lane.limit_key)
        };
        let demands: Vec<usize> = demands
            .iter()
            .enumerate()
            .filter(|(_, demand)| wants(demand))
            .map(|(index, _)| index)
            .collect();
        (!demands.is_empty()).then(|| Self {
            ready,
            next_urgent: ready.by_priority.first().copied(),
            next_aged: ready.by_age.first().copied(),
            demands,
        })
    }

    /// The demand with free slots that the next row of the lane would use.
    fn slot(&self, slots: &[usize]) -> Option<usize> {
        self.demands.iter().copied().find(|index| slots[*index] > 0)
    }

    /// The lane's first row by priority that is still free.
    fn urgent(&mut self, free: &mut impl FnMut(&u64) -> bool) -> Option<Place> {
        let set = &self.ready.by_priority;
        let found = advance(set, self.next_urgent, |(_, _, seq)| free(seq));
        self.next_urgent = found;
        found
    }

    /// The lane's first row by age that is still free.
    fn aged(&mut self, free: &mut impl FnMut(&u64) -> bool) -> Option<Place> {
        let set = &self.ready.by_age;
        let found = advance(set, self.next_aged, |(_, seq)| free(seq));
        self.next_aged = found;
        found.map(|(run_at, seq)| (Reverse(Priority::MIN), run_at, seq))
    }
}

/// A row's place in the order of a claim. By age all priorities are written as one.
type Place = (Reverse<Priority>, Timestamp, u64);

/// The first row over all lanes, and the demand it uses.
fn first(
    lanes: &mut [Candidates<'_>],
    slots: &[usize],
    by_age: bool,
    free: &mut impl FnMut(&u64) -> bool,
) -> Option<(u64, usize)> {
    let places = lanes.iter_mut().filter_map(|lane| {
        let slot = lane.slot(slots)?;
        let place = if by_age {
            lane.aged(free)?
        } else {
            lane.urgent(free)?
        };
        Some((place, slot))
    });
    places.min().map(|((_, _, seq), slot)| (seq, slot))
}

/// The first entry of `set` at `from` or after it that is free.
fn advance<T: Ord + Copy>(
    set: &BTreeSet<T>,
    from: Option<T>,
    free: impl FnMut(&T) -> bool,
) -> Option<T> {
    set.range(from?..).copied().find(free)
}

/// Whether the claim takes this row, its lane aside.
fn fits(row: &Row, claim: &Claim, now: Timestamp) -> bool {
    let on_time = row.task.deadline.is_none_or(|deadline| deadline > now);
    let directory = claim.work_directory.as_deref();
    let owner = claim.owner.as_deref();
    on_time
        && directory.is_none_or(|wanted| row.task.work_directory.as_deref() == Some(wanted))
        && owner.is_none_or(|wanted| *row.task.owner == *wanted)
}
