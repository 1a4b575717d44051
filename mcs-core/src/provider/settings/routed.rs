use super::ProviderConfig;
use crate::domain::InvalidInput;
use crate::provider::routed::{BreakerSettings, Policy};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Everything that a provider needs which asks others.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RoutedSettings {
    /// Its name, as tasks give it.
    pub name: String,
    /// The providers that it asks, in order.
    pub providers: Vec<String>,
    /// In which order it asks them.
    pub policy: Policy,
    /// The models that they are asked where a task leaves the choice, by provider; the default of each where one is left
    /// out.
    pub models: BTreeMap<String, String>,
    /// When one that fails is left alone.
    pub breaker: BreakerSettings,
}

impl RoutedSettings {
    /// Longest time that a provider is left alone.
    const LONGEST_PAUSE: Duration = Duration::from_hours(24);

    /// Routes over `providers` in this order.
    pub fn new<S: Into<String>>(
        name: impl Into<String>,
        providers: impl IntoIterator<Item = S>,
    ) -> Self {
        Self {
            name: name.into(),
            providers: providers.into_iter().map(Into::into).collect(),
            ..Self::default()
        }
    }

    pub(super) fn read(name: &str, config: &ProviderConfig) -> Self {
        let default = BreakerSettings::default();
        Self {
            policy: config.policy.unwrap_or_default(),
            models: config.models.clone(),
            breaker: BreakerSettings {
                failures: config.breaker_failures.unwrap_or(default.failures),
                pause: config
                    .breaker_pause_ms
                    .map_or(default.pause, Duration::from_millis),
            },
            ..Self::new(name, config.providers.iter().flatten())
        }
    }

    /// Refuses what cannot be meant.
    pub(crate) fn check(&self) -> Result<(), InvalidInput> {
        if self.providers.is_empty() {
            let problem =
                "is empty; name the providers to ask, such as [\"openai\", \"anthropic\"]";
            return Err(self.invalid("providers", problem));
        }
        let mut seen = BTreeSet::new();
        if let Some(twice) = self.providers.iter().find(|name| !seen.insert(*name)) {
            return Err(self.invalid(
                "providers",
                format!("names `{twice}` twice; once is enough"),
            ));
        }
        for (provider, model) in &self.models {
            let key = format!("models.{provider}");
            if !self.providers.contains(provider) {
                let problem = format!(
                    "is for a provider that is not asked; use one of {}",
                    self.providers.join(", ")
                );
                return Err(self.invalid(&key, problem));
            }
            if model.trim().is_empty() {
                return Err(self.invalid(&key, "is empty; name a model, or leave it out"));
            }
        }
        if self.breaker.failures == 0 {
            return Err(self.invalid("breaker_failures", "is 0; use 1 or more"));
        }
        let pause = self.breaker.pause;
        if pause.is_zero() || pause > Self::LONGEST_PAUSE {
            let problem = format!("is {}; use 1ms to 24h", humantime::format_duration(pause));
            return Err(self.invalid("breaker_pause", problem));
        }
        Ok(())
    }

    pub(crate) fn invalid(&self, key: &str, problem: impl Into<String>) -> InvalidInput {
        InvalidInput::new(format!("providers.{}.{key}", self.name), problem)
    }
}

/// Checks all of `routed`, and puts those first that others ask. Fails where they ask each other in a circle.
pub(crate) fn sorted(routed: Vec<RoutedSettings>) -> Result<Vec<RoutedSettings>, InvalidInput> {
    for settings in &routed {
        settings.check()?;
    }
    let mut waiting = routed;
    let mut sorted = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let names: BTreeSet<&str> = waiting.iter().map(|one| one.name.as_str()).collect();
        let ready = waiting.iter().position(|one| {
            let mut asked = one.providers.iter();
            !asked.any(|name| names.contains(name.as_str()))
        });
        match ready {
            Some(place) => sorted.push(waiting.remove(place)),
            None => return Err(circle(&waiting)),
        }
    }
    Ok(sorted)
}

/// The error for providers of which each asks another one of them.
fn circle(routed: &[RoutedSettings]) -> InvalidInput {
    let by_name = |name: &str| routed.iter().find(|one| one.name == name);
    let mut path: Vec<&RoutedSettings> = Vec::new();
    let mut at = routed.first();
    while let Some(one) = at {
        if let Some(start) = path.iter().position(|seen| seen.name == one.name) {
            let names = path[start..].iter().chain([&one]);
            let names: Vec<&str> = names.map(|one| one.name.as_str()).collect();
            let problem = format!(
                "goes in a circle: {}; take one of them out",
                names.join(" asks ")
            );
            return one.invalid("providers", problem);
        }
        path.push(one);
        at = one.providers.iter().find_map(|name| by_name(name));
    }
    InvalidInput::new("providers", "go in a circle; take one out")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(settings: &RoutedSettings) -> String {
        settings.check().unwrap_err().to_string()
    }

    fn pool() -> RoutedSettings {
        RoutedSettings::new("pool", ["a", "b"])
    }

    #[test]
    fn what_cannot_be_meant_is_refused_by_its_key() {
        assert!(pool().check().is_ok());
        let empty = RoutedSettings::new("pool", [""; 0]);
        assert!(refused(&empty).contains("`providers.pool.providers` is empty"));
        let twice = RoutedSettings::new("pool", ["a", "a"]);
        assert!(refused(&twice).contains("`a` twice"));
        let mut stray = pool();
        stray.models.insert("c".into(), "m".into());
        assert!(refused(&stray).contains("`providers.pool.models.c`"));
        let mut nameless = pool();
        nameless.models.insert("a".into(), " ".into());
        assert!(refused(&nameless).contains("`providers.pool.models.a` is empty"));
        let mut hasty = pool();
        hasty.breaker.failures = 0;
        assert!(refused(&hasty).contains("breaker_failures"));
        let mut endless = pool();
        endless.breaker.pause = Duration::from_hours(25);
        assert!(refused(&endless).contains("breaker_pause"));
    }

    #[test]
    fn those_that_are_asked_come_first() {
        let routed = vec![
            RoutedSettings::new("top", ["middle", "x"]),
            RoutedSettings::new("middle", ["y", "low"]),
            RoutedSettings::new("low", ["x"]),
        ];
        let names: Vec<_> = sorted(routed)
            .unwrap()
            .into_iter()
            .map(|one| one.name)
            .collect();
        assert_eq!(names, ["low", "middle", "top"]);
    }

    #[test]
    fn circles_are_shown() {
        let own = sorted(vec![RoutedSettings::new("a", ["x", "a"])]).unwrap_err();
        assert_eq!(own.field, "providers.a.providers");
        assert!(own.problem.contains("a asks a"), "{own}");
        let routed = vec![
            RoutedSettings::new("outside", ["a"]),
            RoutedSettings::new("a", ["x", "b"]),
            RoutedSettings::new("b", ["a"]),
        ];
        let error = sorted(routed).unwrap_err();
        assert_eq!(error.field, "providers.a.providers");
        assert!(error.problem.contains("a asks b asks a"), "{error}");
    }
}
