use crate::kit::{Client, Waits, modern, options, read};
use axum::extract::Request;
use futures_util::StreamExt;
use mcs_mcp::http::Endpoint;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

fn wait() -> Request {
    let headers = [("mcp-method", "tools/call"), ("mcp-name", "wait")];
    let params = json!({"name": "wait", "arguments": {}});
    modern("tools/call", params, &headers)
}

#[tokio::test(start_paused = true)]
async fn a_call_that_takes_long_shows_that_it_lives_and_answers_in_the_end() {
    let handler = Waits::new();
    let client = Client::new(&Endpoint::new(handler.clone(), options(&handler)));
    let asked = Instant::now();
    let answer = client.send(wait()).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let mut body = answer.into_body().into_data_stream();
    for _ in 0..3 {
        let said = timeout(Duration::from_secs(20), body.next()).await;
        let said = said.expect("a sign in time").unwrap().unwrap();
        assert_eq!(said, ":\n\n");
    }
    assert!(asked.elapsed() < Duration::from_mins(1));
    sleep(Duration::from_mins(10)).await;
    handler.answer();
    let mut rest = String::new();
    while let Some(piece) = body.next().await {
        rest += std::str::from_utf8(&piece.unwrap()).unwrap();
    }
    let message = rest.lines().find_map(|line| line.strip_prefix("data: "));
    let message: Value = serde_json::from_str(message.unwrap()).unwrap();
    assert_eq!(message["id"], 7);
    assert!(message["result"].to_string().contains("waited"));
    assert!(rest.ends_with("\n\n"), "{rest}");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_does_not_take_long_is_answered_with_the_answer_alone() {
    let handler = Waits::new();
    let client = Client::new(&Endpoint::new(handler.clone(), options(&handler)));
    let answers = async {
        handler.begun().await;
        sleep(Duration::from_secs(4)).await;
        handler.answer();
    };
    let (answer, ()) = tokio::join!(client.send(wait()), answers);
    assert_eq!(answer.headers()["content-type"], "application/json");
    assert!(read(answer).await.contains("waited"));
}

#[tokio::test(start_paused = true)]
async fn who_leaves_a_call_that_takes_long_ends_it() {
    let handler = Waits::new();
    let client = Client::new(&Endpoint::new(handler.clone(), options(&handler)));
    drop(client.send(wait()).await);
    handler.begun().await;
    // Calls that nobody ended would take these.
    handler.answer();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(handler.answers.available_permits(), 1);
}
