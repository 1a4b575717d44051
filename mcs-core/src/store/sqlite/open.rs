//! Opens the file: is it ours, is it whole, and is its schema the current one.

use super::failure::{Cause, Failure, LOCK_WAIT, damaged};
use super::{SqliteOptions, Synchronous};
use crate::store::StoreError;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// `MCS1`, in the header of every file of ours.
const APPLICATION_ID: i64 = 0x4d43_5331;
/// Each step takes a file from the version before it to its own place in the list, counted from 1.
const MIGRATIONS: [&str; 1] = [include_str!("schema.sql")];
/// The version that this build writes: the number of migrations.
const VERSION: i64 = 1;
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
pub(super) fn open_writer(options: &SqliteOptions) -> Result<Connection, StoreError> {
    let path = &options.path;
    inspect(path)?;
    let mut conn = connect(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
    )
    .map_err(|error| opening(&error, path))?;
    prepare(&mut conn, options).map_err(|failure| match failure {
        Failure::Sql(error) => opening(&error, path),
        refused @ Failure::Refused(_) => refused.into_store_error("opening", path),
    })?;
    Ok(conn)
}

/// A connection that only reads.
pub(super) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    // Not opened read-only, which could not make the shared memory of the log anew after a crash.
    let conn = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    conn.pragma_update(None, "query_only", true)?;
    conn.pragma_update(None, "cache_size", -READER_CACHE_KIB)?;
    Ok(conn)
}

fn connect(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let mut conn = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    conn.busy_handler(Some(wait_for_lock))?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(conn)
}

/// Waits for another process's write, in short steps, since a group of writes takes about a millisecond.
fn wait_for_lock(tries: i32) -> bool {
    const LONGEST: Duration = Duration::from_millis(5);
    let step = Duration::from_micros(100 << tries.clamp(0, 6)).min(LONGEST);
    std::thread::sleep(step);
    let most = LOCK_WAIT.as_millis() / LONGEST.as_millis();
    u128::try_from(tries).is_ok_and(|tries| tries < most)
}

fn opening(error: &rusqlite::Error, path: &Path) -> StoreError {
    if error.sqlite_error_code() == Some(ErrorCode::CannotOpen) {
        return why_unopened(path, error);
    }
    Cause::from(error).to_store_error("opening", path)
}

/// SQLite says only that it cannot open a file; the file system knows more.
fn why_unopened(path: &Path, error: &rusqlite::Error) -> StoreError {
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .map_or(PathBuf::from("."), PathBuf::from);
    let io = |detail: String| StoreError::Io {
        operation: "opening",
        path: path.to_owned(),
        source: detail.into(),
    };
    if !parent.is_dir() {
        return io(format!(
            "its directory {} does not exist; create it first",
            parent.display()
        ));
    }
    if path.is_dir() {
        return io("it is a directory; name a file in it".to_owned());
    }
    let probe = if path.exists() {
        File::options().read(true).write(true).open(path)
    } else {
        File::open(&parent)
    };
    match probe {
        Err(source) if source.kind() != ErrorKind::PermissionDenied => io(source.to_string()),
        _ => StoreError::ReadOnly {
            path: path.to_owned(),
            source: error.to_string().into(),
        },
    }
}

/// Reads the header of the file before SQLite touches it, so that nothing happens to one that is not ours.
fn inspect(path: &Path) -> Result<(), StoreError> {
    // After a crash the header may be half written; SQLite restores it first, and `prepare` looks again.
    let journal = PathBuf::from(format!("{}-journal", path.display()));
    if journal.exists() {
        return Ok(());
    }
    let mut header = Vec::with_capacity(100);
    match File::open(path).and_then(|file| file.take(100).read_to_end(&mut header)) {
        Ok(0) => return Ok(()),
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            return Err(StoreError::ReadOnly {
                path: path.to_owned(),
                source: error.into(),
            });
        }
        Err(error) => {
            return Err(StoreError::Io {
                operation: "opening",
                path: path.to_owned(),
                source: error.into(),
            });
        }
    }
    if !header.starts_with(b"SQLite format 3\0") || header.len() < 100 {
        return Err(StoreError::NotOurs {
            path: path.to_owned(),
            found: "not an SQLite file".to_owned(),
        });
    }
    let number = |at: usize| {
        i64::from(i32::from_be_bytes([
            header[at],
            header[at + 1],
            header[at + 2],
            header[at + 3],
        ]))
    };
    judge(path, number(68), number(60))
}

/// Refuses a file by what its header says.
fn judge(path: &Path, application_id: i64, version: i64) -> Result<(), StoreError> {
    if application_id != APPLICATION_ID {
        let found = format!("an SQLite file with application id {application_id}");
        return Err(StoreError::NotOurs {
            path: path.to_owned(),
            found,
        });
    }
    if version > VERSION {
        return Err(StoreError::TooNew {
            path: path.to_owned(),
            found: version,
            supported: VERSION,
        });
    }
    Ok(())
}

fn prepare(conn: &mut Connection, options: &SqliteOptions) -> Result<(), Failure> {
    migrate(conn, &options.path)?;
    to_wal(conn)?;
    let synchronous = match options.synchronous {
        Synchronous::Full => "FULL",
        Synchronous::Normal => "NORMAL",
    };
    conn.pragma_update(None, "synchronous", synchronous)?;
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
        judge(path, number(&tx, "application_id")?, version)?;
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
fn to_wal(conn: &Connection) -> rusqlite::Result<()> {
    let start = Instant::now();
    loop {
        let mode = conn.query_row("PRAGMA journal_mode = WAL", [], |row| {
            row.get::<_, String>(0)
        });
        match mode {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(mode) => {
                return Err(damaged(
                    0,
                    format!("the file system allows journal mode {mode} only, not WAL"),
                ));
            }
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && start.elapsed() < LOCK_WAIT =>
            {
                std::thread::sleep(Duration::from_millis(2));
            }
            Err(error) => return Err(error),
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
