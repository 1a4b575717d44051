//! How results look on the wire, which is how they are stored.

use schemars::JsonSchema;
use serde_json::{Map, Value};

/// What a finished task answers.
#[derive(JsonSchema)]
#[schemars(rename = "TaskResult")]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct ResultForm {
    /// What a reader sees, in order.
    content: Vec<ContentForm>,
    /// The same for programs.
    #[schemars(with = "Option<Value>")]
    structured: Option<Value>,
    /// The work was done and its outcome is an error, as when a tool reports one. Left out by tools that say nothing of it,
    /// which means that it is none.
    is_error: Option<bool>,
    /// What is said beside the answer, by names of one's own.
    #[serde(rename = "_meta")]
    meta: Option<Map<String, Value>>,
}

/// One block of a result, written as MCP writes it.
#[derive(JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[schemars(rename = "Content")]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) enum ContentForm {
    /// Text.
    Text {
        /// The text.
        text: String,
        #[serde(flatten)]
        beside: Beside,
    },
    /// A picture.
    Image {
        /// The bytes in base64.
        data: String,
        /// Its MIME type.
        #[serde(rename = "mimeType")]
        mime_type: String,
        #[serde(flatten)]
        beside: Beside,
    },
    /// A sound.
    Audio {
        /// The bytes in base64.
        data: String,
        /// Its MIME type.
        #[serde(rename = "mimeType")]
        mime_type: String,
        #[serde(flatten)]
        beside: Beside,
    },
    /// Something that can be read elsewhere too, with what stands in it.
    Resource {
        /// What it is.
        resource: EmbeddedForm,
        #[serde(flatten)]
        beside: Beside,
    },
    /// A pointer to something that can be read elsewhere.
    ResourceLink {
        /// Where it is.
        uri: String,
        /// What it is called.
        name: String,
        /// What it is called for people.
        title: Option<String>,
        /// What it is.
        description: Option<String>,
        /// Its MIME type.
        #[serde(rename = "mimeType")]
        mime_type: Option<String>,
        /// Its size in bytes.
        size: Option<u64>,
        /// Pictures of it.
        icons: Option<Vec<Map<String, Value>>>,
        #[serde(flatten)]
        beside: Beside,
    },
}

/// A resource inside a result: a text, or bytes.
#[derive(JsonSchema)]
#[schemars(rename = "EmbeddedResource")]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct EmbeddedForm {
    /// Where it can be read elsewhere.
    uri: String,
    /// The text, if it is one.
    text: Option<String>,
    /// The bytes in base64, if it is no text.
    blob: Option<String>,
    /// Its MIME type.
    #[serde(rename = "mimeType")]
    mime_type: Option<String>,
    /// What is said beside it, by names of one's own.
    #[serde(rename = "_meta")]
    meta: Option<Map<String, Value>>,
}

/// What every block may have.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct Beside {
    /// Whom it is for and how much it matters, as MCP writes it.
    annotations: Option<Map<String, Value>>,
    /// What is said beside it, by names of one's own.
    #[serde(rename = "_meta")]
    meta: Option<Map<String, Value>>,
}
