use super::fitting;
use super::task::shown;
use mcs_core::domain::{InputRequest, Json, LeaseNumber, Task};
use schemars::JsonSchema;
use serde::Serialize;

/// Most answered questions that are shown.
const ANSWERED: usize = 5;

/// A question to a person.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct QuestionView {
    /// Its name.
    key: String,
    /// What is asked, in the shape the executor chose; left out over 4096 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Value>")]
    request: Option<Json>,
    /// Size of a `request` that was left out, in bytes of JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_bytes: Option<usize>,
    /// The answer, once there is one; left out over 4096 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Value>")]
    response: Option<Json>,
    /// Size of a `response` that was left out, in bytes of JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    response_bytes: Option<usize>,
}

impl QuestionView {
    /// The size of one that says nothing but a key of one letter.
    const LEAST_BYTES: usize = r#"{"key":"k"}"#.len();
}

impl From<&InputRequest> for QuestionView {
    fn from(question: &InputRequest) -> Self {
        let (request, request_bytes) = shown(Some(&question.request));
        let (response, response_bytes) = shown(question.response.as_ref());
        Self {
            key: question.key.clone(),
            request,
            request_bytes,
            response,
            response_bytes,
        }
    }
}

/// The questions that a status shows in so many bytes of JSON, in their order, and how many it leaves out. Those that are
/// open come before those that were answered last; those that nobody waits for any more are left out.
pub(super) fn questions(task: &Task, bytes: usize) -> (Vec<QuestionView>, usize) {
    let current = task.lease.as_ref().map(|lease| lease.number);
    fitting_of(&task.input_requests, current, bytes)
}

fn fitting_of(
    all: &[InputRequest],
    current: Option<LeaseNumber>,
    bytes: usize,
) -> (Vec<QuestionView>, usize) {
    let numbered = || all.iter().enumerate();
    let open = numbered().filter(|(_, question)| question.is_open(current));
    let answered = numbered().filter(|(_, question)| question.response.is_some());
    let wanted = open.chain(answered.rev().take(ANSWERED));
    // More than these never fit.
    let most = wanted.take(bytes / QuestionView::LEAST_BYTES + 1);
    let mut shown: Vec<_> = most
        .map(|(index, question)| (index, QuestionView::from(question)))
        .collect();
    shown.truncate(fitting(shown.iter().map(|(_, view)| view), bytes));
    shown.sort_by_key(|(index, _)| *index);
    let left_out = all.len() - shown.len();
    (shown.into_iter().map(|(_, view)| view).collect(), left_out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn asked(number: usize, request: serde_json::Value, answered: bool) -> InputRequest {
        InputRequest {
            key: format!("q{number}"),
            request: request.into(),
            response: answered.then(|| json!("yes").into()),
            lease: LeaseNumber(if number < 10 { 1 } else { 2 }),
        }
    }

    fn keys(all: &[InputRequest], bytes: usize) -> (Vec<String>, usize) {
        let (shown, left_out) = fitting_of(all, None, bytes);
        (shown.into_iter().map(|view| view.key).collect(), left_out)
    }

    #[test]
    fn the_open_ones_and_the_last_answered_ones_are_shown() {
        let all: Vec<_> = (0..20)
            .map(|n| asked(n, json!("sure?"), n != 3 && n != 18))
            .collect();
        let wanted = ["q3", "q14", "q15", "q16", "q17", "q18", "q19"].map(str::to_owned);
        assert_eq!(keys(&all, 10_000), (wanted.to_vec(), 13));
        assert_eq!(keys(&all, 100), (vec!["q3".into(), "q18".into()], 18));
        assert_eq!(keys(&[], 100), (vec![], 0));
        let (shown, left_out) = fitting_of(&all, Some(LeaseNumber(2)), 100);
        let shown: Vec<_> = shown.into_iter().map(|view| view.key).collect();
        assert_eq!((shown, left_out), (vec!["q18".into(), "q19".into()], 18));
    }

    #[test]
    fn a_thousand_long_ones_keep_the_bound() {
        let all: Vec<_> = (0..1000)
            .map(|n| asked(n, json!("x".repeat(4000)), false))
            .collect();
        let (shown, left_out) = fitting_of(&all, None, 10_000);
        assert_eq!((shown.len(), left_out), (2, 998));
    }
}
