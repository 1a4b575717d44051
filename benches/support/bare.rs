use super::engine::{KIND, open_store};
use super::group::Group;
use super::{Outcome, sql};
use mcs_core::clock::{Clock, SystemClock};
use mcs_core::domain::{EventKind, IdSource, NewTask, TaskId, Timestamp, limits};
use mcs_core::store::TaskStore;
use mcs_core::store::sqlite::Synchronous;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::path::Path;

/// The queue of the tasks, and who owns them.
const QUEUE: &str = "default";
const OWNER: &str = "local";
const WORKER: &str = "bare-0192a1b2-c3d4-7e5f-8061-728394a5b6c7";

/// A file of the store's, driven by SQL alone: no engine, no store, no channel, and nothing that can go wrong is looked at.
#[derive(Debug)]
pub(crate) struct Bare {
    conn: Connection,
    ids: IdSource,
    group: Group,
}

/// A task that the loop holds.
#[derive(Debug)]
pub(crate) struct Held {
    id: TaskId,
}

impl Bare {
    /// Has the store make a file in `path`, closes it, and opens the file bare.
    pub(crate) async fn create(path: &Path, synchronous: Synchronous) -> Outcome<Self> {
        open_store(path, synchronous)?.close().await?;
        let conn = Connection::open(path)?;
        conn.set_prepared_statement_cache_capacity(64);
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        conn.execute_batch(sql::SETTINGS)?;
        let level = super::full_or_normal(synchronous);
        conn.pragma_update(None, "synchronous", level)?;
        conn.execute("INSERT INTO queue (name) VALUES (?)", [QUEUE])?;
        conn.execute(
            "INSERT INTO lane (queue, dispatch, kind, limit_key, hold_key) VALUES (?, 0, ?, '', '')",
            [QUEUE, KIND],
        )?;
        let lane = conn.last_insert_rowid();
        conn.execute(
            "INSERT INTO cohort (owner, queue, kind) VALUES (?, ?, ?)",
            [OWNER, QUEUE, KIND],
        )?;
        let group = Group::new(lane, conn.last_insert_rowid());
        Ok(Self {
            conn,
            ids: IdSource::default(),
            group,
        })
    }

    /// Begins a transaction.
    pub(crate) fn begin(&mut self) -> Outcome {
        self.group.now = SystemClock.now();
        self.execute("BEGIN IMMEDIATE")
    }

    /// Writes the counts and the events of the transaction, and commits it.
    pub(crate) fn commit(&mut self) -> Outcome {
        self.group.write(&self.conn)?;
        self.execute("COMMIT")
    }

    /// Stores tasks and returns the id of the last.
    pub(crate) fn insert(&mut self, tasks: &[NewTask]) -> Outcome<Option<TaskId>> {
        let latest = self
            .conn
            .prepare_cached(sql::LATEST_CREATED)?
            .query_row([], |row| row.get(0).map(Timestamp::from_millis))
            .optional()?;
        let created = latest.map_or(self.group.now, |latest| latest.max(self.group.now));
        let mut into_task = self.conn.prepare_cached(sql::INSERT_TASK)?;
        let mut into_input = self.conn.prepare_cached(sql::INSERT_INPUT)?;
        let mut last = None;
        for task in tasks {
            let id = self.ids.next(created);
            let key = into_task.insert(params![
                id.as_bytes().as_slice(),
                self.group.lane,
                self.group.cohort,
                task.priority.get(),
                created.as_millis(),
                task.max_attempts,
                created.as_millis(),
            ])?;
            let payload = task.payload.as_str();
            let preview = (payload.len() > limits::PREVIEW_CHARS)
                .then(|| payload.get(..limits::PREVIEW_CHARS).unwrap_or_default());
            into_input.execute(params![key, preview, payload.len(), payload])?;
            self.group.event(EventKind::Created, id, 0);
            last = Some(id);
        }
        self.group.created(tasks.len())?;
        Ok(last)
    }

    /// Completes tasks.
    pub(crate) fn settle(&mut self, held: &[Held], result: &str) -> Outcome {
        let mut read = self.conn.prepare_cached(sql::READ_LEASE)?;
        let mut finish = self.conn.prepare_cached(sql::FINISH)?;
        let mut output = self.conn.prepare_cached(sql::INSERT_OUTPUT)?;
        let now = self.group.now;
        for task in held {
            let (key, created, started) =
                read.query_row([task.id.as_bytes().as_slice()], |row| {
                    touch(row, 15)?;
                    Ok((row.get::<_, i64>(0)?, row.get(11)?, row.get(12)?))
                })?;
            self.group.event(EventKind::Completed, task.id, 1);
            self.group.waited(created, started);
            finish.execute([key, now.as_millis()])?;
            output.execute(params![key, result.len(), result])?;
        }
        self.group.completed(held.len())
    }

    /// Takes up to `most` tasks.
    pub(crate) fn claim(&mut self, most: usize) -> Outcome<Vec<Held>> {
        let now = self.group.now.as_millis();
        self.conn
            .prepare_cached(sql::QUEUE)?
            .query_row([QUEUE], |row| touch(row, 2))?;
        self.conn
            .prepare_cached(sql::LANES)?
            .query_row(params![QUEUE, now], |row| touch(row, 3))
            .optional()?;
        let keys: Vec<i64> = self
            .conn
            .prepare_cached(sql::CANDIDATES)?
            .query_map(params![self.group.lane, now, most], |row| row.get(2))?
            .collect::<rusqlite::Result<_>>()?;
        let mut read = self.conn.prepare_cached(sql::READ_TASK)?;
        let mut take = self.conn.prepare_cached(sql::TAKE)?;
        let until = self.group.now.plus(limits::LEASE).as_millis();
        let mut held = Vec::with_capacity(keys.len());
        for key in keys {
            let id = read.query_row([key], |row| {
                touch(row, 37)?;
                row.get(0).map(TaskId::from_bytes)
            })?;
            take.execute(params![key, WORKER, until, now])?;
            self.group.event(EventKind::Started, id, 1);
            held.push(Held { id });
        }
        if !held.is_empty() {
            self.conn
                .prepare_cached(sql::CLAIMED)?
                .execute(params![held.len(), QUEUE])?;
        }
        self.group.claimed(held.len())?;
        Ok(held)
    }

    /// Moves the log into the file, as the store does when it closes.
    pub(crate) fn checkpoint(&self) -> Outcome {
        self.conn
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok(())
    }

    /// Ends it like the store.
    pub(crate) fn close(self) -> Outcome {
        self.checkpoint()
    }

    fn execute(&self, statement: &str) -> Outcome {
        self.conn.prepare_cached(statement)?.execute([])?;
        Ok(())
    }
}

/// Has SQLite read the columns, the long ones too.
fn touch(row: &Row<'_>, columns: usize) -> rusqlite::Result<()> {
    for column in 0..columns {
        std::hint::black_box(row.get_ref(column)?);
    }
    Ok(())
}
