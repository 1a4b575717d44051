use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Where an interaction stands, as far as its events tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum InteractionStatus {
    /// It began.
    Started,
    /// It told of its progress.
    InProgress,
    /// It ended well.
    Completed,
    /// It ended with an error.
    Failed,
}

impl InteractionStatus {
    /// Every status. Stores write the position in this list.
    pub const ALL: [Self; 4] = [
        Self::Started,
        Self::InProgress,
        Self::Completed,
        Self::Failed,
    ];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Started => "STARTED",
            Self::InProgress => "IN_PROGRESS",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
        }
    }

    /// Whether it ended. Nothing that is told later changes this.
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed)
    }
}

impl fmt::Display for InteractionStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that is no status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no status of an interaction; use STARTED, IN_PROGRESS, COMPLETED or FAILED")]
pub struct UnknownStatus(String);

impl FromStr for InteractionStatus {
    type Err = UnknownStatus;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL
            .into_iter()
            .find(|status| status.as_str().eq_ignore_ascii_case(text));
        found.ok_or_else(|| UnknownStatus(text.chars().take(40).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_any_case() {
        for status in InteractionStatus::ALL {
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
            assert_eq!(status.as_str().to_lowercase().parse(), Ok(status));
        }
        let error = "DONE".parse::<InteractionStatus>().unwrap_err();
        assert!(error.to_string().contains("COMPLETED"), "{error}");
    }
}
