use serde_json::Value;

/// What a kind of task is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct KindSpec {
    /// Its name, as tasks give it.
    pub name: String,
    /// What it does, for a caller who chooses.
    pub description: String,
    /// JSON Schema of its payload. `None` takes any JSON.
    pub schema: Option<Value>,
}

impl KindSpec {
    /// A kind that takes any payload.
    pub fn new(name: impl Into<String>, description: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            description: description.into(),
            schema: None,
        }
    }

    /// The same kind with a JSON Schema for its payload.
    pub fn with_schema(mut self, schema: Value) -> Self {
        self.schema = Some(schema);
        self
    }
}

/// Whether an executor can run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Availability {
    /// It can.
    Available,
    /// It cannot.
    Unavailable {
        /// Why.
        reason: String,
        /// What to do about it.
        remedy: String,
    },
}
