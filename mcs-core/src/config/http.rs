use super::check::{Problem, check_range, check_time};
use super::error::ConfigError;
use super::source::Section;
use crate::domain::interaction::BATCH_BYTES;
use crate::provider::secret::Secret;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// How the service is reached over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpConfig {
    /// Where it listens. Elsewhere than on the loopback it does not start without a key.
    pub address: SocketAddr,
    /// A key that may do everything, beside those that are stored. Best given by the environment.
    pub admin_key: Option<Secret>,
    /// Largest body of a request, in bytes.
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
            max_body_bytes: 2 * 1024 * 1024,
            max_connections: 1024,
            max_streams: 64,
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

impl HttpConfig {
    pub(super) fn read(&mut self, section: &Section<'_>) -> Result<(), ConfigError> {
        section.set("address", &mut self.address)?;
        self.admin_key = section.get("admin_key")?;
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
