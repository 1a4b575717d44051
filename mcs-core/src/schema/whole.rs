use serde_json::{Map, Value};

/// Writes numbers such as `5.0` as whole ones where `schema` wants them whole, as JSON Schema counts them; parsers do not.
pub fn make_whole(schema: &Map<String, Value>, object: &mut Map<String, Value>) {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        return;
    };
    for (name, value) in object {
        if let Some(schema) = properties.get(name) {
            make_value_whole(schema, value);
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_without_a_fraction_are_whole() {
        let schema = json!({
            "properties": {
                "limit": {"type": "integer"},
                "seconds": {"type": "number"},
                "priority": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
                "payload": true,
                "tasks": {"items": {"properties": {"attempts": {"type": "integer"}}}},
            },
        });
        let whole = |mut value: Value| {
            make_whole(schema.as_object().unwrap(), value.as_object_mut().unwrap());
            value
        };
        let found = whole(json!({
            "limit": 5.0, "priority": 7.0, "seconds": 2.0, "payload": [1.0], "tasks": [{"attempts": 3.0}],
        }));
        let wanted = json!({
            "limit": 5, "priority": 7, "seconds": 2.0, "payload": [1.0], "tasks": [{"attempts": 3}],
        });
        assert_eq!(found, wanted);
        assert_eq!(whole(json!({"limit": 5.5})), json!({"limit": 5.5}));
    }
}
