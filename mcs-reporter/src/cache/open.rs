//! Opens the cache, and brings its tables into being.

use super::{Cache, CacheError};
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};
use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::time::Duration;

const SCHEMA: &str = include_str!("schema.sql");
/// The format of the tables.
const FORMAT: i64 = 1;
/// How long the worker waits for another process that writes. Nobody waits for the worker.
const LOCK_WAIT: Duration = Duration::from_secs(2);
/// Memory for pages, in KiB. The cache is read in order, so more would not help.
const PAGES_KIB: i64 = 512;
/// Pages after which the write-ahead log is copied back. It stays as small as that.
const LOG_PAGES: i64 = 128;
/// Space in the file that is made at the beginning and then is free: with a full disk the worker can still note what
/// arrived, which is what makes room again.
const RESERVE_BYTES: i64 = 256 * 1024;

/// Opens the file at `path`, or a cache in memory, and says by which number `mcp_id` goes in it.
pub(super) fn open(path: Option<&Path>, mcp_id: &str) -> Result<(Connection, i64), CacheError> {
    let mut conn = match path {
        Some(path) => {
            make_private(path)?;
            Connection::open(path)?
        }
        None => Connection::open_in_memory()?,
    };
    conn.busy_timeout(LOCK_WAIT)?;
    conn.set_prepared_statement_cache_capacity(32);
    if path.is_some() {
        check(&conn)?;
        // The journal is the data: what a loss of power takes from its index is read from there again.
        conn.pragma_update(None, "journal_mode", "WAL")?;
        conn.pragma_update(None, "synchronous", "NORMAL")?;
        conn.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)?;
    }
    conn.pragma_update(None, "cache_size", -PAGES_KIB)?;
    let mcp = prepare(&mut conn, mcp_id)?;
    Ok((conn, mcp))
}

impl Cache {
    /// Copies what the log holds to where it belongs, as far as nobody reads there, so that the log is used from its
    /// beginning again.
    pub(crate) fn checkpoint(&mut self) -> Result<(), CacheError> {
        Ok(self
            .conn
            .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?)
    }
}

/// What servers are asked is for the eyes of their owner only, and the files beside this one get its permissions.
fn make_private(path: &Path) -> io::Result<()> {
    if let Some(parent) = path.parent().filter(|path| !path.as_os_str().is_empty()) {
        std::fs::create_dir_all(parent)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    match options.open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Finds damage before it does harm.
fn check(conn: &Connection) -> Result<(), CacheError> {
    let found: String = conn.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found == "ok" {
        Ok(())
    } else {
        Err(CacheError::Corrupt(found))
    }
}

fn prepare(conn: &mut Connection, mcp_id: &str) -> Result<i64, CacheError> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    tx.execute_batch(SCHEMA)?;
    let found: Option<i64> = tx
        .query_row("SELECT version FROM reporter_format", [], |row| row.get(0))
        .optional()?;
    match found {
        None => {
            tx.execute("INSERT INTO reporter_format VALUES (?1)", [FORMAT])?;
            tx.execute_batch(&format!(
                "CREATE TABLE reporter_reserve (space BLOB);
                 INSERT INTO reporter_reserve VALUES (zeroblob({RESERVE_BYTES}));
                 DROP TABLE reporter_reserve;"
            ))?;
        }
        Some(FORMAT) => {}
        Some(found) => {
            return Err(CacheError::Newer {
                found,
                known: FORMAT,
            });
        }
    }
    tx.execute(
        "INSERT INTO reporter_mcp (mcp_id) VALUES (?1) ON CONFLICT DO NOTHING",
        [mcp_id],
    )?;
    let mcp = tx.query_row(
        "SELECT id FROM reporter_mcp WHERE mcp_id = ?1",
        params![mcp_id],
        |row| row.get(0),
    )?;
    tx.commit()?;
    Ok(mcp)
}
