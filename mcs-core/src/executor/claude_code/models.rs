use super::environment::has_foreign_models;
use crate::domain::InvalidInput;

/// Short names for the latest model of a family, and what the program makes of them.
const ALIASES: [&str; 8] = [
    "default", "best", "opus", "sonnet", "haiku", "fable", "mythos", "opusplan",
];
/// What an alias or a name may end with to ask for a longer context.
const LONG_CONTEXT: &str = "[1m]";

/// Refuses a model that Claude Code cannot run, as far as its name says so. A gateway may know any name.
pub(super) fn check(model: &str) -> Result<(), InvalidInput> {
    if has_foreign_models() || is_known(model) {
        return Ok(());
    }
    let problem = format!(
        "is `{model}`, which Claude Code does not run; use {} or the whole name of a Claude model, such as \
         `claude-sonnet-4-5`",
        ALIASES.map(|alias| format!("`{alias}`")).join(", ")
    );
    Err(InvalidInput::new("model", problem))
}

fn is_known(model: &str) -> bool {
    let name = model.strip_suffix(LONG_CONTEXT).unwrap_or(model);
    let lower = name.to_ascii_lowercase();
    ALIASES.contains(&lower.as_str()) || lower.contains("claude")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_and_whole_names_are_known() {
        for model in [
            "opus",
            "Sonnet",
            "sonnet[1m]",
            "claude-opus-5-5",
            "eu.anthropic.claude-x-v1:0",
        ] {
            assert!(is_known(model), "{model}");
        }
        for model in ["gpt-5", "sonet", "", "deepseek-chat"] {
            assert!(!is_known(model), "{model}");
        }
    }
}
