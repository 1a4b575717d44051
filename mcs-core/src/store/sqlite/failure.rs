use crate::domain::InvalidInput;
use crate::store::StoreError;
use rusqlite::ErrorCode;
use std::path::Path;
use std::time::Duration;

/// How long a caller's write waits for other processes that write to the same file.
pub(super) const LOCK_WAIT: Duration = Duration::from_secs(30);

/// Why an operation inside a transaction ended.
#[derive(Debug)]
pub(super) enum Failure {
    /// The operation was refused before it wrote anything. The transaction goes on.
    Refused(StoreError),
    /// SQLite failed.
    Sql(rusqlite::Error),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<InvalidInput> for Failure {
    fn from(error: InvalidInput) -> Self {
        Self::Refused(error.into())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Refused(error)
    }
}

impl Failure {
    pub(super) fn into_store_error(self, operation: &'static str, path: &Path) -> StoreError {
        match self {
            Self::Refused(error) => error,
            Self::Sql(error) => Cause::from(&error).to_store_error(operation, path),
        }
    }
}

/// What of an SQLite error decides what the caller is told. It can be copied, since one failed commit is told to everyone
/// who took part in it.
#[derive(Debug, Clone)]
pub(super) struct Cause {
    code: Option<ErrorCode>,
    message: String,
}

impl From<&rusqlite::Error> for Cause {
    fn from(error: &rusqlite::Error) -> Self {
        Self {
            code: error.sqlite_error_code(),
            message: error.to_string(),
        }
    }
}

impl Cause {
    /// Stands for an operation that was refused and has its own error.
    pub(super) fn refused() -> Self {
        Self {
            code: None,
            message: String::new(),
        }
    }

    pub(super) fn to_store_error(&self, operation: &'static str, path: &Path) -> StoreError {
        let path = path.to_owned();
        let source = self.message.clone().into();
        match self.code {
            Some(ErrorCode::DiskFull) => StoreError::Full { path, source },
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
                StoreError::ReadOnly { path, source }
            }
            Some(
                ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::FileLockingProtocolFailed,
            ) => {
                let waited_ms = u64::try_from(LOCK_WAIT.as_millis()).unwrap_or(u64::MAX);
                StoreError::Locked {
                    path,
                    waited_ms,
                    source,
                }
            }
            Some(ErrorCode::DatabaseCorrupt) => StoreError::Corrupt {
                path,
                detail: self.message.clone(),
            },
            Some(ErrorCode::NotADatabase) => StoreError::NotOurs {
                path,
                found: "not an SQLite file".to_owned(),
            },
            _ => StoreError::Io {
                operation,
                path,
                source,
            },
        }
    }
}

/// A value in the file that this version cannot read. It is reported as damage, never guessed at.
pub(super) fn damaged(column: usize, what: impl Into<String>) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(
        column,
        rusqlite::types::Type::Null,
        what.into().into(),
    )
}
