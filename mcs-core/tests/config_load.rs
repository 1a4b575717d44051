//! Where the values of a configuration come from, and that keys stay secret.
#![cfg(feature = "engine")]

use mcs_core::config::{Config, ConfigError, Database, QueueConfig, Synchronous, ToolSet};
use mcs_core::provider::secret::Secret;
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
fn nothing_gives_the_defaults() {
    assert_eq!(read("", &[]).unwrap(), Config::default());
    assert_eq!(Config::default().database, Database::UserData);
    assert_eq!(Config::in_memory().database, Database::Memory);
    Config::default().check().unwrap();
}

#[test]
fn the_file_wins_over_the_defaults() {
    let text = r#"
        database = "/data/tasks.db"
        synchronous = "normal"
        log = "debug"
        [engine]
        concurrency = 4
        lease = "1m 30s"
        retry = { base = "250ms", max_attempts = 7 }
        [queues."very slow"]
        concurrency = 1
        [retention]
        failed = "forever"
        [mcp]
        tools = "all"
    "#;
    let config = read(text, &[]).unwrap();
    assert_eq!(config.database, Database::File("/data/tasks.db".into()));
    assert_eq!(config.synchronous, Synchronous::Normal);
    assert_eq!(config.log.to_string(), "debug");
    assert_eq!(config.engine.concurrency, 4);
    assert_eq!(config.engine.lease, Duration::from_secs(90));
    assert_eq!(config.engine.retry.base, Duration::from_millis(250));
    assert_eq!(config.engine.retry.max_attempts, 7);
    assert_eq!(config.queues["very slow"], QueueConfig { concurrency: 1 });
    assert_eq!(config.retention.failed, None);
    assert_eq!(config.mcp.tools, ToolSet::All);
    let default = Config::default();
    assert_eq!(config.engine.heartbeat, default.engine.heartbeat);
    assert_eq!(config.retention.completed, default.retention.completed);
}

#[test]
fn the_environment_wins_over_the_file() {
    let text = "database = 'a.db'\n[engine]\nconcurrency = 4\n[queues.x-y]\nconcurrency = 1";
    let environment = [
        ("MCS_DATABASE", ":memory:"),
        ("MCS_ENGINE_CONCURRENCY", "8"),
        ("MCS_ENGINE_RETRY_BASE", "2s"),
        ("MCS_QUEUES_X_Y_CONCURRENCY", "3"),
        ("MCS_LOG", "WARN"),
        ("MCS_SYNCHRONOUS", "  "),
    ];
    let config = read(text, &environment).unwrap();
    assert_eq!(config.database, Database::Memory);
    assert_eq!(config.engine.concurrency, 8);
    assert_eq!(config.engine.retry.base, Duration::from_secs(2));
    assert_eq!(config.queues["x-y"].concurrency, 3);
    assert_eq!(config.log.to_string(), "warn");
    assert_eq!(
        config.synchronous,
        Synchronous::Full,
        "an empty variable is not set"
    );
}

#[test]
fn a_home_directory_is_found() {
    let config = read("database = '~/mcs.db'", &[("HOME", "/home/me")]).unwrap();
    assert_eq!(config.database, Database::File("/home/me/mcs.db".into()));
}

#[test]
fn keys_come_from_the_environment_first() {
    let key = |text: &str, environment: &[(&str, &str)], name: &str| {
        let config = read(text, environment).unwrap();
        let provider = config.providers.get(name)?.clone();
        provider.api_key
    };
    let secret = |text: &str| Some(Secret::new(text));
    assert_eq!(key("", &[], "openai"), None);
    assert_eq!(
        key("", &[("OPENAI_API_KEY", "one")], "openai"),
        secret("one")
    );
    let written = "[providers.openai]\napi_key = 'two'";
    assert_eq!(key(written, &[], "openai"), secret("two"));
    assert_eq!(
        key(written, &[("OPENAI_API_KEY", "one")], "openai"),
        secret("one")
    );
    let named = "[providers.deepseek]\napi_key_env = 'MINE'";
    let both = [("MINE", "three"), ("DEEPSEEK_API_KEY", "four")];
    assert_eq!(key(named, &both, "deepseek"), secret("three"));
    let expanded = "[providers.lab]\nbase_url = 'http://127.0.0.1:1'\napi_key = 'a-${ONE}-${TWO}'";
    let parts = [("ONE", "x"), ("TWO", "y\n")];
    assert_eq!(key(expanded, &parts, "lab"), secret("a-x-y"));
    assert_eq!(
        key(expanded, &[parts[0], parts[1], ("LAB_API_KEY", "z")], "lab"),
        secret("z")
    );
}

#[test]
fn addresses_come_from_the_environment_first() {
    let text = "[providers.openai]\nbase_url = 'http://file/v1'\ntimeout = '5s'";
    let config = read(text, &[("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")]).unwrap();
    let openai = &config.providers["openai"];
    assert_eq!(openai.base_url.as_deref(), Some("http://127.0.0.1:9/v1"));
    assert_eq!(openai.timeout_ms, Some(5000));
}

#[test]
fn keys_are_never_shown() {
    let text = "[providers.openai]\napi_key = 'sk-very-secret'";
    let shown = format!("{:?}", read(text, &[]).unwrap());
    assert!(
        shown.contains("redacted") && !shown.contains("very-secret"),
        "{shown}"
    );
    let bad = [
        "[providers.openai]\napi_key = 'sk-very-secret with blanks'",
        "[providers.openai]\napi_key = 'sk-very-secret",
        "[providers.openai]\napi_key = sk-very-secret",
        "[providers.openai]\napi_key = ['sk-very-secret']",
        "[providers.openai]\napi_key = 'sk-very-secret-${'",
        "[providers.openai]\nbase_url = 'http://me:sk-very-secret@host/v1'",
    ];
    for text in bad {
        let error = read(text, &[]).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("very-secret"), "{text}: {shown}");
    }
    let environment = [("OPENAI_API_KEY", "sk-very-secret\u{e9}")];
    let shown = read("", &environment).unwrap_err().to_string();
    assert!(
        shown.contains("OPENAI_API_KEY") && !shown.contains("very-secret"),
        "{shown}"
    );
}

#[test]
fn models_are_read_as_a_list() {
    let text = "[[models]]\nid = 'm'\nprovider = 'lab'\ninput_usd_per_mtok = 2\n[[models]]\nid = 'n'\nprovider = 'lab'";
    let models = read(text, &[]).unwrap().models;
    assert_eq!(models.len(), 2);
    assert_eq!(models[0].input_usd_per_mtok, Some(2.0));
    assert_eq!(
        (models[1].id.as_str(), models[1].provider.as_str()),
        ("n", "lab")
    );
}

#[test]
fn files_are_read_from_the_path_or_the_variable() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mcs.toml");
    std::fs::write(&path, "log = 'trace'").unwrap();
    let given = Config::load(Some(&path), |_| None).unwrap();
    assert_eq!(given.log.to_string(), "trace");
    let text = path.to_str().unwrap().to_owned();
    let named = Config::load(None, |name| (name == "MCS_CONFIG").then(|| text.clone())).unwrap();
    assert_eq!(named, given);
    let missing = Config::load(Some(&directory.path().join("none.toml")), |_| None);
    let error = missing.unwrap_err().to_string();
    assert!(
        error.contains("none.toml") && error.contains("check the path"),
        "{error}"
    );
}
