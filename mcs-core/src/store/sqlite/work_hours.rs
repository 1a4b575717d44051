//! What tasks did by the hour.

use super::codec::{decode_histogram, encode_histogram};
use super::names::{Key, Names};
use crate::domain::{GroupNames, Happening, HourlyStats, Tally, Timestamp, WorkGroup, limits};
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Something that happened to a task in an hour.
#[derive(Debug)]
pub(super) struct Counted {
    pub(super) hour: Timestamp,
    pub(super) cohort: Key,
    pub(super) model: Option<Arc<str>>,
    pub(super) what: Happening,
}

/// Adds what a transaction gathered: a row read and written for each group it touched, however many tasks it changed.
pub(super) fn write(
    conn: &Connection,
    names: &mut Names,
    counted: Vec<Counted>,
) -> rusqlite::Result<()> {
    for (hour, groups) in fold(conn, names, counted)? {
        let mut placing = Placing {
            conn,
            hour,
            known: None,
            is_new: false,
        };
        for (group, tally) in groups {
            let (group, mut sum) = placing.place(group)?;
            sum.merge(&tally);
            store(conn, hour, &group, &sum)?;
        }
        if placing.is_new {
            forget(conn)?;
        }
    }
    Ok(())
}

type Gathered = BTreeMap<Timestamp, BTreeMap<WorkGroup, Tally>>;

/// Adds up first by what is cheap to compare, then by names, since several owners share those.
fn fold(conn: &Connection, names: &mut Names, counted: Vec<Counted>) -> rusqlite::Result<Gathered> {
    let mut by_key: BTreeMap<(Timestamp, Key, Option<Arc<str>>), Tally> = BTreeMap::new();
    for counted in counted {
        let key = (counted.hour, counted.cohort, counted.model);
        by_key.entry(key).or_default().count(&counted.what);
    }
    let mut hours = Gathered::new();
    for ((hour, cohort, model), tally) in by_key {
        let cohort = names.cohort_of(conn, cohort)?;
        let group = WorkGroup::of(&cohort.queue, &cohort.kind, model.as_deref());
        let groups = hours.entry(hour).or_default();
        groups.entry(group).or_default().merge(&tally);
    }
    Ok(hours)
}

/// Finds the groups of an hour under which new ones count.
struct Placing<'c> {
    conn: &'c Connection,
    hour: Timestamp,
    /// The groups of the hour, once they were needed.
    known: Option<GroupNames>,
    /// Whether it had none.
    is_new: bool,
}

impl Placing<'_> {
    /// The group under which `group` counts, and what it has so far.
    fn place(&mut self, group: WorkGroup) -> rusqlite::Result<(WorkGroup, Tally)> {
        // Mostly the group is there, and the others need not be read.
        if let Some(sum) = find(self.conn, self.hour, &group)? {
            return Ok((group, sum));
        }
        let mut known = match self.known.take() {
            Some(known) => known,
            None => self.read()?,
        };
        let placed = known.place(group.clone());
        self.known = Some(known);
        let sum = if placed == group {
            Tally::default()
        } else {
            find(self.conn, self.hour, &placed)?.unwrap_or_default()
        };
        Ok((placed, sum))
    }

    fn read(&mut self) -> rusqlite::Result<GroupNames> {
        let mut known = GroupNames::default();
        let mut groups = self
            .conn
            .prepare_cached("SELECT queue, kind, model FROM task_hour WHERE hour = ?")?;
        let mut rows = groups.query([self.hour.as_millis()])?;
        self.is_new = true;
        while let Some(row) = rows.next()? {
            known.add(group_from(row, 0)?);
            self.is_new = false;
        }
        Ok(known)
    }
}

/// Removes the hours before the latest.
fn forget(conn: &Connection) -> rusqlite::Result<()> {
    conn.prepare_cached(
        "DELETE FROM task_hour WHERE hour < (SELECT DISTINCT hour FROM task_hour ORDER BY hour DESC LIMIT 1 OFFSET ?)",
    )?
    .execute([limits::STATS_HOURS - 1])?;
    Ok(())
}

fn find(conn: &Connection, hour: Timestamp, group: &WorkGroup) -> rusqlite::Result<Option<Tally>> {
    let (queue, kind, model) = texts(group);
    conn.prepare_cached(
        "SELECT created, completed, failed, cancelled, retried, started, wait_ms, run_ms, input_tokens, cached_tokens,
                output_tokens, cost_usd, waits, runs
         FROM task_hour WHERE hour = ? AND queue = ? AND kind = ? AND model = ?",
    )?
    .query_row(params![hour.as_millis(), queue, kind, model], |row| {
        tally_from(row)
    })
    .optional()
}

fn store(
    conn: &Connection,
    hour: Timestamp,
    group: &WorkGroup,
    sum: &Tally,
) -> rusqlite::Result<()> {
    let (queue, kind, model) = texts(group);
    conn.prepare_cached(
        "REPLACE INTO task_hour (hour, queue, kind, model, created, completed, failed, cancelled, retried, started,
                                 wait_ms, run_ms, input_tokens, cached_tokens, output_tokens, cost_usd, waits, runs)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?
    .execute(params![
        hour.as_millis(),
        queue,
        kind,
        model,
        sum.created,
        sum.completed,
        sum.failed,
        sum.cancelled,
        sum.retried,
        sum.started,
        sum.wait_ms,
        sum.run_ms,
        sum.input_tokens,
        sum.cached_tokens,
        sum.output_tokens,
        sum.cost_usd,
        encode_histogram(&sum.waits),
        encode_histogram(&sum.runs),
    ])?;
    Ok(())
}

/// The hours, oldest first.
pub(super) fn read(conn: &Connection) -> rusqlite::Result<Vec<HourlyStats>> {
    let mut all = conn.prepare_cached(
        "SELECT created, completed, failed, cancelled, retried, started, wait_ms, run_ms, input_tokens, cached_tokens,
                output_tokens, cost_usd, waits, runs, hour, queue, kind, model
         FROM task_hour ORDER BY hour, queue, kind, model",
    )?;
    let mut rows = all.query([])?;
    let mut hours: Vec<HourlyStats> = Vec::new();
    while let Some(row) = rows.next()? {
        let part = (group_from(row, 15)?, tally_from(row)?);
        let hour = Timestamp::from_millis(row.get(14)?);
        match hours.last_mut().filter(|last| last.hour == hour) {
            Some(last) => last.groups.push(part),
            None => hours.push(HourlyStats {
                hour,
                groups: vec![part],
            }),
        }
    }
    Ok(hours)
}

fn texts(group: &WorkGroup) -> (&str, &str, &str) {
    let [queue, kind, model] =
        [&group.queue, &group.kind, &group.model].map(|name| name.as_deref().unwrap_or_default());
    (queue, kind, model)
}

fn group_from(row: &Row<'_>, first: usize) -> rusqlite::Result<WorkGroup> {
    let name = |index| -> rusqlite::Result<Option<Arc<str>>> {
        let text: Arc<str> = row.get(index)?;
        Ok(Some(text).filter(|text| !text.is_empty()))
    };
    Ok(WorkGroup {
        queue: name(first)?,
        kind: name(first + 1)?,
        model: name(first + 2)?,
    })
}

fn tally_from(row: &Row<'_>) -> rusqlite::Result<Tally> {
    let histogram = |index| decode_histogram(row.get_ref(index)?.as_blob()?);
    Ok(Tally {
        created: row.get(0)?,
        completed: row.get(1)?,
        failed: row.get(2)?,
        cancelled: row.get(3)?,
        retried: row.get(4)?,
        started: row.get(5)?,
        wait_ms: row.get(6)?,
        run_ms: row.get(7)?,
        input_tokens: row.get(8)?,
        cached_tokens: row.get(9)?,
        output_tokens: row.get(10)?,
        cost_usd: row.get(11)?,
        waits: histogram(12)?,
        runs: histogram(13)?,
    })
}
