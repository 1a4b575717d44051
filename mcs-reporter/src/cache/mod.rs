//! The index of the journal, in SQLite: what waits and where its body is, what is dead, and who sends.
//!
//! It can be lost: all but the dead letters is read from the segments again.

mod cleanup;
mod dead_letters;
mod failure;
mod graveyard;
mod lease;
mod open;
mod replace;
mod seed;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod seed_tests;
mod segments;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;
mod waiting;

pub(crate) use dead_letters::Grave;
pub(crate) use failure::CacheError;
pub(crate) use lease::Lease;
pub(crate) use replace::open;
pub(crate) use seed::Adopted;
pub(crate) use segments::{IndexRow, SegmentRow};
pub(crate) use waiting::{Body, Waiting};

use graveyard::Graveyard;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::path::{Path, PathBuf};

/// The cache as one MCP sees it. It is the worker's alone, and blocks it.
#[derive(Debug)]
pub(crate) struct Cache {
    conn: Connection,
    /// The number by which the MCP goes in the file.
    mcp: i64,
    mcp_id: String,
    file: Option<OpenFile>,
    graveyard: Graveyard,
}

/// The file that is open, and how to tell that another took its place.
#[derive(Debug)]
struct OpenFile {
    path: PathBuf,
    identity: Option<(u64, u64)>,
}

impl Cache {
    /// Opens the file at `path`, which must be whole, or a cache in memory.
    fn open_whole(path: Option<&Path>, mcp_id: &str) -> Result<Self, CacheError> {
        let (conn, mcp) = open::open(path, mcp_id)?;
        let file = path.map(|path| OpenFile {
            path: path.to_owned(),
            identity: identity(path),
        });
        Ok(Self {
            conn,
            mcp,
            mcp_id: mcp_id.to_owned(),
            file,
            graveyard: Graveyard::new(u64::MAX),
        })
    }

    /// Lets the bodies of dead letters take so many bytes. The oldest make room for more.
    pub(crate) fn cap_dead_letters(&mut self, bytes: u64) {
        self.graveyard = Graveyard::new(bytes);
    }

    /// Whether the file that is open is no longer the one at its path: another process found it damaged, or somebody
    /// removed it.
    pub(crate) fn is_elsewhere(&self) -> bool {
        self.file
            .as_ref()
            .is_some_and(|file| file.identity != identity(&file.path))
    }

    /// Sets a file aside that turned out to be damaged while it was open. `None` if another process did that already, or
    /// if there is no file. `lock` is as in [`open`].
    pub(crate) fn condemn(self, lock: Option<&Path>) -> Result<Option<PathBuf>, CacheError> {
        let Self { conn, file, .. } = self;
        drop(conn);
        match file {
            Some(file) => Ok(replace::condemn(&file, lock)?),
            None => Ok(None),
        }
    }

    /// Bytes of the file and of what SQLite keeps beside it, without the space in it that is free for what comes: the
    /// file never gets smaller.
    pub(crate) fn bytes(&self) -> u64 {
        let Some(file) = &self.file else {
            return 0;
        };
        let parts = replace::parts(&file.path);
        let sizes = parts.iter().filter_map(|part| std::fs::metadata(part).ok());
        let bytes: u64 = sizes.map(|part| part.len()).sum();
        bytes.saturating_sub(self.free_bytes().unwrap_or(0))
    }

    fn free_bytes(&self) -> rusqlite::Result<u64> {
        let number = |pragma| self.conn.query_row(pragma, [], |row| row.get(0));
        let pages = unsigned(number("PRAGMA freelist_count")?);
        Ok(pages.saturating_mul(unsigned(number("PRAGMA page_size")?)))
    }

    /// A transaction that may write, from its beginning.
    fn begin(&mut self) -> Result<Transaction<'_>, CacheError> {
        Ok(self
            .conn
            .transaction_with_behavior(TransactionBehavior::Immediate)?)
    }
}

#[cfg(unix)]
fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    let file = std::fs::metadata(path).ok()?;
    Some((file.dev(), file.ino()))
}

/// An open file cannot be renamed here, so it stays the one at its path.
#[cfg(not(unix))]
fn identity(_path: &Path) -> Option<(u64, u64)> {
    None
}

/// SQLite has signed numbers only; these never come near the difference.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
