//! What MCP servers report, in tables beside those of tasks.

mod hours;
mod list;
mod purge;
mod read;
mod row;
mod write;

pub(super) use hours::write as write_hours;
pub(super) use write::{Reported, last_place};

use super::failure::Failure;
use super::tx::Tx;
use super::{SqliteStore, rows};
use crate::clock::{Clock, SystemClock};
use crate::domain::interaction::{
    EventPage, InteractionCursor, InteractionFilter, InteractionPage, InteractionSummary, McpHours,
    NewEvent,
};
use crate::domain::{Cursor, PageRequest, Timestamp, check_name};
use crate::store::{InteractionStore, Purged, StoreError, Stored, rules};
use async_trait::async_trait;
use rusqlite::Connection;
use std::ops::RangeInclusive;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

impl SqliteStore {
    /// [`SqliteStore::write`], for operations that may be many and large.
    async fn write_reported<T, F>(
        &self,
        operation: &'static str,
        now: Option<Timestamp>,
        work: F,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection, &mut Tx) -> Result<T, Failure> + Send + 'static,
    {
        let place = Arc::clone(&self.report_places)
            .acquire_owned()
            .await
            .map_err(|_| StoreError::Closed)?;
        self.write_among(Some(place), operation, now, work).await
    }
}

#[async_trait]
impl InteractionStore for SqliteStore {
    async fn store_events(
        &self,
        events: Vec<NewEvent>,
        now: Option<Timestamp>,
    ) -> Result<Vec<Stored>, StoreError> {
        rules::check_events(&events)?;
        self.write_reported("storing reported events", now, move |conn, tx| {
            Ok(write::store(conn, tx, &events)?)
        })
        .await
    }

    async fn find_interactions(
        &self,
        interaction_id: &str,
        mcp_id: Option<&str>,
    ) -> Result<Vec<InteractionSummary>, StoreError> {
        rules::check_interaction(interaction_id, mcp_id)?;
        let (id, mcp) = (interaction_id.to_owned(), mcp_id.map(str::to_owned));
        self.readers
            .read_reported("reading interactions", move |conn| {
                Ok(read::find(conn, &id, mcp.as_deref())?)
            })
            .await
    }

    async fn events_of_interaction(
        &self,
        mcp_id: &str,
        interaction_id: &str,
        after: Cursor,
        limit: usize,
    ) -> Result<EventPage, StoreError> {
        rules::check_interaction(interaction_id, Some(mcp_id))?;
        let (mcp, id, limit) = (mcp_id.to_owned(), interaction_id.to_owned(), rows(limit));
        self.readers
            .read_reported("reading an interaction", move |conn| {
                Ok(read::events_of(conn, (&mcp, &id), after, limit)?)
            })
            .await
    }

    async fn list_interactions(
        &self,
        filter: &InteractionFilter,
        after: Option<InteractionCursor>,
        limit: usize,
    ) -> Result<InteractionPage, StoreError> {
        filter.check()?;
        PageRequest::first(limit).check()?;
        let filter = filter.clone();
        self.readers
            .read_reported("listing interactions", move |conn| {
                Ok(list::list(conn, &filter, after, limit)?)
            })
            .await
    }

    async fn interaction_events(
        &self,
        mcp_id: Option<&str>,
        after: Cursor,
        limit: usize,
    ) -> Result<EventPage, StoreError> {
        mcp_id.map_or(Ok(()), |mcp| check_name("mcp_id", mcp))?;
        let (mcp, limit) = (mcp_id.map(str::to_owned), rows(limit));
        self.readers
            .read_reported("reading reported events", move |conn| {
                Ok(read::events(conn, mcp.as_deref(), after, limit)?)
            })
            .await
    }

    fn watch_interactions(&self) -> watch::Receiver<Cursor> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        // After a close there is no sender left, so that the receiver says at once that it is over.
        open.as_ref().map_or_else(
            || watch::channel(Cursor(0)).1,
            |open| open.interactions.clone(),
        )
    }

    async fn interaction_hours(
        &self,
        mcp_id: Option<&str>,
        span: RangeInclusive<Timestamp>,
    ) -> Result<Vec<McpHours>, StoreError> {
        mcp_id.map_or(Ok(()), |mcp| check_name("mcp_id", mcp))?;
        let mcp = mcp_id.map(str::to_owned);
        self.readers
            .read_reported("reading statistics of interactions", move |conn| {
                Ok(hours::read(conn, mcp.as_deref(), &span)?)
            })
            .await
    }

    async fn purge_interactions(
        &self,
        keep: Duration,
        limit: usize,
        now: Option<Timestamp>,
    ) -> Result<Purged, StoreError> {
        let limit = rows(limit);
        let now = now.unwrap_or_else(|| SystemClock.now());
        let until = now.minus(keep);
        let looking = self
            .readers
            .read_reported("finding old interactions", move |conn| {
                Ok(purge::find_old(conn, until, now, limit)?)
            });
        let old = looking.await?;
        self.write_reported("purging interactions", Some(now), move |conn, _| {
            Ok(purge::purge(conn, &old, until, limit)?)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::SqliteOptions;
    use crate::store::sqlite::writer::{WAITING, WAITING_REPORTS};
    use std::sync::mpsc;

    #[tokio::test]
    async fn interactions_leave_places_to_tasks() {
        let directory = tempfile::tempdir().unwrap();
        let options = SqliteOptions::new(directory.path().join("mcs.db"));
        let store = Arc::new(SqliteStore::open(&options).unwrap());
        // The writer is held by a task's operation, and each reader by a read of interactions.
        let (release, held) = mpsc::channel::<()>();
        let held = Arc::new(std::sync::Mutex::new(held));
        let wait = |held: &Arc<std::sync::Mutex<mpsc::Receiver<()>>>| {
            let held = Arc::clone(held);
            move || {
                let _ = held.lock().unwrap().recv();
            }
        };
        let mut calls = Vec::new();
        let (of_a_task, block) = (Arc::clone(&store), wait(&held));
        calls.push(tokio::spawn(async move {
            let done = of_a_task.write("waiting", None, move |_, _| {
                block();
                Ok(())
            });
            done.await.unwrap();
        }));
        for _ in 0..4 {
            let (store, block) = (Arc::clone(&store), wait(&held));
            calls.push(tokio::spawn(async move {
                let done = store.readers.read_reported("waiting", move |_| {
                    block();
                    Ok(())
                });
                done.await.unwrap();
            }));
        }
        for _ in 0..2 * WAITING_REPORTS {
            let store = Arc::clone(&store);
            calls.push(tokio::spawn(async move {
                store.store_events(Vec::new(), None).await.unwrap();
            }));
        }
        // Each call comes as far as it can; a runtime runs some dozens of them in one go.
        for _ in 0..calls.len() {
            tokio::task::yield_now().await;
        }
        assert_eq!(
            store.places.available_permits(),
            WAITING - WAITING_REPORTS - 1
        );
        assert_eq!(store.readers.free(), 2);
        drop(release);
        for call in calls {
            call.await.unwrap();
        }
        // The writer answers a moment before it gives the place back; a place that is lost is waited for in vain.
        let all = u32::try_from(WAITING).unwrap();
        drop(store.places.acquire_many(all).await.unwrap());
    }
}
