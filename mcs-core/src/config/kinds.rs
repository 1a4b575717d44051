use super::check::Problem;
use super::error::ConfigError;
use super::source::Section;
use crate::domain::check_name;
use crate::executor::KindSpec;

/// One entry of the list `kinds`.
pub(super) fn read(section: &Section<'_>) -> Result<KindSpec, ConfigError> {
    let missing = || section.refuse("name", "is missing; every kind has one, which tasks name");
    let name = section.get::<String>("name")?.ok_or_else(missing)?;
    let description = section.get::<String>("description")?.unwrap_or_default();
    let schema = section.get::<String>("schema")?;
    let schema = schema.map(|text| serde_json::from_str(&text)).transpose();
    let schema = schema.map_err(|error| {
        let problem =
            format!("is not JSON: {error}; write the JSON Schema of the payload between '''");
        section.refuse("schema", problem)
    })?;
    Ok(KindSpec {
        name,
        description,
        schema,
    })
}

/// Refuses names that no task could give. What the schemas are worth is found out when the engine starts.
pub(super) fn check(kinds: &[KindSpec]) -> Result<(), Problem> {
    for (index, kind) in kinds.iter().enumerate() {
        check_name("name", &kind.name).map_err(|refused| {
            Problem::new(format!("kinds[{index}].{}", refused.field), refused.problem)
        })?;
    }
    Ok(())
}
