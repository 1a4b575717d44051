//! A coordinator on a socket, which loses every few answers.

use super::child::Told;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex};
use tokio::net::TcpListener;

#[derive(Default)]
struct Stored {
    event_ids: HashSet<String>,
    /// The numbers of each life in the order in which they came.
    lives: HashMap<String, Vec<u64>>,
    events: usize,
}

#[derive(Default)]
struct Shared {
    stored: Mutex<Stored>,
    changed: Condvar,
}

/// A coordinator, for as long as it is held.
pub(crate) struct Coordinator {
    shared: Arc<Shared>,
    address: SocketAddr,
    _runtime: tokio::runtime::Runtime,
}

impl Coordinator {
    pub(crate) fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let shared = Arc::<Shared>::default();
        let router = Router::new()
            .route("/api/v2/health", get(|| async { "well" }))
            .route("/api/v2/interactions", post(one))
            .route("/api/v2/interactions/batch", post(batch))
            .with_state(Arc::clone(&shared));
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self {
            shared,
            address,
            _runtime: runtime,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits until so many events are stored.
    pub(crate) fn wait_for(&self, events: usize) {
        let stored = self.shared.stored.lock().unwrap();
        let is_short = |stored: &mut Stored| stored.events < events;
        drop(self.shared.changed.wait_while(stored, is_short).unwrap());
    }

    /// Compares what came with what was accepted. One more may have come of each life: the one whose acceptance was not
    /// said any more.
    pub(crate) fn check(&self, told: &Told) {
        let stored = self.shared.stored.lock().unwrap();
        for (life, accepted) in told.lives() {
            let numbers = stored.lives.get(life).map_or(&[][..], Vec::as_slice);
            let came = numbers.len() as u64;
            assert!(
                numbers.iter().copied().eq(0..came),
                "{life} came as {numbers:?}"
            );
            let more = came.checked_sub(accepted);
            assert!(
                more.is_some_and(|more| more <= 1),
                "of {life} {came} of {accepted} came"
            );
        }
    }
}

async fn one(
    State(shared): State<Arc<Shared>>,
    Json(event): Json<Value>,
) -> (StatusCode, Json<Value>) {
    shared.store(&event);
    answer(json!({"success": true}))
}

async fn batch(
    State(shared): State<Arc<Shared>>,
    Json(body): Json<Value>,
) -> (StatusCode, Json<Value>) {
    let events = body["events"].as_array().unwrap();
    let results: Vec<_> = events
        .iter()
        .map(|event| {
            let status = if shared.store(event) {
                "stored"
            } else {
                "duplicate"
            };
            json!({"event_id": event["event_id"], "status": status})
        })
        .collect();
    answer(json!({ "results": results }))
}

/// The answer, or none though the events are stored.
fn answer(body: Value) -> (StatusCode, Json<Value>) {
    if fastrand::u8(..10) == 0 {
        (StatusCode::INTERNAL_SERVER_ERROR, Json(json!({})))
    } else {
        (StatusCode::OK, Json(body))
    }
}

impl Shared {
    fn store(&self, event: &Value) -> bool {
        let mut stored = self.stored.lock().unwrap();
        let id = event["event_id"].as_str().unwrap().to_owned();
        if !stored.event_ids.insert(id) {
            return false;
        }
        if let Some(n) = event["progress_data"]["n"].as_u64() {
            let life = event["interaction_id"].as_str().unwrap().to_owned();
            stored.lives.entry(life).or_default().push(n);
        }
        stored.events += 1;
        self.changed.notify_all();
        true
    }
}
