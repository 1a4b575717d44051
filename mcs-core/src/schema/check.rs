use super::names::{nearest, shortened};
use super::words::{expected, expected_of};
use crate::domain::InvalidInput;
use serde_json::{Map, Value};

/// Refuses an object that is not as `schema` says, naming the first field that is wrong and what it should be. `null` is
/// as good as nothing where nothing is allowed.
pub fn check(schema: &Map<String, Value>, object: &Map<String, Value>) -> Result<(), InvalidInput> {
    check_object("", schema, object)
}

fn check_object(
    path: &str,
    schema: &Map<String, Value>,
    object: &Map<String, Value>,
) -> Result<(), InvalidInput> {
    let properties = schema.get("properties").and_then(Value::as_object);
    let closed = schema.get("additionalProperties") == Some(&Value::Bool(false));
    for (name, value) in object {
        let field = if path.is_empty() {
            shortened(name)
        } else {
            format!("{path}.{}", shortened(name))
        };
        match properties.and_then(|properties| properties.get(name)) {
            // Callers write null for what they leave out.
            Some(_) if value.is_null() && !requires(schema, name) => {}
            Some(schema) => check_value(&field, schema, value)?,
            None if closed => return Err(unknown(&field, name, properties)),
            None => {}
        }
    }
    let required = schema.get("required").and_then(Value::as_array);
    let missing = required.and_then(|names| {
        let mut names = names.iter().filter_map(Value::as_str);
        names.find(|name| !object.contains_key(*name))
    });
    match missing {
        Some(name) => {
            let field = if path.is_empty() {
                name.to_owned()
            } else {
                format!("{path}.{name}")
            };
            let form = properties.and_then(|properties| properties.get(name));
            let form = form.map_or_else(|| "a value".to_owned(), expected);
            Err(InvalidInput::new(field, format!("is missing; give {form}")))
        }
        None => Ok(()),
    }
}

fn requires(schema: &Map<String, Value>, name: &str) -> bool {
    let required = schema.get("required").and_then(Value::as_array);
    required.is_some_and(|names| names.iter().any(|required| required == name))
}

fn unknown(field: &str, name: &str, properties: Option<&Map<String, Value>>) -> InvalidInput {
    let known: Vec<&str> = properties
        .into_iter()
        .flat_map(|properties| properties.keys().map(String::as_str))
        .collect();
    let problem = match nearest(name, known.iter().copied()) {
        Some(near) => format!("is not a known field; did you mean `{near}`?"),
        None if known.is_empty() => "is not a known field; there are none here".to_owned(),
        None => format!("is not a known field; there are {}", known.join(", ")),
    };
    InvalidInput::new(field, problem)
}

fn check_value(field: &str, schema: &Value, value: &Value) -> Result<(), InvalidInput> {
    let Value::Object(schema) = schema else {
        return Ok(());
    };
    if let Some(Value::Array(choices)) = schema.get("anyOf") {
        let fits = |choice| check_value(field, choice, value).is_ok();
        return if choices.iter().any(fits) {
            Ok(())
        } else {
            Err(wrong(field, schema, value))
        };
    }
    let fits = match (schema.get("type").and_then(Value::as_str), value) {
        (Some("object"), Value::Object(object)) => return check_object(field, schema, object),
        (Some("array"), Value::Array(items)) => return check_items(field, schema, items),
        (Some("string"), Value::String(text)) => is_choice(schema, text),
        (Some("integer"), Value::Number(number)) => {
            (number.is_u64() || number.is_i64()) && in_range(schema, number)
        }
        (Some("number"), Value::Number(number)) => in_range(schema, number),
        (Some("boolean"), Value::Bool(_)) | (None, _) => true,
        _ => false,
    };
    if fits {
        Ok(())
    } else {
        Err(wrong(field, schema, value))
    }
}

fn check_items(
    field: &str,
    schema: &Map<String, Value>,
    items: &[Value],
) -> Result<(), InvalidInput> {
    let bound = |name: &str| schema.get(name).and_then(Value::as_u64);
    let count = items.len() as u64;
    if bound("minItems").is_some_and(|least| count < least)
        || bound("maxItems").is_some_and(|most| count > most)
    {
        let problem = format!("has {count} entries; expected {}", expected_of(schema));
        return Err(InvalidInput::new(field, problem));
    }
    let Some(form) = schema.get("items") else {
        return Ok(());
    };
    for (index, item) in items.iter().enumerate() {
        check_value(&format!("{field}[{index}]"), form, item)?;
    }
    Ok(())
}

/// Names are compared without case, as the core reads them.
fn is_choice(schema: &Map<String, Value>, text: &str) -> bool {
    let choices = schema.get("enum").and_then(Value::as_array);
    choices.is_none_or(|choices| {
        let mut names = choices.iter().filter_map(Value::as_str);
        names.any(|name| name.eq_ignore_ascii_case(text))
    })
}

fn in_range(schema: &Map<String, Value>, number: &serde_json::Number) -> bool {
    let value = number.as_f64().unwrap_or(f64::NAN);
    let bound = |name: &str| schema.get(name).and_then(Value::as_f64);
    bound("minimum").is_none_or(|least| value >= least)
        && bound("maximum").is_none_or(|most| value <= most)
        && bound("exclusiveMinimum").is_none_or(|below| value > below)
}

fn wrong(field: &str, schema: &Map<String, Value>, value: &Value) -> InvalidInput {
    let shown = match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(value) => value.to_string(),
        Value::String(text) => format!("the text `{}`", shortened(text)),
        Value::Array(items) => format!("a list of {}", items.len()),
        Value::Object(_) => "an object".to_owned(),
    };
    InvalidInput::new(
        field,
        format!("is {shown}; expected {}", expected_of(schema)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(value: Value) -> Map<String, Value> {
        let Value::Object(object) = value else {
            panic!("{value} is no object");
        };
        object
    }

    fn schema() -> Map<String, Value> {
        object(json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["name"],
            "properties": {
                "name": {"type": "string"},
                "limit": {"type": "integer", "minimum": 1, "maximum": 500},
                "seconds": {"type": "number", "exclusiveMinimum": 0},
                "status": {"type": "string", "enum": ["PENDING", "FAILED"]},
                "priority": {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 10},
                                       {"type": "string", "enum": ["low", "high"]}]},
                "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 2},
                "payload": true,
                "tasks": {"type": "array", "items": {"type": "object", "additionalProperties": false,
                    "properties": {"queue": {"type": "string"}}}},
            },
        }))
    }

    fn problem(arguments: Value) -> String {
        check(&schema(), &object(arguments))
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn what_fits_is_taken() {
        let arguments = json!({"name": "a", "limit": 500, "seconds": 0.5, "status": "failed", "priority": "High",
            "tags": ["x"], "payload": [1], "tasks": [{"queue": "q"}]});
        check(&schema(), &object(arguments)).unwrap();
        check(&schema(), &object(json!({"name": "a", "limit": null}))).unwrap();
    }

    #[test]
    fn what_does_not_is_named_with_what_to_write() {
        let cases = [
            (json!({}), "`name` is missing; give a text"),
            (json!({"name": null}), "`name` is null; expected a text"),
            (
                json!({"name": "a", "limt": 5}),
                "`limt` is not a known field; did you mean `limit`?",
            ),
            (
                json!({"name": "a", "zzz": 5}),
                "`zzz` is not a known field; there are limit, name",
            ),
            (json!({"name": 5}), "`name` is 5; expected a text"),
            (
                json!({"name": "a", "limit": "ten"}),
                "`limit` is the text `ten`; expected a whole number from 1 to 500",
            ),
            (
                json!({"name": "a", "limit": 5.5}),
                "`limit` is 5.5; expected a whole number",
            ),
            (
                json!({"name": "a", "limit": 0}),
                "`limit` is 0; expected a whole number from 1",
            ),
            (
                json!({"name": "a", "seconds": 0}),
                "`seconds` is 0; expected a number above 0",
            ),
            (
                json!({"name": "a", "status": "DONE"}),
                "expected one of PENDING, FAILED",
            ),
            (
                json!({"name": "a", "priority": 11}),
                "`priority` is 11; expected a whole number from 1 to 10, or one of low, high",
            ),
            (
                json!({"name": "a", "tags": ["x", 5]}),
                "`tags[1]` is 5; expected a text",
            ),
            (
                json!({"name": "a", "tags": ["x", "y", "z"]}),
                "`tags` has 3 entries; expected a list of at most 2 entries, each a text",
            ),
            (
                json!({"name": "a", "tasks": [{"queue": "q"}, {"qeue": "q"}]}),
                "`tasks[1].qeue` is not a known field; did you mean `queue`?",
            ),
        ];
        for (arguments, wanted) in cases {
            let problem = problem(arguments.clone());
            assert!(problem.contains(wanted), "{arguments}: {problem}");
        }
    }

    #[test]
    fn long_texts_are_shortened() {
        let problem = problem(json!({"name": "a", "limit": "x".repeat(1_000_000)}));
        assert!(problem.len() < 200, "{}", problem.len());
    }
}
