//! Holds `mcs.example.toml` to what the configuration really is.

use super::source::Source;
use super::*;
use crate::provider::settings::{self, ProviderSettings};
use std::collections::BTreeSet;
use std::time::Duration;

const EXAMPLE: &str = include_str!("../../../mcs.example.toml");

fn environment(name: &str) -> Option<String> {
    matches!(
        name,
        "OPENAI_API_KEY" | "ANTHROPIC_API_KEY" | "LOCAL_LLM_KEY"
    )
    .then(|| "key-of-a-test".to_owned())
}

/// The example with every line switched on: settings stand right behind their `#`, explanations after a blank.
fn switched_on() -> String {
    let lines = EXAMPLE.lines().map(|line| match line.strip_prefix('#') {
        Some(setting) if !setting.is_empty() && !setting.starts_with(' ') => setting,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The keys of `table` at any depth. Names that the user chooses and places in lists are written `*`.
fn keys_of(table: &toml::Table, path: &str, found: &mut BTreeSet<String>) {
    for (key, value) in table {
        let named = matches!(path, "queues" | "providers" | "providers.*.models");
        let full = source::join(path, if named { "*" } else { key }).replace("\"*\"", "*");
        match value {
            toml::Value::Table(inner) => keys_of(inner, &full, found),
            toml::Value::Array(items) if items.iter().any(toml::Value::is_table) => {
                for item in items.iter().filter_map(toml::Value::as_table) {
                    keys_of(item, &format!("{full}.*"), found);
                }
            }
            _ => {
                found.insert(full);
            }
        }
    }
}

/// What the configuration asks for, written in the same way.
fn keys_asked(source: &Source<'_>) -> BTreeSet<String> {
    let asked = source.asked();
    let mut found = BTreeSet::new();
    for (table, keys) in &asked {
        let mut parts: Vec<&str> = table.split('.').collect();
        let chosen = matches!(parts[0], "queues" | "providers");
        if chosen && parts.len() > 1 {
            parts[1] = "*";
        }
        let names_models = parts == ["providers", "*", "models"];
        let table = parts.join(".").replace("[0]", ".*");
        if matches!(table.as_str(), "queues" | "providers") {
            continue;
        }
        for key in keys {
            let key = if names_models { "*" } else { key };
            let full = source::join(&table, key).replace("\"*\"", "*");
            let is_table = asked.contains_key(&full)
                || matches!(
                    full.as_str(),
                    "queues" | "kinds" | "models" | "providers.*.models" | "http.tokens"
                );
            if !is_table {
                found.insert(full);
            }
        }
    }
    found
}

#[test]
fn what_is_switched_on_are_the_defaults() {
    let config = Config::parse(Path::new("mcs.example.toml"), EXAMPLE, |_| None).unwrap();
    assert_eq!(config, Config::default());
}

#[test]
fn every_key_is_in_it_and_every_key_in_it_exists() {
    let text = switched_on();
    let source = Source::parse(Path::new("mcs.example.toml"), &text, &environment).unwrap();
    let mut config = Config::default();
    config.read(&source.root()).unwrap();
    unknown::refuse_unknown(&source).unwrap();
    let mut shown = BTreeSet::new();
    keys_of(&text.parse().unwrap(), "", &mut shown);
    assert_eq!(shown, keys_asked(&source));
    assert!(shown.len() > 30, "{shown:?}");
}

#[test]
fn every_default_is_switched_on_except_where_there_is_none() {
    let mut live = BTreeSet::new();
    keys_of(&EXAMPLE.parse().unwrap(), "", &mut live);
    let mut all = BTreeSet::new();
    keys_of(&switched_on().parse().unwrap(), "", &mut all);
    let off: Vec<_> = all
        .difference(&live)
        .filter(|key| !key.contains('*'))
        .collect();
    assert_eq!(
        off,
        [
            "claude_code.max_budget_usd",
            "claude_code.max_turns",
            "claude_code.model",
            "command.limits.cpu_seconds",
            "command.limits.file_bytes",
            "command.limits.memory_bytes",
            "command.limits.open_files",
            "command.limits.processes",
            "database",
            "default_provider",
            "directories.allowed",
            "directories.runs",
            "directories.worktrees",
            "http.admin_key",
            "http.public_url",
            "http.tls.cert",
            "http.tls.key",
            "http.token_file",
            "interaction_logging.coordinator_api_key",
            "interaction_logging.coordinator_url",
            "mcp.mcp_id",
            "mcp.name",
            "mcp.token",
            "mcp.version",
        ]
    );
}

#[test]
fn the_providers_figures_are_their_defaults() {
    let config = Config::parse(Path::new("x"), &switched_on(), environment).unwrap();
    let resolved = settings::resolve(&config.providers, |_| None).unwrap();
    let named = |name| {
        resolved
            .apis
            .iter()
            .find(|one| one.api().name == name)
            .unwrap()
    };
    let openai = named("openai");
    let default = settings::OpenAiSettings::openai().with_key("key-of-a-test");
    assert_eq!(*openai, ProviderSettings::OpenAi(default));
    assert_eq!(openai.api().connect_timeout, Duration::from_secs(10));
    let default = settings::AnthropicSettings::anthropic().with_key("key-of-a-test");
    assert_eq!(*named("anthropic"), ProviderSettings::Anthropic(default));
    let mut any = settings::RoutedSettings::new("any", ["openai", "anthropic"]);
    any.models = [("openai", "gpt-6-luna"), ("anthropic", "claude-haiku-5-5")]
        .map(|(provider, model)| (provider.to_owned(), model.to_owned()))
        .into();
    assert_eq!(resolved.routed, [any]);
    assert_eq!(named("local").api().base_url, "http://127.0.0.1:11434/v1");
}
