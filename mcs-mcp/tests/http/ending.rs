use crate::kit::{Client, Waits, bare, modern, options, read};
use mcs_mcp::http::{Endpoint, HttpOptions};
use serde_json::json;
use std::time::Duration;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

#[tokio::test(start_paused = true)]
async fn calls_answer_at_the_end_and_streams_are_cut_off() {
    let handler = Waits::new();
    let client = Client::new(&Endpoint::new(handler.clone(), options(&handler)));
    let session = client.session().await;
    let call = client.call(&session, 1, "wait").await;
    let listening = client
        .send(bare("GET", &[("mcp-session-id", &session)]))
        .await;
    handler.begun().await;
    handler.ending.cancel();
    assert!(read(call).await.contains("the end is near"));
    let ended = timeout(Duration::from_secs(1), read(listening)).await;
    ended.expect("a stream that would go on for ever");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_takes_longer_is_answered_within_the_time_for_it() {
    for (takes, answered) in [(4, true), (6, false)] {
        let (handler, stop) = (Waits::new(), CancellationToken::new());
        let options = HttpOptions {
            stop: stop.clone(),
            last_answers: Duration::from_secs(5),
            ..options(&handler)
        };
        let client = Client::new(&Endpoint::new(handler.clone(), options));
        let session = client.session().await;
        let listens = client
            .send(bare("GET", &[("mcp-session-id", &session)]))
            .await;
        let headers = [("mcp-method", "tools/call"), ("mcp-name", "wait")];
        let params = json!({"name": "wait", "arguments": {}});
        let stateless = client.send(modern("tools/call", params, &headers));
        let earlier = async { read(client.call(&session, 1, "wait").await).await };
        let stateless = async { read(stateless.await).await };
        let ends = async {
            handler.begun().await;
            handler.begun().await;
            stop.cancel();
            sleep(Duration::from_secs(takes)).await;
            handler.answer();
            handler.answer();
        };
        let (earlier, stateless, ()) = tokio::join!(earlier, stateless, ends);
        assert_eq!(earlier.contains("waited"), answered, "{takes}: {earlier}");
        assert_eq!(
            stateless.contains("waited"),
            answered,
            "{takes}: {stateless}"
        );
        let ended = timeout(Duration::from_secs(1), read(listens)).await;
        ended.expect("nothing keeps the stream any more");
    }
}
