mod batch;
mod follower;
mod seen;

pub use follower::EventFollower;

use self::seen::{Seen, check_own, seen};
use super::{Principal, Scope, Service, ServiceError};
use crate::clock::{Clock, SystemClock};
use crate::domain::interaction::{
    EventAnswer, EventOutcome, EventPage, InteractionCursor, InteractionEvent, InteractionFilter,
    InteractionPage, InteractionSummary, KeptEvent, McpStatistics, Micros, NewEvent,
};
use crate::domain::{Cursor, InvalidInput, PageRequest, check_name, limits};
use crate::store::{InteractionStore, Stored};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// The longest time that statistics look back, in hours: a year.
pub const LONGEST_STATISTICS: u32 = 366 * 24;

/// What can be done with interactions: the coordinator of MCP servers that report the calls they serve.
///
/// Without the admin scope a principal reports and sees as the MCP server that it speaks for ([`Principal::mcp_id`]) only.
/// Interactions of others are as if they were not there.
#[derive(Debug, Clone, Copy)]
pub struct Interactions<'a> {
    pub(super) service: &'a Service,
}

/// An interaction with its events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InteractionDetail {
    /// What its events say together.
    pub interaction: InteractionSummary,
    /// Its events in the order in which they happened, as far as is known: by the number that their reporter gave them
    /// where each has one of its own, else by its clock. The order holds within a page; pages follow each other in the
    /// order in which events were stored.
    pub events: Vec<KeptEvent>,
    /// Where the events go on, for [`Interactions::get`]; `None` if these are all.
    pub next: Option<Cursor>,
}

impl Interactions<'_> {
    /// Stores one event, and returns once it is durable. What cannot be stored is an error.
    pub async fn report(
        &self,
        who: &Principal,
        event: InteractionEvent,
    ) -> Result<EventAnswer, ServiceError> {
        who.needs(Scope::Report)?;
        let event = NewEvent::from_wire(event)?;
        check_own(who, &event.mcp_id)?;
        let event_id = event.event_id.to_string();
        let stored = self.store()?.store_events(vec![event], None).await?;
        let status = stored
            .first()
            .map_or(EventOutcome::Retry, |stored| outcome(*stored));
        Ok(EventAnswer {
            event_id,
            status,
            error: None,
        })
    }

    /// The interaction with up to 500 of its events after a place. Where several MCP servers have one of that id,
    /// `mcp_id` says whose is meant; without it that is a conflict.
    pub async fn get(
        &self,
        who: &Principal,
        interaction_id: &str,
        mcp_id: Option<&str>,
        after: Option<Cursor>,
    ) -> Result<InteractionDetail, ServiceError> {
        who.needs(Scope::Read)?;
        let missing = || ServiceError::NoInteraction(interaction_id.to_owned());
        let Seen::Some(mcp_id) = seen(who, mcp_id) else {
            return Err(missing());
        };
        let store = self.store()?;
        let mut found = store
            .find_interactions(interaction_id, mcp_id.as_deref())
            .await?;
        if found.len() > 1 {
            return Err(several(interaction_id, &found));
        }
        let interaction = found.pop().ok_or_else(missing)?;
        let mut page = store
            .events_of_interaction(
                &interaction.mcp_id,
                interaction_id,
                after.unwrap_or(Cursor(0)),
                limits::PAGE_ROWS,
            )
            .await?;
        put_in_order(&mut page.events);
        Ok(InteractionDetail {
            interaction,
            events: page.events,
            next: page.more.then_some(page.next),
        })
    }

    /// A page of the interactions that match, those that began last first.
    pub async fn list(
        &self,
        who: &Principal,
        mut filter: InteractionFilter,
        after: Option<InteractionCursor>,
        limit: usize,
    ) -> Result<InteractionPage, ServiceError> {
        who.needs(Scope::Read)?;
        filter.check()?;
        PageRequest::first(limit).check()?;
        match seen(who, filter.mcp_id.as_deref()) {
            Seen::Some(mcp_id) => filter.mcp_id = mcp_id,
            Seen::None => {
                return Ok(InteractionPage {
                    items: Vec::new(),
                    next: None,
                });
            }
        }
        Ok(self
            .store()?
            .list_interactions(&filter, after, limit)
            .await?)
    }

    /// Looks at up to `limit` events after a place, in the order in which they were stored, and returns those of `mcp_id`,
    /// or all. This is how events are exported: `Cursor(0)` is the beginning, and [`EventPage::next`] where to go on until
    /// there are no more.
    pub async fn events(
        &self,
        who: &Principal,
        mcp_id: Option<&str>,
        after: Cursor,
        limit: usize,
    ) -> Result<EventPage, ServiceError> {
        PageRequest::first(limit).check()?;
        self.follower(who, mcp_id)?.read(after, limit).await
    }

    /// Follows the events of `mcp_id`, or all, after a place; from now on if there is none, or if it lies ahead of all that
    /// is known to be stored, as a place of another file does.
    pub fn follow(
        &self,
        who: &Principal,
        mcp_id: Option<&str>,
        after: Option<Cursor>,
    ) -> Result<EventFollower, ServiceError> {
        let follower = self.follower(who, mcp_id)?;
        Ok(match after {
            Some(place) => follower.after(place),
            None => follower,
        })
    }

    /// What the interactions of each MCP server, or of one, add up to since the start of the hour `hours - 1` hours ago; of
    /// one hour that is the current one.
    pub async fn statistics(
        &self,
        who: &Principal,
        mcp_id: Option<&str>,
        hours: u32,
    ) -> Result<Vec<McpStatistics>, ServiceError> {
        who.needs(Scope::Read)?;
        if !(1..=LONGEST_STATISTICS).contains(&hours) {
            let problem = format!("is {hours}; use 1 to {LONGEST_STATISTICS}");
            return Err(InvalidInput::new("hours", problem).into());
        }
        let Seen::Some(mcp_id) = seen(who, mcp_id) else {
            return Ok(Vec::new());
        };
        let now = SystemClock.now();
        let before = Duration::from_hours(u64::from(hours - 1));
        let since = Micros::from(now).hour().minus(before);
        let found = self
            .store()?
            .interaction_hours(mcp_id.as_deref(), since..=now)
            .await?;
        let statistics = found.iter().map(|mcp| McpStatistics::of(mcp, since, now));
        Ok(statistics.collect())
    }

    fn follower(
        self,
        who: &Principal,
        mcp_id: Option<&str>,
    ) -> Result<EventFollower, ServiceError> {
        who.needs(Scope::Read)?;
        mcp_id.map_or(Ok(()), |mcp_id| check_name("mcp_id", mcp_id))?;
        let store = Arc::clone(self.store()?);
        Ok(EventFollower::new(store, seen(who, mcp_id)))
    }

    fn store(&self) -> Result<&Arc<dyn InteractionStore>, ServiceError> {
        self.service
            .0
            .interactions
            .as_ref()
            .ok_or(ServiceError::NoInteractionStore)
    }
}

/// Sorts by the numbers of the reporter where all have one and no two the same, since its clock may have been set
/// meanwhile. Two events of one number are of two reporters, whose numbers say nothing of each other.
fn put_in_order(events: &mut [KeptEvent]) {
    let numbers: BTreeSet<_> = events.iter().filter_map(|event| event.seq).collect();
    if numbers.len() == events.len() {
        events.sort_by_key(|event| event.seq);
    } else {
        events.sort_by_key(|event| (event.at, event.place));
    }
}

const fn outcome(stored: Stored) -> EventOutcome {
    match stored {
        Stored::New => EventOutcome::Stored,
        Stored::Duplicate => EventOutcome::Duplicate,
    }
}

fn several(interaction_id: &str, found: &[InteractionSummary]) -> ServiceError {
    const NAMED: usize = 10;
    let mut names: Vec<_> = found
        .iter()
        .take(NAMED)
        .map(|one| format!("`{}`", one.mcp_id))
        .collect();
    if found.len() > NAMED {
        names.push("others".to_owned());
    }
    let reason = format!(
        "{} MCP servers have an interaction `{interaction_id}`: {}; say whose is meant with mcp_id",
        found.len(),
        names.join(", ")
    );
    ServiceError::Conflict { reason }
}
