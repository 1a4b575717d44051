//! Pages of tasks, newest first.
//!
//! Tasks are indexed by cohort (queue, kind and owner) and by whether and how they are done, each in the order of their
//! row keys. A page merges the streams of the cohorts that the filter names, so that a filter that few tasks match costs
//! no more than one that most match. Times of creation become bounds of row keys, which grow with them.

use super::codec::{done_code, status_code};
use super::failure::Failure;
use super::names::Key;
use super::rows::read_task;
use crate::domain::{Cursor, Page, PageRequest, Status, Task, TaskFilter, Timestamp};
use crate::store::Parts;
use rusqlite::{Connection, OptionalExtension, ToSql, params};

/// Streams that a page merges, at most. With more of them, reading the newest tasks one after another is as good.
const STREAMS: usize = 2000;
/// What `done` can be: active, completed, failed, cancelled.
const DONE: [i64; 4] = [
    0,
    status_code(Status::Completed),
    status_code(Status::Failed),
    status_code(Status::Cancelled),
];

/// A page of the tasks that match.
pub(super) fn list(
    conn: &Connection,
    filter: &TaskFilter,
    page: &PageRequest,
) -> Result<Page<Task>, Failure> {
    let bounds = bounds(conn, filter, page)?;
    // One more than shown tells whether there is a next page.
    let wanted = page.offset.saturating_add(page.limit).saturating_add(1);
    let mut keys = find(conn, filter, bounds, wanted)?;
    keys.drain(..page.offset.min(keys.len()));
    let more = keys.len() > page.limit;
    keys.truncate(page.limit);
    let next = keys
        .last()
        .filter(|_| more)
        .map(|key| Cursor(key.unsigned_abs()));
    let mut items = Vec::with_capacity(keys.len());
    for key in keys {
        items.extend(read_task(conn, key, Parts::NONE)?);
    }
    Ok(Page { items, next })
}

/// Row keys between which the page lies, both exclusive.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    above: Key,
    below: Key,
}

fn bounds(conn: &Connection, filter: &TaskFilter, page: &PageRequest) -> rusqlite::Result<Bounds> {
    let after = page.after.map_or(Key::MAX, |cursor| {
        Key::try_from(cursor.0).unwrap_or(Key::MAX)
    });
    let below = match filter.created_before {
        Some(time) => first_created(conn, time)?.unwrap_or(Key::MAX).min(after),
        None => after,
    };
    let above = match filter.created_from {
        Some(time) => first_created(conn, time)?.map_or(Key::MAX, |key| key - 1),
        None => 0,
    };
    Ok(Bounds { above, below })
}

/// The first row key that was created at `time` or later, found by halving, since creation times grow with row keys.
pub(super) fn first_created(conn: &Connection, time: Timestamp) -> rusqlite::Result<Option<Key>> {
    let last = conn.query_row("SELECT coalesce(max(id), 0) FROM task", [], |row| {
        row.get::<_, Key>(0)
    })?;
    let mut at_or_after =
        conn.prepare_cached("SELECT id, created_at FROM task WHERE id >= ? ORDER BY id LIMIT 1")?;
    let (mut low, mut high) = (0, last + 1);
    // Everything before `low` is older, everything from `high` on is not.
    while low < high {
        let middle = low + (high - low) / 2;
        let row = at_or_after
            .query_row([middle], |row| {
                Ok((row.get::<_, Key>(0)?, row.get::<_, i64>(1)?))
            })
            .optional()?;
        match row {
            Some((key, created)) if created < time.as_millis() => low = key + 1,
            _ => high = middle,
        }
    }
    at_or_after.query_row([low], |row| row.get(0)).optional()
}

fn find(
    conn: &Connection,
    filter: &TaskFilter,
    bounds: Bounds,
    wanted: usize,
) -> rusqlite::Result<Vec<Key>> {
    let mut newest = Newest {
        keys: Vec::new(),
        wanted,
        bounds,
    };
    if filter.status.is_some_and(Status::is_leased) {
        leased(conn, filter, &mut newest)?;
    } else if let Some(tag) = &filter.tag {
        tagged(conn, filter, tag, &mut newest)?;
    } else if filter.queue.is_none()
        && filter.kind.is_none()
        && filter.owner.is_none()
        && filter.status.is_none()
    {
        newest.extend(
            conn,
            "SELECT id FROM task WHERE id > ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3",
            &[],
        )?;
    } else {
        by_cohort(conn, filter, &mut newest)?;
    }
    Ok(newest.keys)
}

/// The newest keys of several streams.
struct Newest {
    keys: Vec<Key>,
    wanted: usize,
    bounds: Bounds,
}

impl Newest {
    /// Merges a stream. The statement takes the bounds and the limit as its first three parameters.
    fn extend(
        &mut self,
        conn: &Connection,
        sql: &str,
        rest: &[&dyn ToSql],
    ) -> rusqlite::Result<()> {
        let limit = i64::try_from(self.wanted).unwrap_or(i64::MAX);
        let mut params: Vec<&dyn ToSql> = vec![&self.bounds.above, &self.bounds.below, &limit];
        params.extend_from_slice(rest);
        let mut statement = conn.prepare_cached(sql)?;
        let before = self.keys.len();
        for key in statement.query_map(params.as_slice(), |row| row.get(0))? {
            self.keys.push(key?);
        }
        if self.keys.len() > before {
            self.keys.sort_unstable_by(|one, other| other.cmp(one));
            self.keys.truncate(self.wanted);
            if self.keys.len() == self.wanted {
                // Older than the oldest of a full page is of no use from any further stream.
                self.bounds.above = self.keys.last().map_or(self.bounds.above, |key| key - 1);
            }
        }
        Ok(())
    }
}

/// What the filter asks of the cohort, for a statement whose further parameters are queue, kind and owner.
macro_rules! in_cohort {
    () => {
        "cohort IN (SELECT id FROM cohort WHERE (?4 IS NULL OR queue = ?4) AND (?5 IS NULL OR kind = ?5)
                                            AND (?6 IS NULL OR owner = ?6))"
    };
}

/// Tasks that a worker holds: few, and indexed by their lease.
fn leased(conn: &Connection, filter: &TaskFilter, newest: &mut Newest) -> rusqlite::Result<()> {
    let sql = concat!(
        "SELECT id FROM task INDEXED BY task_lease
         WHERE lease_until IS NOT NULL AND status = ?7 AND id > ?1 AND id < ?2 AND ",
        in_cohort!(),
        " AND (?8 IS NULL OR EXISTS (SELECT 1 FROM task_tag WHERE tag = ?8 AND done = 0 AND task = task.id))
         ORDER BY id DESC LIMIT ?3"
    );
    let status = filter.status.map(status_code);
    newest.extend(
        conn,
        sql,
        &[
            &filter.queue,
            &filter.kind,
            &filter.owner,
            &status,
            &filter.tag,
        ],
    )
}

fn tagged(
    conn: &Connection,
    filter: &TaskFilter,
    tag: &str,
    newest: &mut Newest,
) -> rusqlite::Result<()> {
    // Without further filters the index of tags alone answers.
    let plain = "SELECT task FROM task_tag WHERE tag = ?4 AND done = ?5 AND task > ?1 AND task < ?2
                 ORDER BY task DESC LIMIT ?3";
    let filtered = concat!(
        "SELECT g.task FROM task_tag g JOIN task t ON t.id = g.task
         WHERE g.tag = ?8 AND g.done = ?9 AND g.task > ?1 AND g.task < ?2 AND (?7 IS NULL OR t.status = ?7) AND t.",
        in_cohort!(),
        " ORDER BY g.task DESC LIMIT ?3"
    );
    let simple = filter.queue.is_none()
        && filter.kind.is_none()
        && filter.owner.is_none()
        && filter.status.is_none_or(Status::is_terminal);
    for done in done_classes(filter.status) {
        if simple {
            newest.extend(conn, plain, &[&tag, &done])?;
        } else {
            let status = filter.status.map(status_code);
            newest.extend(
                conn,
                filtered,
                &[
                    &filter.queue,
                    &filter.kind,
                    &filter.owner,
                    &status,
                    &tag,
                    &done,
                ],
            )?;
        }
    }
    Ok(())
}

fn by_cohort(conn: &Connection, filter: &TaskFilter, newest: &mut Newest) -> rusqlite::Result<()> {
    let streams = streams(conn, filter)?;
    let status = filter.status.map(status_code);
    if streams.len() > STREAMS {
        let sql = concat!(
            "SELECT id FROM task NOT INDEXED WHERE id > ?1 AND id < ?2 AND (?7 IS NULL OR status = ?7) AND ",
            in_cohort!(),
            " ORDER BY id DESC LIMIT ?3"
        );
        return newest.extend(
            conn,
            sql,
            &[&filter.queue, &filter.kind, &filter.owner, &status],
        );
    }
    let any = "SELECT id FROM task WHERE cohort = ?4 AND done = ?5 AND id > ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3";
    let pending =
        "SELECT id FROM task WHERE cohort = ?4 AND done = ?5 AND status = 0 AND id > ?1 AND id < ?2
                   ORDER BY id DESC LIMIT ?3";
    let sql = if filter.status == Some(Status::Pending) {
        pending
    } else {
        any
    };
    for (cohort, done) in streams {
        newest.extend(conn, sql, &[&cohort, &done])?;
    }
    Ok(())
}

/// The streams that can hold tasks of the filter. Empty ones are known by their counts.
fn streams(conn: &Connection, filter: &TaskFilter) -> rusqlite::Result<Vec<(Key, i64)>> {
    let mut statement = conn.prepare_cached(
        "SELECT DISTINCT c.id, CASE WHEN n.status < 3 THEN 0 ELSE n.status END
         FROM cohort c JOIN cohort_count n ON n.cohort = c.id
         WHERE (?1 IS NULL OR c.queue = ?1) AND (?2 IS NULL OR c.kind = ?2) AND (?3 IS NULL OR c.owner = ?3)
           AND n.status < 6 AND n.tasks > 0 AND (?4 IS NULL OR n.status = ?4)",
    )?;
    let status = filter.status.map(status_code);
    let rows = statement.query_map(
        params![filter.queue, filter.kind, filter.owner, status],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    rows.collect()
}

fn done_classes(status: Option<Status>) -> impl Iterator<Item = i64> {
    let wanted = status.map(done_code);
    DONE.into_iter()
        .filter(move |done| wanted.is_none_or(|wanted| wanted == *done))
}
