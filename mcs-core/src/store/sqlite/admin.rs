//! Queues and workers.

use super::failure::{Failure, damaged};
use super::insert::to_sql;
use super::stats::queue_from;
use super::tx::Tx;
use crate::domain::{QueueChange, QueueInfo, Timestamp, Worker, WorkerId};
use rusqlite::{Connection, params};

/// Changes a queue, made if it is new.
pub(super) fn change_queue(
    conn: &Connection,
    name: &str,
    change: QueueChange,
) -> Result<QueueInfo, Failure> {
    conn.execute("INSERT OR IGNORE INTO queue (name) VALUES (?)", [name])?;
    let changed = conn
        .prepare_cached(
            "UPDATE queue SET paused = coalesce(?2, paused), concurrency = CASE WHEN ?3 THEN ?4 ELSE concurrency END
             WHERE name = ?1 RETURNING name, paused, concurrency",
        )?
        .query_row(
            params![name, change.paused, change.concurrency.is_some(), change.concurrency.flatten()],
            queue_from,
        )?;
    Ok(changed)
}

/// Registers a worker or renews its heartbeat.
pub(super) fn beat(conn: &Connection, tx: &Tx, worker: &Worker) -> Result<(), Failure> {
    let text = serde_json::to_string(worker).map_err(to_sql)?;
    conn.prepare_cached(
        "INSERT INTO worker (id, heartbeat_at, worker) VALUES (?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET heartbeat_at = excluded.heartbeat_at, worker = excluded.worker",
    )?
    .execute(params![worker.id.0, tx.now.as_millis(), text])?;
    Ok(())
}

/// Every registered worker.
pub(super) fn workers(conn: &Connection) -> Result<Vec<Worker>, Failure> {
    let mut all = conn.prepare_cached("SELECT heartbeat_at, worker FROM worker ORDER BY id")?;
    let rows = all.query_map([], |row| {
        let text: String = row.get(1)?;
        let worker: Worker =
            serde_json::from_str(&text).map_err(|error| damaged(1, error.to_string()))?;
        Ok(Worker {
            heartbeat_at: Timestamp::from_millis(row.get(0)?),
            ..worker
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Forgets workers.
pub(super) fn forget_workers(conn: &Connection, ids: &[WorkerId]) -> Result<(), Failure> {
    let mut forget = conn.prepare_cached("DELETE FROM worker WHERE id = ?")?;
    for id in ids {
        forget.execute([&id.0])?;
    }
    Ok(())
}
