//! Sessions of the server's own page. A browser sends their cookie by itself, also where it cannot send a token.

use super::origin::Effect;
use super::sessions::LASTS;
use super::{Caller, cookie};
use crate::app::App;
use crate::problem::Problem;
use crate::server::Peer;
use axum::extract::FromRequestParts;
use axum::http::HeaderValue;
use axum::http::request::Parts;
use mcs_core::service::TokenHash;
use std::net::IpAddr;

/// Who logged in, if the request has the cookie of an open session.
pub(super) fn find(app: &App, request: &Parts) -> Option<Caller> {
    cookie::ids(request).find_map(|id| app.access.sessions.find(id))
}

/// A request that may log in. It is looked at before anything of its body is read, since anybody may send one.
#[derive(Debug)]
pub(crate) struct MayLogIn {
    request: Parts,
    from: Option<IpAddr>,
}

impl FromRequestParts<App> for MayLogIn {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let access = &app.access;
        access.hosts.check(parts)?;
        // Another page must not log a browser in either: what is done then would be seen by whoever it belongs to.
        access.hosts.check_page(Effect::Reads, parts)?;
        let Ok(Peer(from)) = Peer::from_request_parts(parts, app).await;
        access.limits.check_login(from)?;
        Ok(Self {
            request: parts.clone(),
            from,
        })
    }
}

/// Opens a session of the holder of `token`, and returns the cookie. The session that the browser had before is over, so
/// that nobody goes on with one that somebody else may know.
pub(crate) async fn log_in(
    app: &App,
    MayLogIn { request, from }: &MayLogIn,
    token: &str,
) -> Result<HeaderValue, Problem> {
    let Some(caller) = Caller::of_token(app, token).await? else {
        let problem =
            "the token does not exist or is revoked; `mcs --new-token name:scopes` makes one";
        return Err(Problem::unauthenticated(problem));
    };
    close(app, request);
    let id = app.access.sessions.open(caller).map_err(|error| {
        tracing::error!(%error, "no session was opened");
        Problem::internal()
    })?;
    app.access.limits.logged_in(*from);
    let secure = is_secure(app, request);
    Ok(cookie::set(request, id.expose(), LASTS, secure))
}

/// Ends the session that the request has, if it has one, and returns what makes the browser forget it.
pub(crate) fn log_out(app: &App, request: &Parts) -> Result<HeaderValue, Problem> {
    if find(app, request).is_some() {
        app.access.hosts.check_page(Effect::Changes, request)?;
        close(app, request);
    }
    Ok(cookie::forget(request, is_secure(app, request)))
}

fn is_secure(app: &App, request: &Parts) -> bool {
    app.options.tls.is_some() || cookie::is_secure(&request.headers)
}

fn close(app: &App, request: &Parts) {
    for id in cookie::ids(request) {
        app.access.sessions.close(&TokenHash::of(id));
    }
}
