//! A service over HTTP that can be stopped and started again at its address.

use async_trait::async_trait;
use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use mcs_core::config::{Config, ToolSet, builder};
use mcs_core::domain::{Task, TaskResult};
use mcs_core::executor::{Context, ExecuteError, Executor, KindSpec, Outcome};
use mcs_core::service::{Principal, Service};
use mcs_mcp::http::{HttpOptions, PATH, endpoint};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub(crate) const TOKEN: &str = "the-token-of-the-test";

/// A service of tasks of kind `gated`, which end when they are let.
pub(crate) struct Shared {
    pub(crate) service: Service,
    pub(crate) gate: Arc<Semaphore>,
    pub(crate) address: SocketAddr,
    /// Keeps the address while nobody listens there.
    _held: TcpSocket,
    serving: Option<Serving>,
}

struct Serving {
    stop: CancellationToken,
    done: JoinHandle<()>,
}

impl Shared {
    pub(crate) async fn start() -> Self {
        let gate = Arc::new(Semaphore::new(0));
        let service = builder(&Config::in_memory())
            .executor(Gated(gate.clone()))
            .open()
            .await
            .unwrap();
        let (held, address) = held();
        let mut shared = Self {
            service,
            gate,
            address,
            _held: held,
            serving: None,
        };
        shared.start_again().await;
        shared
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Ends all connections and sessions, as the end of its process would.
    pub(crate) async fn stop(&mut self) {
        let serving = self.serving.take().unwrap();
        serving.stop.cancel();
        serving.done.await.unwrap();
    }

    /// Serves again where it did.
    pub(crate) async fn start_again(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.serve(listener);
    }

    fn serve(&mut self, listener: TcpListener) {
        let stop = CancellationToken::new();
        let options = HttpOptions {
            stop: stop.clone(),
            ..HttpOptions::default()
        };
        let mcp = endpoint(&self.service, ToolSet::All, options);
        let answer = async move |request: Request| mcp.answer(request).await;
        let routes = Router::new()
            .route(PATH, axum::routing::any(answer))
            .layer(from_fn(known));
        let ended = stop.clone().cancelled_owned();
        let serving = axum::serve(listener, routes).with_graceful_shutdown(ended);
        let done = tokio::spawn(async move { serving.await.unwrap() });
        self.serving = Some(Serving { stop, done });
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(serving) = &self.serving {
            serving.stop.cancel();
        }
    }
}

/// An address at which nobody listens, and which nobody else is given.
pub(crate) fn held() -> (TcpSocket, SocketAddr) {
    let held = TcpSocket::new_v4().unwrap();
    held.set_reuseaddr(true).unwrap();
    held.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let address = held.local_addr().unwrap();
    (held, address)
}

/// Lets in who has the token.
async fn known(mut request: Request, next: Next) -> Response {
    let sent = request.headers().get("authorization");
    let wanted = format!("Bearer {TOKEN}");
    if sent.is_none_or(|sent| sent.as_bytes() != wanted.as_bytes()) {
        return axum::http::StatusCode::UNAUTHORIZED.into_response();
    }
    request.extensions_mut().insert(Principal::local());
    next.run(request).await
}

#[derive(Debug)]
struct Gated(Arc<Semaphore>);

#[async_trait]
impl Executor for Gated {
    fn kind(&self) -> KindSpec {
        KindSpec::new("gated", "ends when it is let")
    }

    async fn execute(&self, _: &Task, _: &Context) -> Result<Outcome, ExecuteError> {
        self.0.acquire().await.unwrap().forget();
        Ok(Outcome::Done(TaskResult::text("finished after all")))
    }
}
