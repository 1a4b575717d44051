//! What MCP servers report, in tables beside those of tasks.

mod hours;
mod list;
mod purge;
mod read;
mod row;
mod write;

pub(super) use hours::write as write_hours;
pub(super) use write::{Reported, last_place};

use super::{SqliteStore, rows};
use crate::domain::interaction::{
    EventPage, InteractionCursor, InteractionFilter, InteractionPage, InteractionSummary, McpHours,
    NewEvent,
};
use crate::domain::{Cursor, PageRequest, Timestamp, check_name};
use crate::store::{InteractionStore, StoreError, Stored, rules};
use async_trait::async_trait;
use std::sync::PoisonError;
use std::time::Duration;
use tokio::sync::watch;

#[async_trait]
impl InteractionStore for SqliteStore {
    async fn store_events(
        &self,
        events: Vec<NewEvent>,
        now: Option<Timestamp>,
    ) -> Result<Vec<Stored>, StoreError> {
        rules::check_events(&events)?;
        self.write("storing reported events", now, move |conn, tx| {
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
        self.read("reading interactions", move |conn| {
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
        self.read("reading an interaction", move |conn| {
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
        self.read("listing interactions", move |conn| {
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
        self.read("reading reported events", move |conn| {
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
        since: Timestamp,
    ) -> Result<Vec<McpHours>, StoreError> {
        mcp_id.map_or(Ok(()), |mcp| check_name("mcp_id", mcp))?;
        let mcp = mcp_id.map(str::to_owned);
        self.read("reading statistics of interactions", move |conn| {
            Ok(hours::read(conn, mcp.as_deref(), since)?)
        })
        .await
    }

    async fn purge_interactions(
        &self,
        keep: Duration,
        limit: usize,
        now: Option<Timestamp>,
    ) -> Result<u64, StoreError> {
        let limit = rows(limit);
        self.write("purging interactions", now, move |conn, tx| {
            Ok(purge::purge(conn, tx.now.minus(keep), limit)?)
        })
        .await
    }
}
