//! New events, as they are stored.

use crate::surroundings::{Kept, PATIENCE, Server, answer, event, named, of};
use futures_util::{Stream, StreamExt};
use mcs_core::service::{Principal, Scope};
use mcs_http::Options;
use reqwest::Method;
use serde_json::{Value, json};
use std::pin::Pin;
use tokio::time::timeout;

/// What a client of server-sent events sees.
struct Heard {
    chunks: Pin<Box<dyn Stream<Item = reqwest::Result<bytes::Bytes>> + Send>>,
    text: String,
    /// What it sends when it comes back.
    last_id: String,
}

impl Heard {
    async fn open(server: &Server, query: &str, last_id: Option<&str>) -> Self {
        let path = format!("/api/v2/interactions/stream{query}");
        let mut request = server.request(Method::GET, &path);
        if let Some(id) = last_id {
            request = request.header("Last-Event-ID", id);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        let mut stream = Self {
            chunks: Box::pin(answer.bytes_stream()),
            text: String::new(),
            last_id: String::new(),
        };
        // The first block says where it begins.
        assert_eq!(stream.block().await.unwrap().0, "");
        assert!(!stream.last_id.is_empty());
        stream
    }

    /// The next event and its data; `None` at the end.
    async fn block(&mut self) -> Option<(String, String)> {
        loop {
            if let Some((block, _)) = self.text.split_once("\n\n") {
                let block = block.to_owned();
                self.text = self.text.split_off(block.len() + 2);
                let field = |name: &str| {
                    let mut lines = block.lines();
                    lines.find_map(|line| Some(line.strip_prefix(name)?.trim_start().to_owned()))
                };
                if let Some(id) = field("id:") {
                    self.last_id = id;
                    return Some((
                        field("event:").unwrap_or_default(),
                        field("data:").unwrap_or_default(),
                    ));
                }
                continue;
            }
            let chunk = timeout(PATIENCE, self.chunks.next())
                .await
                .expect("in time")?;
            self.text += std::str::from_utf8(&chunk.ok()?).unwrap();
        }
    }

    /// The data of the next interaction.
    async fn next(&mut self) -> Value {
        let (name, data) = self.block().await.expect("another event");
        assert_eq!(name, "interaction");
        serde_json::from_str(&data).unwrap()
    }
}

fn numbered(n: u32) -> Value {
    named(
        event("progress", "int_1_a", f64::from(n), &json!({"n": n})),
        &format!("e{n}"),
    )
}

#[tokio::test]
async fn a_client_hears_what_is_stored_after_it_came() {
    Server::each(async |server| {
        server.report(&numbered(0)).await;
        let mut stream = Heard::open(&server, "", None).await;
        for n in 1..4 {
            server.report(&numbered(n)).await;
            let heard = stream.next().await;
            assert_eq!(heard["event_id"], format!("e{n}"));
            assert_eq!(heard["progress_data"], json!({"n": n}));
        }
    })
    .await;
}

#[tokio::test]
async fn a_client_that_comes_back_misses_nothing_and_hears_nothing_twice() {
    Server::each(async |server| {
        let mut stream = Heard::open(&server, "", None).await;
        let mut last_id = stream.last_id.clone();
        drop(stream);
        // It lost the stream before the first event.
        let events: Vec<_> = (0..200).map(numbered).collect();
        for events in events.chunks(100) {
            server.batch(events).await;
        }
        let mut heard = 0;
        while heard < 200 {
            stream = Heard::open(&server, "", Some(&last_id)).await;
            for _ in 0..67.min(200 - heard) {
                assert_eq!(stream.next().await["event_id"], format!("e{heard}"));
                heard += 1;
            }
            last_id = stream.last_id;
        }
        let mut all = Heard::open(&server, &format!("?after={last_id}"), None).await;
        server.report(&numbered(200)).await;
        assert_eq!(all.next().await["event_id"], "e200");
    })
    .await;
}

#[tokio::test]
async fn a_client_hears_the_server_that_it_asked_for() {
    Server::each(async |server| {
        let mut stream = Heard::open(&server, "?mcp_id=tides", None).await;
        for n in 0..10 {
            server.report(&numbered(n)).await;
        }
        server.report(&of(numbered(10), "tides")).await;
        assert_eq!(stream.next().await["event_id"], "e10");
    })
    .await;
}

#[tokio::test]
async fn streams_are_bounded_and_their_places_come_back() {
    let options = Options {
        max_streams: 2,
        ..Options::default()
    };
    let server = Server::start(Kept::Memory, options).await;
    let first = Heard::open(&server, "", None).await;
    let _second = Heard::open(&server, "", None).await;
    for path in ["stream", "export"] {
        let third = server.request(Method::GET, &format!("/api/v2/interactions/{path}"));
        let (status, body) = answer(third).await;
        assert_eq!(status, 503);
        assert!(
            body["detail"].as_str().unwrap().contains("2 streams"),
            "{body}"
        );
    }
    drop(first);
    // The server notices that a client left when it next has something to say, or at once.
    let place_is_back = async {
        loop {
            let (status, _) = server.get("/api/v2/statistics").await;
            assert_eq!(status, 200, "other requests need no place");
            let export = server.request(Method::GET, "/api/v2/interactions/export");
            if export.send().await.unwrap().status() == 200 {
                return;
            }
        }
    };
    timeout(PATIENCE, place_is_back)
        .await
        .expect("the place comes back");
}

#[tokio::test]
async fn a_client_that_does_not_read_holds_up_nobody() {
    Server::each(async |server| {
        let mut slow = Heard::open(&server, "", None).await;
        let data = json!({"x": "x".repeat(100_000)});
        // Far more than the buffers of both ends hold.
        for n in 0..300 {
            let event = named(
                event("progress", "int_1_a", f64::from(n), &data),
                &format!("e{n}"),
            );
            server.report(&event).await;
        }
        for n in 0..300 {
            assert_eq!(slow.next().await["event_id"], format!("e{n}"));
        }
    })
    .await;
}

#[tokio::test]
async fn streams_end_with_the_server() {
    let server = Server::start(Kept::Memory, Options::default()).await;
    let mut stream = Heard::open(&server, "", None).await;
    server.options.stop.cancel();
    assert_eq!(stream.block().await, None);
}

impl Heard {
    /// The rest of the stream: what it says of its end, and nothing after that.
    async fn end(mut self) -> String {
        while self.text.is_empty() {
            let chunk = timeout(PATIENCE, self.chunks.next());
            let chunk = chunk.await.expect("in time").expect("a word at the end");
            self.text += std::str::from_utf8(&chunk.unwrap()).unwrap();
        }
        let rest = timeout(PATIENCE, self.chunks.next());
        assert!(rest.await.expect("in time").is_none());
        self.text
    }
}

#[tokio::test]
async fn a_stream_ends_with_its_key() {
    Server::each(async |server| {
        let scopes = [Scope::Read, Scope::Report];
        let reader = server.key(Some("weather"), &scopes).await;
        let other = server.key(Some("weather"), &scopes).await;
        let server = server.with(&reader);
        let stream = Heard::open(&server, "", None).await;
        let server = server.with(&other);
        let mut stays = Heard::open(&server, "", None).await;
        let (keys, local) = (server.service.keys(), Principal::local());
        keys.revoke(&local, &reader.key.id).await.unwrap();
        server.report(&numbered(0)).await;
        let end = stream.end().await;
        assert!(end.contains("event: problem"), "{end}");
        assert!(end.contains("the key was revoked"), "{end}");
        assert!(!end.contains("e0"), "{end}");
        assert_eq!(stays.next().await["event_id"], "e0");
    })
    .await;
}

#[tokio::test]
async fn a_stream_that_needed_no_key_ends_with_the_first_one() {
    Server::each(async |server| {
        let stream = Heard::open(&server, "", None).await;
        server.key(Some("weather"), &[]).await;
        let end = stream.end().await;
        assert!(end.contains("a key was made meanwhile"), "{end}");
    })
    .await;
}
