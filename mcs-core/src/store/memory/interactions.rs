use super::{MemoryStore, time};
use crate::domain::interaction::{
    EventPage, InteractionCursor, InteractionFilter, InteractionPage, InteractionSummary,
    KeptEvent, McpHours, NewEvent, Tally,
};
use crate::domain::{Cursor, PageRequest, Timestamp, check_name, limits};
use crate::store::event_page::PageBuilder;
use crate::store::purge_bounds::PurgeBounds;
use crate::store::{InteractionStore, Purged, StoreError, Stored, rules};
use async_trait::async_trait;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::{Bound, RangeInclusive};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// The interactions of a store.
#[derive(Debug, Default)]
pub(super) struct Interactions {
    events: BTreeMap<u64, KeptEvent>,
    keys: HashSet<(Arc<str>, [u8; 16])>,
    /// By interaction id, then by MCP server.
    rows: BTreeMap<(Arc<str>, Arc<str>), Row>,
    last_row: u64,
    hours: Tally<Arc<str>>,
    latest: watch::Sender<Cursor>,
}

#[derive(Debug)]
struct Row {
    number: u64,
    summary: InteractionSummary,
    events: BTreeSet<u64>,
}

#[async_trait]
impl InteractionStore for MemoryStore {
    async fn store_events(
        &self,
        events: Vec<NewEvent>,
        now: Option<Timestamp>,
    ) -> Result<Vec<Stored>, StoreError> {
        rules::check_events(&events)?;
        self.with(|state| state.interactions.store(events, time(now)))
    }

    async fn find_interactions(
        &self,
        interaction_id: &str,
        mcp_id: Option<&str>,
    ) -> Result<Vec<InteractionSummary>, StoreError> {
        rules::check_interaction(interaction_id, mcp_id)?;
        self.with(|state| state.interactions.find(interaction_id, mcp_id))
    }

    async fn events_of_interaction(
        &self,
        mcp_id: &str,
        interaction_id: &str,
        after: Cursor,
        limit: usize,
    ) -> Result<EventPage, StoreError> {
        rules::check_interaction(interaction_id, Some(mcp_id))?;
        self.with(|state| {
            let interactions = &state.interactions;
            let key = (Arc::from(interaction_id), Arc::from(mcp_id));
            let row = interactions.rows.get(&key);
            let places = row.map(|row| row.events.range(after.0.saturating_add(1)..));
            let events = places.into_iter().flatten();
            page(
                events.filter_map(|place| interactions.events.get(place)),
                None,
                after,
                limit,
            )
        })
    }

    async fn list_interactions(
        &self,
        filter: &InteractionFilter,
        after: Option<InteractionCursor>,
        limit: usize,
    ) -> Result<InteractionPage, StoreError> {
        filter.check()?;
        PageRequest::first(limit).check()?;
        self.with(|state| state.interactions.list(filter, after, limit))
    }

    async fn interaction_events(
        &self,
        mcp_id: Option<&str>,
        after: Cursor,
        limit: usize,
    ) -> Result<EventPage, StoreError> {
        mcp_id.map_or(Ok(()), |mcp| check_name("mcp_id", mcp))?;
        self.with(|state| {
            let places = (Bound::Excluded(after.0), Bound::Unbounded);
            let events = state.interactions.events.range(places);
            page(events.map(|(_, event)| event), mcp_id, after, limit)
        })
    }

    fn watch_interactions(&self) -> watch::Receiver<Cursor> {
        // After a close there is no sender left, so that the receiver says at once that it is over.
        self.with(|state| state.interactions.latest.subscribe())
            .unwrap_or_else(|_| watch::channel(Cursor(0)).1)
    }

    async fn interaction_hours(
        &self,
        mcp_id: Option<&str>,
        span: RangeInclusive<Timestamp>,
    ) -> Result<Vec<McpHours>, StoreError> {
        mcp_id.map_or(Ok(()), |mcp| check_name("mcp_id", mcp))?;
        self.with(|state| {
            let mut found: BTreeMap<Arc<str>, McpHours> = BTreeMap::new();
            let hours = state.interactions.hours.hours();
            for (mcp, hour) in hours.filter(|(mcp, hour)| {
                mcp_id.is_none_or(|wanted| *wanted == ***mcp) && span.contains(&hour.hour)
            }) {
                let of_mcp = found.entry(Arc::clone(mcp)).or_insert_with(|| McpHours {
                    mcp_id: Arc::clone(mcp),
                    hours: Vec::new(),
                });
                of_mcp.hours.push(hour.clone());
            }
            found.into_values().collect()
        })
    }

    async fn purge_interactions(
        &self,
        keep: Duration,
        limit: usize,
        now: Option<Timestamp>,
    ) -> Result<Purged, StoreError> {
        let until = time(now).minus(keep);
        self.with(|state| state.interactions.purge(until, limit))
    }
}

impl Interactions {
    fn store(&mut self, events: Vec<NewEvent>, now: Timestamp) -> Vec<Stored> {
        let before = *self.latest.borrow();
        let mut place = before;
        let mut answers = Vec::with_capacity(events.len());
        for event in events {
            let key = (Arc::clone(&event.mcp_id), *event.event_id.key());
            if !self.keys.insert(key) {
                answers.push(Stored::Duplicate);
                continue;
            }
            place.0 += 1;
            self.fold(&event, place.0, now);
            self.events.insert(place.0, kept(event, place, now));
            answers.push(Stored::New);
        }
        if place > before {
            self.latest.send_replace(place);
        }
        answers
    }

    fn fold(&mut self, event: &NewEvent, place: u64, now: Timestamp) {
        let key = (Arc::clone(&event.interaction_id), Arc::clone(&event.mcp_id));
        let row = self.rows.entry(key).or_insert_with(|| {
            self.last_row += 1;
            Row {
                number: self.last_row,
                summary: InteractionSummary::before(event),
                events: BTreeSet::new(),
            }
        });
        let effect = row.summary.apply(event);
        row.events.insert(place);
        self.hours.count(&event.mcp_id, &effect, now);
    }

    fn find(&self, interaction_id: &str, mcp_id: Option<&str>) -> Vec<InteractionSummary> {
        let first = (Arc::from(interaction_id), Arc::from(""));
        self.rows
            .range(first..)
            .take_while(|((id, _), _)| **id == *interaction_id)
            .filter(|((_, mcp), _)| mcp_id.is_none_or(|wanted| *wanted == **mcp))
            .take(limits::PAGE_ROWS)
            .map(|(_, row)| row.summary.clone())
            .collect()
    }

    fn list(
        &self,
        filter: &InteractionFilter,
        after: Option<InteractionCursor>,
        limit: usize,
    ) -> InteractionPage {
        let mut found: Vec<_> = self
            .rows
            .values()
            .map(|row| (row.cursor(), row))
            .filter(|(cursor, row)| {
                after.is_none_or(|after| *cursor < after) && filter.matches(&row.summary)
            })
            .collect();
        found.sort_unstable_by_key(|(cursor, _)| Reverse(*cursor));
        let more = found.len() > limit;
        found.truncate(limit);
        InteractionPage {
            next: found.last().map(|(cursor, _)| *cursor).filter(|_| more),
            items: found.iter().map(|(_, row)| row.summary.clone()).collect(),
        }
    }

    fn purge(&mut self, until: Timestamp, limit: usize) -> Purged {
        let mut bounds = PurgeBounds::new(limit);
        let old = self
            .events
            .values()
            .filter(|event| event.received_at <= until);
        let old: Vec<_> = old
            .take_while(|event| {
                let reached = bounds.reached();
                if !reached {
                    bounds.count(event.data.as_str().len());
                }
                !reached
            })
            .map(|event| event.place.0)
            .collect();
        for place in &old {
            let Some(event) = self.events.remove(place) else {
                continue;
            };
            self.keys
                .remove(&(Arc::clone(&event.mcp_id), *event.event_id.key()));
            let key = (event.interaction_id, event.mcp_id);
            if let Some(row) = self.rows.get_mut(&key) {
                row.events.remove(place);
                if row.events.is_empty() {
                    self.rows.remove(&key);
                }
            }
        }
        self.hours.forget(until, limit);
        Purged {
            events: old.len() as u64,
            more: bounds.reached(),
        }
    }
}

impl Row {
    fn cursor(&self) -> InteractionCursor {
        InteractionCursor {
            started_at: self.summary.started_at,
            number: self.number,
        }
    }
}

fn kept(event: NewEvent, place: Cursor, now: Timestamp) -> KeptEvent {
    KeptEvent {
        place,
        received_at: now,
        mcp_id: event.mcp_id,
        interaction_id: event.interaction_id,
        event_id: event.event_id,
        action: event.action,
        at: event.at,
        seq: event.seq,
        traceparent: event.traceparent,
        data: event.data,
    }
}

/// The events of `mcp_id` among the first `limit`.
fn page<'a>(
    events: impl Iterator<Item = &'a KeptEvent>,
    mcp_id: Option<&str>,
    after: Cursor,
    limit: usize,
) -> EventPage {
    let mut page = PageBuilder::new(after, limit);
    for event in events {
        if !page.has_room() {
            break;
        }
        if mcp_id.is_none_or(|wanted| *wanted == *event.mcp_id) {
            page.add(event.clone());
        } else {
            page.pass(event.place);
        }
    }
    page.finish()
}
