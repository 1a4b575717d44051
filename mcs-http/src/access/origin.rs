//! Keeps web pages of strangers away.
//!
//! A browser reaches what its user reaches, and shows pages of strangers. One that sends requests across origins is known by
//! its `Origin`; one whose name was made to mean the address of this server (DNS rebinding) is of the same origin, and known
//! by the name in `Host`.

use crate::options::Options;
use crate::problem::Problem;
use axum::http::header::{HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, Method};
use std::net::IpAddr;

/// The names by which callers may know this server, and the pages that may call.
#[derive(Debug)]
pub(super) struct Hosts {
    /// In small letters. Any name, if there is none.
    allowed: Vec<String>,
    origins: Vec<String>,
}

const OPEN: &str =
    "this server is open to programs of its own machine; make a key to reach it in other ways";

impl Hosts {
    pub(super) fn new(options: &Options) -> Self {
        let hosts = options.allowed_hosts.iter();
        Self {
            allowed: hosts.map(|host| bare(host).to_ascii_lowercase()).collect(),
            origins: options.cors_origins.clone(),
        }
    }

    /// Refuses a name of this server that nobody gave it.
    pub(super) fn check(&self, headers: &HeaderMap) -> Result<(), Problem> {
        if self.allowed.is_empty() {
            return Ok(());
        }
        match texts(headers, HOST).find(|host| !is_local(host) && !self.allows(host)) {
            None => Ok(()),
            Some(host) => Err(Problem::forbidden(format!(
                "the host `{host}` is none of this server; use one of its names, or add it to `http.allowed_hosts`"
            ))),
        }
    }

    /// Refuses what a web page of somebody else may have sent to a server that asks for no key.
    pub(super) fn check_open(&self, headers: &HeaderMap) -> Result<(), Problem> {
        if let Some(host) = texts(headers, HOST).find(|host| !is_local(host)) {
            return Err(Problem::forbidden(format!(
                "the host `{host}` is not local; {OPEN}"
            )));
        }
        match Self::strange_origin(headers) {
            None => Ok(()),
            Some(origin) if self.origins.iter().any(|known| known == origin) => Ok(()),
            Some(origin) => Err(Problem::forbidden(format!(
                "the origin `{origin}` is another one than this server's; {OPEN}"
            ))),
        }
    }

    /// Refuses what another page than this server's own may have sent with the cookie of a session: the browser adds it by
    /// itself. Browsers tell the origin of whatever changes something.
    pub(super) fn check_page(method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
        if let Some(origin) = Self::strange_origin(headers) {
            return Err(Problem::forbidden(format!(
                "the origin `{origin}` is another one than this server's, whose sessions are for its own page; send a token"
            )));
        }
        if method.is_safe() || headers.contains_key(ORIGIN) {
            return Ok(());
        }
        Err(Problem::forbidden(
            "with the cookie of a session the header Origin is needed, as browsers send it; programs send a token instead",
        ))
    }

    /// An origin that is not the one of this server.
    // Another port of the machine is another program, which may be a page of somebody else as well.
    fn strange_origin(headers: &HeaderMap) -> Option<&str> {
        texts(headers, ORIGIN).find(|origin| {
            let http = origin.strip_prefix("http://");
            let named = http.or_else(|| origin.strip_prefix("https://"));
            let is_this = |host: &str| named.is_some_and(|name| name.eq_ignore_ascii_case(host));
            !texts(headers, HOST).any(is_this)
        })
    }

    fn allows(&self, host: &str) -> bool {
        let Some(name) = name_of(host) else {
            return false;
        };
        self.allowed
            .iter()
            .any(|one| name.eq_ignore_ascii_case(one))
    }
}

fn texts(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let values = headers.get_all(name).iter();
    values.map(|value| value.to_str().unwrap_or("?"))
}

/// The name before the port, without the brackets of an address.
fn name_of(host: &str) -> Option<String> {
    if host.contains('@') {
        return None;
    }
    let authority: Authority = host.parse().ok()?;
    Some(bare(authority.host()).to_owned())
}

fn bare(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

/// Whether the name before the port can only mean this machine.
fn is_local(host: &str) -> bool {
    name_of(host).is_some_and(|name| {
        let address = name.parse::<IpAddr>();
        name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn headers(host: &'static str, origin: Option<&'static str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static(host));
        if let Some(origin) = origin {
            headers.insert(ORIGIN, HeaderValue::from_static(origin));
        }
        headers
    }

    fn hosts(allowed: &[&str], origins: &[&str]) -> Hosts {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Hosts::new(&Options {
            allowed_hosts: owned(allowed),
            cors_origins: owned(origins),
            ..Options::default()
        })
    }

    fn passes(host: &'static str, origin: Option<&'static str>) -> bool {
        hosts(&[], &[]).check_open(&headers(host, origin)).is_ok()
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
        assert!(hosts(&[], &[]).check_open(&HeaderMap::new()).is_ok());
        assert!(hosts(&["mcs"], &[]).check(&HeaderMap::new()).is_ok());
    }

    #[test]
    fn names_are_those_that_were_given_and_those_of_the_machine() {
        let hosts = hosts(&["MCS.example.com", "[2001:db8::1]"], &[]);
        for good in [
            "mcs.example.com",
            "Mcs.Example.Com:8080",
            "[2001:db8::1]:80",
            "localhost:80",
            "127.0.0.1",
        ] {
            assert!(hosts.check(&headers(good, None)).is_ok(), "{good}");
        }
        for bad in [
            "evil.example",
            "mcs.example.com.evil.example",
            "example.com",
            "",
            "10.0.0.1",
        ] {
            assert!(hosts.check(&headers(bad, None)).is_err(), "{bad}");
        }
        // Whatever names are given, a server without a key is for its machine.
        assert!(hosts.check_open(&headers("mcs.example.com", None)).is_err());
    }

    #[test]
    fn a_page_that_is_listed_may_call_and_still_has_no_session() {
        let hosts = hosts(&[], &["http://localhost:3000"]);
        let listed = headers("localhost:8080", Some("http://localhost:3000"));
        assert!(hosts.check_open(&listed).is_ok());
        for method in [Method::GET, Method::POST] {
            assert!(Hosts::check_page(&method, &listed).is_err());
        }
    }

    #[test]
    fn a_session_is_for_the_page_of_this_server() {
        let check = |method, origin| Hosts::check_page(&method, &headers("mcs.example", origin));
        assert!(check(Method::GET, None).is_ok());
        assert!(check(Method::POST, None).is_err());
        for method in [Method::GET, Method::POST, Method::DELETE, Method::PATCH] {
            assert!(check(method.clone(), Some("https://mcs.example")).is_ok());
            assert!(check(method.clone(), Some("https://mcs.example:444")).is_err());
            assert!(check(method, Some("null")).is_err());
        }
    }
}
