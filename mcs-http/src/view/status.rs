use mcs_core::domain::Status;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use std::borrow::Cow;

/// A status, with the names it can have in its schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StatusName(pub(crate) Status);

impl Serialize for StatusName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_str())
    }
}

impl JsonSchema for StatusName {
    fn schema_name() -> Cow<'static, str> {
        "Status".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let meanings = Status::ALL.map(|status| format!("- `{status}`: {}", status.meaning()));
        json_schema!({
            "type": "string",
            "enum": Status::ALL.map(Status::as_str),
            "description": meanings.join("\n"),
        })
    }
}
