//! The table `failed_interactions` of an older reporter, found in the cache's own file.
//!
//! Its rows move into the line, in the transaction that takes them from there: they are sent once more, and by whom they
//! were written does not matter. They get no event id. That reporter may have delivered them without learning of it, and
//! the coordinator gave them ids made from what is in them; it makes the same ones again, and keeps one of each.

use super::dead_letters::wait_kept;
use super::segments::places;
use super::{Cache, CacheError, Grave};
use rusqlite::types::ValueRef;
use rusqlite::{Row, params};
use serde::Deserialize;

/// Rows that are looked at in one transaction.
const AT_ONCE: i64 = 100;
/// Longest row that is taken as an event. The older reporter had no bound.
const MAX_BYTES: usize = 2 * 1024 * 1024;

/// What became of the rows of an older reporter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Adopted {
    /// They wait now.
    pub(crate) waiting: u64,
    /// They are no events. They became dead letters.
    pub(crate) dead: u64,
}

/// What every event of the older reporter has.
#[derive(Deserialize)]
struct Event {
    mcp_id: String,
    #[serde(rename = "interaction_id")]
    _interaction_id: String,
    #[serde(rename = "action")]
    _action: String,
    #[serde(rename = "timestamp")]
    _timestamp: f64,
}

/// A row of `failed_interactions`.
struct OldRow {
    id: i64,
    body: Vec<u8>,
    at_micros: i64,
}

impl Cache {
    /// Takes over the rows of this MCP, and those of which nobody can say whose they are. The table may be somebody else's
    /// of the same name, so whatever is in it says nothing of the file.
    pub(crate) fn adopt_seed(&mut self, now_micros: i64) -> Result<Adopted, CacheError> {
        self.adopt_all(now_micros).map_err(|error| match error {
            CacheError::Corrupt(what) => CacheError::Seed(what),
            error => error,
        })
    }

    fn adopt_all(&mut self, now_micros: i64) -> Result<Adopted, CacheError> {
        let mut adopted = Adopted::default();
        if !self.has_seed()? {
            return Ok(adopted);
        }
        self.graveyard.forget();
        let mut after = i64::MIN;
        while let Some(last) = self.adopt_some(after, now_micros, &mut adopted)? {
            after = last;
        }
        Ok(adopted)
    }

    /// Whether it is there. Its ids are the numbers of its rows, so each stands for one.
    fn has_seed(&self) -> Result<bool, CacheError> {
        Ok(self.conn.query_row(
            "SELECT COUNT(*) = 3 FROM pragma_table_info('failed_interactions')
             WHERE name IN ('interaction_data', 'timestamp')
                OR (name = 'id' AND pk = 1 AND UPPER(type) = 'INTEGER')",
            [],
            |row| row.get(0),
        )?)
    }

    /// Looks at some rows behind `after`. Returns the last of them, or `None` when there are no more.
    fn adopt_some(
        &mut self,
        after: i64,
        now_micros: i64,
        adopted: &mut Adopted,
    ) -> Result<Option<i64>, CacheError> {
        let (mcp, mcp_id) = (self.mcp, self.mcp_id.clone());
        let tx = self.begin()?;
        let rows: Vec<OldRow> = tx
            .prepare_cached(
                "SELECT id, interaction_data, timestamp FROM failed_interactions
                 WHERE id > ?1 AND TYPEOF(id) = 'integer' ORDER BY id LIMIT ?2",
            )?
            .query_map([after, AT_ONCE], read_row)?
            .collect::<Result<_, _>>()?;
        let last = rows.last().map(|row| row.id);
        let mut found = *adopted;
        for row in rows {
            match whose(&row.body) {
                Ok(owner) if owner != mcp_id => continue,
                Ok(_) => {
                    let place = places(&tx, mcp, 1)?;
                    wait_kept(&tx, mcp, place, row.at_micros)?;
                    tx.prepare_cached(
                        "INSERT INTO reporter_body (mcp, place, event_id, body) VALUES (?1, ?2, NULL, ?3)",
                    )?
                    .execute(params![mcp, place, row.body])?;
                    found.waiting += 1;
                }
                Err(reason) => {
                    let grave = Grave {
                        event_id: None,
                        at_micros: row.at_micros,
                        died_at_micros: now_micros,
                        reason,
                        body: row.body,
                    };
                    grave.dig(&tx, mcp)?;
                    found.dead += 1;
                }
            }
            tx.prepare_cached("DELETE FROM failed_interactions WHERE id = ?1")?
                .execute([row.id])?;
        }
        tx.commit()?;
        *adopted = found;
        Ok(last)
    }
}

fn read_row(row: &Row<'_>) -> rusqlite::Result<OldRow> {
    // SQLite puts any kind of value into any column.
    let body = match row.get_ref(1)? {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.to_vec(),
        other => format!("{other:?}").into_bytes(),
    };
    let seconds = match row.get_ref(2)? {
        ValueRef::Real(seconds) => seconds,
        #[expect(clippy::cast_precision_loss, reason = "seconds since 1970")]
        ValueRef::Integer(seconds) => seconds as f64,
        _ => 0.0,
    };
    Ok(OldRow {
        id: row.get(0)?,
        body,
        at_micros: micros(seconds),
    })
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "`as` stops at the largest number there is"
)]
fn micros(seconds: f64) -> i64 {
    (seconds * 1e6) as i64
}

/// The MCP that wrote it, or why it is no event.
fn whose(body: &[u8]) -> Result<String, String> {
    if body.len() > MAX_BYTES {
        return Err(format!(
            "a row of failed_interactions has {} bytes, and an event at most {MAX_BYTES}",
            body.len()
        ));
    }
    match serde_json::from_slice::<Event>(body) {
        Ok(event) => Ok(event.mcp_id),
        Err(error) => Err(format!("a row of failed_interactions is no event: {error}")),
    }
}
