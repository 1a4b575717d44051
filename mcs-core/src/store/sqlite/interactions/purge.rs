use super::super::names::Key;
use crate::domain::Timestamp;
use rusqlite::{Connection, params};
use std::collections::BTreeSet;

/// After so many young events in a row no old one is looked for. Their times may be out of order where a clock was set.
const YOUNG_EVENTS: usize = 100;

/// Removes what was stored at `until` or before.
pub(super) fn purge(conn: &Connection, until: Timestamp, limit: usize) -> rusqlite::Result<u64> {
    let old = find_old(conn, until, limit)?;
    let mut remove = conn.prepare_cached("DELETE FROM interaction_event WHERE place = ?")?;
    for (place, _) in &old {
        remove.execute([place])?;
    }
    if let Some((last, _)) = old.last() {
        conn.prepare_cached("UPDATE interaction_removed SET place = max(place, ?)")?
            .execute([last])?;
    }
    let touched: BTreeSet<Key> = old.iter().map(|(_, interaction)| *interaction).collect();
    let mut forget = conn.prepare_cached(
        "DELETE FROM interaction
         WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM interaction_event WHERE interaction = ?1)",
    )?;
    for interaction in touched {
        forget.execute([interaction])?;
    }
    forget_hours(conn, until, limit)?;
    Ok(old.len() as u64)
}

/// The places of old events with their interactions.
fn find_old(
    conn: &Connection,
    until: Timestamp,
    limit: usize,
) -> rusqlite::Result<Vec<(i64, Key)>> {
    let mut oldest = conn.prepare_cached(
        "SELECT place, interaction, received_at FROM interaction_event ORDER BY place",
    )?;
    let mut rows = oldest.query([])?;
    let mut old = Vec::new();
    let mut young = 0;
    while old.len() < limit
        && young < YOUNG_EVENTS
        && let Some(row) = rows.next()?
    {
        if row.get::<_, i64>(2)? > until.as_millis() {
            young += 1;
        } else {
            young = 0;
            old.push((row.get(0)?, row.get(1)?));
        }
    }
    Ok(old)
}

fn forget_hours(conn: &Connection, until: Timestamp, limit: usize) -> rusqlite::Result<()> {
    let mut oldest = conn.prepare_cached(
        "SELECT h.hour, h.mcp FROM interaction_hour h JOIN interaction_mcp m ON m.id = h.mcp
         WHERE h.hour <= ? ORDER BY h.hour, m.name LIMIT ?",
    )?;
    let rows = oldest.query_map(params![until.as_millis(), limit], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    let old: Vec<(i64, Key)> = rows.collect::<rusqlite::Result<_>>()?;
    for (hour, mcp) in old {
        for sql in [
            "DELETE FROM interaction_duration WHERE hour = ? AND mcp = ?",
            "DELETE FROM interaction_hour WHERE hour = ? AND mcp = ?",
        ] {
            conn.prepare_cached(sql)?.execute([hour, mcp])?;
        }
    }
    Ok(())
}
