use crate::domain::ErrorClass;
use std::time::Duration;

/// Why a provider gave no answer, named by what the caller does next.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// Try again: a network failure, a cut stream, an overloaded or failing server.
    #[error("{message}")]
    Transient {
        /// What happened.
        message: String,
        /// HTTP status, where one came.
        status: Option<u16>,
        /// The API's id of the request.
        request_id: Option<String>,
        /// How long the API asked to wait.
        retry_after: Option<Duration>,
        /// What the transport said.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// Come back later.
    #[error("{message}")]
    RateLimited {
        /// What happened.
        message: String,
        /// HTTP status.
        status: Option<u16>,
        /// The API's id of the request.
        request_id: Option<String>,
        /// How long the API asked to wait.
        retry_after: Option<Duration>,
    },
    /// Trying again will not help: a wrong key, an unknown model, a bad request, no balance.
    #[error("{message}")]
    Permanent {
        /// What happened and what to do.
        message: String,
        /// HTTP status, where one came.
        status: Option<u16>,
        /// The API's own name of the error.
        code: Option<String>,
        /// The API's id of the request.
        request_id: Option<String>,
    },
    /// The time for the call ran out.
    #[error("{message}")]
    Timeout {
        /// What took too long, and the limit.
        message: String,
        /// The API's id of the request, if it had answered with one.
        request_id: Option<String>,
    },
}

impl ProviderError {
    /// The class that decides what happens next.
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::Transient { .. } => ErrorClass::Transient,
            Self::RateLimited { .. } => ErrorClass::RateLimited,
            Self::Permanent { .. } => ErrorClass::Permanent,
            Self::Timeout { .. } => ErrorClass::Timeout,
        }
    }

    /// How long the API asked to wait.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Transient { retry_after, .. } | Self::RateLimited { retry_after, .. } => {
                *retry_after
            }
            Self::Permanent { .. } | Self::Timeout { .. } => None,
        }
    }

    /// The HTTP status, where one came.
    pub const fn status(&self) -> Option<u16> {
        match self {
            Self::Transient { status, .. }
            | Self::RateLimited { status, .. }
            | Self::Permanent { status, .. } => *status,
            Self::Timeout { .. } => None,
        }
    }

    /// The API's id of the request, for its support.
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::Transient { request_id, .. }
            | Self::RateLimited { request_id, .. }
            | Self::Permanent { request_id, .. }
            | Self::Timeout { request_id, .. } => request_id.as_deref(),
        }
    }

    /// The API's own name of the error.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Permanent { code, .. } => code.as_deref(),
            Self::Transient { .. } | Self::RateLimited { .. } | Self::Timeout { .. } => None,
        }
    }
}
