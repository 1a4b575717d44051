//! How providers are set up, from a configuration file and from the environment.

mod anthropic;
mod api;
mod openai;
mod routed;
mod section;

pub use anthropic::AnthropicSettings;
pub use api::ApiSettings;
pub use openai::{MaxTokensParameter, OpenAiSettings};
pub use routed::RoutedSettings;
pub(crate) use routed::sorted;
pub use section::{ProviderConfig, ProviderKind};

use super::echo::Echo;
use super::secret::Secret;
use crate::domain::{InvalidInput, check_name};
use std::collections::{BTreeMap, BTreeSet};

/// The providers that are there as soon as they have a key: name, protocol and base URL. The first of them that can be
/// used is the default.
const KNOWN: [(&str, ProviderKind, &str); 3] = [
    ("openai", ProviderKind::OpenAi, "https://api.openai.com/v1"),
    (
        "anthropic",
        ProviderKind::Anthropic,
        "https://api.anthropic.com",
    ),
    ("deepseek", ProviderKind::OpenAi, "https://api.deepseek.com"),
];

/// The providers that can be used.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Resolved {
    /// Those that are APIs.
    pub apis: Vec<ProviderSettings>,
    /// Those that ask others, after the ones that they ask.
    pub routed: Vec<RoutedSettings>,
}

/// Everything that an API needs, by what it speaks.
#[derive(Debug, Clone, PartialEq)]
pub enum ProviderSettings {
    /// OpenAI's chat completions.
    OpenAi(OpenAiSettings),
    /// Anthropic's Messages.
    Anthropic(AnthropicSettings),
}

impl ProviderSettings {
    /// What every API needs.
    pub const fn api(&self) -> &ApiSettings {
        match self {
            Self::OpenAi(settings) => &settings.api,
            Self::Anthropic(settings) => &settings.api,
        }
    }

    const fn api_mut(&mut self) -> &mut ApiSettings {
        match self {
            Self::OpenAi(settings) => &mut settings.api,
            Self::Anthropic(settings) => &mut settings.api,
        }
    }

    /// What is known of the API `name`. `None` where it is none.
    fn preset(name: &str, kind: ProviderKind) -> Option<Self> {
        match kind {
            ProviderKind::OpenAi => Some(Self::OpenAi(OpenAiSettings::preset(name))),
            ProviderKind::Anthropic => Some(Self::Anthropic(AnthropicSettings::preset(name))),
            ProviderKind::Routed => None,
        }
    }

    const fn compatible(&self) -> &'static str {
        match self {
            Self::OpenAi(_) => OpenAiSettings::COMPATIBLE,
            Self::Anthropic(_) => AnthropicSettings::COMPATIBLE,
        }
    }

    fn apply(&mut self, config: &ProviderConfig) {
        let compatible = self.compatible();
        self.api_mut().apply(config, compatible);
        match self {
            Self::OpenAi(settings) => settings.apply(config),
            Self::Anthropic(settings) => settings.apply(config),
        }
    }
}

/// The providers that can be used, from their sections in the configuration and from the environment.
///
/// `NAME_API_KEY` and `NAME_BASE_URL` of the environment win over the section of the provider `name`. OpenAI, Anthropic
/// and DeepSeek are there without a section as soon as they have a key or a base URL of their own; every other provider
/// needs a section with its base URL. Fails where a section cannot be meant, but does not look whether the providers that
/// others ask are there: some may be added later.
pub fn resolve(
    sections: &BTreeMap<String, ProviderConfig>,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<Resolved, InvalidInput> {
    let mut names: BTreeSet<&str> = sections.keys().map(String::as_str).collect();
    for name in known() {
        names.insert(name);
    }
    let mut resolved = Resolved::default();
    for name in names {
        if name == Echo::NAME {
            let problem = "is built in and takes no settings; choose another name";
            return Err(InvalidInput::new("providers.echo", problem));
        }
        check_name("providers", name)?;
        let nothing = ProviderConfig::default();
        let section = sections.get(name).unwrap_or(&nothing);
        match ProviderSettings::preset(name, kind_of(name, section.kind)) {
            None => resolved.routed.push(RoutedSettings::read(name, section)),
            Some(preset) => {
                let api = resolve_api(name, &preset, section, &environment)?;
                resolved.apis.extend(api);
            }
        }
    }
    resolved.routed = sorted(resolved.routed)?;
    Ok(resolved)
}

/// Refuses those of `sections` that ask others where that cannot be meant.
pub(crate) fn check_routes(
    sections: &BTreeMap<String, ProviderConfig>,
) -> Result<(), InvalidInput> {
    let routed = sections
        .iter()
        .filter(|(name, section)| kind_of(name, section.kind) == ProviderKind::Routed);
    let routed = routed.map(|(name, section)| RoutedSettings::read(name, section));
    sorted(routed.collect()).map(drop)
}

/// The API `name`, unless nobody there would answer.
fn resolve_api(
    name: &str,
    preset: &ProviderSettings,
    section: &ProviderConfig,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<Option<ProviderSettings>, InvalidInput> {
    let mut settings = preset.clone();
    settings.apply(section);
    let compatible = settings.compatible();
    let api = settings.api_mut();
    let variable =
        |suffix| environment(&variable(name, suffix)).filter(|value| !value.trim().is_empty());
    if let Some(base_url) = variable(BASE_URL) {
        api.move_to(base_url.trim(), compatible);
    }
    if let Some(key) = variable(API_KEY) {
        api.api_key = Some(Secret::new(key));
    }
    api.api_key = api.api_key.take().filter(|key| !key.is_empty());
    if api.base_url.is_empty() {
        return Err(InvalidInput::new(
            format!("providers.{name}.base_url"),
            "is missing; set it to where the API begins, such as http://127.0.0.1:11434/v1",
        ));
    }
    // A known API at its own address answers nobody without a key.
    let answers = api.api_key.is_some() || api.base_url != preset.api().base_url;
    Ok(answers.then_some(settings))
}

/// What the provider `name` speaks, where its section says `kind`.
pub(crate) fn kind_of(name: &str, kind: Option<ProviderKind>) -> ProviderKind {
    let known = || {
        let mut known = KNOWN.iter();
        known.find(|(known, ..)| *known == name)
    };
    kind.or_else(|| known().map(|(_, kind, _)| *kind))
        .unwrap_or_default()
}

/// What to do so that the provider `name` can be used.
pub fn remedy(name: &str) -> String {
    let key = variable(name, API_KEY);
    if known().any(|known| known == name) {
        format!(
            "set {key} in the environment, or `api_key` under [providers.{name}] in the configuration"
        )
    } else {
        format!(
            "add [providers.{name}] with its `base_url` to the configuration, and set {key} if it needs a key"
        )
    }
}

/// The names of the providers that only need a key, the first choice first.
pub(crate) fn known() -> impl Iterator<Item = &'static str> {
    KNOWN.iter().map(|(name, ..)| *name)
}

/// The address of a provider that is known by name, or nothing.
fn known_url(name: &str) -> &'static str {
    let mut known = KNOWN.iter();
    known
        .find(|(known, ..)| *known == name)
        .map_or("", |(_, _, url)| url)
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
    use std::time::Duration;

    fn resolved(
        config: &str,
        environment: &[(&str, &str)],
    ) -> Result<Vec<ProviderSettings>, InvalidInput> {
        let sections: BTreeMap<String, ProviderConfig> = toml::from_str(config).unwrap();
        let resolved = resolve(&sections, |name| {
            let mut variables = environment.iter();
            variables
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        });
        resolved.map(|resolved| resolved.apis)
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
        let environment = [
            ("OPENAI_API_KEY", "one"),
            ("DEEPSEEK_API_KEY", "two\n"),
            ("ANTHROPIC_API_KEY", "three"),
        ];
        let found = resolved("", &environment).unwrap();
        assert_eq!(
            found,
            [
                ProviderSettings::Anthropic(AnthropicSettings::anthropic().with_key("three")),
                ProviderSettings::OpenAi(OpenAiSettings::deepseek().with_key("two")),
                ProviderSettings::OpenAi(OpenAiSettings::openai().with_key("one")),
            ]
        );
        let [anthropic, _, openai] = [0, 1, 2].map(|index| found[index].api());
        assert_eq!(anthropic.default_model, "claude-haiku-5-5");
        assert_eq!(openai.default_model, "gpt-6-luna");
        assert_eq!(openai.connect_timeout, Duration::from_secs(10));
        assert_eq!(openai.timeout, Duration::from_mins(1));
        let parameter = OpenAiSettings::openai().max_tokens_parameter;
        assert_eq!(parameter.as_str(), "max_completion_tokens");
        let parameter = OpenAiSettings::deepseek().max_tokens_parameter;
        assert_eq!(parameter.as_str(), "max_tokens");
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let config = "[openai]\napi_key = 'file'\nbase_url = 'http://file/v1'\ntimeout_ms = 5\ndefault_model = 'm'";
        let environment = [
            ("OPENAI_API_KEY", "environment"),
            ("OPENAI_BASE_URL", "http://127.0.0.1:1/v1"),
        ];
        let found = resolved(config, &environment).unwrap();
        assert_eq!(found[0].api().base_url, "http://127.0.0.1:1/v1");
        assert!(found[0].api().description.contains("127.0.0.1:1"));
        assert_eq!(found[0].api().api_key, Some(Secret::new("environment")));
        assert_eq!(found[0].api().timeout, Duration::from_millis(5));
        assert_eq!(found[0].api().default_model, "m");
    }

    #[test]
    fn a_server_of_ones_own_needs_a_base_url_and_no_key() {
        let config = "[my-lab]\nkind = 'openai'\nbase_url = 'http://127.0.0.1:11434/v1'";
        let found = resolved(config, &[]).unwrap();
        assert_eq!(found[0].api().name, "my-lab");
        assert_eq!(found[0].api().api_key, None);
        assert_eq!(found[0].api().default_model, "");
        let keyed = resolved(config, &[("MY_LAB_API_KEY", "k")]).unwrap();
        assert_eq!(keyed[0].api().api_key, Some(Secret::new("k")));
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
