use super::forms::ScopeForm;
use crate::access::Caller;
use crate::request::{Nothing, Query};
use crate::route::{Operation, Routes, Tag};
use axum::Json;
use mcs_core::service::Scope;
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::Arc;

pub(super) fn routes() -> Routes {
    Routes::new().route(
        Operation::post("/api/v2/validate", "validateKey")
            .tag(Tag::Interactions)
            .says("What the caller's key is worth.")
            .query::<Nothing>()
            .answers::<ValidateView>(200, "Whose key it is and what it may do."),
        validate,
    )
}

/// Whose key it is and what it may do.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ValidKey")]
pub(super) struct ValidateView {
    /// Always true: who has no good key is refused.
    valid: bool,
    /// Who holds it.
    #[schemars(with = "String")]
    name: Arc<str>,
    /// The one MCP server that it reports as, if any.
    mcp_id: Option<String>,
    /// What it may do.
    #[schemars(with = "Vec<ScopeForm>")]
    scopes: Vec<Scope>,
}

/// Says what the key may do. Without a good one nobody comes here.
pub(super) async fn validate(caller: Caller, _: Query<Nothing>) -> Json<ValidateView> {
    let scopes = &caller.principal.scopes;
    let scopes: Vec<_> = Scope::ALL
        .into_iter()
        .filter(|scope| scopes.has(*scope))
        .collect();
    Json(ValidateView {
        valid: true,
        name: caller.principal.name.clone(),
        mcp_id: caller.mcp_id().map(str::to_owned),
        scopes,
    })
}
