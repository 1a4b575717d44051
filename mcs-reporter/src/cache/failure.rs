//! What can go wrong with the cache, by what is done about it.

use crate::journal;
use rusqlite::{ErrorCode, ffi};

/// The file that the processes on a cache share could not grow.
const SHARED_MEMORY_SIZE: i32 = ffi::SQLITE_IOERR_SHMSIZE;

/// Why something with the cache did not work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CacheError {
    /// The file is damaged. It is to be replaced.
    #[error("the cache is damaged: {0}")]
    Corrupt(String),
    /// A later version wrote it.
    #[error(
        "the cache has format {found}, and this version knows only {known}; \
         use the later version, or another local_cache_path"
    )]
    Newer {
        /// The format that was found.
        found: i64,
        /// The format that is known.
        known: i64,
    },
    /// The table of an older reporter is not what it seems. The rest of the file may be fine.
    #[error("the table failed_interactions cannot be taken over: {0}")]
    Seed(String),
    /// Anything else, such as a full disk or another process that holds the file for long. It may pass.
    #[error("the cache cannot be used: {0}")]
    Sql(rusqlite::Error),
    /// The file cannot be made, renamed, or looked at.
    #[error("the cache cannot be used: {0}")]
    Io(#[from] std::io::Error),
}

impl CacheError {
    /// Whether there was no space on the disk.
    pub(crate) fn is_full(&self) -> bool {
        match self {
            Self::Io(error) => journal::is_full(error),
            Self::Sql(error) => error.sqlite_error().is_some_and(|error| {
                error.code == ErrorCode::DiskFull || error.extended_code == SHARED_MEMORY_SIZE
            }),
            Self::Corrupt(_) | Self::Newer { .. } | Self::Seed(_) => false,
        }
    }
}

impl From<rusqlite::Error> for CacheError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Corrupt(error.to_string())
            }
            // A number or a text that is not what was written there is damage too.
            None if is_wrong_value(&error) => Self::Corrupt(error.to_string()),
            _ => Self::Sql(error),
        }
    }
}

fn is_wrong_value(error: &rusqlite::Error) -> bool {
    matches!(
        error,
        rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::Utf8Error(..)
    )
}
