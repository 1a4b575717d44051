//! Who calls.

mod admin;
mod origin;

pub(crate) use admin::AdminKey;

use crate::app::{App, Door};
use crate::problem::Problem;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use mcs_core::service::{Key, Principal};
use std::sync::Arc;

/// Who sent the request.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) principal: Principal,
    proof: Proof,
}

/// Why the caller was let in.
#[derive(Debug, Clone)]
enum Proof {
    /// The key of the configuration, which works as long as the server runs.
    AdminKey,
    /// A stored key.
    Key(Arc<Key>),
    /// There was no key at all.
    NoKeys,
}

impl Caller {
    /// The MCP server whose key it has, if it has one of a server.
    pub(crate) fn mcp_id(&self) -> Option<&str> {
        match &self.proof {
            Proof::Key(key) => key.mcp_id.as_deref(),
            Proof::AdminKey | Proof::NoKeys => None,
        }
    }

    /// Refuses the caller if it would not be let in any more. What takes long asks this again and again.
    pub(crate) async fn check(&self, app: &App) -> Result<(), Problem> {
        let welcome = match &self.proof {
            Proof::AdminKey => true,
            Proof::Key(key) => app.service.keys().works(&key.id).await?,
            Proof::NoKeys => !app.has_keys().await?,
        };
        if welcome {
            return Ok(());
        }
        Err(Problem::unauthenticated(match &self.proof {
            Proof::NoKeys => format!("a key was made meanwhile, and everybody needs one; {REMEDY}"),
            Proof::AdminKey | Proof::Key(_) => format!("the key was revoked meanwhile; {REMEDY}"),
        }))
    }
}

const REMEDY: &str = "send `Authorization: Bearer <token>` with a key of this server";

/// Lets nobody pass who is not known, and tells the routes who it is.
pub(crate) async fn authenticate(
    State(app): State<App>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let caller = identify(&app, request.headers()).await?;
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

async fn identify(app: &App, headers: &HeaderMap) -> Result<Caller, Problem> {
    let token = headers.get(AUTHORIZATION).map(bearer);
    if let Some(Some(token)) = token {
        if app.admin_key.as_ref().is_some_and(|key| key.is(token)) {
            return Ok(Caller {
                principal: AdminKey::principal(),
                proof: Proof::AdminKey,
            });
        }
        if let Some(key) = app.service.keys().authenticate(token).await? {
            return Ok(Caller {
                principal: key.principal(),
                proof: Proof::Key(key),
            });
        }
    }
    if app.door == Door::OpenUntilKeys && !app.has_keys().await? {
        // A token that nobody made is passed over: clients send the one that they are configured with.
        origin::check(headers)?;
        return Ok(Caller {
            principal: Principal::local(),
            proof: Proof::NoKeys,
        });
    }
    Err(Problem::unauthenticated(match token {
        None => format!("the request has no key; {REMEDY}"),
        Some(None) => format!("the header Authorization is no bearer token; {REMEDY}"),
        Some(Some(_)) => format!("the key does not exist or is revoked; {REMEDY}"),
    }))
}

/// The token behind the word `Bearer`.
fn bearer(value: &HeaderValue) -> Option<&str> {
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        // A route outside of `authenticate` would be a mistake here, and must not be an open door.
        parts.extensions.get::<Self>().cloned().ok_or_else(|| {
            tracing::error!(
                path = parts.uri.path(),
                "a route asks who calls and nobody looked"
            );
            Problem::internal()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_behind_its_scheme() {
        let found = |text: &'static str| bearer(&HeaderValue::from_static(text)).map(str::to_owned);
        assert_eq!(found("Bearer abc").as_deref(), Some("abc"));
        assert_eq!(found("bearer  abc ").as_deref(), Some("abc"));
        for none in ["abc", "Bearer", "Bearer ", "Basic abc", ""] {
            assert_eq!(found(none), None, "{none}");
        }
        assert_eq!(
            bearer(&HeaderValue::from_bytes(b"Bearer \xff").unwrap()),
            None
        );
    }
}
