use crate::domain::{InvalidInput, TaskId};
use std::path::PathBuf;

/// The boxed source of an error.
pub(crate) type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why a store did not do what it was asked. Unless a variant says otherwise nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The caller's input cannot be stored.
    #[error(transparent)]
    Invalid(#[from] InvalidInput),
    /// The unique key is taken by a task with another kind or payload.
    #[error(
        "the unique key `{key}` belongs to task {existing}, which has another kind or payload; \
         use another key, or send the same payload to get that task"
    )]
    UniqueKey {
        /// The key.
        key: String,
        /// The task that has it.
        existing: TaskId,
    },
    /// The record has another version than the caller expected.
    #[error(
        "record `{collection}/{key}` has version {found}, not {expected}; read it again and repeat the change"
    )]
    VersionConflict {
        /// Its collection.
        collection: String,
        /// Its key.
        key: String,
        /// The version the caller expected; 0 for none.
        expected: u64,
        /// The version it has; 0 for none.
        found: u64,
    },
    /// The disk is full.
    #[error("no space left for {}; free some and try again, nothing was stored", path.display())]
    Full {
        /// The file that could not grow.
        path: PathBuf,
        /// What the system said.
        source: Source,
    },
    /// The file cannot be written.
    #[error("{} cannot be written; check its owner and permissions, and those of its directory", path.display())]
    ReadOnly {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: Source,
    },
    /// Another program holds the file.
    #[error("{} is locked by another program for longer than {waited_ms} ms; end that program or try again", path.display())]
    Locked {
        /// The file.
        path: PathBuf,
        /// How long was waited.
        waited_ms: u64,
        /// What the system said.
        source: Source,
    },
    /// The file is a database of something else.
    #[error("{} is not an MCS database ({found}); choose another path, nothing in it was changed", path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
        /// What it looks like.
        found: String,
    },
    /// The file was written by a later version.
    #[error(
        "{} has schema version {found} and this build knows up to {supported}; \
         use a newer build, nothing in it was changed", path.display()
    )]
    TooNew {
        /// The file.
        path: PathBuf,
        /// The version it has.
        found: i64,
        /// The latest version this build knows.
        supported: i64,
    },
    /// The file is damaged.
    #[error("{} is damaged ({detail}); keep a copy, then restore a backup or run `sqlite3 FILE .recover`", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// Reading or writing failed. Whether a write took effect is unknown only where the store says so.
    #[error("{operation} failed on {}: {source}", path.display())]
    Io {
        /// What was tried.
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: Source,
    },
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// The error for callers from elsewhere. The store's own words name files of the server, which are for its log.
    #[must_use]
    pub fn public(&self) -> String {
        let told = match self {
            Self::Full { .. } => "the server's disk is full; nothing was stored",
            Self::ReadOnly { .. } => "the server's store cannot be written; nothing was stored",
            Self::Locked { .. } => "the server's store is busy; nothing was stored",
            Self::Io { .. } => "the server's store failed",
            Self::NotOurs { .. } | Self::TooNew { .. } | Self::Corrupt { .. } => {
                "the server's store cannot be used; the server's log says why"
            }
            Self::Invalid(_)
            | Self::UniqueKey { .. }
            | Self::VersionConflict { .. }
            | Self::Closed => return self.to_string(),
        };
        told.to_owned()
    }
}

#[cfg(feature = "engine")]
impl StoreError {
    /// The same error for another caller whose work failed with it. Its source is kept as text.
    pub(crate) fn for_another(&self) -> Self {
        match self {
            Self::Full { path, source } => Self::Full {
                path: path.clone(),
                source: text(source),
            },
            Self::ReadOnly { path, source } => Self::ReadOnly {
                path: path.clone(),
                source: text(source),
            },
            Self::Locked {
                path,
                waited_ms,
                source,
            } => Self::Locked {
                path: path.clone(),
                waited_ms: *waited_ms,
                source: text(source),
            },
            Self::Corrupt { path, detail } => Self::Corrupt {
                path: path.clone(),
                detail: detail.clone(),
            },
            Self::Io {
                operation,
                path,
                source,
            } => Self::Io {
                operation,
                path: path.clone(),
                source: text(source),
            },
            Self::Invalid(refused) => Self::Invalid(refused.clone()),
            Self::Closed => Self::Closed,
            other => Self::Io {
                operation: "writing",
                path: PathBuf::new(),
                source: other.to_string().into(),
            },
        }
    }
}

#[cfg(feature = "engine")]
fn text(source: &Source) -> Source {
    source.to_string().into()
}
