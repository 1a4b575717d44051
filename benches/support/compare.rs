use super::{Outcome, check};
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::path::Path;

/// Fails unless both files have the same schema, the same settings and the same rows. Both must be closed, or idle.
pub(crate) fn same_file(bare: &Path, ours: &Path) -> Outcome {
    let (bare, ours) = (Connection::open(bare)?, Connection::open(ours)?);
    same("schema", &schema(&bare)?, &schema(&ours)?)?;
    same("settings", &settings(&bare)?, &settings(&ours)?)?;
    same("rows", &rows(&bare)?, &rows(&ours)?)?;
    same("counts", &counts(&bare)?, &counts(&ours)?)
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, bare: &T, ours: &T) -> Outcome {
    check(bare == ours, || {
        format!("the {what} of the two files differ: bare has {bare:?}, ours {ours:?}")
    })
}

fn schema(conn: &Connection) -> Outcome<Vec<(String, String)>> {
    let mut statement =
        conn.prepare("SELECT name, coalesce(sql, '') FROM sqlite_schema ORDER BY type, name")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// What the file keeps; what a connection sets for itself is in `sql::SETTINGS`.
fn settings(conn: &Connection) -> Outcome<Vec<String>> {
    let names = [
        "journal_mode",
        "page_size",
        "encoding",
        "auto_vacuum",
        "application_id",
        "user_version",
    ];
    let mut values = Vec::new();
    for name in names {
        let value: rusqlite::types::Value =
            conn.pragma_query_value(None, name, |row| row.get(0))?;
        values.push(format!("{name} = {value:?}"));
    }
    Ok(values)
}

/// The rows of each table. There are as many batches of events as there were commits, and only an engine has a worker.
fn rows(conn: &Connection) -> Outcome<BTreeMap<String, i64>> {
    let tables: Vec<String> = conn
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT IN ('event_batch', 'worker', 'task_hour')")?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut counts = BTreeMap::new();
    for table in tables {
        let rows = conn.query_row(&format!("SELECT count(*) FROM \"{table}\""), [], |row| {
            row.get(0)
        })?;
        counts.insert(table, rows);
    }
    Ok(counts)
}

/// What the counters say, and how many bytes of events there are.
fn counts(conn: &Connection) -> Outcome<Vec<(String, i64)>> {
    let sums = [
        (
            "bytes of events",
            "SELECT sum(length(events)) FROM event_batch",
        ),
        ("created", "SELECT sum(created) FROM task_hour"),
        ("completed", "SELECT sum(completed) FROM task_hour"),
        (
            "pending",
            "SELECT sum(tasks) FROM cohort_count WHERE status = 0",
        ),
        (
            "running",
            "SELECT sum(tasks) FROM cohort_count WHERE status = 1",
        ),
        (
            "done",
            "SELECT sum(tasks) FROM cohort_count WHERE status = 3",
        ),
        ("ready in lanes", "SELECT sum(ready) FROM lane"),
        (
            "ready in cohorts",
            "SELECT sum(tasks) FROM cohort_count WHERE status = 6",
        ),
        ("claimed", "SELECT sum(claimed) FROM queue"),
        (
            "bytes of payloads",
            "SELECT sum(length(payload)) FROM task_input",
        ),
        (
            "bytes of results",
            "SELECT sum(length(result)) FROM task_output",
        ),
    ];
    let mut counts = Vec::new();
    for (name, statement) in sums {
        let sum: Option<i64> = conn.query_row(statement, [], |row| row.get(0))?;
        counts.push((name.to_owned(), sum.unwrap_or_default()));
    }
    Ok(counts)
}
