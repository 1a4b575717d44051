//! Which session an attempt runs in, and what a later attempt or task goes on from.

use super::arguments::Session;
use super::usage::{Base, Totals};
use crate::domain::{Json, Usage, limits};
use crate::executor::{Context, ContextError};
use crate::git::{Snapshot, Worktree};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use uuid::Uuid;

/// What is stored before the program starts. An attempt that dies leaves all that the next one needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Checkpoint {
    pub(super) session_id: Uuid,
    /// What of the session's totals is not this task's.
    #[serde(default)]
    pub(super) base: Base,
    /// What the session had used at its last result.
    #[serde(default)]
    pub(super) totals: Totals,
    /// Where the work is done.
    pub(super) directory: PathBuf,
    /// A worktree of the task's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) worktree: Option<Worktree>,
    /// How the files were before the first attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) before: Option<Snapshot>,
    /// The session that this one continues under an id of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) origin: Option<Origin>,
}

/// A session that another one began with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Origin {
    pub(super) session_id: Uuid,
    /// What it had used by then.
    #[serde(default)]
    pub(super) totals: Totals,
}

impl Checkpoint {
    /// Reads what a task carries.
    pub(super) fn of(stored: Option<&Json>) -> Option<Self> {
        let stored = stored?;
        stored
            .parse()
            .inspect_err(
                |error| tracing::warn!(%error, "a checkpoint of Claude Code cannot be read"),
            )
            .ok()
    }

    /// A session that did not begin yet, of a task that used `settled` before. It goes on from `origin`.
    pub(super) fn new(directory: PathBuf, origin: Option<Origin>, settled: &Usage) -> Self {
        Self {
            session_id: Uuid::new_v4(),
            base: base(origin.as_ref(), settled),
            totals: Totals::default(),
            directory,
            worktree: None,
            before: None,
            origin,
        }
    }

    /// The same work in a new session, since the program does not know this one.
    pub(super) fn anew(&self, settled: &Usage) -> Self {
        Self {
            worktree: self.worktree.clone(),
            before: self.before.clone(),
            ..Self::new(self.directory.clone(), self.origin.clone(), settled)
        }
    }

    /// How the program is told of a session that did not begin yet.
    pub(super) fn beginning(&self) -> Session {
        match &self.origin {
            Some(origin) => Session::Fork {
                from: origin.session_id,
                to: self.session_id,
            },
            None => Session::New(self.session_id),
        }
    }

    /// Stores it, without what is too much.
    pub(super) async fn store(&mut self, context: &Context) -> Result<(), ContextError> {
        let mut json = Json::new(self);
        if !json
            .as_ref()
            .is_ok_and(|json| json.as_str().len() <= limits::CHECKPOINT_BYTES)
        {
            self.before = None;
            json = Json::new(self);
        }
        let json = json.map_err(|error| {
            tracing::error!(%error, "a checkpoint of Claude Code cannot be written");
            ContextError::Ended
        })?;
        context.checkpoint(json).await
    }
}

/// What of the totals of a session that begins is not the task's: what it takes over, less what the task used before.
fn base(origin: Option<&Origin>, settled: &Usage) -> Base {
    let mut base = Base::after(settled);
    if let Some(origin) = origin {
        let taken = Base::of_session(&origin.totals);
        base.cost_usd += taken.cost_usd;
        base.input_tokens += taken.input_tokens;
        base.cached_tokens += taken.cached_tokens;
        base.output_tokens += taken.output_tokens;
        base.models = taken.models;
    }
    base
}

/// What the program is told in a session that was interrupted.
pub(super) fn go_on(prompt: &str) -> String {
    format!(
        "Your work in this session was interrupted. Look at what is done already, then go on and finish it. The task \
         was:\n\n{prompt}"
    )
}

#[cfg(test)]
mod tests {
    use super::super::usage::ModelUsage;
    use super::*;
    use std::collections::BTreeMap;

    fn totals(cost_usd: f64) -> Totals {
        let model = ModelUsage {
            input_tokens: 100,
            cost_usd,
            ..ModelUsage::default()
        };
        Totals {
            cost_usd,
            models: BTreeMap::from([("m".to_owned(), model)]),
        }
    }

    #[test]
    fn a_fork_costs_what_comes_after_it_and_nothing_settled_twice() {
        let origin = Origin {
            session_id: Uuid::new_v4(),
            totals: totals(0.5),
        };
        let settled = Usage {
            cost_usd: 0.25,
            input_tokens: 7,
            ..Usage::default()
        };
        let first = Checkpoint::new("/w".into(), Some(origin.clone()), &Usage::default());
        let second = first.anew(&settled);
        assert_ne!(first.session_id, second.session_id);
        let mut now = totals(0.75);
        now.models.get_mut("m").unwrap().input_tokens = 110;
        let used = second.base.of_attempt(&now, &settled);
        assert_eq!((used.cost_usd, used.input_tokens), (0.25, 10));
        let all = second.base.of_task(&now).cost_usd;
        assert!((all - 0.5).abs() < 1e-9, "{all}");
        let fork = Session::Fork {
            from: origin.session_id,
            to: second.session_id,
        };
        assert_eq!(second.beginning(), fork);
    }

    #[test]
    fn it_is_read_as_it_was_written_and_nothing_else_is() {
        let checkpoint = Checkpoint::new("/w".into(), None, &Usage::default());
        let json = Json::new(&checkpoint).unwrap();
        assert_eq!(Checkpoint::of(Some(&json)), Some(checkpoint));
        assert_eq!(
            Checkpoint::of(Some(&serde_json::json!({"page": 3}).into())),
            None
        );
        assert_eq!(Checkpoint::of(None), None);
    }
}
