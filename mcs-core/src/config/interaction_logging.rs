use super::McpConfig;
use super::check::{Problem, check_range, check_time};
use super::database;
use super::error::ConfigError;
use super::provider::check_url;
use super::source::{Environment, Section};
use super::value::{Raw, Setting};
use crate::provider::secret::Secret;
use std::path::PathBuf;
use std::time::Duration;

/// Whether and how calls and attempts are told to a coordinator.
///
/// The keys are those that the table has in files of any MCP server; `mcs_reporter` reads it from them, and knows more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InteractionLoggingConfig {
    /// Whether anything is told.
    pub enable_interaction_logging: bool,
    /// The address of the coordinator.
    pub coordinator_url: Option<String>,
    /// The key by which it knows this server.
    pub coordinator_api_key: Option<Secret>,
    /// Attempts to send something before the log warns. They go on after that.
    pub max_retries: u32,
    /// Pause after the first attempt that failed. It grows with every further one.
    pub retry_delay: Duration,
    /// Where what waits is kept: this file and the folder beside it. `:memory:` keeps it in the process.
    pub local_cache_path: PathBuf,
}

impl Default for InteractionLoggingConfig {
    fn default() -> Self {
        Self {
            enable_interaction_logging: false,
            coordinator_url: None,
            coordinator_api_key: None,
            max_retries: 3,
            retry_delay: Duration::from_secs(1),
            local_cache_path: "./interaction_cache.db".into(),
        }
    }
}

const MOST_RETRIES: u32 = 1000;
const SHORTEST_DELAY: Duration = Duration::from_millis(1);
const LONGEST_DELAY: Duration = Duration::from_mins(1);

/// Seconds as a number, which is how this table is written where it comes from, or a text with a unit.
struct Seconds(Duration);

impl Setting for Seconds {
    fn read(raw: &Raw) -> Result<Self, String> {
        let number = match raw {
            Raw::Text(_) => None,
            raw => f64::read(raw).ok(),
        };
        if let Some(seconds) = number {
            let time = Duration::try_from_secs_f64(seconds);
            return time
                .map(Self)
                .map_err(|_| format!("is {seconds}; write seconds such as 1.0"));
        }
        let time = Duration::read(raw).map(Self);
        time.map_err(|problem| format!("{problem}, or seconds such as 1.0"))
    }
}

impl InteractionLoggingConfig {
    pub(super) fn read(&mut self, section: &Section<'_>) -> Result<(), ConfigError> {
        section.set(
            "enable_interaction_logging",
            &mut self.enable_interaction_logging,
        )?;
        self.coordinator_url = section.get("coordinator_url")?;
        self.coordinator_api_key = section.get("coordinator_api_key")?;
        section.set("max_retries", &mut self.max_retries)?;
        if let Some(Seconds(delay)) = section.get("retry_delay")? {
            self.retry_delay = delay;
        }
        section.set("local_cache_path", &mut self.local_cache_path)
    }

    /// The same with a leading `~/` of the path replaced by the home directory.
    pub(super) fn expand(mut self, environment: Environment<'_>) -> Self {
        self.local_cache_path = database::expand_home(self.local_cache_path, environment);
        self
    }

    /// Refuses what no reporter can work with. Who it is that reports stands in `mcp`.
    pub(super) fn check(&self, mcp: &McpConfig) -> Result<(), Problem> {
        let refused = |key: &str, problem: String| Err(Problem::new(key, problem));
        let key = "interaction_logging.max_retries";
        check_range(key, self.max_retries, (0, MOST_RETRIES))?;
        let key = "interaction_logging.retry_delay";
        check_time(key, self.retry_delay, (SHORTEST_DELAY, LONGEST_DELAY))?;
        if !self.enable_interaction_logging {
            return Ok(());
        }
        let missing =
            "is missing, and `enable_interaction_logging` is true; set it, or switch that off";
        let key = "interaction_logging.coordinator_url";
        match &self.coordinator_url {
            None => return refused(key, missing.to_owned()),
            Some(url) => check_url(
                url,
                "coordinator_api_key",
                "https://coordinator.example.com",
            )
            .or_else(|problem| refused(key, problem))?,
        }
        let key = "interaction_logging.coordinator_api_key";
        match &self.coordinator_api_key {
            None => return refused(key, missing.to_owned()),
            Some(secret) if !is_sendable(secret) => {
                let problem = "is empty or has letters that no key has; copy the key again";
                return refused(key, problem.to_owned());
            }
            Some(_) => {}
        }
        match &mcp.mcp_id {
            None => refused("mcp.mcp_id", missing.to_owned()),
            Some(_) => Ok(()),
        }
    }
}

fn is_sendable(secret: &Secret) -> bool {
    !secret.is_empty() && secret.expose().bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, ConfigError};
    use std::path::Path;
    use std::time::Duration;

    /// As it is written for servers of other makes.
    const AS_ELSEWHERE: &str = r#"
        [mcp]
        mcp_id = "your_mcp_001"
        name = "Your MCP"
        version = "1.0.0"
        [interaction_logging]
        enable_interaction_logging = true
        coordinator_url = "http://mcp-coordinator:8080"
        coordinator_api_key = "hunter2"
        max_retries = 5
        retry_delay = 2.5
        local_cache_path = "~/data/interaction_cache.db"
    "#;

    fn read(text: &str) -> Result<Config, ConfigError> {
        Config::parse(Path::new("mcs.toml"), text, |name| {
            (name == "HOME").then(|| "/home/me".to_owned())
        })
    }

    #[test]
    fn tables_are_read_as_they_stand_elsewhere() {
        let config = read(AS_ELSEWHERE).unwrap();
        assert_eq!(config.mcp.mcp_id.as_deref(), Some("your_mcp_001"));
        assert_eq!(config.mcp.name.as_deref(), Some("Your MCP"));
        assert_eq!(config.mcp.version.as_deref(), Some("1.0.0"));
        let logging = config.interaction_logging;
        assert!(logging.enable_interaction_logging);
        assert_eq!(logging.coordinator_api_key.unwrap().expose(), "hunter2");
        assert_eq!(logging.max_retries, 5);
        assert_eq!(logging.retry_delay, Duration::from_millis(2500));
        let path = Path::new("/home/me/data/interaction_cache.db");
        assert_eq!(logging.local_cache_path, path);
    }

    #[test]
    fn a_delay_may_have_a_unit() {
        let config = read("[interaction_logging]\nretry_delay = '250ms'").unwrap();
        let delay = config.interaction_logging.retry_delay;
        assert_eq!(delay, Duration::from_millis(250));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_remedy_and_keys_do_not_show() {
        let cases = [
            (
                "\"hunter2\"",
                "\"hunter2 x\"",
                "`interaction_logging.coordinator_api_key` is empty or has letters",
            ),
            (
                "coordinator_api_key",
                "#",
                "`interaction_logging.coordinator_api_key` is missing",
            ),
            (
                "coordinator_url",
                "#",
                "`interaction_logging.coordinator_url` is missing",
            ),
            ("http://mcp", "mcp", "https://coordinator.example.com"),
            ("mcp_id = \"your_mcp_001\"", "", "`mcp.mcp_id` is missing"),
            ("your_mcp_001", "", "`mcp.mcp_id` is empty"),
            (
                "= 5",
                "= 5000",
                "`interaction_logging.max_retries` is 5000; use 0 to 1000",
            ),
            (
                "2.5",
                "100.0",
                "`interaction_logging.retry_delay` is 1m 40s",
            ),
            ("2.5", "-1", "`interaction_logging.retry_delay` is -1"),
            ("2.5", "'soon'", "seconds such as 1.0"),
            ("= true", "= 'yes'", "write true or false"),
            (
                "max_retries",
                "max_retry",
                "did you mean `interaction_logging.max_retries`?",
            ),
            ("mcp_id", "mpc_id", "did you mean `mcp.mcp_id`?"),
            (
                "\"~/data/interaction_cache.db\"",
                "''",
                "`interaction_logging.local_cache_path` is empty",
            ),
        ];
        for (right, wrong, said) in cases {
            let text = AS_ELSEWHERE.replace(right, wrong);
            assert_ne!(text, AS_ELSEWHERE);
            let error = read(&text).unwrap_err();
            assert!(error.to_string().contains(said), "{wrong}: {error}");
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn what_is_switched_off_needs_nothing() {
        let text = AS_ELSEWHERE.replace("= true", "= false");
        let text = text.replace("http://mcp-coordinator:8080", "to be found");
        read(&text).unwrap();
    }
}
