use super::endpoint::Endpoint;
use super::options::HttpOptions;
use axum::Router;
use axum::extract::Request;
use axum::routing::any;
use rmcp::ServerHandler;
use std::io;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Where MCP is served.
pub const PATH: &str = "/mcp";

/// The endpoint at [`PATH`], to be merged into an axum application. Who may call is up to the layers before it.
pub fn router<S>(handler: S, options: HttpOptions) -> Router
where
    S: ServerHandler + Clone,
{
    let endpoint = Endpoint::new(handler, options);
    let answer = move |request: Request| {
        let endpoint = endpoint.clone();
        async move { endpoint.answer(request).await }
    };
    Router::new().route(PATH, any(answer))
}

/// Serves `handler` at [`PATH`] on `listener` until [`HttpOptions::stop`] is cancelled and the last answers are given.
///
/// Everybody who reaches the listener may call, so it belongs on the loopback.
pub async fn serve<S>(listener: TcpListener, handler: S, options: HttpOptions) -> io::Result<()>
where
    S: ServerHandler + Clone,
{
    let stop = options.stop.clone();
    serve_routes(listener, router(handler, options), stop).await
}

/// Serves until it is told to stop and what was begun is answered.
pub(super) async fn serve_routes(
    listener: TcpListener,
    routes: Router,
    stop: CancellationToken,
) -> io::Result<()> {
    axum::serve(listener, routes)
        .with_graceful_shutdown(stop.cancelled_owned())
        .await
}
