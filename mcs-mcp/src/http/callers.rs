use crate::Callers;
use http::request::Parts;
use mcs_core::service::Principal;
use rmcp::model::Extensions;

/// Who makes each request: the [`Principal`] in the extensions of the HTTP request that it came with.
pub fn callers() -> Callers {
    Callers::each(|extensions: &Extensions| {
        let parts = extensions.get::<Parts>()?;
        parts.extensions.get::<Principal>().cloned()
    })
}
