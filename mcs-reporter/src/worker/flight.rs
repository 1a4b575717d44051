//! One request that is under way.

use super::parcel::Packed;
use crate::transport::{Method, Request, Response, Transport, TransportError};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// What a transport may take longer than it is told before it is given up.
const GRACE: Duration = Duration::from_millis(500);

/// The coordinator's addresses.
pub(super) const EVENT: &str = "/api/v2/interactions";
pub(super) const BATCH: &str = "/api/v2/interactions/batch";
pub(super) const HEALTH: &str = "/api/v2/health";
pub(super) const VALIDATE: &str = "/api/v2/validate";

/// What a request is for.
#[derive(Debug)]
pub(super) enum Errand {
    /// To deliver these.
    Events(Vec<Packed>),
    /// To learn whether the coordinator is back.
    Probe,
    /// To learn whether it takes the key now.
    Validate,
}

/// A request and what it is for. Dropping it gives it up.
#[derive(Debug)]
pub(super) struct Flight {
    pub(super) errand: Errand,
    answer: JoinHandle<Result<Response, TransportError>>,
}

impl Flight {
    /// Sends `request`.
    pub(super) fn start(transport: &Arc<dyn Transport>, request: Request, errand: Errand) -> Self {
        let transport = Arc::clone(transport);
        Self {
            errand,
            answer: tokio::spawn(async move { send(&*transport, request).await }),
        }
    }

    /// Waits for the answer. It can be waited for again if the wait is given up.
    pub(super) async fn land(&mut self) -> Result<Response, TransportError> {
        match (&mut self.answer).await {
            Ok(answer) => answer,
            Err(error) => Err(of_join(&error)),
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.answer.abort();
    }
}

/// Sends one request, for no longer than it may take.
pub(super) async fn send(
    transport: &dyn Transport,
    request: Request,
) -> Result<Response, TransportError> {
    let limit = request.timeout + GRACE;
    tokio::time::timeout(limit, transport.send(request))
        .await
        .unwrap_or(Err(TransportError::Timeout))
}

/// A transport of the host's own may panic, which must not end the worker.
pub(super) fn of_join(error: &tokio::task::JoinError) -> TransportError {
    let what = if error.is_panic() {
        "the transport panicked"
    } else {
        "the request was given up"
    };
    TransportError::Broken(what.to_owned())
}

/// The method that an address wants.
pub(super) fn method(path: &str) -> Method {
    if path == HEALTH {
        Method::Get
    } else {
        Method::Post
    }
}
