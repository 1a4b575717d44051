//! Events that the coordinator will never take, kept for somebody to look at.

use super::segments::places;
use super::{Cache, CacheError, signed, unsigned};
use crate::outcome::DeadLetter;
use rusqlite::{Transaction, params};
use std::time::{Duration, SystemTime};

/// Dead letters that are sent again in one transaction.
const AT_ONCE: i64 = 100;
/// Bytes of bodies in one answer, and one more body.
const ANSWER_BYTES: usize = 4 * 1024 * 1024;

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
    /// The dead letters behind `after`, oldest first: at most `limit`, and no more once their bodies pass
    /// [`ANSWER_BYTES`].
    pub(crate) fn dead_letters(
        &self,
        after: i64,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, CacheError> {
        let mut select = self.conn.prepare_cached(
            "SELECT id, event_id, at, reason, body FROM reporter_dead_letter
             WHERE mcp = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
        )?;
        let mut rows = select.query(params![self.mcp, after, signed(limit as u64)])?;
        let mut letters = Vec::new();
        let mut bytes = 0;
        while let Some(row) = rows.next()? {
            let body: Vec<u8> = row.get(4)?;
            bytes += body.len();
            letters.push(DeadLetter {
                id: row.get(0)?,
                event_id: row.get(1)?,
                at: time(row.get(2)?),
                reason: row.get(3)?,
                event: serde_json::from_slice(&body)
                    .unwrap_or_else(|_| String::from_utf8_lossy(&body).into()),
            });
            if bytes >= ANSWER_BYTES {
                break;
            }
        }
        Ok(letters)
    }

    /// How many dead letters there are.
    pub(crate) fn count_dead(&self) -> Result<u64, CacheError> {
        let count: i64 = self
            .conn
            .prepare_cached("SELECT COUNT(*) FROM reporter_dead_letter WHERE mcp = ?1")?
            .query_row([self.mcp], |row| row.get(0))?;
        Ok(unsigned(count))
    }

    /// Puts all dead letters at the end of the line. Returns how many there were.
    pub(crate) fn resend(&mut self) -> Result<u64, CacheError> {
        self.graveyard.forget();
        let mut resent = 0;
        loop {
            let some = self.resend_some()?;
            if some == 0 {
                return Ok(resent);
            }
            resent += some;
        }
    }

    fn resend_some(&mut self) -> Result<u64, CacheError> {
        let mcp = self.mcp;
        let tx = self.begin()?;
        let found: Vec<(i64, i64)> = tx
            .prepare_cached(
                "SELECT id, at FROM reporter_dead_letter WHERE mcp = ?1 ORDER BY id LIMIT ?2",
            )?
            .query_map([mcp, AT_ONCE], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        let first = places(&tx, mcp, found.len())?;
        for (place, (id, at)) in (first..).zip(&found) {
            wait_kept(&tx, mcp, place, *at)?;
            tx.prepare_cached(
                "INSERT INTO reporter_body (mcp, place, event_id, body)
                 SELECT mcp, ?2, event_id, body FROM reporter_dead_letter WHERE id = ?1",
            )?
            .execute([*id, place])?;
            tx.prepare_cached("DELETE FROM reporter_dead_letter WHERE id = ?1")?
                .execute([id])?;
        }
        tx.commit()?;
        Ok(found.len() as u64)
    }
}

fn time(micros: i64) -> SystemTime {
    let since = Duration::from_micros(micros.unsigned_abs());
    let time = if micros < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(since)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(since)
    };
    time.unwrap_or(SystemTime::UNIX_EPOCH)
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
