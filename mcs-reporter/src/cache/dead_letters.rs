//! Events that the coordinator will never take, kept for somebody to look at.

use super::segments::places;
use super::{Cache, CacheError, signed, unsigned};
use rusqlite::{OptionalExtension as _, Transaction, params};

/// An event that the coordinator will never take as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadLetter {
    /// Names it to [`resend`](crate::Reporter::resend). It grows with each.
    pub id: i64,
    /// The event's own id, if it has one.
    pub event_id: Option<String>,
    /// When the event happened, in microseconds since the Unix epoch.
    pub at_micros: i64,
    /// When it was given up, in microseconds since the Unix epoch.
    pub died_at_micros: i64,
    /// What the coordinator said of it.
    pub reason: String,
    /// The event, as it was sent: JSON, unless that is what is wrong with it.
    pub body: Vec<u8>,
}

/// A dead letter that is not kept yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Grave {
    pub(crate) event_id: Option<String>,
    pub(crate) at_micros: i64,
    pub(crate) died_at_micros: i64,
    pub(crate) reason: String,
    pub(crate) body: Vec<u8>,
}

impl Grave {
    pub(super) fn dig(&self, tx: &Transaction<'_>, mcp: i64) -> rusqlite::Result<()> {
        tx.prepare_cached(
            "INSERT INTO reporter_dead_letter (mcp, event_id, at, died_at, reason, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            mcp,
            self.event_id,
            self.at_micros,
            self.died_at_micros,
            self.reason,
            self.body
        ])?;
        Ok(())
    }
}

impl Cache {
    /// The dead letters behind `after`, oldest first, at most `limit`.
    pub(crate) fn dead_letters(
        &self,
        after: i64,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, CacheError> {
        let mut select = self.conn.prepare_cached(
            "SELECT id, event_id, at, died_at, reason, body FROM reporter_dead_letter
             WHERE mcp = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
        )?;
        let rows = select.query_map(params![self.mcp, after, signed(limit as u64)], |row| {
            Ok(DeadLetter {
                id: row.get(0)?,
                event_id: row.get(1)?,
                at_micros: row.get(2)?,
                died_at_micros: row.get(3)?,
                reason: row.get(4)?,
                body: row.get(5)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How many dead letters there are.
    pub(crate) fn count_dead(&self) -> Result<u64, CacheError> {
        let count: i64 = self
            .conn
            .prepare_cached("SELECT COUNT(*) FROM reporter_dead_letter WHERE mcp = ?1")?
            .query_row([self.mcp], |row| row.get(0))?;
        Ok(unsigned(count))
    }

    /// Puts dead letters at the end of the line. Returns how many of them there were.
    pub(crate) fn resend(&mut self, ids: &[i64]) -> Result<u64, CacheError> {
        let mcp = self.mcp;
        let tx = self.begin()?;
        let mut resent = 0;
        for id in ids {
            let at: Option<i64> = tx
                .prepare_cached("SELECT at FROM reporter_dead_letter WHERE id = ?1 AND mcp = ?2")?
                .query_row([*id, mcp], |row| row.get(0))
                .optional()?;
            let Some(at) = at else {
                continue;
            };
            let place = places(&tx, mcp, 1)?;
            wait_kept(&tx, mcp, place, at)?;
            tx.prepare_cached(
                "INSERT INTO reporter_body (mcp, place, event_id, body)
                 SELECT mcp, ?2, event_id, body FROM reporter_dead_letter WHERE id = ?1",
            )?
            .execute([*id, place])?;
            tx.prepare_cached("DELETE FROM reporter_dead_letter WHERE id = ?1")?
                .execute([id])?;
            resent += 1;
        }
        tx.commit()?;
        Ok(resent)
    }
}

/// Adds an event to the line whose body is kept beside the index.
pub(super) fn wait_kept(
    tx: &Transaction<'_>,
    mcp: i64,
    place: i64,
    at: i64,
) -> rusqlite::Result<()> {
    tx.prepare_cached("INSERT INTO reporter_waiting VALUES (?1, ?2, NULL, 0, 0, ?3)")?
        .execute([mcp, place, at])?;
    Ok(())
}
