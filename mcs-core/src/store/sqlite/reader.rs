//! Connections that read beside the writer, each from a snapshot of its own.

use super::codec::{decode_events, level_from};
use super::failure::Failure;
use super::file::DatabaseFile;
use super::names::{Cohort, Key, read_cohort};
use super::open::open_reader;
use super::rows::{find, read_task};
use crate::domain::{Cursor, EventBatch, LogEntry, Task, TaskId, Timestamp};
use crate::store::{Parts, StoreError};
use crate::telemetry::ReadMeters;
use rusqlite::{Connection, params};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

/// Reads that run at a time. Further ones wait.
const READERS: usize = 4;
/// Of these, reads of what MCP servers reported. They may be long, and callers with tasks do not wait for them.
const REPORT_READERS: usize = 2;

/// A few connections, opened when they are first needed.
#[derive(Debug)]
pub(super) struct Readers {
    file: DatabaseFile,
    places: Arc<Semaphore>,
    report_places: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
    meters: ReadMeters,
}

impl Readers {
    pub(super) fn new(file: DatabaseFile) -> Arc<Self> {
        Arc::new(Self {
            file,
            places: Arc::new(Semaphore::new(READERS)),
            report_places: Arc::new(Semaphore::new(REPORT_READERS)),
            idle: Mutex::default(),
            meters: ReadMeters::new(),
        })
    }

    /// A place for a read that is run on a thread of its own, if there is one at once.
    pub(super) fn try_place(&self) -> Result<OwnedSemaphorePermit, TryAcquireError> {
        Arc::clone(&self.places).try_acquire_owned()
    }

    /// A place for a read, once there is one.
    pub(super) async fn place(&self) -> Result<OwnedSemaphorePermit, StoreError> {
        let place = Arc::clone(&self.places).acquire_owned().await;
        place.map_err(|_| StoreError::Closed)
    }

    /// What is read.
    pub(super) const fn file(&self) -> &DatabaseFile {
        &self.file
    }

    /// Tells whoever measures of a read that did not come through [`Readers::read`].
    pub(super) fn told(&self, operation: &'static str, took: Duration) {
        self.meters.ended(operation, took);
    }

    /// What to tell who asked for what failed.
    pub(super) fn explain(&self, failure: Failure, operation: &'static str) -> StoreError {
        failure.into_store_error(operation, &self.file)
    }

    /// What to tell who asked for what nobody answers any more.
    pub(super) fn lost(&self, operation: &'static str) -> StoreError {
        if self.places.is_closed() {
            return StoreError::Closed;
        }
        StoreError::Io {
            operation,
            path: self.file.path.clone(),
            source: "the read did not come to its end".into(),
        }
    }

    /// Runs `work` in a read transaction on a thread that may block.
    pub(super) async fn read<T, F>(
        self: &Arc<Self>,
        operation: &'static str,
        work: F,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        let place = Arc::clone(&self.places)
            .acquire_owned()
            .await
            .map_err(|_| StoreError::Closed)?;
        let readers = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || {
            let _place = place;
            let begun = Instant::now();
            let answer = readers.run(work);
            readers.meters.ended(operation, begun.elapsed());
            answer.map_err(|failure| failure.into_store_error(operation, &readers.file))
        });
        match done.await {
            Ok(answer) => answer,
            Err(panicked) => Err(StoreError::Io {
                operation,
                path: self.file.path.clone(),
                source: Box::new(panicked),
            }),
        }
    }

    /// The same for what MCP servers reported.
    pub(super) async fn read_reported<T, F>(
        self: &Arc<Self>,
        operation: &'static str,
        work: F,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        let place = Arc::clone(&self.report_places)
            .acquire_owned()
            .await
            .map_err(|_| StoreError::Closed)?;
        self.read(operation, move |conn| {
            let _place = place;
            work(conn)
        })
        .await
    }

    /// Runs `work` in a read transaction. Blocks while it does.
    pub(super) fn run<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let conn = match idle {
            Some(conn) => conn,
            None => open_reader(&self.file)?,
        };
        // Prepared, since to parse these takes as long as to read a task.
        conn.prepare_cached("BEGIN")?.execute([])?;
        let answer = work(&conn);
        // Nothing was written, so how the transaction ends does not matter to the answer.
        let _ = end(&conn);
        if conn.is_autocommit() {
            self.idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(conn);
        }
        answer
    }

    /// How many more reads could run right now.
    #[cfg(test)]
    pub(super) fn free(&self) -> usize {
        self.places.available_permits()
    }

    /// Lets running reads finish and refuses further ones.
    pub(super) async fn close(&self) {
        let all = self
            .places
            .acquire_many(u32::try_from(READERS).unwrap_or(1))
            .await;
        self.places.close();
        drop(all);
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}

fn end(conn: &Connection) -> rusqlite::Result<()> {
    conn.prepare_cached("ROLLBACK")?.execute([])?;
    Ok(())
}

/// The tasks with these ids, in order.
pub(super) fn get(
    conn: &Connection,
    ids: &[TaskId],
    parts: Parts,
) -> Result<Vec<Option<Task>>, Failure> {
    let read = |id: &TaskId| match find(conn, *id)? {
        Some(key) => read_task(conn, key, parts),
        None => Ok(None),
    };
    Ok(ids.iter().map(read).collect::<rusqlite::Result<_>>()?)
}

/// Lines of a task's log.
pub(super) fn log(
    conn: &Connection,
    id: TaskId,
    after: u64,
    limit: usize,
) -> Result<Vec<LogEntry>, Failure> {
    let Some(key) = find(conn, id)? else {
        return Ok(Vec::new());
    };
    let mut lines = conn.prepare_cached(
        "SELECT seq, at, attempt, level, text FROM task_log WHERE task = ? AND seq > ? ORDER BY seq LIMIT ?",
    )?;
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let rows = lines.query_map(params![key, after, limit], |row| {
        Ok(LogEntry {
            seq: row.get(0)?,
            at: Timestamp::from_millis(row.get(1)?),
            attempt: row.get(2)?,
            level: level_from(row.get(3)?)?,
            text: row.get(4)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The last batch of events, which keeps its number when it is emptied.
pub(super) fn last_batch(conn: &Connection) -> Result<Cursor, Failure> {
    let last = conn
        .prepare_cached("SELECT coalesce(max(seq), 0) FROM event_batch")?
        .query_row([], |row| row.get(0))?;
    Ok(Cursor(last))
}

/// Batches of events. One that was emptied only keeps its number and is left out.
pub(super) fn events(
    conn: &Connection,
    after: Cursor,
    limit: usize,
) -> Result<Vec<EventBatch>, Failure> {
    let mut statement = conn.prepare_cached(
        "SELECT seq, at, events FROM event_batch WHERE seq > ? AND length(events) > 0 ORDER BY seq LIMIT ?",
    )?;
    let mut rows = statement.query(params![i64::try_from(after.0).unwrap_or(i64::MAX), limit])?;
    let mut cohorts: HashMap<Key, Cohort> = HashMap::new();
    let mut batches = Vec::new();
    while let Some(row) = rows.next()? {
        let stored = decode_events(row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?)?;
        let mut events = Vec::with_capacity(stored.len());
        for event in stored {
            let key = event.cohort;
            let cohort = match cohorts.entry(key) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(place) => place.insert(read_cohort(conn, key)?),
            };
            events.push(event.into_event(cohort));
        }
        batches.push(EventBatch {
            seq: row.get(0)?,
            at: Timestamp::from_millis(row.get(1)?),
            events,
        });
    }
    Ok(batches)
}
