//! How the service is reached over HTTP, and by whom.

mod names;
mod tls;
mod tokens;

pub(super) use names::check_urls;
pub use tls::TlsConfig;

use super::check::{Problem, check_range, check_time};
use super::database::expand_home;
use super::error::ConfigError;
use super::source::{Environment, Section};
use crate::domain::interaction::BATCH_BYTES;
use crate::domain::limits;
use crate::provider::secret::Secret;
use crate::service::TokenEntry;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// How the service is reached over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpConfig {
    /// Where it listens. Elsewhere than on the loopback it does not start without a key.
    pub address: SocketAddr,
    /// A key that may do everything, beside those that are stored. Best given by the environment.
    pub admin_key: Option<Secret>,
    /// Tokens by their hashes, beside the keys that are stored.
    pub tokens: Vec<TokenEntry>,
    /// A file with more of them, see [`crate::service::TokenFile`]. It is read again when it changes.
    pub token_file: Option<PathBuf>,
    /// Most requests of one principal in a second; 0 for no limit. The admin key has none.
    pub rate_limit: u32,
    /// Names by which callers may know the server, beside those that mean its own machine. Any, if the list is empty.
    pub allowed_hosts: Vec<String>,
    /// Origins whose web pages may call with a token.
    pub cors_origins: Vec<String>,
    /// Where clients reach it, such as `https://mcs.example.com`. `None` for the name by which it is asked.
    pub public_url: Option<String>,
    /// What it proves itself with over HTTPS. `None` for plain HTTP.
    pub tls: Option<TlsConfig>,
    /// Largest body of a request, in bytes. Left out, a task with the largest payload fits. All bodies that are being read
    /// share 64 MiB, or as much as one may have if that is more; those that find no room for a while are told to come later.
    pub max_body_bytes: usize,
    /// Most connections at a time. Later ones wait to be taken.
    pub max_connections: usize,
    /// Most streams of events at a time.
    pub max_streams: usize,
    /// Longest time until a request is answered.
    pub request_timeout: Duration,
    /// How long requests may go on when the service ends.
    pub shutdown_grace: Duration,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            admin_key: None,
            tokens: Vec::new(),
            token_file: None,
            rate_limit: 1000,
            allowed_hosts: Vec::new(),
            cors_origins: Vec::new(),
            public_url: None,
            tls: None,
            max_body_bytes: limits::PAYLOAD_BYTES + KIB * KIB,
            max_connections: 10_000,
            max_streams: 2048,
            request_timeout: Duration::from_secs(30),
            shutdown_grace: Duration::from_secs(5),
        }
    }
}

/// Shortest admin key. Whoever guesses it may do everything.
const SHORTEST_KEY: usize = 16;
const KIB: usize = 1024;
/// A batch of a reporter, or a large event with what its sender wraps round it, which may always be sent.
const LEAST_BODY: usize = BATCH_BYTES + 64 * KIB;
const LARGEST_BODY: usize = 64 * KIB * KIB;
const HOUR: Duration = Duration::from_hours(1);
/// Most requests in a second that a limit can say.
const MOST_REQUESTS: u32 = 1_000_000;

impl HttpConfig {
    pub(super) fn read(&mut self, section: &Section<'_>) -> Result<(), ConfigError> {
        section.set("address", &mut self.address)?;
        self.admin_key = section.get("admin_key")?;
        self.tokens = tokens::read(section)?;
        self.token_file = section.get("token_file")?;
        section.set("rate_limit", &mut self.rate_limit)?;
        section.set("allowed_hosts", &mut self.allowed_hosts)?;
        section.set("cors_origins", &mut self.cors_origins)?;
        self.public_url = section.get("public_url")?;
        self.tls = TlsConfig::read(&section.section("tls")?)?;
        section.set("max_body_bytes", &mut self.max_body_bytes)?;
        section.set("max_connections", &mut self.max_connections)?;
        section.set("max_streams", &mut self.max_streams)?;
        section.set("request_timeout", &mut self.request_timeout)?;
        section.set("shutdown_grace", &mut self.shutdown_grace)
    }

    pub(super) fn check(&self) -> Result<(), Problem> {
        if let Some(key) = &self.admin_key {
            check_key(key)?;
        }
        tokens::check(&self.tokens)?;
        check_range("http.rate_limit", self.rate_limit, (0, MOST_REQUESTS))?;
        names::check_hosts(&self.allowed_hosts)?;
        names::check_origins(&self.cors_origins)?;
        check_urls("http.public_url", self.public_url.as_slice())?;
        let bodies = (LEAST_BODY, LARGEST_BODY);
        check_range("http.max_body_bytes", self.max_body_bytes, bodies)?;
        check_range("http.max_connections", self.max_connections, (1, 100_000))?;
        check_range("http.max_streams", self.max_streams, (0, 100_000))?;
        let times = (Duration::from_secs(1), HOUR);
        check_time("http.request_timeout", self.request_timeout, times)?;
        let times = (Duration::ZERO, HOUR);
        check_time("http.shutdown_grace", self.shutdown_grace, times)
    }
}

impl HttpConfig {
    /// The same with a leading `~/` of paths replaced by the home directory.
    pub(super) fn expand(mut self, environment: Environment<'_>) -> Self {
        let expand = |path| expand_home(path, environment);
        self.token_file = self.token_file.map(expand);
        self.tls = self.tls.map(|TlsConfig { cert, key }| TlsConfig {
            cert: expand(cert),
            key: expand(key),
        });
        self
    }
}

fn check_key(key: &Secret) -> Result<(), Problem> {
    let text = key.expose();
    let problem = if text.len() < SHORTEST_KEY {
        format!("has {} characters; use at least {SHORTEST_KEY}", text.len())
    } else if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        "has characters that a header cannot carry; use letters, digits and signs".to_owned()
    } else {
        return Ok(());
    };
    let remedy = "`openssl rand -hex 32` makes a good one";
    Err(Problem::new(
        "http.admin_key",
        format!("{problem}; {remedy}"),
    ))
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, ConfigError};
    use crate::service::{Scope, TokenHash};
    use std::path::Path;
    use std::time::Duration;

    fn read(text: &str, environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::parse(Path::new("mcs.toml"), text, |name| {
            let mut pairs = environment.iter();
            let found = pairs.find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn it_is_read_from_the_file_and_the_environment() {
        let text = "[http]\naddress = '[::]:80'\nrequest_timeout = '5s'\nmax_body_bytes = 1200000";
        let environment = [("MCS_HTTP_ADMIN_KEY", "0123456789abcdef\n")];
        let http = read(text, &environment).unwrap().http;
        assert_eq!(http.address, "[::]:80".parse().unwrap());
        assert_eq!(http.request_timeout, Duration::from_secs(5));
        assert_eq!(http.max_body_bytes, 1_200_000);
        assert_eq!(http.admin_key.unwrap().expose(), "0123456789abcdef");
    }

    #[test]
    fn tokens_and_what_else_guards_the_door_are_read() {
        let text = "[http]\ntoken_file = '~/tokens'\nrate_limit = 0\nallowed_hosts = ['mcs.example.com']\n\
                    cors_origins = ['https://app.example.com']\n[http.tls]\ncert = '~/c.pem'\nkey = '/k.pem'\n\
                    [[http.tokens]]\nname = 'ci'\nscopes = ['write', 'read']\n\
                    sha256 = '9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08'";
        let http = read(text, &[("HOME", "/home/ann")]).unwrap().http;
        assert_eq!(http.token_file, Some("/home/ann/tokens".into()));
        assert_eq!(http.rate_limit, 0);
        assert_eq!(http.allowed_hosts, ["mcs.example.com"]);
        let tls = http.tls.unwrap();
        assert_eq!(
            (tls.cert, tls.key),
            ("/home/ann/c.pem".into(), "/k.pem".into())
        );
        let [token] = &http.tokens[..] else {
            panic!("{:?}", http.tokens)
        };
        assert_eq!(token.sha256, TokenHash::of("test"));
        assert_eq!(token.scopes, [Scope::Write, Scope::Read]);
        let variables = [
            ("MCS_HTTP_TLS_CERT", "/c.pem"),
            ("MCS_HTTP_TLS_KEY", "/k.pem"),
        ];
        assert!(read("", &variables).unwrap().http.tls.is_some());
    }

    #[test]
    fn tokens_that_make_no_sense_are_named_and_not_shown() {
        let good = format!("sha256 = '{}'", "0".repeat(64));
        for (keys, parts) in [
            (
                "scopes = ['read']",
                ["`http.tokens[0].name` is missing", "`sha256`"],
            ),
            (
                "name = 'ci'\nscopes = ['root']",
                ["`http.tokens[0].scopes` has one that is `root`", "admin"],
            ),
            (
                "name = 'ci'\nscopes = []",
                ["`http.tokens[0].scopes` is empty", "\"read\""],
            ),
            (
                "name = 'ci'\nscopes = ['report']",
                ["`http.tokens[0].scopes`", "/api/v2/keys"],
            ),
            (
                "name = 'mcp:x'\nscopes = ['read']",
                ["`http.tokens[0].name`", "mcp:"],
            ),
            (
                "name = 'ci'\nscopes = ['read']\nsha512 = 'hunter2'",
                ["`http.tokens[0].sha512`", "http.tokens[0].sha256"],
            ),
        ] {
            let error = read(&format!("[[http.tokens]]\n{keys}\n{good}"), &[]).unwrap_err();
            let shown = format!("{error} {error:?}");
            for part in parts {
                assert!(error.to_string().contains(part), "{keys}: {error}");
            }
            assert!(!shown.contains("hunter2"), "{shown}");
        }
        let open = "[[http.tokens]]\nname = 'ci'\nscopes = ['read']\nsha256 = 'hunter2'";
        let error = read(open, &[]).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(
            shown.contains("sha256sum") && !shown.contains("hunter2"),
            "{shown}"
        );
        let twice = format!("[[http.tokens]]\nname = 'ci'\nscopes = ['read']\n{good}\n").repeat(2);
        let error = read(&twice, &[]).unwrap_err().to_string();
        assert!(
            error.contains("`http.tokens[1].sha256` is that of `ci` too"),
            "{error}"
        );
    }

    #[test]
    fn values_that_make_no_sense_are_named_and_keys_are_not() {
        for (text, parts) in [
            (
                "address = 'localhost:1'",
                ["`http.address`", "127.0.0.1:8080"],
            ),
            (
                "address = 8080",
                ["`http.address` is the number 8080", "a port"],
            ),
            (
                "max_body_bytes = 1048576",
                ["`http.max_body_bytes` is 1048576", "1114112"],
            ),
            (
                "max_connections = 0",
                ["`http.max_connections` is 0", "1 to"],
            ),
            (
                "request_timeout = '1ms'",
                ["`http.request_timeout` is 1ms", "1s"],
            ),
            (
                "rate_limit = 1000001",
                ["`http.rate_limit` is 1000001", "0 to 1000000"],
            ),
            (
                "allowed_hosts = ['https://mcs.example.com']",
                ["`http.allowed_hosts` has `https://mcs", "without a scheme"],
            ),
            (
                "cors_origins = ['*']",
                ["`http.cors_origins` has `*`", "https://app.example.com"],
            ),
            (
                "tls.cert = 'c.pem'",
                ["`http.tls.key` is missing", "leave out `http.tls.cert`"],
            ),
            (
                "tls.key = 'k.pem'",
                ["`http.tls.cert` is missing", "leave out `http.tls.key`"],
            ),
            ("admin_key = 'hunter2'", ["has 7 characters", "openssl"]),
            (
                "admin_key = 'hunter2 hunter2 é'",
                ["a header cannot", "openssl"],
            ),
        ] {
            let error = read(&format!("[http]\n{text}"), &[]).unwrap_err();
            let shown = format!("{error} {error:?}");
            for part in parts {
                assert!(shown.contains(part), "{text}: {shown}");
            }
            assert!(!shown.contains("hunter2"), "{shown}");
        }
    }
}
