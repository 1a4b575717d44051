//! Checks the arguments of a call against the schema that was shown for it, so that a model reads what to write instead
//! of what a parser stumbled over.

use mcs_core::domain::InvalidInput;
use rmcp::model::JsonObject;
use serde_json::Value;

/// Refuses arguments that are not as `schema` says, naming the first field that is wrong and what it should be.
pub(crate) fn check(schema: &JsonObject, arguments: &JsonObject) -> Result<(), InvalidInput> {
    check_object("", schema, arguments)
}

/// Writes numbers such as `5.0` as whole ones where `schema` wants them whole, as JSON Schema counts them; parsers do not.
pub(crate) fn make_whole(schema: &JsonObject, arguments: &mut JsonObject) {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        return;
    };
    for (name, value) in arguments {
        if let Some(schema) = properties.get(name) {
            make_value_whole(schema, value);
        }
    }
}

/// The name in `known` that `wrong` was probably meant to be.
pub(crate) fn nearest<'a>(
    wrong: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    // A misspelt name is short; comparing a megabyte with it would cost time for nothing.
    if wrong.len() > 100 {
        return None;
    }
    let wrong = wrong.to_ascii_lowercase();
    known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&wrong, name), name))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// The start of a text, for a message.
pub(crate) fn shortened(text: &str) -> String {
    const SHOWN: usize = 40;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn make_value_whole(schema: &Value, value: &mut Value) {
    match value {
        Value::Number(number) if takes_whole(schema) => {
            if let Some(whole) = number.as_f64().and_then(whole) {
                *number = whole.into();
            }
        }
        Value::Array(items) => {
            if let Some(schema) = schema.get("items") {
                for item in items {
                    make_value_whole(schema, item);
                }
            }
        }
        Value::Object(object) => {
            if let Some(schema) = schema.as_object() {
                make_whole(schema, object);
            }
        }
        _ => {}
    }
}

fn takes_whole(schema: &Value) -> bool {
    let choices = schema.get("anyOf").and_then(Value::as_array);
    schema.get("type").is_some_and(|name| name == "integer")
        || choices.is_some_and(|choices| choices.iter().any(takes_whole))
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "it has no fraction and is small enough"
)]
fn whole(number: f64) -> Option<i64> {
    // Beyond this not every whole number is one, and none of ours is meant.
    const LARGEST: f64 = 9_007_199_254_740_991.0;
    (number.fract() == 0.0 && number.abs() <= LARGEST).then_some(number as i64)
}

fn check_object(path: &str, schema: &JsonObject, object: &JsonObject) -> Result<(), InvalidInput> {
    let properties = schema.get("properties").and_then(Value::as_object);
    let closed = schema.get("additionalProperties") == Some(&Value::Bool(false));
    for (name, value) in object {
        let field = if path.is_empty() {
            shortened(name)
        } else {
            format!("{path}.{}", shortened(name))
        };
        match properties.and_then(|properties| properties.get(name)) {
            // A model writes null for what it leaves out.
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

fn requires(schema: &JsonObject, name: &str) -> bool {
    let required = schema.get("required").and_then(Value::as_array);
    required.is_some_and(|names| names.iter().any(|required| required == name))
}

fn unknown(field: &str, name: &str, properties: Option<&JsonObject>) -> InvalidInput {
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

fn check_items(field: &str, schema: &JsonObject, items: &[Value]) -> Result<(), InvalidInput> {
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
fn is_choice(schema: &JsonObject, text: &str) -> bool {
    let choices = schema.get("enum").and_then(Value::as_array);
    choices.is_none_or(|choices| {
        let mut names = choices.iter().filter_map(Value::as_str);
        names.any(|name| name.eq_ignore_ascii_case(text))
    })
}

fn in_range(schema: &JsonObject, number: &serde_json::Number) -> bool {
    let value = number.as_f64().unwrap_or(f64::NAN);
    let bound = |name: &str| schema.get(name).and_then(Value::as_f64);
    bound("minimum").is_none_or(|least| value >= least)
        && bound("maximum").is_none_or(|most| value <= most)
        && bound("exclusiveMinimum").is_none_or(|below| value > below)
}

fn wrong(field: &str, schema: &JsonObject, value: &Value) -> InvalidInput {
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

fn expected(schema: &Value) -> String {
    match schema {
        Value::Object(schema) => expected_of(schema),
        _ => "any JSON".to_owned(),
    }
}

/// What a schema takes, in words.
fn expected_of(schema: &JsonObject) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(value: Value) -> JsonObject {
        let Value::Object(object) = value else {
            panic!("{value} is no object");
        };
        object
    }

    fn schema() -> JsonObject {
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
    fn numbers_without_a_fraction_are_whole() {
        let mut arguments = object(
            json!({"limit": 5.0, "priority": 7.0, "seconds": 2.0, "payload": [1.0], "name": "a"}),
        );
        make_whole(&schema(), &mut arguments);
        let wanted =
            json!({"limit": 5, "priority": 7, "seconds": 2.0, "payload": [1.0], "name": "a"});
        assert_eq!(Value::Object(arguments), wanted);
        let mut fraction = object(json!({"limit": 5.5}));
        make_whole(&schema(), &mut fraction);
        assert_eq!(fraction["limit"], 5.5);
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
