//! Makes an event of what came over the wire.

use super::{EventId, Facts, InteractionEvent, Micros, NewEvent};
use crate::domain::{InvalidInput, Json, Traceparent, check_name};
use std::sync::Arc;

/// Longest trace context that is kept. The one of version 00 has 55 bytes.
const TRACE_BYTES: usize = 128;

impl NewEvent {
    /// Checks `event`, reads its facts, and derives an id where it has none: of equal events the same, so that one that
    /// is sent again is stored once.
    ///
    /// A trace context that cannot be one is left out rather than the event, since it comes from a third party.
    pub fn from_wire(event: InteractionEvent) -> Result<Self, InvalidInput> {
        if let Some(id) = &event.event_id {
            check_name("event_id", id)?;
        }
        let at = Micros::from_unix_seconds(event.timestamp).ok_or_else(|| {
            let problem = format!(
                "is {}; send seconds since 1970 such as 1763633640.25",
                event.timestamp
            );
            InvalidInput::new("timestamp", problem)
        })?;
        let data = match event.data() {
            Some(data) => data.clone(),
            None => Json::from_stored("{}"),
        };
        let event_id = match &event.event_id {
            Some(id) => EventId::from_text(id),
            None => EventId::derived([
                event.mcp_id.as_bytes(),
                event.interaction_id.as_bytes(),
                event.action.as_str().as_bytes(),
                &event.timestamp.to_bits().to_le_bytes(),
                data.as_str().as_bytes(),
            ]),
        };
        let traceparent = event.traceparent.filter(|trace| is_trace(trace));
        let facts = Facts::read(event.action.data_field(), &data)?;
        let new = Self {
            mcp_id: event.mcp_id.into(),
            interaction_id: event.interaction_id.into(),
            event_id,
            action: event.action,
            at,
            seq: event.seq,
            traceparent: traceparent.map(Arc::from),
            facts,
            data,
        };
        new.check()?;
        Ok(new)
    }
}

fn is_trace(text: &str) -> bool {
    text.len() <= TRACE_BYTES
        && check_name("traceparent", text).is_ok()
        && text.parse::<Traceparent>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::limits;
    use serde_json::{Value, json};

    fn wire(change: impl FnOnce(&mut Value)) -> InteractionEvent {
        let mut event = json!({
            "action": "interaction_start", "interaction_id": "int_1_a", "mcp_id": "m", "timestamp": 5.25,
            "request_data": {"user_id": "u"},
        });
        change(&mut event);
        serde_json::from_value(event).unwrap()
    }

    fn refused(change: impl FnOnce(&mut Value)) -> InvalidInput {
        NewEvent::from_wire(wire(change)).unwrap_err()
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_its_field() {
        for bad in ["", "a\nb", &"x".repeat(300)] {
            assert_eq!(
                refused(|e| e["interaction_id"] = bad.into()).field,
                "interaction_id"
            );
            assert_eq!(refused(|e| e["mcp_id"] = bad.into()).field, "mcp_id");
            assert_eq!(refused(|e| e["event_id"] = bad.into()).field, "event_id");
        }
        for bad in [1e12, -1e300] {
            let error = refused(|e| e["timestamp"] = bad.into());
            assert!(error.to_string().contains(&bad.to_string()), "{error}");
        }
        assert_eq!(refused(|e| e["seq"] = u64::MAX.into()).field, "seq");
        assert_eq!(
            refused(|e| e["request_data"] = json!([1])).field,
            "request_data"
        );
        let large = "x".repeat(limits::EVENT_DATA_BYTES);
        assert_eq!(
            refused(|e| e["request_data"] = json!({"x": large})).field,
            "request_data"
        );
    }

    #[test]
    fn what_is_missing_or_unknown_does_no_harm() {
        let event = wire(|e| {
            e["request_data"] = Value::Null;
            e["something_new"] = json!([1]);
            e["result_data"] = json!("of another action");
            e["traceparent"] = "x".repeat(9000).into();
        });
        let event = NewEvent::from_wire(event).unwrap();
        assert_eq!(event.data.as_str(), "{}");
        assert_eq!(event.traceparent, None);
        assert_eq!(event.facts, Facts::default());
    }

    #[test]
    fn an_id_is_derived_from_all_that_tells_events_apart() {
        let id = |change: fn(&mut Value)| NewEvent::from_wire(wire(change)).unwrap().event_id;
        let first = id(|_| ());
        assert_eq!(id(|_| ()), first, "it was sent again");
        let others: [fn(&mut Value); 5] = [
            |e| e["mcp_id"] = "n".into(),
            |e| e["interaction_id"] = "int_1_b".into(),
            |e| e["action"] = "interaction_progress".into(),
            |e| e["timestamp"] = 5.250_001.into(),
            |e| e["request_data"] = json!({"user_id": "v"}),
        ];
        for other in others {
            assert_ne!(id(other), first);
        }
        assert_eq!(id(|e| e["event_id"] = "mine".into()).to_string(), "mine");
    }
}
