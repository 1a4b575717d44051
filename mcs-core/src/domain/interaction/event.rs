use super::{EventId, Facts, InteractionAction, InteractionEvent, Micros};
use crate::domain::{Cursor, InvalidInput, Json, Timestamp, check_name, check_text, limits};
use std::sync::Arc;

/// An event on its way into a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// Who says it.
    pub mcp_id: Arc<str>,
    /// The call it is said of.
    pub interaction_id: Arc<str>,
    /// Names the event among those of its `mcp_id`.
    pub event_id: EventId,
    /// What is said.
    pub action: InteractionAction,
    /// When it happened, by the reporter's clock.
    pub at: Micros,
    /// Grows with each event of one reporter, at most 2^63 - 1.
    pub seq: Option<u64>,
    /// W3C trace context.
    pub traceparent: Option<Arc<str>>,
    /// What belongs to the action: a JSON object.
    pub data: Json,
    /// What the data says of the call.
    pub facts: Facts,
}

impl NewEvent {
    /// Refuses names without characters or with control characters, and whatever is over its bound.
    pub fn check(&self) -> Result<(), InvalidInput> {
        check_name("mcp_id", &self.mcp_id)?;
        check_name("interaction_id", &self.interaction_id)?;
        if let Some(name) = self.event_id.name() {
            check_name("event_id", name)?;
        }
        if let Some(seq) = self.seq.filter(|seq| i64::try_from(*seq).is_err()) {
            let problem = format!("is {seq}; use at most {}", i64::MAX);
            return Err(InvalidInput::new("seq", problem));
        }
        if let Some(trace) = &self.traceparent {
            check_text("traceparent", trace, limits::NAME_BYTES)?;
        }
        let field = self.action.data_field();
        for (name, fact) in [
            ("user_id", &self.facts.user_id),
            ("request_type", &self.facts.request_type),
            ("tool", &self.facts.tool),
            ("error_type", &self.facts.error_type),
        ] {
            if let Some(fact) = fact {
                check_name(name, fact).map_err(|refused| refused.within(field))?;
            }
        }
        check_text(field, self.data.as_str(), limits::EVENT_DATA_BYTES)
    }
}

/// An event as a store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptEvent {
    /// Its place among all events in the order in which they were stored.
    pub place: Cursor,
    /// When it was stored.
    pub received_at: Timestamp,
    /// Who said it.
    pub mcp_id: Arc<str>,
    /// The call it is said of.
    pub interaction_id: Arc<str>,
    /// Names the event among those of its `mcp_id`.
    pub event_id: EventId,
    /// What is said.
    pub action: InteractionAction,
    /// When it happened, by the reporter's clock.
    pub at: Micros,
    /// The reporter's own number.
    pub seq: Option<u64>,
    /// W3C trace context.
    pub traceparent: Option<Arc<str>>,
    /// What belongs to the action: a JSON object.
    pub data: Json,
}

impl KeptEvent {
    /// The event as it travels. One that came without an id has one now.
    pub fn to_wire(&self) -> InteractionEvent {
        let data = |action| (self.action == action).then(|| self.data.clone());
        InteractionEvent {
            action: self.action,
            interaction_id: self.interaction_id.to_string(),
            mcp_id: self.mcp_id.to_string(),
            timestamp: self.at.as_unix_seconds(),
            request_data: data(InteractionAction::Start),
            progress_data: data(InteractionAction::Progress),
            result_data: data(InteractionAction::Complete),
            error_data: data(InteractionAction::Error),
            event_id: Some(self.event_id.to_string()),
            seq: self.seq,
            traceparent: self.traceparent.as_deref().map(str::to_owned),
        }
    }
}

/// Events after a place, in the order in which they were stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventPage {
    /// The events.
    pub events: Vec<KeptEvent>,
    /// The place to go on from. It moves on over events that are left out, too.
    pub next: Cursor,
    /// Whether there was more to look at when the page was read.
    pub more: bool,
}
