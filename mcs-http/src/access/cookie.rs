//! The cookie of a session.
//!
//! Cookies know no ports: two servers of one machine are sent each other's. So the name has the port by which the page knows
//! its server. Over HTTPS it has the prefix with which browsers take it from this very host alone.

use axum::http::header::{COOKIE, ORIGIN};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue};
use std::time::Duration;

const NAME: &str = "mcs_session";
const OF_THIS_HOST: &str = "__Host-";
/// Most cookies of one name that are looked at. A page of a neighbouring host can only add some.
const MOST: usize = 4;

/// The ids of sessions that the request brings. Usually there is one or none. First come those that no neighbour can add.
pub(super) fn ids(request: &Parts) -> impl Iterator<Item = &str> {
    let name = name(request);
    let strict = format!("{OF_THIS_HOST}{name}");
    named(&request.headers, strict).chain(named(&request.headers, name))
}

fn named(headers: &HeaderMap, name: String) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(COOKIE).iter();
    let cookies = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'));
    cookies
        .filter_map(move |cookie| cookie.trim().strip_prefix(&name)?.strip_prefix('='))
        .take(MOST)
}

/// The name of the cookie, but for its prefix.
fn name(request: &Parts) -> String {
    let host = super::origin::names(request).next();
    let authority = host.and_then(|host| host.parse::<Authority>().ok());
    match authority.and_then(|authority| authority.port_u16()) {
        Some(port) => format!("{NAME}_{port}"),
        None => NAME.to_owned(),
    }
}

/// Has the browser keep `id` for itself, for so long.
pub(super) fn set(request: &Parts, id: &str, time: Duration, is_secure: bool) -> HeaderValue {
    let name = name(request);
    let (prefix, secure) = if is_secure {
        (OF_THIS_HOST, "; Secure")
    } else {
        ("", "")
    };
    let seconds = time.as_secs();
    let text = format!(
        "{prefix}{name}={id}; HttpOnly; SameSite=Strict; Path=/; Max-Age={seconds}{secure}"
    );
    // A name and an id have letters, digits and lines alone.
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(NAME))
}

/// Has the browser forget it.
pub(super) fn forget(request: &Parts, is_secure: bool) -> HeaderValue {
    set(request, "", Duration::ZERO, is_secure)
}

/// Whether the page came over HTTPS, which something before this server may have spoken.
pub(super) fn is_secure(headers: &HeaderMap) -> bool {
    let origin = headers.get(ORIGIN);
    origin.is_some_and(|origin| origin.as_bytes().starts_with(b"https://"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    fn request(host: &str, cookies: &[&str]) -> Parts {
        let request = Request::get("/").header("host", host);
        let request = cookies
            .iter()
            .fold(request, |request, line| request.header(COOKIE, *line));
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn the_id_is_found_among_other_cookies() {
        let lines = [
            "a=b; mcs_session_80=one;mcs_session=no",
            "xmcs_session_80=no; mcs_session_80=two=; mcs_session_80; mcs_session_81=no",
        ];
        let found = request("localhost:80", &lines);
        assert_eq!(ids(&found).collect::<Vec<_>>(), ["one", "two="]);
        let found = request("mcs.example", &lines);
        assert_eq!(ids(&found).collect::<Vec<_>>(), ["no"]);
        let many = "mcs_session=x;".repeat(1000) + "__Host-mcs_session=mine";
        let found = request("mcs.example", &[&many]);
        assert_eq!(ids(&found).next(), Some("mine"), "whatever neighbours add");
        assert_eq!(ids(&found).count(), MOST + 1);
    }

    #[test]
    fn what_is_set_is_for_this_server_alone() {
        let request = request("mcs.example:8443", &[]);
        let minute = Duration::from_mins(1);
        assert_eq!(
            set(&request, "abc", minute, true),
            "__Host-mcs_session_8443=abc; HttpOnly; SameSite=Strict; Path=/; Max-Age=60; Secure"
        );
        assert_eq!(
            forget(&request, false),
            "mcs_session_8443=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0"
        );
    }
}
