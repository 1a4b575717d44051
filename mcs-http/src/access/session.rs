//! Sessions of the server's own page. A browser sends their cookie by itself, also where it cannot send a token.

use super::origin::Hosts;
use super::sessions::LASTS;
use super::{Caller, cookie};
use crate::app::App;
use crate::problem::Problem;
use axum::http::{HeaderMap, HeaderValue, Method};
use mcs_core::service::TokenHash;
use std::net::IpAddr;

/// Who logged in, if the request has the cookie of an open session.
pub(super) fn find(app: &App, headers: &HeaderMap) -> Option<Caller> {
    cookie::ids(headers).find_map(|id| app.access.sessions.find(id))
}

/// Opens a session of the holder of `token`, and returns the cookie. The session that the browser had before is over, so
/// that nobody goes on with one that somebody else may know.
pub(crate) async fn log_in(
    app: &App,
    from: Option<IpAddr>,
    headers: &HeaderMap,
    token: &str,
) -> Result<HeaderValue, Problem> {
    let access = &app.access;
    access.hosts.check(headers)?;
    // Another page must not log a browser in either: what is done then would be seen by whoever it belongs to.
    Hosts::check_page(&Method::GET, headers)?;
    access.limits.check_login(from)?;
    let Some(caller) = Caller::of_token(app, token).await? else {
        let problem =
            "the token does not exist or is revoked; `mcs --new-token name:scopes` makes one";
        return Err(Problem::unauthenticated(problem));
    };
    close(app, headers);
    let id = access.sessions.open(caller).map_err(|error| {
        tracing::error!(%error, "no session was opened");
        Problem::internal()
    })?;
    let secure = app.options.tls.is_some() || cookie::is_secure(headers);
    Ok(cookie::set(id.expose(), LASTS, secure))
}

/// Ends the session that the request has, if it has one, and returns what makes the browser forget it.
pub(crate) fn log_out(app: &App, headers: &HeaderMap) -> Result<HeaderValue, Problem> {
    if find(app, headers).is_some() {
        Hosts::check_page(&Method::DELETE, headers)?;
        close(app, headers);
    }
    Ok(cookie::forget())
}

fn close(app: &App, headers: &HeaderMap) {
    for id in cookie::ids(headers) {
        app.access.sessions.close(&TokenHash::of(id));
    }
}
