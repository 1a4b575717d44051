//! A coordinator inside the test.

use async_trait::async_trait;
use mcs_core::domain::interaction::{
    BatchAnswer, EventAnswer, EventBatchBody, EventOutcome, InteractionEvent,
};
use mcs_reporter::{Request, Response, Transport, TransportError};
use serde_json::Value;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Keeps what it gets, or is not there.
#[derive(Debug, Default)]
pub(crate) struct Coordinator {
    events: Mutex<Vec<InteractionEvent>>,
    is_down: AtomicBool,
}

impl Coordinator {
    /// One that stores everything.
    pub(crate) fn up() -> Arc<Self> {
        Arc::default()
    }

    /// One that nobody reaches.
    pub(crate) fn down() -> Arc<Self> {
        Arc::new(Self {
            is_down: AtomicBool::new(true),
            ..Self::default()
        })
    }

    /// It is back.
    pub(crate) fn comes_up(&self) {
        self.is_down.store(false, Ordering::Release);
    }

    /// All events that arrived, in that order.
    pub(crate) fn events(&self) -> Vec<InteractionEvent> {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.clone()
    }

    fn store(&self, new: Vec<InteractionEvent>) -> Vec<EventAnswer> {
        let answers = new.iter().map(|event| EventAnswer {
            event_id: event.event_id.clone().unwrap(),
            status: EventOutcome::Stored,
            error: None,
        });
        let answers = answers.collect();
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.extend(new);
        answers
    }
}

#[async_trait]
impl Transport for Coordinator {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        assert_eq!(request.key.expose(), "sesame");
        if self.is_down.load(Ordering::Acquire) {
            return Err(TransportError::Connect("refused".to_owned()));
        }
        let path = request.url.strip_prefix("http://coordinator:8080/api/v2/");
        let body = match path.unwrap() {
            "interactions/batch" => {
                let batch: EventBatchBody = serde_json::from_slice(&request.body).unwrap();
                let results = self.store(batch.events);
                serde_json::to_vec(&BatchAnswer { results })
            }
            "interactions" => {
                self.store(vec![serde_json::from_slice(&request.body).unwrap()]);
                Ok(b"{}".to_vec())
            }
            _ => Ok(b"{}".to_vec()),
        };
        Ok(Response {
            status: 200,
            content_type: Some("application/json".to_owned()),
            retry_after: None,
            body: body.unwrap(),
        })
    }
}

/// The data of an event.
pub(crate) fn data(event: &InteractionEvent) -> Value {
    serde_json::from_str(event.data().unwrap().as_str()).unwrap()
}
