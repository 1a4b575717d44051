//! Stores events. What a batch touches several times is read and written once.

use super::super::names::Key;
use super::super::tx::Tx;
use super::row::{action_code, status_code, summary_columns, summary_from};
use crate::domain::Timestamp;
use crate::domain::interaction::{Effect, InteractionSummary, Micros, NewEvent, Tally};
use crate::store::Stored;
use rusqlite::{CachedStatement, Connection, OptionalExtension, params};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

/// What the batches of one transaction have gathered.
#[derive(Debug, Default)]
pub(in super::super) struct Reported {
    /// The place of the last event in the file, and the key of the last interaction; `None` until they were read in this
    /// transaction.
    last: Option<Last>,
    /// The place of the last event that this transaction stored.
    pub(in super::super) stored: Option<i64>,
    /// What is to be added to the statistics.
    pub(in super::super) hours: Tally<Key>,
}

#[derive(Debug, Clone, Copy)]
struct Last {
    place: i64,
    interaction: Key,
}

impl Reported {
    /// Forgets everything, once the transaction has ended.
    pub(in super::super) fn reset(&mut self) {
        *self = Self::default();
    }

    /// Reads the file again, since what an operation wrote was undone. What it would have counted was not counted yet.
    pub(in super::super) fn reread(&mut self) {
        self.last = None;
    }
}

/// The place of the last event that was ever stored.
pub(in super::super) fn last_place(conn: &Connection) -> rusqlite::Result<i64> {
    conn.prepare_cached(
        "SELECT max(place, (SELECT coalesce(max(place), 0) FROM interaction_event)) FROM interaction_removed",
    )?
    .query_row([], |row| row.get(0))
}

/// Stores the events that are not there yet.
pub(super) fn store(
    conn: &Connection,
    tx: &mut Tx,
    events: &[NewEvent],
) -> rusqlite::Result<Vec<Stored>> {
    let last = match tx.reported.last {
        Some(last) => last,
        None => Last {
            place: last_place(conn)?,
            interaction: conn
                .prepare_cached("SELECT coalesce(max(id), 0) FROM interaction")?
                .query_row([], |row| row.get(0))?,
        },
    };
    // What this operation counts is added at its end only, since it may yet be undone.
    tx.reported.last = None;
    let mut batch = Batch {
        last,
        insert: conn.prepare_cached(
            "INSERT INTO interaction_event (place, mcp, key, interaction, action, at, received_at, reporter_seq, event_id,
                                            traceparent, data)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (mcp, key) DO NOTHING",
        )?,
        find: conn.prepare_cached(concat!(
            "SELECT ",
            summary_columns!(),
            " FROM interaction i WHERE i.interaction_id = ? AND i.mcp = ?"
        ))?,
        touched: HashMap::with_capacity(events.len()),
        hours: Tally::default(),
    };
    let mut answers = Vec::with_capacity(events.len());
    for event in events {
        let mcp = tx.names.mcp(conn, &event.mcp_id)?;
        answers.push(batch.add(mcp, event, tx.now)?);
    }
    let Batch {
        last,
        touched,
        hours,
        ..
    } = batch;
    write_touched(conn, &touched)?;
    if answers.contains(&Stored::New) {
        tx.reported.stored = Some(last.place);
    }
    tx.reported.last = Some(last);
    tx.reported.hours.merge(hours);
    Ok(answers)
}

/// One call's events on their way into the file.
struct Batch<'c, 'e> {
    last: Last,
    insert: CachedStatement<'c>,
    find: CachedStatement<'c>,
    touched: HashMap<(Key, &'e str), Touched>,
    hours: Tally<Key>,
}

/// An interaction that a batch adds events to.
struct Touched {
    key: Key,
    mcp: Key,
    /// As the file has it; `None` if it does not.
    before: Option<InteractionSummary>,
    summary: InteractionSummary,
}

impl<'e> Batch<'_, 'e> {
    fn add(&mut self, mcp: Key, event: &'e NewEvent, now: Timestamp) -> rusqlite::Result<Stored> {
        let entry = self.touched.entry((mcp, &event.interaction_id));
        let touched = match entry {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let found = find(&mut self.find, mcp, event)?;
                place.insert(found.unwrap_or_else(|| {
                    self.last.interaction += 1;
                    Touched {
                        key: self.last.interaction,
                        mcp,
                        before: None,
                        summary: InteractionSummary::before(event),
                    }
                }))
            }
        };
        let added = self.insert.execute(params![
            self.last.place + 1,
            mcp,
            event.event_id.key(),
            touched.key,
            action_code(event.action),
            event.at.as_micros(),
            now.as_millis(),
            event.seq,
            event.event_id.name(),
            event.traceparent,
            event.data.as_str(),
        ])?;
        if added == 0 {
            return Ok(Stored::Duplicate);
        }
        self.last.place += 1;
        if touched.summary.events == 0 {
            // It was met first with an event that turned out to be a duplicate of another interaction's.
            touched.summary = InteractionSummary::before(event);
        }
        let effect: Effect = touched.summary.apply(event);
        self.hours.count(&mcp, &effect, now);
        Ok(Stored::New)
    }
}

fn find(
    statement: &mut CachedStatement<'_>,
    mcp: Key,
    event: &NewEvent,
) -> rusqlite::Result<Option<Touched>> {
    let found = statement.query_row(params![event.interaction_id, mcp], |row| {
        let (mcp_id, id) = (Arc::clone(&event.mcp_id), Arc::clone(&event.interaction_id));
        let summary = summary_from(row, mcp_id, id)?;
        Ok(Touched {
            key: row.get(0)?,
            mcp,
            before: Some(summary.clone()),
            summary,
        })
    });
    found.optional()
}

fn write_touched(
    conn: &Connection,
    touched: &HashMap<(Key, &str), Touched>,
) -> rusqlite::Result<()> {
    for one in touched.values() {
        match &one.before {
            None if one.summary.events > 0 => insert(conn, one)?,
            Some(before) if *before != one.summary => update(conn, one, before)?,
            _ => {}
        }
    }
    Ok(())
}

fn insert(conn: &Connection, one: &Touched) -> rusqlite::Result<()> {
    let summary = &one.summary;
    conn.prepare_cached(
        "INSERT INTO interaction (id, mcp, interaction_id, status, flags, events, started_at, last_event_at, finished_at,
                                  duration_us, user_id, request_type, tool, error_type)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?
    .execute(params![
        one.key,
        one.mcp,
        summary.interaction_id,
        status_code(summary.status),
        summary.flags.bits(),
        summary.events,
        summary.started_at.as_micros(),
        summary.last_event_at.as_micros(),
        summary.finished_at.map(Micros::as_micros),
        summary.duration_us,
        summary.user_id,
        summary.request_type,
        summary.tool,
        summary.error_type,
    ])?;
    Ok(())
}

fn update(conn: &Connection, one: &Touched, before: &InteractionSummary) -> rusqlite::Result<()> {
    let summary = &one.summary;
    conn.prepare_cached(
        "UPDATE interaction SET status = ?2, flags = ?3, events = ?4, last_event_at = ?5, finished_at = ?6, duration_us = ?7,
                                request_type = ?8, error_type = ?9
         WHERE id = ?1",
    )?
    .execute(params![
        one.key,
        status_code(summary.status),
        summary.flags.bits(),
        summary.events,
        summary.last_event_at.as_micros(),
        summary.finished_at.map(Micros::as_micros),
        summary.duration_us,
        summary.request_type,
        summary.error_type,
    ])?;
    // An update moves the entries of every index over the columns it names, changed or not; these change seldom.
    let moved = summary.started_at != before.started_at
        || summary.user_id != before.user_id
        || summary.tool != before.tool;
    if moved {
        conn.prepare_cached(
            "UPDATE interaction SET started_at = ?2, user_id = ?3, tool = ?4 WHERE id = ?1",
        )?
        .execute(params![
            one.key,
            summary.started_at.as_micros(),
            summary.user_id,
            summary.tool,
        ])?;
    }
    Ok(())
}
