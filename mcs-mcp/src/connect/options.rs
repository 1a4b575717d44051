use mcs_core::config::Config;
use mcs_core::provider::secret::Secret;
use std::fmt;

/// The key of a service, in the environment.
const TOKEN: &str = "MCS_TOKEN";

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

    /// The service at `url` with the key that is in the environment as `MCS_TOKEN`, else with that of the configuration.
    pub fn configured(
        url: impl Into<String>,
        config: &Config,
        environment: impl FnOnce(&str) -> Option<String>,
    ) -> Self {
        let named = environment(TOKEN).filter(|token| !token.trim().is_empty());
        let configured = config.mcp.token.as_ref().map(Secret::expose);
        let token = named.or_else(|| configured.map(str::to_owned));
        Self::new(url).token(token)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_the_environment_wins_over_that_of_the_configuration_unless_it_is_empty() {
        let mut config = Config::in_memory();
        for (kept, named, taken) in [
            (None, None, None),
            (None, Some("named"), Some("named")),
            (Some("kept"), Some("named"), Some("named")),
            (Some("kept"), Some(" "), Some("kept")),
            (Some("kept"), None, Some("kept")),
        ] {
            config.mcp.token = kept.map(Secret::new);
            let options = ConnectOptions::configured("http://x", &config, |name| {
                assert_eq!(name, TOKEN);
                named.map(str::to_owned)
            });
            assert_eq!(options.token.as_deref(), taken);
        }
    }
}
