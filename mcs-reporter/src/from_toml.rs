//! Settings from a configuration file: the tables `[mcp]` and `[interaction_logging]`.

use crate::api_key::ApiKey;
use crate::build_error::BuildError;
use crate::builder::ReporterBuilder;
use crate::settings::WhenFull;
use mcs_core::domain::InvalidInput;
use serde::Deserialize;
use std::path::PathBuf;
use std::time::Duration;

/// The file. Its other tables are the host's.
#[derive(Deserialize, Default)]
#[serde(default)]
struct File {
    mcp: Mcp,
    interaction_logging: Table,
}

/// Of the host's own table one key.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Mcp {
    mcp_id: String,
}

/// The reporter's table. Durations are seconds.
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct Table {
    enable_interaction_logging: bool,
    coordinator_url: String,
    coordinator_api_key: Option<ApiKey>,
    max_retries: Option<u32>,
    retry_delay: Option<f64>,
    local_cache_path: Option<PathBuf>,
    requests_per_second: Option<u32>,
    timeout: Option<f64>,
    connect_timeout: Option<f64>,
    disk_cap: Option<u64>,
    memory_cap: Option<u64>,
    event_cap: Option<usize>,
    drop_oldest: bool,
    max_age_days: Option<f64>,
    redact_also: Vec<String>,
}

/// A builder with the settings of `text`.
pub(crate) fn read(text: &str) -> Result<ReporterBuilder, BuildError> {
    let file: File = toml::from_str(text).map_err(|error| toml_error(text, &error))?;
    let table = file.interaction_logging;
    let mut builder = ReporterBuilder::default();
    let settings = builder.settings_mut();
    settings.enable_reporting = table.enable_interaction_logging;
    settings.mcp_id = file.mcp.mcp_id;
    settings.coordinator_url = table.coordinator_url;
    if table.drop_oldest {
        settings.when_full = WhenFull::DropOldest;
    }
    set(&mut settings.api_key, table.coordinator_api_key);
    set(&mut settings.max_retries, table.max_retries);
    set(&mut settings.local_cache_path, table.local_cache_path);
    set(&mut settings.requests_per_second, table.requests_per_second);
    set(&mut settings.disk_cap, table.disk_cap);
    set(&mut settings.memory_cap, table.memory_cap);
    set(&mut settings.event_cap, table.event_cap);
    let retry_delay = seconds("retry_delay", table.retry_delay, 1.0)?;
    set(&mut settings.retry_delay, retry_delay);
    set(
        &mut settings.timeout,
        seconds("timeout", table.timeout, 1.0)?,
    );
    let connect_timeout = seconds("connect_timeout", table.connect_timeout, 1.0)?;
    set(&mut settings.connect_timeout, connect_timeout);
    settings.max_age = seconds("max_age_days", table.max_age_days, 86_400.0)?;
    Ok(builder.redact_also(table.redact_also))
}

fn set<T>(setting: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *setting = value;
    }
}

fn seconds(field: &str, value: Option<f64>, unit: f64) -> Result<Option<Duration>, InvalidInput> {
    let Some(value) = value else {
        return Ok(None);
    };
    match Duration::try_from_secs_f64(value * unit) {
        Ok(duration) => Ok(Some(duration)),
        Err(_) => Err(InvalidInput::new(
            format!("interaction_logging.{field}"),
            format!("is {value}; give a number from zero on"),
        )),
    }
}

/// The error without the line it is in, which may have the key in it.
fn toml_error(text: &str, error: &toml::de::Error) -> BuildError {
    let before = error.span().and_then(|span| text.get(..span.start));
    BuildError::Toml {
        line: before.unwrap_or_default().matches('\n').count() + 1,
        problem: error.message().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As it stands in the manual of the first reporter.
    const FIRST: &str = r#"
# mcp_config.toml
[mcp]
mcp_id = "your_mcp_001"
name = "Your MCP"
version = "1.0.0"

[interaction_logging]
enable_interaction_logging = false
coordinator_url = "http://mcp-coordinator:8080"
coordinator_api_key = "your_api_key_here"

# advanced
max_retries = 3
retry_delay = 1.0
local_cache_path = "./data/interaction_cache.db"
"#;

    #[test]
    fn the_first_configuration_is_read_as_it_stands() {
        let mut builder = read(FIRST).unwrap();
        let settings = builder.settings_mut().clone();
        assert!(!settings.enable_reporting);
        assert_eq!(settings.mcp_id, "your_mcp_001");
        assert_eq!(settings.coordinator_url, "http://mcp-coordinator:8080");
        assert_eq!(settings.api_key.expose(), "your_api_key_here");
        assert_eq!(settings.max_retries, 3);
        assert_eq!(settings.retry_delay, Duration::from_secs(1));
        assert_eq!(
            settings.local_cache_path,
            PathBuf::from("./data/interaction_cache.db")
        );
        assert!(!builder.build().unwrap().reports());
    }

    #[test]
    fn without_a_table_nothing_is_reported() {
        assert!(!read("").unwrap().build().unwrap().reports());
        assert!(!read("[other]\na = 1").unwrap().build().unwrap().reports());
    }

    #[test]
    fn the_other_settings_have_keys_too() {
        let mut builder = read(
            "[interaction_logging]\nretry_delay = 2\ntimeout = 0.5\nconnect_timeout = 0.25\nrequests_per_second = 7\n\
             disk_cap = 2000000\nmemory_cap = 3000000\nevent_cap = 4096\ndrop_oldest = true\nmax_age_days = 0.5\n\
             redact_also = [\"iban\"]",
        )
        .unwrap();
        let settings = builder.settings_mut();
        assert_eq!(settings.retry_delay, Duration::from_secs(2));
        assert_eq!(settings.timeout, Duration::from_millis(500));
        assert_eq!(settings.connect_timeout, Duration::from_millis(250));
        assert_eq!(settings.requests_per_second, 7);
        assert_eq!(
            (settings.disk_cap, settings.memory_cap, settings.event_cap),
            (2_000_000, 3_000_000, 4096)
        );
        assert_eq!(settings.when_full, WhenFull::DropOldest);
        assert_eq!(settings.max_age, Some(Duration::from_hours(12)));
        assert!(format!("{builder:?}").contains("iban"));
    }

    #[test]
    fn an_error_names_the_line_and_never_the_key() {
        for (text, line, problem) in [
            ("[mcp]\nmcp_id = 1", 2, "expected a string"),
            (
                "[interaction_logging]\n\ncoordinator_uri = \"x\"",
                3,
                "unknown field `coordinator_uri`",
            ),
            (
                "[interaction_logging]\ncoordinator_api_key = 12345678",
                2,
                "text in quotes",
            ),
            (
                "[interaction_logging]\ncoordinator_api_key = \"12345678",
                2,
                "",
            ),
            (
                "[interaction_logging]\ncoordinator_api_key = 12345678x",
                2,
                "",
            ),
            ("[interaction_logging]\nmax_retries = -1", 2, "-1"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(
                error.contains(&format!("line {line} of the configuration")),
                "{error}"
            );
            assert!(
                error.contains(problem) && !error.contains("12345678"),
                "{error}"
            );
        }
        for value in ["-1.0", "nan", "inf", "1e300"] {
            let error = read(&format!("[interaction_logging]\ntimeout = {value}")).unwrap_err();
            assert!(
                error
                    .to_string()
                    .contains("`interaction_logging.timeout` is"),
                "{error}"
            );
        }
    }

    #[test]
    fn switched_on_it_needs_all_three() {
        let on = |rest: &str| {
            let text = format!("[interaction_logging]\nenable_interaction_logging = true\n{rest}");
            read(&text).unwrap().build().unwrap_err().to_string()
        };
        assert!(on("").contains("coordinator_url"));
        assert!(on("coordinator_url = \"http://c\"").contains("api_key"));
        let rest = "coordinator_url = \"http://c\"\ncoordinator_api_key = \"k\"";
        assert!(on(rest).contains("mcp_id"));
    }
}
