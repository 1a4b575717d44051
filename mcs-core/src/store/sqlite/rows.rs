//! A task as its rows say it.

use super::codec::{dispatch_from, reason_from, status_from};
use super::failure::damaged;
use super::names::Key;
use crate::domain::{
    Dispatch, InputRequest, Json, Lease, LeaseNumber, Priority, Task, TaskId, Timestamp, Usage,
    WorkerId, limits,
};
use crate::store::Parts;
use rusqlite::types::FromSql;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// What the rows of a task's state and input say, in the order in which [`core_from`] reads it.
macro_rules! core_columns {
    () => {
        "t.uuid, t.priority, t.status, t.wait_reason, t.run_at, t.attempt, t.max_attempts, t.rescues, i.retry,
         t.timeout_ms, t.clock_left, t.deadline, i.budget_usd, t.cancel_at, i.unique_key, i.provider, i.model,
         i.work_directory, i.category, i.tags, i.metadata, i.traceparent, i.depends_on, i.parent, i.retry_of,
         coalesce(i.preview, CASE WHEN i.payload_bytes <= 200 THEN i.payload END, ''), i.payload_bytes,
         t.created_at, t.started_at, t.finished_at, t.ttl_ms, t.lane, t.cohort, t.lease, t.worker, t.lease_until"
    };
}

/// A whole task: its core, its names, and its output, in the order in which [`rest_from`] goes on.
const FULL: &str = concat!(
    "SELECT ",
    core_columns!(),
    ", CASE WHEN ?2 THEN i.payload END, l.kind, l.queue, c.owner, l.dispatch, l.limit_key, l.hold_key, h.until, h.reason,
       CASE WHEN ?4 THEN (SELECT checkpoint FROM task_checkpoint WHERE id = t.id) END,
       o.progress, CASE WHEN ?3 THEN o.result END, coalesce(o.result_bytes, 0), o.error,
       coalesce(o.input_tokens, 0), coalesce(o.cached_tokens, 0), coalesce(o.output_tokens, 0),
       coalesce(o.cost_usd, 0.0), coalesce(o.duration_ms, 0)
     FROM task t JOIN lane l ON l.id = t.lane JOIN cohort c ON c.id = t.cohort JOIN task_input i ON i.id = t.id
     LEFT JOIN task_output o ON o.id = t.id
     LEFT JOIN hold h ON l.hold_key <> '' AND h.key = l.hold_key AND t.status = 0
     WHERE t.id = ?1"
);

/// The core of a task with its payload. A claim knows the names, and a task that never ran has no output.
pub(super) const FRESH: &str = concat!(
    "SELECT ",
    core_columns!(),
    ", i.payload FROM task t JOIN task_input i ON i.id = t.id WHERE t.id = ?1"
);

/// Payloads up to this size serve as their own preview. The statement above says it too.
pub(super) const SHORT_PAYLOAD: usize = 200;
const _: () = assert!(SHORT_PAYLOAD <= limits::PREVIEW_CHARS);

/// The task with this row key.
pub(super) fn read_task(
    conn: &Connection,
    key: Key,
    parts: Parts,
) -> rusqlite::Result<Option<Task>> {
    let mut statement = conn.prepare_cached(FULL)?;
    let params = params![key, parts.payload, parts.result, parts.checkpoint];
    let whole = |row: &Row<'_>| {
        let mut columns = Columns { row, next: 0 };
        let mut found = core_from(&mut columns)?;
        rest_from(&mut columns, &mut found.task)?;
        Ok(found)
    };
    let Some(Found {
        mut task, leases, ..
    }) = statement.query_row(params, whole).optional()?
    else {
        return Ok(None);
    };
    if leases > 0 {
        task.input_requests = read_questions(conn, key)?;
    }
    Ok(Some(task))
}

/// A task as [`FRESH`] reads it: as it is before its first attempt, but for its names.
pub(super) fn fresh_from(row: &Row<'_>) -> rusqlite::Result<Found> {
    core_from(&mut Columns { row, next: 0 })
}

/// A task with what its row says beyond it.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) task: Task,
    pub(super) lane: Key,
    pub(super) cohort: Key,
    /// Leases it was given so far.
    pub(super) leases: u64,
}

/// The row key of a task.
pub(super) fn find(conn: &Connection, id: TaskId) -> rusqlite::Result<Option<Key>> {
    conn.prepare_cached("SELECT id FROM task WHERE uuid = ?")?
        .query_row([id.as_bytes().as_slice()], |row| row.get(0))
        .optional()
}

fn read_questions(conn: &Connection, key: Key) -> rusqlite::Result<Vec<InputRequest>> {
    let mut statement = conn.prepare_cached(
        "SELECT key, request, response, lease FROM task_question WHERE task = ? ORDER BY seq",
    )?;
    let rows = statement.query_map([key], |row| {
        Ok(InputRequest {
            key: row.get(0)?,
            request: Json::from_stored(row.get::<_, String>(1)?),
            response: row.get::<_, Option<String>>(2)?.map(Json::from_stored),
            lease: LeaseNumber(row.get(3)?),
        })
    })?;
    rows.collect()
}

/// Reads columns in the order of the statement, so that a column is added in one place of it and one here.
struct Columns<'r, 's> {
    row: &'r Row<'s>,
    next: usize,
}

impl Columns<'_, '_> {
    fn take<T: FromSql>(&mut self) -> rusqlite::Result<T> {
        let column = self.next;
        self.next += 1;
        self.row.get(column)
    }

    fn time(&mut self) -> rusqlite::Result<Timestamp> {
        self.take().map(Timestamp::from_millis)
    }

    fn maybe_time(&mut self) -> rusqlite::Result<Option<Timestamp>> {
        Ok(self.take::<Option<i64>>()?.map(Timestamp::from_millis))
    }

    fn id(&mut self) -> rusqlite::Result<TaskId> {
        self.take().map(TaskId::from_bytes)
    }

    fn maybe_id(&mut self) -> rusqlite::Result<Option<TaskId>> {
        Ok(self.take::<Option<[u8; 16]>>()?.map(TaskId::from_bytes))
    }

    /// A name of a lane, where the empty one stands for none.
    fn key(&mut self) -> rusqlite::Result<Option<String>> {
        Ok(Some(self.take::<String>()?).filter(|key| !key.is_empty()))
    }

    fn raw(&mut self) -> rusqlite::Result<Option<Json>> {
        Ok(self.take::<Option<Arc<str>>>()?.map(Json::from_stored))
    }

    fn json<T: DeserializeOwned>(&mut self) -> rusqlite::Result<Option<T>> {
        let column = self.next;
        let Some(text) = self.take::<Option<String>>()? else {
            return Ok(None);
        };
        serde_json::from_str(&text)
            .map(Some)
            .map_err(|error| damaged(column, error.to_string()))
    }
}

/// The core of a task. What [`rest_from`] reads is left empty.
fn core_from(c: &mut Columns<'_, '_>) -> rusqlite::Result<Found> {
    let id = c.id()?;
    let priority = Priority::new(c.take()?).map_err(|error| damaged(1, error.to_string()))?;
    let status = status_from(c.take()?)?;
    let wait_reason = c.take::<Option<i64>>()?.map(reason_from).transpose()?;
    let mut task = Task {
        id,
        kind: Arc::default(),
        queue: Arc::default(),
        owner: Arc::default(),
        priority,
        dispatch: Dispatch::Auto,
        limit_key: None,
        hold_key: None,
        status,
        wait_reason,
        hold_reason: None,
        held_until: None,
        run_at: c.time()?,
        attempt: c.take()?,
        max_attempts: c.take()?,
        rescues: c.take()?,
        retry: c.json()?,
        timeout_ms: c.take()?,
        clock_left_ms: c.take()?,
        deadline: c.maybe_time()?,
        budget_usd: c.take()?,
        lease: None,
        cancel_requested_at: c.maybe_time()?,
        unique_key: c.take()?,
        provider: c.take()?,
        model: c.take()?,
        work_directory: c.take()?,
        category: c.take()?,
        tags: c.json()?.unwrap_or_default(),
        metadata: c.raw()?,
        traceparent: c.take()?,
        depends_on: c.json()?.unwrap_or_default(),
        parent: c.maybe_id()?,
        retry_of: c.maybe_id()?,
        preview: c.take()?,
        payload_bytes: c.take()?,
        created_at: c.time()?,
        started_at: c.maybe_time()?,
        finished_at: c.maybe_time()?,
        ttl_ms: c.take()?,
        payload: None,
        progress: None,
        checkpoint: None,
        input_requests: Vec::new(),
        result: None,
        result_bytes: 0,
        error: None,
        usage: Usage::default(),
    };
    let (lane, cohort, leases) = (c.take()?, c.take()?, c.take()?);
    task.lease = lease_from(c, LeaseNumber(leases))?;
    task.payload = c.raw()?;
    Ok(Found {
        task,
        lane,
        cohort,
        leases,
    })
}

/// The names and the output of a task.
fn rest_from(c: &mut Columns<'_, '_>, task: &mut Task) -> rusqlite::Result<()> {
    (task.kind, task.queue, task.owner) = (c.take()?, c.take()?, c.take()?);
    task.dispatch = dispatch_from(c.take()?)?;
    (task.limit_key, task.hold_key) = (c.key()?, c.key()?);
    (task.held_until, task.hold_reason) = (c.maybe_time()?, c.take()?);
    task.checkpoint = c.raw()?;
    task.progress = c.json()?;
    task.result = c.raw()?;
    task.result_bytes = c.take()?;
    task.error = c.json()?;
    task.usage = Usage {
        input_tokens: c.take()?,
        cached_tokens: c.take()?,
        output_tokens: c.take()?,
        cost_usd: c.take()?,
        duration_ms: c.take()?,
    };
    Ok(())
}

fn lease_from(c: &mut Columns<'_, '_>, number: LeaseNumber) -> rusqlite::Result<Option<Lease>> {
    let (worker, expires_at) = (c.take::<Option<Arc<str>>>()?, c.maybe_time()?);
    Ok(worker.zip(expires_at).map(|(worker, expires_at)| Lease {
        number,
        worker: WorkerId(worker),
        expires_at,
    }))
}
