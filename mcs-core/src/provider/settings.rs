//! How OpenAI-compatible providers are set up, from a configuration file and from the environment.

use super::echo::Echo;
use super::models::ModelTable;
use super::secret::Secret;
use crate::domain::{InvalidInput, check_name};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The providers that are there as soon as they have a key: name and base URL.
const KNOWN: [(&str, &str); 2] = [
    ("openai", "https://api.openai.com/v1"),
    ("deepseek", "https://api.deepseek.com"),
];

/// Everything an OpenAI-compatible provider needs.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenAiSettings {
    /// Its name, as tasks give it.
    pub name: String,
    /// What it is, in a sentence.
    pub description: String,
    /// Where `/chat/completions` begins, such as `https://api.openai.com/v1`.
    pub base_url: String,
    /// The key. Local servers need none.
    pub api_key: Option<Secret>,
    /// The model for tasks that name none; empty if tasks have to name one.
    pub default_model: String,
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
    /// Longest time of a whole call, the answer included.
    pub timeout: Duration,
    /// Longest silence within a streamed answer.
    pub idle_timeout: Duration,
    /// Largest answer, in bytes.
    pub max_answer_bytes: usize,
    /// The parameter that limits the tokens of an answer.
    pub max_tokens_parameter: MaxTokensParameter,
    /// Whether a streamed answer is asked to end with its usage. Some older servers refuse the question.
    pub stream_usage: bool,
}

/// How an API calls the limit of an answer's tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MaxTokensParameter {
    /// `max_tokens`, which nearly every compatible server takes.
    #[default]
    MaxTokens,
    /// `max_completion_tokens`, which OpenAI's own newer models insist on.
    MaxCompletionTokens,
}

impl MaxTokensParameter {
    /// Its name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MaxTokens => "max_tokens",
            Self::MaxCompletionTokens => "max_completion_tokens",
        }
    }
}

impl OpenAiSettings {
    /// Longest wait for a connection unless it is set.
    pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
    /// Longest time of a call unless it is set.
    pub const TIMEOUT: Duration = Duration::from_mins(1);
    /// Longest silence within a stream unless it is set. As long as a whole call, because models that think may be
    /// silent for long: it is there for whoever raises the timeout of the call.
    pub const IDLE_TIMEOUT: Duration = Duration::from_mins(1);
    /// Largest answer unless it is set: half of what a stored result may have.
    pub const MAX_ANSWER_BYTES: usize = 32 * 1024 * 1024;

    /// OpenAI, without a key.
    pub fn openai() -> Self {
        Self {
            description: "OpenAI, over chat completions.".into(),
            max_tokens_parameter: MaxTokensParameter::MaxCompletionTokens,
            ..Self::compatible(KNOWN[0].0, KNOWN[0].1)
        }
    }

    /// DeepSeek, without a key.
    pub fn deepseek() -> Self {
        Self {
            description: "DeepSeek, over chat completions.".into(),
            ..Self::compatible(KNOWN[1].0, KNOWN[1].1)
        }
    }

    /// Any API that speaks OpenAI's chat completions at `base_url`.
    pub fn compatible(name: impl Into<String>, base_url: impl Into<String>) -> Self {
        let name = name.into();
        let base_url = base_url.into();
        let default_model = ModelTable::builtin_default_of(&name).unwrap_or_default();
        Self {
            description: format!("An OpenAI-compatible API at {base_url}."),
            default_model: default_model.into(),
            name,
            base_url,
            api_key: None,
            connect_timeout: Self::CONNECT_TIMEOUT,
            timeout: Self::TIMEOUT,
            idle_timeout: Self::IDLE_TIMEOUT,
            max_answer_bytes: Self::MAX_ANSWER_BYTES,
            max_tokens_parameter: MaxTokensParameter::default(),
            stream_usage: true,
        }
    }

    /// The same settings with a key.
    pub fn with_key(mut self, key: impl AsRef<str>) -> Self {
        self.api_key = Some(Secret::new(key));
        self
    }

    fn preset(name: &str) -> Self {
        match name {
            "openai" => Self::openai(),
            "deepseek" => Self::deepseek(),
            other => Self::compatible(other, ""),
        }
    }

    fn apply(&mut self, config: &ProviderConfig) {
        fn set<T: Clone>(target: &mut T, value: Option<&T>) {
            if let Some(value) = value {
                target.clone_from(value);
            }
        }
        let millis = |value: Option<u64>| value.map(Duration::from_millis);
        if let Some(base_url) = &config.base_url {
            self.move_to(base_url);
        }
        if config.api_key.is_some() {
            self.api_key.clone_from(&config.api_key);
        }
        set(&mut self.default_model, config.default_model.as_ref());
        set(
            &mut self.connect_timeout,
            millis(config.connect_timeout_ms).as_ref(),
        );
        set(&mut self.timeout, millis(config.timeout_ms).as_ref());
        set(
            &mut self.idle_timeout,
            millis(config.idle_timeout_ms).as_ref(),
        );
        set(&mut self.max_answer_bytes, config.max_answer_bytes.as_ref());
        set(
            &mut self.max_tokens_parameter,
            config.max_tokens_parameter.as_ref(),
        );
        set(&mut self.stream_usage, config.stream_usage.as_ref());
    }

    /// Points it at another server, and says so where it was described by its address.
    fn move_to(&mut self, base_url: &str) {
        if self.base_url != base_url {
            base_url.clone_into(&mut self.base_url);
            self.description = format!("An OpenAI-compatible API at {base_url}.");
        }
    }
}

/// A provider's section in a configuration file. What it leaves out keeps its default.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProviderConfig {
    /// The protocol it speaks.
    pub kind: ProviderKind,
    /// See [`OpenAiSettings::base_url`].
    pub base_url: Option<String>,
    /// See [`OpenAiSettings::api_key`].
    pub api_key: Option<Secret>,
    /// See [`OpenAiSettings::default_model`].
    pub default_model: Option<String>,
    /// See [`OpenAiSettings::connect_timeout`].
    pub connect_timeout_ms: Option<u64>,
    /// See [`OpenAiSettings::timeout`].
    pub timeout_ms: Option<u64>,
    /// See [`OpenAiSettings::idle_timeout`].
    pub idle_timeout_ms: Option<u64>,
    /// See [`OpenAiSettings::max_answer_bytes`].
    pub max_answer_bytes: Option<usize>,
    /// See [`OpenAiSettings::max_tokens_parameter`].
    pub max_tokens_parameter: Option<MaxTokensParameter>,
    /// See [`OpenAiSettings::stream_usage`].
    pub stream_usage: Option<bool>,
}

/// The protocol that a provider speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderKind {
    /// OpenAI's chat completions.
    #[default]
    #[serde(rename = "openai")]
    OpenAi,
}

/// The providers that can be used, from their sections in the configuration and from the environment.
///
/// `NAME_API_KEY` and `NAME_BASE_URL` of the environment win over the section of the provider `name`. OpenAI and
/// DeepSeek are there without a section as soon as they have a key or a base URL of their own; every other provider
/// needs a section with its base URL. Fails where a section cannot be meant.
pub fn resolve(
    sections: &BTreeMap<String, ProviderConfig>,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<Vec<OpenAiSettings>, InvalidInput> {
    let known = KNOWN.iter().map(|(name, _)| *name);
    let names: BTreeSet<&str> = known.chain(sections.keys().map(String::as_str)).collect();
    let mut resolved = Vec::with_capacity(names.len());
    for name in names {
        if name == Echo::NAME {
            let problem = "is built in and takes no settings; choose another name";
            return Err(InvalidInput::new("providers.echo", problem));
        }
        check_name("providers", name)?;
        let preset = OpenAiSettings::preset(name);
        let mut settings = preset.clone();
        if let Some(section) = sections.get(name) {
            settings.apply(section);
        }
        let variable =
            |suffix| environment(&variable(name, suffix)).filter(|value| !value.trim().is_empty());
        if let Some(base_url) = variable(BASE_URL) {
            settings.move_to(base_url.trim());
        }
        if let Some(key) = variable(API_KEY) {
            settings.api_key = Some(Secret::new(key));
        }
        settings.api_key = settings.api_key.filter(|key| !key.is_empty());
        if settings.base_url.is_empty() {
            return Err(InvalidInput::new(
                format!("providers.{name}.base_url"),
                "is missing; set it to where /chat/completions begins, such as http://127.0.0.1:11434/v1",
            ));
        }
        // A known API at its own address answers nobody without a key.
        if settings.api_key.is_some() || settings.base_url != preset.base_url {
            resolved.push(settings);
        }
    }
    Ok(resolved)
}

/// What to do so that the provider `name` can be used.
pub fn remedy(name: &str) -> String {
    let key = variable(name, API_KEY);
    if KNOWN.iter().any(|(known, _)| *known == name) {
        format!(
            "set {key} in the environment, or `api_key` under [providers.{name}] in the configuration"
        )
    } else {
        format!(
            "add [providers.{name}] with its `base_url` to the configuration, and set {key} if it needs a key"
        )
    }
}

/// The names of the providers that only need a key.
pub(super) fn known() -> impl Iterator<Item = &'static str> {
    KNOWN.iter().map(|(name, _)| *name)
}

const API_KEY: &str = "API_KEY";
const BASE_URL: &str = "BASE_URL";

fn variable(name: &str, suffix: &str) -> String {
    let name: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_uppercase()
            } else {
                '_'
            }
        })
        .collect();
    format!("{name}_{suffix}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(
        config: &str,
        environment: &[(&str, &str)],
    ) -> Result<Vec<OpenAiSettings>, InvalidInput> {
        let sections: BTreeMap<String, ProviderConfig> = toml::from_str(config).unwrap();
        resolve(&sections, |name| {
            let mut variables = environment.iter();
            variables
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn without_a_key_nothing_is_there() {
        assert_eq!(resolved("", &[]).unwrap(), []);
        assert_eq!(resolved("", &[("OPENAI_API_KEY", " ")]).unwrap(), []);
        assert_eq!(resolved("[openai]\ntimeout_ms = 5", &[]).unwrap(), []);
        assert_eq!(resolved("[openai]\napi_key = ''", &[]).unwrap(), []);
    }

    #[test]
    fn a_key_in_the_environment_is_enough() {
        let environment = [("OPENAI_API_KEY", "one"), ("DEEPSEEK_API_KEY", "two\n")];
        let found = resolved("", &environment).unwrap();
        assert_eq!(
            found,
            [
                OpenAiSettings::deepseek().with_key("two"),
                OpenAiSettings::openai().with_key("one")
            ]
        );
        assert_eq!(found[1].default_model, "gpt-6-luna");
        assert_eq!(found[1].connect_timeout, Duration::from_secs(10));
        assert_eq!(found[1].timeout, Duration::from_mins(1));
        assert_eq!(
            found[1].max_tokens_parameter.as_str(),
            "max_completion_tokens"
        );
        assert_eq!(found[0].max_tokens_parameter.as_str(), "max_tokens");
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let config = "[openai]\napi_key = 'file'\nbase_url = 'http://file/v1'\ntimeout_ms = 5\ndefault_model = 'm'";
        let environment = [
            ("OPENAI_API_KEY", "environment"),
            ("OPENAI_BASE_URL", "http://127.0.0.1:1/v1"),
        ];
        let found = resolved(config, &environment).unwrap();
        assert_eq!(found[0].base_url, "http://127.0.0.1:1/v1");
        assert!(found[0].description.contains("127.0.0.1:1"));
        assert_eq!(found[0].api_key, Some(Secret::new("environment")));
        assert_eq!(found[0].timeout, Duration::from_millis(5));
        assert_eq!(found[0].default_model, "m");
    }

    #[test]
    fn a_server_of_ones_own_needs_a_base_url_and_no_key() {
        let config = "[my-lab]\nkind = 'openai'\nbase_url = 'http://127.0.0.1:11434/v1'";
        let found = resolved(config, &[]).unwrap();
        assert_eq!(found[0].name, "my-lab");
        assert_eq!(found[0].api_key, None);
        assert_eq!(found[0].default_model, "");
        let keyed = resolved(config, &[("MY_LAB_API_KEY", "k")]).unwrap();
        assert_eq!(keyed[0].api_key, Some(Secret::new("k")));
        let error = resolved("[lab]\ntimeout_ms = 5", &[]).unwrap_err();
        assert_eq!(error.field, "providers.lab.base_url");
        assert_eq!(resolved("[echo]", &[]).unwrap_err().field, "providers.echo");
    }

    #[test]
    fn unknown_keys_are_refused_and_keys_do_not_show() {
        let error = toml::from_str::<ProviderConfig>("api_kee = 'x'").unwrap_err();
        assert!(error.to_string().contains("api_key"), "{error}");
        let config: ProviderConfig = toml::from_str("api_key = 'hunter2'").unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
    }

    #[test]
    fn remedies_name_the_variable() {
        assert!(remedy("openai").contains("OPENAI_API_KEY"));
        assert!(remedy("my-lab").contains("[providers.my-lab]"));
        assert!(remedy("my-lab").contains("MY_LAB_API_KEY"));
    }
}
