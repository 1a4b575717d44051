use super::check::Problem;
use super::error::ConfigError;
use super::source::Section;
use crate::provider::models::{ModelInfo, ModelTable};

/// One entry of the list `models`.
pub(super) fn read(section: &Section<'_>) -> Result<ModelInfo, ConfigError> {
    let required = |key: &str| {
        let missing =
            || section.refuse(key, "is missing; every model has an `id` and a `provider`");
        section.get::<String>(key)?.ok_or_else(missing)
    };
    Ok(ModelInfo {
        id: required("id")?,
        provider: required("provider")?,
        context_tokens: section.get("context_tokens")?,
        max_output_tokens: section.get("max_output_tokens")?,
        input_usd_per_mtok: section.get("input_usd_per_mtok")?,
        cached_input_usd_per_mtok: section.get("cached_input_usd_per_mtok")?,
        output_usd_per_mtok: section.get("output_usd_per_mtok")?,
        default: section.get("default")?.unwrap_or_default(),
    })
}

/// Refuses what the table of models refuses, naming the entry.
pub(super) fn check(models: &[ModelInfo]) -> Result<(), Problem> {
    for (index, model) in models.iter().enumerate() {
        ModelTable::default()
            .with_overrides([model.clone()])
            .map_err(|refused| {
                Problem::new(
                    format!("models[{index}].{}", refused.field),
                    refused.problem,
                )
            })?;
    }
    Ok(())
}
