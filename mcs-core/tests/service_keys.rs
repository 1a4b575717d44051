//! Keys: made once, shown once, proven without asking the store each time, and gone when they are revoked.
#![cfg(feature = "engine")]
#![allow(clippy::unwrap_used, reason = "a helper of a test fails the test")]

use async_trait::async_trait;
use mcs_core::domain::{Json, Timestamp};
use mcs_core::engine::Engine;
use mcs_core::provider::models::ModelTable;
use mcs_core::service::{Key, NewKey, Principal, Scope, Scopes, Service, ServiceError};
use mcs_core::store::{Expected, MemoryStore, Record, RecordStore, StoreError};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// A store of records that counts how often one is read.
#[derive(Debug, Default)]
struct Counted {
    store: MemoryStore,
    reads: AtomicU32,
}

#[async_trait]
impl RecordStore for Counted {
    async fn get_record(&self, collection: &str, key: &str) -> Result<Option<Record>, StoreError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.store.get_record(collection, key).await
    }

    async fn put_record(
        &self,
        collection: &str,
        key: &str,
        value: Json,
        expected: Expected,
        now: Option<Timestamp>,
    ) -> Result<Record, StoreError> {
        let store = &self.store;
        store
            .put_record(collection, key, value, expected, now)
            .await
    }

    async fn delete_record(
        &self,
        collection: &str,
        key: &str,
        expected: Expected,
    ) -> Result<bool, StoreError> {
        self.store.delete_record(collection, key, expected).await
    }

    async fn list_records(
        &self,
        collection: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Record>, StoreError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let store = &self.store;
        store.list_records(collection, prefix, after, limit).await
    }
}

impl Counted {
    fn reads(&self) -> u32 {
        self.reads.load(Ordering::Relaxed)
    }
}

/// Two services on one store of records, as two processes have them.
async fn two() -> (Service, Service, Arc<Counted>) {
    let records = Arc::new(Counted::default());
    let engine = Engine::builder(Arc::new(MemoryStore::new()));
    let engine = engine.start().await.unwrap();
    let service = || Service::new(engine.clone(), records.clone(), ModelTable::builtin());
    (service(), service(), records)
}

fn reporter(mcp_id: &str) -> NewKey {
    NewKey {
        mcp_id: Some(mcp_id.to_owned()),
        ..NewKey::default()
    }
}

async fn proven(service: &Service, token: &str) -> Option<Arc<Key>> {
    service.keys().authenticate(token).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_key_proves_its_server_and_nothing_near_it_proves_anything() {
    let (service, _, _) = two().await;
    let local = Principal::local();
    let made = service.keys().create(&local, reporter("weather")).await;
    let made = made.unwrap();
    let token = made.token.expose();
    let principal = proven(&service, token).await.unwrap().principal();
    assert_eq!(&*principal.name, "weather");
    assert_eq!(principal.scopes, Scopes::of(&[Scope::Report]));

    let last = if token.ends_with('0') { "1" } else { "0" };
    let near = format!("{}{last}", &token[..token.len() - 1]);
    let other = service.keys().create(&local, reporter("tides")).await;
    let other = other.unwrap();
    let swapped = token.replacen(&made.key.id, &other.key.id, 1);
    for bad in [near.as_str(), &swapped, "", "mcs_", &made.key.id, "é"] {
        assert_eq!(proven(&service, bad).await, None, "{bad}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_secret_is_shown_once_and_kept_nowhere() {
    let (service, _, records) = two().await;
    let made = service.keys();
    let made = made.create(&Principal::local(), reporter("weather")).await;
    let made = made.unwrap();
    let secret = made.token.expose().rsplit('_').next().unwrap();
    assert!(!format!("{made:?}").contains(secret));
    let stored = records.list_records("key", "", None, 10).await.unwrap();
    assert_eq!(stored.len(), 1);
    assert!(!stored[0].value.as_str().contains(secret));
    let listed = service.keys().list(&Principal::local(), None, 10).await;
    assert_eq!(listed.unwrap().keys, [made.key]);
}

#[tokio::test(start_paused = true)]
async fn a_busy_client_costs_one_read_a_second() {
    let (service, _, records) = two().await;
    let made = service.keys();
    let made = made.create(&Principal::local(), reporter("weather")).await;
    let made = made.unwrap();
    let before = records.reads();
    for _ in 0..1000 {
        assert!(proven(&service, made.token.expose()).await.is_some());
    }
    assert_eq!(records.reads() - before, 1);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(proven(&service, made.token.expose()).await.is_some());
    assert_eq!(records.reads() - before, 2);
}

#[tokio::test(start_paused = true)]
async fn a_revoked_key_is_refused_at_once_here_and_within_a_second_elsewhere() {
    let (here, there, _) = two().await;
    let local = Principal::local();
    let made = here.keys().create(&local, reporter("weather")).await;
    let made = made.unwrap();
    let token = made.token.expose();
    assert!(proven(&here, token).await.is_some());
    assert!(proven(&there, token).await.is_some());
    assert!(there.keys().works(&made.key.id).await.unwrap());
    assert!(!there.keys().works("0123456789abcdef").await.unwrap());
    let revoked = here.keys().revoke(&local, &made.key.id).await.unwrap();
    assert!(revoked.revoked_at.is_some());
    assert_eq!(proven(&here, token).await, None);
    assert!(!here.keys().works(&made.key.id).await.unwrap());
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(proven(&there, token).await, None);
    assert!(!there.keys().works(&made.key.id).await.unwrap());

    let again = there.keys().revoke(&local, &made.key.id).await.unwrap();
    assert_eq!(again, revoked, "the second time changes nothing");
}

#[tokio::test(start_paused = true)]
async fn the_first_key_is_noticed_and_revoking_the_last_does_not_undo_it() {
    let (here, there, records) = two().await;
    let local = Principal::local();
    assert!(!here.keys().any().await.unwrap());
    assert!(!there.keys().any().await.unwrap());
    let made = here.keys().create(&local, reporter("weather")).await;
    let made = made.unwrap();
    assert!(here.keys().any().await.unwrap(), "at once here");
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(there.keys().any().await.unwrap(), "soon elsewhere");
    here.keys().revoke(&local, &made.key.id).await.unwrap();
    tokio::time::advance(Duration::from_mins(1)).await;
    let before = records.reads();
    assert!(here.keys().any().await.unwrap() && there.keys().any().await.unwrap());
    assert_eq!(records.reads(), before, "once there are keys nobody asks");
}

#[tokio::test(start_paused = true)]
async fn only_an_admin_makes_lists_and_revokes() {
    let (service, _, _) = two().await;
    let user = Principal::new("alice", Scopes::USER);
    let keys = service.keys();
    let forbidden = |error: ServiceError| {
        matches!(
            error,
            ServiceError::Forbidden {
                scope: Scope::Admin
            }
        )
    };
    assert!(forbidden(
        keys.create(&user, reporter("weather")).await.unwrap_err()
    ));
    assert!(forbidden(keys.list(&user, None, 10).await.unwrap_err()));
    assert!(forbidden(keys.revoke(&user, "0").await.unwrap_err()));
    assert!(!keys.any().await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn unknown_ids_are_named_and_pages_follow_each_other() {
    let (service, _, _) = two().await;
    let local = Principal::local();
    let keys = service.keys();
    for id in ["", "0123456789abcdef", "a\0b", "é"] {
        match keys.revoke(&local, id).await.unwrap_err() {
            ServiceError::NoKey { id: named } => assert_eq!(named, id),
            other => panic!("{other:?}"),
        }
    }
    for (after, limit) in [(None, 0), (None, 501), (Some("x"), 1), (Some(""), 1)] {
        let refused = keys.list(&local, after, limit).await.unwrap_err();
        assert!(matches!(refused, ServiceError::Invalid(_)), "{refused:?}");
    }
    for _ in 0..5 {
        keys.create(&local, reporter("weather")).await.unwrap();
    }
    let all = keys.list(&local, None, 10).await.unwrap();
    assert_eq!((all.keys.len(), &all.next), (5, &None));
    // The last page is full, and still the last.
    for (limit, pages) in [(1, 5), (2, 3), (5, 1), (500, 1)] {
        let mut paged = keys.list(&local, None, limit).await.unwrap();
        let mut count = 1;
        while let Some(next) = paged.next.take() {
            let page = keys.list(&local, Some(&next), limit).await.unwrap();
            paged.keys.extend(page.keys);
            paged.next = page.next;
            count += 1;
        }
        assert_eq!((&paged, count), (&all, pages), "{limit} at a time");
    }
}
