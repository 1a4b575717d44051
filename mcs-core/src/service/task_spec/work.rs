use crate::domain::{InvalidInput, Json, NewTask};
use serde_json::{Map, Value, json};

/// What a task does, as a caller writes it.
pub(super) struct Work<'a> {
    pub(super) kind: Option<&'a str>,
    pub(super) prompt: Option<String>,
    pub(super) system: Option<String>,
    pub(super) parameters: Option<Map<String, Value>>,
    pub(super) payload: Option<Json>,
}

impl Work<'_> {
    /// Kind, payload and preview, from the short form with a prompt or the long one.
    pub(super) fn read(self) -> Result<(String, Json, String), InvalidInput> {
        let refuse = |field, problem| Err(InvalidInput::new(field, problem));
        let Some(prompt) = self.prompt else {
            let stray = [
                ("system", self.system.is_some()),
                ("parameters", self.parameters.is_some()),
            ];
            if let Some((field, _)) = stray.iter().find(|(_, given)| *given) {
                return refuse(
                    *field,
                    "belongs to `prompt`, which is missing; give a prompt, or put it into `payload`",
                );
            }
            let Some(kind) = self.kind else {
                return refuse(
                    "prompt",
                    "is missing; give a prompt for a model, or `kind` and `payload`",
                );
            };
            let payload = self.payload.unwrap_or_else(|| json!({}).into());
            return Ok((kind.to_owned(), payload, String::new()));
        };
        let mut payload = match self.payload.map(|payload| payload.parse::<Value>()) {
            None => Map::new(),
            Some(Ok(Value::Object(payload))) => payload,
            Some(_) => {
                return refuse(
                    "payload",
                    "is no object, so that `prompt` cannot be part of it; leave one out",
                );
            }
        };
        let preview = NewTask::preview_of(&prompt);
        let parts = [
            ("prompt", Some(prompt.into())),
            ("system", self.system.map(Value::from)),
            ("parameters", self.parameters.map(Value::from)),
        ];
        for (field, value) in parts {
            let Some(value) = value else { continue };
            if payload.insert(field.into(), value).is_some() {
                return refuse(
                    field,
                    "is given twice, here and in `payload`; leave one out",
                );
            }
        }
        let kind = self.kind.unwrap_or("prompt");
        Ok((kind.to_owned(), Value::Object(payload).into(), preview))
    }
}
