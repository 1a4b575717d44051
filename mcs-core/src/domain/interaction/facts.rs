use crate::domain::{InvalidInput, Json, limits};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;
use std::sync::Arc;

/// Longest duration that is believed: a hundred years.
const LONGEST_SECONDS: f64 = 100.0 * 365.0 * 86_400.0;

/// What an event's data says of the call, of the fields that interactions are found by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// On whose behalf (`user_id`).
    pub user_id: Option<Arc<str>>,
    /// What was asked for (`request_type`).
    pub request_type: Option<Arc<str>>,
    /// The tool that was called (`tool`).
    pub tool: Option<Arc<str>>,
    /// What went wrong (`error_type`).
    pub error_type: Option<Arc<str>>,
    /// How long it took by its reporter's own clock (`processing_time` in seconds, also inside of
    /// `performance_metrics`), in microseconds.
    pub duration_us: Option<u64>,
}

impl Facts {
    /// Reads the facts of a data object and refuses what is none.
    ///
    /// Names that are numbers are taken as their text, and long ones are cut. A field with anything else in it, such as a
    /// list, or half of a surrogate pair, tells nothing; the data is kept as it is in any case.
    pub fn read(field: &str, data: &Json) -> Result<Self, InvalidInput> {
        if !data.as_str().trim_start().starts_with('{') {
            let start: String = data.as_str().chars().take(40).collect();
            let problem = format!("is `{start}`; send an object, or leave it out");
            return Err(InvalidInput::new(field, problem));
        }
        let found: Found<'_> = serde_json::from_str(data.as_str())
            .map_err(|error| InvalidInput::new(field, format!("cannot be read: {error}")))?;
        let inside = || {
            let metrics: Found<'_> = lenient(found.performance_metrics)?;
            lenient(metrics.processing_time)
        };
        let seconds: Option<f64> = lenient(found.processing_time).or_else(inside);
        Ok(Self {
            user_id: found.user_id.and_then(name),
            request_type: found.request_type.and_then(name),
            tool: found.tool.and_then(name),
            error_type: found.error_type.and_then(name),
            duration_us: seconds.and_then(micros),
        })
    }
}

/// A value, if it is there and a `T`.
fn lenient<'a, T: Deserialize<'a>>(raw: Option<&'a RawValue>) -> Option<T> {
    serde_json::from_str(raw?.get()).ok()
}

/// A name as it is kept: cut at its bound, and without the control characters that no name has.
fn name(raw: &RawValue) -> Option<Arc<str>> {
    let text = raw.get();
    let mut text = match text.as_bytes().first()? {
        b'"' => serde_json::from_str(text).ok()?,
        b'-' | b'0'..=b'9' => text.to_owned(),
        _ => return None,
    };
    text.truncate(text.floor_char_boundary(limits::NAME_BYTES));
    text.retain(|c| !c.is_control());
    Some(text).filter(|text| !text.is_empty()).map(Arc::from)
}

fn micros(seconds: f64) -> Option<u64> {
    if !(0.0..=LONGEST_SECONDS).contains(&seconds) {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is in the range"
    )]
    Some((seconds * 1e6).round() as u64)
}

/// The values of an object that may be facts, not looked into: none that is odd keeps the others from being read, and no
/// nesting is too deep.
#[derive(Default)]
struct Found<'a> {
    user_id: Option<&'a RawValue>,
    request_type: Option<&'a RawValue>,
    tool: Option<&'a RawValue>,
    error_type: Option<&'a RawValue>,
    processing_time: Option<&'a RawValue>,
    performance_metrics: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Field {
    UserId,
    RequestType,
    Tool,
    ErrorType,
    ProcessingTime,
    PerformanceMetrics,
    #[serde(other)]
    Other,
}

// Written by hand, since a derived one fails at a field that is there twice, and at one whose name is no text.
impl<'de> Deserialize<'de> for Found<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Found<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Found<'de>, A::Error> {
                let mut found = Found::default();
                while let Some((field, value)) = map.next_entry::<&RawValue, &RawValue>()? {
                    let place = match lenient(Some(field)) {
                        Some(Field::UserId) => &mut found.user_id,
                        Some(Field::RequestType) => &mut found.request_type,
                        Some(Field::Tool) => &mut found.tool,
                        Some(Field::ErrorType) => &mut found.error_type,
                        Some(Field::ProcessingTime) => &mut found.processing_time,
                        Some(Field::PerformanceMetrics) => &mut found.performance_metrics,
                        Some(Field::Other) | None => continue,
                    };
                    *place = Some(value);
                }
                Ok(found)
            }
        }
        deserializer.deserialize_map(Object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Facts {
        Facts::read("request_data", &Json::parse_text(text).unwrap()).unwrap()
    }

    #[expect(clippy::unnecessary_wraps, reason = "what a fact is")]
    fn name(text: &str) -> Option<Arc<str>> {
        Some(text.into())
    }

    #[test]
    fn facts_are_found_among_everything_else() {
        let facts = read(
            r#"{"a": [1, {"user_id": "no"}], "user_id": "u1", "request_type": "tools/call", "tool": "add",
                "error_type": "ValueError", "processing_time": 0.0015, "parameters": {"tool": "no"}}"#,
        );
        let wanted = Facts {
            user_id: name("u1"),
            request_type: name("tools/call"),
            tool: name("add"),
            error_type: name("ValueError"),
            duration_us: Some(1500),
        };
        assert_eq!(facts, wanted);
        assert_eq!(read("{}"), Facts::default());
    }

    #[test]
    fn numbers_are_names_and_other_types_tell_nothing() {
        assert_eq!(read(r#"{"user_id": 42}"#).user_id, name("42"));
        assert_eq!(read(r#"{"user_id": -1.5}"#).user_id, name("-1.5"));
        for nothing in [
            "null",
            "true",
            "[\"u\"]",
            "{\"id\": 1}",
            "\"\"",
            "\"\\u0000\"",
        ] {
            assert_eq!(
                read(&format!(r#"{{"user_id": {nothing}}}"#)).user_id,
                None,
                "{nothing}"
            );
        }
        // What is there twice counts as it was said last.
        assert_eq!(read(r#"{"tool": "a", "tool": "b"}"#).tool, name("b"));
        assert_eq!(read(r#"{"t\u006fol": "a\nb"}"#).tool, name("ab"));
    }

    #[test]
    fn a_long_name_is_cut_between_characters() {
        let long = format!(r#"{{"tool": "{}"}}"#, "é".repeat(100_000));
        let tool = read(&long).tool.unwrap();
        assert_eq!(tool.len(), limits::NAME_BYTES);
        assert!(tool.chars().all(|c| c == 'é'));
    }

    #[test]
    fn durations_make_sense_or_are_passed_over() {
        assert_eq!(
            read(r#"{"processing_time": 2}"#).duration_us,
            Some(2_000_000)
        );
        for nonsense in ["-1", "1e300", "1e999", "\"1\"", "null", "[1]"] {
            let facts = read(&format!(r#"{{"processing_time": {nonsense}}}"#));
            assert_eq!(facts.duration_us, None, "{nonsense}");
        }
        let inside = r#"{"performance_metrics": {"cpu": [[]], "processing_time": 0.5}}"#;
        assert_eq!(read(inside).duration_us, Some(500_000));
        let both = r#"{"processing_time": 1, "performance_metrics": {"processing_time": 0.5}}"#;
        assert_eq!(read(both).duration_us, Some(1_000_000));
    }

    #[test]
    fn deep_nesting_is_no_obstacle() {
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        for field in ["x", "tool", "performance_metrics"] {
            let text = format!(r#"{{"{field}": {deep}, "user_id": "u"}}"#);
            let facts = Facts::read("request_data", &Json::from_stored(text)).unwrap();
            assert_eq!(facts.user_id, name("u"), "{field}");
        }
    }

    #[test]
    fn what_no_text_can_hold_tells_nothing_and_hides_nothing() {
        let half = r#"{"\ud83d": 1e999, "user_id": "\ud83d", "tool": "add", "processing_time": 1e999,
            "performance_metrics": {"\udc00": "\udc00", "processing_time": 0.5}}"#;
        let wanted = Facts {
            tool: name("add"),
            duration_us: Some(500_000),
            ..Facts::default()
        };
        assert_eq!(read(half), wanted);
        assert_eq!(read(r#"{"performance_metrics": 1e999}"#), Facts::default());
    }

    #[test]
    fn what_is_no_object_is_refused_with_its_start() {
        for text in ["[1]", "\"x\"", "5", "true"] {
            let error = Facts::read("error_data", &Json::from_stored(text)).unwrap_err();
            assert!(error.to_string().contains(text), "{error}");
            assert_eq!(error.field, "error_data");
        }
        assert!(Facts::read("error_data", &Json::from_stored("{")).is_err());
    }
}
