use serde_json::{Map, Value};

/// What a schema takes, in words.
pub(super) fn expected(schema: &Value) -> String {
    match schema {
        Value::Object(schema) => expected_of(schema),
        _ => "any JSON".to_owned(),
    }
}

/// What the schema of an object takes, in words.
pub(super) fn expected_of(schema: &Map<String, Value>) -> String {
    if let Some(Value::Array(choices)) = schema.get("anyOf") {
        return choices
            .iter()
            .map(expected)
            .collect::<Vec<_>>()
            .join(", or ");
    }
    if let Some(Value::Array(choices)) = schema.get("enum") {
        let names: Vec<&str> = choices.iter().filter_map(Value::as_str).collect();
        return format!("one of {}", names.join(", "));
    }
    let bound = |name: &str| schema.get(name).map(Value::to_string);
    match schema.get("type").and_then(Value::as_str) {
        Some("string") => "a text".to_owned(),
        Some("boolean") => "true or false".to_owned(),
        Some("object") => "an object".to_owned(),
        Some("array") => {
            let each = schema.get("items").map_or("any JSON".to_owned(), expected);
            let sizes = match (bound("minItems"), bound("maxItems")) {
                (Some(least), Some(most)) => format!(" of {least} to {most} entries"),
                (None, Some(most)) => format!(" of at most {most} entries"),
                _ => String::new(),
            };
            format!("a list{sizes}, each {each}")
        }
        Some(kind @ ("integer" | "number")) => {
            let noun = if kind == "integer" {
                "a whole number"
            } else {
                "a number"
            };
            match (
                bound("exclusiveMinimum"),
                bound("minimum"),
                bound("maximum"),
            ) {
                (Some(below), _, Some(most)) => format!("{noun} above {below}, at most {most}"),
                (Some(below), _, None) => format!("{noun} above {below}"),
                (None, Some(least), Some(most)) => format!("{noun} from {least} to {most}"),
                (None, Some(least), None) => format!("{noun} of at least {least}"),
                (None, None, Some(most)) => format!("{noun} of at most {most}"),
                (None, None, None) => noun.to_owned(),
            }
        }
        _ => "any JSON".to_owned(),
    }
}
