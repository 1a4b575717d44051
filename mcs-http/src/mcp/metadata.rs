//! What a client without a key is told, as RFC 9728 has it: that `/mcp` is protected, and who gives out keys.

use crate::access;
use crate::app::App;
use crate::request::Mount;
use axum::Json;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::WWW_AUTHENTICATE;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use mcs_core::service::Scope;
use serde::Serialize;
use std::convert::Infallible;

/// Where the document is, for the server as a whole and for its one protected resource.
pub(super) const PATH: &str = "/.well-known/oauth-protected-resource";
pub(super) const PATH_OF_MCP: &str = "/.well-known/oauth-protected-resource/mcp";

/// What a client needs for most of what it does.
const BASIC: [Scope; 2] = [Scope::Read, Scope::Write];

#[derive(Debug, Serialize)]
pub(super) struct Metadata {
    resource: String,
    resource_name: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    authorization_servers: Vec<String>,
    bearer_methods_supported: [&'static str; 1],
    scopes_supported: Vec<&'static str>,
}

/// Where the server is, as its clients write it.
pub(super) struct Base(String);

impl FromRequestParts<App> for Base {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        if let Some(url) = &app.options.public_url {
            return Ok(Self(url.trim_end_matches('/').to_owned()));
        }
        let scheme = if app.options.tls.is_some() {
            "https"
        } else {
            "http"
        };
        let host = access::host(parts).unwrap_or("localhost");
        let base = format!("{scheme}://{host}");
        let Ok(mount) = Mount::from_request_parts(parts, app).await;
        Ok(Self(base + mount.prefix()))
    }
}

/// The document.
pub(super) async fn show(State(app): State<App>, Base(base): Base) -> Json<Metadata> {
    Json(Metadata {
        resource: format!("{base}/mcp"),
        resource_name: "MCS",
        authorization_servers: app.options.mcp.authorization_servers.clone(),
        bearer_methods_supported: ["header"],
        scopes_supported: BASIC.map(Scope::as_str).into(),
    })
}

/// Tells those who are not let in where the document is.
pub(super) async fn point_to(
    State(_): State<App>,
    Base(base): Base,
    request: Request,
    next: Next,
) -> Response {
    let mut response = next.run(request).await;
    if response.status() == StatusCode::UNAUTHORIZED {
        let scope = BASIC.map(Scope::as_str).join(" ");
        let how = format!(
            "Bearer realm=\"mcs\", scope=\"{scope}\", resource_metadata=\"{base}{PATH_OF_MCP}\""
        );
        // A host that no header can carry leaves the plain one.
        if let Ok(how) = HeaderValue::try_from(how) {
            response.headers_mut().insert(WWW_AUTHENTICATE, how);
        }
    }
    response
}
