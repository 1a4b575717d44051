use super::codec::{level_code, status_code, status_from};
use super::failure::Failure;
use super::insert::to_sql;
use super::names::Key;
use super::tx::Tx;
use crate::domain::{Event, EventKind, Json, LeaseNumber, LogLevel, Status, TaskId, limits, next};
use crate::store::{Append, AppendReply, Entry, rules};
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Value, json};
use std::time::Duration;

/// A task that something is added to.
struct Target {
    key: Key,
    id: TaskId,
    cohort: Key,
    status: Status,
    lease: LeaseNumber,
    attempt: u32,
}

/// Adds to tasks.
pub(super) fn append(
    conn: &Connection,
    tx: &mut Tx,
    entries: Vec<Append>,
) -> Result<Vec<AppendReply>, Failure> {
    entries
        .into_iter()
        .map(|append| append_one(conn, tx, append))
        .collect()
}

fn append_one(conn: &Connection, tx: &mut Tx, append: Append) -> Result<AppendReply, Failure> {
    let Some(target) = find(conn, append.task)? else {
        return Ok(AppendReply::Missing);
    };
    let fenced = match append.lease {
        Some(lease) => target.status.is_leased() && target.lease == lease,
        None => matches!(append.entry, Entry::Answer { .. }),
    };
    if !fenced || target.status.is_terminal() {
        return Ok(AppendReply::Stale);
    }
    match append.entry {
        Entry::Log { level, text } => add_line(conn, tx, &target, level, text)?,
        Entry::Progress(progress) => {
            let text = Json::new(&progress).map_err(to_sql)?;
            conn.prepare_cached(
                "INSERT INTO task_output (id, progress) VALUES (?, ?)
                 ON CONFLICT (id) DO UPDATE SET progress = excluded.progress",
            )?
            .execute(params![target.key, text.as_str()])?;
            tx.event(
                target.id,
                EventKind::Progress,
                target.cohort,
                target.attempt,
                Some(json!(&progress)),
            );
        }
        Entry::Output(output) => tx.event(
            target.id,
            EventKind::Output,
            target.cohort,
            target.attempt,
            Some(output.parse::<Value>().unwrap_or_default()),
        ),
        Entry::Checkpoint(checkpoint) => {
            conn.prepare_cached(
                "INSERT INTO task_checkpoint (id, checkpoint) VALUES (?, ?)
                 ON CONFLICT (id) DO UPDATE SET checkpoint = excluded.checkpoint",
            )?
            .execute(params![target.key, checkpoint.as_str()])?;
        }
        Entry::Ask {
            key,
            request,
            clock_left,
        } => return ask(conn, tx, &target, &key, &request, clock_left),
        Entry::Answer { key, response } => return answer(conn, tx, &target, &key, &response),
    }
    Ok(AppendReply::Stored)
}

fn find(conn: &Connection, id: TaskId) -> rusqlite::Result<Option<Target>> {
    conn.prepare_cached("SELECT id, cohort, status, lease, attempt FROM task WHERE uuid = ?")?
        .query_row([id.as_bytes().as_slice()], |row| {
            Ok(Target {
                key: row.get(0)?,
                id,
                cohort: row.get(1)?,
                status: status_from(row.get(2)?)?,
                lease: LeaseNumber(row.get(3)?),
                attempt: row.get(4)?,
            })
        })
        .optional()
}

fn add_line(
    conn: &Connection,
    tx: &Tx,
    target: &Target,
    level: LogLevel,
    text: String,
) -> rusqlite::Result<()> {
    let last: u64 = conn
        .prepare_cached("SELECT coalesce(max(seq), 0) FROM task_log WHERE task = ?")?
        .query_row([target.key], |row| row.get(0))?;
    if last >= limits::LOG_LINES {
        return Ok(());
    }
    conn.prepare_cached(
        "INSERT INTO task_log (task, seq, at, attempt, level, text) VALUES (?, ?, ?, ?, ?, ?)",
    )?
    .execute(params![
        target.key,
        last + 1,
        tx.now.as_millis(),
        target.attempt,
        level_code(level),
        rules::log_text(text)
    ])?;
    Ok(())
}

fn ask(
    conn: &Connection,
    tx: &mut Tx,
    target: &Target,
    key: &str,
    request: &Json,
    clock_left: Option<Duration>,
) -> Result<AppendReply, Failure> {
    let known = conn
        .prepare_cached(
            "SELECT seq, lease, request, response IS NOT NULL FROM task_question WHERE task = ? AND key = ?",
        )?
        .query_row(params![target.key, key], |row| {
            let request = Json::from_stored(row.get::<_, String>(2)?);
            Ok((row.get::<_, i64>(0)?, LeaseNumber(row.get(1)?), request, row.get::<_, bool>(3)?))
        })
        .optional()?;
    match known {
        Some((_, _, asked, answered)) if answered || !asked.same_value(request) => {
            return Ok(AppendReply::KeyRefused);
        }
        Some((_, lease, _, _)) if lease == target.lease => return Ok(AppendReply::Stored),
        // An earlier attempt asked the same and nobody has answered yet: this one waits for it too.
        Some((seq, _, _, _)) => {
            conn.prepare_cached("UPDATE task_question SET lease = ? WHERE task = ? AND seq = ?")?
                .execute(params![target.lease.0, target.key, seq])?;
        }
        None => {
            let added = conn
                .prepare_cached(
                    "INSERT INTO task_question (task, seq, key, lease, request)
                     SELECT ?1, coalesce(max(seq), 0) + 1, ?2, ?3, ?4 FROM task_question WHERE task = ?1
                     HAVING count(*) < ?5",
                )?
                .execute(params![
                    target.key,
                    key,
                    target.lease.0,
                    request.as_str(),
                    limits::QUESTIONS
                ])?;
            if added == 0 {
                return Ok(AppendReply::TooMany);
            }
        }
    }
    // The first open question stopped the clock; a second one finds it stopped.
    if let Ok(waiting) = next(target.status, Event::Ask) {
        let left = clock_left.map(|left| i64::try_from(left.as_millis()).unwrap_or(i64::MAX));
        conn.prepare_cached("UPDATE task SET status = ?, clock_left = ? WHERE id = ?")?
            .execute(params![status_code(waiting), left, target.key])?;
        tx.moved(target.cohort, Some(target.status), Some(waiting));
    }
    let detail = json!({"key": key, "request": request.parse::<Value>().unwrap_or_default()});
    tx.event(
        target.id,
        EventKind::InputRequired,
        target.cohort,
        target.attempt,
        Some(detail),
    );
    Ok(AppendReply::Stored)
}

fn answer(
    conn: &Connection,
    tx: &mut Tx,
    target: &Target,
    key: &str,
    response: &Json,
) -> Result<AppendReply, Failure> {
    let answered = conn
        .prepare_cached(
            "UPDATE task_question SET response = ? WHERE task = ? AND key = ? AND response IS NULL",
        )?
        .execute(params![response.as_str(), target.key, key])?;
    if answered == 0 {
        return Ok(AppendReply::KeyRefused);
    }
    let open: i64 = conn
        .prepare_cached(
            "SELECT count(*) FROM task_question WHERE task = ? AND lease = ? AND response IS NULL",
        )?
        .query_row(params![target.key, target.lease.0], |row| row.get(0))?;
    // A task that does not wait, since an earlier attempt asked, just keeps the answer for the next one.
    if open == 0
        && let Ok(running) = next(target.status, Event::Answer)
    {
        conn.prepare_cached("UPDATE task SET status = ?, clock_left = NULL WHERE id = ?")?
            .execute(params![status_code(running), target.key])?;
        tx.moved(target.cohort, Some(target.status), Some(running));
    }
    tx.event(
        target.id,
        EventKind::InputReceived,
        target.cohort,
        target.attempt,
        Some(json!({"key": key})),
    );
    Ok(AppendReply::Stored)
}
