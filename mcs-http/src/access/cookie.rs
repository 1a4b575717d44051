//! The cookie of a session.

use axum::http::header::{COOKIE, ORIGIN};
use axum::http::{HeaderMap, HeaderValue};
use std::time::Duration;

const NAME: &str = "mcs_session";
/// Most cookies of the name that are looked at. A page of a neighbouring host can only add some.
const MOST: usize = 4;

/// The ids of sessions that the request brings. Usually there is one or none.
pub(super) fn ids(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(COOKIE).iter();
    let cookies = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'));
    cookies
        .filter_map(|cookie| cookie.trim().strip_prefix(NAME)?.strip_prefix('='))
        .take(MOST)
}

/// Has the browser keep `id` for itself, for so long.
pub(super) fn set(id: &str, time: Duration, is_secure: bool) -> HeaderValue {
    let seconds = time.as_secs();
    let secure = if is_secure { "; Secure" } else { "" };
    let text = format!("{NAME}={id}; HttpOnly; SameSite=Strict; Path=/; Max-Age={seconds}{secure}");
    // An id has letters and digits alone.
    HeaderValue::from_str(&text).unwrap_or_else(|_| forget())
}

/// Has the browser forget it.
pub(super) fn forget() -> HeaderValue {
    HeaderValue::from_static("mcs_session=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0")
}

/// Whether the page came over HTTPS, which something before this server may have spoken.
pub(super) fn is_secure(headers: &HeaderMap) -> bool {
    let origin = headers.get(ORIGIN);
    origin.is_some_and(|origin| origin.as_bytes().starts_with(b"https://"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_found_among_other_cookies() {
        let mut headers = HeaderMap::new();
        for line in [
            "a=b; mcs_session=one;mcs_sessions=no",
            "xmcs_session=no; mcs_session=two=; mcs_session",
        ] {
            headers.append(COOKIE, HeaderValue::from_static(line));
        }
        assert_eq!(ids(&headers).collect::<Vec<_>>(), ["one", "two="]);
        let many = HeaderValue::from_str(&"mcs_session=x;".repeat(1000)).unwrap();
        headers.insert(COOKIE, many);
        assert_eq!(ids(&headers).count(), MOST);
    }

    #[test]
    fn what_is_set_is_for_this_server_alone() {
        let set = set("abc", Duration::from_mins(1), true);
        assert_eq!(
            set,
            "mcs_session=abc; HttpOnly; SameSite=Strict; Path=/; Max-Age=60; Secure"
        );
        assert!(forget().to_str().unwrap().contains("Max-Age=0"));
    }
}
