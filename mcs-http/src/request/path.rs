use crate::problem::Problem;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

/// The one variable part of a path, decoded.
#[derive(Debug)]
pub(crate) struct PathParameter(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for PathParameter {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(text)) => Ok(Self(text)),
            Err(refused) => Err(Problem::malformed(format!(
                "in the path: {}",
                refused.body_text()
            ))),
        }
    }
}
