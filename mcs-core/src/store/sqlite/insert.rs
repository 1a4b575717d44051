use super::codec::{reason_code, status_code};
use super::failure::Failure;
use super::marks::Marks;
use super::names::{Cohort, Key};
use super::rows::{SHORT_PAYLOAD, find};
use super::tx::Tx;
use crate::domain::{
    EventKind, Happening, Json, Lane, NewTask, Status, TaskId, Timestamp, WaitReason,
};
use crate::store::{Inserted, StoreError};
use rusqlite::{CachedStatement, Connection, OptionalExtension, params};
use serde_json::json;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What becomes of each task of a call.
enum Plan {
    Store(TaskId),
    Existing(TaskId),
}

/// Stores tasks. What can be refused is refused before the first write.
pub(super) fn insert(
    conn: &Connection,
    tx: &mut Tx,
    tasks: &[NewTask],
) -> Result<Vec<Inserted>, Failure> {
    let created_at = creation_time(conn, tx)?;
    let plans = plan(conn, tx, tasks, created_at)?;
    let mut rows = Rows::prepare(conn)?;
    let mut replies = Vec::with_capacity(tasks.len());
    let mut created = Created::default();
    for (task, plan) in tasks.iter().zip(plans) {
        match plan {
            Plan::Existing(id) => replies.push(Inserted { id, created: false }),
            Plan::Store(id) => {
                let cohort = rows.store(conn, tx, task, id, created_at)?;
                created.add(tx, created_at, (cohort, task.model.as_deref()));
                replies.push(Inserted { id, created: true });
            }
        }
    }
    if created.tasks > 0 {
        tx.latest_created = Some(created_at);
    }
    created.flush(tx, created_at);
    Ok(replies)
}

/// Counts the tasks of a call, which mostly are of one cohort and model.
#[derive(Default)]
struct Created {
    of: Option<(Key, Option<Arc<str>>)>,
    tasks: u64,
}

impl Created {
    fn add(&mut self, tx: &mut Tx, at: Timestamp, (cohort, model): (Key, Option<&str>)) {
        let same = |(known, named): &(Key, Option<Arc<str>>)| {
            *known == cohort && named.as_deref() == model
        };
        if !self.of.as_ref().is_some_and(same) {
            self.flush(tx, at);
            self.of = Some((cohort, model.map(Arc::from)));
        }
        self.tasks += 1;
    }

    fn flush(&mut self, tx: &mut Tx, at: Timestamp) {
        if let Some((cohort, model)) = self.of.take() {
            let tasks = std::mem::take(&mut self.tasks);
            tx.count(at, cohort, model, Happening::Created(tasks));
        }
    }
}

/// Now, but never before the latest task: lists by creation rely on the order of row keys.
fn creation_time(conn: &Connection, tx: &mut Tx) -> rusqlite::Result<Timestamp> {
    let latest = match tx.latest_created {
        Some(latest) => Some(latest),
        None => conn
            .prepare_cached("SELECT created_at FROM task ORDER BY id DESC LIMIT 1")?
            .query_row([], |row| row.get(0).map(Timestamp::from_millis))
            .optional()?,
    };
    Ok(latest.map_or(tx.now, |latest| latest.max(tx.now)))
}

fn plan(
    conn: &Connection,
    tx: &Tx,
    tasks: &[NewTask],
    created_at: Timestamp,
) -> Result<Vec<Plan>, Failure> {
    let mut by_id: HashSet<TaskId> = HashSet::new();
    let mut by_key: HashMap<(&str, &str), (TaskId, &NewTask)> = HashMap::new();
    let mut plans = Vec::with_capacity(tasks.len());
    for task in tasks {
        if let Some(id) = task.id
            && (by_id.contains(&id) || find(conn, id)?.is_some())
        {
            plans.push(Plan::Existing(id));
            continue;
        }
        if let Some(key) = task.unique_key.as_deref() {
            let earlier = by_key.get(&(&*task.owner, key));
            let first = match earlier {
                Some((id, first)) => Some((*id, Arc::clone(&first.kind), first.payload.clone())),
                None => find_unique(conn, &task.owner, key)?,
            };
            if let Some((existing, kind, payload)) = first {
                if kind != task.kind || !payload.same_value(&task.payload) {
                    return Err(StoreError::UniqueKey {
                        key: key.to_owned(),
                        existing,
                    }
                    .into());
                }
                plans.push(Plan::Existing(existing));
                continue;
            }
        }
        let id = task.id.unwrap_or_else(|| tx.ids.next(created_at));
        by_id.extend(task.id);
        if let Some(key) = task.unique_key.as_deref() {
            by_key.insert((&task.owner, key), (id, task));
        }
        plans.push(Plan::Store(id));
    }
    Ok(plans)
}

fn find_unique(
    conn: &Connection,
    owner: &str,
    key: &str,
) -> rusqlite::Result<Option<(TaskId, Arc<str>, Json)>> {
    conn.prepare_cached(
        "SELECT t.uuid, l.kind, i.payload FROM task_unique u
         JOIN task t ON t.id = u.task JOIN lane l ON l.id = t.lane JOIN task_input i ON i.id = t.id
         WHERE u.owner = ? AND u.key = ?",
    )?
    .query_row([owner, key], |row| {
        Ok((
            TaskId::from_bytes(row.get(0)?),
            row.get(1)?,
            Json::from_stored(row.get::<_, Arc<str>>(2)?),
        ))
    })
    .optional()
}

/// The statements that store a task, prepared once a call, and the names of the task before.
struct Rows<'c> {
    task: CachedStatement<'c>,
    input: CachedStatement<'c>,
    names: Option<(Lane, Arc<str>, Key, Key)>,
}

impl<'c> Rows<'c> {
    fn prepare(conn: &'c Connection) -> rusqlite::Result<Self> {
        let task = conn.prepare_cached(
            "INSERT INTO task (uuid, lane, cohort, status, done, ready, wait_reason, priority, run_at, attempt,
                               max_attempts, rescues, lease, tagged, created_at, timeout_ms, deadline, ttl_ms)
             VALUES (?, ?, ?, ?, 0, ?, ?, ?, ?, 0, ?, 0, 0, ?, ?, ?, ?, ?)",
        )?;
        let input = conn.prepare_cached(
            "INSERT INTO task_input (id, unique_key, provider, model, work_directory, category, tags, metadata,
                                     traceparent, budget_usd, retry, depends_on, parent, retry_of, preview,
                                     payload_bytes, payload)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )?;
        Ok(Self {
            task,
            input,
            names: None,
        })
    }

    /// Stores a task and returns the key of its cohort.
    fn store(
        &mut self,
        conn: &Connection,
        tx: &mut Tx,
        task: &NewTask,
        id: TaskId,
        created_at: Timestamp,
    ) -> Result<Key, Failure> {
        let (lane, cohort) = self.names(conn, tx, task)?;
        let later = task.run_at.filter(|run_at| *run_at > tx.now);
        let run_at = later.unwrap_or(created_at);
        let reason = if task.depends_on.is_empty() {
            later.map(|_| WaitReason::Scheduled)
        } else {
            Some(WaitReason::Dependencies)
        };
        let key = self.task.insert(params![
            id.as_bytes().as_slice(),
            lane,
            cohort,
            status_code(Status::Pending),
            reason.is_none(),
            reason.map(reason_code),
            task.priority.get(),
            run_at.as_millis(),
            task.max_attempts,
            Marks::of(task).code(),
            created_at.as_millis(),
            task.timeout_ms,
            task.deadline.map(Timestamp::as_millis),
            task.ttl_ms,
        ])?;
        self.store_input(key, task)?;
        store_keys(conn, key, task)?;
        tx.moved(cohort, None, Some(Status::Pending));
        if reason.is_none() {
            tx.ready(lane, cohort, 1);
        }
        let detail = later.map(|run_at| json!({"run_at": run_at}));
        tx.event(id, EventKind::Created, cohort, 0, detail);
        Ok(cohort)
    }

    /// The keys of the task's lane and cohort. Tasks of one call mostly share them, which spares two look-ups each.
    fn names(
        &mut self,
        conn: &Connection,
        tx: &mut Tx,
        task: &NewTask,
    ) -> rusqlite::Result<(Key, Key)> {
        if let Some((lane, owner, lane_key, cohort_key)) = &self.names
            && lane.queue == task.queue
            && lane.kind == task.kind
            && lane.limit_key == task.limit_key
            && lane.hold_key == task.hold_key
            && lane.dispatch == task.dispatch
            && *owner == task.owner
        {
            return Ok((*lane_key, *cohort_key));
        }
        let lane = Lane {
            queue: Arc::clone(&task.queue),
            kind: Arc::clone(&task.kind),
            limit_key: task.limit_key.clone(),
            hold_key: task.hold_key.clone(),
            dispatch: task.dispatch,
        };
        let cohort = Cohort {
            queue: Arc::clone(&task.queue),
            kind: Arc::clone(&task.kind),
            owner: Arc::clone(&task.owner),
        };
        let keys = (tx.names.lane(conn, &lane)?, tx.names.cohort(conn, &cohort)?);
        self.names = Some((lane, Arc::clone(&task.owner), keys.0, keys.1));
        Ok(keys)
    }

    fn store_input(&mut self, key: Key, task: &NewTask) -> Result<(), Failure> {
        let payload = task.payload.as_str();
        let preview = task.preview_text();
        let own_preview = payload.len() > SHORT_PAYLOAD || !task.preview.is_empty();
        self.input.execute(params![
            key,
            task.unique_key,
            task.provider,
            task.model,
            task.work_directory,
            task.category,
            listed(&task.tags)?,
            task.metadata.as_ref().map(Json::as_str),
            task.traceparent,
            task.budget_usd,
            task.retry
                .as_ref()
                .map(Json::new)
                .transpose()
                .map_err(to_sql)?
                .as_ref()
                .map(Json::as_str),
            listed(&task.depends_on)?,
            task.parent.as_ref().map(|id| id.as_bytes().as_slice()),
            task.retry_of.as_ref().map(|id| id.as_bytes().as_slice()),
            own_preview.then_some(preview),
            i64::try_from(payload.len()).unwrap_or(i64::MAX),
            payload,
        ])?;
        Ok(())
    }
}

fn store_keys(conn: &Connection, key: Key, task: &NewTask) -> rusqlite::Result<()> {
    for tag in &task.tags {
        conn.prepare_cached("INSERT OR IGNORE INTO task_tag (tag, done, task) VALUES (?, 0, ?)")?
            .execute(params![tag, key])?;
    }
    if let Some(unique) = &task.unique_key {
        conn.prepare_cached("INSERT INTO task_unique (owner, key, task) VALUES (?, ?, ?)")?
            .execute(params![task.owner, unique, key])?;
    }
    Ok(())
}

/// A list as JSON, `NULL` if it is empty.
fn listed<T: serde::Serialize>(items: &[T]) -> rusqlite::Result<Option<String>> {
    if items.is_empty() {
        Ok(None)
    } else {
        serde_json::to_string(items).map(Some).map_err(to_sql)
    }
}

/// A value that JSON cannot write, as SQLite reports one it cannot bind.
pub(super) fn to_sql(error: serde_json::Error) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(error.into())
}
