#[cfg(feature = "providers")]
use super::anthropic::Anthropic;
use super::echo::Echo;
use super::models::ModelTable;
#[cfg(feature = "providers")]
use super::openai::OpenAi;
use super::routed::RoutedProvider;
#[cfg(feature = "providers")]
use super::settings::ProviderSettings;
use super::settings::RoutedSettings;
use super::{Provider, settings};
use crate::domain::InvalidInput;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The providers that tasks can name. [`Echo`] is always among them.
#[derive(Debug, Clone)]
pub struct Providers {
    by_name: BTreeMap<String, Arc<dyn Provider>>,
    default: Option<String>,
}

impl Default for Providers {
    fn default() -> Self {
        Self::new()
    }
}

impl Providers {
    /// No provider but [`Echo`].
    pub fn new() -> Self {
        let providers = Self {
            by_name: BTreeMap::new(),
            default: None,
        };
        providers.with(Echo)
    }

    /// The APIs of `settings`, beside [`Echo`], with what `models` knows of them. Fails where settings cannot work.
    #[cfg(feature = "providers")]
    pub fn from_settings(
        settings: impl IntoIterator<Item = ProviderSettings>,
        models: &ModelTable,
    ) -> Result<Self, InvalidInput> {
        let mut providers = Self::new();
        for settings in settings {
            providers = match settings {
                ProviderSettings::OpenAi(mut settings) => {
                    settings.api = settings.api.with_models(models);
                    providers.with(OpenAi::new(settings)?)
                }
                ProviderSettings::Anthropic(mut settings) => {
                    settings.api = settings.api.with_models(models);
                    providers.with(Anthropic::new(settings)?)
                }
            };
        }
        Ok(providers)
    }

    /// The same providers and those that ask others. Fails where one would ask a provider that is not here.
    pub fn with_routed(
        mut self,
        routed: impl IntoIterator<Item = RoutedSettings>,
        models: &ModelTable,
    ) -> Result<Self, InvalidInput> {
        for settings in settings::sorted(routed.into_iter().collect())? {
            let members = settings.providers.iter().map(|name| {
                let member = self.get(name).cloned();
                member.ok_or_else(|| {
                    let problem = format!("names `{name}`: it {}", self.unknown(name));
                    settings.invalid("providers", problem)
                })
            });
            let members = members.collect::<Result<Vec<_>, _>>()?;
            self = self.with(RoutedProvider::new(settings, members, models)?);
        }
        Ok(self)
    }

    /// The same providers and one more. One of the same name is replaced.
    pub fn with(self, provider: impl Provider) -> Self {
        self.with_arc(Arc::new(provider))
    }

    /// Like [`Providers::with`], for a provider that is shared.
    pub fn with_arc(mut self, provider: Arc<dyn Provider>) -> Self {
        self.by_name.insert(provider.name().to_owned(), provider);
        self
    }

    /// The same providers with the one for tasks that name none.
    pub fn with_default(mut self, name: &str) -> Result<Self, InvalidInput> {
        if !self.by_name.contains_key(name) {
            return Err(InvalidInput::new("default_provider", self.unknown(name)));
        }
        self.default = Some(name.to_owned());
        Ok(self)
    }

    /// The provider `name`.
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Provider>> {
        self.by_name.get(name)
    }

    /// The provider that serves `model`, if the model is in the table and its provider is here.
    pub fn for_model(&self, model: &str, table: &ModelTable) -> Option<&Arc<dyn Provider>> {
        table.provider_of(model).and_then(|name| self.get(name))
    }

    /// The provider for tasks that name none: the one that was set, or else the only one besides [`Echo`], or of
    /// several the one that comes first among OpenAI, Anthropic, DeepSeek and then the alphabet. An echo is no answer to somebody
    /// who did not ask for one, so it is a default only when it was set.
    pub fn default_provider(&self) -> Option<&Arc<dyn Provider>> {
        if let Some(name) = &self.default {
            return self.get(name);
        }
        let known = settings::known().find_map(|name| self.get(name));
        known.or_else(|| {
            let mut rest = self.by_name.values();
            rest.find(|provider| provider.name() != Echo::NAME)
        })
    }

    /// Every name, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    /// Every provider, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn Provider>> {
        self.by_name.values()
    }

    /// Why `name` cannot be used, and what to do.
    pub(crate) fn unknown(&self, name: &str) -> String {
        let remedy = settings::remedy(name);
        format!(
            "is `{name}`, which is not set up here; use one of {}, or {remedy}",
            self.listed()
        )
    }

    /// What to do where no provider was named and there is no default.
    pub(crate) fn none_set_up() -> String {
        let ways: Vec<String> = settings::known()
            .map(|name| format!("for {name} {}", settings::remedy(name)))
            .collect();
        format!(
            "is missing, and no model provider is set up here: {}; or name the provider `echo`, which answers with the \
             prompt itself",
            ways.join("; ")
        )
    }

    fn listed(&self) -> String {
        let names: Vec<String> = self.names().map(|name| format!("`{name}`")).collect();
        names.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::{Completion, CompletionRequest, Delta, ProviderError};
    use async_trait::async_trait;
    use futures_util::stream::BoxStream;

    #[derive(Debug)]
    struct Named(&'static str);

    #[async_trait]
    impl Provider for Named {
        fn name(&self) -> &str {
            self.0
        }

        fn description(&self) -> &'static str {
            "named"
        }

        fn default_model(&self) -> &'static str {
            "m"
        }

        async fn complete(&self, request: &CompletionRequest) -> Result<Completion, ProviderError> {
            Echo.complete(request).await
        }

        async fn stream(
            &self,
            request: &CompletionRequest,
        ) -> Result<BoxStream<'static, Result<Delta, ProviderError>>, ProviderError> {
            Echo.stream(request).await
        }
    }

    fn default_of(providers: &Providers) -> Option<&str> {
        providers.default_provider().map(|provider| provider.name())
    }

    #[test]
    fn the_default_is_a_real_one_or_the_one_that_was_set() {
        let none = Providers::new();
        assert_eq!(default_of(&none), None);
        let lab = none.with(Named("lab"));
        assert_eq!(default_of(&lab), Some("lab"));
        let several = lab.with(Named("deepseek")).with(Named("anthropic"));
        assert_eq!(default_of(&several), Some("anthropic"));
        let several = several.with(Named("openai"));
        assert_eq!(default_of(&several), Some("openai"));
        let set = several.with_default("echo").unwrap();
        assert_eq!(default_of(&set), Some("echo"));
        let names: Vec<_> = set.names().collect();
        assert_eq!(names, ["anthropic", "deepseek", "echo", "lab", "openai"]);
    }

    #[test]
    fn an_unknown_default_is_refused_with_the_ones_that_are_there() {
        let error = Providers::new().with_default("openai").unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("`echo`") && text.contains("OPENAI_API_KEY"),
            "{text}"
        );
    }

    #[test]
    fn a_model_finds_its_provider() {
        let table = ModelTable::builtin();
        let providers = Providers::new().with(Named("openai"));
        let found = |model| providers.for_model(model, &table).map(|p| p.name());
        assert_eq!(found("gpt-6-sol"), Some("openai"));
        assert_eq!(found("deepseek-flash"), None);
        assert_eq!(found("unheard-of"), None);
    }
}
