use super::codec::{status_code, status_from};
use super::failure::Failure;
use super::names::Key;
use super::tx::Tx;
use crate::domain::{Retention, Status, TaskId};
use crate::store::RemoveReply;
use rusqlite::{Connection, OptionalExtension, params};

/// Batches of events that one call removes, at most.
const EVENT_BATCHES: usize = 20_000;
/// After so many young batches in a row no old one is looked for. Their times may be out of order where a clock was set.
const YOUNG_BATCHES: usize = 100;

/// Removes finished tasks and events that are older than they are kept.
pub(super) fn purge(
    conn: &Connection,
    tx: &mut Tx,
    retention: &Retention,
    limit: usize,
) -> Result<u64, Failure> {
    let old = find_old(conn, tx, retention, limit)?;
    for (_, key) in &old {
        remove(conn, tx, *key)?;
    }
    if let Some(keep) = retention.events {
        forget_events(conn, tx.now.minus(keep).as_millis())?;
    }
    Ok(u64::try_from(old.len()).unwrap_or(u64::MAX))
}

/// Removes those of the tasks that have finished.
pub(super) fn remove_finished(
    conn: &Connection,
    tx: &mut Tx,
    ids: &[TaskId],
) -> Result<Vec<RemoveReply>, Failure> {
    let mut find = conn.prepare_cached("SELECT id, status FROM task WHERE uuid = ?")?;
    let mut replies = Vec::with_capacity(ids.len());
    for id in ids {
        let found = find
            .query_row([id.as_bytes().as_slice()], |row| {
                Ok((row.get::<_, Key>(0)?, status_from(row.get(1)?)?))
            })
            .optional()?;
        replies.push(match found {
            None => RemoveReply::Missing,
            Some((_, status)) if !status.is_terminal() => RemoveReply::Unfinished(status),
            Some((key, _)) => {
                remove(conn, tx, key)?;
                RemoveReply::Removed
            }
        });
    }
    Ok(replies)
}

/// Up to `limit` tasks to remove with the time they finished, those that finished first.
fn find_old(
    conn: &Connection,
    tx: &Tx,
    retention: &Retention,
    limit: usize,
) -> rusqlite::Result<Vec<(i64, Key)>> {
    let mut old: Vec<(i64, Key)> = Vec::new();
    let mut by_status = conn.prepare_cached(
        "SELECT finished_at, id FROM task WHERE done > 0 AND done = ?1 AND finished_at <= ?2 AND ttl_ms IS NULL
         ORDER BY finished_at LIMIT ?3",
    )?;
    for status in Status::ALL {
        let Some(keep) = retention.of(status) else {
            continue;
        };
        let until = tx.now.minus(keep).as_millis();
        let rows = by_status.query_map(params![status_code(status), until, limit], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
        old.extend(rows.collect::<rusqlite::Result<Vec<_>>>()?);
    }
    let mut by_ttl = conn.prepare_cached(
        "SELECT finished_at, id FROM task WHERE expires_at IS NOT NULL AND expires_at <= ?1
         ORDER BY expires_at LIMIT ?2",
    )?;
    let rows = by_ttl.query_map(params![tx.now.as_millis(), limit], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    old.extend(rows.collect::<rusqlite::Result<Vec<_>>>()?);
    old.sort_unstable();
    old.truncate(limit);
    Ok(old)
}

fn remove(conn: &Connection, tx: &mut Tx, key: Key) -> rusqlite::Result<()> {
    let (cohort, status, owner, unique) = conn
        .prepare_cached(
            "SELECT t.cohort, t.status, c.owner, i.unique_key FROM task t
             JOIN cohort c ON c.id = t.cohort JOIN task_input i ON i.id = t.id WHERE t.id = ?",
        )?
        .query_row([key], |row| {
            Ok((
                row.get(0)?,
                row.get::<_, i64>(1)?,
                row.get::<_, String>(2)?,
                row.get::<_, Option<String>>(3)?,
            ))
        })?;
    if let Some(unique) = unique {
        conn.prepare_cached("DELETE FROM task_unique WHERE owner = ? AND key = ?")?
            .execute([owner, unique])?;
    }
    for sql in [
        "DELETE FROM task_tag WHERE task = ?1 AND done IN (0, 3, 4, 5)
         AND tag IN (SELECT value FROM task_input i, json_each(i.tags) WHERE i.id = ?1)",
        "DELETE FROM task_log WHERE task = ?1",
        "DELETE FROM task_question WHERE task = ?1",
        "DELETE FROM task_checkpoint WHERE id = ?1",
        "DELETE FROM task_output WHERE id = ?1",
        "DELETE FROM task_input WHERE id = ?1",
        "DELETE FROM task WHERE id = ?1",
    ] {
        conn.prepare_cached(sql)?.execute([key])?;
    }
    tx.moved(cohort, Some(status_from(status)?), None);
    Ok(())
}

/// Removes the batches up to the last that is as old as `until`. The very last one is only emptied, since the numbers
/// of batches go on from it.
fn forget_events(conn: &Connection, until: i64) -> rusqlite::Result<()> {
    let mut oldest = conn.prepare_cached("SELECT seq, at FROM event_batch ORDER BY seq LIMIT ?")?;
    let mut rows = oldest.query([EVENT_BATCHES])?;
    let mut last_old = None;
    let mut young = 0;
    while let Some(row) = rows.next()?.filter(|_| young < YOUNG_BATCHES) {
        if row.get::<_, i64>(1)? > until {
            young += 1;
        } else {
            young = 0;
            last_old = Some(row.get::<_, i64>(0)?);
        }
    }
    drop(rows);
    let Some(last_old) = last_old else {
        return Ok(());
    };
    conn.prepare_cached("UPDATE event_batch SET events = x'' WHERE seq = (SELECT max(seq) FROM event_batch) AND seq <= ?")?
        .execute([last_old])?;
    conn.prepare_cached(
        "DELETE FROM event_batch WHERE seq <= ? AND seq < (SELECT max(seq) FROM event_batch)",
    )?
    .execute([last_old])?;
    Ok(())
}
