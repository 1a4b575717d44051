use super::{Say, key};
use proptest::prelude::{prop_assert, prop_assert_eq};
use proptest::test_runner::TestCaseError;
use rmcp::model::TaskPayload;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What is known of the task.
#[derive(Debug, Default)]
pub(super) struct Model {
    questions: usize,
    /// What each question may have been answered with.
    answers: BTreeMap<String, Vec<Value>>,
    /// Questions that somebody saw open before the present round, and that nobody has answered since.
    open: BTreeSet<String>,
    /// Questions that were answered for certain: nobody sees them open again.
    pub(super) closed: BTreeSet<String>,
    pub(super) cancelled: bool,
    /// It was cancelled while a question was open that nobody has answered since, so that it can only end cancelled.
    pub(super) doomed: bool,
    /// The end, once somebody saw it.
    end: Option<TaskPayload>,
}

/// Nothing, or what ought not to be.
pub(super) type Checked = Result<(), TestCaseError>;

impl Model {
    /// Of a task with so many questions, of which nobody has seen anything yet.
    pub(super) fn of(questions: usize) -> Self {
        Self {
            questions,
            ..Self::default()
        }
    }

    /// Somebody cancelled it, or answered something, in the round that ends.
    pub(super) fn ended_round(&mut self, cancelled: bool, answered: bool) {
        let unanswered = |number| !self.answers.contains_key(&key(number));
        self.doomed = (cancelled || (self.doomed && !answered))
            && self.end.is_none()
            && (0..self.questions).any(unanswered);
    }

    /// Whether the answer to `Update` may be this, and what it changes. `before` has the questions that had been answered
    /// when the round began; `alone` tells that nobody else asked anything in it.
    pub(super) fn updated(
        &mut self,
        said: &BTreeMap<usize, Say>,
        refused: bool,
        before: &BTreeSet<String>,
        alone: bool,
    ) -> Checked {
        let certain = |key: &String| self.open.contains(key) && !self.cancelled;
        let nonsense: Vec<String> = said
            .iter()
            .filter(|(number, say)| **number < self.questions && say.kept().is_none())
            .map(|(number, _)| key(*number))
            .collect();
        if refused {
            let may_be = nonsense.iter().any(|key| !before.contains(key));
            prop_assert!(
                may_be && self.end.is_none(),
                "nothing to refuse in {said:?}"
            );
            return Ok(());
        }
        prop_assert!(
            !(alone && nonsense.iter().any(certain)),
            "nonsense was taken in {said:?}"
        );
        for (number, say) in said {
            let key = key(*number);
            let Some(kept) = say.kept().filter(|_| !before.contains(&key)) else {
                continue;
            };
            if self.open.remove(&key) {
                self.closed.insert(key.clone());
                if alone {
                    // Nobody had answered it before, so this is the answer.
                    self.answers.insert(key, vec![kept]);
                    continue;
                }
            }
            self.answers.entry(key).or_default().push(kept);
        }
        Ok(())
    }

    /// Whether somebody may see this. `before` has the questions that had been answered when the round began, `meanwhile`
    /// those that somebody answers in it.
    pub(super) fn seen(
        &mut self,
        payload: TaskPayload,
        before: &BTreeSet<String>,
        meanwhile: &BTreeSet<String>,
    ) -> Checked {
        if let Some(end) = &self.end {
            prop_assert_eq!(end, &payload, "an end changed");
            return Ok(());
        }
        match &payload {
            TaskPayload::Working => {}
            TaskPayload::InputRequired { input_requests } => {
                prop_assert!(!input_requests.is_empty());
                for key in input_requests.keys() {
                    prop_assert!(
                        !before.contains(key),
                        "{key} was answered and is open again"
                    );
                    if !meanwhile.contains(key) {
                        // All answers of earlier rounds came too early.
                        self.answers.remove(key);
                        self.open.insert(key.clone());
                    }
                }
            }
            TaskPayload::Cancelled => prop_assert!(self.cancelled, "nobody cancelled it"),
            TaskPayload::Completed { result } => {
                prop_assert!(!self.doomed, "it was cancelled");
                self.completed(result)?;
            }
            other => return Err(TestCaseError::fail(format!("{other:?}"))),
        }
        if payload.status().is_terminal() {
            self.end = Some(payload);
        }
        Ok(())
    }

    fn completed(&self, result: &serde_json::Map<String, Value>) -> Checked {
        let text = result["content"][0]["text"].as_str().unwrap_or_default();
        let told: BTreeMap<String, Value> = serde_json::from_str(text).unwrap_or_default();
        prop_assert_eq!(told.len(), self.questions, "{}", text);
        for (key, answer) in told {
            let said = self.answers.get(&key).map_or(&[][..], Vec::as_slice);
            prop_assert!(
                said.contains(&answer),
                "{key}: {answer} is none of {said:?}"
            );
        }
        Ok(())
    }
}
