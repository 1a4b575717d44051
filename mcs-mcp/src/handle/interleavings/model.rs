use super::{Answered, Request, Say, key};
use proptest::prelude::{prop_assert, prop_assert_eq};
use proptest::test_runner::TestCaseError;
use rmcp::model::TaskPayload;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What is known of the task. Requests that overlap may have been done in any order; of two that do not, the first was done
/// before the second.
#[derive(Debug, Default)]
pub(super) struct Model {
    questions: usize,
    /// What each question may have been answered with, and when the request that did so began.
    answers: BTreeMap<String, Vec<(usize, Value)>>,
    /// Questions that somebody saw open before the present round, and that nobody has answered since.
    open: BTreeSet<String>,
    /// Questions that were answered for certain, and when: nobody who begins later sees them open again.
    closed: BTreeMap<String, usize>,
    /// When the first who cancelled it began.
    cancelled: Option<usize>,
    /// It was cancelled while a question was open that nobody has answered since, so that it can only end cancelled.
    pub(super) doomed: bool,
    /// When the last began of those who saw that it had not ended.
    unended: usize,
    /// The end, and when the first who saw it had seen it.
    end: Option<(usize, TaskPayload)>,
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

    /// Whether these, which began after all earlier ones had ended, may be answered so; and what is known after them.
    pub(super) fn round(&mut self, mut requests: Vec<Request<'_>>) -> Checked {
        requests.sort_by_key(|request| request.ended);
        let cancels = requests.iter().filter(|request| request.cancels());
        let cancelled = cancels.map(|request| request.began).min();
        self.cancelled = self.cancelled.or(cancelled);
        for request in &requests {
            self.not_refused(request, &requests)?;
        }
        let mut meanwhile = BTreeSet::new();
        for request in &requests {
            self.answered(request, &mut meanwhile);
        }
        self.doomed &= meanwhile.is_empty();
        // What was seen before the end tells more of what the end can be.
        requests.sort_by_key(Request::saw_the_end);
        for request in &requests {
            self.seen(request, &meanwhile)?;
        }
        for request in &requests {
            self.refused(request)?;
        }
        let unanswered = |number| !self.answers.contains_key(&key(number));
        self.doomed = (cancelled.is_some() || self.doomed)
            && self.end.is_none()
            && (0..self.questions).any(unanswered);
        Ok(())
    }

    /// Nonsense is refused where the question was open all the time.
    fn not_refused(&self, request: &Request<'_>, all: &[Request<'_>]) -> Checked {
        let Some(said) = request.taken() else {
            return Ok(());
        };
        let cancelled = self.cancelled.is_some_and(|began| began < request.ended);
        for number in self.nonsense(said) {
            let mut others = all.iter().filter(|other| other.began < request.ended);
            let answered = others.any(|other| {
                let say = other.taken().and_then(|said| said.get(&number));
                say.is_some_and(|say| say.kept().is_some())
            });
            prop_assert!(
                cancelled || answered || !self.open.contains(&key(number)),
                "nonsense was taken in {said:?}"
            );
        }
        Ok(())
    }

    /// What was answered, as far as it came to a question that may have been open.
    fn answered(&mut self, request: &Request<'_>, meanwhile: &mut BTreeSet<String>) {
        for (number, say) in request.taken().into_iter().flatten() {
            let key = key(*number);
            let Some(kept) = say.kept() else { continue };
            meanwhile.insert(key.clone());
            if self.was_closed(&key, request) {
                continue;
            }
            if self.open.remove(&key) {
                self.closed.insert(key.clone(), request.ended);
            }
            let answers = self.answers.entry(key).or_default();
            answers.push((request.began, kept));
        }
    }

    /// An update is refused for nonsense to a question that may have been open, and for nothing else.
    fn refused(&self, request: &Request<'_>) -> Checked {
        let Some(said) = request.refused() else {
            return Ok(());
        };
        let ended = self.end.as_ref().is_some_and(|(at, _)| *at < request.began);
        let mut nonsense = self.nonsense(said);
        let may_be = nonsense.any(|number| !self.was_closed(&key(number), request));
        prop_assert!(may_be && !ended, "nothing to refuse in {said:?}");
        Ok(())
    }

    /// Whether somebody may see this. `meanwhile` has the questions that somebody answers in the same round.
    fn seen(&mut self, request: &Request<'_>, meanwhile: &BTreeSet<String>) -> Checked {
        let Answered::Got(payload) = &request.answer else {
            return Ok(());
        };
        if let Some((_, end)) = &self.end {
            prop_assert_eq!(end, payload, "an end changed");
            return Ok(());
        }
        match payload {
            TaskPayload::Working => {}
            TaskPayload::InputRequired { input_requests } => {
                prop_assert!(!input_requests.is_empty());
                for key in input_requests.keys() {
                    prop_assert!(
                        !self.was_closed(key, request),
                        "{key} was answered and is open again"
                    );
                    if !meanwhile.contains(key) {
                        // All answers of earlier rounds came too early.
                        self.answers.remove(key);
                        self.open.insert(key.clone());
                    }
                }
            }
            TaskPayload::Cancelled => {
                let cancelled = self.cancelled.is_some_and(|began| began < request.ended);
                prop_assert!(cancelled, "nobody cancelled it");
            }
            TaskPayload::Completed { result } => {
                prop_assert!(!self.doomed, "it was cancelled");
                self.completed(result, request)?;
            }
            other => return Err(TestCaseError::fail(format!("{other:?}"))),
        }
        if payload.status().is_terminal() {
            prop_assert!(self.unended < request.ended, "it went on after its end");
            self.end = Some((request.ended, payload.clone()));
        } else {
            self.unended = self.unended.max(request.began);
        }
        Ok(())
    }

    fn completed(&self, result: &serde_json::Map<String, Value>, request: &Request<'_>) -> Checked {
        let text = result["content"][0]["text"].as_str().unwrap_or_default();
        let told: BTreeMap<String, Value> = serde_json::from_str(text).unwrap_or_default();
        prop_assert_eq!(told.len(), self.questions, "{}", text);
        for (key, answer) in told {
            let said = self.answers.get(&key).map_or(&[][..], Vec::as_slice);
            let mut may_be = said.iter().filter(|(began, _)| *began < request.ended);
            prop_assert!(
                may_be.any(|(_, said)| *said == answer),
                "{key}: {answer} is none of {said:?}"
            );
        }
        Ok(())
    }

    /// Whether the question had its answer when the request began.
    fn was_closed(&self, key: &str, request: &Request<'_>) -> bool {
        self.closed.get(key).is_some_and(|at| *at < request.began)
    }

    /// The questions of the task to which this is no answer.
    fn nonsense<'a>(
        &self,
        said: &'a BTreeMap<usize, Say>,
    ) -> impl Iterator<Item = usize> + use<'a> {
        let questions = self.questions;
        let nonsense =
            move |(number, say): &(&usize, &Say)| **number < questions && say.kept().is_none();
        said.iter().filter(nonsense).map(|(number, _)| *number)
    }
}
