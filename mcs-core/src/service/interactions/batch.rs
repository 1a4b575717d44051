use super::{Interactions, outcome};
use crate::domain::InvalidInput;
use crate::domain::interaction::{
    BATCH_EVENTS, BatchAnswer, EventAnswer, EventOutcome, InteractionEvent, NewEvent,
};
use crate::service::interactions::seen::check_own;
use crate::service::{Principal, Scope, ServiceError};
use serde::Deserialize;
use serde_json::value::RawValue;

impl Interactions<'_> {
    /// Stores what can be stored of a batch of events as they came over the wire, in one commit, and returns once it is
    /// durable. One answer each, in order. Of an event that came without an id the answer has the one it was given; of one
    /// whose id cannot be read, its place in the batch as `#0`.
    ///
    /// Where there are events of other MCP servers and none of the caller's own, nothing is wrong with the events: it is
    /// the key that is wrong, so that the batch as a whole is refused with [`ServiceError::OtherMcp`].
    pub async fn report_batch(
        &self,
        who: &Principal,
        events: &[&RawValue],
    ) -> Result<BatchAnswer, ServiceError> {
        who.needs(Scope::Report)?;
        let store = self.store()?;
        if events.len() > BATCH_EVENTS {
            let problem = format!(
                "has {} entries; send at most {BATCH_EVENTS} at a time",
                events.len()
            );
            return Err(InvalidInput::new("events", problem).into());
        }
        let Batch { good, mut results } = Batch::read(who, events)?;
        let stored = if good.is_empty() {
            Vec::new()
        } else {
            store.store_events(good, None).await?
        };
        let waiting = results
            .iter_mut()
            .filter(|answer| answer.status == EventOutcome::Retry);
        for (answer, stored) in waiting.zip(stored) {
            answer.status = outcome(stored);
        }
        Ok(BatchAnswer { results })
    }
}

/// A batch before it is stored.
struct Batch {
    /// What can be stored.
    good: Vec<NewEvent>,
    /// An answer to each event: a rejection, or `Retry` for what is yet to be stored.
    results: Vec<EventAnswer>,
}

impl Batch {
    fn read(who: &Principal, events: &[&RawValue]) -> Result<Self, ServiceError> {
        let mut batch = Self {
            good: Vec::with_capacity(events.len()),
            results: Vec::with_capacity(events.len()),
        };
        let mut has_own = false;
        let mut of_others = None;
        for (place, raw) in events.iter().enumerate() {
            let read = parse(raw, place).and_then(|event| {
                has_own |= who.reports_as(&event.mcp_id);
                let event = NewEvent::from_wire(event)?;
                check_own(who, &event.mcp_id)?;
                Ok(event)
            });
            batch.results.push(match read {
                Ok(event) => {
                    let event_id = event.event_id.to_string();
                    batch.good.push(event);
                    EventAnswer {
                        event_id,
                        status: EventOutcome::Retry,
                        error: None,
                    }
                }
                Err(refused) => {
                    let answer = EventAnswer {
                        event_id: id_of(raw).unwrap_or_else(|| format!("#{place}")),
                        status: EventOutcome::Rejected,
                        error: Some(refused.to_string()),
                    };
                    if !matches!(refused, ServiceError::Invalid(_)) {
                        of_others.get_or_insert(refused);
                    }
                    answer
                }
            });
        }
        match of_others {
            Some(refused) if !has_own => Err(refused),
            _ => Ok(batch),
        }
    }
}

fn parse(raw: &RawValue, place: usize) -> Result<InteractionEvent, ServiceError> {
    serde_json::from_str(raw.get()).map_err(|error| {
        let problem = format!("is no interaction event: {error}");
        InvalidInput::new(format!("events[{place}]"), problem).into()
    })
}

/// The id of an event that is not a good one otherwise.
fn id_of(raw: &RawValue) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        event_id: String,
    }
    let named: Named = serde_json::from_str(raw.get()).ok()?;
    Some(named.event_id)
}
