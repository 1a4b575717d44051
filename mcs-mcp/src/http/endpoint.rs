use super::asking::{Asking, Owner};
use super::options::HttpOptions;
use super::sessions::{Limits, Sessions};
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};
use rmcp::ServerHandler;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use std::fmt;
use std::sync::{Arc, Once};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Answers the HTTP requests of MCP with a handler. Clones are one endpoint.
#[derive(Clone)]
pub struct Endpoint(Arc<Shared>);

struct Shared {
    handle: Box<Handle>,
    sessions: Arc<Sessions>,
    ending: Ending,
}

/// Answers with the handler, of whatever type that is.
type Handle = dyn Fn(Request) -> BoxFuture<'static, Response> + Send + Sync;

/// The header that names a session.
const SESSION: &str = "mcp-session-id";
/// What part of the sessions one owner may have.
const SESSION_SHARE: usize = 4;
/// Longest time that the last answers may take once the endpoint is told to stop.
const LAST_ANSWERS: Duration = Duration::from_millis(300);
/// Seconds after which a client for whose session there was no room may try again.
const LATER: &str = "30";

impl Endpoint {
    /// Every request, and every session, is handled by a clone of `handler`.
    pub fn new<S>(handler: S, options: HttpOptions) -> Self
    where
        S: ServerHandler + Clone,
    {
        let sessions = Sessions::new(Limits {
            most: options.max_sessions,
            each: options.max_sessions.div_ceil(SESSION_SHARE),
            idle: options.session_idle,
        });
        let ending = Ending::new(&options);
        let config = config(options, ending.over.clone());
        let inner =
            StreamableHttpService::new(move || Ok(handler.clone()), sessions.clone(), config);
        let inner = Arc::new(inner);
        let handle = move |request: Request| {
            let inner = inner.clone();
            async move { inner.handle(request).await.map(Body::new) }.boxed()
        };
        Self(Arc::new(Shared {
            handle: Box::new(handle),
            sessions,
            ending,
        }))
    }

    /// Answers one request, whatever its path.
    pub async fn answer(&self, request: Request) -> Response {
        self.0.ending.watch();
        let owner = Owner::of(request.extensions());
        if let Some(id) = session_of(request.headers())
            && !self.0.sessions.are_open_to(owner.as_ref(), id)
        {
            // As for one that does not exist: whose sessions there are is nobody else's business.
            return (StatusCode::NOT_FOUND, "Not Found: Session not found").into_response();
        }
        let asking = Asking::new(owner);
        let response = asking.during((self.0.handle)(request)).await;
        if asking.had_no_room() {
            let detail =
                "all sessions that this server takes are in use; end some, or try again later";
            return (
                StatusCode::SERVICE_UNAVAILABLE,
                [(RETRY_AFTER, LATER)],
                detail,
            )
                .into_response();
        }
        response
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("sessions", &self.0.sessions)
            .finish_non_exhaustive()
    }
}

fn session_of(headers: &HeaderMap) -> Option<&str> {
    headers.get(SESSION)?.to_str().ok()
}

fn config(options: HttpOptions, over: CancellationToken) -> StreamableHttpServerConfig {
    let config = StreamableHttpServerConfig::default()
        .with_allowed_hosts(options.allowed_hosts)
        .with_max_request_body_bytes(options.max_body_bytes)
        .with_sse_keep_alive(Some(options.stream_keep_alive))
        // A call that says nothing before its answer is answered with the answer alone.
        .with_json_response(true)
        .with_cancellation_token(over);
    match options.allowed_origins {
        None => config.disable_allowed_origins(),
        Some(origins) => config
            .with_allowed_origins(origins)
            .enforce_origin_validation(),
    }
}

/// The end of an endpoint: first the handler hears of it, then streams and sessions are cut off.
struct Ending {
    stop: CancellationToken,
    handler: CancellationToken,
    over: CancellationToken,
    watched: Once,
}

impl Ending {
    fn new(options: &HttpOptions) -> Self {
        Self {
            stop: options.stop.clone(),
            handler: options.handler_ending.clone(),
            over: CancellationToken::new(),
            watched: Once::new(),
        }
    }

    /// Sees to it from now on. Endpoints are made also where no runtime is; before the first request there is nothing to end.
    fn watch(&self) {
        self.watched.call_once(|| {
            let (stop, handler, over) =
                (self.stop.clone(), self.handler.clone(), self.over.clone());
            tokio::spawn(async move {
                stop.cancelled().await;
                handler.cancel();
                tokio::time::sleep(LAST_ANSWERS).await;
                over.cancel();
            });
        });
    }
}
