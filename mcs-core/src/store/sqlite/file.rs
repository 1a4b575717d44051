use std::path::PathBuf;
use std::time::Duration;

/// The file of a store, and how long its connections wait for other processes that write to it.
#[derive(Debug, Clone)]
pub(super) struct DatabaseFile {
    pub(super) path: PathBuf,
    pub(super) lock_wait: Duration,
}
