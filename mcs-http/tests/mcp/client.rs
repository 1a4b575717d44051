//! Clients of rmcp, and requests as they are on the wire.

use crate::kit::Server;
use reqwest::{Method, RequestBuilder, Response};
use rmcp::RoleClient;
use rmcp::model::{CallToolRequestParams, ProtocolVersion};
use rmcp::service::{ClientLifecycleMode, ClientServiceExt, RunningService};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use serde_json::{Value, json};

/// Both eras.
pub(crate) fn eras() -> [ClientLifecycleMode; 2] {
    let modern = ClientLifecycleMode::Discover {
        preferred_versions: vec![ProtocolVersion::V_2026_07_28],
    };
    [ClientLifecycleMode::Initialize, modern]
}

pub(crate) async fn connect(
    server: &Server,
    token: &str,
    era: ClientLifecycleMode,
) -> RunningService<RoleClient, ()> {
    let url = format!("http://{}/mcp", server.address);
    let config = StreamableHttpClientTransportConfig::with_uri(url).auth_header(token);
    let transport = StreamableHttpClientTransport::from_config(config);
    ().serve_with_lifecycle(transport, era).await.unwrap()
}

/// What a tool answers, as JSON.
pub(crate) async fn call(
    client: &RunningService<RoleClient, ()>,
    tool: &'static str,
    arguments: &Value,
) -> Value {
    let arguments = arguments.as_object().unwrap().clone();
    let request = CallToolRequestParams::new(tool).with_arguments(arguments);
    let answer = client.call_tool(request).await.unwrap();
    serde_json::to_value(answer).unwrap()
}

/// A request of 2026-07-28.
pub(crate) fn modern(server: &Server, method: &str, mut params: Value) -> RequestBuilder {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let named = params["name"].as_str().unwrap_or_default().to_owned();
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    let request = server
        .request(Method::POST, "/mcp")
        .header("accept", "application/json, text/event-stream")
        .header("mcp-protocol-version", "2026-07-28")
        .header("mcp-method", method)
        .json(&body);
    if named.is_empty() {
        request
    } else {
        request.header("mcp-name", named)
    }
}

/// A message of an earlier protocol.
pub(crate) fn earlier(server: &Server, session: Option<&str>, body: &Value) -> RequestBuilder {
    let request = server
        .request(Method::POST, "/mcp")
        .header("accept", "application/json, text/event-stream")
        .json(body);
    match session {
        Some(session) => request.header("mcp-session-id", session),
        None => request,
    }
}

/// Opens a session of an earlier protocol.
pub(crate) async fn session(server: &Server) -> String {
    let body = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"}}});
    let opened = earlier(server, None, &body).send().await.unwrap();
    assert_eq!(opened.status(), 200);
    let id = opened.headers()["mcp-session-id"].to_str().unwrap();
    let id = id.to_owned();
    opened.text().await.unwrap();
    let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    let ready = earlier(server, Some(&id), &ready).send().await.unwrap();
    assert_eq!(ready.status(), 202);
    id
}

/// The stream of what a session is told.
pub(crate) async fn listen(server: &Server, session: &str) -> Response {
    let request = server
        .request(Method::GET, "/mcp")
        .header("accept", "text/event-stream")
        .header("mcp-session-id", session);
    request.send().await.unwrap()
}
