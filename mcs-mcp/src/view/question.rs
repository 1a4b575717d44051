use super::task::shown;
use mcs_core::domain::{InputRequest, Json};
use schemars::JsonSchema;
use serde::Serialize;

/// A question to a person.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct QuestionView {
    /// Its name.
    key: String,
    /// What is asked, in the shape the executor chose; left out over 4096 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Value>")]
    request: Option<Json>,
    /// Size of a `request` that was left out, in bytes of JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_bytes: Option<usize>,
    /// The answer, once there is one; left out over 4096 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Value>")]
    response: Option<Json>,
    /// Size of a `response` that was left out, in bytes of JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    response_bytes: Option<usize>,
}

impl From<&InputRequest> for QuestionView {
    fn from(question: &InputRequest) -> Self {
        let (request, request_bytes) = shown(Some(&question.request));
        let (response, response_bytes) = shown(question.response.as_ref());
        Self {
            key: question.key.clone(),
            request,
            request_bytes,
            response,
            response_bytes,
        }
    }
}
