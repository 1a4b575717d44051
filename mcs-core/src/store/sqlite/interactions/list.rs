//! Pages of interactions, those that began last first.
//!
//! Every index ends with the time of the beginning. A page walks down the one whose first column narrows most and passes
//! over what the rest of the filter does not mean; without a filter it merges the walks of all MCP servers.

use super::super::names::Key;
use super::read::name_of;
use super::row::{status_code, summary_columns, summary_from};
use crate::domain::interaction::{
    InteractionCursor, InteractionFilter, InteractionPage, InteractionStatus, InteractionSummary,
    Micros,
};
use rusqlite::{Connection, OptionalExtension, params};
use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

/// A page of the interactions that match.
pub(super) fn list(
    conn: &Connection,
    filter: &InteractionFilter,
    after: Option<InteractionCursor>,
    limit: usize,
) -> rusqlite::Result<InteractionPage> {
    let mut walks = Walks {
        conn,
        filter,
        after,
        // One more than shown tells whether there is a next page.
        wanted: limit + 1,
        floor: filter.since.map_or(i64::MIN, Micros::as_micros),
        names: HashMap::new(),
        found: Vec::new(),
    };
    if filter.error_type.is_some()
        && filter
            .status
            .is_some_and(|status| status != InteractionStatus::Failed)
    {
        // Only failures have a type of error.
    } else if filter.user_id.is_some() {
        walks.walk_all(
            "interaction_user",
            "i.user_id IS NOT NULL AND i.user_id = ?6",
        )?;
    } else if filter.tool.is_some() {
        walks.walk_all("interaction_tool", "i.tool IS NOT NULL AND i.tool = ?7")?;
    } else if let Some(status) = narrow_status(filter) {
        // As a literal, since only then the index is known to have all of them.
        let condition = format!("i.status <> 2 AND i.status = {}", status_code(status));
        walks.walk_all("interaction_status", &condition)?;
    } else {
        walks.walk_mcps()?;
    }
    Ok(walks.into_page(limit))
}

/// A status that few interactions have.
fn narrow_status(filter: &InteractionFilter) -> Option<InteractionStatus> {
    let failed = filter
        .error_type
        .as_ref()
        .map(|_| InteractionStatus::Failed);
    filter
        .status
        .or(failed)
        .filter(|status| *status != InteractionStatus::Completed)
}

struct Walks<'a> {
    conn: &'a Connection,
    filter: &'a InteractionFilter,
    after: Option<InteractionCursor>,
    wanted: usize,
    /// Nothing that began before this is of use any more.
    floor: i64,
    names: HashMap<Key, Arc<str>>,
    found: Vec<(InteractionCursor, InteractionSummary)>,
}

impl Walks<'_> {
    /// Walks over the interactions of the MCP server that is meant, or of all.
    fn walk_all(&mut self, index: &str, condition: &str) -> rusqlite::Result<()> {
        let mcp = match &self.filter.mcp_id {
            Some(name) => match self.key_of(name)? {
                Some(key) => Some(key),
                None => return Ok(()),
            },
            None => None,
        };
        self.walk(index, condition, mcp)
    }

    /// Walks over each MCP server that is meant.
    fn walk_mcps(&mut self) -> rusqlite::Result<()> {
        let keys: Vec<Key> = if let Some(name) = &self.filter.mcp_id {
            self.key_of(name)?.into_iter().collect()
        } else {
            let mut all = self.conn.prepare_cached("SELECT id FROM interaction_mcp")?;
            let keys = all.query_map([], |row| row.get(0))?;
            keys.collect::<rusqlite::Result<_>>()?
        };
        for key in keys {
            self.walk("interaction_time", "i.mcp = ?4", Some(key))?;
        }
        Ok(())
    }

    fn key_of(&self, name: &str) -> rusqlite::Result<Option<Key>> {
        self.conn
            .prepare_cached("SELECT id FROM interaction_mcp WHERE name = ?")?
            .query_row([name], |row| row.get(0))
            .optional()
    }

    /// Adds the newest of one index.
    fn walk(&mut self, index: &str, condition: &str, mcp: Option<Key>) -> rusqlite::Result<()> {
        let sql = format!(
            "SELECT {columns}, i.interaction_id, i.mcp FROM interaction i INDEXED BY {index}
             WHERE {condition} AND i.started_at >= ?1 AND i.started_at <= ?2 AND (i.started_at < ?2 OR i.id < ?3)
               AND (?4 IS NULL OR i.mcp = ?4) AND (?5 IS NULL OR i.status = ?5) AND (?6 IS NULL OR i.user_id = ?6)
               AND (?7 IS NULL OR i.tool = ?7) AND (?8 IS NULL OR i.error_type = ?8)
             ORDER BY i.started_at DESC, i.id DESC LIMIT ?9",
            columns = summary_columns!(),
        );
        let (ceiling, below) = self.bounds();
        let filter = self.filter;
        let mut statement = self.conn.prepare_cached(&sql)?;
        let mut rows = statement.query(params![
            self.floor,
            ceiling,
            below,
            mcp,
            filter.status.map(status_code),
            filter.user_id,
            filter.tool,
            filter.error_type,
            self.wanted,
        ])?;
        while let Some(row) = rows.next()? {
            let name = name_of(self.conn, &mut self.names, row.get(13)?)?;
            let summary = summary_from(row, name, row.get(12)?)?;
            let cursor = InteractionCursor {
                started_at: summary.started_at,
                number: row.get(0)?,
            };
            self.found.push((cursor, summary));
        }
        self.keep_newest();
        Ok(())
    }

    /// The latest beginning that is still meant, and the key below which those lie that began right then.
    fn bounds(&self) -> (i64, i64) {
        let until = self.filter.until.map_or(i64::MAX, Micros::as_micros);
        match self.after {
            Some(after) if after.started_at.as_micros() < until => {
                let key = i64::try_from(after.number).unwrap_or(i64::MAX);
                (after.started_at.as_micros(), key)
            }
            // Those that began at `until` are not meant, and no key is below 0.
            _ => (until, 0),
        }
    }

    fn keep_newest(&mut self) {
        self.found
            .sort_unstable_by_key(|(cursor, _)| Reverse(*cursor));
        self.found.truncate(self.wanted);
        if self.found.len() == self.wanted
            && let Some((oldest, _)) = self.found.last()
        {
            self.floor = self.floor.max(oldest.started_at.as_micros());
        }
    }

    fn into_page(mut self, limit: usize) -> InteractionPage {
        let more = self.found.len() > limit;
        self.found.truncate(limit);
        InteractionPage {
            next: self
                .found
                .last()
                .map(|(cursor, _)| *cursor)
                .filter(|_| more),
            items: self.found.into_iter().map(|(_, summary)| summary).collect(),
        }
    }
}
