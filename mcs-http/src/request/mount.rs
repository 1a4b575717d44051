use axum::extract::{FromRequestParts, NestedPath};
use axum::http::HeaderName;
use axum::http::header::LOCATION;
use axum::http::request::Parts;
use mcs_core::domain::TaskId;
use std::convert::Infallible;

/// Where these routes are in the application that they are part of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mount(String);

impl Mount {
    /// The path before all paths here: nothing, or such as `/mcs`.
    pub(crate) fn prefix(&self) -> &str {
        &self.0
    }

    /// The header that tells where a task is.
    pub(crate) fn location(&self, task: TaskId) -> [(HeaderName, String); 1] {
        [(LOCATION, format!("{}/api/v1/tasks/{task}", self.0))]
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Mount {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let nested = NestedPath::from_request_parts(parts, state).await;
        let path = nested.map(|path| path.as_str().trim_end_matches('/').to_owned());
        Ok(Self(path.unwrap_or_default()))
    }
}
