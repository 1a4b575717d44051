//! How results look on the wire, which is how they are stored.

use schemars::JsonSchema;
use serde_json::Value;

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
    /// The work was done and its outcome is an error, as when a tool reports one.
    is_error: bool,
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
    },
    /// A picture.
    Image {
        /// The bytes in base64.
        data: String,
        /// Its MIME type.
        #[serde(rename = "mimeType")]
        mime_type: String,
    },
    /// A pointer to something that can be read elsewhere.
    ResourceLink {
        /// Where it is.
        uri: String,
        /// What it is called.
        name: String,
    },
}
