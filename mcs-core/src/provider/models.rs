//! What is known of models: whose they are, how much they read and what they cost.

use super::Respondent;
use crate::domain::{InvalidInput, Usage};
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

/// The table that ships with the crate.
static BUILTIN: LazyLock<ModelTable> = LazyLock::new(|| {
    toml::from_str(include_str!("models.toml")).expect("models.toml is compiled in and tested")
});

/// What is known of one model. Prices are US dollars for a million tokens; what is not known is `None`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelInfo {
    /// Its name, as the API takes it.
    pub id: String,
    /// The provider that serves it.
    pub provider: String,
    /// How many tokens it reads and writes in one call. The table that ships has no sizes; an entry under `[[models]]`
    /// of the configuration sets one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_tokens: Option<u64>,
    /// How many tokens it writes in one call at the most. Only APIs that insist on a limit are told it, where a task
    /// sets none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<u64>,
    /// Price of the tokens it reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_usd_per_mtok: Option<f64>,
    /// Price of the tokens that the provider has in its cache; the full price where it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_input_usd_per_mtok: Option<f64>,
    /// Price of the tokens it writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_usd_per_mtok: Option<f64>,
    /// Whether its provider uses it for tasks that name no model.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub default: bool,
}

impl ModelInfo {
    /// Price of input and of output; `None` unless both are known.
    pub fn price(&self) -> Option<Price> {
        let input = self.input_usd_per_mtok?;
        Some(Price {
            input,
            cached_input: self.cached_input_usd_per_mtok.unwrap_or(input),
            output: self.output_usd_per_mtok?,
        })
    }

    fn check(&self) -> Result<(), InvalidInput> {
        let prices = [
            ("input_usd_per_mtok", self.input_usd_per_mtok),
            ("cached_input_usd_per_mtok", self.cached_input_usd_per_mtok),
            ("output_usd_per_mtok", self.output_usd_per_mtok),
        ];
        for (field, price) in prices {
            if let Some(price) = price.filter(|price| !(price.is_finite() && *price >= 0.0)) {
                let problem = format!(
                    "is {price} for the model `{}`; use US dollars for a million tokens, 0 or more",
                    self.id
                );
                return Err(InvalidInput::new(field, problem));
            }
        }
        if self.max_output_tokens == Some(0) {
            let problem = format!("is 0 for the model `{}`; use 1 or more", self.id);
            return Err(InvalidInput::new("max_output_tokens", problem));
        }
        Ok(())
    }

    fn overridden_by(&mut self, newer: &Self) {
        self.context_tokens = newer.context_tokens.or(self.context_tokens);
        self.max_output_tokens = newer.max_output_tokens.or(self.max_output_tokens);
        self.input_usd_per_mtok = newer.input_usd_per_mtok.or(self.input_usd_per_mtok);
        self.cached_input_usd_per_mtok = newer
            .cached_input_usd_per_mtok
            .or(self.cached_input_usd_per_mtok);
        self.output_usd_per_mtok = newer.output_usd_per_mtok.or(self.output_usd_per_mtok);
    }
}

/// What a model costs, in US dollars for a million tokens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Price {
    /// Tokens read.
    pub input: f64,
    /// Tokens read that came from the provider's cache.
    pub cached_input: f64,
    /// Tokens written.
    pub output: f64,
}

impl Price {
    /// Tokens a price is given for.
    pub const UNIT: f64 = 1_000_000.0;

    /// What `usage` costs.
    #[expect(clippy::cast_precision_loss, reason = "no call uses 2^53 tokens")]
    pub fn cost(&self, usage: &Usage) -> f64 {
        let cached = usage.cached_tokens.min(usage.input_tokens);
        let fresh = usage.input_tokens - cached;
        let sum = fresh as f64 * self.input
            + cached as f64 * self.cached_input
            + usage.output_tokens as f64 * self.output;
        sum / Self::UNIT
    }
}

/// The models that are known. Names that are not in it work too: they cost 0 as far as this table can tell.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelTable {
    models: Vec<ModelInfo>,
}

impl ModelTable {
    /// The table that ships with the crate.
    pub fn builtin() -> Self {
        BUILTIN.clone()
    }

    /// The same table with `overrides`: what an entry for a known provider and model says replaces what was known, and
    /// other entries are added. An entry marked as default takes over from its provider's former one.
    pub fn with_overrides(
        mut self,
        overrides: impl IntoIterator<Item = ModelInfo>,
    ) -> Result<Self, InvalidInput> {
        for newer in overrides {
            newer.check()?;
            if newer.default {
                let siblings = self.models.iter_mut();
                siblings
                    .filter(|model| model.provider == newer.provider)
                    .for_each(|model| model.default = model.id == newer.id);
            }
            let mut models = self.models.iter_mut();
            match models.find(|model| model.id == newer.id && model.provider == newer.provider) {
                Some(known) => known.overridden_by(&newer),
                None => self.models.push(newer),
            }
        }
        Ok(self)
    }

    /// The model that the table that ships gives `provider` for tasks that name none.
    pub(super) fn builtin_default_of(provider: &str) -> Option<&'static str> {
        BUILTIN.default_of(provider)
    }

    /// Every model, in the order of the table.
    pub fn iter(&self) -> impl Iterator<Item = &ModelInfo> {
        self.models.iter()
    }

    /// How much each model of `provider` writes at most, where it is known.
    pub(super) fn answer_sizes(&self, provider: &str) -> impl Iterator<Item = (String, u64)> {
        let own = self.iter().filter(move |model| model.provider == provider);
        own.filter_map(|model| Some((model.id.clone(), model.max_output_tokens?)))
    }

    /// The first model of that name, whoever serves it.
    pub fn get(&self, model: &str) -> Option<&ModelInfo> {
        self.models.iter().find(|known| known.id == model)
    }

    /// `model` as `provider` serves it.
    pub fn find(&self, provider: &str, model: &str) -> Option<&ModelInfo> {
        let mut models = self.models.iter();
        models.find(|known| known.id == model && known.provider == provider)
    }

    /// The provider that serves `model`.
    pub fn provider_of(&self, model: &str) -> Option<&str> {
        self.get(model).map(|known| known.provider.as_str())
    }

    /// The model that `provider` uses for a task that names none.
    pub fn default_of(&self, provider: &str) -> Option<&str> {
        let mut models = self.models.iter();
        models
            .find(|known| known.default && known.provider == provider)
            .map(|known| known.id.as_str())
    }

    /// The price of `model` at `provider`; `None` where it is not known.
    pub fn price(&self, provider: &str, model: &str) -> Option<Price> {
        self.find(provider, model).and_then(ModelInfo::price)
    }

    /// The highest price of any of `respondents`; `None` where one is not known.
    pub fn dearest(&self, respondents: &[Respondent]) -> Option<Price> {
        let prices = respondents
            .iter()
            .map(|one| self.price(&one.provider, &one.model));
        let prices: Vec<Price> = prices.collect::<Option<_>>()?;
        prices.into_iter().reduce(|a, b| Price {
            input: a.input.max(b.input),
            cached_input: a.cached_input.max(b.cached_input),
            output: a.output.max(b.output),
        })
    }

    /// What `usage` costs; `None` where the price is not known.
    pub fn cost(&self, provider: &str, model: &str, usage: &Usage) -> Option<f64> {
        self.price(provider, model).map(|price| price.cost(usage))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn model(provider: &str, id: &str) -> ModelInfo {
        ModelInfo {
            id: id.into(),
            provider: provider.into(),
            context_tokens: None,
            max_output_tokens: None,
            input_usd_per_mtok: None,
            cached_input_usd_per_mtok: None,
            output_usd_per_mtok: None,
            default: false,
        }
    }

    #[test]
    fn the_table_that_ships_is_sound() {
        let table = ModelTable::builtin();
        let ids: HashSet<_> = table.iter().map(|model| &model.id).collect();
        assert_eq!(ids.len(), table.iter().count(), "a model is there twice");
        for model in table.iter() {
            model.check().unwrap();
        }
        for provider in ["openai", "deepseek", "anthropic", "echo"] {
            let defaults = table
                .iter()
                .filter(|model| model.provider == provider && model.default);
            assert_eq!(defaults.count(), 1, "{provider}");
            assert!(table.default_of(provider).is_some());
        }
        assert_eq!(table.provider_of("gpt-6-sol"), Some("openai"));
    }

    #[test]
    fn every_model_that_ships_has_a_price_but_echo_which_is_free() {
        let table = ModelTable::builtin();
        let unpriced = table
            .iter()
            .filter(|model| {
                model
                    .price()
                    .is_none_or(|price| price.input <= 0.0 || price.output <= 0.0)
            })
            .map(|model| model.id.as_str());
        assert_eq!(unpriced.collect::<Vec<_>>(), ["echo"]);
    }

    #[test]
    fn cost_counts_cached_tokens_at_their_own_price() {
        let priced = ModelInfo {
            input_usd_per_mtok: Some(2.0),
            cached_input_usd_per_mtok: Some(0.5),
            output_usd_per_mtok: Some(10.0),
            ..model("lab", "m")
        };
        let table = ModelTable::default().with_overrides([priced]).unwrap();
        let usage = Usage {
            input_tokens: 1_000_000,
            cached_tokens: 400_000,
            output_tokens: 100_000,
            ..Usage::default()
        };
        let cost = table.cost("lab", "m", &usage).unwrap();
        assert!((cost - (1.2 + 0.2 + 1.0)).abs() < 1e-9, "{cost}");
        assert_eq!(table.cost("lab", "other", &usage), None);
        assert_eq!(table.cost("echo", "m", &usage), None);
    }

    #[test]
    fn overrides_change_what_they_name_and_add_what_is_new() {
        let cheaper = ModelInfo {
            output_usd_per_mtok: Some(8.0),
            default: true,
            ..model("openai", "gpt-6-sol")
        };
        let table = ModelTable::builtin()
            .with_overrides([cheaper, model("lab", "tiny")])
            .unwrap();
        let sol = table.get("gpt-6-sol").unwrap();
        assert_eq!(sol.output_usd_per_mtok, Some(8.0));
        assert_eq!(sol.input_usd_per_mtok, Some(2.0));
        assert_eq!(table.default_of("openai"), Some("gpt-6-sol"));
        assert_eq!(table.provider_of("tiny"), Some("lab"));
        assert_eq!(table.price("lab", "tiny"), None);
    }

    #[test]
    fn prices_that_are_none_are_refused() {
        for price in [-1.0, f64::NAN, f64::INFINITY] {
            let wrong = ModelInfo {
                output_usd_per_mtok: Some(price),
                ..model("lab", "m")
            };
            let error = ModelTable::default().with_overrides([wrong]).unwrap_err();
            assert_eq!(error.field, "output_usd_per_mtok");
        }
    }
}
