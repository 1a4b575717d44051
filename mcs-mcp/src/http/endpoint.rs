use super::asking::{Asking, Owner};
use super::ending::Ending;
use super::held::Held;
use super::late;
use super::options::HttpOptions;
use super::sessions::{Limits, Sessions};
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{HeaderMap, Method};
use rmcp::ServerHandler;
use rmcp::model::ProtocolVersion;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Answers the HTTP requests of MCP with a handler. Clones are one endpoint.
#[derive(Clone)]
pub struct Endpoint(Arc<Shared>);

struct Shared {
    handle: Box<Handle>,
    sessions: Arc<Sessions>,
    ending: Ending,
    stream_keep_alive: Duration,
}

/// Answers with the handler, of whatever type that is.
type Handle = dyn Fn(Request) -> BoxFuture<'static, Response> + Send + Sync;

/// What part of the sessions one owner may have.
const SESSION_SHARE: usize = 4;
/// The request that goes on until its client leaves.
const LISTEN: &str = "subscriptions/listen";

impl Endpoint {
    /// Every request, and every session, is handled by a clone of `handler`.
    pub fn new<S>(handler: S, options: HttpOptions) -> Self
    where
        S: ServerHandler + Clone,
    {
        Self::telling(CancellationToken::new(), handler, options)
    }

    /// The same, which cancels `ending` when it is told to stop, so that calls that wait can answer.
    pub(super) fn telling<S>(ending: CancellationToken, handler: S, options: HttpOptions) -> Self
    where
        S: ServerHandler + Clone,
    {
        let sessions = Sessions::new(Limits {
            most: options.max_sessions,
            each: options.max_sessions.div_ceil(SESSION_SHARE),
            idle: options.session_idle,
        });
        let ending = Ending::new(ending, &options);
        let stream_keep_alive = options.stream_keep_alive;
        let config = config(options, ending.over());
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
            stream_keep_alive,
        }))
    }

    /// Answers one request, whatever its path.
    pub async fn answer(&self, mut request: Request) -> Response {
        let shared = &self.0;
        shared.ending.watch();
        let posts = request.method() == Method::POST;
        let listens = header(request.headers(), "mcp-method") == Some(LISTEN);
        let call = (posts && !listens).then(|| shared.ending.call());
        let response = if posts && is_stateless(request.headers()) {
            let read = CancellationToken::new();
            let reading = read.clone().drop_guard();
            request = request
                .map(|body| Body::from_stream(Held::new(body.into_data_stream(), Some(reading))));
            late::in_time(shared.answering(request), read, shared.stream_keep_alive).await
        } else {
            shared.answering(request).await
        };
        if !late::streams(&response) {
            return response;
        }
        response.map(|body| Body::from_stream(Held::new(body.into_data_stream(), call)))
    }
}

impl Shared {
    /// Answers as the handler and the sessions do.
    fn answering(&self, request: Request) -> BoxFuture<'static, Response> {
        let asking = Asking::new(Owner::of(request.extensions()));
        let answering = asking.clone().during((self.handle)(request));
        let answer = async move {
            let response = answering.await;
            match asking.refused() {
                Some(refused) => refused.into_response(),
                None => response,
            }
        };
        answer.boxed()
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("sessions", &self.0.sessions)
            .finish_non_exhaustive()
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Whether the request says that it is of a protocol without sessions. Versions are dates.
fn is_stateless(headers: &HeaderMap) -> bool {
    let version = header(headers, "mcp-protocol-version");
    version.is_some_and(|version| version >= ProtocolVersion::V_2026_07_28.as_str())
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
