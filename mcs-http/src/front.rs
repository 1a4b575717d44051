//! What every request passes first and every answer last, whatever its route.
//!
//! These are services of their own, and no functions around routes: of those axum boxes each, and copies all that is behind
//! it with each request.

use crate::app::App;
#[cfg(feature = "metrics")]
use crate::metrics::Measured;
use crate::problem::Problem;
use crate::request::Named;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use tower::{Layer, Service};
use tracing::Instrument;

/// Measures and names each request, gives the answer the headers that every answer has, and the log its line.
#[derive(Debug, Clone)]
pub(crate) struct Front(
    #[cfg_attr(
        not(feature = "metrics"),
        expect(dead_code, reason = "what measures looks at it alone")
    )]
    pub(crate) App,
);

/// Answers in time, whatever happens. What an answer streams may take longer.
#[derive(Debug, Clone)]
pub(crate) struct InTime(pub(crate) App);

/// What is behind one of them.
#[derive(Debug, Clone)]
pub(crate) struct Behind<L, S> {
    layer: L,
    inner: S,
}

type Answering = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

impl<S> Layer<S> for Front {
    type Service = Behind<Self, S>;

    fn layer(&self, inner: S) -> Self::Service {
        let layer = self.clone();
        Behind { layer, inner }
    }
}

impl<S> Layer<S> for InTime {
    type Service = Behind<Self, S>;

    fn layer(&self, inner: S) -> Self::Service {
        let layer = self.clone();
        Behind { layer, inner }
    }
}

impl<S> Service<Request> for Behind<Front, S>
where
    S: Service<Request, Error = Infallible>,
    S::Response: IntoResponse,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request) -> Answering {
        #[cfg(feature = "metrics")]
        let measured = Measured::begin(&self.layer.0, &request);
        let named = Named::begin(&mut request);
        let span = named.span();
        let answer = span.in_scope(|| self.inner.call(request)).instrument(span);
        Box::pin(async move {
            let mut response = answer.await?.into_response();
            named.end(&mut response);
            #[cfg(feature = "metrics")]
            measured.end(response.status());
            Ok(response)
        })
    }
}

impl<S> Service<Request> for Behind<InTime, S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Answering {
        let longest = self.layer.0.options.request_timeout;
        let answer = self.inner.call(request);
        Box::pin(async move {
            let Ok(answered) = tokio::time::timeout(longest, answer).await else {
                let problem = Problem::unavailable(
                    format!(
                        "the request took longer than {} s; whether it took effect is not known",
                        longest.as_secs()
                    ),
                    1,
                );
                return Ok(problem.into_response());
            };
            answered
        })
    }
}
