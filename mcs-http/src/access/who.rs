use mcs_core::service::Principal;
use std::sync::Arc;

/// A principal, as what it has a share of is counted. Those of users and of MCP servers have no names in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Who {
    pub(super) name: Arc<str>,
    is_mcp: bool,
}

impl From<&Principal> for Who {
    fn from(principal: &Principal) -> Self {
        Self {
            name: principal.name.clone(),
            is_mcp: principal.mcp_id.is_some(),
        }
    }
}
