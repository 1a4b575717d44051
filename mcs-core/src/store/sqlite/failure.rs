use super::file::DatabaseFile;
use crate::domain::InvalidInput;
use crate::store::StoreError;
use rusqlite::{Error, ErrorCode, ffi};

/// Why an operation inside a transaction ended.
#[derive(Debug)]
pub(super) enum Failure {
    /// The operation was refused before it wrote anything. The transaction goes on.
    Refused(StoreError),
    /// SQLite failed.
    Sql(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
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
    pub(super) fn into_store_error(
        self,
        operation: &'static str,
        file: &DatabaseFile,
    ) -> StoreError {
        match self {
            Self::Refused(error) => error,
            Self::Sql(error) => Cause::from(&error).to_store_error(operation, file),
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

impl From<&Error> for Cause {
    fn from(error: &Error) -> Self {
        Self {
            code: code_of(error),
            message: error.to_string(),
        }
    }
}

fn code_of(error: &Error) -> Option<ErrorCode> {
    match error {
        // The index of the log could not grow, for which SQLite has only this code.
        Error::SqliteFailure(code, _) if code.extended_code == ffi::SQLITE_IOERR_SHMSIZE => {
            Some(ErrorCode::DiskFull)
        }
        // A value that no version of ours writes.
        Error::FromSqlConversionFailure(..)
        | Error::IntegralValueOutOfRange(..)
        | Error::InvalidColumnType(..)
        | Error::Utf8Error(..) => Some(ErrorCode::DatabaseCorrupt),
        _ => error.sqlite_error_code(),
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

    /// Whether the file itself failed, so that nothing of the transaction can be trusted to reach it.
    pub(super) fn is_of_the_disk(&self) -> bool {
        matches!(
            self.code,
            Some(ErrorCode::DiskFull | ErrorCode::SystemIoFailure)
        )
    }

    pub(super) fn to_store_error(
        &self,
        operation: &'static str,
        file: &DatabaseFile,
    ) -> StoreError {
        let path = file.path.clone();
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
                let waited_ms = u64::try_from(file.lock_wait.as_millis()).unwrap_or(u64::MAX);
                StoreError::Locked {
                    path,
                    waited_ms,
                    source,
                }
            }
            // What was never a database is refused before SQLite sees it.
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Corrupt {
                path,
                detail: self.message.clone(),
            },
            Some(ErrorCode::SystemIoFailure) => StoreError::Io {
                operation,
                path,
                source: format!(
                    "{}; check the disk, its quota and the file size limit",
                    self.message
                )
                .into(),
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
pub(super) fn damaged(column: usize, what: impl Into<String>) -> Error {
    Error::FromSqlConversionFailure(column, rusqlite::types::Type::Null, what.into().into())
}
