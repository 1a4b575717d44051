use super::codec::{done_code, reason_code, status_code, status_from};
use super::failure::Failure;
use super::insert::to_sql;
use super::marks::Marks;
use super::names::Key;
use super::tx::Tx;
use crate::domain::{
    Ended, Happening, Hold, Json, LeaseNumber, SettleReply, Settlement, Status, TaskId, Timestamp,
    Usage, WorkerId,
};
use crate::store::ending::{self, ClockChange, Ending, ErrorChange, Held};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, params};
use std::sync::Arc;
use std::time::Duration;

/// What of a task decides how its lease ends.
#[derive(Debug)]
pub(super) struct LeaseRow {
    pub(super) key: Key,
    pub(super) id: TaskId,
    lane: Key,
    pub(super) cohort: Key,
    pub(super) status: Status,
    lease: LeaseNumber,
    worker: WorkerId,
    pub(super) attempt: u32,
    rescues: u32,
    pub(super) run_at: Timestamp,
    marks: Marks,
    created_at: Timestamp,
    first_start: Option<Timestamp>,
    pub(super) cancel_asked: bool,
    ttl: Option<Duration>,
}

/// Columns of a [`LeaseRow`].
macro_rules! lease_columns {
    () => {
        "id, uuid, lane, cohort, status, lease, worker, attempt, rescues, run_at, tagged, created_at, first_start,
         cancel_at IS NOT NULL, ttl_ms"
    };
}
pub(super) use lease_columns;

impl LeaseRow {
    pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            key: row.get(0)?,
            id: TaskId::from_bytes(row.get(1)?),
            lane: row.get(2)?,
            cohort: row.get(3)?,
            status: status_from(row.get(4)?)?,
            lease: LeaseNumber(row.get(5)?),
            worker: WorkerId(row.get::<_, Option<Arc<str>>>(6)?.unwrap_or_default()),
            attempt: row.get(7)?,
            rescues: row.get(8)?,
            run_at: Timestamp::from_millis(row.get(9)?),
            marks: Marks::from_row(row, 10)?,
            created_at: Timestamp::from_millis(row.get(11)?),
            first_start: row.get::<_, Option<i64>>(12)?.map(Timestamp::from_millis),
            cancel_asked: row.get(13)?,
            ttl: row.get::<_, Option<u64>>(14)?.map(Duration::from_millis),
        })
    }
}

/// Ends leases.
pub(super) fn settle(
    conn: &Connection,
    tx: &mut Tx,
    settlements: Vec<Settlement>,
) -> Result<Vec<SettleReply>, Failure> {
    if settlements.is_empty() {
        return Ok(Vec::new());
    }
    let mut ender = Ender::prepare(conn)?;
    let mut find = conn.prepare_cached(concat!(
        "SELECT ",
        lease_columns!(),
        " FROM task WHERE uuid = ?"
    ))?;
    let mut replies = Vec::with_capacity(settlements.len());
    for settlement in settlements {
        let row = find
            .query_row([settlement.task.as_bytes().as_slice()], LeaseRow::from_row)
            .optional()?;
        replies.push(match row {
            None => SettleReply::Missing,
            Some(row) => ender.settle(tx, &row, settlement)?,
        });
    }
    Ok(replies)
}

/// Ends what a task is doing, with statements that are prepared once a call.
pub(super) struct Ender<'c> {
    conn: &'c Connection,
    finish: CachedStatement<'c>,
    output: CachedStatement<'c>,
}

impl<'c> Ender<'c> {
    pub(super) fn prepare(conn: &'c Connection) -> rusqlite::Result<Self> {
        let finish = conn.prepare_cached(
            "UPDATE task SET status = ?2, done = ?2, ready = 0, wait_reason = NULL, worker = NULL, lease_until = NULL,
                             clock_left = NULL, finished_at = ?3, expires_at = ?4
             WHERE id = ?1",
        )?;
        let output = conn.prepare_cached(
            "INSERT INTO task_output (id, error, input_tokens, cached_tokens, output_tokens, cost_usd, duration_ms,
                                      result_bytes, result)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
             ON CONFLICT (id) DO UPDATE SET
                 error = CASE WHEN ?10 THEN error ELSE excluded.error END,
                 input_tokens = min(input_tokens + excluded.input_tokens, 1 << 53),
                 cached_tokens = min(cached_tokens + excluded.cached_tokens, 1 << 53),
                 output_tokens = min(output_tokens + excluded.output_tokens, 1 << 53),
                 cost_usd = cost_usd + excluded.cost_usd, duration_ms = min(duration_ms + excluded.duration_ms, 1 << 53),
                 result_bytes = excluded.result_bytes, result = excluded.result",
        )?;
        Ok(Self {
            conn,
            finish,
            output,
        })
    }

    fn settle(
        &mut self,
        tx: &mut Tx,
        row: &LeaseRow,
        settlement: Settlement,
    ) -> Result<SettleReply, Failure> {
        if row.lease != settlement.lease || !row.status.is_leased() {
            return Ok(SettleReply::Stale);
        }
        let reason = cancel_reason(self.conn, row)?;
        let Some(ending) = ending::settle(held(row, reason.as_deref()), settlement.outcome, tx.now)
        else {
            return Ok(SettleReply::Stale);
        };
        let status = ending.status;
        self.end(tx, row, ending, settlement.usage.bounded())?;
        Ok(SettleReply::Settled(status))
    }

    /// Takes a leased task back from a worker that is gone. `None` if it is not leased.
    pub(super) fn rescue(
        &mut self,
        tx: &mut Tx,
        row: &LeaseRow,
    ) -> Result<Option<Status>, Failure> {
        let reason = cancel_reason(self.conn, row)?;
        let Some(ending) = ending::rescue(held(row, reason.as_deref()), &row.worker) else {
            return Ok(None);
        };
        let status = ending.status;
        self.end(tx, row, ending, Usage::default())?;
        Ok(Some(status))
    }

    /// Ends a task that nobody holds: its cancel, or its deadline.
    pub(super) fn end_pending(
        &mut self,
        tx: &mut Tx,
        row: &LeaseRow,
        was_ready: bool,
        ending: Ending,
    ) -> Result<(), Failure> {
        if was_ready {
            tx.ready(row.lane, row.cohort, -1);
        }
        self.end(tx, row, ending, Usage::default())
    }

    fn end(
        &mut self,
        tx: &mut Tx,
        row: &LeaseRow,
        mut ending: Ending,
        usage: Usage,
    ) -> Result<(), Failure> {
        if let Some(hold) = &ending.hold {
            store_hold(self.conn, hold)?;
        }
        tx.moved(row.cohort, Some(row.status), Some(ending.status));
        tx.event(
            row.id,
            ending.event,
            row.cohort,
            row.attempt,
            ending.detail.take(),
        );
        count(self.conn, tx, row, &ending, usage)?;
        if ending.status.is_terminal() {
            self.finish(row, ending.status, tx.now)?;
        } else {
            requeue(self.conn, tx, row, &ending)?;
        }
        self.store_output(row.key, &ending, usage)
    }

    fn finish(&mut self, row: &LeaseRow, status: Status, now: Timestamp) -> Result<(), Failure> {
        let expires_at = row.ttl.map(|ttl| now.plus(ttl).as_millis());
        self.finish.execute(params![
            row.key,
            status_code(status),
            now.as_millis(),
            expires_at
        ])?;
        if row.marks.has_tags() {
            move_tags(self.conn, row.key, status)?;
        }
        Ok(())
    }

    fn store_output(&mut self, key: Key, ending: &Ending, usage: Usage) -> Result<(), Failure> {
        let (keeps, error) = match &ending.error {
            ErrorChange::Keep => (true, None),
            ErrorChange::Clear => (false, None),
            ErrorChange::Set(error) => (false, Some(Json::new(error).map_err(to_sql)?)),
        };
        if keeps && ending.result.is_none() && usage.is_zero() {
            return Ok(());
        }
        let result = ending.result.as_ref().map(Json::as_str);
        self.output.execute(params![
            key,
            error.as_ref().map(Json::as_str),
            signed(usage.input_tokens),
            signed(usage.cached_tokens),
            signed(usage.output_tokens),
            usage.cost_usd,
            signed(usage.duration_ms),
            result.map_or(0, |text| signed(
                u64::try_from(text.len()).unwrap_or(u64::MAX)
            )),
            result,
            keeps,
        ])?;
        Ok(())
    }
}

/// Moves a task that finishes from the active tasks of its tags to those of its status.
fn move_tags(conn: &Connection, key: Key, status: Status) -> rusqlite::Result<()> {
    conn.prepare_cached(
        "INSERT OR IGNORE INTO task_tag (tag, done, task)
         SELECT value, ?2, i.id FROM task_input i, json_each(i.tags) WHERE i.id = ?1",
    )?
    .execute([key, done_code(status)])?;
    conn.prepare_cached(
        "DELETE FROM task_tag WHERE task = ?1 AND done = 0
         AND tag IN (SELECT value FROM task_input i, json_each(i.tags) WHERE i.id = ?1)",
    )?
    .execute([key])?;
    Ok(())
}

fn held<'a>(row: &LeaseRow, cancel: Option<&'a str>) -> Held<'a> {
    Held {
        status: row.status,
        run_at: row.run_at,
        rescues: row.rescues,
        cancel,
    }
}

/// The reason of whoever asked for the task's end, if somebody did.
fn cancel_reason(conn: &Connection, row: &LeaseRow) -> rusqlite::Result<Option<String>> {
    if !row.cancel_asked {
        return Ok(None);
    }
    let reason: Option<Option<String>> = conn
        .prepare_cached("SELECT cancel_reason FROM task_output WHERE id = ?")?
        .query_row([row.key], |row| row.get(0))
        .optional()?;
    Ok(Some(reason.flatten().unwrap_or_default()))
}

fn requeue(conn: &Connection, tx: &mut Tx, row: &LeaseRow, ending: &Ending) -> Result<(), Failure> {
    if ending.wait.is_none() {
        tx.ready(row.lane, row.cohort, 1);
    }
    conn.prepare_cached(
        "UPDATE task SET status = ?2, ready = ?3, wait_reason = ?4, run_at = ?5, attempt = ?6, rescues = ?7,
                         worker = NULL, lease_until = NULL, clock_left = CASE WHEN ?8 THEN clock_left END
         WHERE id = ?1",
    )?
    .execute(params![
        row.key,
        status_code(ending.status),
        ending.wait.is_none(),
        ending.wait.map(reason_code),
        ending.run_at.as_millis(),
        row.attempt.saturating_sub(u32::from(ending.gives_back)),
        row.rescues + u32::from(ending.rescued),
        ending.clock == ClockChange::Keep,
    ])?;
    Ok(())
}

/// A count as SQLite keeps it.
fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn store_hold(conn: &Connection, hold: &Hold) -> rusqlite::Result<()> {
    conn.prepare_cached(
        "INSERT INTO hold (key, until, reason) VALUES (?, ?, ?)
         ON CONFLICT (key) DO UPDATE SET until = excluded.until, reason = excluded.reason
         WHERE excluded.until > until",
    )?
    .execute(params![hold.key, hold.until.as_millis(), hold.reason])?;
    Ok(())
}

/// Adds an ending to the aggregates of its hour.
fn count(
    conn: &Connection,
    tx: &mut Tx,
    row: &LeaseRow,
    ending: &Ending,
    usage: Usage,
) -> rusqlite::Result<()> {
    let ended = ending.status.is_terminal();
    if !ended && !ending.retried && usage.is_zero() {
        return Ok(());
    }
    let (now, model) = (tx.now, model_of(conn, row)?);
    let mut add = |what| tx.count(now, row.cohort, model.clone(), what);
    if ending.retried {
        add(Happening::Retried);
    }
    if !usage.is_zero() {
        add(Happening::Used(usage));
    }
    if ended {
        let earlier = earlier_duration(conn, row)?;
        add(Happening::Ended(Ended {
            status: ending.status,
            waited: row.first_start.map(|start| start.since(row.created_at)),
            ran_ms: earlier.saturating_add(usage.duration_ms),
        }));
    }
    Ok(())
}

/// The model that the task names. Most name none, and the row of their input is left alone.
fn model_of(conn: &Connection, row: &LeaseRow) -> rusqlite::Result<Option<Arc<str>>> {
    if !row.marks.may_have_model() {
        return Ok(None);
    }
    conn.prepare_cached("SELECT model FROM task_input WHERE id = ?")?
        .query_row([row.key], |row| row.get(0))
}

/// Milliseconds that earlier leases of the task took.
fn earlier_duration(conn: &Connection, row: &LeaseRow) -> rusqlite::Result<u64> {
    // The latest lease is an earlier one too when the task waits.
    let earlier = row.lease.0 - u64::from(row.status.is_leased());
    if earlier == 0 {
        return Ok(0);
    }
    let known = conn
        .prepare_cached("SELECT duration_ms FROM task_output WHERE id = ?")?
        .query_row([row.key], |row| row.get(0))
        .optional()?;
    Ok(known.unwrap_or_default())
}
