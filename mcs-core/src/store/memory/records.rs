use super::state::State;
use super::{MemoryStore, time};
use crate::domain::{Json, Timestamp, check_name, check_text, limits};
use crate::store::{Expected, Record, RecordStore, StoreError, rules};
use async_trait::async_trait;
use std::ops::Bound;

#[async_trait]
impl RecordStore for MemoryStore {
    async fn get_record(&self, collection: &str, key: &str) -> Result<Option<Record>, StoreError> {
        rules::check_record(collection, key)?;
        self.with(|state| state.record(collection, key).cloned())
    }

    async fn put_record(
        &self,
        collection: &str,
        key: &str,
        value: Json,
        expected: Expected,
        now: Option<Timestamp>,
    ) -> Result<Record, StoreError> {
        rules::check_record(collection, key)?;
        rules::check_json("value", &value, limits::RECORD_BYTES)?;
        self.with(|state| {
            let version = state.expect(collection, key, expected)?;
            let record = Record {
                collection: collection.to_owned(),
                key: key.to_owned(),
                version: version + 1,
                value,
                updated_at: time(now),
            };
            let records = state.records.entry(collection.to_owned()).or_default();
            records.insert(key.to_owned(), record.clone());
            Ok(record)
        })?
    }

    async fn delete_record(
        &self,
        collection: &str,
        key: &str,
        expected: Expected,
    ) -> Result<bool, StoreError> {
        rules::check_record(collection, key)?;
        self.with(|state| {
            state.expect(collection, key, expected)?;
            let records = state.records.get_mut(collection);
            Ok(records.and_then(|records| records.remove(key)).is_some())
        })?
    }

    async fn list_records(
        &self,
        collection: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Record>, StoreError> {
        check_name("collection", collection)?;
        check_text("prefix", prefix, limits::NAME_BYTES)?;
        self.with(|state| {
            let Some(records) = state.records.get(collection) else {
                return Vec::new();
            };
            let start = match after.filter(|after| *after >= prefix) {
                Some(after) => Bound::Excluded(after),
                None => Bound::Included(prefix),
            };
            records
                .range::<str, _>((start, Bound::Unbounded))
                .take_while(|(key, _)| key.starts_with(prefix))
                .take(limit)
                .map(|(_, record)| record.clone())
                .collect()
        })
    }
}

impl State {
    fn record(&self, collection: &str, key: &str) -> Option<&Record> {
        self.records.get(collection)?.get(key)
    }

    /// The version the record has, 0 for none, if it is the expected one.
    fn expect(&self, collection: &str, key: &str, expected: Expected) -> Result<u64, StoreError> {
        let found = self
            .record(collection, key)
            .map_or(0, |record| record.version);
        rules::expect_version((collection, key), expected, found)
    }
}
