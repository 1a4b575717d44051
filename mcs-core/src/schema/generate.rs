use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

/// The JSON Schema of `T` as its callers should see it: in one piece, without `$defs`, and with optional fields left out
/// rather than null.
pub fn of<T: JsonSchema>() -> Map<String, Value> {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value();
    tidy(&mut schema);
    match schema {
        Value::Object(mut object) => {
            object.remove("title");
            object.remove("description");
            object
        }
        _ => Map::new(),
    }
}

/// Takes out what Rust says and a client does not need: null alternatives and the widths of numbers.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            drop_null(object);
            if object.get("default").is_some_and(Value::is_null) {
                object.remove("default");
            }
            if object.contains_key("type") && object.get("format").is_some_and(is_width) {
                object.remove("format");
            }
            object.values_mut().for_each(tidy);
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        _ => {}
    }
}

/// Takes null out of what a schema allows, where to leave a value out is how to say that there is none.
pub fn drop_null(object: &mut Map<String, Value>) {
    if let Some(Value::Array(names)) = object.get_mut("enum") {
        names.retain(|name| !name.is_null());
    }
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            object.insert("type".into(), only);
        }
    }
    if let Some(Value::Array(choices)) = object.get_mut("anyOf") {
        choices.retain(|choice| choice.get("type").is_none_or(|name| name != "null"));
        if let [Value::Object(only)] = choices.as_slice() {
            let only = only.clone();
            object.remove("anyOf");
            for (key, value) in only {
                object.entry(key).or_insert(value);
            }
        }
    }
}

fn is_width(format: &Value) -> bool {
    let known = ["uint", "int", "float", "double"];
    format
        .as_str()
        .is_some_and(|format| known.iter().any(|prefix| format.starts_with(prefix)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Sample {
        /// A name.
        name: String,
        /// A count.
        count: Option<u32>,
        inner: Option<Inner>,
        choice: Option<Choice>,
    }

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    enum Choice {
        One,
        Two,
    }

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Inner {
        format: f64,
    }

    #[test]
    fn it_is_one_piece_without_nulls_and_widths() {
        let schema = Value::Object(of::<Sample>());
        let wanted = json!({
            "type": "object",
            "properties": {
                "name": {"type": "string", "description": "A name."},
                "count": {"type": "integer", "minimum": 0, "description": "A count."},
                "inner": {
                    "type": "object",
                    "properties": {"format": {"type": "number"}},
                    "required": ["format"],
                },
                "choice": {"type": "string", "enum": ["One", "Two"]},
            },
            "required": ["name"],
        });
        assert_eq!(schema, wanted);
    }
}
