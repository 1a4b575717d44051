use super::codec::{dispatch_code, dispatch_from};
use crate::domain::Lane;
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::HashMap;
use std::sync::Arc;

/// The row key of a lane or a cohort.
pub(super) type Key = i64;

/// Tasks that are listed and counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Cohort {
    pub(super) queue: Arc<str>,
    pub(super) kind: Arc<str>,
    pub(super) owner: Arc<str>,
}

/// Lanes, cohorts and MCP servers that the writer has met. Their rows are never changed in what names them nor removed, so an entry
/// stays true as long as the transaction that made it is not rolled back.
#[derive(Debug, Default)]
pub(super) struct Names {
    lanes: HashMap<Lane, Key>,
    cohorts: HashMap<Cohort, Key>,
    read_cohorts: HashMap<Key, Arc<Cohort>>,
    read_lanes: HashMap<Key, Arc<Lane>>,
    mcps: HashMap<Arc<str>, Key>,
}

/// Entries after which a cache starts afresh, so that a million owners do not fill the memory.
const CACHED: usize = 10_000;

impl Names {
    /// Forgets everything, after a rollback.
    pub(super) fn clear(&mut self) {
        self.lanes.clear();
        self.cohorts.clear();
        self.read_cohorts.clear();
        self.read_lanes.clear();
        self.mcps.clear();
    }

    /// The key of `lane`, made if it is new.
    pub(super) fn lane(&mut self, conn: &Connection, lane: &Lane) -> rusqlite::Result<Key> {
        if let Some(key) = self.lanes.get(lane) {
            return Ok(*key);
        }
        let (limit, hold) = (
            lane.limit_key.as_deref().unwrap_or(""),
            lane.hold_key.as_deref().unwrap_or(""),
        );
        let dispatch = dispatch_code(lane.dispatch);
        let known = conn
            .prepare_cached(
                "SELECT id FROM lane WHERE queue = ? AND dispatch = ? AND kind = ? AND limit_key = ? AND hold_key = ?",
            )?
            .query_row(params![lane.queue, dispatch, lane.kind, limit, hold], |row| row.get(0))
            .optional()?;
        let key = if let Some(key) = known {
            key
        } else {
            conn.execute(
                "INSERT OR IGNORE INTO queue (name) VALUES (?)",
                [&lane.queue],
            )?;
            conn.execute(
                "INSERT INTO lane (queue, dispatch, kind, limit_key, hold_key) VALUES (?, ?, ?, ?, ?)",
                params![lane.queue, dispatch, lane.kind, limit, hold],
            )?;
            conn.last_insert_rowid()
        };
        if self.lanes.len() >= CACHED {
            self.lanes.clear();
        }
        self.lanes.insert(lane.clone(), key);
        Ok(key)
    }

    /// The key of `cohort`, made if it is new.
    pub(super) fn cohort(&mut self, conn: &Connection, cohort: &Cohort) -> rusqlite::Result<Key> {
        if let Some(key) = self.cohorts.get(cohort) {
            return Ok(*key);
        }
        let known = conn
            .prepare_cached("SELECT id FROM cohort WHERE owner = ? AND queue = ? AND kind = ?")?
            .query_row(params![cohort.owner, cohort.queue, cohort.kind], |row| {
                row.get(0)
            })
            .optional()?;
        let key = if let Some(key) = known {
            key
        } else {
            conn.execute(
                "INSERT INTO cohort (owner, queue, kind) VALUES (?, ?, ?)",
                params![cohort.owner, cohort.queue, cohort.kind],
            )?;
            conn.last_insert_rowid()
        };
        if self.cohorts.len() >= CACHED {
            self.cohorts.clear();
        }
        self.cohorts.insert(cohort.clone(), key);
        Ok(key)
    }

    /// The key of the MCP server `name`, made if it is new.
    pub(super) fn mcp(&mut self, conn: &Connection, name: &Arc<str>) -> rusqlite::Result<Key> {
        if let Some(key) = self.mcps.get(name) {
            return Ok(*key);
        }
        let known = conn
            .prepare_cached("SELECT id FROM interaction_mcp WHERE name = ?")?
            .query_row([name], |row| row.get(0))
            .optional()?;
        let key = if let Some(key) = known {
            key
        } else {
            conn.execute("INSERT INTO interaction_mcp (name) VALUES (?)", [name])?;
            conn.last_insert_rowid()
        };
        if self.mcps.len() >= CACHED {
            self.mcps.clear();
        }
        self.mcps.insert(Arc::clone(name), key);
        Ok(key)
    }

    /// The cohort behind `key`.
    pub(super) fn cohort_of(
        &mut self,
        conn: &Connection,
        key: Key,
    ) -> rusqlite::Result<Arc<Cohort>> {
        recall(&mut self.read_cohorts, key, || read_cohort(conn, key))
    }

    /// The lane behind `key`.
    pub(super) fn lane_of(&mut self, conn: &Connection, key: Key) -> rusqlite::Result<Arc<Lane>> {
        recall(&mut self.read_lanes, key, || read_lane(conn, key))
    }
}

fn recall<T>(
    known: &mut HashMap<Key, Arc<T>>,
    key: Key,
    read: impl FnOnce() -> rusqlite::Result<T>,
) -> rusqlite::Result<Arc<T>> {
    if let Some(value) = known.get(&key) {
        return Ok(Arc::clone(value));
    }
    let value = Arc::new(read()?);
    if known.len() >= CACHED {
        known.clear();
    }
    known.insert(key, Arc::clone(&value));
    Ok(value)
}

fn read_lane(conn: &Connection, key: Key) -> rusqlite::Result<Lane> {
    let name = |text: String| Some(text).filter(|text| !text.is_empty());
    conn.prepare_cached("SELECT queue, kind, limit_key, hold_key, dispatch FROM lane WHERE id = ?")?
        .query_row([key], |row| {
            Ok(Lane {
                queue: row.get(0)?,
                kind: row.get(1)?,
                limit_key: name(row.get(2)?),
                hold_key: name(row.get(3)?),
                dispatch: dispatch_from(row.get(4)?)?,
            })
        })
}

pub(super) fn read_cohort(conn: &Connection, key: Key) -> rusqlite::Result<Cohort> {
    conn.prepare_cached("SELECT queue, kind, owner FROM cohort WHERE id = ?")?
        .query_row([key], |row| {
            Ok(Cohort {
                queue: row.get(0)?,
                kind: row.get(1)?,
                owner: row.get(2)?,
            })
        })
}
