//! The statistics of interactions by the hour.

use super::super::names::Key;
use crate::domain::Timestamp;
use crate::domain::interaction::{InteractionHour, McpHours, Tally};
use rusqlite::{Connection, params};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// Adds what a transaction gathered.
pub(in super::super) fn write(conn: &Connection, hours: Tally<Key>) -> rusqlite::Result<()> {
    for (mcp, hour) in hours.into_hours() {
        let at = hour.hour.as_millis();
        conn.prepare_cached(
            "INSERT INTO interaction_hour (mcp, hour, calls, completed, failed) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT (mcp, hour) DO UPDATE SET calls = calls + excluded.calls,
                 completed = completed + excluded.completed, failed = failed + excluded.failed",
        )?
        .execute(params![mcp, at, hour.calls, hour.completed, hour.failed])?;
        let mut duration = conn.prepare_cached(
            "INSERT INTO interaction_duration (mcp, hour, bucket, calls) VALUES (?, ?, ?, ?)
             ON CONFLICT (mcp, hour, bucket) DO UPDATE SET calls = calls + excluded.calls",
        )?;
        for (bucket, calls) in hour.durations.buckets() {
            duration.execute(params![mcp, at, bucket, calls])?;
        }
    }
    Ok(())
}

/// The hours within `span`. The joins are crossed, so that SQLite seeks the hours of each MCP server rather than walk over
/// those of all.
pub(super) fn read(
    conn: &Connection,
    mcp_id: Option<&str>,
    span: &RangeInclusive<Timestamp>,
) -> rusqlite::Result<Vec<McpHours>> {
    let mut found: BTreeMap<Arc<str>, BTreeMap<Timestamp, InteractionHour>> = BTreeMap::new();
    let (from, to) = (span.start().as_millis(), span.end().as_millis());
    let mut hours = conn.prepare_cached(
        "SELECT m.name, h.hour, h.calls, h.completed, h.failed
         FROM interaction_mcp m CROSS JOIN interaction_hour h ON h.mcp = m.id
         WHERE h.hour BETWEEN ?1 AND ?2 AND (?3 IS NULL OR m.name = ?3)",
    )?;
    let mut rows = hours.query(params![from, to, mcp_id])?;
    while let Some(row) = rows.next()? {
        let hour = InteractionHour {
            calls: row.get(2)?,
            completed: row.get(3)?,
            failed: row.get(4)?,
            ..InteractionHour::empty(Timestamp::from_millis(row.get(1)?))
        };
        let of_mcp = found.entry(row.get(0)?).or_default();
        of_mcp.insert(hour.hour, hour);
    }
    let mut durations = conn.prepare_cached(
        "SELECT m.name, d.hour, d.bucket, d.calls
         FROM interaction_mcp m CROSS JOIN interaction_duration d ON d.mcp = m.id
         WHERE d.hour BETWEEN ?1 AND ?2 AND (?3 IS NULL OR m.name = ?3)",
    )?;
    let mut rows = durations.query(params![from, to, mcp_id])?;
    while let Some(row) = rows.next()? {
        let hours = found.get_mut(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?);
        let hour = Timestamp::from_millis(row.get(1)?);
        if let Some(hour) = hours.and_then(|hours| hours.get_mut(&hour)) {
            hour.durations.add(row.get(2)?, row.get(3)?);
        }
    }
    let mcps = found.into_iter().map(|(mcp_id, hours)| McpHours {
        mcp_id,
        hours: hours.into_values().collect(),
    });
    Ok(mcps.collect())
}
