//! Who calls, from where, and how often.

mod attempts;
mod caller;
mod cookie;
mod cors;
mod headers;
mod limits;
mod origin;
mod session;
mod sessions;
mod shares;
mod tokens;
mod who;

pub(crate) use caller::{Access, Caller};
pub(crate) use cors::layer as cors;
#[cfg(feature = "dashboard")]
pub(crate) use headers::page;
pub(crate) use headers::secure;
#[cfg(feature = "mcp")]
pub(crate) use origin::host;
pub(crate) use session::{MayLogIn, log_in, log_out};
pub(crate) use shares::{Full, Place, Share, Shares};
pub(crate) use tokens::check as check_token_file;

use crate::app::{App, Door};
use crate::options::Options;
use crate::problem::Problem;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{ALLOW, AUTHORIZATION};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method};
use axum::response::{IntoResponse, Response};
use caller::REMEDY;
use limits::Limits;
use mcs_core::schema::shortened;
use mcs_core::service::Principal;
use origin::{Effect, Hosts};
use sessions::Sessions;
use std::sync::Arc;
use tokens::Tokens;

/// What is known of those who may call.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) tokens: Tokens,
    sessions: Sessions,
    limits: Limits,
    hosts: Hosts,
}

/// The name of who called, for the log. It goes along with the answer.
#[derive(Debug, Clone)]
pub(crate) struct CallerName(pub(crate) Arc<str>);

impl Known {
    /// This reads the token file and blocks for as long as that takes.
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            tokens: Tokens::new(options),
            sessions: Sessions::default(),
            limits: Limits::new(options.rate_limit),
            hosts: Hosts::new(options),
        }
    }

    /// Refuses a request of a web page that is neither of this server nor listed, whatever it came with.
    #[cfg(feature = "mcp")]
    pub(crate) fn check_origin(&self, request: &Parts) -> Result<(), Problem> {
        self.hosts.check_origin(request)
    }
}

/// Has `answer` answer a request, once it is known who sent it and that it may. Nobody passes who is not known, or who asks
/// too often.
pub(crate) async fn admit<A: Future<Output = Response>>(
    app: &App,
    request: Request,
    answer: impl FnOnce(Caller, Parts, Body) -> A,
) -> Response {
    let (parts, body) = request.into_parts();
    let caller = match authenticate(app, &parts).await {
        Ok(caller) => caller,
        Err(stranger) => return stranger.into_response(),
    };
    let name = CallerName(caller.principal.name.clone());
    let mut response = match app.access.limits.check(&caller) {
        Ok(()) => answer(caller, parts, body).await,
        Err(refused) => refused.into_response(),
    };
    response.extensions_mut().insert(name);
    response
}

/// Keeps a read that changes something for those who mean it, and returns what others are refused with: a page says of itself
/// that it is this server's, as it does for everything else that changes something, and nobody looks with HEAD at what
/// looking takes away.
pub(crate) fn not_meant(app: &App, caller: &Caller, request: &Parts) -> Option<Response> {
    if request.method == Method::HEAD {
        let refused = Problem::method(format!(
            "`{}` does not take HEAD, since what it answers it gives away; use GET",
            shortened(request.uri.path())
        ));
        return Some(([(ALLOW, "GET")], refused).into_response());
    }
    if caller.access() != Access::Session {
        return None;
    }
    let page = app.access.hosts.check_page(Effect::Changes, request);
    page.err().map(IntoResponse::into_response)
}

async fn authenticate(app: &App, parts: &Parts) -> Result<Caller, Problem> {
    let hosts = &app.access.hosts;
    hosts.check(parts)?;
    let headers = &parts.headers;
    let token = headers.get(AUTHORIZATION).map(bearer);
    match token {
        Some(Some(token)) => {
            if let Some(caller) = Caller::of_token(app, token).await? {
                return Ok(caller);
            }
        }
        Some(None) => {}
        None => {
            if let Some(caller) = session::find(app, parts) {
                let effect = if parts.method.is_safe() {
                    Effect::Reads
                } else {
                    Effect::Changes
                };
                hosts.check_page(effect, parts)?;
                caller.check(app).await?;
                return Ok(caller);
            }
        }
    }
    if app.door == Door::OpenUntilKeys && !app.has_keys().await? {
        // A token that nobody made is passed over: clients send the one that they are configured with.
        hosts.check_open(parts)?;
        return Ok(Caller::at_open_door(Principal::local()));
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
