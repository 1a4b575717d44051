use super::StoreError;
use crate::domain::interaction::{
    EventPage, InteractionCursor, InteractionFilter, InteractionPage, InteractionSummary, McpHours,
    NewEvent,
};
use crate::domain::{Cursor, Timestamp};
use async_trait::async_trait;
use std::ops::RangeInclusive;
use std::time::Duration;
use tokio::sync::watch;

/// Keeps what MCP servers report of the calls they serve.
///
/// # Contract
/// - **Atomic and durable.** A call takes effect as a whole or not at all. When it returns, what it did survives the end of
///   the process, and of the machine as far as the store's options promise.
/// - **Checked.** What [`NewEvent::check`] refuses is refused with [`StoreError::Invalid`] before anything is stored.
/// - **Once.** An event is known by its `mcp_id` and the key of its [`crate::domain::interaction::EventId`]. One that is
///   kept already, or that comes twice in one call, changes nothing and is answered as a duplicate, whatever else it says.
/// - **Apart.** An interaction is known by its `mcp_id` and `interaction_id` together: MCP servers that choose the same id
///   have interactions of their own.
/// - **Folded.** The summary of an interaction, and what its events add to the hours of statistics, follow from its events
///   in the order in which they were stored, by rules that are the same in every store.
/// - **Placed.** The place of an event is larger than that of every event that was stored before it, also of those that
///   are not kept any more. A reader that has seen a place never finds an event before it later.
/// - **Told.** [`InteractionStore::watch_interactions`] knows of stored events after they are durable, also of those that
///   another process stored, there within 250 ms.
#[async_trait]
pub trait InteractionStore: std::fmt::Debug + Send + Sync + 'static {
    /// Stores events, all in one commit. One answer each, in order; a duplicate does not stop the others. More than
    /// [`crate::domain::limits::REPORT_EVENTS`] are refused.
    async fn store_events(
        &self,
        events: Vec<NewEvent>,
        now: Option<Timestamp>,
    ) -> Result<Vec<Stored>, StoreError>;

    /// The interactions with this id, by `mcp_id`; up to [`crate::domain::limits::PAGE_ROWS`].
    async fn find_interactions(
        &self,
        interaction_id: &str,
        mcp_id: Option<&str>,
    ) -> Result<Vec<InteractionSummary>, StoreError>;

    /// Up to `limit` events of one interaction after a place; fewer where their data is large. `Cursor(0)` is the beginning
    /// of what is kept.
    async fn events_of_interaction(
        &self,
        mcp_id: &str,
        interaction_id: &str,
        after: Cursor,
        limit: usize,
    ) -> Result<EventPage, StoreError>;

    /// Interactions that match, those that began last first; among those that began at one time the one that was stored
    /// last. There is a cursor exactly if more matched. Limits are those of [`crate::domain::PageRequest`].
    async fn list_interactions(
        &self,
        filter: &InteractionFilter,
        after: Option<InteractionCursor>,
        limit: usize,
    ) -> Result<InteractionPage, StoreError>;

    /// Looks at up to `limit` events after a place and returns those of `mcp_id`, or all. A page ends early once its data has
    /// [`crate::domain::limits::EVENT_PAGE_BYTES`]. `Cursor(0)` is the beginning of
    /// what is kept. [`EventPage::next`] is the place of the last event looked at, or `after` if there was none.
    async fn interaction_events(
        &self,
        mcp_id: Option<&str>,
        after: Cursor,
        limit: usize,
    ) -> Result<EventPage, StoreError>;

    /// The place of the latest event, kept up to date. Many changes may be seen as one. After a close its sender is gone.
    fn watch_interactions(&self) -> watch::Receiver<Cursor>;

    /// The hours that began within `span`, of one MCP server or of all by name. Those without any are left out.
    ///
    /// An event counts in the hour of its own time, or in that of `now` if it lies ahead.
    async fn interaction_hours(
        &self,
        mcp_id: Option<&str>,
        span: RangeInclusive<Timestamp>,
    ) -> Result<Vec<McpHours>, StoreError>;

    /// Removes up to `limit` events that were stored `keep` ago or earlier, first stored first, the interactions that have
    /// none left, and up to `limit` hours of statistics that began `keep` ago or earlier, first those that began first.
    /// Ends early once the data of the events has [`crate::domain::limits::PURGED_BYTES`].
    ///
    /// An event that was removed is not known any more: sent again it is stored again.
    async fn purge_interactions(
        &self,
        keep: Duration,
        limit: usize,
        now: Option<Timestamp>,
    ) -> Result<Purged, StoreError>;
}

/// What [`InteractionStore::purge_interactions`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Purged {
    /// Events that it removed.
    pub events: u64,
    /// Whether it ended at a bound, so that there may be more to remove.
    pub more: bool,
}

/// What became of an event that was given to [`InteractionStore::store_events`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// This call stored it.
    New,
    /// It was stored before.
    Duplicate,
}
