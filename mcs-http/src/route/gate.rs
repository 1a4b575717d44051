use crate::access::{self, Caller};
use crate::app::App;
use crate::problem::Problem;
use crate::reporting::Call;
use axum::body::Body;
use axum::extract::Request;
use axum::handler::Handler;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use mcs_core::service::{Scope, ServiceError};
use std::pin::Pin;
use std::sync::Arc;

/// A handler that only those reach who may: whose key is known, who do not ask too often, and who have the scopes of the
/// operation.
///
/// It is a handler itself. As layers around the route its steps would each be boxed, and copied with each request.
#[derive(Debug, Clone)]
pub(super) struct Gated<H> {
    handler: H,
    scopes: Arc<[Scope]>,
    /// Whether it changes something although its method only reads.
    changes: bool,
}

impl<H> Gated<H> {
    pub(super) fn new(handler: H, scopes: &[Scope], changes: bool) -> Self {
        Self {
            handler,
            scopes: scopes.into(),
            changes,
        }
    }

    /// Refuses a caller without the scopes before anything of the request is read. The core decides again.
    fn admit(&self, caller: &Caller) -> Result<(), Problem> {
        let held = &caller.principal.scopes;
        match self.scopes.iter().find(|scope| !held.has(**scope)) {
            Some(scope) => Err(ServiceError::Forbidden { scope: *scope }.into()),
            None => Ok(()),
        }
    }

    /// What a caller who is known is refused with, if it is.
    fn refusal(&self, app: &App, caller: &Caller, parts: &Parts) -> Option<Response> {
        match self.admit(caller) {
            Err(problem) => Some(problem.into_response()),
            Ok(()) if self.changes => access::not_meant(app, caller, parts),
            Ok(()) => None,
        }
    }
}

impl<H, T> Handler<T, App> for Gated<H>
where
    H: Handler<T, App>,
    T: 'static,
{
    type Future = Pin<Box<dyn Future<Output = Response> + Send>>;

    fn call(self, request: Request, app: App) -> Self::Future {
        Box::pin(async move {
            let answer = |caller, parts, body| self.answer(&app, caller, parts, body);
            access::admit(&app, request, answer).await
        })
    }
}

impl<H> Gated<H> {
    /// Answers a caller who is known, and reports that.
    async fn answer<T: 'static>(
        self,
        app: &App,
        caller: Caller,
        mut parts: Parts,
        body: Body,
    ) -> Response
    where
        H: Handler<T, App>,
    {
        let call = Call::begin(app, &caller, &parts);
        let response = if let Some(refused) = self.refusal(app, &caller, &parts) {
            refused
        } else {
            parts.extensions.insert(caller);
            let request = Request::from_parts(parts, body);
            self.handler.call(request, app.clone()).await
        };
        if let Some(call) = call {
            call.end(response.status());
        }
        response
    }
}
