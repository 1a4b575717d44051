//! Keeps web pages of strangers away.
//!
//! A browser reaches what its user reaches, and shows pages of strangers. One that sends requests across origins is known by
//! its `Origin`, and where it tells none, as for a picture, by `Sec-Fetch-Site`; one whose name was made to mean the address
//! of this server (DNS rebinding) is of the same origin, and known by the name in `Host`.

use crate::options::Options;
use crate::problem::Problem;
use axum::http::header::{FORWARDED, HOST, ORIGIN, VIA};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderName, Uri};
use mcs_core::schema::shortened;
use std::net::IpAddr;

/// The names by which callers may know this server, and the pages that may call.
#[derive(Debug)]
pub(super) struct Hosts {
    /// In small letters. Any name, if there is none.
    allowed: Vec<String>,
    origins: Vec<String>,
}

/// Whether a request changes something, and so must not be sent by a page that its user did not mean to send it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    Reads,
    Changes,
}

const OPEN: &str =
    "this server is open to programs of its own machine; make a key to reach it in other ways";
/// How a page came to send a request, told by browsers and by nobody else. Pages cannot set it.
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// What proxies add to what they pass on.
const PASSED_ON: [HeaderName; 5] = [
    FORWARDED,
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-real-ip"),
    VIA,
];

impl Hosts {
    pub(super) fn new(options: &Options) -> Self {
        let hosts = options.allowed_hosts.iter();
        Self {
            allowed: hosts.map(|host| bare(host).to_ascii_lowercase()).collect(),
            origins: options.cors_origins.clone(),
        }
    }

    /// Refuses a name of this server that nobody gave it.
    pub(super) fn check(&self, request: &Parts) -> Result<(), Problem> {
        if self.allowed.is_empty() {
            return Ok(());
        }
        match names(request).find(|host| !is_local(host) && !self.allows(host)) {
            None => Ok(()),
            Some(host) => Err(Problem::forbidden(format!(
                "the host `{}` is none of this server; use one of its names, or add it to `http.allowed_hosts`",
                shortened(host)
            ))),
        }
    }

    /// Refuses what a web page of somebody else, or another machine by way of a proxy, may have sent to a server that asks
    /// for no key.
    pub(super) fn check_open(&self, request: &Parts) -> Result<(), Problem> {
        let mut passed_on = PASSED_ON.into_iter();
        if let Some(name) = passed_on.find(|name| request.headers.contains_key(name)) {
            return Err(Problem::forbidden(format!(
                "the request came through a proxy, as its header `{name}` says, and may be of anybody; {OPEN}"
            )));
        }
        if let Some(host) = names(request).find(|host| !is_local(host)) {
            return Err(Problem::forbidden(format!(
                "the host `{}` is not local; {OPEN}",
                shortened(host)
            )));
        }
        let mut origins = texts(request, ORIGIN).peekable();
        let listed = |origin: &str| self.origins.iter().any(|known| known == origin);
        if origins.peek().is_some() && origins.all(listed) {
            return Ok(());
        }
        if let Some(origin) = texts(request, ORIGIN).find(|one| !is_of_named(one, request)) {
            return Err(Problem::forbidden(format!(
                "the origin `{}` is another one than this server's; {OPEN}",
                shortened(origin)
            )));
        }
        match strange_site(request) {
            None => Ok(()),
            Some(site) => Err(Problem::forbidden(format!(
                "the request is of a page of another site (`{FETCH_SITE}: {}`); {OPEN}",
                shortened(site)
            ))),
        }
    }

    /// Refuses what another page than this server's own may have sent with the cookie of a session: the browser adds it by
    /// itself. Browsers tell the origin of whatever changes something.
    pub(super) fn check_page(&self, effect: Effect, request: &Parts) -> Result<(), Problem> {
        if let Some(origin) = texts(request, ORIGIN).find(|one| !self.is_own(one, request)) {
            let host = names(request).next().unwrap_or("none");
            return Err(Problem::forbidden(format!(
                "the origin `{}` is another one than this server's, which is asked as `{}`; a session is for its own page, \
                 and others send a token with each request. If that is its page behind a proxy, have the proxy pass on `Host`, \
                 or add the name of the origin to `http.allowed_hosts`",
                shortened(origin),
                shortened(host)
            )));
        }
        if let Some(site) = strange_site(request) {
            return Err(Problem::forbidden(format!(
                "the request is of a page of another site (`{FETCH_SITE}: {}`), and a session is for the page of this server; \
                 send a token",
                shortened(site)
            )));
        }
        let own = texts(request, FETCH_SITE).any(|site| site == "same-origin");
        if effect == Effect::Reads || own || request.headers.contains_key(ORIGIN) {
            return Ok(());
        }
        Err(Problem::forbidden(
            "with the cookie of a session the header Origin is needed, as browsers send it; programs send a token instead",
        ))
    }

    /// Refuses a request of a web page that is neither of this server nor listed, whatever it came with.
    #[cfg(feature = "mcp")]
    pub(super) fn check_origin(&self, request: &Parts) -> Result<(), Problem> {
        let known = |origin: &str| {
            self.origins.iter().any(|listed| listed == origin) || self.is_own(origin, request)
        };
        match texts(request, ORIGIN).find(|origin| !known(origin)) {
            None => Ok(()),
            Some(origin) => Err(Problem::forbidden(format!(
                "the origin `{}` is another one than this server's; add it to `http.cors_origins` if its pages may call",
                shortened(origin)
            ))),
        }
    }

    /// Whether a page of this server is of `origin`. A proxy before it may have another name for it than the page has.
    // Another port of the machine is another program, which may be a page of somebody else as well.
    fn is_own(&self, origin: &str, request: &Parts) -> bool {
        if is_of_named(origin, request) {
            return true;
        }
        let uri: Option<Uri> = origin.parse().ok();
        uri.as_ref()
            .and_then(Uri::authority)
            .is_some_and(|name| name.port().is_none() && self.allows(name.as_str()))
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

/// The names by which the request knows this server. HTTP/2 tells it with the address, HTTP/1 in a header.
pub(super) fn names(request: &Parts) -> impl Iterator<Item = &str> {
    let of_address = request.uri.authority().map(Authority::as_str);
    of_address.into_iter().chain(texts(request, HOST))
}

/// The name by which the request knows this server, if it is one.
#[cfg(feature = "mcp")]
pub(crate) fn host(request: &Parts) -> Option<&str> {
    names(request).find(|host| name_of(host).is_some())
}

/// Whether `origin` is that of the server as the request names it.
fn is_of_named(origin: &str, request: &Parts) -> bool {
    let http = origin.strip_prefix("http://");
    let named = http.or_else(|| origin.strip_prefix("https://"));
    let is_this = |host: &str| named.is_some_and(|name| name.eq_ignore_ascii_case(host));
    names(request).any(is_this)
}

/// What a browser says of a page that is neither of this server nor its user's own doing.
fn strange_site(request: &Parts) -> Option<&str> {
    texts(request, FETCH_SITE).find(|site| !matches!(*site, "same-origin" | "none"))
}

fn texts(request: &Parts, name: HeaderName) -> impl Iterator<Item = &str> {
    let values = request.headers.get_all(name).iter();
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
    use axum::http::Request;

    fn request(uri: &str, headers: &[(&str, &str)]) -> Parts {
        let request = headers.iter().fold(Request::get(uri), |request, header| {
            request.header(header.0, header.1)
        });
        request.body(()).unwrap().into_parts().0
    }

    fn headers(host: &str, origin: Option<&str>) -> Parts {
        let origin = origin.map(|origin| ("origin", origin));
        let all: Vec<_> = [("host", host)].into_iter().chain(origin).collect();
        request("/", &all)
    }

    fn hosts(allowed: &[&str], origins: &[&str]) -> Hosts {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Hosts::new(&Options {
            allowed_hosts: owned(allowed),
            cors_origins: owned(origins),
            ..Options::default()
        })
    }

    fn passes(host: &str, origin: Option<&str>) -> bool {
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
        assert!(hosts(&[], &[]).check_open(&request("/", &[])).is_ok());
        assert!(hosts(&["mcs"], &[]).check(&request("/", &[])).is_ok());
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
        for effect in [Effect::Reads, Effect::Changes] {
            assert!(hosts.check_page(effect, &listed).is_err());
        }
    }

    #[test]
    fn a_session_is_for_the_page_of_this_server() {
        let check =
            |effect, origin| hosts(&[], &[]).check_page(effect, &headers("mcs.example", origin));
        assert!(check(Effect::Reads, None).is_ok());
        assert!(check(Effect::Changes, None).is_err());
        for effect in [Effect::Reads, Effect::Changes] {
            assert!(check(effect, Some("https://mcs.example")).is_ok());
            assert!(check(effect, Some("https://mcs.example:444")).is_err());
            assert!(check(effect, Some("null")).is_err());
        }
    }

    #[test]
    fn the_page_behind_a_proxy_is_known_by_the_names_that_were_given() {
        let named = hosts(&["mcs.example"], &[]);
        let check = |hosts: &Hosts, origin| {
            hosts.check_page(Effect::Changes, &headers("127.0.0.1:8080", Some(origin)))
        };
        assert!(check(&named, "https://mcs.example").is_ok());
        for other in [
            "https://mcs.example:444",
            "https://evil.example",
            "null",
            "mcs.example/",
        ] {
            assert!(check(&named, other).is_err(), "{other}");
        }
        let refused = check(&hosts(&[], &[]), "https://mcs.example").unwrap_err();
        let remedy =
            "have the proxy pass on `Host`, or add the name of the origin to `http.allowed_hosts`";
        assert!(refused.detail().contains(remedy), "{refused:?}");
    }

    #[test]
    fn a_page_that_tells_no_origin_is_known_by_its_site() {
        let at = |site| request("/", &[("host", "localhost:80"), ("sec-fetch-site", site)]);
        let hosts = hosts(&[], &["http://localhost:3000"]);
        for strange in ["cross-site", "same-site", "?"] {
            assert!(hosts.check_open(&at(strange)).is_err(), "{strange}");
            assert!(hosts.check_page(Effect::Reads, &at(strange)).is_err());
        }
        for own in ["same-origin", "none"] {
            assert!(hosts.check_open(&at(own)).is_ok(), "{own}");
            assert!(hosts.check_page(Effect::Reads, &at(own)).is_ok(), "{own}");
        }
        assert!(
            hosts
                .check_page(Effect::Changes, &at("same-origin"))
                .is_ok()
        );
        assert!(hosts.check_page(Effect::Changes, &at("none")).is_err());
        let listed = request(
            "/",
            &[
                ("host", "localhost:80"),
                ("sec-fetch-site", "cross-site"),
                ("origin", "http://localhost:3000"),
            ],
        );
        assert!(hosts.check_open(&listed).is_ok());
    }

    #[test]
    fn what_a_proxy_passes_on_is_not_of_this_machine() {
        for name in PASSED_ON {
            let passed = request("/", &[("host", "127.0.0.1:8080"), (name.as_str(), "x")]);
            let refused = hosts(&[], &[]).check_open(&passed).unwrap_err();
            assert!(refused.detail().contains(name.as_str()), "{refused:?}");
        }
    }

    #[test]
    fn the_name_in_the_address_counts_as_well() {
        let named = hosts(&["mcs.example"], &[]);
        assert!(named.check(&request("http://evil.example/", &[])).is_err());
        assert!(named.check(&request("http://mcs.example/", &[])).is_ok());
        let both = request("http://evil.example/", &[("host", "mcs.example")]);
        assert!(named.check(&both).is_err());
        let open = request("http://10.0.0.1/", &[("host", "localhost")]);
        assert!(hosts(&[], &[]).check_open(&open).is_err());
        let page = request("https://mcs.example/", &[("origin", "https://mcs.example")]);
        let page = hosts(&[], &[]).check_page(Effect::Changes, &page);
        assert!(page.is_ok(), "{page:?}");
    }

    #[test]
    fn a_long_name_makes_no_long_answer() {
        let long = "x".repeat(10_000);
        let refused = [
            hosts(&["mcs"], &[]).check(&headers(&long, None)),
            hosts(&[], &[]).check_open(&headers(&long, None)),
            hosts(&[], &[]).check_open(&headers("localhost", Some(&long))),
            hosts(&[], &[]).check_page(Effect::Reads, &headers("localhost", Some(&long))),
        ];
        for refused in refused {
            assert!(refused.unwrap_err().detail().len() < 500);
        }
    }
}
