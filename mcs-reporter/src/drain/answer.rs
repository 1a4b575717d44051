//! What an answer of the coordinator means.

use super::policy::{Outcome, Reply};
use super::retry_after;
use crate::transport::{Response, TransportError};
use mcs_core::domain::interaction::{BatchAnswer, EventAnswer};
use serde_json::{Map, Value};
use std::time::{Duration, SystemTime};

/// What an answer means, and why in a few words where it is no good news.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) outcome: Outcome,
    /// The answers to the single events of a batch.
    pub(crate) answers: Vec<EventAnswer>,
    pub(crate) why: String,
}

/// Reads the answer to `events` events; one was sent by itself, more were sent as a batch.
pub(crate) fn of_events(
    answer: Result<Response, TransportError>,
    events: usize,
    wall: SystemTime,
) -> Verdict {
    let response = match answer {
        Ok(response) => response,
        Err(error) => return verdict(Outcome::Failed, error.to_string()),
    };
    let status = response.status;
    let why = format!("the coordinator answered {status}");
    let outcome = match status {
        200..=299 if events == 1 => return of_one(&response),
        200..=299 => return of_batch(&response, events),
        401 | 403 => Outcome::Refused(events),
        404 | 405 => Outcome::Missing(events),
        413 => Outcome::TooLarge(events),
        400 | 422 => return verdict(Outcome::Invalid(events), with_detail(why, &response)),
        429 => Outcome::Throttled(patience(&response, wall)),
        _ => match patience(&response, wall) {
            Some(wait) => Outcome::Throttled(Some(wait)),
            None => Outcome::Failed,
        },
    };
    verdict(outcome, why)
}

/// Reads the answer to `/api/v2/validate`. A good key may still be one that does not report as `mcp_id`; a coordinator that
/// says what a key may do is taken at its word.
pub(crate) fn of_validation(answer: &Result<Response, TransportError>, mcp_id: &str) -> Reply {
    match answer {
        Ok(response) if is_for_another(response, mcp_id) => Reply::No,
        answer => of_question(answer),
    }
}

fn is_for_another(response: &Response, mcp_id: &str) -> bool {
    let Ok(key) = json::<Map<String, Value>>(response) else {
        return false;
    };
    let (Some(Value::Array(scopes)), Some(owner)) = (key.get("scopes"), key.get("mcp_id")) else {
        return false;
    };
    let may = |scope: &str| scopes.iter().any(|found| found == scope);
    let is_own = may("admin") || (may("report") && owner == mcp_id);
    !is_own
}

/// Reads the answer to `/api/v2/health`, or to a question like it.
pub(crate) fn of_question(answer: &Result<Response, TransportError>) -> Reply {
    match answer {
        Ok(response) => match response.status {
            200..=299 => Reply::Yes,
            404 | 405 => Reply::Unknown,
            _ => Reply::No,
        },
        Err(_) => Reply::No,
    }
}

/// The first coordinators answered 200 and nobody looked at the body, so an empty one is fine. A page of a proxy is not.
fn of_one(response: &Response) -> Verdict {
    if response.body.is_empty() {
        return verdict(Outcome::Answered(1), String::new());
    }
    match json::<serde::de::IgnoredAny>(response) {
        Ok(_) => verdict(Outcome::Answered(1), String::new()),
        Err(why) => verdict(Outcome::Failed, why),
    }
}

fn of_batch(response: &Response, events: usize) -> Verdict {
    match json::<BatchAnswer>(response) {
        Ok(answer) => Verdict {
            outcome: Outcome::Answered(events),
            answers: answer.results,
            why: String::new(),
        },
        Err(why) => verdict(Outcome::Failed, why),
    }
}

fn json<T: serde::de::DeserializeOwned>(response: &Response) -> Result<T, String> {
    let kind = response.content_type.as_deref().unwrap_or_default();
    let media_type = kind.split(';').next().unwrap_or_default().trim();
    let is_json = media_type.eq_ignore_ascii_case("application/json")
        || media_type.to_ascii_lowercase().ends_with("+json");
    if !is_json {
        return Err(format!(
            "the coordinator answered {} with content of type {kind:?} instead of JSON",
            response.status
        ));
    }
    serde_json::from_slice(&response.body).map_err(|error| {
        format!(
            "the coordinator answered {} with JSON that cannot be read: {error}",
            response.status
        )
    })
}

fn patience(response: &Response, wall: SystemTime) -> Option<Duration> {
    retry_after::parse(response.retry_after.as_deref()?, wall)
}

/// The beginning of what a coordinator says, fit for a log.
pub(super) fn shown(text: &str) -> String {
    const SHOWN: usize = 300;
    text.chars()
        .filter(|letter| !letter.is_control())
        .take(SHOWN)
        .collect()
}

/// Adds the beginning of what the coordinator says, for whoever looks at the dead letter.
fn with_detail(why: String, response: &Response) -> String {
    let detail = shown(&String::from_utf8_lossy(&response.body));
    if detail.is_empty() {
        why
    } else {
        format!("{why}: {detail}")
    }
}

fn verdict(outcome: Outcome, why: String) -> Verdict {
    Verdict {
        outcome,
        answers: Vec::new(),
        why,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mcs_core::domain::interaction::EventOutcome;

    fn response(status: u16, content_type: &str, body: &str) -> Response {
        Response {
            status,
            content_type: Some(content_type.to_owned()),
            retry_after: None,
            body: body.as_bytes().to_vec(),
        }
    }

    fn outcome(response: Response, events: usize) -> Outcome {
        of_events(Ok(response), events, SystemTime::UNIX_EPOCH).outcome
    }

    #[test]
    fn every_status_has_a_meaning() {
        let json = "application/json";
        let empty = r#"{"results": []}"#;
        let patience = |status, wait: &str| Response {
            retry_after: Some(wait.to_owned()),
            ..response(status, json, "{}")
        };
        let minute = Some(Duration::from_mins(1));
        let cases = [
            (response(200, json, empty), 3, Outcome::Answered(3)),
            (
                response(207, "application/json; charset=utf-8", empty),
                3,
                Outcome::Answered(3),
            ),
            (
                response(200, json, r#"{"success": true}"#),
                1,
                Outcome::Answered(1),
            ),
            (response(204, "", ""), 1, Outcome::Answered(1)),
            (response(200, "", ""), 2, Outcome::Failed),
            (response(200, "text/html", "<html>"), 1, Outcome::Failed),
            (response(200, "text/html", empty), 3, Outcome::Failed),
            (response(200, json, r#"{"results": ["#), 3, Outcome::Failed),
            (response(200, json, r#"{"succ"#), 1, Outcome::Failed),
            (response(200, json, "[]"), 3, Outcome::Failed),
            (response(302, json, ""), 3, Outcome::Failed),
            (response(100, json, ""), 3, Outcome::Failed),
            (response(401, json, ""), 3, Outcome::Refused(3)),
            (response(403, json, ""), 1, Outcome::Refused(1)),
            (response(404, json, ""), 3, Outcome::Missing(3)),
            (response(405, json, ""), 1, Outcome::Missing(1)),
            (response(408, json, ""), 1, Outcome::Failed),
            (response(413, json, ""), 3, Outcome::TooLarge(3)),
            (response(400, json, ""), 3, Outcome::Invalid(3)),
            (response(422, json, ""), 1, Outcome::Invalid(1)),
            (response(429, json, ""), 3, Outcome::Throttled(None)),
            (patience(429, "60"), 3, Outcome::Throttled(minute)),
            (patience(503, "60"), 3, Outcome::Throttled(minute)),
            (patience(503, "soon"), 3, Outcome::Failed),
            (response(500, json, ""), 3, Outcome::Failed),
            (response(999, json, ""), 3, Outcome::Failed),
        ];
        for (response, events, expected) in cases {
            assert_eq!(outcome(response.clone(), events), expected, "{response:?}");
        }
        let timeout = of_events(Err(TransportError::Timeout), 3, SystemTime::UNIX_EPOCH);
        assert_eq!(timeout.outcome, Outcome::Failed);
        assert!(timeout.why.contains("in time"));
    }

    #[test]
    fn a_batch_is_answered_event_by_event() {
        let body = r#"{"results": [{"event_id": "a", "status": "rejected", "error": "no"}, {"event_id": "b", "status": "stored"}]}"#;
        let verdict = of_events(
            Ok(response(200, "application/json", body)),
            2,
            SystemTime::UNIX_EPOCH,
        );
        let answers: Vec<_> = verdict
            .answers
            .iter()
            .map(|answer| (answer.event_id.as_str(), answer.status))
            .collect();
        assert_eq!(
            answers,
            [("a", EventOutcome::Rejected), ("b", EventOutcome::Stored)]
        );
    }

    #[test]
    fn a_refusal_is_told_in_the_words_of_the_coordinator_but_not_at_length() {
        let long = "x".repeat(10_000);
        let verdict = of_events(
            Ok(response(
                422,
                "application/problem+json",
                &format!("no\r\n{long}"),
            )),
            1,
            SystemTime::UNIX_EPOCH,
        );
        assert!(
            verdict
                .why
                .starts_with("the coordinator answered 422: noxx")
        );
        assert!(verdict.why.len() < 400);
    }

    #[test]
    fn a_key_is_good_if_it_reports_as_this_mcp() {
        let reply = |status, body: &str| {
            of_validation(&Ok(response(status, "application/json", body)), "m")
        };
        let cases = [
            (r#"{"valid": true}"#, Reply::Yes),
            ("[]", Reply::Yes),
            (r#"{"mcp_id": "m", "scopes": ["report"]}"#, Reply::Yes),
            (r#"{"mcp_id": null, "scopes": ["admin"]}"#, Reply::Yes),
            (r#"{"mcp_id": "other", "scopes": ["report"]}"#, Reply::No),
            (r#"{"mcp_id": "m", "scopes": ["read"]}"#, Reply::No),
            (r#"{"mcp_id": null, "scopes": ["report"]}"#, Reply::No),
        ];
        for (body, expected) in cases {
            assert_eq!(reply(200, body), expected, "{body}");
        }
        assert_eq!(reply(403, "{}"), Reply::No);
        assert_eq!(reply(404, "{}"), Reply::Unknown);
    }

    #[test]
    fn a_question_is_answered_by_its_status() {
        let status = |status| of_question(&Ok(response(status, "text/plain", "")));
        assert_eq!(status(200), Reply::Yes);
        assert_eq!(status(404), Reply::Unknown);
        assert_eq!(status(401), Reply::No);
        assert_eq!(status(503), Reply::No);
        assert_eq!(of_question(&Err(TransportError::Timeout)), Reply::No);
    }
}
