//! A coordinator in memory that misbehaves as it is told to.

use crate::transport::{Request, Response, Transport, TransportError};
use async_trait::async_trait;
use serde_json::{Value, json};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::time::Instant;

/// What it does with a request.
#[derive(Debug, Clone)]
pub(super) enum Does {
    /// What it should.
    Well,
    /// Takes no connection.
    Refuses,
    /// Breaks off before it did anything.
    Breaks,
    /// Stores, and then breaks off.
    LosesAnswer,
    /// Answers after so long.
    Takes(Duration),
    /// Answers with this status, doing nothing.
    Says(u16),
    /// Answers with this status and `Retry-After`, doing nothing.
    SaysLater(u16, &'static str),
    /// Stores, and answers with half of what it should.
    AnswersHalf,
    /// Stores nothing, and answers with a page.
    ShowsPage,
    /// Stores the first of the events, and has no answer for the others.
    StoresFirst,
    /// Says of each event that it should come again.
    WantsAll,
    /// Panics.
    Panics,
}

/// A request as it came.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Seen {
    /// Milliseconds since the coordinator was made.
    pub(super) at: u128,
    /// The last part of the path, such as `batch`.
    pub(super) path: String,
    /// How many events were in it.
    pub(super) events: usize,
}

#[derive(Debug, Default)]
pub(super) struct State {
    /// What it does with the next requests to deliver events, one each; after that `always`.
    pub(super) next: VecDeque<Does>,
    pub(super) always: Option<Does>,
    /// What it does with questions.
    pub(super) questions: Option<Does>,
    pub(super) has_batches: bool,
    /// Most events, and most bytes, that it takes at once.
    pub(super) most: Option<usize>,
    /// Events that it will never take, by a word in them, and whether it can say so of each event.
    pub(super) rejects: Option<(String, bool)>,
    /// Events that are to come again, by a word in them.
    pub(super) wants_again: Option<String>,
    pub(super) seen: Vec<Seen>,
    /// How often each event was stored, by id, and all of them in the order of arrival.
    pub(super) stored: HashMap<String, usize>,
    pub(super) order: Vec<Value>,
    /// Events that it said it will never take.
    pub(super) rejected: Vec<String>,
}

/// The other end.
#[derive(Debug)]
pub(super) struct Coordinator {
    state: Mutex<State>,
    made: Instant,
}

impl Coordinator {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                has_batches: true,
                ..State::default()
            }),
            made: Instant::now(),
        })
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// From now on it does that with everything.
    pub(super) fn always(&self, does: Does) {
        let mut state = self.state();
        state.always = Some(does.clone());
        state.questions = Some(does);
    }

    /// It is well again.
    pub(super) fn recovers(&self) {
        self.always(Does::Well);
    }

    /// The requests for `path` so far.
    pub(super) fn seen(&self, path: &str) -> Vec<Seen> {
        let state = self.state();
        let seen = state.seen.iter().filter(|seen| seen.path == path);
        seen.cloned().collect()
    }

    /// How many different events it has.
    pub(super) fn stored(&self) -> usize {
        self.state().stored.len()
    }

    fn answer(&self, path: &str, body: &[u8]) -> Response {
        let events = events_of(path, body);
        let mut state = self.state();
        if path == "batch" && !state.has_batches {
            return status(404);
        }
        if state.most.is_some_and(|most| events.len() > most) {
            return status(413);
        }
        let rejects = state.rejects.clone();
        let is_bad = |event: &Value| {
            let bad = rejects.as_ref();
            bad.is_some_and(|(word, _)| event.to_string().contains(word))
        };
        let can_say = rejects.as_ref().is_some_and(|(_, can_say)| *can_say);
        if events.iter().any(is_bad) && !(can_say && path == "batch") {
            if events.len() == 1 {
                state.rejected.push(name(&events[0]));
            }
            return status(422);
        }
        let again = state.wants_again.clone();
        let is_later = |event: &Value| {
            let later = again.as_ref();
            later.is_some_and(|word| event.to_string().contains(word))
        };
        if path != "batch" && events.iter().any(is_later) {
            return status(503);
        }
        let mut results = Vec::new();
        for event in events {
            let id = name(&event);
            let outcome = if is_bad(&event) {
                state.rejected.push(id.clone());
                "rejected"
            } else if is_later(&event) {
                "retry"
            } else {
                state.store(event)
            };
            results.push(json!({"event_id": id, "status": outcome}));
        }
        if path == "batch" {
            answer(200, &json!({ "results": results }))
        } else {
            answer(200, &json!({"success": true}))
        }
    }

    fn first(&self, path: &str, body: &[u8]) -> Response {
        let events = events_of(path, body);
        let whole = self.answer(
            "batch",
            &json!({"events": [events[0]]}).to_string().into_bytes(),
        );
        // One event by itself is answered by the status.
        if path == "batch" {
            whole
        } else {
            self.answer(path, body)
        }
    }

    /// Notes the request, and says what is to be done with it.
    fn note(&self, path: &str, body: &[u8]) -> Does {
        let is_question = matches!(path, "health" | "validate");
        let events = if is_question {
            0
        } else {
            events_of(path, body).len()
        };
        let mut state = self.state();
        state.seen.push(Seen {
            at: self.made.elapsed().as_millis(),
            path: path.to_owned(),
            events,
        });
        let next = if is_question {
            state.questions.clone()
        } else {
            state.next.pop_front().or_else(|| state.always.clone())
        };
        next.unwrap_or(Does::Well)
    }
}

impl State {
    fn store(&mut self, event: Value) -> &'static str {
        let times = self.stored.entry(name(&event)).or_default();
        *times += 1;
        if *times > 1 {
            return "duplicate";
        }
        self.order.push(event);
        "stored"
    }
}

#[async_trait]
impl Transport for Coordinator {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        assert_eq!(request.key.expose(), "sesame");
        let path = request.url.rsplit('/').next().expect("a path").to_owned();
        let does = self.note(&path, &request.body);
        let well = || match path.as_str() {
            "health" | "validate" => answer(200, &json!({"status": "healthy"})),
            path => self.answer(path, &request.body),
        };
        Ok(match does {
            Does::Well => well(),
            Does::Refuses => return Err(TransportError::Connect("connection refused".to_owned())),
            Does::Breaks => return Err(TransportError::Broken("reset".to_owned())),
            Does::LosesAnswer => {
                well();
                return Err(TransportError::Broken("reset".to_owned()));
            }
            Does::Takes(time) if time > request.timeout => {
                // It hangs up on who waits, and stores what it got nevertheless.
                well();
                tokio::time::sleep(request.timeout).await;
                return Err(TransportError::Timeout);
            }
            Does::Takes(time) => {
                tokio::time::sleep(time).await;
                well()
            }
            Does::Says(code) => status(code),
            Does::SaysLater(code, wait) => Response {
                retry_after: Some(wait.to_owned()),
                ..status(code)
            },
            Does::AnswersHalf => {
                let mut answer = well();
                answer.body.truncate(answer.body.len() / 2);
                answer
            }
            Does::ShowsPage => Response {
                content_type: Some("text/html".to_owned()),
                body: b"<html>".to_vec(),
                ..status(200)
            },
            Does::StoresFirst => self.first(&path, &request.body),
            Does::WantsAll => wants_all(&path, &request.body),
            Does::Panics => panic!("a transport of the host's own"),
        })
    }
}

fn wants_all(path: &str, body: &[u8]) -> Response {
    if path != "batch" {
        return status(503);
    }
    let events = events_of(path, body);
    let again = events
        .iter()
        .map(|event| json!({"event_id": name(event), "status": "retry"}));
    answer(200, &json!({"results": again.collect::<Vec<_>>()}))
}

/// The events in the body of a request.
fn events_of(path: &str, body: &[u8]) -> Vec<Value> {
    let body: Value = serde_json::from_slice(body).expect("the reporter sends JSON");
    match path {
        "batch" => body["events"].as_array().expect("a list").clone(),
        _ => vec![body],
    }
}

/// What an event is known by: its id, or all of it where it has none.
pub(super) fn name(event: &Value) -> String {
    event["event_id"]
        .as_str()
        .map_or_else(|| event.to_string(), ToOwned::to_owned)
}

fn answer(status: u16, body: &Value) -> Response {
    Response {
        status,
        content_type: Some("application/json".to_owned()),
        retry_after: None,
        body: body.to_string().into_bytes(),
    }
}

fn status(status: u16) -> Response {
    answer(status, &json!({"title": "as the test wants it"}))
}
