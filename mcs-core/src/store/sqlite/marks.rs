//! What a task's row says about its input, so that most settlements leave the input alone.

use crate::domain::NewTask;
use rusqlite::Row;

/// The task has tags.
const TAGGED: i64 = 1;
/// The task names no model. Rows of versions before 3 never say so, and theirs is looked up.
const WITHOUT_MODEL: i64 = 2;

/// The column `tagged` of a task. Its name is older than what it says beside tags.
#[derive(Debug, Clone, Copy)]
pub(super) struct Marks(i64);

impl Marks {
    pub(super) fn of(task: &NewTask) -> Self {
        let tagged = if task.tags.is_empty() { 0 } else { TAGGED };
        let model = task.model.as_ref().map_or(WITHOUT_MODEL, |_| 0);
        Self(tagged | model)
    }

    pub(super) fn from_row(row: &Row<'_>, index: usize) -> rusqlite::Result<Self> {
        row.get(index).map(Self)
    }

    /// What is stored.
    pub(super) const fn code(self) -> i64 {
        self.0
    }

    pub(super) const fn has_tags(self) -> bool {
        self.0 & TAGGED != 0
    }

    pub(super) const fn may_have_model(self) -> bool {
        self.0 & WITHOUT_MODEL == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_and_models_are_told_apart() {
        let plain = NewTask::new("work", serde_json::json!(1));
        let tagged = NewTask {
            tags: vec!["a".into()],
            ..plain.clone()
        };
        let both = NewTask {
            model: Some("m".into()),
            ..tagged.clone()
        };
        for (task, says) in [
            (plain, (false, false)),
            (tagged, (true, false)),
            (both, (true, true)),
        ] {
            let marks = Marks::of(&task);
            assert_eq!((marks.has_tags(), marks.may_have_model()), says);
        }
        // Rows of earlier versions have 0 or 1.
        assert!(Marks(0).may_have_model() && !Marks(0).has_tags());
        assert!(Marks(1).may_have_model() && Marks(1).has_tags());
    }
}
