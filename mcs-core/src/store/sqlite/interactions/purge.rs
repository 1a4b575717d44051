//! Removes old events in two steps: a reader looks for them, however long that takes, and the writer removes them.

use super::super::names::Key;
use crate::domain::Timestamp;
use crate::store::Purged;
use crate::store::purge_bounds::PurgeBounds;
use rusqlite::{Connection, params};
use std::collections::BTreeSet;

/// After so many young events in a row no old one is looked for. Their times may be out of order where a clock was set.
const YOUNG_EVENTS: usize = 100;

/// Old events, first stored first.
#[derive(Debug, Default)]
pub(super) struct Old {
    /// Their places with their interactions.
    events: Vec<(i64, Key)>,
    more: bool,
}

/// Finds what was stored at `until` or before, as far as `limit` and the size of the data allow.
///
/// What was stored ahead of `now` was stored while the clock was wrong. However much of it there is, it says nothing of
/// what comes after it.
pub(super) fn find_old(
    conn: &Connection,
    until: Timestamp,
    now: Timestamp,
    limit: usize,
) -> rusqlite::Result<Old> {
    let mut oldest = conn.prepare_cached(
        "SELECT place, interaction, received_at, octet_length(data) FROM interaction_event ORDER BY place",
    )?;
    let mut rows = oldest.query([])?;
    let mut old = Vec::new();
    let mut bounds = PurgeBounds::new(limit);
    let mut young = 0;
    while !bounds.reached()
        && young < YOUNG_EVENTS
        && let Some(row) = rows.next()?
    {
        let received_at = Timestamp::from_millis(row.get(2)?);
        if received_at <= until {
            young = 0;
            old.push((row.get(0)?, row.get(1)?));
            bounds.count(row.get(3)?);
        } else if received_at <= now {
            young += 1;
        }
    }
    Ok(Old {
        events: old,
        more: bounds.reached(),
    })
}

/// Removes those of the `old` events that are still there, and the hours of statistics that began at `until` or before.
pub(super) fn purge(
    conn: &Connection,
    old: &Old,
    until: Timestamp,
    limit: usize,
) -> rusqlite::Result<Purged> {
    let mut remove = conn.prepare_cached("DELETE FROM interaction_event WHERE place = ?")?;
    let mut removed = 0;
    for (place, _) in &old.events {
        removed += remove.execute([place])?;
    }
    if let Some((last, _)) = old.events.last() {
        conn.prepare_cached("UPDATE interaction_removed SET place = max(place, ?)")?
            .execute([last])?;
    }
    let touched: BTreeSet<Key> = old.events.iter().map(|(_, of)| *of).collect();
    let mut forget = conn.prepare_cached(
        "DELETE FROM interaction
         WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM interaction_event WHERE interaction = ?1)",
    )?;
    for interaction in touched {
        forget.execute([interaction])?;
    }
    forget_hours(conn, until, limit)?;
    Ok(Purged {
        events: removed as u64,
        more: old.more,
    })
}

fn forget_hours(conn: &Connection, until: Timestamp, limit: usize) -> rusqlite::Result<()> {
    let mut oldest = conn.prepare_cached(
        "SELECT h.hour, h.mcp FROM interaction_mcp m CROSS JOIN interaction_hour h ON h.mcp = m.id
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
