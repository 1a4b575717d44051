use super::kit::{at, now};
use crate::domain::{Json, limits};
use crate::store::{Expected, Record, RecordStore, StoreError};
use serde_json::json;
use std::sync::Arc;

type Store = Arc<dyn RecordStore>;

async fn put(
    store: &Store,
    key: &str,
    value: u32,
    expected: Expected,
) -> Result<Record, StoreError> {
    store
        .put_record("c", key, json!(value).into(), expected, now(value.into()))
        .await
}

#[track_caller]
fn conflict<T: std::fmt::Debug>(result: Result<T, StoreError>) -> (u64, u64) {
    match result {
        Err(StoreError::VersionConflict {
            collection,
            key,
            expected,
            found,
        }) => {
            assert_eq!((&*collection, &*key), ("c", "k"));
            (expected, found)
        }
        other => panic!("{other:?} is no conflict of versions"),
    }
}

pub(super) async fn a_record_is_read_as_it_was_written(store: Store) {
    assert_eq!(store.get_record("c", "k").await.unwrap(), None);
    let value = Json::from_stored(r#"{"b": 1, "a": "é"}"#);
    let written = store
        .put_record("c", "k", value.clone(), Expected::Any, now(5))
        .await
        .unwrap();
    let wanted = Record {
        collection: "c".into(),
        key: "k".into(),
        version: 1,
        value,
        updated_at: at(5),
    };
    assert_eq!(written, wanted);
    assert_eq!(store.get_record("c", "k").await.unwrap(), Some(wanted));
    assert_eq!(store.get_record("d", "k").await.unwrap(), None);
}

pub(super) async fn versions_count_from_one(store: Store) {
    for version in 1..4_u32 {
        let record = put(&store, "k", version, Expected::Any).await.unwrap();
        assert_eq!(
            (record.version, record.updated_at),
            (u64::from(version), at(version.into()))
        );
    }
    assert!(store.delete_record("c", "k", Expected::Any).await.unwrap());
    assert_eq!(
        put(&store, "k", 9, Expected::Absent).await.unwrap().version,
        1
    );
}

pub(super) async fn a_write_needs_what_it_expects(store: Store) {
    assert_eq!(
        conflict(put(&store, "k", 1, Expected::Version(1)).await),
        (1, 0)
    );
    assert_eq!(store.get_record("c", "k").await.unwrap(), None);
    let first = put(&store, "k", 1, Expected::Absent).await.unwrap();
    assert_eq!(
        conflict(put(&store, "k", 2, Expected::Absent).await),
        (0, 1)
    );
    assert_eq!(
        conflict(put(&store, "k", 2, Expected::Version(2)).await),
        (2, 1)
    );
    assert_eq!(store.get_record("c", "k").await.unwrap(), Some(first));
    assert_eq!(
        put(&store, "k", 3, Expected::Version(1))
            .await
            .unwrap()
            .version,
        2
    );
}

pub(super) async fn a_removal_needs_what_it_expects(store: Store) {
    assert!(!store.delete_record("c", "k", Expected::Any).await.unwrap());
    assert!(
        !store
            .delete_record("c", "k", Expected::Absent)
            .await
            .unwrap()
    );
    assert_eq!(
        conflict(store.delete_record("c", "k", Expected::Version(1)).await),
        (1, 0)
    );
    put(&store, "k", 1, Expected::Any).await.unwrap();
    assert_eq!(
        conflict(store.delete_record("c", "k", Expected::Absent).await),
        (0, 1)
    );
    assert_eq!(
        conflict(store.delete_record("c", "k", Expected::Version(2)).await),
        (2, 1)
    );
    assert!(
        store
            .delete_record("c", "k", Expected::Version(1))
            .await
            .unwrap()
    );
    assert_eq!(store.get_record("c", "k").await.unwrap(), None);
}

pub(super) async fn records_are_listed_by_key(store: Store) {
    for key in ["b", "a/2", "a%", "a_", "a/1", "a/10", "A", "é", "ab"] {
        put(&store, key, 1, Expected::Any).await.unwrap();
    }
    store
        .put_record("d", "a/1", json!(1).into(), Expected::Any, now(1))
        .await
        .unwrap();
    let list = async |prefix: &str, after: Option<&str>, limit| {
        let records = store.list_records("c", prefix, after, limit).await.unwrap();
        records
            .into_iter()
            .map(|record| record.key)
            .collect::<Vec<_>>()
    };
    let all = ["A", "a%", "a/1", "a/10", "a/2", "a_", "ab", "b", "é"];
    assert_eq!(list("", None, 100).await, all);
    assert_eq!(list("a/", None, 100).await, all[2..5]);
    assert_eq!(list("a%", None, 100).await, ["a%"]);
    assert_eq!(list("a_", None, 100).await, ["a_"]);
    assert_eq!(list("a/", Some("a/1"), 1).await, ["a/10"]);
    assert_eq!(list("a/", Some("A"), 1).await, ["a/1"]);
    assert_eq!(list("", Some("a/15"), 2).await, ["a/2", "a_"]);
    assert!(list("a/", Some("a_"), 9).await.is_empty());
    assert!(list("none", None, 9).await.is_empty());
    assert!(list("", None, 0).await.is_empty());
}

pub(super) async fn bad_records_are_refused(store: Store) {
    let field = |result: Result<Record, StoreError>| match result {
        Err(StoreError::Invalid(refused)) => refused.field,
        other => panic!("{other:?} is no refusal of input"),
    };
    let write = async |collection: &str, key: &str, value: Json| {
        store
            .put_record(collection, key, value, Expected::Any, now(1))
            .await
    };
    assert_eq!(field(write("", "k", json!(1).into()).await), "collection");
    assert_eq!(field(write("c", "a\0", json!(1).into()).await), "key");
    let large = json!("x".repeat(limits::RECORD_BYTES)).into();
    assert_eq!(field(write("c", "k", large).await), "value");
    let refused = |result: bool| assert!(result, "a bad name is refused");
    refused(store.get_record("c", "").await.is_err());
    refused(
        store
            .delete_record("c", "a\n", Expected::Any)
            .await
            .is_err(),
    );
    refused(store.list_records("", "", None, 1).await.is_err());
    refused(store.list_records("c", "a\0", None, 1).await.is_err());
    assert!(
        store
            .list_records("c", "", None, 9)
            .await
            .unwrap()
            .is_empty()
    );
}

pub(super) async fn one_of_many_writers_wins_each_version(store: Store) {
    put(&store, "k", 0, Expected::Absent).await.unwrap();
    let writers: Vec<_> = (0..8)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let mut won = 0;
                while won < 10 {
                    let read = store.get_record("c", "k").await.unwrap().unwrap();
                    let count: u32 = read.value.parse().unwrap();
                    match put(&store, "k", count + 1, Expected::Version(read.version)).await {
                        Ok(_) => won += 1,
                        Err(StoreError::VersionConflict { .. }) => {}
                        Err(other) => panic!("{other}"),
                    }
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.expect("no writer fails");
    }
    let last = store.get_record("c", "k").await.unwrap().unwrap();
    assert_eq!((last.version, last.value.parse::<u32>().unwrap()), (81, 80));
}
