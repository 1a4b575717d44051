//! Forgets events by their age, for who asks for that.

use super::{Cache, CacheError};
use rusqlite::params;

/// Events that are removed in one transaction, so that other processes get their turn.
const AT_ONCE: i64 = 1000;

impl Cache {
    /// Removes events and dead letters that happened before `cutoff_micros`. Returns how many.
    pub(crate) fn cleanup(&mut self, cutoff_micros: i64) -> Result<u64, CacheError> {
        let mut removed = 0;
        let mut after = i64::MIN;
        loop {
            let places = self.older(after, cutoff_micros)?;
            let Some(&last) = places.last() else {
                break;
            };
            removed += self.remove(&places)?;
            after = last;
        }
        self.graveyard.forget();
        let dead = self.conn.execute(
            "DELETE FROM reporter_dead_letter WHERE mcp = ?1 AND at < ?2",
            [self.mcp, cutoff_micros],
        )?;
        Ok(removed + dead as u64)
    }

    fn older(&mut self, after: i64, cutoff_micros: i64) -> Result<Vec<i64>, CacheError> {
        let mut select = self.conn.prepare_cached(
            "SELECT place FROM reporter_waiting WHERE mcp = ?1 AND place > ?2 AND at < ?3
             ORDER BY place LIMIT ?4",
        )?;
        let places = select.query_map(params![self.mcp, after, cutoff_micros, AT_ONCE], |row| {
            row.get(0)
        })?;
        Ok(places.collect::<Result<_, _>>()?)
    }
}
