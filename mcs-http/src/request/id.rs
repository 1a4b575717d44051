use crate::access::{CallerName, secure};
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue, Method};
use axum::response::Response;
use std::time::Instant;
use tracing::{Level, Span};
use uuid::Uuid;

/// Names a request in logs: the caller's own `X-Request-Id`, else a new one.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(HeaderValue);

/// The header that has it, of requests and of answers.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest id of a caller that is taken over.
const LONGEST: usize = 64;

impl RequestId {
    pub(crate) fn as_str(&self) -> &str {
        // It has nothing that is not.
        self.0.to_str().unwrap_or_default()
    }

    fn of(request: &Request) -> Self {
        let given = request.headers().get(REQUEST_ID);
        if let Some(usable) = given.filter(|value| is_usable(value)) {
            return Self(usable.clone());
        }
        let mut buffer = Uuid::encode_buffer();
        let text = Uuid::now_v7().simple().encode_lower(&mut buffer);
        let made = HeaderValue::from_str(text);
        Self(made.unwrap_or(HeaderValue::from_static("none")))
    }
}

/// A request that has its id, and is told of once it is answered.
#[derive(Debug)]
pub(crate) struct Named {
    id: RequestId,
    began: Instant,
    method: Method,
    route: Option<MatchedPath>,
}

impl Named {
    /// Gives the request its id.
    pub(crate) fn begin(request: &mut Request) -> Self {
        let named = Self {
            id: RequestId::of(request),
            began: Instant::now(),
            method: request.method().clone(),
            route: request.extensions().get::<MatchedPath>().cloned(),
        };
        request.extensions_mut().insert(named.id.clone());
        named
    }

    /// Whatever is logged of a request has its id, at every level: that of the answer is what a caller has in hand.
    pub(crate) fn span(&self) -> Span {
        tracing::error_span!("request", id = self.id.as_str())
    }

    /// Gives the answer the headers that every answer has, and the log its line.
    pub(crate) fn end(self, response: &mut Response) {
        tell(
            &self.id,
            &self.method,
            self.route.as_ref(),
            self.began,
            response,
        );
        let headers = response.headers_mut();
        headers.insert(REQUEST_ID, self.id.0);
        secure(headers);
    }
}

/// Logs a request: its route without what stands in it, and nothing of what was sent with it.
fn tell(
    id: &RequestId,
    method: &Method,
    route: Option<&MatchedPath>,
    began: Instant,
    response: &Response,
) {
    let status = response.status();
    // What fails is worth a line wherever anything is; all the rest would be thousands in a second, at anybody's will.
    let failed = status.is_server_error();
    if !failed && !tracing::enabled!(Level::DEBUG) {
        return;
    }
    let id = id.as_str();
    let route = route.map_or("none", MatchedPath::as_str);
    let caller = response.extensions().get::<CallerName>();
    let caller = caller.map_or("nobody", |CallerName(name)| name);
    let (status, ms) = (status.as_u16(), began.elapsed().as_secs_f64() * 1000.0);
    if failed {
        tracing::info!(id, %method, route, status, ms, caller, "answered");
    } else {
        tracing::debug!(id, %method, route, status, ms, caller, "answered");
    }
}

fn is_usable(value: &HeaderValue) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=LONGEST).contains(&value.len()) && value.as_bytes().iter().all(plain)
}

#[cfg(all(test, feature = "cli"))]
mod tests {
    use super::*;
    use crate::app::{App, Door};
    use crate::front::Front;
    use crate::options::Options;
    use crate::problem::Problem;
    use axum::Router;
    use axum::body::Body;
    use axum::routing::get;
    use hyper::service::Service;
    use hyper_util::service::TowerToHyperService;
    use mcs_core::config::Config;
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0
                .lock()
                .map_err(|_| io::ErrorKind::Other)?
                .write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn what_fails_is_found_in_the_log_by_the_id_of_its_answer() {
        let service = mcs_core::open(&Config::in_memory()).await.unwrap();
        let app = App::new(service, Options::default(), Door::OpenUntilKeys);
        let lines = Lines::default();
        let to = lines.clone();
        let log = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_max_level(Level::INFO)
            .with_writer(move || to.clone());
        let _log = tracing::subscriber::set_default(log.finish());
        let fails = async || {
            tracing::error!("the store failed");
            Problem::unavailable("the store failed", 1)
        };
        let routes = Router::<()>::new()
            .route("/fails", get(fails))
            .layer(Front(app));
        let routes = TowerToHyperService::new(routes);
        let ask = async |path: &str| {
            let request = Request::get(path).header(REQUEST_ID, "the-id-of-it");
            let request = request.body(Body::empty()).unwrap();
            let answer = routes.call(request).await.unwrap();
            assert_eq!(answer.headers()[REQUEST_ID], "the-id-of-it");
            String::from_utf8(lines.0.lock().unwrap().split_off(0)).unwrap()
        };
        let told = ask("/fails").await;
        let told: Vec<_> = told.lines().collect();
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(
            told.iter().all(|line| line.contains("the-id-of-it")),
            "{told:?}"
        );
        assert!(told[1].contains("status=503"), "{told:?}");
        assert_eq!(
            ask("/none").await,
            "",
            "what the caller did wrong is no line at this level"
        );
    }
}
