use super::options::{ConnectError, ConnectOptions};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, HeaderName, Method, StatusCode};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url, retry};
use serde::Deserialize;
use std::net::IpAddr;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// The service that is forwarded to.
#[derive(Debug, Clone)]
pub(super) struct Remote {
    client: Client,
    url: Url,
    patience: Duration,
}

/// Why the service gave no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(
        "the service at {url} cannot be reached ({problem}); nothing was done, so start it and try again"
    )]
    Unreachable { url: Url, problem: String },
    #[error(
        "the connection to the service at {url} broke off before the answer ({problem}); whether the request took effect is not known"
    )]
    BrokeOff { url: Url, problem: String },
    #[error(
        "the service at {url} said nothing for {} s; whether it took the message is not known", SILENCE.as_secs()
    )]
    Silent { url: Url },
    #[error(
        "the service at {url} asks for a key; set MCS_TOKEN to one, `mcs --new-token name:read,write` makes it"
    )]
    NoKey { url: Url },
    #[error("the service at {url} answered {status}: {detail}")]
    Refused {
        url: Url,
        status: StatusCode,
        detail: String,
    },
}

/// How long a request waits for a service that cannot be reached, as while it is started again.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long what is no request of the client waits for a service that says nothing.
const SILENCE: Duration = Duration::from_secs(30);
/// First and longest pause between two attempts to reach it.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));
const CONNECT: Duration = Duration::from_secs(5);
/// After how long a connection on which nothing happens is looked at by the system.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
const PATH: &str = "/mcp";
/// Most of an answer that says why a request was refused, in characters.
const DETAIL: usize = 500;

impl Remote {
    pub(super) fn new(options: &ConnectOptions) -> Result<Self, ConnectError> {
        let url = address(&options.url)?;
        let (clear, here) = (url.scheme() == "http", is_here(&url));
        let mut headers = HeaderMap::new();
        if let Some(token) = &options.token {
            let value = HeaderValue::try_from(format!("Bearer {}", token.trim()));
            let mut value = value.map_err(|_| ConnectError::Token)?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
            if clear && !here {
                tracing::warn!(%url, "the token goes to another machine in clear; let the service serve https");
            }
        }
        let mut client = Client::builder()
            .default_headers(headers)
            .connect_timeout(CONNECT)
            .tcp_keepalive(KEEP_ALIVE)
            // A token is for the service that was named, and for nobody that it names.
            .redirect(Policy::none())
            // A request that was sent may have taken effect, and the client says whether it is made again.
            .retry(retry::never());
        // A proxy would read what is not encrypted, the token too, and none leads to this machine.
        if clear || here {
            client = client.no_proxy();
        }
        Ok(Self {
            client: client.build()?,
            url,
            patience: PATIENCE,
        })
    }

    /// Posts a message, and answers once there is the head of an answer.
    pub(super) async fn post(&self, body: &[u8], headers: HeaderMap) -> Result<Response, Failure> {
        let body = body.to_vec();
        let accepted = "application/json, text/event-stream";
        self.ask(Method::POST, headers, Some(body), accepted).await
    }

    /// Gives up on a service that says nothing. The client's requests may take as long as it likes to wait.
    pub(super) async fn in_time<T>(
        &self,
        asking: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let asked = timeout(SILENCE, asking).await;
        asked.unwrap_or_else(|_| {
            Err(Failure::Silent {
                url: self.url.clone(),
            })
        })
    }

    /// Asks for what a session is told.
    pub(super) async fn listen(&self, headers: HeaderMap) -> Result<Response, Failure> {
        self.ask(Method::GET, headers, None, "text/event-stream")
            .await
    }

    /// Ends a session, as far as the service can still be told.
    pub(super) async fn leave(&self, headers: HeaderMap) {
        let ending = self.client.delete(self.url.clone()).headers(headers);
        if let Err(error) = ending.send().await {
            tracing::debug!(%error, "the session was not ended");
        }
    }

    async fn ask(
        &self,
        method: Method,
        headers: HeaderMap,
        body: Option<Vec<u8>>,
        accepted: &'static str,
    ) -> Result<Response, Failure> {
        let begun = Instant::now();
        let mut pause = PAUSES.0;
        loop {
            let mut request = self
                .client
                .request(method.clone(), self.url.clone())
                .headers(headers.clone())
                .header(ACCEPT, accepted);
            if let Some(body) = &body {
                request = request
                    .header(CONTENT_TYPE, "application/json")
                    .body(body.clone());
            }
            match request.send().await {
                Ok(response) => return Ok(response),
                // Nothing was sent yet, so that it may be sent again.
                Err(error) if error.is_connect() => {
                    if begun.elapsed() + pause > self.patience {
                        return Err(self.unreachable(&error));
                    }
                    sleep(pause).await;
                    pause = (pause * 2).min(PAUSES.1);
                }
                Err(error) => return Err(self.broke_off(&error)),
            }
        }
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        Failure::Unreachable {
            url: self.url.clone(),
            problem: root(error),
        }
    }

    pub(super) fn broke_off(&self, error: &(dyn std::error::Error + 'static)) -> Failure {
        Failure::BrokeOff {
            url: self.url.clone(),
            problem: root(error),
        }
    }

    /// What the service said instead of an answer.
    pub(super) fn refused(&self, status: StatusCode, body: &str) -> Failure {
        let url = self.url.clone();
        if status == StatusCode::UNAUTHORIZED {
            return Failure::NoKey { url };
        }
        let problem: Option<Problem> = serde_json::from_str(body).ok();
        let detail = problem.map_or(body.to_owned(), |problem| problem.detail);
        Failure::Refused {
            url,
            status,
            detail: detail.chars().take(DETAIL).collect(),
        }
    }
}

#[derive(Deserialize)]
struct Problem {
    detail: String,
}

/// The innermost reason, which is the one that says something.
fn root(error: &(dyn std::error::Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

fn address(text: &str) -> Result<Url, ConnectError> {
    let refuse = |problem: String| ConnectError::Url {
        url: text.to_owned(),
        problem,
    };
    let mut url: Url = text.parse().map_err(|error| refuse(format!("{error}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refuse(
            "it has another scheme than http and https".to_owned(),
        ));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(ConnectError::Url {
            url: "...".to_owned(),
            problem: "it has a user or a password; set MCS_TOKEN instead".to_owned(),
        });
    }
    let path = url.path().trim_end_matches('/');
    if !path.ends_with(PATH) {
        let path = format!("{path}{PATH}");
        url.set_path(&path);
    }
    Ok(url)
}

/// Whether `url` is on this machine.
fn is_here(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    let address = address.parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.to_canonical().is_loopback())
}

/// The header that names a session.
pub(super) const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_may_be_left_out() {
        for (given, meant) in [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/mcp"),
            ("http://127.0.0.1:8080/", "http://127.0.0.1:8080/mcp"),
            ("https://x/mcp", "https://x/mcp"),
            ("https://x/mcp/", "https://x/mcp/"),
            ("https://x/tasks", "https://x/tasks/mcp"),
        ] {
            assert_eq!(address(given).unwrap().as_str(), meant);
        }
        for wrong in [
            "",
            "127.0.0.1:8080",
            "ftp://x",
            "http://",
            "http://ann:secret@x",
        ] {
            let refused = address(wrong).unwrap_err().to_string();
            assert!(!refused.contains("secret"), "{refused}");
        }
    }

    #[test]
    fn what_is_on_this_machine_is_known() {
        for (url, here) in [
            ("http://127.0.0.1:1", true),
            ("http://[::1]:1", true),
            ("https://[::ffff:127.0.0.1]", true),
            ("http://localhost", true),
            ("http://192.168.1.5", false),
            ("https://localhost.example.com", false),
        ] {
            assert_eq!(is_here(&url.parse().unwrap()), here, "{url}");
        }
    }

    #[test]
    fn tokens_are_not_shown() {
        let options = ConnectOptions::new("http://x").token(Some("a-token-of-mine"));
        let remote = Remote::new(&options).unwrap();
        assert!(!format!("{options:?} {remote:?}").contains("a-token"));
        let odd = ConnectOptions::new("http://x").token(Some("a\nb"));
        assert!(Remote::new(&odd).is_err());
    }
}
