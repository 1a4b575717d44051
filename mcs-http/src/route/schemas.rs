use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value};

/// The schema of a type, once somebody asks for it.
pub(super) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

pub(super) fn schema_of<T: JsonSchema + ?Sized>() -> SchemaOf {
    |generator| generator.subschema_for::<T>()
}

/// The schemas of a document. Those with a name are kept once and referred to.
///
/// What is read and what is written differ: a field that may be left out by a caller is always there in an answer, or never
/// null in one.
#[derive(Debug)]
pub(super) struct Schemas {
    read: SchemaGenerator,
    written: SchemaGenerator,
}

/// Where `OpenAPI` keeps them.
const PLACE: &str = "/components/schemas";

impl Schemas {
    pub(super) fn new() -> Self {
        let settings = SchemaSettings::draft2020_12().with(|settings| {
            settings.definitions_path = PLACE.into();
            settings.meta_schema = None;
        });
        Self {
            read: settings.clone().for_deserialize().into_generator(),
            written: settings.for_serialize().into_generator(),
        }
    }

    /// The schema of what callers send.
    pub(super) fn read(&mut self, schema: SchemaOf) -> Value {
        let mut schema = schema(&mut self.read).to_value();
        tidy(&mut schema);
        schema
    }

    /// The schema of what is answered.
    pub(super) fn written(&mut self, schema: SchemaOf) -> Value {
        let mut schema = schema(&mut self.written).to_value();
        tidy(&mut schema);
        drop_nulls(&mut schema);
        schema
    }

    /// The fields of the object that `schema` describes, each with its schema and whether it must be there.
    pub(super) fn fields(&mut self, schema: SchemaOf) -> Vec<(String, Value, bool)> {
        let mut schema = schema(&mut self.read).to_value();
        // A named type is referred to; its fields are wanted here, and its name is not.
        let reference = schema.get("$ref").and_then(Value::as_str);
        if let Some(name) = reference.and_then(|place| place.rsplit('/').next()) {
            schema = self.read.definitions_mut().remove(name).unwrap_or_default();
        }
        tidy(&mut schema);
        let required = schema.get("required").cloned().unwrap_or_default();
        let is_required = |name: &str| {
            let names = required.as_array();
            names.is_some_and(|names| names.iter().any(|required| required == name))
        };
        let Some(Value::Object(properties)) = schema.get_mut("properties").map(Value::take) else {
            return Vec::new();
        };
        let field = |(name, mut schema): (String, Value)| {
            let required = is_required(&name);
            // A query has no way to say null.
            drop_null(&mut schema);
            (name, schema, required)
        };
        properties.into_iter().map(field).collect()
    }

    /// Those with a name.
    pub(super) fn into_named(mut self) -> Map<String, Value> {
        let mut named = self.read.take_definitions(true);
        named.values_mut().for_each(tidy);
        for (name, mut schema) in self.written.take_definitions(true) {
            tidy(&mut schema);
            drop_nulls(&mut schema);
            named.insert(name, schema);
        }
        named
    }
}

/// Takes out what Rust says and a client does not need.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if object.get("default").is_some_and(Value::is_null) {
                object.remove("default");
            }
            if object.get("format").is_some_and(is_width) {
                object.remove("format");
            }
            object.values_mut().for_each(tidy);
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        _ => {}
    }
}

fn is_width(format: &Value) -> bool {
    let known = ["uint", "int", "float", "double"];
    let format = format.as_str();
    format.is_some_and(|format| known.iter().any(|prefix| format.starts_with(prefix)))
}

/// Fields that may be left out of an answer are left out rather than null.
fn drop_nulls(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            let required = object.get("required").cloned().unwrap_or_default();
            if let Some(Value::Object(properties)) = object.get_mut("properties") {
                for (name, property) in properties {
                    let names = required.as_array();
                    if !names.is_some_and(|names| names.iter().any(|required| required == name)) {
                        drop_null(property);
                    }
                }
            }
            object.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

fn drop_null(schema: &mut Value) {
    if let Value::Object(object) = schema {
        mcs_core::schema::drop_null(object);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::{Deserialize, Serialize};
    use serde_json::json;

    #[derive(Serialize, Deserialize, JsonSchema)]
    struct Sample {
        /// A name.
        name: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        count: Option<u32>,
        inner: Option<Inner>,
    }

    #[derive(Serialize, Deserialize, JsonSchema)]
    struct Inner {
        share: f64,
    }

    #[test]
    fn what_is_read_may_be_null_and_what_is_written_only_where_it_is() {
        let mut schemas = Schemas::new();
        assert_eq!(
            schemas.written(schema_of::<Sample>()),
            json!({"$ref": "#/components/schemas/Sample"})
        );
        let named = schemas.into_named();
        assert_eq!(
            named["Sample"],
            json!({
                "type": "object",
                "properties": {
                    "name": {"type": "string", "description": "A name."},
                    "count": {"type": "integer", "minimum": 0},
                    "inner": {"anyOf": [{"$ref": "#/components/schemas/Inner"}, {"type": "null"}]},
                },
                "required": ["name", "inner"],
            })
        );
        let mut schemas = Schemas::new();
        schemas.read(schema_of::<Sample>());
        let named = schemas.into_named();
        let types = json!(["integer", "null"]);
        assert_eq!(named["Sample"]["properties"]["count"]["type"], types);
        assert_eq!(named["Sample"]["required"], json!(["name"]));
    }

    #[test]
    fn the_fields_of_a_query_are_never_null_and_their_type_has_no_name() {
        let mut schemas = Schemas::new();
        let fields = schemas.fields(schema_of::<Sample>());
        let count = fields.iter().find(|(name, ..)| name == "count").unwrap();
        assert_eq!(count.1, json!({"type": "integer", "minimum": 0}));
        assert!(!count.2);
        assert!(
            fields
                .iter()
                .any(|(name, _, required)| name == "name" && *required)
        );
        assert!(!schemas.into_named().contains_key("Sample"));
    }
}
