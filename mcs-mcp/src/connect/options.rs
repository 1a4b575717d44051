use std::fmt;

/// Which service a server on standard input and output forwards to.
#[derive(Clone)]
pub struct ConnectOptions {
    pub(super) url: String,
    pub(super) token: Option<String>,
}

/// Why nothing is forwarded.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The address is none.
    #[error("`{url}` is no address of a service ({problem}); write it as http://127.0.0.1:8080")]
    Url {
        /// What was given.
        url: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The token cannot be sent.
    #[error(
        "the token has characters that a header cannot carry; set MCS_TOKEN to the one that was printed once"
    )]
    Token,
    /// There is no HTTP here.
    #[error("no HTTP client could be made: {0}")]
    Client(#[from] reqwest::Error),
}

impl ConnectOptions {
    /// The service at `url`, with or without its path `/mcp`.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            token: None,
        }
    }

    /// With a key of the service.
    pub fn token(mut self, token: Option<impl Into<String>>) -> Self {
        self.token = token.map(Into::into);
        self
    }
}

impl fmt::Debug for ConnectOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectOptions")
            .field("url", &self.url)
            .field("token", &self.token.as_ref().map(|_| "***"))
            .finish()
    }
}
