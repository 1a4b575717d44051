use super::codec::{READY_CODE, dispatch_code, status_from};
use super::failure::Failure;
use super::names::Key;
use super::work_hours;
use crate::domain::{Dispatch, QueueInfo, ReadyWork, Stats, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::sync::Arc;

/// Counts and aggregates, read from what is kept in step with the tasks.
pub(super) fn stats(conn: &Connection, owner: Option<&str>) -> Result<Stats, Failure> {
    let mut stats = Stats::default();
    count_tasks(conn, owner, &mut stats)?;
    count_ready(conn, owner, &mut stats)?;
    if owner.is_none() {
        read_oldest(conn, &mut stats)?;
        stats.hours = work_hours::read(conn)?;
    }
    Ok(stats)
}

fn count_tasks(conn: &Connection, owner: Option<&str>, report: &mut Stats) -> rusqlite::Result<()> {
    let mut counts = conn.prepare_cached(
        "SELECT c.queue, c.kind, n.status, sum(n.tasks) FROM cohort c JOIN cohort_count n ON n.cohort = c.id
         WHERE n.status < 6 AND n.tasks > 0 AND (?1 IS NULL OR c.owner = ?1)
         GROUP BY c.queue, c.kind, n.status",
    )?;
    let mut rows = counts.query([owner])?;
    while let Some(row) = rows.next()? {
        let (queue, kind): (Arc<str>, Arc<str>) = (row.get(0)?, row.get(1)?);
        let status = status_from(row.get(2)?)?;
        let count: u64 = row.get(3)?;
        *report.counts.get_mut(status) += count;
        *report.kinds.entry(kind).or_default().get_mut(status) += count;
        *report
            .queues
            .entry(queue)
            .or_default()
            .counts
            .get_mut(status) += count;
    }
    Ok(())
}

fn count_ready(conn: &Connection, owner: Option<&str>, stats: &mut Stats) -> rusqlite::Result<()> {
    let mut ready = conn.prepare_cached(
        "SELECT c.queue, sum(n.tasks) FROM cohort c JOIN cohort_count n ON n.cohort = c.id AND n.status = 6
         WHERE n.tasks > 0 AND (?1 IS NULL OR c.owner = ?1) GROUP BY c.queue",
    )?;
    let mut rows = ready.query([owner])?;
    while let Some(row) = rows.next()? {
        stats.queues.entry(row.get(0)?).or_default().ready = row.get(1)?;
    }
    Ok(())
}

/// Reads the front of each priority of each lane with ready tasks.
fn read_oldest(conn: &Connection, stats: &mut Stats) -> rusqlite::Result<()> {
    let mut lanes = conn.prepare_cached("SELECT id, queue FROM lane WHERE ready > 0")?;
    let mut front = conn.prepare_cached(
        "SELECT priority, run_at FROM task INDEXED BY task_ready WHERE ready = 1 AND lane = ? AND priority < ?
         ORDER BY priority DESC, run_at LIMIT 1",
    )?;
    let lanes = lanes.query_map([], |row| {
        Ok((row.get::<_, Key>(0)?, row.get::<_, Arc<str>>(1)?))
    })?;
    for lane in lanes {
        let (lane, queue) = lane?;
        let oldest = &mut stats.queues.entry(queue).or_default().oldest_ready;
        let mut below = i64::MAX;
        while let Some((priority, run_at)) = front
            .query_row([lane, below], |row| {
                Ok((row.get(0)?, row.get::<_, i64>(1)?))
            })
            .optional()?
        {
            below = priority;
            let run_at = Timestamp::from_millis(run_at);
            *oldest = Some(oldest.map_or(run_at, |oldest| oldest.min(run_at)));
        }
    }
    Ok(())
}

/// The queues that are not paused and kinds with ready tasks of a dispatch, of one owner or all, from the counts of lanes and of cohorts.
pub(super) fn ready_work(
    conn: &Connection,
    dispatch: Dispatch,
    owner: Option<&str>,
) -> Result<Vec<ReadyWork>, Failure> {
    let mut ready = conn.prepare_cached(
        "SELECT DISTINCT l.queue, l.kind FROM lane l
         WHERE l.ready > 0 AND l.dispatch = ?1
           AND NOT EXISTS (SELECT 1 FROM queue q WHERE q.name = l.queue AND q.paused)
           AND (?2 IS NULL OR EXISTS (
               SELECT 1 FROM cohort c JOIN cohort_count n ON n.cohort = c.id
               WHERE c.owner = ?2 AND c.queue = l.queue AND c.kind = l.kind AND n.status = ?3 AND n.tasks > 0))
         ORDER BY l.queue, l.kind",
    )?;
    let dispatch = dispatch_code(dispatch);
    let rows = ready.query_map(params![dispatch, owner, READY_CODE], |row| {
        Ok(ReadyWork {
            queue: row.get(0)?,
            kind: row.get(1)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Every queue, by name.
pub(super) fn queues(conn: &Connection) -> Result<Vec<QueueInfo>, Failure> {
    let mut queues =
        conn.prepare_cached("SELECT name, paused, concurrency FROM queue ORDER BY name")?;
    let rows = queues.query_map([], queue_from)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn queue_from(row: &Row<'_>) -> rusqlite::Result<QueueInfo> {
    Ok(QueueInfo {
        name: row.get(0)?,
        paused: row.get(1)?,
        concurrency: row.get(2)?,
    })
}
