use super::codec::{dispatch_code, status_code};
use super::failure::Failure;
use super::named::{free_named, hand_to};
use super::names::Key;
use super::pick::{Stream, age_picks, pick};
use super::rows::{FRESH, Found, fresh_from, read_task};
use super::settle::settle;
use super::tx::Tx;
use crate::domain::{
    Claim, Claimed, EventKind, Lane, LaneDemand, Lease, LeaseNumber, QueueDemand, Status, Task,
    Timestamp, limits,
};
use crate::store::Parts;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, params};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

/// Settles, then claims.
pub(super) fn claim(conn: &Connection, tx: &mut Tx, mut claim: Claim) -> Result<Claimed, Failure> {
    let settled = settle(conn, tx, std::mem::take(&mut claim.settle))?;
    tx.flush_lanes(conn)?;
    let limit = claim.limit.min(limits::CLAIM_TASKS);
    let mut tasks = Vec::new();
    let mut taker = Taker::prepare(conn)?;
    if let Some(named) = claim.task {
        if limit > 0
            && let Some(key) = free_named(conn, tx, &claim, named)?
        {
            let mut task = taker.take(tx, &claim, key)?;
            hand_to(conn, tx, key, &mut task, named.dispatch)?;
            tasks.push(task);
        }
        return Ok(Claimed { settled, tasks });
    }
    let mut looks = limits::CLAIM_LOOKS;
    for demand in &claim.queues {
        let left = limit - tasks.len();
        for key in claim_queue(conn, tx, &claim, demand, (left, &mut looks))? {
            tasks.push(taker.take(tx, &claim, key)?);
        }
    }
    Ok(Claimed { settled, tasks })
}

/// The keys of the tasks to take of one queue.
fn claim_queue(
    conn: &Connection,
    tx: &Tx,
    claim: &Claim,
    demand: &QueueDemand,
    (left, looks): (usize, &mut usize),
) -> Result<Vec<Key>, Failure> {
    let wanted = demand.slots.min(left);
    if wanted == 0 {
        return Ok(Vec::new());
    }
    let queue = conn
        .prepare_cached("SELECT paused, claimed FROM queue WHERE name = ?")?
        .query_row([&demand.queue], |row| {
            Ok((row.get::<_, bool>(0)?, row.get::<_, u64>(1)?))
        })
        .optional()?;
    let Some((false, claimed)) = queue else {
        return Ok(Vec::new());
    };
    let candidates = Candidates {
        conn,
        claim,
        now: tx.now,
        aged: age_picks(wanted, claimed),
    };
    let mut streams = Vec::new();
    let lanes = open_lanes(conn, tx, claim, demand)?;
    // Each lane has its share, so that none is hidden behind another that nothing in fits.
    let share = (*looks / lanes.len().max(1)).max(1);
    for (lane, demands) in lanes {
        let slots: usize = demands.iter().fold(0, |sum: usize, index| {
            sum.saturating_add(demand.lanes[*index].slots)
        });
        let most = wanted.min(slots);
        if claim.work_directory.is_none() && claim.owner.is_none() {
            candidates.of_lane(lane, &demands, most, &mut streams)?;
        } else if *looks > 0 {
            let looked = candidates.that_fit(lane, &demands, (most, share), &mut streams)?;
            *looks = looks.saturating_sub(looked);
        }
    }
    let mut slots: Vec<usize> = demand.lanes.iter().map(|lane| lane.slots).collect();
    let keys = pick(&mut streams, &mut slots, wanted, claimed);
    if !keys.is_empty() {
        conn.prepare_cached("UPDATE queue SET claimed = claimed + ? WHERE name = ?")?
            .execute(params![keys.len(), demand.queue])?;
    }
    Ok(keys)
}

/// The lanes of a queue that have ready tasks, are not held back and are wanted, each with the demands that want it.
fn open_lanes(
    conn: &Connection,
    tx: &Tx,
    claim: &Claim,
    demand: &QueueDemand,
) -> rusqlite::Result<Vec<(Key, Rc<[usize]>)>> {
    let mut statement = conn.prepare_cached(
        "SELECT l.id, l.kind, l.limit_key FROM lane l LEFT JOIN hold h ON l.hold_key <> '' AND h.key = l.hold_key
         WHERE l.queue = ? AND l.dispatch = ? AND l.ready > 0 AND (h.until IS NULL OR h.until <= ?)",
    )?;
    let mut rows = statement.query(params![
        demand.queue,
        dispatch_code(claim.dispatch),
        tx.now.as_millis()
    ])?;
    let mut lanes = Vec::new();
    while let Some(row) = rows.next()? {
        let (key, kind, limit) = (
            row.get(0)?,
            row.get_ref(1)?.as_str()?,
            row.get_ref(2)?.as_str()?,
        );
        let wants = |lane: &LaneDemand| {
            lane.kind == kind
                && lane.slots > 0
                && lane.limit_key.as_deref().is_none_or(|key| key == limit)
        };
        let demands: Rc<[usize]> = (0..demand.lanes.len())
            .filter(|index| wants(&demand.lanes[*index]))
            .collect();
        if !demands.is_empty() {
            lanes.push((key, demands));
        }
    }
    Ok(lanes)
}

/// Reads candidates from the index of ready tasks.
struct Candidates<'a> {
    conn: &'a Connection,
    claim: &'a Claim,
    now: Timestamp,
    /// How many of the picks go by age.
    aged: usize,
}

/// What a candidate must be in a claim of any directory and owner. The lane is `?1`, the time `?2`.
macro_rules! eligible {
    () => {
        "ready = 1 AND lane = ?1 AND (deadline IS NULL OR deadline > ?2)"
    };
}

impl Candidates<'_> {
    /// Adds the streams of a lane: the `most` first by priority, and of the priorities below them as many as may go by age.
    fn of_lane(
        &self,
        lane: Key,
        demands: &Rc<[usize]>,
        most: usize,
        streams: &mut Vec<Stream>,
    ) -> rusqlite::Result<()> {
        let mut statement = self.conn.prepare_cached(concat!(
            "SELECT priority, run_at, id FROM task INDEXED BY task_ready WHERE ",
            eligible!(),
            " ORDER BY priority DESC, run_at, id LIMIT ?3"
        ))?;
        let mut rows = statement.query(params![lane, self.now.as_millis(), most])?;
        let mut found = 0;
        let mut lowest = None;
        while let Some(row) = rows.next()? {
            lowest = Some(add(row, demands, lowest, streams)?);
            found += 1;
        }
        match lowest {
            Some(lowest) if found == most && self.aged > 0 => {
                // The last stream may be cut. If it holds fewer than may go by age it is read again from its front.
                let cut = streams.pop_if(|stream| stream.waiting.len() < self.aged);
                let below = lowest + u8::from(cut.is_some());
                self.below(lane, demands, below, streams)
            }
            _ => Ok(()),
        }
    }

    /// Adds the streams of those of the first `share` tasks of a lane that have the directory and the owner of the claim.
    /// Nothing leads to them but a look at each, which is why there are only so many looks. Returns how many it took.
    fn that_fit(
        &self,
        lane: Key,
        demands: &Rc<[usize]>,
        (most, share): (usize, usize),
        streams: &mut Vec<Stream>,
    ) -> rusqlite::Result<usize> {
        let mut statement = self.conn.prepare_cached(
            "SELECT priority, run_at, id, (deadline IS NULL OR deadline > ?2)
                 AND (?3 IS NULL OR EXISTS (SELECT 1 FROM task_input i WHERE i.id = task.id AND i.work_directory = ?3))
                 AND (?4 IS NULL OR EXISTS (SELECT 1 FROM cohort c WHERE c.id = task.cohort AND c.owner = ?4))
             FROM task INDEXED BY task_ready WHERE ready = 1 AND lane = ?1
             ORDER BY priority DESC, run_at, id LIMIT ?5",
        )?;
        let (directory, owner) = (&self.claim.work_directory, &self.claim.owner);
        let now = self.now.as_millis();
        let mut rows = statement.query(params![lane, now, directory, owner, share])?;
        let (mut looked, mut found, mut lowest) = (0, 0, None);
        // A pick by age may take any of them, so all have to be known then.
        while (found < most || self.aged > 0)
            && let Some(row) = rows.next()?
        {
            looked += 1;
            if row.get(3)? {
                lowest = Some(add(row, demands, lowest, streams)?);
                found += 1;
            }
        }
        Ok(looked)
    }

    /// Adds the fronts of the priorities of a lane below `lowest`, as many of each as may go by age.
    fn below(
        &self,
        lane: Key,
        demands: &Rc<[usize]>,
        mut lowest: u8,
        streams: &mut Vec<Stream>,
    ) -> rusqlite::Result<()> {
        let mut next = self.conn.prepare_cached(
            "SELECT priority FROM task INDEXED BY task_ready WHERE ready = 1 AND lane = ? AND priority < ?
             ORDER BY priority DESC LIMIT 1",
        )?;
        let mut fronts = self.conn.prepare_cached(concat!(
            "SELECT run_at, id FROM task INDEXED BY task_ready WHERE ",
            eligible!(),
            " AND priority = ?3 ORDER BY run_at, id LIMIT ?4"
        ))?;
        while let Some(priority) = next
            .query_row(params![lane, lowest], |row| row.get(0))
            .optional()?
        {
            let now = self.now.as_millis();
            let params = params![lane, now, priority, self.aged];
            let rows = fronts.query_map(params, |row| {
                Ok((Timestamp::from_millis(row.get(0)?), row.get(1)?))
            })?;
            let waiting = rows.collect::<rusqlite::Result<_>>()?;
            streams.push(Stream {
                demands: Rc::clone(demands),
                priority,
                waiting,
            });
            lowest = priority;
        }
        Ok(())
    }
}

/// Adds a candidate behind the one before it, whose priority was `before`. Returns its priority.
fn add(
    row: &Row<'_>,
    demands: &Rc<[usize]>,
    before: Option<u8>,
    streams: &mut Vec<Stream>,
) -> rusqlite::Result<u8> {
    let priority = row.get(0)?;
    let due = (Timestamp::from_millis(row.get(1)?), row.get(2)?);
    if before == Some(priority)
        && let Some(stream) = streams.last_mut()
    {
        stream.waiting.push_back(due);
    } else {
        streams.push(Stream {
            demands: Rc::clone(demands),
            priority,
            waiting: VecDeque::from([due]),
        });
    }
    Ok(priority)
}

/// Gives tasks to the claimer, with statements that are prepared once a claim.
struct Taker<'c> {
    conn: &'c Connection,
    read: CachedStatement<'c>,
    lease: CachedStatement<'c>,
}

impl<'c> Taker<'c> {
    fn prepare(conn: &'c Connection) -> rusqlite::Result<Self> {
        let lease = conn.prepare_cached(
            "UPDATE task SET status = ?2, ready = 0, attempt = ?3, lease = ?4, worker = ?5, lease_until = ?6,
                             started_at = ?7, first_start = coalesce(first_start, ?7)
             WHERE id = ?1",
        )?;
        Ok(Self {
            conn,
            read: conn.prepare_cached(FRESH)?,
            lease,
        })
    }

    fn take(&mut self, tx: &mut Tx, claim: &Claim, key: Key) -> Result<Task, Failure> {
        let Found {
            mut task,
            lane,
            cohort,
            leases,
        } = self.read.query_row([key], fresh_from)?;
        if leases == 0 {
            let names = tx.names.lane_of(self.conn, lane)?;
            name(
                &mut task,
                &names,
                &tx.names.cohort_of(self.conn, cohort)?.owner,
            );
        } else {
            let parts = Parts {
                payload: true,
                result: false,
                checkpoint: true,
            };
            task = read_task(self.conn, key, parts)?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
        }
        if task.wait_reason.take().is_some() {
            task.run_at = task.run_at.min(tx.now);
            self.conn
                .prepare_cached("UPDATE task SET wait_reason = NULL, run_at = ? WHERE id = ?")?
                .execute([task.run_at.as_millis(), key])?;
        } else {
            tx.ready(lane, cohort, -1);
        }
        let number = LeaseNumber(leases + 1);
        let expires_at = tx.now.plus(claim.lease);
        self.lease.execute(params![
            key,
            status_code(Status::Processing),
            task.attempt + 1,
            number.0,
            claim.worker.0,
            expires_at.as_millis(),
            tx.now.as_millis(),
        ])?;
        tx.moved(cohort, Some(Status::Pending), Some(Status::Processing));
        tx.event(task.id, EventKind::Started, cohort, task.attempt + 1, None);
        task.attempt += 1;
        task.status = Status::Processing;
        task.started_at = Some(tx.now);
        (task.held_until, task.hold_reason) = (None, None);
        task.lease = Some(Lease {
            number,
            worker: claim.worker.clone(),
            expires_at,
        });
        Ok(task)
    }
}

fn name(task: &mut Task, lane: &Lane, owner: &Arc<str>) {
    task.kind = Arc::clone(&lane.kind);
    task.queue = Arc::clone(&lane.queue);
    task.owner = Arc::clone(owner);
    task.limit_key.clone_from(&lane.limit_key);
    task.hold_key.clone_from(&lane.hold_key);
    task.dispatch = lane.dispatch;
}
