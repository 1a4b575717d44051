use super::StoreError;
use crate::domain::{Json, Timestamp};
use async_trait::async_trait;

/// A small versioned JSON record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// What it belongs to, such as `definition`.
    pub collection: String,
    /// Its name there.
    pub key: String,
    /// 1 when it was first written, one more with each change. A record that is deleted and made again goes on counting
    /// from 1.
    pub version: u64,
    /// What it says.
    pub value: Json,
    /// When this version was written.
    pub updated_at: Timestamp,
}

/// What a writer believes of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Nothing.
    Any,
    /// It is not there.
    Absent,
    /// It has this version.
    Version(u64),
}

/// Keeps small records with compare-and-set: definitions, configuration history, alerts, schedules, keys.
///
/// # Contract
/// - A write takes effect as a whole or not at all, and is durable when it returns as far as the store promises.
/// - A write whose [`Expected`] does not hold changes nothing and returns [`StoreError::VersionConflict`].
/// - Collections and keys are names as [`crate::domain::check_name`] takes them; others are refused, and so are values
///   over [`crate::domain::limits::RECORD_BYTES`].
/// - Keys are in the order of their bytes.
#[async_trait]
pub trait RecordStore: std::fmt::Debug + Send + Sync + 'static {
    /// The record, if there is one.
    async fn get_record(&self, collection: &str, key: &str) -> Result<Option<Record>, StoreError>;

    /// Writes the record if `expected` holds, and returns it with its new version.
    async fn put_record(
        &self,
        collection: &str,
        key: &str,
        value: Json,
        expected: Expected,
        now: Option<Timestamp>,
    ) -> Result<Record, StoreError>;

    /// Removes the record if `expected` holds; says whether there was one.
    async fn delete_record(
        &self,
        collection: &str,
        key: &str,
        expected: Expected,
    ) -> Result<bool, StoreError>;

    /// Up to `limit` records of a collection whose keys begin with `prefix`, by key, those after `after` only.
    async fn list_records(
        &self,
        collection: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Record>, StoreError>;
}
