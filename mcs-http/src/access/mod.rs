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
    /// The stored key that proves it; `None` for the admin key, and where everything is open.
    pub(crate) key: Option<Arc<Key>>,
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
                key: None,
            });
        }
        if let Some(key) = app.service.keys().authenticate(token).await? {
            return Ok(Caller {
                principal: key.principal(),
                key: Some(key),
            });
        }
    }
    if app.door == Door::OpenUntilKeys && !app.has_keys().await? {
        // A token that nobody made is passed over: clients send the one that they are configured with.
        origin::check(headers)?;
        return Ok(Caller {
            principal: Principal::local(),
            key: None,
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
