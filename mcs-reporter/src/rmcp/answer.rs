use super::asked::cut;
use super::measure::measure;
use super::options::Options;
use super::texts::Texts;
use rmcp::model::{
    CallToolResponse, CallToolResult, ContentBlock, CreateTaskResult, ErrorCode, ErrorData,
    GetPromptResponse, GetPromptResult, InputRequiredResult, ReadResourceResponse,
    ReadResourceResult, ResourceContents,
};
use serde::Serialize;
use serde_json::{Map, Value};

/// Longest error message that is told, in bytes.
const LONGEST_MESSAGE: usize = 1000;

/// What came of a call that did not go well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) kind: &'static str,
    pub(super) message: String,
    pub(super) code: Option<i32>,
}

/// An answer whose call is reported.
pub(super) trait Answer {
    /// Adds what is told of the answer, and returns what it says went wrong.
    fn tell(&self, data: &mut Map<String, Value>, options: &Options) -> Option<Failure>;
}

impl Answer for CallToolResponse {
    fn tell(&self, data: &mut Map<String, Value>, options: &Options) -> Option<Failure> {
        match self {
            Self::Complete(result) => result.tell(data, options),
            Self::InputRequired(result) => result.tell(data, options),
            Self::Task(result) => result.tell(data, options),
            _ => tell_kind("other", data),
        }
    }
}

impl Answer for GetPromptResponse {
    fn tell(&self, data: &mut Map<String, Value>, options: &Options) -> Option<Failure> {
        match self {
            Self::Complete(result) => result.tell(data, options),
            Self::InputRequired(result) => result.tell(data, options),
            _ => tell_kind("other", data),
        }
    }
}

impl Answer for ReadResourceResponse {
    fn tell(&self, data: &mut Map<String, Value>, options: &Options) -> Option<Failure> {
        match self {
            Self::Complete(result) => result.tell(data, options),
            Self::InputRequired(result) => result.tell(data, options),
            _ => tell_kind("other", data),
        }
    }
}

impl Answer for CallToolResult {
    fn tell(&self, data: &mut Map<String, Value>, options: &Options) -> Option<Failure> {
        tell_result("complete", self, data, options);
        tell_types(self.content.iter().map(type_of_content), data);
        data.insert(
            "structured".to_owned(),
            self.structured_content.is_some().into(),
        );
        if !self.is_error.unwrap_or_default() {
            return None;
        }
        // What a tool says is its result, and a result is told on request only.
        let said = self.content.iter().find_map(ContentBlock::as_text);
        let message = match said {
            Some(said) if options.results => cut(&said.text, LONGEST_MESSAGE),
            _ => "the tool answered with an error".to_owned(),
        };
        Some(Failure {
            kind: "tool_error",
            message,
            code: None,
        })
    }
}

impl Answer for GetPromptResult {
    fn tell(&self, data: &mut Map<String, Value>, options: &Options) -> Option<Failure> {
        tell_result("complete", self, data, options);
        let contents = self.messages.iter().map(|message| &message.content);
        tell_types(contents.map(type_of_content), data);
        None
    }
}

impl Answer for ReadResourceResult {
    fn tell(&self, data: &mut Map<String, Value>, options: &Options) -> Option<Failure> {
        tell_result("complete", self, data, options);
        let types = self.contents.iter().map(|contents| match contents {
            ResourceContents::TextResourceContents { .. } => "text",
            ResourceContents::BlobResourceContents { .. } => "blob",
            #[allow(unreachable_patterns, reason = "rmcp may know more kinds one day")]
            _ => "other",
        });
        tell_types(types, data);
        None
    }
}

impl Answer for CreateTaskResult {
    /// The call ended well: the task goes on by itself, and its end is not an answer to this call.
    fn tell(&self, data: &mut Map<String, Value>, options: &Options) -> Option<Failure> {
        tell_result("task", self, data, options);
        data.insert("task_id".to_owned(), self.task.task_id.as_str().into());
        None
    }
}

impl Answer for InputRequiredResult {
    /// This round of the call ended well: the next one is a call that brings the answers.
    fn tell(&self, data: &mut Map<String, Value>, options: &Options) -> Option<Failure> {
        tell_result("input_required", self, data, options);
        let asked = self
            .input_requests
            .as_ref()
            .map_or(0, std::collections::BTreeMap::len);
        data.insert("input_requests".to_owned(), asked.into());
        None
    }
}

impl Failure {
    /// What `error` says. Servers quote what they were asked with, down to the value that did not fit, so their own words
    /// are told only to those who asked for arguments or results.
    pub(super) fn of(error: &ErrorData, options: &Options) -> Self {
        let kind = match error.code {
            ErrorCode::PARSE_ERROR => "parse_error",
            ErrorCode::INVALID_REQUEST => "invalid_request",
            ErrorCode::METHOD_NOT_FOUND => "method_not_found",
            ErrorCode::INVALID_PARAMS => "invalid_params",
            ErrorCode::INTERNAL_ERROR => "internal_error",
            ErrorCode::RESOURCE_NOT_FOUND => "resource_not_found",
            ErrorCode::HEADER_MISMATCH => "header_mismatch",
            ErrorCode::MISSING_REQUIRED_CLIENT_CAPABILITY => "missing_required_client_capability",
            ErrorCode::UNSUPPORTED_PROTOCOL_VERSION => "unsupported_protocol_version",
            ErrorCode(_) => "protocol_error",
        };
        let message = if options.arguments || options.results {
            cut(&error.message, LONGEST_MESSAGE)
        } else {
            format!("the server answered with an error: {kind}")
        };
        Self {
            kind,
            message,
            code: Some(error.code.0),
        }
    }

    /// How a call ended that was cancelled, whatever its server made of it.
    pub(super) fn cancelled(failure: Option<Self>) -> Self {
        Self {
            kind: "cancelled",
            message: "the call was cancelled".to_owned(),
            code: failure.and_then(|failure| failure.code),
        }
    }
}

fn tell_result(
    kind: &str,
    result: &(impl Serialize + Texts),
    data: &mut Map<String, Value>,
    options: &Options,
) {
    tell_kind(kind, data);
    let measured = measure(result, options.results);
    measured.tell_size("output_size", "output_size_is_lower_bound", data);
    if let Some(result) = measured.kept {
        data.insert("result".to_owned(), result);
    }
}

fn tell_kind(kind: &str, data: &mut Map<String, Value>) -> Option<Failure> {
    data.insert("result_type".to_owned(), kind.into());
    None
}

/// How many blocks of each type there are.
fn tell_types(types: impl Iterator<Item = &'static str>, data: &mut Map<String, Value>) {
    let mut counts = Map::new();
    for name in types {
        let count = counts.get(name).and_then(Value::as_u64).unwrap_or_default();
        counts.insert(name.to_owned(), (count + 1).into());
    }
    data.insert("content_types".to_owned(), counts.into());
}

fn type_of_content(content: &ContentBlock) -> &'static str {
    match content {
        ContentBlock::Text(_) => "text",
        ContentBlock::Image(_) => "image",
        ContentBlock::Audio(_) => "audio",
        ContentBlock::Resource(_) => "resource",
        ContentBlock::ResourceLink(_) => "resource_link",
        _ => "other",
    }
}
