use crate::service::Principal;

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
    match mcp_id {
        Some(mcp_id) if who.sees(mcp_id) => Seen::Some(Some(mcp_id.to_owned())),
        Some(_) => Seen::None,
        None if who.scopes.admin => Seen::Some(None),
        None => Seen::Some(Some(who.name.to_string())),
    }
}
