use super::{InteractionStatus, InteractionSummary, Micros};
use crate::domain::{CursorError, InvalidInput, check_name};
use std::fmt;
use std::str::FromStr;

/// Which interactions to list. Every part that is set must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InteractionFilter {
    /// Was reported by this MCP server.
    pub mcp_id: Option<String>,
    /// Has this status.
    pub status: Option<InteractionStatus>,
    /// Is on behalf of this user.
    pub user_id: Option<String>,
    /// Called this tool.
    pub tool: Option<String>,
    /// Failed with this type of error.
    pub error_type: Option<String>,
    /// Began at this time or later.
    pub since: Option<Micros>,
    /// Began before this time.
    pub until: Option<Micros>,
}

impl InteractionFilter {
    /// Whether `interaction` is meant.
    pub fn matches(&self, interaction: &InteractionSummary) -> bool {
        let named = |wanted: &Option<String>, value: Option<&str>| {
            wanted.is_none() || wanted.as_deref() == value
        };
        self.status
            .is_none_or(|status| status == interaction.status)
            && named(&self.mcp_id, Some(&interaction.mcp_id))
            && named(&self.user_id, interaction.user_id.as_deref())
            && named(&self.tool, interaction.tool.as_deref())
            && named(&self.error_type, interaction.error_type.as_deref())
            && self
                .since
                .is_none_or(|since| interaction.started_at >= since)
            && self
                .until
                .is_none_or(|until| interaction.started_at < until)
    }

    /// Refuses names that nothing can have.
    pub fn check(&self) -> Result<(), InvalidInput> {
        let names = [
            ("mcp_id", &self.mcp_id),
            ("user_id", &self.user_id),
            ("tool", &self.tool),
            ("error_type", &self.error_type),
        ];
        names.into_iter().try_for_each(|(field, value)| {
            value
                .as_deref()
                .map_or(Ok(()), |value| check_name(field, value))
        })
    }
}

/// Part of a list of interactions, those that began last first.
#[derive(Debug, Clone, PartialEq)]
pub struct InteractionPage {
    /// The interactions.
    pub items: Vec<InteractionSummary>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<InteractionCursor>,
}

/// A place in a list of interactions. Callers hand it back as they got it and do not look inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InteractionCursor {
    /// When the last one of the page began.
    pub started_at: Micros,
    /// Its number in the store, which orders those that began at one time.
    pub number: u64,
}

impl fmt::Display for InteractionCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "i{:x}-{:x}", self.started_at.as_micros(), self.number)
    }
}

impl FromStr for InteractionCursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let hex = |digits: &str| {
            let digits =
                Some(digits).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
            u64::from_str_radix(digits?, 16).ok()
        };
        let parts = text.strip_prefix('i').and_then(|rest| rest.split_once('-'));
        parts
            .and_then(|(at, number)| {
                Some(Self {
                    // A time before 1970 is written as its two's complement.
                    started_at: Micros::from_micros(hex(at)?.cast_signed()),
                    number: hex(number)?,
                })
            })
            .ok_or_else(|| CursorError::new(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_text() {
        for micros in [0, -1, i64::MAX, i64::MIN, 1_763_633_640_123_456] {
            let cursor = InteractionCursor {
                started_at: Micros::from_micros(micros),
                number: micros.unsigned_abs(),
            };
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        for bad in [
            "",
            "i",
            "i5",
            "c5",
            "i5-",
            "i-5",
            "i+5-5",
            "i5-5-5",
            "i1ffffffffffffffff-1",
        ] {
            assert!(bad.parse::<InteractionCursor>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_filter_names_what_is_wrong() {
        let filter = InteractionFilter {
            tool: Some("a\nb".to_owned()),
            ..InteractionFilter::default()
        };
        assert_eq!(filter.check().unwrap_err().field, "tool");
        assert_eq!(InteractionFilter::default().check(), Ok(()));
    }
}
