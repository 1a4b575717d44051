use super::Outcome;
use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use mcs_core::domain::interaction::{
    BatchAnswer, EventAnswer, EventBatchBody, EventOutcome, InteractionEvent,
};
use mcs_core::store::sqlite::Synchronous;
use rusqlite::Connection;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The least that a coordinator can be: it reads a batch, inserts what it did not have, commits, and answers. One table,
/// no checks, no keys, no summaries, no statistics, and nothing can be found again but by its id.
#[derive(Debug)]
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    serving: JoinHandle<std::io::Result<()>>,
}

type Shared = Arc<Mutex<Connection>>;

impl Receiver {
    /// Serves on a file that it makes.
    pub(crate) async fn start(path: &Path, synchronous: Synchronous) -> Outcome<Self> {
        let conn = Connection::open(path)?;
        let level = super::full_or_normal(synchronous);
        conn.execute_batch(&format!(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = {level};
             CREATE TABLE event (
                 mcp_id TEXT NOT NULL, event_id TEXT NOT NULL, interaction_id TEXT NOT NULL, action TEXT NOT NULL,
                 timestamp REAL NOT NULL, data TEXT, PRIMARY KEY (mcp_id, event_id)
             ) STRICT;"
        ))?;
        let router = Router::new()
            .route("/api/v2/interactions/batch", post(receive))
            .with_state(Arc::new(Mutex::new(conn)));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let serving = tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { address, serving })
    }

    pub(crate) async fn stop(self) {
        self.serving.abort();
        // It was aborted, and says so.
        let _ = self.serving.await;
    }
}

async fn receive(
    State(conn): State<Shared>,
    Json(batch): Json<EventBatchBody>,
) -> Result<Json<BatchAnswer>, String> {
    let stored = tokio::task::spawn_blocking(move || {
        let mut conn = conn.lock().unwrap_or_else(PoisonError::into_inner);
        store(&mut conn, batch.events)
    });
    let results = stored.await.map_err(|error| error.to_string())?;
    let results = results.map_err(|error| error.to_string())?;
    Ok(Json(BatchAnswer { results }))
}

fn store(
    conn: &mut Connection,
    events: Vec<InteractionEvent>,
) -> rusqlite::Result<Vec<EventAnswer>> {
    const SQL: &str = "INSERT OR IGNORE INTO event VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let tx = conn.transaction()?;
    let mut results = Vec::with_capacity(events.len());
    for event in events {
        let data = event.data().map(mcs_core::domain::Json::as_str);
        let inserted = tx.prepare_cached(SQL)?.execute((
            &event.mcp_id,
            &event.event_id,
            &event.interaction_id,
            event.action.as_str(),
            event.timestamp,
            data,
        ))?;
        results.push(EventAnswer {
            status: if inserted == 1 {
                EventOutcome::Stored
            } else {
                EventOutcome::Duplicate
            },
            event_id: event.event_id.unwrap_or_default(),
            error: None,
        });
    }
    tx.commit()?;
    Ok(results)
}
