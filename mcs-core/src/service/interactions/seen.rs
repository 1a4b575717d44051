use crate::service::{Principal, Scope, ServiceError};

/// Whose interactions a principal sees of those that it asked for.
#[derive(Debug)]
pub(super) enum Seen {
    /// Those of this MCP server, or of all.
    Some(Option<String>),
    /// None.
    None,
}

/// What `who` sees of the interactions of `mcp_id`, or of all.
pub(super) fn seen(who: &Principal, mcp_id: Option<&str>) -> Seen {
    match (mcp_id, &who.mcp_id) {
        (asked, _) if who.scopes.admin => Seen::Some(asked.map(str::to_owned)),
        (Some(asked), Some(own)) if *asked != **own => Seen::None,
        (_, Some(own)) => Seen::Some(Some(own.to_string())),
        (_, None) => Seen::None,
    }
}

/// Refuses an event of another MCP server than the caller's.
pub(super) fn check_own(who: &Principal, mcp_id: &str) -> Result<(), ServiceError> {
    if who.reports_as(mcp_id) {
        return Ok(());
    }
    Err(match &who.mcp_id {
        Some(own) => ServiceError::OtherMcp {
            own: own.to_string(),
            mcp_id: mcp_id.to_owned(),
        },
        // Who speaks for no MCP server at all would have to speak for every one.
        None => ServiceError::Forbidden {
            scope: Scope::Admin,
        },
    })
}
