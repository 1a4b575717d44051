use crate::domain::{InvalidInput, Json, limits};
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
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
    /// list, tells nothing; the data is kept as it is in any case.
    pub fn read(field: &str, data: &Json) -> Result<Self, InvalidInput> {
        if !data.as_str().trim_start().starts_with('{') {
            let start: String = data.as_str().chars().take(40).collect();
            let problem = format!("is `{start}`; send an object, or leave it out");
            return Err(InvalidInput::new(field, problem));
        }
        let found: Found = data
            .parse()
            .map_err(|error| InvalidInput::new(field, format!("cannot be read: {error}")))?;
        let seconds = found.processing_time.or(found.metrics_time);
        Ok(Self {
            duration_us: seconds.and_then(micros),
            ..found.facts
        })
    }
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

/// What was met on the way through the object.
#[derive(Default)]
struct Found {
    facts: Facts,
    processing_time: Option<f64>,
    metrics_time: Option<f64>,
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

// Written by hand, since a derived one fails at a field that is there twice.
impl<'de> Deserialize<'de> for Found {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Found;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Found, A::Error> {
                let mut found = Found::default();
                while let Some(field) = map.next_key()? {
                    match field {
                        Field::UserId => found.facts.user_id = map.next_value::<Loose>()?.name(),
                        Field::RequestType => {
                            found.facts.request_type = map.next_value::<Loose>()?.name();
                        }
                        Field::Tool => found.facts.tool = map.next_value::<Loose>()?.name(),
                        Field::ErrorType => {
                            found.facts.error_type = map.next_value::<Loose>()?.name();
                        }
                        Field::ProcessingTime => {
                            found.processing_time = map.next_value::<Loose>()?.number();
                        }
                        Field::PerformanceMetrics => {
                            found.metrics_time = map.next_value::<Loose>()?.time();
                        }
                        Field::Other => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(found)
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// A value of any type, of which only what may be a fact is kept.
enum Loose {
    Text(String),
    Number(f64, String),
    /// An object with this `processing_time`.
    Metrics(Option<f64>),
    Nothing,
}

impl Loose {
    /// A name as it is kept: cut at its bound, and without the control characters that no name has.
    fn name(self) -> Option<Arc<str>> {
        let (Self::Text(mut text) | Self::Number(_, mut text)) = self else {
            return None;
        };
        text.truncate(text.floor_char_boundary(limits::NAME_BYTES));
        if text.chars().any(char::is_control) {
            text.retain(|c| !c.is_control());
        }
        Some(text).filter(|text| !text.is_empty()).map(Arc::from)
    }

    fn number(self) -> Option<f64> {
        match self {
            Self::Number(number, _) => Some(number),
            Self::Text(_) | Self::Metrics(_) | Self::Nothing => None,
        }
    }

    fn time(self) -> Option<f64> {
        match self {
            Self::Metrics(time) => time,
            Self::Text(_) | Self::Number(..) | Self::Nothing => None,
        }
    }
}

impl<'de> Deserialize<'de> for Loose {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Anything;
        impl<'de> Visitor<'de> for Anything {
            type Value = Loose;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("anything")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Loose, E> {
                // What is longer is cut in any case, so that a megabyte is not copied first.
                let end = text.floor_char_boundary(2 * limits::NAME_BYTES);
                Ok(Loose::Text(text[..end].to_owned()))
            }

            fn visit_bool<E: Error>(self, _: bool) -> Result<Loose, E> {
                Ok(Loose::Nothing)
            }

            #[expect(clippy::cast_precision_loss)]
            fn visit_i64<E: Error>(self, number: i64) -> Result<Loose, E> {
                Ok(Loose::Number(number as f64, number.to_string()))
            }

            #[expect(clippy::cast_precision_loss)]
            fn visit_u64<E: Error>(self, number: u64) -> Result<Loose, E> {
                Ok(Loose::Number(number as f64, number.to_string()))
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Loose, E> {
                Ok(Loose::Number(number, number.to_string()))
            }

            fn visit_unit<E: Error>(self) -> Result<Loose, E> {
                Ok(Loose::Nothing)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Loose, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Loose::Nothing)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Loose, A::Error> {
                let mut time = None;
                while let Some(field) = map.next_key()? {
                    if matches!(field, Field::ProcessingTime) {
                        time = map.next_value::<Shallow>()?.0;
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(Loose::Metrics(time))
            }
        }
        deserializer.deserialize_any(Anything)
    }
}

/// A number, if it is one. Looks no deeper, so that no nesting is too deep.
struct Shallow(Option<f64>);

impl<'de> Deserialize<'de> for Shallow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&serde_json::value::RawValue>::deserialize(deserializer)?;
        Ok(Self(serde_json::from_str(raw.get()).ok()))
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
        for nonsense in ["-1", "1e300", "\"1\"", "null", "[1]"] {
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
    fn what_is_no_object_is_refused_with_its_start() {
        for text in ["[1]", "\"x\"", "5", "true"] {
            let error = Facts::read("error_data", &Json::from_stored(text)).unwrap_err();
            assert!(error.to_string().contains(text), "{error}");
            assert_eq!(error.field, "error_data");
        }
        assert!(Facts::read("error_data", &Json::from_stored("{")).is_err());
    }
}
