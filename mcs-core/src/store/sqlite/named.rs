//! Tasks that a claim names.

use super::codec::dispatch_code;
use super::failure::Failure;
use super::names::Key;
use super::settle::settle;
use super::tx::Tx;
use crate::domain::{Claim, Dispatch, Lane, NamedTask, Task};
use crate::store::rules;
use rusqlite::{Connection, OptionalExtension, params};
use std::sync::Arc;

/// The task that the claim names, if it may be claimed now, free of its former lease. It takes no part in the order, so
/// it does not count.
pub(super) fn free_named(
    conn: &Connection,
    tx: &mut Tx,
    claim: &Claim,
    named: NamedTask,
) -> Result<Option<Key>, Failure> {
    let found = conn
        .prepare_cached(
            "SELECT t.id, t.status = 0 FROM task t
             JOIN lane l ON l.id = t.lane
             JOIN queue q ON q.name = l.queue
             JOIN task_input i ON i.id = t.id
             LEFT JOIN hold h ON l.hold_key <> '' AND h.key = l.hold_key
             WHERE t.uuid = ?1 AND l.dispatch = ?2 AND q.paused = 0
               AND (t.ready = 1 OR t.wait_reason < 5
                    OR t.lease_until IS NOT NULL AND t.lease = ?6 AND t.cancel_at IS NULL)
               AND (t.deadline IS NULL OR t.deadline > ?3) AND (h.until IS NULL OR h.until <= ?3)
               AND (?4 IS NULL OR i.work_directory = ?4)
               AND (?5 IS NULL OR EXISTS (SELECT 1 FROM cohort c WHERE c.id = t.cohort AND c.owner = ?5))",
        )?
        .query_row(
            params![
                named.id.as_bytes().as_slice(),
                dispatch_code(claim.dispatch),
                tx.now.as_millis(),
                claim.work_directory,
                claim.owner,
                named.former.map(|former| i64::try_from(former.0).unwrap_or(-1)),
            ],
            |row| Ok((row.get(0)?, row.get::<_, bool>(1)?)),
        )
        .optional()?;
    let Some((key, pending)) = found else {
        return Ok(None);
    };
    if let Some(former) = named.former.filter(|_| !pending) {
        settle(conn, tx, vec![rules::released(named.id, former)])?;
    }
    Ok(Some(key))
}

/// Changes who takes a task from now on. It was just claimed, so it counts among the ready ones of neither lane.
pub(super) fn hand_to(
    conn: &Connection,
    tx: &mut Tx,
    key: Key,
    task: &mut Task,
    dispatch: Dispatch,
) -> rusqlite::Result<()> {
    if task.dispatch == dispatch {
        return Ok(());
    }
    let lane = Lane {
        queue: Arc::clone(&task.queue),
        kind: Arc::clone(&task.kind),
        limit_key: task.limit_key.clone(),
        hold_key: task.hold_key.clone(),
        dispatch,
    };
    let lane = tx.names.lane(conn, &lane)?;
    conn.prepare_cached("UPDATE task SET lane = ? WHERE id = ?")?
        .execute([lane, key])?;
    task.dispatch = dispatch;
    Ok(())
}
