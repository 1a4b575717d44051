//! Keeps web pages away from a server that is open to its machine.
//!
//! A browser on the machine reaches the loopback, and shows pages of strangers. One that sends requests across origins is
//! known by its `Origin`; one whose name was made to mean 127.0.0.1 (DNS rebinding) is of the same origin, and known by
//! the name in `Host`.

use crate::problem::Problem;
use axum::http::HeaderMap;
use axum::http::header::{HOST, ORIGIN};
use axum::http::uri::Authority;
use std::net::IpAddr;

const REMEDY: &str =
    "this server is open to programs of its own machine; make a key to reach it in other ways";

/// Refuses what a web page of somebody else may have sent.
pub(crate) fn check(headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name| {
        let values = headers.get_all(name).iter();
        values.map(|value| value.to_str().unwrap_or("?"))
    };
    for host in text(HOST) {
        if !is_local(host) {
            return Err(Problem::forbidden(format!(
                "the host `{host}` is not local; {REMEDY}"
            )));
        }
    }
    for origin in text(ORIGIN) {
        let named = origin
            .strip_prefix("http://")
            .or_else(|| origin.strip_prefix("https://"));
        // Another port of the machine is another program, which may be a page of somebody else as well.
        if !text(HOST).any(|host| Some(host) == named) {
            return Err(Problem::forbidden(format!(
                "the origin `{origin}` is another one than this server's; {REMEDY}"
            )));
        }
    }
    Ok(())
}

/// Whether the name before the port can only mean this machine.
fn is_local(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else {
        return false;
    };
    if host.contains('@') {
        return false;
    }
    let name = authority.host();
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || address
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn passes(host: &'static str, origin: Option<&'static str>) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static(host));
        if let Some(origin) = origin {
            headers.insert(ORIGIN, HeaderValue::from_static(origin));
        }
        check(&headers).is_ok()
    }

    #[test]
    fn programs_of_the_machine_pass() {
        for host in [
            "localhost",
            "LOCALHOST:8080",
            "127.0.0.1:8080",
            "127.9.9.9",
            "[::1]:8080",
        ] {
            assert!(passes(host, None), "{host}");
        }
        assert!(passes("localhost:8080", Some("http://localhost:8080")));
    }

    #[test]
    fn pages_of_strangers_do_not() {
        for host in [
            "evil.example",
            "evil.example:8080",
            "localhost.evil.example",
            "127.0.0.1.evil.example:8080",
            "evil.example@127.0.0.1",
            "10.0.0.1:8080",
            "0.0.0.0:8080",
            "",
            "a b",
        ] {
            assert!(!passes(host, None), "{host}");
        }
        for origin in [
            "http://evil.example",
            "null",
            "http://localhost:3000",
            "",
            "file://",
        ] {
            assert!(!passes("localhost:8080", Some(origin)), "{origin}");
        }
    }

    #[test]
    fn a_request_of_old_without_a_host_is_no_browsers() {
        assert!(check(&HeaderMap::new()).is_ok());
    }
}
