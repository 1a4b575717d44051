//! Writes an event as the record that goes into the journal: the JSON of the wire behind the head of a record.

use crate::buffers::Buffers;
use crate::data::{Known, Size, kind_of, not_an_object, not_written, write_capped};
use crate::event_id::EventIds;
use crate::journal::{Head, record};
use crate::redact::{Redactor, TooDeep};
use mcs_core::domain::InvalidInput;
use mcs_core::reporter::InteractionAction;
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

/// Longest trace context that is sent on. One that is longer or has other characters is no trace context.
const TRACEPARENT_BYTES: usize = 128;

/// What is said of a call, but for the data.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Event<'a> {
    /// What is said.
    pub(crate) action: InteractionAction,
    /// The call it is said of.
    pub(crate) interaction_id: &'a str,
    /// When, in microseconds since the Unix epoch.
    pub(crate) at_micros: i64,
    /// W3C trace context.
    pub(crate) traceparent: Option<&'a str>,
}

/// Writes events of one reporter.
#[derive(Debug)]
pub(crate) struct Encoder {
    /// As JSON.
    mcp_id: String,
    event_cap: usize,
    redactor: Redactor,
    ids: EventIds,
}

impl Encoder {
    /// Writes events of `mcp_id` whose data is at most `event_cap` bytes.
    pub(crate) fn new(mcp_id: &str, event_cap: usize, redactor: Redactor) -> Self {
        Self {
            mcp_id: serde_json::Value::from(mcp_id).to_string(),
            event_cap,
            redactor,
            ids: EventIds::new(),
        }
    }

    /// Leaves the record in `buffers`. Returns whether the data was too much and something that says so stands in its
    /// place.
    pub(crate) fn encode<T: Serialize + ?Sized>(
        &self,
        event: &Event<'_>,
        data: &T,
        buffers: &mut Buffers,
    ) -> Result<bool, InvalidInput> {
        self.begin(event, &mut buffers.record)?;
        let from = buffers.record.len();
        let size = write_capped(data, event.action, &mut buffers.record, self.event_cap)?;
        let is_cut = self.finish_data(event.action, from, size, buffers)?;
        self.end(event, &mut buffers.record)?;
        Ok(is_cut)
    }

    /// Everything up to the data.
    fn begin(&self, event: &Event<'_>, record: &mut Vec<u8>) -> Result<(), InvalidInput> {
        record::begin(record);
        record.extend_from_slice(b"{\"action\":\"");
        record.extend_from_slice(event.action.as_str().as_bytes());
        record.extend_from_slice(b"\",\"interaction_id\":");
        write_json(event.interaction_id, "interaction_id", record)?;
        record.extend_from_slice(b",\"mcp_id\":");
        record.extend_from_slice(self.mcp_id.as_bytes());
        record.extend_from_slice(b",\"timestamp\":");
        write_seconds(event.at_micros, record)?;
        record.extend_from_slice(b",\"");
        record.extend_from_slice(event.action.data_field().as_bytes());
        record.extend_from_slice(b"\":");
        Ok(())
    }

    /// Everything behind the data, and the head.
    fn end(&self, event: &Event<'_>, record: &mut Vec<u8>) -> Result<(), InvalidInput> {
        let (event_id, seq) = self.ids.next(event.at_micros);
        let mut text = Uuid::encode_buffer();
        record.extend_from_slice(b",\"event_id\":\"");
        record.extend_from_slice(event_id.hyphenated().encode_lower(&mut text).as_bytes());
        record.extend_from_slice(b"\",\"seq\":");
        write_json(&seq, "seq", record)?;
        if let Some(traceparent) = event.traceparent.filter(|text| is_traceparent(text)) {
            record.extend_from_slice(b",\"traceparent\":");
            write_json(traceparent, "traceparent", record)?;
        }
        record.push(b'}');
        let head = Head {
            interaction: record::interaction_key(event.interaction_id),
            at_micros: event.at_micros,
            event_id,
        };
        record::seal(record, &head);
        Ok(())
    }

    /// Looks at the data that stands in the record from `from` on: takes the secrets out, and replaces what is too much.
    fn finish_data(
        &self,
        action: InteractionAction,
        from: usize,
        size: Size,
        buffers: &mut Buffers,
    ) -> Result<bool, InvalidInput> {
        let Buffers { record, scratch } = buffers;
        let kind = kind_of(&record[from..]);
        let fits = match size {
            Size::Over(size) => Err(size),
            Size::Whole(size) => match (kind, self.redactor.redact(record, from, scratch)) {
                ("null", _) => {
                    record.truncate(from);
                    record.extend_from_slice(b"{}");
                    Ok(())
                }
                ("object", Ok(())) if record.len() - from <= self.event_cap => Ok(()),
                // Masks are longer than what they stand for now and then.
                ("object", Ok(()) | Err(TooDeep)) => Err(size),
                _ => return Err(not_an_object(action, kind)),
            },
        };
        if let Err(size) = fits {
            record.truncate(from);
            write_json(&Known::new(kind, size), action.data_field(), record)?;
        }
        Ok(fits.is_err())
    }

    /// The data as a map, and whether it was too much and the map only says so. For who wants to look into it.
    pub(crate) fn capture<T: Serialize + ?Sized>(
        &self,
        data: &T,
        action: InteractionAction,
        buffers: &mut Buffers,
    ) -> Result<(Map<String, Value>, bool), InvalidInput> {
        let text = &mut buffers.scratch;
        text.clear();
        let size = match write_capped(data, action, text, self.event_cap)? {
            Size::Whole(size) => match kind_of(text) {
                "null" => return Ok((Map::new(), false)),
                "object" => match serde_json::from_slice(text) {
                    Ok(map) => return Ok((map, false)),
                    // It nests too deep.
                    Err(_) => size,
                },
                kind => return Err(not_an_object(action, kind)),
            },
            Size::Over(size) => size,
        };
        Ok((Known::new(kind_of(text), size).into_map(), true))
    }
}

fn write_json<T: Serialize + ?Sized>(
    value: &T,
    field: &str,
    into: &mut Vec<u8>,
) -> Result<(), InvalidInput> {
    serde_json::to_writer(into, value).map_err(|error| not_written(field, &error))
}

/// Seconds with six decimals, which a reader's float keeps for the next centuries.
fn write_seconds(at_micros: i64, into: &mut Vec<u8>) -> Result<(), InvalidInput> {
    let Ok(micros) = u64::try_from(at_micros) else {
        #[expect(
            clippy::cast_precision_loss,
            reason = "a clock before 1970 is wrong anyway"
        )]
        return write_json(&(at_micros as f64 / 1e6), "timestamp", into);
    };
    write_json(&(micros / 1_000_000), "timestamp", into)?;
    let mut decimals = *b".000000";
    let mut rest = micros % 1_000_000;
    for digit in decimals[1..].iter_mut().rev() {
        *digit += (rest % 10) as u8;
        rest /= 10;
    }
    into.extend_from_slice(&decimals);
    Ok(())
}

fn is_traceparent(text: &str) -> bool {
    text.len() <= TRACEPARENT_BYTES && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::{SECRET_KEYS, SECRET_PARTS};
    use mcs_core::domain::interaction::InteractionEvent;
    use serde::ser::{SerializeMap as _, SerializeSeq as _, Serializer};
    use serde_json::json;
    use std::cell::Cell;

    const CAP: usize = 2000;

    fn encoder() -> Encoder {
        Encoder::new("mcp \"1\"", CAP, Redactor::new(SECRET_KEYS, SECRET_PARTS))
    }

    fn event() -> Event<'static> {
        Event {
            action: InteractionAction::Complete,
            interaction_id: "int_1700000000_0a1b2c3d",
            at_micros: 1_700_000_000_250_001,
            traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        }
    }

    fn encoded<T: Serialize + ?Sized>(
        event: &Event<'_>,
        data: &T,
    ) -> (Head, InteractionEvent, bool) {
        Buffers::with(|buffers| {
            let is_cut = encoder().encode(event, data, buffers).unwrap();
            let record::Decoded::Record { head, body } = record::decode(&buffers.record) else {
                panic!("no record");
            };
            (head, serde_json::from_slice(body).unwrap(), is_cut)
        })
    }

    fn data_of(data: &(impl Serialize + ?Sized)) -> Value {
        let (_, event, _) = encoded(&event(), data);
        serde_json::from_str(event.data().unwrap().as_str()).unwrap()
    }

    fn refused(data: &(impl Serialize + ?Sized)) -> String {
        Buffers::with(|buffers| {
            encoder()
                .encode(&event(), data, buffers)
                .unwrap_err()
                .to_string()
        })
    }

    #[test]
    fn an_event_is_written_as_the_coordinator_reads_it() {
        let (head, read, is_cut) =
            encoded(&event(), &json!({"success": true, "api_key": "hunter2"}));
        assert!(!is_cut);
        assert_eq!(read.action, InteractionAction::Complete);
        assert_eq!(read.interaction_id, event().interaction_id);
        assert_eq!(read.mcp_id, "mcp \"1\"");
        assert!((read.timestamp - 1_700_000_000.250_001).abs() < 1e-6);
        assert_eq!(read.event_id, Some(head.event_id.to_string()));
        assert_eq!(read.seq, Some(1));
        assert_eq!(read.traceparent.as_deref(), event().traceparent);
        let data: Value = serde_json::from_str(read.result_data.unwrap().as_str()).unwrap();
        assert_eq!(data, json!({"success": true, "api_key": "[redacted]"}));
        assert_eq!(head.at_micros, event().at_micros);
        assert_eq!(
            head.interaction,
            record::interaction_key(event().interaction_id)
        );
    }

    #[test]
    fn what_is_no_trace_context_is_left_out() {
        for text in ["a b", "é", &"0".repeat(TRACEPARENT_BYTES + 1)] {
            let event = Event {
                traceparent: Some(text),
                ..event()
            };
            assert_eq!(encoded(&event, &()).1.traceparent, None);
        }
    }

    #[test]
    fn times_are_written_to_the_microsecond() {
        for (micros, text) in [
            (0, "0.000000"),
            (1, "0.000001"),
            (1_700_000_000_999_999, "1700000000.999999"),
            (-1_500_000, "-1.5"),
            (i64::MAX, "9223372036854.775807"),
        ] {
            let mut written = Vec::new();
            write_seconds(micros, &mut written).unwrap();
            assert_eq!(String::from_utf8(written).unwrap(), text);
        }
    }

    #[test]
    fn data_is_an_object() {
        assert_eq!(data_of(&()), json!({}));
        assert_eq!(data_of(&None::<Value>), json!({}));
        assert!(refused(&1).contains("`result_data` is of type number; give an object"));
        assert!(refused("text").contains("string"));
        assert!(refused(&[1]).contains("array"));
        assert!(refused(&true).contains("boolean"));
        let tuples = std::collections::HashMap::from([((1, 2), 3)]);
        assert!(refused(&tuples).contains("cannot be written as JSON"));
    }

    #[test]
    fn data_that_nests_too_deep_says_so() {
        let deep = (0..200).fold(json!({}), |inner, _| json!({"a": inner}));
        let said = data_of(&deep);
        assert_eq!(said["truncated"], true);
        assert_eq!(said["type"], "object");
    }

    #[test]
    fn the_cap_holds_after_redaction_too() {
        let many: serde_json::Map<String, Value> =
            (0..150).map(|n| (format!("{n}token"), json!(1))).collect();
        assert!(serde_json::to_vec(&many).unwrap().len() < CAP);
        assert_eq!(data_of(&many)["truncated"], true);
        let fits = json!({"a": "x".repeat(CAP - 8)});
        assert_eq!(data_of(&fits), fits);
        assert_eq!(
            data_of(&json!({"a": "x".repeat(CAP - 7)}))["size_so_far"],
            CAP + 1
        );
    }

    /// A billion bytes, made as they are asked for.
    struct Endless<'a>(&'a Cell<usize>);

    impl Serialize for Endless<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut items = serializer.serialize_seq(None)?;
            for _ in 0..1_000_000_000 / 101 {
                self.0.set(self.0.get() + 1);
                items.serialize_element(&"x".repeat(98))?;
            }
            items.end()
        }
    }

    #[test]
    fn serialising_stops_at_the_cap() {
        let asked = Cell::new(0);
        let mut buffers = Buffers::default();
        let data = std::collections::BTreeMap::from([("items", Endless(&asked))]);
        assert_eq!(encoder().encode(&event(), &data, &mut buffers), Ok(true));
        assert_eq!(asked.get(), CAP / 101 + 1);
        assert!(buffers.record.capacity() < 4 * CAP);
        let known: InteractionEvent =
            serde_json::from_slice(&buffers.record[record::HEAD_BYTES..]).unwrap();
        let known: Value = serde_json::from_str(known.data().unwrap().as_str()).unwrap();
        assert_eq!(known["type"], "object");
        let size = known["size_so_far"].as_u64().unwrap();
        assert!((CAP as u64..CAP as u64 + 200).contains(&size), "{size}");
    }

    /// Passes over the errors of whom it writes to.
    struct Stubborn;

    impl Serialize for Stubborn {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(None)?;
            for _ in 0..100 {
                let _ = map.serialize_entry("key", &"x".repeat(100));
            }
            map.end()
        }
    }

    struct Panics;

    impl Serialize for Panics {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            panic!("on purpose");
        }
    }

    #[test]
    fn serialize_may_misbehave() {
        assert_eq!(data_of(&Stubborn)["truncated"], true);
        assert!(refused(&Panics).contains("its Serialize panicked"));
    }
}
