use mcs_core::domain::{InvalidInput, Status, TaskFilter, TaskId, Timestamp};
use mcs_core::schema::{nearest, shortened};
use rmcp::model::JsonObject;
use serde_json::Value;
use std::time::Duration;

/// The arguments of a prompt. The protocol makes them texts; numbers are taken as well.
pub(super) struct Arguments<'a>(Vec<(&'a str, String)>);

impl<'a> Arguments<'a> {
    /// Reads arguments whose names are among `known`. An empty text is one that a form left empty.
    pub(super) fn read(
        known: &[(&'static str, &'static str)],
        given: &'a JsonObject,
    ) -> Result<Self, InvalidInput> {
        let mut read = Vec::new();
        for (name, value) in given {
            let names = known.iter().map(|(name, _)| *name);
            if !known.iter().any(|(known, _)| known == name) {
                let problem = match nearest(name, names.clone()) {
                    Some(near) => format!("is not an argument; did you mean `{near}`?"),
                    None => format!(
                        "is not an argument; there are {}",
                        names.collect::<Vec<_>>().join(", ")
                    ),
                };
                return Err(InvalidInput::new(shortened(name), problem));
            }
            match value {
                Value::String(text) if text.trim().is_empty() => {}
                Value::Null => {}
                Value::String(text) => read.push((name.as_str(), text.trim().to_owned())),
                Value::Number(number) => read.push((name.as_str(), number.to_string())),
                _ => return Err(InvalidInput::new(name, "is not a text")),
            }
        }
        Ok(Self(read))
    }

    fn text(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(given, _)| *given == name);
        found.map(|(_, value)| value.as_str())
    }

    /// A text, if it is given.
    pub(super) fn owned(&self, name: &str) -> Option<String> {
        self.text(name).map(str::to_owned)
    }

    /// The task, if one is named.
    pub(super) fn task_id(&self) -> Result<Option<TaskId>, InvalidInput> {
        self.text("task_id").map(crate::tools::task_id).transpose()
    }

    /// A whole number from 1 to `most`.
    pub(super) fn count(&self, name: &str, default: u32, most: u32) -> Result<u32, InvalidInput> {
        let Some(text) = self.text(name) else {
            return Ok(default);
        };
        let read = text.parse().ok().filter(|count| (1..=most).contains(count));
        read.ok_or_else(|| {
            let shown = shortened(text);
            InvalidInput::new(
                name,
                format!("is `{shown}`; use a whole number from 1 to {most}"),
            )
        })
    }

    /// The tasks meant by `status`, `kind`, `queue` and `tag`, created no more than `within` before `now`.
    pub(super) fn filter(
        &self,
        now: Timestamp,
        within: Option<Duration>,
    ) -> Result<TaskFilter, InvalidInput> {
        Ok(TaskFilter {
            status: self.text("status").map(str::parse::<Status>).transpose()?,
            kind: self.owned("kind"),
            queue: self.owned("queue"),
            tag: self.owned("tag"),
            created_from: within.map(|within| now.minus(within)),
            ..TaskFilter::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const KNOWN: [(&str, &str); 3] = [("days", ""), ("status", ""), ("task_id", "")];

    fn with<T>(
        given: Value,
        look: impl FnOnce(Arguments<'_>) -> Result<T, InvalidInput>,
    ) -> Result<T, String> {
        let Value::Object(given) = given else {
            panic!("{given} is no object");
        };
        Arguments::read(&KNOWN, &given)
            .and_then(look)
            .map_err(|refused| refused.to_string())
    }

    #[test]
    fn texts_and_numbers_are_read() {
        assert_eq!(
            with(json!({"days": "3"}), |a| a.count("days", 7, 30)),
            Ok(3)
        );
        assert_eq!(with(json!({"days": 3}), |a| a.count("days", 7, 30)), Ok(3));
        assert_eq!(
            with(json!({"days": " "}), |a| a.count("days", 7, 30)),
            Ok(7)
        );
        let filter = with(json!({"status": "failed"}), |a| {
            a.filter(Timestamp::default(), None)
        })
        .unwrap();
        assert_eq!(filter.status, Some(Status::Failed));
    }

    #[test]
    fn others_are_refused_by_name() {
        let cases = [
            (json!({"day": "3"}), "did you mean `days`"),
            (
                json!({"days": "soon"}),
                "`days` is `soon`; use a whole number from 1 to 30",
            ),
            (json!({"days": "31"}), "from 1 to 30"),
            (json!({"days": [3]}), "`days` is not a text"),
            (json!({"status": "DONE"}), "use one of PENDING"),
            (json!({"task_id": "x"}), "is no task id"),
        ];
        for (given, wanted) in cases {
            let refused = with(given.clone(), |arguments| {
                arguments.count("days", 7, 30)?;
                arguments.task_id()?;
                arguments.filter(Timestamp::default(), None)
            });
            let message = refused.unwrap_err();
            assert!(message.contains(wanted), "{given}: {message}");
        }
    }
}
