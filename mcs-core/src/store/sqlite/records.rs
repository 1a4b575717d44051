use super::failure::Failure;
use super::{SqliteStore, rows};
use crate::domain::{Json, Timestamp, check_name, check_text, limits};
use crate::store::{Expected, Record, RecordStore, StoreError, rules};
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, params};

#[async_trait]
impl RecordStore for SqliteStore {
    async fn get_record(&self, collection: &str, key: &str) -> Result<Option<Record>, StoreError> {
        rules::check_record(collection, key)?;
        let (collection, key) = (collection.to_owned(), key.to_owned());
        self.read("reading a record", move |conn| {
            Ok(find(conn, &collection, &key)?)
        })
        .await
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
        let (collection, key) = (collection.to_owned(), key.to_owned());
        self.write("writing a record", now, move |conn, tx| {
            let found = expect(conn, &collection, &key, expected)?;
            let record = Record { collection, key, version: found + 1, value, updated_at: tx.now };
            conn.prepare_cached(
                "INSERT INTO record (collection, key, version, value, updated_at) VALUES (?, ?, ?, ?, ?)
                 ON CONFLICT (collection, key) DO UPDATE SET version = excluded.version, value = excluded.value,
                                                             updated_at = excluded.updated_at",
            )?
            .execute(params![
                record.collection,
                record.key,
                record.version,
                record.value.as_str(),
                record.updated_at.as_millis()
            ])?;
            Ok(record)
        })
        .await
    }

    async fn delete_record(
        &self,
        collection: &str,
        key: &str,
        expected: Expected,
    ) -> Result<bool, StoreError> {
        rules::check_record(collection, key)?;
        let (collection, key) = (collection.to_owned(), key.to_owned());
        self.write("deleting a record", None, move |conn, _| {
            expect(conn, &collection, &key, expected)?;
            let gone = conn
                .prepare_cached("DELETE FROM record WHERE collection = ? AND key = ?")?
                .execute([&collection, &key])?;
            Ok(gone > 0)
        })
        .await
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
        let (collection, prefix, after) = (
            collection.to_owned(),
            prefix.to_owned(),
            after.map(str::to_owned),
        );
        let limit = rows(limit);
        self.read("listing records", move |conn| {
            let mut records = conn.prepare_cached(
                "SELECT collection, key, version, value, updated_at FROM record
                 WHERE collection = ?1 AND key >= ?2 AND (?3 IS NULL OR key > ?3)
                       AND substr(key, 1, length(?2)) = ?2
                 ORDER BY key LIMIT ?4",
            )?;
            let rows = records.query_map(params![collection, prefix, after, limit], record_from)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }
}

fn find(conn: &Connection, collection: &str, key: &str) -> rusqlite::Result<Option<Record>> {
    conn.prepare_cached(
        "SELECT collection, key, version, value, updated_at FROM record WHERE collection = ? AND key = ?",
    )?
    .query_row([collection, key], record_from)
    .optional()
}

fn record_from(row: &Row<'_>) -> rusqlite::Result<Record> {
    Ok(Record {
        collection: row.get(0)?,
        key: row.get(1)?,
        version: row.get(2)?,
        value: Json::from_stored(row.get::<_, String>(3)?),
        updated_at: Timestamp::from_millis(row.get(4)?),
    })
}

/// The version the record has, 0 for none, if it is the expected one.
fn expect(
    conn: &Connection,
    collection: &str,
    key: &str,
    expected: Expected,
) -> Result<u64, Failure> {
    let found = find(conn, collection, key)?.map_or(0, |record| record.version);
    Ok(rules::expect_version((collection, key), expected, found)?)
}
