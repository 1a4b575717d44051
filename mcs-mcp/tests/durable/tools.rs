//! A server with a tool for everything that tools do.
#![expect(deprecated, reason = "tools of earlier revisions log")]

use mcs_core::config::{Config, Database, builder};
use mcs_core::domain::{PageRequest, Task, TaskFilter};
use mcs_core::service::{Principal, Service};
use mcs_mcp::durable::{Durable, DurableCall, Policy};
use rmcp::ServerHandler;
use rmcp::model::*;
use rmcp::service::{RequestContext, RoleServer};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Semaphore;

/// A service in memory.
pub(crate) async fn memory() -> Service {
    builder(&Config::in_memory()).open().await.unwrap()
}

/// A service on a file, which others can open after it.
pub(crate) async fn on_file(path: &Path) -> Service {
    let config = Config {
        database: Database::File(path.to_owned()),
        ..Config::in_memory()
    };
    builder(&config).open().await.unwrap()
}

/// The only task of a service.
pub(crate) async fn only(service: &Service) -> Task {
    let (tasks, me) = (service.tasks(), Principal::local());
    let all = tasks.list(&me, TaskFilter::default(), PageRequest::default());
    all.await.unwrap().items.remove(0)
}

/// The server. Clones share what was counted.
#[derive(Debug, Clone)]
pub(crate) struct Tools {
    /// How often each call began to run.
    pub(crate) runs: Arc<AtomicU64>,
    /// What `gated` waits for.
    pub(crate) gate: Arc<Semaphore>,
    /// Fires when a tool sees that its call is cancelled.
    pub(crate) cancelled: Arc<Semaphore>,
}

impl Tools {
    pub(crate) fn new() -> Self {
        Self {
            runs: Arc::default(),
            gate: Arc::new(Semaphore::new(0)),
            cancelled: Arc::new(Semaphore::new(0)),
        }
    }

    /// All of them durable by the same policy.
    pub(crate) fn durable(&self, service: &Service, policy: &Policy) -> Durable<Self> {
        let bare = Durable::new(self.clone(), service.clone());
        let mut names = NAMES.into_iter();
        let durable = names.try_fold(bare, |made, name| made.tool(name, policy.clone()));
        durable.unwrap()
    }

    pub(crate) fn ran(&self) -> u64 {
        self.runs.load(Ordering::Relaxed)
    }

    async fn gated(
        &self,
        context: &RequestContext<RoleServer>,
    ) -> Result<CallToolResult, ErrorData> {
        let token = context.meta.get_progress_token().unwrap();
        let progress = ProgressNotificationParam::new(token, 1.0)
            .with_total(4.0)
            .with_message("at the gate");
        context.peer.notify_progress(progress).await.unwrap();
        let log = LoggingMessageNotificationParam::new(LoggingLevel::Warning, json!("it is shut"));
        context.peer.notify_logging_message(log).await.unwrap();
        tokio::select! {
            permit = self.gate.acquire() => permit.unwrap().forget(),
            () = context.ct.cancelled() => {
                self.cancelled.add_permits(1);
                return Err(ErrorData::internal_error("cancelled", None));
            }
        }
        let call = context.extensions.get::<DurableCall>();
        let said = call.map(|call| (call.attempt, call.owner.to_string()));
        Ok(CallToolResult::structured(json!({ "attempt": said })))
    }

    /// Waits at the gate without letting its thread go.
    fn block(&self) {
        loop {
            if let Ok(permit) = self.gate.try_acquire() {
                return permit.forget();
            }
            std::thread::yield_now();
        }
    }

    /// Asks for a name in the way of the client's revision.
    async fn confirm(
        &self,
        request: CallToolRequestParams,
        context: &RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let question = |text: &str| -> InputRequest {
            serde_json::from_value(json!({"method": "elicitation/create", "params": {"mode": "form",
                "message": text, "requestedSchema": {"type": "object", "properties": {"name": {"type": "string"}}}}}))
            .unwrap()
        };
        let who = format!("Who?{}", more(&request));
        let said = |answer: &Value| answer["content"]["name"].as_str().unwrap().to_owned();
        if context.protocol_version() != Some(ProtocolVersion::V_2026_07_28) {
            let InputRequest::Elicitation(question) = question(&who) else {
                unreachable!()
            };
            let arguments = request.arguments.as_ref();
            if arguments.is_some_and(|arguments| arguments.contains_key("roots")) {
                context.peer.list_roots().await.unwrap();
            }
            let answer = context.peer.send_request(question.into()).await;
            let answer =
                answer.map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
            let answer = serde_json::to_value(answer).unwrap();
            return Ok(text(&said(&answer)));
        }
        let answers = request.input_responses.unwrap_or_default();
        let state = request.request_state.unwrap_or_default();
        match (answers.get("name"), state.as_str()) {
            (None, _) => {
                let asked = [("name".to_owned(), question(&who))].into();
                Ok(InputRequiredResult::new(Some(asked), Some("first".into())).into())
            }
            (Some(name), "first") => {
                let asked = [("name".to_owned(), question("Who else?"))].into();
                Ok(
                    InputRequiredResult::new(Some(asked), Some(format!("second:{}", said(name))))
                        .into(),
                )
            }
            (Some(name), state) => Ok(text(&format!("{state}+{}", said(name)))),
        }
    }
}

/// As many bytes as the argument `more` says.
fn more(request: &CallToolRequestParams) -> String {
    let arguments = request.arguments.as_ref();
    let bytes = arguments.and_then(|arguments| arguments.get("more")?.as_u64());
    "\u{1}".repeat(usize::try_from(bytes.unwrap_or(0)).unwrap())
}

fn text(text: &str) -> CallToolResponse {
    CallToolResult::success(vec![ContentBlock::text(text)]).into()
}

/// A result with everything that results can have.
pub(crate) fn everything() -> CallToolResult {
    serde_json::from_value(json!({
        "content": [
            {"type": "text", "text": "words", "annotations": {"audience": ["user"], "priority": 0.3}},
            {"type": "image", "data": "AA==", "mimeType": "image/png", "_meta": {"a": 1}},
            {"type": "audio", "data": "AA==", "mimeType": "audio/wav"},
            {"type": "resource", "resource": {"uri": "file:///a", "text": "a", "mimeType": "text/plain"}},
            {"type": "resource", "resource": {"uri": "file:///b", "blob": "AA==", "_meta": {"b": null}}},
            {"type": "resource_link", "uri": "file:///c", "name": "c", "title": "C", "size": 3,
                "icons": [{"src": "data:,"}], "annotations": {"lastModified": "2026-01-01"}},
        ],
        "structuredContent": null,
        "resultType": "complete",
        "_meta": {"of": "all"},
    }))
    .unwrap()
}

/// The tools, without the one that the server does not list.
const NAMES: [&str; 7] = [
    "everything",
    "broken",
    "refusing",
    "gated",
    "blocked",
    "confirm",
    "missing",
];

impl ServerHandler for Tools {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("tools", "1"))
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let listed = NAMES.iter().filter(|name| **name != "missing");
        let listed =
            listed.map(|name| Tool::new(*name, "does what it is called", JsonObject::new()));
        Ok(ListToolsResult::with_all_items(listed.collect()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        self.runs.fetch_add(1, Ordering::Relaxed);
        match &*request.name {
            "everything" => Ok(everything().into()),
            "broken" => Ok(CallToolResult::error(vec![ContentBlock::text("it broke")]).into()),
            "refusing" => {
                let more = more(&request);
                let why = if more.is_empty() {
                    json!(1)
                } else {
                    json!(more)
                };
                Err(ErrorData::new(
                    ErrorCode(-32050),
                    format!("never{more}"),
                    Some(json!({"why": why})),
                ))
            }
            "blocked" => {
                self.block();
                Ok(text("let through"))
            }
            "gated" => self.gated(&context).await.map(Into::into),
            "confirm" => self.confirm(request, &context).await,
            other => Err(ErrorData::invalid_params(format!("no tool {other}"), None)),
        }
    }
}
