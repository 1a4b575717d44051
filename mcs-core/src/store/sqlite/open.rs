//! Opens the file and brings its schema up to date.

use super::Synchronous;
use super::failure::{Cause, Failure, damaged};
use super::file::DatabaseFile;
use super::inspect::{APPLICATION_ID, inspect, judge, why_unopened};
use crate::store::StoreError;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};
use std::path::Path;
use std::time::{Duration, Instant};

/// Each step takes a file from the version before it to its own place in the list, counted from 1.
const MIGRATIONS: [&str; 3] = [
    include_str!("schema.sql"),
    include_str!("interactions.sql"),
    include_str!("work_hours.sql"),
];
/// The version that this build writes: the number of migrations.
const VERSION: i64 = 3;
/// Pages in the write-ahead log after which a commit moves them into the file. Larger than SQLite's default, because each
/// move costs a sync that some commit has to wait for; the writer also moves them when it is idle.
const CHECKPOINT_PAGES: u32 = 8000;
/// The write-ahead log is cut to this size once its pages are in the file, in bytes.
const LOG_BYTES: u32 = 64 * 1024 * 1024;
/// Page cache of the writer, in KiB.
const WRITER_CACHE_KIB: i32 = 32 * 1024;
/// Page cache of each reader, in KiB.
const READER_CACHE_KIB: i32 = 2 * 1024;
const STATEMENTS: usize = 128;

/// The connection that writes, with the schema in place.
pub(super) fn open_writer(
    file: &DatabaseFile,
    synchronous: Synchronous,
) -> Result<Connection, StoreError> {
    inspect(&file.path, VERSION)?;
    let mut conn = connect(
        file,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
    )
    .map_err(|error| opening(&error, file))?;
    prepare(&mut conn, file, synchronous).map_err(|failure| match failure {
        Failure::Sql(error) => opening(&error, file),
        refused @ Failure::Refused(_) => refused.into_store_error("opening", file),
    })?;
    Ok(conn)
}

/// A connection that only reads.
pub(super) fn open_reader(file: &DatabaseFile) -> rusqlite::Result<Connection> {
    // Not opened read-only, which could not make the shared memory of the log anew after a crash.
    let conn = connect(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    conn.pragma_update(None, "query_only", true)?;
    conn.pragma_update(None, "cache_size", -READER_CACHE_KIB)?;
    Ok(conn)
}

/// A connection that only looks whether others commit. It waits for nobody.
pub(super) fn open_watcher(file: &DatabaseFile) -> rusqlite::Result<Connection> {
    let mut conn = open_reader(file)?;
    conn.busy_handler(None::<fn(i32) -> bool>)?;
    Ok(conn)
}

fn connect(file: &DatabaseFile, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let mut conn =
        Connection::open_with_flags(&file.path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    conn.busy_handler(Some(lock_waiter(file.lock_wait)))?;
    // Without this guarantee SQLite parses a statement anew whenever a bound value changes that its planner once looked at.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(conn)
}

/// Waits for another process's write, in short steps, since a group of writes takes about a millisecond.
fn lock_waiter(lock_wait: Duration) -> impl FnMut(i32) -> bool + Send + 'static {
    const LONGEST: Duration = Duration::from_millis(5);
    let mut start = Instant::now();
    move |tries| {
        if tries == 0 {
            start = Instant::now();
        }
        std::thread::sleep(Duration::from_micros(100 << tries.clamp(0, 6)).min(LONGEST));
        start.elapsed() < lock_wait
    }
}

fn opening(error: &rusqlite::Error, file: &DatabaseFile) -> StoreError {
    if error.sqlite_error_code() == Some(ErrorCode::CannotOpen) {
        return why_unopened(&file.path, error.to_string());
    }
    Cause::from(error).to_store_error("opening", file)
}

fn prepare(
    conn: &mut Connection,
    file: &DatabaseFile,
    synchronous: Synchronous,
) -> Result<(), Failure> {
    migrate(conn, &file.path)?;
    to_wal(conn, file)?;
    let synchronous = match synchronous {
        Synchronous::Full => "FULL",
        Synchronous::Normal => "NORMAL",
    };
    conn.pragma_update(None, "synchronous", synchronous)?;
    // Where a sync does not reach the disk by itself, as on macOS, these make it; elsewhere they mean nothing.
    let full = synchronous == "FULL";
    conn.pragma_update(None, "fullfsync", full)?;
    conn.pragma_update(None, "checkpoint_fullfsync", full)?;
    conn.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    conn.query_row(
        &format!("PRAGMA journal_size_limit = {LOG_BYTES}"),
        [],
        |_| Ok(()),
    )?;
    conn.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(())
}

/// Brings the schema to this version. Two processes may try at once: the second finds it done.
fn migrate(conn: &mut Connection, path: &Path) -> Result<(), Failure> {
    let number = |conn: &Connection, pragma: &str| {
        conn.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0))
    };
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let tables: i64 = tx.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let version = number(&tx, "user_version")?;
    if tables > 0 || version > 0 {
        judge(path, number(&tx, "application_id")?, version, VERSION)?;
    }
    let done =
        usize::try_from(version).map_err(|_| damaged(0, format!("schema version {version}")))?;
    if done < MIGRATIONS.len() {
        for step in &MIGRATIONS[done..] {
            tx.execute_batch(step)?;
        }
        tx.pragma_update(None, "application_id", APPLICATION_ID)?;
        tx.pragma_update(None, "user_version", VERSION)?;
    }
    tx.commit()?;
    Ok(())
}

/// Switches to write-ahead logging. SQLite does not call the busy handler for it.
fn to_wal(conn: &Connection, file: &DatabaseFile) -> Result<(), Failure> {
    let start = Instant::now();
    loop {
        let mode = conn.query_row("PRAGMA journal_mode = WAL", [], |row| {
            row.get::<_, String>(0)
        });
        match mode {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(mode) => {
                let refused = StoreError::Io {
                    operation: "switching to write-ahead logging",
                    path: file.path.clone(),
                    source: format!(
                        "its file system allows journal mode {mode} only; keep the file on a local disk"
                    )
                    .into(),
                };
                return Err(refused.into());
            }
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && start.elapsed() < file.lock_wait =>
            {
                std::thread::sleep(Duration::from_millis(2));
            }
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_number_of_migrations() {
        assert_eq!(usize::try_from(VERSION).unwrap(), MIGRATIONS.len());
    }
}
