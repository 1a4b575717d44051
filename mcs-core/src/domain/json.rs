use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer, ser};
use serde_json::value::RawValue;
use std::fmt;
use std::sync::Arc;

/// A JSON text that is shared and parsed only where somebody looks inside.
///
/// Payloads and results can be megabytes. Between a caller, the store and an executor they travel as text, so that
/// moving one costs a reference count.
#[derive(Clone, PartialEq, Eq)]
pub struct Json(Arc<str>);

impl Json {
    /// `value` as JSON. Fails for values that JSON cannot hold, such as a map with keys that are not text.
    pub fn new<T: Serialize + ?Sized>(value: &T) -> Result<Self, serde_json::Error> {
        serde_json::to_string(value).map(|text| Self(text.into()))
    }

    /// `text` once it has been checked to be one JSON value.
    pub fn parse_text(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str::<&RawValue>(text).map(|raw| Self(raw.get().into()))
    }

    /// Text that was written as JSON before, such as a column of a store. It is not checked again here: a wrong text
    /// shows as an error where it is parsed or serialised.
    pub fn from_stored(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The JSON text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The value as a `T`.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&self.0)
    }

    /// Whether both texts mean the same value, whatever the order of keys and the white space.
    pub fn same_value(&self, other: &Self) -> bool {
        let parse = |json: &Self| json.parse::<serde_json::Value>().ok();
        self == other || parse(self).is_some_and(|value| parse(other) == Some(value))
    }
}

impl From<serde_json::Value> for Json {
    fn from(value: serde_json::Value) -> Self {
        Self(value.to_string().into())
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde_json::from_str::<&RawValue>(&self.0)
            .map_err(ser::Error::custom)?
            .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(|raw| Self(Box::<str>::from(raw).into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_kept_and_only_json_is_taken() {
        let json = Json::parse_text(r#" {"b": 1, "a": [2]} "#).unwrap();
        assert_eq!(json.as_str(), r#"{"b": 1, "a": [2]}"#);
        assert_eq!(
            serde_json::to_string(&json).unwrap(),
            r#"{"b": 1, "a": [2]}"#
        );
        assert!(Json::parse_text("{").is_err());
    }

    #[test]
    fn order_and_space_do_not_change_the_value() {
        let one = Json::from_stored(r#"{"a":1,"b":2}"#);
        assert!(one.same_value(&Json::from_stored(r#"{ "b":2, "a":1 }"#)));
        assert!(!one.same_value(&Json::from_stored(r#"{"a":1}"#)));
    }
}
