//! The SQLite store against the public contract suites.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use async_trait::async_trait;
use mcs_core::store::contract::StoreHarness;
use mcs_core::store::sqlite::{SqliteOptions, SqliteStore, Synchronous};
use tempfile::TempDir;

/// Opens each store in a directory of its own. A test does not lose power, so it does not wait for the disk.
struct SqliteHarness;

#[async_trait]
impl StoreHarness for SqliteHarness {
    type Store = SqliteStore;
    type Guard = TempDir;

    async fn open(&self) -> (SqliteStore, TempDir) {
        let directory = tempfile::tempdir().unwrap();
        let options = SqliteOptions {
            synchronous: Synchronous::Normal,
            ..SqliteOptions::new(directory.path().join("mcs.db"))
        };
        (SqliteStore::open(&options).unwrap(), directory)
    }
}

mcs_core::task_store_contract!(sqlite, SqliteHarness);
mcs_core::record_store_contract!(sqlite_records, SqliteHarness);
mcs_core::interaction_store_contract!(sqlite_interactions, SqliteHarness);
