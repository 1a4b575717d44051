//! `/mcp`: MCP over Streamable HTTP, for the callers of all other routes and with their keys.

mod metadata;
mod stream;

use crate::access::{self, Caller};
use crate::app::App;
use crate::live::take_place;
use crate::problem::Problem;
use crate::request::JsonBody;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Method;
use axum::http::request::Parts;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{any, get};
use mcs_mcp::http::{Endpoint, HttpOptions, endpoint};
use tokio::time::Instant;

/// The route of MCP, and what it says of itself to those who have no key. These stand outside of the time that other requests
/// have: calls wait, and streams go on.
pub(crate) fn routes(app: &App) -> Router<App> {
    let endpoint = endpoint(&app.service, app.options.mcp.tools, options(app));
    let answer = move |state, caller, request| answer(endpoint.clone(), state, caller, request);
    let guarded = any(answer)
        .layer(from_fn_with_state(app.clone(), admit))
        .layer(from_fn_with_state(app.clone(), metadata::point_to));
    Router::new()
        .route("/mcp", guarded)
        .route(metadata::PATH, get(metadata::show))
        .route(metadata::PATH_OF_MCP, get(metadata::show))
}

/// Lets nobody pass who is not known, whatever the method.
async fn admit(State(app): State<App>, request: Request, next: Next) -> Response {
    let answer = |caller, mut parts: Parts, body| {
        parts.extensions.insert::<Caller>(caller);
        next.run(Request::from_parts(parts, body))
    };
    access::admit(&app, request, answer).await
}

fn options(app: &App) -> HttpOptions {
    HttpOptions {
        // Names and origins are looked at before, as for every other route.
        allowed_hosts: Vec::new(),
        allowed_origins: None,
        max_body_bytes: app.options.max_body_bytes,
        max_sessions: app.options.mcp.max_sessions,
        session_idle: app.options.mcp.session_idle,
        stop: app.options.stop.clone(),
        last_answers: app.options.shutdown_grace,
        ..HttpOptions::default()
    }
}

/// Answers a request of a caller who is known. It has a place among the streams, since any call may wait or tell of itself.
async fn answer(
    endpoint: Endpoint,
    State(app): State<App>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    app.access.check_origin(&parts)?;
    let place = take_place(&app, &caller)?;
    parts.extensions.insert(caller.principal.clone());
    let (body, memory) = if parts.method == Method::POST {
        let read = JsonBody::receive(&parts, body, &app).await?;
        let (bytes, memory) = read.into_parts();
        (Body::from(bytes), Some(memory))
    } else {
        (body, None)
    };
    let asked = Instant::now();
    let response = endpoint.answer(Request::from_parts(parts, body)).await;
    drop(memory);
    if asked.elapsed() >= stream::CHECK {
        // What it waited for is not for one whose key was revoked meanwhile.
        caller.check(&app).await?;
    }
    Ok(stream::guard(response, app, caller, place))
}
