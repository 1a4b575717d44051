use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::RETRY_AFTER;

/// Why the sessions did not take a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    /// Whose sessions there are is nobody else's business: one of somebody else is as one that does not exist.
    #[error("Not Found: Session not found")]
    NoSession,
    #[error("all {0} sessions that one caller may have are in use; end some, or try again later")]
    OwnFull(usize),
    #[error("all {0} sessions that this server takes are in use; try again later")]
    AllFull(usize),
}

/// Seconds after which a client for whose session there was no room may try again.
const LATER: &str = "30";

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = match self {
            Self::NoSession => return (StatusCode::NOT_FOUND, self.to_string()).into_response(),
            Self::OwnFull(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::AllFull(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        (status, [(RETRY_AFTER, LATER)], self.to_string()).into_response()
    }
}
