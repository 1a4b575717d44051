//! What the cases on reported events have in common.

use super::kit::now;
use crate::domain::Json;
use crate::domain::interaction::{
    EventId, Facts, InteractionAction, InteractionFilter, InteractionSummary, Micros, NewEvent,
};
use crate::store::{InteractionStore, Stored};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The MCP server of [`event`].
pub(super) const MCP: &str = "m";

/// An event of [`MCP`], so many microseconds after 1970, with an id of its own.
pub(super) fn event(interaction: &str, action: InteractionAction, micros: i64) -> NewEvent {
    static LAST: AtomicU64 = AtomicU64::new(1 << 40);
    let number = LAST.fetch_add(1, Ordering::Relaxed);
    NewEvent {
        mcp_id: MCP.into(),
        interaction_id: interaction.into(),
        event_id: EventId::from_uuid(u128::from(number).to_be_bytes()),
        action,
        at: Micros::from_micros(micros),
        seq: None,
        traceparent: None,
        data: Json::from_stored("{}"),
        facts: Facts::default(),
    }
}

/// What a call is found by.
pub(super) fn fact(user: &str, tool: &str) -> Facts {
    Facts {
        user_id: Some(user.into()),
        request_type: Some("tools/call".into()),
        tool: Some(tool.into()),
        ..Facts::default()
    }
}

/// A name in a filter.
#[expect(clippy::unnecessary_wraps, reason = "it is what a filter takes")]
pub(super) fn named(name: &str) -> Option<String> {
    Some(name.to_owned())
}

/// Stores events.
pub(super) async fn report(
    store: &Arc<dyn InteractionStore>,
    events: &[NewEvent],
    millis: i64,
) -> Vec<Stored> {
    let stored = store.store_events(events.to_vec(), now(millis)).await;
    stored.expect("the events are stored")
}

/// The one interaction of an id.
pub(super) async fn summary(store: &Arc<dyn InteractionStore>, id: &str) -> InteractionSummary {
    let mut found = store
        .find_interactions(id, None)
        .await
        .expect("interactions can be read");
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

/// The ids of the interactions that a filter finds, page by page.
pub(super) async fn ids(
    store: &Arc<dyn InteractionStore>,
    change: impl FnOnce(&mut InteractionFilter),
) -> Vec<String> {
    let mut filter = InteractionFilter::default();
    change(&mut filter);
    let mut after = None;
    let mut ids = Vec::new();
    loop {
        let page = store
            .list_interactions(&filter, after, 2)
            .await
            .expect("interactions can be listed");
        ids.extend(
            page.items
                .iter()
                .map(|item| item.interaction_id.to_string()),
        );
        if page.next.is_none() {
            return ids;
        }
        assert_eq!(page.items.len(), 2, "only the last page is short");
        after = page.next;
    }
}
