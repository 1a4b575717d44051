use super::PathParameter;
use crate::problem::Problem;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use mcs_core::domain::TaskId;
use mcs_core::schema;

/// The task that the path names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TaskPath(pub(crate) TaskId);

impl<S: Send + Sync> FromRequestParts<S> for TaskPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let PathParameter(text) = PathParameter::from_request_parts(parts, state).await?;
        text.parse().map(Self).map_err(|_| {
            let text = schema::shortened(&text);
            Problem::not_found(format!(
                "there is no task `{text}`; the id of a task is a UUID, as POST /api/v1/tasks returns it"
            ))
        })
    }
}
