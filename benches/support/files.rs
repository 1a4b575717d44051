use super::{Outcome, same_file};
use rusqlite::Connection;
use std::path::{Path, PathBuf};

/// The two files of a round: the bare loop's and ours. They go with it.
#[derive(Debug)]
pub(crate) struct Files {
    pub(crate) bare: PathBuf,
    pub(crate) ours: PathBuf,
}

impl Files {
    /// In `directory`, not made yet.
    pub(crate) fn new(directory: &Path) -> Self {
        Self {
            bare: directory.join("bare.db"),
            ours: directory.join("ours.db"),
        }
    }

    /// How many commits with events each took: the bare loop, and ours.
    pub(crate) fn commits(&self) -> Outcome<(f64, f64)> {
        let batches = |path: &Path| {
            let conn = Connection::open(path)?;
            conn.query_row(
                "SELECT CAST(count(*) AS REAL) FROM event_batch",
                [],
                |row| row.get(0),
            )
        };
        Ok((batches(&self.bare)?, batches(&self.ours)?))
    }

    /// Fails unless both hold the same. Both must be closed.
    pub(crate) fn compare(&self) -> Outcome {
        same_file(&self.bare, &self.ours)
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        for path in [&self.bare, &self.ours] {
            for suffix in ["", "-wal", "-shm"] {
                // One that is not there need not go.
                let _ = std::fs::remove_file(format!("{}{suffix}", path.display()));
            }
        }
    }
}
