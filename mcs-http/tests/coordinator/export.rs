//! Everything that is kept, as lines.

use crate::surroundings::{Server, event, named, of};
use futures_util::StreamExt;
use mcs_core::service::{Principal, Scope};
use reqwest::Method;
use serde_json::{Value, json};

async fn export(server: &Server, query: &str) -> Vec<Value> {
    let path = format!("/api/v2/interactions/export{query}");
    let answer = server.request(Method::GET, &path).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "application/jsonl");
    let text = answer.text().await.unwrap();
    assert!(text.is_empty() || text.ends_with('\n'));
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test]
async fn every_event_is_a_line_in_the_order_in_which_it_was_stored() {
    Server::each(async |server| {
        assert_eq!(export(&server, "").await, Vec::<Value>::new());
        let mut sent = Vec::new();
        // More than a page, and of two servers by turns.
        for n in 0..230 {
            let event = event(
                "progress",
                "int_1_a",
                f64::from(1000 - n),
                &json!({"n": n, "text": "é\n\u{2028}"}),
            );
            let mcp_id = if n % 3 == 0 { "tides" } else { "weather" };
            sent.push(named(of(event, mcp_id), &format!("e{n}")));
        }
        for events in sent.chunks(100) {
            server.batch(events).await;
        }
        let lines = export(&server, "").await;
        assert_eq!(lines.len(), sent.len());
        for (line, sent) in lines.iter().zip(&sent) {
            for (field, value) in sent.as_object().unwrap() {
                assert_eq!(&line[field], value);
            }
        }
        let tides = export(&server, "?mcp_id=tides").await;
        assert_eq!(tides.len(), 77);
        assert!(tides.iter().all(|line| line["mcp_id"] == "tides"));
        assert_eq!(export(&server, "?mcp_id=nobody").await, Vec::<Value>::new());
    })
    .await;
}

#[tokio::test]
async fn an_export_can_be_reported_again_and_changes_nothing() {
    Server::each(async |server| {
        for n in 0..5 {
            server
                .report(&event(
                    "progress",
                    "int_1_a",
                    f64::from(n),
                    &json!({"n": n}),
                ))
                .await;
        }
        let results = server.batch(&export(&server, "").await).await;
        assert!(
            results.iter().all(|one| one["status"] == "duplicate"),
            "{results:?}"
        );
        assert_eq!(server.kept().await, 5);
    })
    .await;
}

#[tokio::test]
async fn an_export_is_cut_off_with_its_key() {
    Server::each(async |server| {
        let data = json!({"x": "x".repeat(100_000)});
        // Far more than the buffers of both ends hold.
        for n in 0..400 {
            let event = event("progress", "int_1_a", f64::from(n), &data);
            server.report(&event).await;
        }
        let reader = server.key(None, &[Scope::Admin]).await;
        let server = server.with(&reader);
        let export = server.request(Method::GET, "/api/v2/interactions/export");
        // Compressed, it would be small enough for the buffers.
        let export = export.header("accept-encoding", "identity");
        let mut export = export.send().await.unwrap().bytes_stream();
        let first = export.next().await.unwrap().unwrap();
        let (keys, local) = (server.service.keys(), Principal::local());
        keys.revoke(&local, &reader.key.id).await.unwrap();
        let mut bytes = first.len();
        let error = loop {
            match export.next().await.expect("no end that looks like one") {
                Ok(chunk) => bytes += chunk.len(),
                Err(error) => break error,
            }
        };
        assert!(bytes < 400 * 100_000, "{error}");
    })
    .await;
}
