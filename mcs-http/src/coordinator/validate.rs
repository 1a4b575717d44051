use crate::access::Caller;
use crate::request::{Nothing, Query};
use axum::Json;
use mcs_core::service::Scope;
use serde_json::{Value, json};

/// Says what the key may do. Without a good one nobody comes here.
pub(super) async fn validate(caller: Caller, _: Query<Nothing>) -> Json<Value> {
    let scopes = &caller.principal.scopes;
    let scopes: Vec<_> = Scope::ALL
        .into_iter()
        .filter(|scope| scopes.has(*scope))
        .collect();
    Json(json!({
        "valid": true,
        "name": &*caller.principal.name,
        "mcp_id": caller.mcp_id(),
        "scopes": scopes,
    }))
}
