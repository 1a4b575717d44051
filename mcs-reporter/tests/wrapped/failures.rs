use crate::session::{call, connect, open};
use crate::support::recorder::{Recorder, text};
use crate::support::server::{FINISH, Kitchen};
use mcs_reporter::{Interaction, InteractionAction, InteractionReporter, Report, ReportedServer};
use rmcp::model::{ClientRequest, ErrorCode, ReadResourceRequestParams, Request, RequestId};
use rmcp::service::{PeerRequestOptions, RequestContext, serve_directly};
use rmcp::{ServerHandler, ServiceError};
use serde_json::json;
use std::sync::Arc;

#[tokio::test]
async fn a_tool_that_fails_is_a_tool_error() {
    let (recorder, client) = open().await;
    client.call_tool(call("burn", json!({}))).await.unwrap();
    let (_, end) = recorder.only_call().await;
    assert_eq!(end.action, InteractionAction::Error);
    assert_eq!(text(&end, "error_type"), "tool_error");
    assert_eq!(text(&end, "tool"), "burn");
    assert_eq!(
        text(&end, "error_message"),
        "the tool answered with an error"
    );
    assert_eq!(end.data["success"], false);
    assert!(end.data["output_size"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn a_protocol_error_is_told_with_its_code() {
    let (recorder, client) = open().await;
    let refused = client.call_tool(call("refuse", json!({}))).await;
    assert!(
        matches!(refused, Err(ServiceError::McpError(_))),
        "{refused:?}"
    );
    let missing = ReadResourceRequestParams::new("kitchen://cellar");
    assert!(client.read_resource(missing).await.is_err());
    let told = recorder.told(4).await;
    assert_eq!(told[1].action, InteractionAction::Error);
    assert_eq!(text(&told[1], "error_type"), "invalid_params");
    assert_eq!(
        text(&told[1], "error_message"),
        "the server answered with an error: invalid_params"
    );
    assert_eq!(told[1].data["error_code"], ErrorCode::INVALID_PARAMS.0);
    assert_eq!(text(&told[3], "error_type"), "resource_not_found");
    assert_eq!(told[3].data["error_code"], ErrorCode::RESOURCE_NOT_FOUND.0);
}

#[tokio::test]
async fn a_call_that_the_client_cancels_is_cancelled() {
    let recorder = Recorder::new();
    let kitchen = Kitchen::default();
    let waiting = kitchen.waiting.clone();
    let client = connect(ReportedServer::new(kitchen, recorder.clone())).await;
    let request = ClientRequest::CallToolRequest(Request::new(call("wait", json!({}))));
    let handle = client
        .send_cancellable_request(request, PeerRequestOptions::no_options())
        .await
        .unwrap();
    waiting.notified().await;
    handle.cancel(None).await.unwrap();
    let (_, end) = recorder.only_call().await;
    assert_eq!(end.action, InteractionAction::Error);
    assert_eq!(text(&end, "error_type"), "cancelled");
    assert_eq!(text(&end, "error_message"), "the call was cancelled");
    assert_eq!(end.data["error_code"], ErrorCode::INTERNAL_ERROR.0);
    assert_eq!(end.data["cancelled"], true);
}

#[tokio::test]
async fn a_cancelled_call_is_no_success_even_if_the_server_finishes_it() {
    let recorder = Recorder::new();
    let kitchen = Kitchen::default();
    let waiting = kitchen.waiting.clone();
    let server = Arc::new(ReportedServer::new(kitchen, recorder.clone()));
    let (here, _there) = tokio::io::duplex(1024);
    let running = serve_directly(server.clone(), here, None);
    let context = RequestContext::new(RequestId::Number(1), running.peer().clone());
    let cancel = context.ct.clone();
    let under_way =
        tokio::spawn(async move { server.call_tool(call(FINISH, json!({})), context).await });
    waiting.notified().await;
    cancel.cancel();
    let answer = under_way.await.unwrap().unwrap();
    assert!(format!("{answer:?}").contains("it is done"), "{answer:?}");
    let (_, end) = recorder.only_call().await;
    assert_eq!(end.action, InteractionAction::Error);
    assert_eq!(end.data["success"], false);
    assert_eq!(text(&end, "error_type"), "cancelled");
    assert_eq!(text(&end, "error_message"), "the call was cancelled");
    assert_eq!(end.data["cancelled"], true);
    assert_eq!(text(&end, "result_type"), "complete");
}

#[tokio::test]
async fn a_call_that_is_dropped_is_abandoned() {
    let recorder = Recorder::new();
    let kitchen = Kitchen::default();
    let waiting = kitchen.waiting.clone();
    let server = Arc::new(ReportedServer::new(kitchen, recorder.clone()));
    let (here, _there) = tokio::io::duplex(1024);
    let running = serve_directly(server.clone(), here, None);
    let context = RequestContext::new(RequestId::Number(1), running.peer().clone());
    let under_way =
        tokio::spawn(async move { server.call_tool(call("wait", json!({})), context).await });
    waiting.notified().await;
    under_way.abort();
    let (_, end) = recorder.only_call().await;
    assert_eq!(end.action, InteractionAction::Error);
    assert_eq!(text(&end, "error_type"), "abandoned");
    assert!(end.data["processing_time"].as_f64().unwrap() > 0.0);
    assert!(!end.data.contains_key("cancelled"));
}

#[tokio::test]
async fn a_call_in_which_the_server_panics_is_told_and_ends_nothing_else() {
    let (recorder, client) = open().await;
    let request = ClientRequest::CallToolRequest(Request::new(call("crash", json!({}))));
    // The protocol library sends no answer to it.
    let _unanswered = client
        .send_cancellable_request(request, PeerRequestOptions::no_options())
        .await
        .unwrap();
    let (_, end) = recorder.only_call().await;
    assert_eq!(text(&end, "error_type"), "panic");
    client.call_tool(call("echo", json!({}))).await.unwrap();
    recorder.told(4).await;
}

/// Breaks its contract in each of its methods.
#[derive(Debug)]
struct Broken {
    enabled: fn() -> bool,
}

impl InteractionReporter for Broken {
    fn report(&self, _: Interaction) -> Report {
        panic!("this reporter is broken")
    }

    fn is_enabled(&self) -> bool {
        (self.enabled)()
    }
}

#[tokio::test]
async fn a_reporter_that_panics_harms_no_call() {
    for enabled in [|| true, || panic!("not even this works")] {
        let server = ReportedServer::new(Kitchen::default(), Arc::new(Broken { enabled }));
        let server = server.user_id(|_| panic!("nor does this"));
        let client = connect(server).await;
        client.call_tool(call("echo", json!({}))).await.unwrap();
        assert!(client.call_tool(call("refuse", json!({}))).await.is_err());
        // Here the reporter panics while a panic of the server drops the call.
        let request = ClientRequest::CallToolRequest(Request::new(call("crash", json!({}))));
        let options = PeerRequestOptions::no_options();
        let _unanswered = client
            .send_cancellable_request(request, options)
            .await
            .unwrap();
        client.call_tool(call("echo", json!({}))).await.unwrap();
    }
}
