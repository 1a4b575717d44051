use http::Extensions;
use mcs_core::service::Principal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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

/// The HTTP request that is being answered. The sessions are asked for new ones without being told for whom.
#[derive(Debug, Default)]
pub(super) struct Asking {
    pub(super) owner: Option<Owner>,
    /// That there was no room for a session.
    full: AtomicBool,
}

tokio::task_local! {
    static ASKING: Arc<Asking>;
}

impl Asking {
    pub(super) fn new(owner: Option<Owner>) -> Arc<Self> {
        Arc::new(Self {
            owner,
            full: AtomicBool::new(false),
        })
    }

    /// Runs what answers the request.
    pub(super) async fn during<F: Future>(self: &Arc<Self>, answering: F) -> F::Output {
        ASKING.scope(self.clone(), answering).await
    }

    /// The one that this task answers.
    pub(super) fn current() -> Arc<Self> {
        ASKING.try_with(Arc::clone).unwrap_or_default()
    }

    pub(super) fn found_no_room(&self) {
        self.full.store(true, Ordering::Relaxed);
    }

    pub(super) fn had_no_room(&self) -> bool {
        self.full.load(Ordering::Relaxed)
    }
}
