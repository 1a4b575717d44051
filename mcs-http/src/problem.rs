//! What went wrong, as RFC 9457 has it.

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use mcs_core::domain::InvalidInput;
use mcs_core::service::ServiceError;
use mcs_core::store::StoreError;
use schemars::JsonSchema;
use serde::Serialize;

/// An answer that says what went wrong and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    status: StatusCode,
    kind: Kind,
    detail: String,
    field: Option<String>,
    retry_after: Option<u32>,
}

/// What a program looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Kind {
    name: &'static str,
    title: &'static str,
}

/// Why a request was refused, as RFC 9457 has it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub(crate) struct Body<'a> {
    /// What kind of problem it is, for programs: `urn:mcs:problem:` and a name.
    r#type: String,
    /// The same for people.
    title: &'a str,
    /// The status of the answer.
    #[schemars(range(min = 400, max = 599))]
    status: u16,
    /// What happened and what to do.
    detail: &'a str,
    /// The field that is refused, such as `tasks[3].queue`.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
}

const MALFORMED: Kind = Kind {
    name: "malformed",
    title: "The request cannot be read",
};
const INVALID: Kind = Kind {
    name: "invalid",
    title: "A value of the request is refused",
};
const UNAUTHENTICATED: Kind = Kind {
    name: "unauthenticated",
    title: "A key is needed",
};
const FORBIDDEN: Kind = Kind {
    name: "forbidden",
    title: "The caller may not do this",
};
const NOT_FOUND: Kind = Kind {
    name: "not-found",
    title: "There is no such thing",
};
const METHOD: Kind = Kind {
    name: "method-not-allowed",
    title: "The route does not take this method",
};
const MEDIA_TYPE: Kind = Kind {
    name: "unsupported-media-type",
    title: "The body is of a type that is not taken",
};
const TOO_SLOW: Kind = Kind {
    name: "too-slow",
    title: "The request took too long to arrive",
};
const CONFLICT: Kind = Kind {
    name: "conflict",
    title: "Something stands against it",
};
const TOO_LARGE: Kind = Kind {
    name: "too-large",
    title: "The request is too large",
};
const TOO_MANY: Kind = Kind {
    name: "too-many",
    title: "Too many requests",
};
const UNAVAILABLE: Kind = Kind {
    name: "unavailable",
    title: "Not now",
};
const INTERNAL: Kind = Kind {
    name: "internal",
    title: "The server failed",
};

/// Seconds after which a store that is busy or failed for a moment is worth asking again, and one whose disk is full.
const SOON: u32 = 1;
const LATER: u32 = 30;

impl Problem {
    fn new(status: StatusCode, kind: Kind, detail: impl Into<String>) -> Self {
        Self {
            status,
            kind,
            detail: detail.into(),
            field: None,
            retry_after: None,
        }
    }

    /// The request cannot be read.
    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, MALFORMED, detail)
    }

    /// The body is of a kind that is not taken.
    pub(crate) fn media_type(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, MEDIA_TYPE, detail)
    }

    /// The caller did not send a key that works.
    pub(crate) fn unauthenticated(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, UNAUTHENTICATED, detail)
    }

    /// The caller may not do this.
    pub(crate) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, FORBIDDEN, detail)
    }

    /// There is no such thing.
    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, NOT_FOUND, detail)
    }

    /// The path is right and the method is not.
    pub(crate) fn method(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, METHOD, detail)
    }

    /// The request is too large.
    pub(crate) fn too_large(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, TOO_LARGE, detail)
    }

    /// The client was too slow.
    pub(crate) fn too_slow(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, TOO_SLOW, detail)
    }

    /// The caller asks too often, and may ask again in so many seconds.
    pub(crate) fn too_many(detail: impl Into<String>, retry_after: u32) -> Self {
        Self {
            retry_after: Some(retry_after),
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, TOO_MANY, detail)
        }
    }

    /// Nothing is wrong with the request; it may do better in so many seconds.
    pub(crate) fn unavailable(detail: impl Into<String>, retry_after: u32) -> Self {
        Self {
            retry_after: Some(retry_after),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, UNAVAILABLE, detail)
        }
    }

    /// The server is at its end.
    pub(crate) fn stopping() -> Self {
        Self::unavailable("the server is stopping; try again when it is back", SOON)
    }

    /// The server failed, and its log says how.
    pub(crate) fn internal() -> Self {
        let detail = "the server failed on this request; its log says more";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, INTERNAL, detail)
    }

    /// What to tell where there is no answer to put the rest in.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    fn not_implemented(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_IMPLEMENTED, INTERNAL, detail)
    }

    fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, CONFLICT, detail)
    }
}

impl From<InvalidInput> for Problem {
    fn from(refused: InvalidInput) -> Self {
        Self {
            field: Some(refused.field.clone()),
            ..Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                INVALID,
                refused.to_string(),
            )
        }
    }
}

impl From<ServiceError> for Problem {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::Invalid(refused) => refused.into(),
            ServiceError::NotFound(_)
            | ServiceError::NoInteraction(_)
            | ServiceError::NoKey { .. } => Self::not_found(error.to_string()),
            ServiceError::Conflict { reason } | ServiceError::KeyTaken { reason, .. } => {
                Self::conflict(reason)
            }
            ServiceError::Forbidden { .. } | ServiceError::OtherMcp { .. } => {
                Self::forbidden(error.to_string())
            }
            ServiceError::NoInteractionStore => Self::not_implemented(error.to_string()),
            ServiceError::Unavailable { .. } => Self::conflict(error.to_string()),
            ServiceError::UnknownKind { .. } => InvalidInput::new("kind", error.to_string()).into(),
            ServiceError::UnreadableResult { .. } | ServiceError::Randomness(_) => {
                tracing::error!(%error, "a request failed");
                Self::internal()
            }
            ServiceError::Store(error) => error.into(),
        }
    }
}

/// The store's own words name files of the server, which are for its log.
impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Invalid(refused) => return refused.clone().into(),
            StoreError::UniqueKey { .. } | StoreError::VersionConflict { .. } => {
                return Self::conflict(error.to_string());
            }
            StoreError::Closed => return Self::stopping(),
            _ => tracing::error!(%error, "the store failed"),
        }
        match error {
            StoreError::Full { .. } | StoreError::ReadOnly { .. } => {
                Self::unavailable(error.public(), LATER)
            }
            StoreError::Locked { .. } | StoreError::Io { .. } => {
                Self::unavailable(error.public(), SOON)
            }
            _ => Self::internal(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = Body {
            r#type: format!("urn:mcs:problem:{}", self.kind.name),
            title: self.kind.title,
            status: self.status.as_u16(),
            detail: &self.detail,
            field: self.field.as_deref(),
        };
        // Texts and a number: there is nothing in it that JSON cannot hold.
        let body = serde_json::to_vec(&body).unwrap_or_default();
        let json = HeaderValue::from_static("application/problem+json");
        let mut response = (self.status, [(CONTENT_TYPE, json)], body).into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        if self.status == StatusCode::UNAUTHORIZED {
            let how = HeaderValue::from_static("Bearer realm=\"mcs\"");
            headers.insert(WWW_AUTHENTICATE, how);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mcs_core::service::Scope;
    use std::path::PathBuf;

    fn status(error: impl Into<Problem>) -> (u16, Option<u32>) {
        let problem = error.into();
        (problem.status.as_u16(), problem.retry_after)
    }

    #[test]
    fn each_error_has_the_status_that_tells_the_caller_what_to_do() {
        let path = PathBuf::from("/var/lib/mcs.db");
        let busy = StoreError::Locked {
            path: path.clone(),
            waited_ms: 5,
            source: "busy".into(),
        };
        let full = StoreError::Full {
            path: path.clone(),
            source: "full".into(),
        };
        let torn = StoreError::Corrupt {
            path,
            detail: "torn".into(),
        };
        assert_eq!(status(InvalidInput::new("name", "is empty")), (422, None));
        let scope = Scope::Admin;
        assert_eq!(status(ServiceError::Forbidden { scope }), (403, None));
        assert_eq!(status(ServiceError::NoKey { id: "x".into() }), (404, None));
        assert_eq!(status(ServiceError::Store(busy)), (503, Some(SOON)));
        assert_eq!(status(ServiceError::Store(full)), (503, Some(LATER)));
        assert_eq!(status(ServiceError::Store(torn)), (500, None));
        assert_eq!(status(StoreError::Closed), (503, Some(SOON)));
    }

    #[test]
    fn files_of_the_server_are_not_named() {
        let problem = Problem::from(StoreError::Full {
            path: PathBuf::from("/var/lib/mcs.db"),
            source: "full".into(),
        });
        assert!(!problem.detail.contains("/var"), "{problem:?}");
    }
}
