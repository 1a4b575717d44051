//! A service to talk to over a real socket.

use super::kinds;
use mcs_core::config::{Config, Database};
use mcs_core::service::{NewKey, NewToken, Principal, Scope, Service};
use mcs_http::{Options, ServeError, serve};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Every store that a service may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    Memory,
    Sqlite,
}

impl Kept {
    pub(crate) const ALL: [Self; 2] = [Self::Memory, Self::Sqlite];
}

/// A service that is being served, and a client.
pub(crate) struct Server {
    pub(crate) service: Service,
    pub(crate) address: SocketAddr,
    pub(crate) options: Options,
    pub(crate) client: Client,
    pub(crate) serving: JoinHandle<Result<(), ServeError>>,
    /// What every request is sent with.
    pub(crate) token: Option<String>,
    /// Where its file is, for as long as it is served.
    directory: Option<TempDir>,
}

/// Longest time that anything here may take. It needs milliseconds.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

impl Server {
    /// One that is open, on each store in turn.
    pub(crate) async fn each(test: impl AsyncFn(Self)) {
        for kept in Kept::ALL {
            eprintln!("on {kept:?}");
            test(Self::start(kept, Options::default()).await).await;
        }
    }

    pub(crate) async fn start(kept: Kept, options: Options) -> Self {
        match kept {
            Kept::Memory => Self::on(Database::Memory, options).await,
            Kept::Sqlite => {
                let directory = tempfile::tempdir().unwrap();
                let file = Database::File(directory.path().join("mcs.db"));
                let mut server = Self::on(file, options).await;
                server.directory = Some(directory);
                server
            }
        }
    }

    pub(crate) async fn at(path: &Path) -> Self {
        Self::on(Database::File(path.to_owned()), Options::default()).await
    }

    async fn on(database: Database, options: Options) -> Self {
        let config = Config {
            database,
            ..Config::default()
        };
        let service = kinds::all(mcs_core::builder(&config)).open();
        Self::of(service.await.unwrap(), options).await
    }

    /// One that serves `service`.
    pub(crate) async fn of(service: Service, options: Options) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(serve(listener, service.clone(), options.clone()));
        Self {
            service,
            address,
            options,
            client: Client::builder().timeout(PATIENCE).build().unwrap(),
            serving,
            token: None,
            directory: None,
        }
    }

    /// The same, whose requests are sent with `token`.
    pub(crate) fn with(mut self, token: &NewToken) -> Self {
        self.token = Some(token.token.expose().to_owned());
        self
    }

    pub(crate) async fn key(&self, mcp_id: Option<&str>, scopes: &[Scope]) -> NewToken {
        let new = NewKey {
            name: mcp_id.unwrap_or("somebody").to_owned(),
            mcp_id: mcp_id.map(str::to_owned),
            scopes: scopes.to_vec(),
        };
        let keys = self.service.keys();
        keys.create(&Principal::local(), new).await.unwrap()
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self
            .client
            .request(method, format!("http://{}{path}", self.address));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Value) {
        answer(self.request(Method::GET, path)).await
    }

    /// What is found at `path`, which must be there.
    pub(crate) async fn found(&self, path: &str) -> Value {
        let (status, body) = self.get(path).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        answer(self.request(Method::POST, path).json(body)).await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.options.stop.cancel();
    }
}

/// The status and the JSON of an answer.
pub(crate) async fn answer(request: RequestBuilder) -> (StatusCode, Value) {
    let answer = request.send().await.unwrap();
    (answer.status(), json_of(answer).await)
}

/// The JSON of an answer, which must say that it is some and carry what every answer carries.
pub(crate) async fn json_of(answer: Response) -> Value {
    let status = answer.status();
    let header = |name: &str| {
        let value = answer.headers().get(name);
        value.map_or("", |value| value.to_str().unwrap()).to_owned()
    };
    assert!(!header("x-request-id").is_empty());
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("cache-control"), "no-store");
    let failed = status.is_client_error() || status.is_server_error();
    let wanted = if failed {
        "application/problem+json"
    } else {
        "application/json"
    };
    assert_eq!(header("content-type"), wanted, "{status}");
    let retry = matches!(
        status,
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS
    );
    assert_eq!(!header("retry-after").is_empty(), retry, "{status}");
    let body: Value = answer.json().await.unwrap();
    if failed {
        assert_eq!(body["status"], status.as_u16());
        for field in ["type", "title", "detail"] {
            assert!(body[field].is_string(), "{body}");
        }
    }
    body
}
