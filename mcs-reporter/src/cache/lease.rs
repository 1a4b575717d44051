//! Who sends. Of all processes that report for one MCP through one file, one does.

use super::{Cache, CacheError};
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

/// How long a lease lasts that is not renewed.
const LEASE_MS: i64 = 10_000;
/// It is renewed when so much of it is over, so that a process with nothing to do seldom writes.
const RENEWED_MS: i64 = LEASE_MS / 3;

/// The number of a lease. It only grows, so that it tells a holder that lost its lease from the one that has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lease(pub(super) i64);

impl Cache {
    /// Takes or renews the lease for `holder`, if nobody else has it. `is_gone` tells whether another holder died.
    pub(crate) fn lease(
        &mut self,
        holder: &str,
        now_ms: i64,
        is_gone: impl Fn(&str) -> bool,
    ) -> Result<Option<Lease>, CacheError> {
        // Looking first spares those who wait for it a write.
        let found = Found::read(&self.conn, self.mcp)?;
        if !found.is_for(holder, now_ms, &is_gone) {
            return Ok(None);
        }
        if found.is_fresh(holder, now_ms) {
            return Ok(Some(Lease(found.lease)));
        }
        let mcp = self.mcp;
        let tx = self.begin()?;
        let found = Found::read(&tx, mcp)?;
        if !found.is_for(holder, now_ms, &is_gone) {
            return Ok(None);
        }
        // A holder that comes late and finds that nobody took its place goes on as the same one.
        let lease = found.lease + i64::from(found.holder.as_deref() != Some(holder));
        tx.prepare_cached(
            "UPDATE reporter_mcp SET holder = ?2, lease = ?3, expires_ms = ?4 WHERE id = ?1",
        )?
        .execute(params![mcp, holder, lease, now_ms + LEASE_MS])?;
        tx.commit()?;
        Ok(Some(Lease(lease)))
    }

    /// Gives the lease back, so that another process need not wait for its end.
    pub(crate) fn release(&mut self, lease: Lease) -> Result<(), CacheError> {
        self.conn.execute(
            "UPDATE reporter_mcp SET holder = NULL, expires_ms = 0 WHERE id = ?1 AND lease = ?2",
            params![self.mcp, lease.0],
        )?;
        Ok(())
    }
}

/// Whether `lease` is the one in force.
pub(super) fn is_current(tx: &Transaction<'_>, mcp: i64, lease: Lease) -> rusqlite::Result<bool> {
    let found: Option<i64> = tx
        .prepare_cached("SELECT lease FROM reporter_mcp WHERE id = ?1 AND holder IS NOT NULL")?
        .query_row([mcp], |row| row.get(0))
        .optional()?;
    Ok(found == Some(lease.0))
}

struct Found {
    holder: Option<String>,
    lease: i64,
    expires_ms: i64,
}

impl Found {
    fn read(conn: &Connection, mcp: i64) -> rusqlite::Result<Self> {
        conn.prepare_cached("SELECT holder, lease, expires_ms FROM reporter_mcp WHERE id = ?1")?
            .query_row([mcp], |row| {
                Ok(Self {
                    holder: row.get(0)?,
                    lease: row.get(1)?,
                    expires_ms: row.get(2)?,
                })
            })
    }

    fn is_fresh(&self, holder: &str, now_ms: i64) -> bool {
        let left = now_ms + LEASE_MS - RENEWED_MS..=now_ms + LEASE_MS;
        self.holder.as_deref() == Some(holder) && left.contains(&self.expires_ms)
    }

    fn is_for(&self, holder: &str, now_ms: i64, is_gone: impl Fn(&str) -> bool) -> bool {
        let Some(found) = self.holder.as_deref() else {
            return true;
        };
        // An end further ahead than a lease is long was written before the clock was set back.
        let is_over = self.expires_ms <= now_ms || self.expires_ms > now_ms + LEASE_MS;
        found == holder || is_over || is_gone(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache() -> Cache {
        Cache::open_whole(None, "m").unwrap()
    }

    fn never(_holder: &str) -> bool {
        false
    }

    #[test]
    fn one_holder_at_a_time() {
        let mut cache = cache();
        let first = cache.lease("a", 0, never).unwrap().unwrap();
        assert_eq!(cache.lease("b", 9_999, never).unwrap(), None);
        assert_eq!(cache.lease("a", 9_999, never).unwrap(), Some(first));
        assert_eq!(cache.lease("b", 19_998, never).unwrap(), None);
        let second = cache.lease("b", 19_999, never).unwrap().unwrap();
        assert!(second.0 > first.0);
        assert_eq!(cache.lease("a", 20_000, never).unwrap(), None);
    }

    #[test]
    fn the_dead_are_followed_at_once() {
        let mut cache = cache();
        let first = cache.lease("a", 0, never).unwrap().unwrap();
        let second = cache.lease("b", 1, |holder| holder == "a").unwrap();
        assert!(second.unwrap().0 > first.0);
    }

    #[test]
    fn a_lease_that_is_given_back_is_free() {
        let mut cache = cache();
        let first = cache.lease("a", 0, never).unwrap().unwrap();
        cache.release(first).unwrap();
        let second = cache.lease("b", 1, never).unwrap().unwrap();
        // Too late: it is no longer the first one's to give.
        cache.release(first).unwrap();
        assert_eq!(cache.lease("a", 2, never).unwrap(), None);
        assert!(second.0 > first.0);
    }

    #[test]
    fn a_clock_that_was_set_back_leaves_no_endless_lease() {
        let mut cache = cache();
        cache.lease("a", 1_000_000_000, never).unwrap().unwrap();
        assert!(cache.lease("b", 1_000, never).unwrap().is_some());
        // And its holder does not take it for one that lasts.
        cache.lease("b", 2_000_000_000, never).unwrap().unwrap();
        cache.lease("b", 5_000, never).unwrap().unwrap();
        assert_eq!(cache.lease("a", 14_999, never).unwrap(), None);
        assert!(cache.lease("a", 15_000, never).unwrap().is_some());
    }
}
