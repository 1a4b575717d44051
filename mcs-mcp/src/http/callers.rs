use crate::Callers;
use http::request::Parts;
use mcs_core::service::Principal;
use rmcp::model::Extensions;

/// Who makes each request: the [`Principal`] in the extensions of the HTTP request that it came with.
pub fn callers() -> Callers {
    Callers::each(|extensions| caller(extensions).cloned())
}

/// Who makes the request with these extensions.
pub(super) fn caller(extensions: &Extensions) -> Option<&Principal> {
    extensions.get::<Parts>()?.extensions.get()
}
