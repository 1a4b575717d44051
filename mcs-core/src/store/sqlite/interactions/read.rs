use super::super::super::event_page::PageBuilder;
use super::super::names::Key;
use super::row::{event_columns, event_from, summary_columns, summary_from};
use crate::domain::interaction::{EventPage, InteractionSummary};
use crate::domain::{Cursor, limits};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::HashMap;
use std::sync::Arc;

/// The interactions of an id, by the name of the MCP server.
pub(super) fn find(
    conn: &Connection,
    interaction_id: &str,
    mcp_id: Option<&str>,
) -> rusqlite::Result<Vec<InteractionSummary>> {
    let mut statement = conn.prepare_cached(concat!(
        "SELECT ",
        summary_columns!(),
        ", m.name FROM interaction i JOIN interaction_mcp m ON m.id = i.mcp
         WHERE i.interaction_id = ?1 AND (?2 IS NULL OR m.name = ?2) ORDER BY m.name LIMIT ?3"
    ))?;
    let id: Arc<str> = interaction_id.into();
    let found = statement.query_map(params![interaction_id, mcp_id, limits::PAGE_ROWS], |row| {
        summary_from(row, row.get(12)?, Arc::clone(&id))
    })?;
    found.collect()
}

/// Events of one interaction.
pub(super) fn events_of(
    conn: &Connection,
    (mcp_id, interaction_id): (&str, &str),
    after: Cursor,
    limit: usize,
) -> rusqlite::Result<EventPage> {
    let mut page = PageBuilder::new(after, limit);
    let key = conn
        .prepare_cached(
            "SELECT i.id FROM interaction i JOIN interaction_mcp m ON m.id = i.mcp
             WHERE i.interaction_id = ? AND m.name = ?",
        )?
        .query_row([interaction_id, mcp_id], |row| row.get::<_, Key>(0))
        .optional()?;
    let Some(key) = key else {
        return Ok(page.finish());
    };
    let mut statement = conn.prepare_cached(concat!(
        "SELECT ",
        event_columns!(),
        " FROM interaction_event e WHERE e.interaction = ? AND e.place > ? ORDER BY e.place LIMIT ?"
    ))?;
    let (mcp, id): (Arc<str>, Arc<str>) = (mcp_id.into(), interaction_id.into());
    let mut found = statement.query(params![key, signed(after), limit + 1])?;
    while let Some(row) = found.next()? {
        if !page.has_room() {
            break;
        }
        page.add(event_from(row, Arc::clone(&mcp), Arc::clone(&id))?);
    }
    Ok(page.finish())
}

/// Events of one MCP server or of all.
pub(super) fn events(
    conn: &Connection,
    mcp_id: Option<&str>,
    after: Cursor,
    limit: usize,
) -> rusqlite::Result<EventPage> {
    let mut statement = conn.prepare_cached(concat!(
        "SELECT ",
        event_columns!(),
        ", e.mcp, i.interaction_id FROM interaction_event e JOIN interaction i ON i.id = e.interaction
         WHERE e.place > ? ORDER BY e.place LIMIT ?"
    ))?;
    let mut names = HashMap::new();
    let mut page = PageBuilder::new(after, limit);
    let mut found = statement.query(params![signed(after), limit + 1])?;
    while let Some(row) = found.next()? {
        if !page.has_room() {
            break;
        }
        let mcp = name_of(conn, &mut names, row.get(9)?)?;
        if mcp_id.is_none_or(|wanted| *wanted == *mcp) {
            page.add(event_from(row, mcp, row.get(10)?)?);
        } else {
            page.pass(Cursor(row.get(0)?));
        }
    }
    Ok(page.finish())
}

/// The name of an MCP server.
pub(super) fn name_of(
    conn: &Connection,
    names: &mut HashMap<Key, Arc<str>>,
    key: Key,
) -> rusqlite::Result<Arc<str>> {
    if let Some(name) = names.get(&key) {
        return Ok(Arc::clone(name));
    }
    let name: Arc<str> = conn
        .prepare_cached("SELECT name FROM interaction_mcp WHERE id = ?")?
        .query_row([key], |row| row.get(0))?;
    names.insert(key, Arc::clone(&name));
    Ok(name)
}

fn signed(place: Cursor) -> i64 {
    i64::try_from(place.0).unwrap_or(i64::MAX)
}
