use crate::access::{self, Shares};
use crate::coordinator::Storing;
#[cfg(feature = "metrics")]
use crate::metrics::RequestMeters;
use crate::options::Options;
use crate::reference::Reference;
use mcs_core::service::{Service, ServiceError};
use std::sync::Arc;

/// What every request sees.
#[derive(Debug, Clone)]
pub(crate) struct App(Arc<Shared>);

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) service: Service,
    pub(crate) options: Options,
    pub(crate) door: Door,
    /// Who may call.
    pub(crate) access: access::Known,
    /// Bytes of bodies that may be in memory.
    pub(crate) body_memory: Shares,
    /// Whether reports can be stored.
    pub(crate) storing: Storing,
    /// Places for streams, and for requests that wait.
    pub(crate) streams: Shares,
    /// What is told of requests.
    #[cfg(feature = "metrics")]
    pub(crate) meters: RequestMeters,
    /// The `OpenAPI` document.
    pub(crate) reference: Reference,
}

/// Who is let in without a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    /// Nobody.
    Locked,
    /// Everybody on this machine, until there is a key.
    OpenUntilKeys,
}

/// Bytes of bodies that may be in memory at a time, of which one principal may have half, and as much as one body may have.
/// Further requests wait with theirs.
const BODY_MEMORY: usize = 64 * 1024 * 1024;
/// What part of the places for streams one principal may have.
const STREAM_SHARE: usize = 4;

impl App {
    /// This reads the token file and blocks for as long as that takes.
    pub(crate) fn new(service: Service, options: Options, door: Door) -> Self {
        let body_memory = BODY_MEMORY.max(options.max_body_bytes.saturating_mul(2));
        let streams = options.max_streams;
        Self(Arc::new(Shared {
            door,
            access: access::Known::new(&options),
            body_memory: Shares::new(body_memory, body_memory / 2),
            storing: Storing::new(),
            reference: Reference::default(),
            #[cfg(feature = "metrics")]
            meters: RequestMeters::new(),
            streams: Shares::new(streams, streams.div_ceil(STREAM_SHARE)),
            service,
            options,
        }))
    }

    /// Whether a key is asked of callers.
    pub(crate) async fn has_keys(&self) -> Result<bool, ServiceError> {
        Ok(self.access.tokens.are_asked_for() || self.service.keys().any().await?)
    }

    /// Whether there is any key to call with. With a token file that is empty there is none, and still one is asked for.
    pub(crate) async fn can_be_called(&self) -> Result<bool, ServiceError> {
        Ok(self.access.tokens.any().await || self.service.keys().any().await?)
    }
}

impl std::ops::Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}
