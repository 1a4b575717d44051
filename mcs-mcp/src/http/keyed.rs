use super::options::HttpOptions;
use super::serve::{PATH, is_loopback, serve_routes};
use super::service::endpoint;
use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use mcs_core::config::ToolSet;
use mcs_core::service::{Principal, Service, ServiceError};
use std::io;
use std::net::SocketAddr;
use tokio::net::TcpListener;

/// Why a service was not served.
#[derive(Debug, thiserror::Error)]
pub enum ServeHttpError {
    /// Make a key first, or listen on the loopback.
    #[error(
        "{0} can be reached from other machines and there is no key, so everybody could do everything; make one first with \
         `Service::keys`, or listen on 127.0.0.1"
    )]
    NoKeys(SocketAddr),
    /// The keys could not be read.
    #[error("the keys could not be read: {0}")]
    Keys(#[from] ServiceError),
    /// The listener does not work.
    #[error("the listener does not work: {0}")]
    Listener(#[from] io::Error),
}

/// Whom the keys of a service let in.
#[derive(Clone)]
struct Doorkeeper {
    service: Service,
    /// Whether everybody is let in as long as there is no key.
    open: bool,
}

/// Serves a task service at [`PATH`] on `listener`, for callers with one of its keys, until [`HttpOptions::stop`] is
/// cancelled. On the loopback, as long as there is no key, everybody is let in whom `options` let in. The service itself goes
/// on; who opened it shuts it down.
///
/// It is MCP alone. REST, rate limits, HTTPS, tokens of files and all else that belongs to a server for many are in mcs-http.
pub async fn serve_service(
    listener: TcpListener,
    service: Service,
    tools: ToolSet,
    options: HttpOptions,
) -> Result<(), ServeHttpError> {
    let address = listener.local_addr()?;
    let open = check(address, service.keys().any().await?)?;
    let stop = options.stop.clone();
    let mcp = endpoint(&service, tools, options);
    let answer = async move |request: Request| mcp.answer(request).await;
    let keeper = Doorkeeper { service, open };
    let routes = Router::new()
        .route(PATH, any(answer))
        .layer(from_fn_with_state(keeper, let_in));
    Ok(serve_routes(listener, routes, stop).await?)
}

/// Whether everybody who reaches `address` may be let in while there is no key. Elsewhere than on the loopback one is needed.
fn check(address: SocketAddr, has_keys: bool) -> Result<bool, ServeHttpError> {
    let open = is_loopback(address);
    if open || has_keys {
        Ok(open)
    } else {
        Err(ServeHttpError::NoKeys(address))
    }
}

/// Lets in whom a key proves, and tells the endpoint who it is.
async fn let_in(State(keeper): State<Doorkeeper>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    match keeper.who(&parts).await {
        Ok(Some(principal)) => {
            parts.extensions.insert(principal);
            next.run(Request::from_parts(parts, body)).await
        }
        Ok(None) => {
            let how = HeaderValue::from_static("Bearer realm=\"mcs\"");
            let detail = "send `Authorization: Bearer <token>` with a key of this server";
            (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, how)], detail).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "the keys could not be read");
            let detail = "the keys could not be read; try again later";
            (StatusCode::SERVICE_UNAVAILABLE, detail).into_response()
        }
    }
}

impl Doorkeeper {
    async fn who(&self, request: &Parts) -> Result<Option<Principal>, ServiceError> {
        let keys = self.service.keys();
        let sent = request.headers.get(AUTHORIZATION);
        if let Some(token) = sent.and_then(bearer)
            && let Some(key) = keys.authenticate(token).await?
        {
            return Ok(Some(key.principal()));
        }
        let everybody = self.open && !keys.any().await?;
        Ok(everybody.then(Principal::local))
    }
}

/// The token behind the word `Bearer`.
fn bearer(value: &HeaderValue) -> Option<&str> {
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_machines_are_not_let_in_without_a_key() {
        for (address, open) in [
            ("127.0.0.1:80", true),
            ("[::1]:80", true),
            ("[::ffff:127.0.0.1]:80", true),
            ("0.0.0.0:80", false),
            ("10.0.0.1:80", false),
            ("[::]:80", false),
        ] {
            let address = address.parse().unwrap();
            assert_eq!(check(address, true).unwrap(), open, "{address}");
            assert_eq!(check(address, false).is_ok(), open, "{address}");
        }
    }
}
