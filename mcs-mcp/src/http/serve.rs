use super::endpoint::Endpoint;
use super::options::HttpOptions;
use axum::Router;
use axum::extract::Request;
use axum::routing::any;
use rmcp::ServerHandler;
use std::io;
use std::net::SocketAddr;
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
/// Everybody who reaches the listener may call, so one that other machines reach is refused. For those there is
/// [`serve_service`](super::serve_service), which asks for keys, or [`router`] behind a layer that knows who calls.
pub async fn serve<S>(listener: TcpListener, handler: S, options: HttpOptions) -> io::Result<()>
where
    S: ServerHandler + Clone,
{
    let address = listener.local_addr()?;
    if !is_loopback(address) {
        let problem = format!(
            "{address} can be reached from other machines, so everybody could do everything; listen on 127.0.0.1, or put a \
             layer that knows who calls before `router`"
        );
        return Err(io::Error::new(io::ErrorKind::InvalidInput, problem));
    }
    let stop = options.stop.clone();
    serve_routes(listener, router(handler, options), stop).await
}

/// Whether only this machine reaches `address`.
pub(super) fn is_loopback(address: SocketAddr) -> bool {
    // An IPv4 address inside an IPv6 one is reached where the inner one is.
    address.ip().to_canonical().is_loopback()
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
