use super::usage::ModelUsage;
use crate::domain::Usage;
use crate::provider::models::ModelTable;
use std::collections::BTreeMap;

/// The provider whose prices hold.
const PROVIDER: &str = "anthropic";

/// What tokens cost where the program itself does not say.
#[derive(Debug)]
pub(super) struct Prices(pub(super) ModelTable);

impl Prices {
    /// Tokens by model with what they cost, as far as the prices are known.
    pub(super) fn usage(&self, models: &BTreeMap<String, ModelUsage>) -> Usage {
        let mut sum = Usage::default();
        for (model, used) in models {
            let mut usage = Usage {
                input_tokens: used.input_tokens,
                cached_tokens: used.cached_tokens,
                output_tokens: used.output_tokens,
                ..Usage::default()
            };
            usage.cost_usd = self.0.cost(PROVIDER, model, &usage).unwrap_or_default();
            sum += usage;
        }
        sum.bounded()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_of_unknown_models_count_and_cost_nothing() {
        let used = ModelUsage {
            input_tokens: 1000,
            cached_tokens: 0,
            output_tokens: 10,
            cost_usd: 0.0,
        };
        let prices = Prices(ModelTable::builtin());
        let usage = prices.usage(&BTreeMap::from([("no-such-model".to_owned(), used)]));
        assert_eq!((usage.input_tokens, usage.cost_usd), (1000, 0.0));
        let known = prices.0.iter().find(|model| model.provider == PROVIDER);
        let known = known.expect("a model of Anthropic").id.clone();
        let usage = prices.usage(&BTreeMap::from([(known, used)]));
        assert!(
            usage.cost_usd > 0.0 && usage.output_tokens == 10,
            "{usage:?}"
        );
    }
}
