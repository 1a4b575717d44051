use super::InvalidInput;
use std::fmt;
use std::str::FromStr;

/// What earlier orchestrators call the kinds of tasks they have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExecutionMode {
    /// A prompt for a model.
    Standard,
    /// A run of Claude Code.
    ClaudeCode,
    /// Whatever the field `kind` names.
    Custom,
}

impl ExecutionMode {
    /// Every mode.
    pub const ALL: [Self; 3] = [Self::Standard, Self::ClaudeCode, Self::Custom];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "Standard",
            Self::ClaudeCode => "ClaudeCode",
            Self::Custom => "Custom",
        }
    }

    /// The kind that it stands for; [`ExecutionMode::Custom`] stands for none.
    pub const fn kind(self) -> Option<&'static str> {
        match self {
            Self::Standard => Some("prompt"),
            Self::ClaudeCode => Some("claude_code"),
            Self::Custom => None,
        }
    }

    /// The kind that the name of a kind means. A kind that is registered under exactly this name goes before the mode of
    /// that name.
    pub fn kind_named(
        name: &str,
        is_registered: impl FnOnce(&str) -> bool,
    ) -> Result<&str, InvalidInput> {
        match Self::named(name) {
            Some(mode) if !is_registered(name) => mode.kind().ok_or_else(|| {
                let problem =
                    format!("is `{name}`, which leaves the kind to you; name the kind itself");
                InvalidInput::new("kind", problem)
            }),
            _ => Ok(name),
        }
    }

    /// The kind that a caller means who may name a mode, a kind, or both; `None` for neither. A mode and a kind that do not
    /// mean the same are refused.
    pub fn resolve<'a>(
        mode: Option<&str>,
        kind: Option<&'a str>,
    ) -> Result<Option<&'a str>, InvalidInput> {
        let Some(mode) = mode else { return Ok(kind) };
        let mode: Self = mode.parse()?;
        match (mode.kind(), kind) {
            (None, Some(kind)) => Ok(Some(kind)),
            (None, None) => {
                let problem =
                    format!("is missing; with the execution mode {mode} it names the kind");
                Err(InvalidInput::new("kind", problem))
            }
            (Some(meant), Some(kind)) if meant != kind && Self::named(kind) != Some(mode) => {
                let problem = format!(
                    "is {mode}, which is the kind `{meant}`, and `kind` is `{kind}`; leave one out"
                );
                Err(InvalidInput::new("execution_mode", problem))
            }
            (Some(meant), _) => Ok(Some(meant)),
        }
    }

    fn named(name: &str) -> Option<Self> {
        let same = |mode: &Self| mode.as_str().eq_ignore_ascii_case(name);
        Self::ALL.into_iter().find(same)
    }
}

impl fmt::Display for ExecutionMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ExecutionMode {
    type Err = InvalidInput;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::named(text).ok_or_else(|| {
            let known = Self::ALL.map(Self::as_str).join(", ");
            InvalidInput::new("execution_mode", format!("is `{text}`; use one of {known}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_is_a_kind_unless_a_kind_has_its_name() {
        let named = |name| ExecutionMode::kind_named(name, |_| false);
        assert_eq!(named("Standard").unwrap(), "prompt");
        assert_eq!(named("claudecode").unwrap(), "claude_code");
        assert_eq!(named("echo").unwrap(), "echo");
        assert_eq!(named("Custom").unwrap_err().field, "kind");
        let registered = ExecutionMode::kind_named("Custom", |name| name == "Custom");
        assert_eq!(registered.unwrap(), "Custom");
    }

    #[test]
    fn a_mode_and_a_kind_mean_the_same() {
        let resolve = ExecutionMode::resolve;
        assert_eq!(resolve(None, None).unwrap(), None);
        assert_eq!(resolve(None, Some("echo")).unwrap(), Some("echo"));
        assert_eq!(resolve(Some("Standard"), None).unwrap(), Some("prompt"));
        assert_eq!(
            resolve(Some("ClaudeCode"), Some("claude_code")).unwrap(),
            Some("claude_code")
        );
        assert_eq!(
            resolve(Some("ClaudeCode"), Some("ClaudeCode")).unwrap(),
            Some("claude_code")
        );
        assert_eq!(resolve(Some("custom"), Some("echo")).unwrap(), Some("echo"));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_by_its_field() {
        let refused = |mode, kind| ExecutionMode::resolve(Some(mode), kind).unwrap_err();
        assert_eq!(refused("Custom", None).field, "kind");
        assert_eq!(refused("Standard", Some("echo")).field, "execution_mode");
        let unknown = refused("Fast", None).to_string();
        assert!(
            unknown.contains("`Fast`") && unknown.contains("Standard, ClaudeCode, Custom"),
            "{unknown}"
        );
    }
}
