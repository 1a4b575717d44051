//! Stores that do not work.

use async_trait::async_trait;
use mcs_core::domain::interaction::{
    EventPage, InteractionCursor, InteractionFilter, InteractionPage, InteractionSummary, McpHours,
    NewEvent,
};
use mcs_core::domain::{Cursor, Json, Timestamp};
use mcs_core::store::{
    Expected, InteractionStore, MemoryStore, Purged, Record, RecordStore, StoreError, Stored,
};
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::watch;

/// A store of records without any, that fails when one of them is looked for or more than the first is listed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Broken {
    Panicking,
    Hanging,
}

impl Broken {
    async fn fail<T>(self) -> T {
        match self {
            Self::Panicking => panic!("the store of a test"),
            Self::Hanging => std::future::pending().await,
        }
    }
}

#[async_trait]
impl RecordStore for Broken {
    async fn get_record(&self, _: &str, _: &str) -> Result<Option<Record>, StoreError> {
        self.fail().await
    }

    async fn put_record(
        &self,
        _: &str,
        _: &str,
        _: Json,
        _: Expected,
        _: Option<Timestamp>,
    ) -> Result<Record, StoreError> {
        self.fail().await
    }

    async fn delete_record(&self, _: &str, _: &str, _: Expected) -> Result<bool, StoreError> {
        self.fail().await
    }

    async fn list_records(
        &self,
        _: &str,
        _: &str,
        _: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Record>, StoreError> {
        if limit > 1 {
            return self.fail().await;
        }
        Ok(Vec::new())
    }
}

/// A store of interactions whose disk is full while it is told so.
#[derive(Debug, Default)]
pub(crate) struct FullDisk {
    pub(crate) full: AtomicBool,
    store: MemoryStore,
}

#[async_trait]
impl InteractionStore for FullDisk {
    async fn store_events(
        &self,
        events: Vec<NewEvent>,
        now: Option<Timestamp>,
    ) -> Result<Vec<Stored>, StoreError> {
        if self.full.load(Ordering::Relaxed) {
            return Err(StoreError::Full {
                path: "mcs.db".into(),
                source: "no space".into(),
            });
        }
        self.store.store_events(events, now).await
    }

    async fn find_interactions(
        &self,
        interaction_id: &str,
        mcp_id: Option<&str>,
    ) -> Result<Vec<InteractionSummary>, StoreError> {
        self.store.find_interactions(interaction_id, mcp_id).await
    }

    async fn events_of_interaction(
        &self,
        mcp_id: &str,
        interaction_id: &str,
        after: Cursor,
        limit: usize,
    ) -> Result<EventPage, StoreError> {
        let store = &self.store;
        let events = store.events_of_interaction(mcp_id, interaction_id, after, limit);
        events.await
    }

    async fn list_interactions(
        &self,
        filter: &InteractionFilter,
        after: Option<InteractionCursor>,
        limit: usize,
    ) -> Result<InteractionPage, StoreError> {
        self.store.list_interactions(filter, after, limit).await
    }

    async fn interaction_events(
        &self,
        mcp_id: Option<&str>,
        after: Cursor,
        limit: usize,
    ) -> Result<EventPage, StoreError> {
        self.store.interaction_events(mcp_id, after, limit).await
    }

    fn watch_interactions(&self) -> watch::Receiver<Cursor> {
        self.store.watch_interactions()
    }

    async fn interaction_hours(
        &self,
        mcp_id: Option<&str>,
        hours: RangeInclusive<Timestamp>,
    ) -> Result<Vec<McpHours>, StoreError> {
        self.store.interaction_hours(mcp_id, hours).await
    }

    async fn purge_interactions(
        &self,
        keep: Duration,
        limit: usize,
        now: Option<Timestamp>,
    ) -> Result<Purged, StoreError> {
        self.store.purge_interactions(keep, limit, now).await
    }
}
