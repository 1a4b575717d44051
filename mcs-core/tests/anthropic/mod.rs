//! A local stand-in of the Anthropic Messages API that answers as the user's message tells it to; `script.rs` has the
//! words. It speaks what Claude Code needs.
#![allow(dead_code, reason = "not every test uses all of it")]

mod script;
mod wire;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use futures_util::StreamExt;
use futures_util::stream;
use script::{Answer, Block};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

#[allow(unused_imports, reason = "not every test counts")]
pub(crate) use wire::{CACHE_READ_TOKENS, CACHE_WRITE_TOKENS, INPUT_TOKENS, OUTPUT_TOKENS};

/// The only key it takes.
pub(crate) const KEY: &str = "sk-ant-api03-stand-in";
/// Largest request that is read.
const BODY_BYTES: usize = 64 << 20;
/// Most requests that are kept to be looked at.
const REQUESTS: usize = 1000;

/// The server. It ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Anthropic {
    address: SocketAddr,
    seen: Arc<Seen>,
    server: JoinHandle<()>,
}

/// What came in.
#[derive(Debug, Default)]
struct Seen {
    requests: Mutex<Vec<Value>>,
    /// Answers that fail once and have.
    failed: Mutex<HashSet<String>>,
}

impl Seen {
    fn keep(&self, request: &Value) {
        let mut requests = lock(&self.requests);
        if requests.len() < REQUESTS {
            requests.push(request.clone());
        }
    }
}

impl Anthropic {
    /// A server on a free port of the loopback.
    pub(crate) async fn start() -> Self {
        Self::bind("127.0.0.1:0").await
    }

    pub(crate) async fn bind(address: &str) -> Self {
        let listener = TcpListener::bind(address).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let seen = Arc::new(Seen::default());
        let router = Router::new()
            .route("/v1/messages", post(messages))
            .route("/v1/messages/count_tokens", post(count_tokens))
            .fallback(elsewhere)
            .layer(axum::extract::DefaultBodyLimit::max(BODY_BYTES))
            .with_state(seen.clone());
        let server = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Self {
            address,
            seen,
            server,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The bodies of the requests for an answer, oldest first.
    pub(crate) fn requests(&self) -> Vec<Value> {
        lock(&self.seen.requests).clone()
    }

    /// What Claude Code is to have in its environment to talk to this server and to nobody else.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        let quiet = [
            "DISABLE_TELEMETRY",
            "DISABLE_AUTOUPDATER",
            "DISABLE_ERROR_REPORTING",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC",
            // Without it Claude Code refuses to go without permissions as root.
            "IS_SANDBOX",
        ];
        let mut environment = vec![
            ("ANTHROPIC_BASE_URL", self.url()),
            ("ANTHROPIC_API_KEY", KEY.to_owned()),
        ];
        environment.extend(quiet.map(|name| (name, "1".to_owned())));
        environment
    }
}

impl Drop for Anthropic {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn messages(State(seen): State<Arc<Seen>>, headers: HeaderMap, body: Bytes) -> Response {
    let Ok(request) = serde_json::from_slice::<Value>(&body) else {
        return wire::error(400, "the body is no JSON");
    };
    seen.keep(&request);
    if headers.get("x-api-key").is_none_or(|key| key != KEY) {
        return wire::error(401, "invalid x-api-key");
    }
    if !request["model"]
        .as_str()
        .is_some_and(|model| model.starts_with("claude-"))
    {
        return wire::error(404, &format!("model: {}", request["model"]));
    }
    let conversation = request["messages"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let (answer, place) = match script::answer(conversation) {
        Ok(found) => found,
        Err(why) => return wire::error(400, &why),
    };
    match answer {
        Answer::Blocks(blocks) => say(&request, &blocks, None),
        Answer::Refuse => {
            let cut = Block::Text("I begin to".to_owned());
            say(&request, &[cut], Some("refusal"))
        }
        Answer::Hang => hang(&request),
        Answer::Fail { status, once } => {
            if once && !lock(&seen.failed).insert(place) {
                let words = Block::Text(format!("{status} is over."));
                return say(&request, &[words], None);
            }
            wire::error(status, "as the script says")
        }
    }
}

fn say(request: &Value, blocks: &[Block], stop_reason: Option<&'static str>) -> Response {
    let message = wire::Message::new(&request["model"], blocks, stop_reason);
    if request["stream"] != true {
        return message.whole();
    }
    stream_of(message.events()).into_response()
}

fn hang(request: &Value) -> Response {
    let begun = Block::Text("I begin to".to_owned());
    let message = wire::Message::new(&request["model"], &[begun], None);
    let opening = message.opening().into_iter().map(Ok::<_, Infallible>);
    Sse::new(stream::iter(opening).chain(stream::pending())).into_response()
}

fn stream_of(events: Vec<Event>) -> impl IntoResponse {
    Sse::new(stream::iter(events.into_iter().map(Ok::<_, Infallible>)))
}

/// Counts roughly, which is enough for a client that only wants to know whether there is room left.
async fn count_tokens(body: Bytes) -> Response {
    Json(json!({"input_tokens": body.len() / 4})).into_response()
}

async fn elsewhere(uri: Uri) -> Response {
    eprintln!("the stand-in of the Anthropic API has no {uri}");
    (StatusCode::NOT_FOUND, wire::error(404, "no such address")).into_response()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
