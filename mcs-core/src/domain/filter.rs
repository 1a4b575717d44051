use super::{InvalidInput, Status, Task, Timestamp, limits};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Which tasks to list. Every part that is set must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskFilter {
    /// Has this status.
    pub status: Option<Status>,
    /// Is of this kind.
    pub kind: Option<String>,
    /// Is in this queue.
    pub queue: Option<String>,
    /// Carries this tag.
    pub tag: Option<String>,
    /// Belongs to this owner.
    pub owner: Option<String>,
    /// Was created at this time or later.
    pub created_from: Option<Timestamp>,
    /// Was created before this time.
    pub created_before: Option<Timestamp>,
}

impl TaskFilter {
    /// Whether `task` is meant.
    pub fn matches(&self, task: &Task) -> bool {
        let named = |wanted: &Option<String>, value: &Arc<str>| {
            wanted.as_ref().is_none_or(|name| **name == **value)
        };
        self.status.is_none_or(|status| status == task.status)
            && named(&self.kind, &task.kind)
            && named(&self.queue, &task.queue)
            && named(&self.owner, &task.owner)
            && self.tag.as_ref().is_none_or(|tag| task.tags.contains(tag))
            && self.created_from.is_none_or(|from| task.created_at >= from)
            && self
                .created_before
                .is_none_or(|before| task.created_at < before)
    }
}

/// Which part of a list to return, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// Most rows, at least 1.
    pub limit: usize,
    /// Continue after the page that gave this cursor. Costs the same at any depth.
    pub after: Option<Cursor>,
    /// Skip so many rows more. Costs time that grows with it.
    pub offset: usize,
}

impl PageRequest {
    /// The first `limit` rows.
    pub const fn first(limit: usize) -> Self {
        Self {
            limit,
            after: None,
            offset: 0,
        }
    }

    /// Refuses a limit outside of `1..=500`.
    pub fn check(&self) -> Result<(), InvalidInput> {
        if (1..=limits::PAGE_ROWS).contains(&self.limit) {
            return Ok(());
        }
        let problem = format!(
            "is {}; use 1 to {} and follow the cursor for more",
            self.limit,
            limits::PAGE_ROWS
        );
        Err(InvalidInput::new("limit", problem))
    }
}

impl Default for PageRequest {
    fn default() -> Self {
        Self::first(limits::PAGE_DEFAULT)
    }
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<Cursor>,
}

/// A place in a list or in the events. Callers hand it back as they got it and do not look inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Cursor(pub u64);

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "c{:x}", self.0)
    }
}

/// A text that is no cursor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a cursor; use the one that the page before returned")]
pub struct CursorError(String);

impl CursorError {
    /// `text` is no cursor. Only its start is shown.
    pub(super) fn new(text: &str) -> Self {
        Self(text.chars().take(40).collect())
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text
            .strip_prefix('c')
            .filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        digits
            .and_then(|digits| u64::from_str_radix(digits, 16).ok())
            .map(Self)
            .ok_or_else(|| CursorError::new(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_text() {
        for place in [0, 1, u64::MAX] {
            assert_eq!(Cursor(place).to_string().parse(), Ok(Cursor(place)));
        }
        for bad in ["", "c", "5", "c+5", "cxyz", "c1ffffffffffffffff"] {
            assert!(bad.parse::<Cursor>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_page_is_bounded() {
        assert!(PageRequest::first(500).check().is_ok());
        assert!(PageRequest::first(0).check().is_err());
        assert!(
            PageRequest::first(501)
                .check()
                .unwrap_err()
                .to_string()
                .contains("501")
        );
    }
}
