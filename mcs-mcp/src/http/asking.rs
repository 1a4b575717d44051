use super::refused::Refused;
use super::uses::Use;
use http::Extensions;
use mcs_core::service::Principal;
use std::sync::{Arc, OnceLock};
use tokio::task::futures::TaskLocalFuture;

/// Whom a session belongs to. Users and MCP servers have no names in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owner {
    name: Arc<str>,
    is_mcp: bool,
}

impl Owner {
    /// Who sent the request with these extensions, where a layer before said it.
    pub(super) fn of(extensions: &Extensions) -> Option<Self> {
        let principal = extensions.get::<Principal>()?;
        Some(Self {
            name: principal.name.clone(),
            is_mcp: principal.mcp_id.is_some(),
        })
    }
}

/// The HTTP request that is being answered. The sessions are asked without being told for whom.
#[derive(Debug)]
pub(super) struct Asking {
    pub(super) owner: Option<Owner>,
    /// Why the sessions did not take the request.
    refused: OnceLock<Refused>,
    /// Its use of its session. It is not closed between being found and being used.
    used: OnceLock<Use>,
}

tokio::task_local! {
    static ASKING: Arc<Asking>;
}

impl Asking {
    pub(super) fn new(owner: Option<Owner>) -> Arc<Self> {
        Arc::new(Self {
            owner,
            refused: OnceLock::new(),
            used: OnceLock::new(),
        })
    }

    /// Runs what answers the request.
    pub(super) fn during<F: Future>(
        self: Arc<Self>,
        answering: F,
    ) -> TaskLocalFuture<Arc<Self>, F> {
        ASKING.scope(self, answering)
    }

    /// The one that this task answers. A session that ends by itself is no answer to anybody.
    pub(super) fn current() -> Option<Arc<Self>> {
        ASKING.try_with(Arc::clone).ok()
    }

    pub(super) fn refuse(&self, why: Refused) {
        let _ = self.refused.set(why);
    }

    pub(super) fn refused(&self) -> Option<Refused> {
        self.refused.get().copied()
    }

    /// Keeps the session in use until the request is answered.
    pub(super) fn keep(&self, used: Use) {
        let _ = self.used.set(used);
    }
}
