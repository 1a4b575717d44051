use super::TaskView;
use crate::request::Fields;
use mcs_core::domain::{InvalidInput, Task};
use mcs_core::schema;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::ser::{Error, Serialize, Serializer};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::sync::LazyLock;

/// The fields of a task that a caller wants: those it names in `?fields=id,status`, or all.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Selection<'a>(Option<&'a str>);

/// A task with the fields that are wanted.
#[derive(Debug)]
pub(crate) struct Selected<'a> {
    task: &'a Task,
    selection: Selection<'a>,
}

/// Every field that a task may have.
static KNOWN: LazyLock<Vec<String>> = LazyLock::new(|| {
    let schema = schema::of::<TaskView<'static>>();
    let properties = schema.get("properties").and_then(Value::as_object);
    properties.map_or_else(Vec::new, |all| all.keys().cloned().collect())
});

impl<'a> Selection<'a> {
    /// Reads a list of names with commas between them.
    pub(crate) fn parse(fields: Option<&'a str>) -> Result<Self, InvalidInput> {
        let mut names = fields.into_iter().flat_map(|fields| fields.split(','));
        names.try_for_each(check)?;
        Ok(Self(fields))
    }

    /// Whether a field is wanted.
    pub(crate) fn has(&self, field: &str) -> bool {
        self.0
            .is_none_or(|names| names.split(',').any(|name| name == field))
    }

    /// What is wanted of `task`.
    pub(crate) fn of(self, task: &'a Task) -> Selected<'a> {
        Selected {
            task,
            selection: self,
        }
    }
}

fn check(name: &str) -> Result<(), InvalidInput> {
    if KNOWN.iter().any(|known| known == name) {
        return Ok(());
    }
    let known = KNOWN.iter().map(String::as_str);
    let problem = match schema::nearest(name, known.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are {}", known.collect::<Vec<_>>().join(", ")),
    };
    let name = schema::shortened(name);
    let problem = format!("names `{name}`, which no task has; {problem}");
    Err(InvalidInput::new("fields", problem))
}

impl Serialize for Selected<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let view = TaskView::from(self.task);
        if self.selection.0.is_none() {
            return view.serialize(serializer);
        }
        let text = serde_json::to_string(&view).map_err(S::Error::custom)?;
        let mut fields: Fields<'_> = serde_json::from_str(&text).map_err(S::Error::custom)?;
        fields.retain(|name| self.selection.has(name));
        fields.serialize(serializer)
    }
}

impl JsonSchema for Selected<'_> {
    fn schema_name() -> Cow<'static, str> {
        "TaskPart".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut part = TaskView::json_schema(generator);
        part.remove("required");
        let words = "A task, or those of its fields that `fields` names.";
        part.insert("description".into(), json!(words));
        part
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_fields_that_tasks_have_are_taken() {
        let selection = Selection::parse(Some("id,status")).unwrap();
        assert!(selection.has("id") && !selection.has("payload"));
        assert!(Selection::parse(None).unwrap().has("payload"));
        for (names, part) in [
            ("id,statsu", "did you mean `status`?"),
            ("", "names ``"),
            ("id,", "there are attempt, "),
        ] {
            let refused = Selection::parse(Some(names)).unwrap_err().to_string();
            assert!(refused.contains(part), "{names}: {refused}");
        }
    }
}
