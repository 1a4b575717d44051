use crate::kit::{Client, Waits, bare, options, read};
use mcs_mcp::http::{Endpoint, HttpOptions};
use std::time::Duration;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

#[tokio::test(start_paused = true)]
async fn calls_answer_at_the_end_and_streams_are_cut_off() {
    let (handler, stop) = (Waits::new(), CancellationToken::new());
    let options = HttpOptions {
        stop: stop.clone(),
        ..options(&handler)
    };
    let client = Client::new(&Endpoint::new(handler.clone(), options));
    let session = client.session().await;
    let call = client.call(&session, 1, "wait").await;
    let listening = client
        .send(bare("GET", &[("mcp-session-id", &session)]))
        .await;
    handler.begun().await;
    stop.cancel();
    assert!(read(call).await.contains("the end is near"));
    let ended = timeout(Duration::from_secs(1), read(listening)).await;
    ended.expect("a stream that would go on for ever");
}
