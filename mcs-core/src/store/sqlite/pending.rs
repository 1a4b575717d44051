//! What ends a task that nobody holds, or makes it ready: a cancel, its deadline, its time.

use super::failure::Failure;
use super::settle::{Ender, LeaseRow, lease_columns};
use super::tx::Tx;
use crate::domain::{Event, EventKind, Status, TaskId, Timestamp, next};
use crate::store::ending::Ending;
use crate::store::{CancelReply, Promotion, rules};
use rusqlite::{Connection, OptionalExtension, params};

/// Ends tasks, or asks their workers to.
pub(super) fn cancel(
    conn: &Connection,
    tx: &mut Tx,
    ids: &[TaskId],
    reason: &str,
) -> Result<Vec<CancelReply>, Failure> {
    ids.iter()
        .map(|id| cancel_one(conn, tx, *id, reason))
        .collect()
}

fn cancel_one(
    conn: &Connection,
    tx: &mut Tx,
    id: TaskId,
    reason: &str,
) -> Result<CancelReply, Failure> {
    let row = conn
        .prepare_cached(concat!(
            "SELECT ",
            lease_columns!(),
            ", ready FROM task WHERE uuid = ?"
        ))?
        .query_row([id.as_bytes().as_slice()], |row| {
            Ok((LeaseRow::from_row(row)?, row.get::<_, bool>("ready")?))
        })
        .optional()?;
    let Some((row, ready)) = row else {
        return Ok(CancelReply::Missing);
    };
    if row.status.is_leased() {
        if !row.cancel_asked {
            request(conn, tx, &row, reason)?;
        }
        return Ok(CancelReply::Requested);
    }
    match next(row.status, Event::Cancel) {
        Ok(_) => {
            let error = rules::cancelled(reason);
            let ending = Ending::failed(Status::Cancelled, row.run_at, EventKind::Cancelled, error);
            Ender::prepare(conn)?.end_pending(tx, &row, ready, ending)?;
            Ok(CancelReply::Cancelled)
        }
        Err(refused) => Ok(CancelReply::Finished(refused.from)),
    }
}

fn request(conn: &Connection, tx: &mut Tx, row: &LeaseRow, reason: &str) -> Result<(), Failure> {
    conn.prepare_cached("UPDATE task SET cancel_at = ? WHERE id = ?")?
        .execute([tx.now.as_millis(), row.key])?;
    conn.prepare_cached(
        "INSERT INTO task_output (id, cancel_reason) VALUES (?, ?)
         ON CONFLICT (id) DO UPDATE SET cancel_reason = excluded.cancel_reason",
    )?
    .execute(params![row.key, reason])?;
    tx.event(
        row.id,
        EventKind::CancelRequested,
        row.cohort,
        row.attempt,
        None,
    );
    Ok(())
}

/// Fails pending tasks whose deadline has come, then makes those ready whose time has come.
pub(super) fn promote(conn: &Connection, tx: &mut Tx, limit: usize) -> Result<Promotion, Failure> {
    let expired = expire(conn, tx, limit)?;
    let ready = make_ready(conn, tx, limit)?;
    conn.prepare_cached("DELETE FROM hold WHERE until <= ?")?
        .execute([tx.now.as_millis()])?;
    Ok(Promotion {
        ready,
        expired,
        next_due: next_due(conn)?,
    })
}

fn expire(conn: &Connection, tx: &mut Tx, limit: usize) -> Result<u64, Failure> {
    let mut find = conn.prepare_cached(concat!(
        "SELECT ",
        lease_columns!(),
        ", ready, deadline FROM task WHERE deadline <= ?1 AND deadline IS NOT NULL AND status = 0
         ORDER BY deadline, id LIMIT ?2"
    ))?;
    let found = find.query_map(params![tx.now.as_millis(), limit], |row| {
        let deadline = Timestamp::from_millis(row.get("deadline")?);
        Ok((
            LeaseRow::from_row(row)?,
            row.get::<_, bool>("ready")?,
            deadline,
        ))
    })?;
    let found: Vec<(LeaseRow, bool, Timestamp)> = found.collect::<rusqlite::Result<_>>()?;
    let mut ender = Ender::prepare(conn)?;
    for (row, ready, deadline) in &found {
        if next(row.status, Event::Fail).is_ok() {
            let error = rules::missed_deadline(*deadline);
            let ending = Ending::failed(Status::Failed, row.run_at, EventKind::Failed, error);
            ender.end_pending(tx, row, *ready, ending)?;
        }
    }
    Ok(u64::try_from(found.len()).unwrap_or(u64::MAX))
}

fn make_ready(conn: &Connection, tx: &mut Tx, limit: usize) -> Result<u64, Failure> {
    let mut find = conn.prepare_cached(
        "SELECT id, uuid, lane, cohort, attempt FROM task WHERE wait_reason < 5 AND run_at <= ?1
         ORDER BY run_at, id LIMIT ?2",
    )?;
    let found = find.query_map(params![tx.now.as_millis(), limit], |row| {
        Ok((
            row.get::<_, i64>(0)?,
            TaskId::from_bytes(row.get(1)?),
            row.get(2)?,
            row.get(3)?,
            row.get(4)?,
        ))
    })?;
    let found: Vec<_> = found.collect::<rusqlite::Result<_>>()?;
    let mut update =
        conn.prepare_cached("UPDATE task SET ready = 1, wait_reason = NULL WHERE id = ?")?;
    for (key, id, lane, cohort, attempt) in &found {
        update.execute([key])?;
        tx.ready(*lane, *cohort, 1);
        tx.event(*id, EventKind::Ready, *cohort, *attempt, None);
    }
    Ok(u64::try_from(found.len()).unwrap_or(u64::MAX))
}

fn next_due(conn: &Connection) -> rusqlite::Result<Option<Timestamp>> {
    conn.prepare_cached(
        "SELECT min(due) FROM (
             SELECT * FROM (SELECT run_at AS due FROM task WHERE wait_reason < 5 ORDER BY run_at LIMIT 1)
             UNION ALL
             SELECT * FROM (SELECT deadline FROM task WHERE deadline IS NOT NULL AND status = 0 ORDER BY deadline LIMIT 1)
             UNION ALL SELECT min(until) FROM hold)",
    )?
    .query_row([], |row| row.get::<_, Option<i64>>(0))
    .map(|due| due.map(Timestamp::from_millis))
}
