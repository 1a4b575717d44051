use crate::access::Caller;
use crate::problem::Problem;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use mcs_core::service::{Scope, ServiceError};
use std::sync::Arc;

/// Refuses a caller without the scopes of the operation before anything of the request is read. The core decides again.
pub(super) async fn admit(
    State(scopes): State<Arc<[Scope]>>,
    caller: Caller,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let held = &caller.principal.scopes;
    match scopes.iter().find(|scope| !held.has(**scope)) {
        Some(scope) => Err(ServiceError::Forbidden { scope: *scope }.into()),
        None => Ok(next.run(request).await),
    }
}
