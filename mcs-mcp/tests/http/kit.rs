//! A plain handler, and requests to an endpoint without a network, so that time can be paused.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::Response;
use mcs_core::service::{Principal, Scopes};
use mcs_mcp::http::{Endpoint, HttpOptions};
use rmcp::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData,
    ServerCapabilities, ServerConfig,
};
use rmcp::service::{RequestContext, RoleServer};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

pub(crate) const IDLE: Duration = Duration::from_mins(1);

/// A server whose tool `wait` answers when it is let, or when the end is near; every other tool answers at once.
#[derive(Clone)]
pub(crate) struct Waits {
    pub(crate) begun: Arc<Semaphore>,
    pub(crate) answers: Arc<Semaphore>,
    pub(crate) ending: CancellationToken,
}

impl Waits {
    pub(crate) fn new() -> Self {
        Self {
            begun: Arc::new(Semaphore::new(0)),
            answers: Arc::new(Semaphore::new(0)),
            ending: CancellationToken::new(),
        }
    }

    /// Returns once a call of `wait` is under way.
    pub(crate) async fn begun(&self) {
        self.begun.acquire().await.unwrap().forget();
    }

    /// Lets one call of `wait` answer.
    pub(crate) fn answer(&self) {
        self.answers.add_permits(1);
    }
}

impl ServerHandler for Waits {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let mut text = "at once";
        if request.name == "wait" {
            self.begun.add_permits(1);
            text = tokio::select! {
                let_go = self.answers.acquire() => {
                    let_go.unwrap().forget();
                    "waited"
                }
                () = self.ending.cancelled() => "the end is near",
                () = context.ct.cancelled() => "nobody waits for it",
            };
        }
        Ok(CallToolResult::success(vec![ContentBlock::text(text)]).into())
    }
}

/// Options under which sessions fall idle after [`IDLE`].
pub(crate) fn options(handler: &Waits) -> HttpOptions {
    HttpOptions {
        session_idle: IDLE,
        stop: handler.ending.clone(),
        ..HttpOptions::default()
    }
}

/// What a client sends, and what it hears.
pub(crate) struct Client {
    pub(crate) endpoint: Endpoint,
    who: Option<&'static str>,
}

impl Client {
    pub(crate) fn new(endpoint: &Endpoint) -> Self {
        Self {
            endpoint: endpoint.clone(),
            who: None,
        }
    }

    pub(crate) fn named(endpoint: &Endpoint, who: &'static str) -> Self {
        Self {
            endpoint: endpoint.clone(),
            who: Some(who),
        }
    }

    pub(crate) async fn send(&self, mut request: Request) -> Response {
        if let Some(who) = self.who {
            let principal = Principal::new(who, Scopes::default());
            request.extensions_mut().insert(principal);
        }
        self.endpoint.answer(request).await
    }

    /// Opens a session of an earlier protocol.
    pub(crate) async fn initialize(&self) -> Response {
        let body = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
            "protocolVersion": "2025-06-18", "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"}}});
        self.send(post(&body, &[])).await
    }

    /// The id of a session that is open and ready.
    pub(crate) async fn session(&self) -> String {
        let answer = self.initialize().await;
        assert_eq!(answer.status(), 200);
        let id = answer.headers()["mcp-session-id"].to_str().unwrap();
        let id = id.to_owned();
        let text = read(answer).await;
        assert!(text.contains("protocolVersion"), "{text}");
        let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        let ready = self.send(post(&ready, &[("mcp-session-id", &id)])).await;
        assert_eq!(ready.status(), 202);
        id
    }

    /// Calls a tool in a session.
    pub(crate) async fn call(&self, session: &str, id: u32, tool: &str) -> Response {
        let body = json!({"jsonrpc": "2.0", "id": id, "method": "tools/call",
            "params": {"name": tool, "arguments": {}}});
        self.send(post(&body, &[("mcp-session-id", session)])).await
    }

    /// Whether the session is there for this client.
    pub(crate) async fn has(&self, session: &str) -> bool {
        let body = json!({"jsonrpc": "2.0", "id": 99, "method": "ping"});
        let answer = self.send(post(&body, &[("mcp-session-id", session)])).await;
        match answer.status().as_u16() {
            200 => {
                let text = read(answer).await;
                assert!(text.contains(r#""id":99"#), "{text}");
                true
            }
            404 => false,
            other => panic!("{other}"),
        }
    }
}

/// A message as a client posts it.
pub(crate) fn post(body: &Value, headers: &[(&str, &str)]) -> Request {
    let mut request = Request::post("/mcp")
        .header("host", "localhost:1")
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::from(body.to_string())).unwrap()
}

/// A request without a body.
pub(crate) fn bare(method: &str, headers: &[(&str, &str)]) -> Request {
    let mut request = Request::builder()
        .method(method)
        .uri("/mcp")
        .header("host", "localhost:1")
        .header("accept", "text/event-stream");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::empty()).unwrap()
}

/// A request of 2026-07-28: its body and the headers that belong to it.
pub(crate) fn modern(method: &str, mut params: Value, headers: &[(&str, &str)]) -> Request {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let body = json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params});
    let version = ("mcp-protocol-version", "2026-07-28");
    post(&body, &[&[version], headers].concat())
}

/// The whole body of an answer, once it ended.
pub(crate) async fn read(answer: Response) -> String {
    let bytes = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    String::from_utf8(bytes.into()).unwrap()
}
