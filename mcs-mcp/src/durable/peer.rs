//! What a tool says and asks in its private session, as its task has it.
#![expect(
    deprecated,
    reason = "sessions of earlier revisions sample, list roots and log"
)]

use super::session::{FromServer, ToServer};
use mcs_core::domain::{Json, LogLevel};
use mcs_core::executor::{Context, ContextError};
use rmcp::model::{
    CancelledNotification, CancelledNotificationParam, ClientResult, CreateMessageResult,
    ElicitResult, ErrorCode, ErrorData, GetExtensions, InputRequest, JsonRpcMessage,
    ListRootsResult, LoggingLevel, LoggingMessageNotificationParam, ProgressNotificationParam,
    RequestId, ServerNotification, ServerRequest,
};
use rmcp::service::{Peer, RoleServer, ServiceError};
use serde_json::{Value, json};

/// What kind of answer a question of a tool takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    Elicitation,
    Sampling,
    Roots,
}

/// The answer to a request that asks nobody.
type Reply = fn(RequestId) -> ToServer;

/// The question in a request, as it is stored, or the answer to one that is none.
pub(super) fn asked(mut request: ServerRequest) -> Result<(Asked, Json), Reply> {
    let asked = match &request {
        ServerRequest::ElicitRequest(_) => Asked::Elicitation,
        ServerRequest::CreateMessageRequest(_) => Asked::Sampling,
        ServerRequest::ListRootsRequest(_) => Asked::Roots,
        ServerRequest::PingRequest(_) => return Err(pong),
        _ => return Err(not_found),
    };
    // What belongs to the session that asks, such as the token of its progress, means nothing to who answers.
    request.extensions_mut().clear();
    match Json::new(&request) {
        Ok(json) => Ok((asked, json)),
        Err(_) => Err(not_found),
    }
}

impl Asked {
    /// What keys of such questions begin with.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Elicitation => "elicitation",
            Self::Sampling => "sampling",
            Self::Roots => "roots",
        }
    }

    /// The answer as the tool's server takes it.
    pub(super) fn reply(self, id: RequestId, answer: &Json) -> ToServer {
        let result = match self {
            Self::Elicitation => answer.parse::<ElicitResult>().map(ClientResult::from),
            Self::Sampling => answer
                .parse::<CreateMessageResult>()
                .map(ClientResult::from),
            Self::Roots => answer.parse::<ListRootsResult>().map(ClientResult::from),
        };
        match result {
            Ok(result) => JsonRpcMessage::response(result, id),
            Err(_) => JsonRpcMessage::error(refusal(answer), Some(id)),
        }
    }
}

/// The answer to a question that was not asked.
pub(super) fn not_asked(id: RequestId, why: &ContextError) -> ToServer {
    let message = format!("the question cannot be asked: {why}");
    JsonRpcMessage::error(ErrorData::internal_error(message, None), Some(id))
}

/// A client's error, which is stored as `{"error": ..}`, or what is wrong with an answer.
fn refusal(answer: &Json) -> ErrorData {
    let value: Value = answer.parse().unwrap_or_default();
    let error = value.get("error").cloned();
    error
        .and_then(|error| serde_json::from_value(error).ok())
        .unwrap_or_else(|| {
            let message = if value.is_null() {
                "nobody answers any more"
            } else {
                "the client's answer does not fit the question"
            };
            ErrorData::internal_error(message, None)
        })
}

/// Notes what a tool says without asking. Of lists that changed nobody in its session wants to know.
pub(super) async fn told(context: &Context, message: FromServer) {
    let JsonRpcMessage::Notification(message) = message else {
        return;
    };
    match message.notification {
        ServerNotification::ProgressNotification(progress) => {
            let ProgressNotificationParam {
                progress,
                total,
                message,
                ..
            } = progress.params;
            let message = message.unwrap_or_else(|| match total {
                Some(total) => format!("{progress} of {total}"),
                None => progress.to_string(),
            });
            context.progress(percent(progress, total), message);
        }
        ServerNotification::LoggingMessageNotification(log) => {
            let level = level(log.params.level);
            context.log(level, line(log.params)).await;
        }
        _ => {}
    }
}

/// Tells the server that nobody waits for the request any more.
pub(super) fn cancelled(request: RequestId) -> ToServer {
    let reason = Some("the task was told to end".to_owned());
    let params = CancelledNotificationParam::new(Some(request), reason);
    JsonRpcMessage::notification(CancelledNotification::new(params).into())
}

fn percent(progress: f64, total: Option<f64>) -> Option<f32> {
    let total = total.filter(|total| *total > 0.0)?;
    let percent = (progress / total * 100.0).clamp(0.0, 100.0);
    #[expect(clippy::cast_possible_truncation, reason = "it is at most 100")]
    let percent = percent as f32;
    Some(percent)
}

fn line(log: LoggingMessageNotificationParam) -> String {
    let text = match log.data {
        Value::String(text) => text,
        other => other.to_string(),
    };
    match log.logger {
        Some(logger) => format!("{logger}: {text}"),
        None => text,
    }
}

const fn level(level: LoggingLevel) -> LogLevel {
    match level {
        LoggingLevel::Debug => LogLevel::Debug,
        LoggingLevel::Info | LoggingLevel::Notice => LogLevel::Info,
        LoggingLevel::Warning => LogLevel::Warn,
        _ => LogLevel::Error,
    }
}

fn pong(id: RequestId) -> ToServer {
    JsonRpcMessage::response(ClientResult::empty(()), id)
}

fn not_found(id: RequestId) -> ToServer {
    let message = "no client is there; a durable call asks for input, messages and roots only";
    let error = ErrorData::new(ErrorCode::METHOD_NOT_FOUND, message, None);
    JsonRpcMessage::error(error, Some(id))
}

/// Asks the client of a session. Returns its response as answers are stored, an error as `{"error": ..}`; `None` where it
/// did not respond, since it has gone.
pub(super) async fn forward(client: &Peer<RoleServer>, request: InputRequest) -> Option<Value> {
    let request = match request {
        InputRequest::Elicitation(request) => ServerRequest::from(request),
        InputRequest::CreateMessage(request) => request.into(),
        InputRequest::ListRoots(request) => request.into(),
        _ => return None,
    };
    match client.send_request(request).await {
        Ok(answer) => serde_json::to_value(answer).ok(),
        Err(ServiceError::McpError(error)) => Some(answered_with(&error)),
        Err(error) => {
            tracing::debug!(%error, "a question was not answered");
            None
        }
    }
}

/// An error in place of an answer, as it is stored.
pub(super) fn answered_with(error: &ErrorData) -> Value {
    json!({ "error": error })
}
