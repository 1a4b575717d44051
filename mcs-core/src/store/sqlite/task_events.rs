//! What happened to one task, found in batches that tell of all.

use super::codec::{StoredEvent, decode_events_of};
use super::failure::Failure;
use super::names::{Cohort, Key, read_cohort};
use crate::domain::{Cursor, EventBatch, EventKind, TaskId, Timestamp};
use crate::store::TaskEvents;
use memchr::memmem::Finder;
use rusqlite::{Connection, OptionalExtension, params};
use std::time::Duration;

/// Bytes of batches that one call looks through. They take some tens of milliseconds where nothing is in memory.
const LOOKED_THROUGH: usize = 32 * 1024 * 1024;
/// How much earlier than a task its batch may say to be: both times are read while a commit gathers.
const SLACK: Duration = Duration::from_secs(1);

/// Up to `limit` of the batches after `after` that tell of a task, with its events alone.
pub(super) fn task_events(
    conn: &Connection,
    id: TaskId,
    after: Cursor,
    limit: usize,
) -> Result<TaskEvents, Failure> {
    within(conn, id, after, limit, LOOKED_THROUGH)
}

/// The same, with each search looking through so many bytes.
fn within(
    conn: &Connection,
    id: TaskId,
    after: Cursor,
    limit: usize,
    bytes: usize,
) -> Result<TaskEvents, Failure> {
    let Some(life) = find(conn, id)? else {
        return Ok(TaskEvents::default());
    };
    let mut search = Search {
        conn,
        id,
        limit,
        bytes,
        cohort: read_cohort(conn, life.key)?,
        key: life.key,
    };
    let after = i64::try_from(after.0).unwrap_or(i64::MAX);
    let first = first_seq(conn)?;
    if let Some(finished_at) = life.finished_at
        && search.has_ended(first, after, finished_at)?
    {
        return Ok(TaskEvents::default());
    }
    search.bytes = bytes;
    let begin = first_since(conn, first, life.created_at.minus(SLACK))?;
    if begin > first && begin - 1 > after {
        let found = search.after(begin - 1)?;
        if is_whole(&found) {
            return Ok(found);
        }
        // A clock that was set back has misled the search by time. It is all of it then.
        search.bytes = bytes;
    }
    search.after(after.max(first - 1))
}

/// What is known of the task itself.
struct Life {
    created_at: Timestamp,
    finished_at: Option<Timestamp>,
    key: Key,
}

fn find(conn: &Connection, id: TaskId) -> rusqlite::Result<Option<Life>> {
    conn.prepare_cached("SELECT created_at, finished_at, cohort FROM task WHERE uuid = ?")?
        .query_row([id.as_bytes().as_slice()], |row| {
            let finished_at: Option<i64> = row.get(1)?;
            Ok(Life {
                created_at: Timestamp::from_millis(row.get(0)?),
                finished_at: finished_at.map(Timestamp::from_millis),
                key: row.get(2)?,
            })
        })
        .optional()
}

/// The number of the first batch that is kept.
fn first_seq(conn: &Connection) -> rusqlite::Result<i64> {
    conn.prepare_cached("SELECT coalesce(min(seq), 1) FROM event_batch")?
        .query_row([], |row| row.get(0))
}

/// The number of the first batch from `since` or later, as far as their times are in order; of one after the last if
/// there is none.
fn first_since(conn: &Connection, first: i64, since: Timestamp) -> rusqlite::Result<i64> {
    let mut low = first;
    let mut high: i64 = conn
        .prepare_cached("SELECT coalesce(max(seq), 0) + 1 FROM event_batch")?
        .query_row([], |row| row.get(0))?;
    // The time stands before the events in a row, so that each look reads one page.
    let mut probe =
        conn.prepare_cached("SELECT seq, at FROM event_batch WHERE seq >= ? ORDER BY seq LIMIT 1")?;
    while low < high {
        let middle = low + (high - low) / 2;
        let (seq, at): (i64, i64) =
            probe.query_row([middle], |row| Ok((row.get(0)?, row.get(1)?)))?;
        if at < since.as_millis() {
            low = seq + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

/// Whether the task's beginning is there.
fn is_whole(found: &TaskEvents) -> bool {
    let first = found.batches.first().and_then(|batch| batch.events.first());
    first.is_some_and(|event| event.kind == EventKind::Created)
}

/// What is looked for, and how far.
struct Search<'a> {
    conn: &'a Connection,
    id: TaskId,
    limit: usize,
    /// Bytes that may still be looked through.
    bytes: usize,
    /// What the task is listed with, as every event of it says. Those of others are of a former task of the id.
    key: Key,
    cohort: Cohort,
}

impl Search<'_> {
    /// Whether the end of the task is found in a batch up to `after`, looked for around the time when it finished: then
    /// there is nothing behind. One that is not found there may still be anywhere.
    fn has_ended(
        &mut self,
        first: i64,
        after: i64,
        finished_at: Timestamp,
    ) -> Result<bool, Failure> {
        if after < first {
            return Ok(false);
        }
        let from = first_since(self.conn, first, finished_at.minus(SLACK))?;
        let id = Finder::new(self.id.as_bytes());
        let mut statement = self.conn.prepare_cached(
            "SELECT at, events FROM event_batch WHERE seq BETWEEN ? AND ? ORDER BY seq",
        )?;
        let mut rows = statement.query(params![from, after])?;
        let until = finished_at.plus(SLACK).as_millis();
        while let Some(row) = rows.next()? {
            if row.get::<_, i64>(0)? > until || self.bytes == 0 {
                break;
            }
            let bytes = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
            self.bytes = self.bytes.saturating_sub(bytes.len());
            let found = decode_events_of(&id, bytes)?;
            let is_end =
                |event: &StoredEvent| event.cohort == self.key && event.kind.ends_as().is_some();
            if found.iter().any(is_end) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The batches after `after` that tell of the task, up to its end or to the bounds.
    fn after(&mut self, after: i64) -> Result<TaskEvents, Failure> {
        let id = Finder::new(self.id.as_bytes());
        let mut statement = self
            .conn
            .prepare_cached("SELECT seq, at, events FROM event_batch WHERE seq > ? ORDER BY seq")?;
        let mut rows = statement.query(params![after])?;
        let mut found = TaskEvents::default();
        let mut last = Cursor(u64::try_from(after).unwrap_or_default());
        while let Some(row) = rows.next()? {
            if found.batches.len() >= self.limit || self.bytes == 0 {
                found.next = Some(last);
                break;
            }
            let seq = row.get(0)?;
            last = Cursor(seq);
            let bytes = row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?;
            self.bytes = self.bytes.saturating_sub(bytes.len());
            let mut stored = decode_events_of(&id, bytes)?;
            stored.retain(|event| event.cohort == self.key);
            if stored.is_empty() {
                continue;
            }
            let ended = stored.iter().any(|event| event.kind.ends_as().is_some());
            found.batches.push(EventBatch {
                seq,
                at: Timestamp::from_millis(row.get(1)?),
                events: stored
                    .into_iter()
                    .map(|event| event.into_event(&self.cohort))
                    .collect(),
            });
            if ended {
                break;
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::NewTask;
    use crate::store::TaskStore;
    use crate::store::sqlite::{SqliteOptions, SqliteStore};
    use serde_json::json;

    const START: i64 = 1_800_000_000_000;

    async fn add(store: &SqliteStore, millis: i64) -> TaskId {
        let now = Some(Timestamp::from_millis(START + millis));
        let added = store
            .insert(vec![NewTask::new("work", json!(1))], now)
            .await;
        added.unwrap()[0].id
    }

    fn store() -> (SqliteStore, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let options = SqliteOptions::new(folder.path().join("mcs.db"));
        (SqliteStore::open(&options).unwrap(), folder)
    }

    #[tokio::test]
    async fn a_task_is_found_among_many_whatever_the_clock_did() {
        let (store, _folder) = store();
        // The clock runs on, is set back by an hour, and runs on past where it was.
        let minutes = (0..100).chain(40..100).chain(101..130);
        let mut tasks = Vec::new();
        for minute in minutes {
            tasks.push((add(&store, minute * 60_000).await, tasks.len() + 1));
        }
        for (id, seq) in tasks {
            let found = store.task_events(id, Cursor(0), 5).await.unwrap();
            let seqs: Vec<_> = found.batches.iter().map(|batch| batch.seq).collect();
            assert_eq!(seqs, [u64::try_from(seq).unwrap()]);
            assert_eq!(found.next, None);
        }
    }

    #[tokio::test]
    async fn a_search_begins_where_the_task_does() {
        let (store, _folder) = store();
        for minute in 0..64 {
            add(&store, minute * 60_000).await;
        }
        let since = |minute: i64| Timestamp::from_millis(START + minute * 60_000);
        let firsts = store.read("searching", move |conn| {
            let minutes = [-5, 0, 1, 40, 63, 64, 100];
            let found = minutes.map(|minute| first_since(conn, first_seq(conn)?, since(minute)));
            Ok(found.into_iter().collect::<rusqlite::Result<Vec<_>>>()?)
        });
        assert_eq!(firsts.await.unwrap(), [1, 1, 2, 41, 64, 65, 65]);
    }

    #[tokio::test]
    async fn a_page_ends_at_the_bound_of_bytes_and_says_where_to_go_on() {
        let (store, _folder) = store();
        let id = add(&store, 0).await;
        for _ in 0..9 {
            add(&store, 0).await;
        }
        store
            .cancel(vec![id], "no", Some(Timestamp::from_millis(START)))
            .await
            .unwrap();
        let pages = store.read("searching", move |conn| {
            let key = find(conn, id)?.unwrap().key;
            let mut pages = Vec::new();
            let mut after = 0;
            loop {
                let cohort = read_cohort(conn, key)?;
                // Each event here has 33 bytes.
                let mut search = Search {
                    conn,
                    id,
                    limit: 5,
                    bytes: 100,
                    key,
                    cohort,
                };
                let page = search.after(after)?;
                pages.push(page.batches.len());
                match page.next {
                    Some(next) => after = i64::try_from(next.0).unwrap(),
                    None => return Ok(pages),
                }
            }
        });
        assert_eq!(pages.await.unwrap(), [1, 0, 1]);
    }

    #[tokio::test]
    async fn what_others_did_before_and_after_a_task_is_not_looked_through() {
        let (store, _folder) = store();
        for minute in 0..9 {
            add(&store, minute * 60_000).await;
        }
        let id = add(&store, 9 * 60_000).await;
        let finished = Some(Timestamp::from_millis(START + 10 * 60_000));
        store.cancel(vec![id], "no", finished).await.unwrap();
        for minute in 11..20 {
            add(&store, minute * 60_000).await;
        }
        let pages = store.read("searching", move |conn| {
            // Two batches of others are more than that.
            let page = |after| within(conn, id, Cursor(after), 5, 60);
            Ok([page(1)?, page(10)?, page(11)?, page(15)?])
        });
        let pages = pages.await.unwrap();
        let found = pages.each_ref().map(|page| page.batches.len());
        assert_eq!(found, [2, 1, 0, 0]);
        assert!(pages.iter().all(|page| page.next.is_none()), "{pages:?}");
    }

    #[tokio::test]
    async fn an_end_is_found_whatever_the_clock_did() {
        let (store, _folder) = store();
        let id = add(&store, 60 * 60_000).await;
        for minute in 61..70 {
            add(&store, minute * 60_000).await;
        }
        // The clock was set back by an hour.
        let finished = Some(Timestamp::from_millis(START));
        store.cancel(vec![id], "no", finished).await.unwrap();
        for (after, batches) in [(0, 2), (1, 1), (9, 1), (11, 0)] {
            let found = store.task_events(id, Cursor(after), 5).await.unwrap();
            assert_eq!(
                (found.batches.len(), found.next),
                (batches, None),
                "{after}"
            );
        }
    }
}
