//! The events that wait, in the order in which they are sent.

use super::{Cache, CacheError, Grave, Lease, lease, signed, unsigned};
use crate::journal::SegmentId;
use rusqlite::{OptionalExtension as _, Row, Transaction, params};
use std::collections::HashMap;

/// An event that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// Its place in the line.
    pub(crate) place: i64,
    /// Where its body is.
    pub(crate) body: Body,
    /// When it happened, in microseconds since the Unix epoch.
    pub(crate) at_micros: i64,
}

/// Where the body of an event is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Body {
    /// In the journal.
    Segment {
        /// In which segment.
        id: SegmentId,
        /// Where its record begins.
        offset: u64,
        /// Bytes of the record.
        len: u64,
    },
    /// Beside the index.
    Kept,
}

/// An event whose body is kept beside the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeptBody {
    /// Its id, if it has one.
    pub(crate) event_id: Option<String>,
    /// The JSON that goes over the wire.
    pub(crate) body: Vec<u8>,
}

/// How many were delivered or died.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Gone {
    pub(crate) delivered: u64,
    pub(crate) dead: u64,
    /// Older dead letters that made room for them.
    pub(crate) dropped: u64,
}

impl Cache {
    /// The oldest events behind `after`, at most `limit`.
    pub(crate) fn waiting(&self, after: i64, limit: usize) -> Result<Vec<Waiting>, CacheError> {
        let mut select = self.conn.prepare_cached(
            "SELECT w.place, w.offset, w.length, w.at, s.name
             FROM reporter_waiting w LEFT JOIN reporter_segment s ON s.id = w.segment
             WHERE w.mcp = ?1 AND w.place > ?2 ORDER BY w.place LIMIT ?3",
        )?;
        let rows =
            select.query_map(params![self.mcp, after, signed(limit as u64)], read_waiting)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The event id and the body of an event whose body is kept beside the index.
    pub(crate) fn kept_body(&self, place: i64) -> Result<Option<KeptBody>, CacheError> {
        Ok(self
            .conn
            .prepare_cached(
                "SELECT event_id, body FROM reporter_body WHERE mcp = ?1 AND place = ?2",
            )?
            .query_row(params![self.mcp, place], |row| {
                Ok(KeptBody {
                    event_id: row.get(0)?,
                    body: row.get(1)?,
                })
            })
            .optional()?)
    }

    /// Removes what was delivered and buries what is dead, if `lease` is still the one in force. What is no longer there
    /// counts as neither, so that no event is counted twice.
    pub(crate) fn settle(
        &mut self,
        lease: Lease,
        delivered: &[i64],
        dead: &[(i64, Grave)],
    ) -> Result<Option<Gone>, CacheError> {
        let (mcp, mut graveyard) = (self.mcp, self.graveyard);
        let tx = self.begin()?;
        if !lease::is_current(&tx, mcp, lease)? {
            return Ok(None);
        }
        let mut removal = Removal::new(&tx, mcp);
        let mut gone = Gone::default();
        let mut bytes = 0;
        for &place in delivered {
            gone.delivered += u64::from(removal.remove(place)?);
        }
        for (place, grave) in dead {
            if removal.remove(*place)? {
                grave.dig(&tx, mcp)?;
                gone.dead += 1;
                bytes += grave.body.len() as u64;
            }
        }
        removal.finish()?;
        if gone.dead > 0 {
            gone.dropped = graveyard.make_room(&tx, mcp, lease, (gone.dead, bytes))?;
        }
        tx.commit()?;
        self.graveyard = graveyard;
        Ok(Some(gone))
    }

    /// Removes events whose bodies are gone. Returns how many there were.
    pub(crate) fn remove(&mut self, places: &[i64]) -> Result<u64, CacheError> {
        let mcp = self.mcp;
        let tx = self.begin()?;
        let mut removal = Removal::new(&tx, mcp);
        let mut removed = 0;
        for &place in places {
            removed += u64::from(removal.remove(place)?);
        }
        removal.finish()?;
        tx.commit()?;
        Ok(removed)
    }

    /// How many events wait.
    pub(crate) fn count_waiting(&self) -> Result<u64, CacheError> {
        let in_segments: i64 = self
            .conn
            .prepare_cached(
                "SELECT COALESCE(SUM(waiting), 0) FROM reporter_segment WHERE mcp = ?1",
            )?
            .query_row([self.mcp], |row| row.get(0))?;
        let kept: i64 = self
            .conn
            .prepare_cached("SELECT COUNT(*) FROM reporter_body WHERE mcp = ?1")?
            .query_row([self.mcp], |row| row.get(0))?;
        Ok(unsigned(in_segments.saturating_add(kept)))
    }

    /// The last place in the line that was given out.
    pub(crate) fn last_place(&self) -> Result<i64, CacheError> {
        Ok(self
            .conn
            .prepare_cached("SELECT next_place - 1 FROM reporter_mcp WHERE id = ?1")?
            .query_row([self.mcp], |row| row.get(0))?)
    }

    /// How many events wait at `place` or before it; merely one or none where `exactly` is not asked for.
    pub(crate) fn count_until(&self, place: i64, exactly: bool) -> Result<u64, CacheError> {
        let limit = if exactly { -1 } else { 1 };
        let count: i64 = self
            .conn
            .prepare_cached(
                "SELECT COUNT(*) FROM
                 (SELECT 1 FROM reporter_waiting WHERE mcp = ?1 AND place <= ?2 LIMIT ?3)",
            )?
            .query_row(params![self.mcp, place, limit], |row| row.get(0))?;
        Ok(unsigned(count))
    }
}

fn read_waiting(row: &Row<'_>) -> rusqlite::Result<Waiting> {
    let name: Option<String> = row.get(4)?;
    let (offset, len) = (unsigned(row.get(1)?), unsigned(row.get(2)?));
    Ok(Waiting {
        place: row.get(0)?,
        body: name.map_or(Body::Kept, |name| Body::Segment {
            id: SegmentId::from_text(&name),
            offset,
            len,
        }),
        at_micros: row.get(3)?,
    })
}

/// Removes waiting events and keeps the books of their segments.
pub(super) struct Removal<'a> {
    tx: &'a Transaction<'a>,
    mcp: i64,
    by_segment: HashMap<i64, i64>,
}

impl<'a> Removal<'a> {
    pub(super) fn new(tx: &'a Transaction<'a>, mcp: i64) -> Self {
        Self {
            tx,
            mcp,
            by_segment: HashMap::new(),
        }
    }

    /// Removes an event. Returns whether it was there.
    pub(super) fn remove(&mut self, place: i64) -> rusqlite::Result<bool> {
        let segment: Option<Option<i64>> = self
            .tx
            .prepare_cached(
                "DELETE FROM reporter_waiting WHERE mcp = ?1 AND place = ?2 RETURNING segment",
            )?
            .query_row(params![self.mcp, place], |row| row.get(0))
            .optional()?;
        match segment {
            Some(Some(segment)) => *self.by_segment.entry(segment).or_default() += 1,
            Some(None) => {
                self.tx
                    .prepare_cached("DELETE FROM reporter_body WHERE mcp = ?1 AND place = ?2")?
                    .execute(params![self.mcp, place])?;
            }
            None => return Ok(false),
        }
        Ok(true)
    }

    pub(super) fn finish(self) -> rusqlite::Result<()> {
        let mut update = self.tx.prepare_cached(
            "UPDATE reporter_segment SET waiting = MAX(waiting - ?2, 0) WHERE id = ?1",
        )?;
        for (segment, removed) in self.by_segment {
            update.execute([segment, removed])?;
        }
        Ok(())
    }
}
