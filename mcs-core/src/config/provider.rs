use super::check::{MILLISECOND, Problem, check_time};
use super::error::ConfigError;
use super::provider_kind::check_kind;
use super::source::{Section, join};
use super::unknown::nearest;
use crate::provider::echo::Echo;
use crate::provider::secret::Secret;
use crate::provider::settings::{self, ProviderConfig, ProviderKind};
use std::collections::BTreeMap;
use std::time::Duration;

const EXAMPLES: &str = "https://api.example.com/v1 or http://127.0.0.1:8080/v1";
const LONGEST_CALL: Duration = Duration::from_hours(24);

/// The provider `name` as the file and the environment have it.
pub(super) fn read(name: &str, section: &Section<'_>) -> Result<ProviderConfig, ConfigError> {
    let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let kind = section.get("kind")?;
    let written: Option<String> = section.get("base_url")?;
    let variable = section.variable("base_url", &variable_name(name, "BASE_URL"));
    Ok(ProviderConfig {
        kind,
        base_url: variable.or(written).map(|url| url.trim().to_owned()),
        api_key: read_key(name, section)?,
        default_model: section.get("default_model")?,
        connect_timeout_ms: section.get("connect_timeout")?.map(millis),
        timeout_ms: section.get("timeout")?.map(millis),
        idle_timeout_ms: section.get("idle_timeout")?.map(millis),
        max_answer_bytes: section.get("max_answer_bytes")?,
        max_tokens_parameter: section.get("max_tokens_parameter")?,
        stream_usage: section.get("stream_usage")?,
        max_tokens: section.get("max_tokens")?,
        providers: section.get("providers")?,
        policy: section.get("policy")?,
        models: models(section)?,
        breaker_failures: section.get("breaker_failures")?,
        breaker_pause_ms: section.get("breaker_pause")?.map(millis),
    })
}

/// The models that others are asked, by their names.
fn models(section: &Section<'_>) -> Result<BTreeMap<String, String>, ConfigError> {
    let table = section.section("models")?;
    let mut models = BTreeMap::new();
    for name in table.keys() {
        if let Some(model) = table.get(&name)? {
            models.insert(name, model);
        }
    }
    Ok(models)
}

/// Refuses what cannot be called.
pub(super) fn check(name: &str, provider: &ProviderConfig) -> Result<(), Problem> {
    let table = join("providers", name);
    let refused = |key: &str, problem: String| Err(Problem::new(format!("{table}.{key}"), problem));
    if name == Echo::NAME {
        let problem = "is built in and takes no settings; choose another name";
        return Err(Problem::new(table, problem));
    }
    check_kind(name, provider).or_else(|(key, problem)| refused(key, problem))?;
    match &provider.base_url {
        Some(url) => {
            check_url(url, "api_key", EXAMPLES).or_else(|problem| refused("base_url", problem))?;
        }
        None if needs_no_address(name, provider) => {}
        None => {
            let hint = nearest(name, settings::known()).map_or_else(String::new, |near| {
                format!("; or did you mean `providers.{near}`?")
            });
            let problem = format!(
                "is missing, and `{name}` is not a provider known by name; give its address{hint}"
            );
            return refused("base_url", problem);
        }
    }
    if let Some(key) = &provider.api_key {
        let sendable = key.expose().bytes().all(|byte| byte.is_ascii_graphic());
        if !sendable || key.is_empty() {
            let problem = "is empty or has letters that no key has; copy the key again";
            return refused("api_key", problem.to_owned());
        }
    }
    let counts = [
        ("max_answer_bytes", provider.max_answer_bytes == Some(0)),
        ("max_tokens", provider.max_tokens == Some(0)),
    ];
    if let Some((key, _)) = counts.into_iter().find(|(_, is_zero)| *is_zero) {
        return refused(key, "is 0; use 1 or more, or leave it out".to_owned());
    }
    let times = [
        ("connect_timeout", provider.connect_timeout_ms),
        ("timeout", provider.timeout_ms),
        ("idle_timeout", provider.idle_timeout_ms),
    ];
    for (key, millis) in times {
        if let Some(time) = millis.map(Duration::from_millis) {
            check_time(&format!("{table}.{key}"), time, (MILLISECOND, LONGEST_CALL))?;
        }
    }
    Ok(())
}

/// Refuses those that ask others where that cannot be meant.
pub(super) fn check_routes(providers: &BTreeMap<String, ProviderConfig>) -> Result<(), Problem> {
    settings::check_routes(providers)
        .map_err(|refused| Problem::new(refused.field, refused.problem))
}

/// Whether the address of the provider is known from its name, or it has none.
fn needs_no_address(name: &str, provider: &ProviderConfig) -> bool {
    let kind = settings::kind_of(name, provider.kind);
    let is_known = settings::known().any(|known| known == name);
    kind == ProviderKind::Routed || is_known && kind == settings::kind_of(name, None)
}

/// The key: that of the variable `api_key_env` names, by default `<NAME>_API_KEY`, else `api_key`.
fn read_key(name: &str, section: &Section<'_>) -> Result<Option<Secret>, ConfigError> {
    let written: Option<Secret> = section.get("api_key")?;
    let named: Option<String> = section.get("api_key_env")?;
    if let Some(variable) = named {
        if written.is_some() {
            let problem = "is set beside `api_key`; keep one of the two";
            return Err(section.refuse("api_key_env", problem));
        }
        let unset = || {
            let problem = format!(
                "names the variable `{variable}`, which is not set; set it, or remove this line"
            );
            section.refuse("api_key_env", problem)
        };
        let key = section.variable("api_key", &variable).ok_or_else(unset)?;
        return Ok(Some(Secret::new(key)));
    }
    if let Some(key) = section.variable("api_key", &variable_name(name, "API_KEY")) {
        return Ok(Some(Secret::new(key)));
    }
    match written {
        Some(key) => expand(key.expose(), section).map(Some),
        None => Ok(None),
    }
}

/// `text` with every `${NAME}` replaced by that variable.
fn expand(text: &str, section: &Section<'_>) -> Result<Secret, ConfigError> {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((variable, after)) = after.split_once('}') else {
            let problem = "has `${` without `}`; write `${NAME}` to use the variable NAME";
            return Err(section.refuse("api_key", problem));
        };
        let Some(value) = section.environment(variable) else {
            let problem = format!(
                "uses the variable `{variable}`, which is not set; set it, or remove this line"
            );
            return Err(section.refuse("api_key", problem));
        };
        expanded.push_str(before);
        expanded.push_str(value.trim());
        rest = after;
    }
    expanded.push_str(rest);
    Ok(Secret::new(expanded))
}

/// Refuses what is no address of an HTTP server, which `examples` are. Secrets belong into `key`.
pub(super) fn check_url(url: &str, key: &str, examples: &str) -> Result<(), String> {
    if url.contains('@') {
        return Err(format!(
            "has a user or a password in it; write the key as `{key}` instead"
        ));
    }
    let host = ["http://", "https://"]
        .into_iter()
        .find_map(|scheme| url.strip_prefix(scheme));
    match host {
        Some(host)
            if !host.is_empty() && !host.starts_with('/') && !url.contains(char::is_whitespace) =>
        {
            Ok(())
        }
        _ => Err(format!("is `{url}`; write an address such as {examples}")),
    }
}

/// `OPENAI_API_KEY` for the provider `openai`.
fn variable_name(provider: &str, what: &str) -> String {
    let letters = provider.chars().map(|c| match c {
        c if c.is_ascii_alphanumeric() => c.to_ascii_uppercase(),
        _ => '_',
    });
    letters.chain("_".chars()).chain(what.chars()).collect()
}
