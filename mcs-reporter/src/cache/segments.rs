//! Which segments there are, and how far they are indexed.

use super::{Cache, CacheError, signed, unsigned};
use crate::journal::SegmentId;
use rusqlite::{OptionalExtension as _, Transaction, params};

/// Where an event is in a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IndexRow {
    /// Where its record begins.
    pub(crate) offset: u64,
    /// Bytes of its record.
    pub(crate) len: u64,
    /// When it happened, in microseconds since the Unix epoch.
    pub(crate) at_micros: i64,
}

/// What is known of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SegmentRow {
    /// The segment.
    pub(crate) id: SegmentId,
    /// Everything before that is indexed.
    pub(crate) indexed: u64,
    /// How many of its events wait.
    pub(crate) waiting: u64,
}

impl Cache {
    /// How far a segment is indexed, if it is known.
    pub(crate) fn indexed(&self, segment: &SegmentId) -> Result<Option<u64>, CacheError> {
        let indexed: Option<i64> = self
            .conn
            .prepare_cached("SELECT indexed FROM reporter_segment WHERE mcp = ?1 AND name = ?2")?
            .query_row(params![self.mcp, segment.as_str()], |row| row.get(0))
            .optional()?;
        Ok(indexed.map(unsigned))
    }

    /// Adds the events between `from` and `to` of a segment, all of them or none. Returns false, having added none, if
    /// the segment is not indexed up to `from`: somebody else was here.
    pub(crate) fn index(
        &mut self,
        segment: &SegmentId,
        from: Option<u64>,
        to: u64,
        rows: &[IndexRow],
    ) -> Result<bool, CacheError> {
        let mcp = self.mcp;
        let tx = self.begin()?;
        let found: Option<(i64, i64)> = tx
            .prepare_cached(
                "SELECT id, indexed FROM reporter_segment WHERE mcp = ?1 AND name = ?2",
            )?
            .query_row(params![mcp, segment.as_str()], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        if found.map(|(_, indexed)| unsigned(indexed)) != from {
            return Ok(false);
        }
        let id = match found {
            Some((id, _)) => advance(&tx, id, to, rows.len())?,
            None => insert(&tx, mcp, segment, to, rows.len())?,
        };
        let first = places(&tx, mcp, rows.len())?;
        {
            let mut insert =
                tx.prepare_cached("INSERT INTO reporter_waiting VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
            for (place, row) in (first..).zip(rows) {
                let (offset, len) = (signed(row.offset), signed(row.len));
                insert.execute(params![mcp, place, id, offset, len, row.at_micros])?;
            }
        }
        tx.commit()?;
        Ok(true)
    }

    /// The segments that are known, oldest first.
    pub(crate) fn segments(&self) -> Result<Vec<SegmentRow>, CacheError> {
        let mut select = self.conn.prepare_cached(
            "SELECT name, indexed, waiting FROM reporter_segment WHERE mcp = ?1 ORDER BY name",
        )?;
        let rows = select.query_map([self.mcp], |row| {
            let name: String = row.get(0)?;
            Ok(SegmentRow {
                id: SegmentId::from_text(&name),
                indexed: unsigned(row.get(1)?),
                waiting: unsigned(row.get(2)?),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Forgets a segment whose file is gone, with the events that wait in it. Returns how many those were.
    pub(crate) fn forget_segment(&mut self, segment: &SegmentId) -> Result<u64, CacheError> {
        let mcp = self.mcp;
        let tx = self.begin()?;
        let id: Option<i64> = tx
            .query_row(
                "DELETE FROM reporter_segment WHERE mcp = ?1 AND name = ?2 RETURNING id",
                params![mcp, segment.as_str()],
                |row| row.get(0),
            )
            .optional()?;
        let dropped = tx.execute(
            "DELETE FROM reporter_waiting WHERE mcp = ?1 AND segment = ?2",
            params![mcp, id],
        )?;
        tx.commit()?;
        Ok(dropped as u64)
    }
}

/// Notes that a segment is indexed up to `to`, with so many more events.
fn advance(tx: &Transaction<'_>, id: i64, to: u64, events: usize) -> rusqlite::Result<i64> {
    tx.prepare_cached(
        "UPDATE reporter_segment SET indexed = ?2, waiting = waiting + ?3 WHERE id = ?1",
    )?
    .execute(params![id, signed(to), signed(events as u64)])?;
    Ok(id)
}

/// Notes a segment that was not known.
fn insert(
    tx: &Transaction<'_>,
    mcp: i64,
    segment: &SegmentId,
    to: u64,
    events: usize,
) -> rusqlite::Result<i64> {
    tx.prepare_cached(
        "INSERT INTO reporter_segment (mcp, name, indexed, waiting) VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute(params![
        mcp,
        segment.as_str(),
        signed(to),
        signed(events as u64)
    ])?;
    Ok(tx.last_insert_rowid())
}

/// The first of `count` new places in the line.
pub(super) fn places(tx: &Transaction<'_>, mcp: i64, count: usize) -> rusqlite::Result<i64> {
    let next: i64 = tx
        .prepare_cached("SELECT next_place FROM reporter_mcp WHERE id = ?1")?
        .query_row([mcp], |row| row.get(0))?;
    tx.prepare_cached("UPDATE reporter_mcp SET next_place = ?2 WHERE id = ?1")?
        .execute(params![mcp, next.saturating_add(signed(count as u64))])?;
    Ok(next)
}
