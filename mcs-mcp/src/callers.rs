use mcs_core::service::Principal;
use rmcp::model::{ErrorData, Extensions};
use std::fmt;
use std::sync::Arc;

/// Who makes a request.
#[derive(Clone)]
pub struct Callers(Kind);

type Find = dyn Fn(&Extensions) -> Option<Principal> + Send + Sync;

#[derive(Clone)]
enum Kind {
    One(Principal),
    Many(Arc<Find>),
}

impl Callers {
    /// Each request is made by whom `find` finds in its extensions, where a transport leaves what it knows; over HTTP that
    /// is `http::request::Parts`. A request by nobody is refused.
    pub fn each(find: impl Fn(&Extensions) -> Option<Principal> + Send + Sync + 'static) -> Self {
        Self(Kind::Many(Arc::new(find)))
    }

    /// Whether there may be more than one.
    pub(crate) const fn are_many(&self) -> bool {
        matches!(self.0, Kind::Many(_))
    }

    /// Who makes the request with these extensions.
    pub(crate) fn who(&self, extensions: &Extensions) -> Result<Principal, ErrorData> {
        match &self.0 {
            Kind::One(principal) => Ok(principal.clone()),
            Kind::Many(find) => find(extensions).ok_or_else(|| {
                let message =
                    "nobody is known to make this request; the transport has to tell who calls";
                ErrorData::internal_error(message, None)
            }),
        }
    }
}

impl From<Principal> for Callers {
    /// All requests are made by this one, as over a pipe.
    fn from(principal: Principal) -> Self {
        Self(Kind::One(principal))
    }
}

impl fmt::Debug for Callers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::One(principal) => f.debug_tuple("One").field(&principal.name).finish(),
            Kind::Many(_) => f.write_str("Many"),
        }
    }
}
