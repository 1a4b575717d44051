//! What is told of arguments and results, and what is not.

use crate::session::{call, connect};
use crate::support::recorder::{Recorder, text};
use crate::support::server::Kitchen;
use mcs_reporter::{Interaction, ReportedServer};
use rmcp::ServerHandler;
use rmcp::model::{GetPromptRequestParams, ReadResourceRequestParams, RequestId};
use rmcp::service::{RequestContext, serve_directly};
use serde_json::{Value, json};

const SECRET: &str = "grandmother's recipe";

#[tokio::test]
async fn arguments_and_results_are_not_told_unasked() {
    let recorder = Recorder::new();
    let client = connect(ReportedServer::new(Kitchen::default(), recorder.clone())).await;
    client
        .call_tool(call("echo", json!({"dish": SECRET})))
        .await
        .unwrap();
    client.call_tool(call("burn", json!({}))).await.unwrap();
    let uri = format!("kitchen://stock?recipe={SECRET}");
    client
        .read_resource(ReadResourceRequestParams::new(uri))
        .await
        .unwrap();
    let told = recorder.told(6).await;
    let all = serde_json::to_string(&told).unwrap();
    assert!(!all.contains(SECRET) && !all.contains("burnt"), "{all}");
    assert_eq!(text(&told[4], "mcp.resource.uri"), "kitchen://stock");
}

/// Has a prompt and a resource fail whose server quotes what it was asked, and returns their last events.
async fn quoting(
    server: impl FnOnce(ReportedServer<Kitchen>) -> ReportedServer<Kitchen>,
) -> [Interaction; 2] {
    let recorder = Recorder::new();
    let wrapped = ReportedServer::new(Kitchen::default(), recorder.clone());
    let client = connect(server(wrapped)).await;
    let guests = serde_json::from_value(json!({"guests": SECRET})).unwrap();
    let prompt = GetPromptRequestParams::new("menu").with_arguments(guests);
    let failed = client.get_prompt(prompt).await.unwrap_err();
    assert!(failed.to_string().contains(SECRET), "{failed}");
    let uri = format!("kitchen://cellar?recipe={SECRET}");
    let read = ReadResourceRequestParams::new(uri);
    let failed = client.read_resource(read).await.unwrap_err();
    assert!(failed.to_string().contains(SECRET), "{failed}");
    let [_, prompt, _, resource] = <[_; 4]>::try_from(recorder.told(4).await).unwrap();
    [prompt, resource]
}

#[tokio::test]
async fn what_an_error_quotes_is_not_told_unasked() {
    let told = quoting(|server| server).await;
    let all = serde_json::to_string(&told).unwrap();
    assert!(!all.contains(SECRET), "{all}");
    let messages = told
        .each_ref()
        .map(|told| (text(told, "error_type"), text(told, "error_message")));
    let unasked = [
        (
            "invalid_params",
            "the server answered with an error: invalid_params",
        ),
        (
            "resource_not_found",
            "the server answered with an error: resource_not_found",
        ),
    ];
    assert_eq!(messages, unasked);
}

#[tokio::test]
async fn what_an_error_says_is_told_with_arguments_or_results() {
    for told in [
        quoting(|server| server.record_arguments(true)).await,
        quoting(|server| server.record_results(true)).await,
    ] {
        for told in told {
            assert!(text(&told, "error_message").contains(SECRET), "{told:?}");
        }
    }
}

#[tokio::test]
async fn on_request_they_are() {
    let recorder = Recorder::new();
    let server = ReportedServer::new(Kitchen::default(), recorder.clone())
        .record_arguments(true)
        .record_results(true);
    let client = connect(server).await;
    client
        .call_tool(call("echo", json!({"dish": SECRET})))
        .await
        .unwrap();
    client.call_tool(call("burn", json!({}))).await.unwrap();
    let uri = format!("kitchen://stock?recipe={SECRET}");
    client
        .read_resource(ReadResourceRequestParams::new(uri.as_str()))
        .await
        .unwrap();
    let told = recorder.told(6).await;
    assert_eq!(told[0].data["parameters"], json!({"dish": SECRET}));
    assert_eq!(
        told[1].data["result"]["structuredContent"],
        json!({"dish": SECRET})
    );
    assert_eq!(text(&told[3], "error_message"), "the soup is burnt");
    assert_eq!(text(&told[4], "mcp.resource.uri"), uri);
    assert_eq!(
        told[5].data["result"]["contents"][0]["text"],
        "three onions"
    );
}

#[tokio::test]
async fn what_is_large_is_told_by_its_size_alone() {
    let recorder = Recorder::new();
    let server = ReportedServer::new(Kitchen::default(), recorder.clone())
        .record_arguments(true)
        .record_results(true);
    let client = connect(server).await;
    let dish = "x".repeat(200_000);
    client
        .call_tool(call("echo", json!({"dish": dish})))
        .await
        .unwrap();
    let (start, end) = recorder.only_call().await;
    assert_eq!(start.data["input_size"], 200_000 + r#"{"dish":""}"#.len());
    assert!(!start.data.contains_key("input_size_is_lower_bound"));
    // It is in the result twice, and counted until that is plain.
    let counted = end.data["output_size"].as_u64().unwrap();
    assert!((256 * 1024..=410_000).contains(&counted), "{counted}");
    assert_eq!(end.data["output_size_is_lower_bound"], true);
    for told in [start, end] {
        let bytes = serde_json::to_string(&told).unwrap().len();
        assert!(bytes < 2000, "{bytes}");
    }
}

#[tokio::test]
async fn a_session_is_told_apart_and_its_id_is_not_told() {
    let recorder = Recorder::new();
    let server = ReportedServer::new(Kitchen::default(), recorder.clone());
    let (here, _there) = tokio::io::duplex(1024);
    let running = serve_directly(server.clone(), here, None);
    for session in ["5f0c6d1e-first", "5f0c6d1e-second", "5f0c6d1e-first"] {
        let request = axum::http::Request::builder().header("mcp-session-id", session);
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let mut context = RequestContext::new(RequestId::Number(1), running.peer().clone());
        context.extensions.insert(parts);
        let answer = server.call_tool(call("echo", json!({})), context).await;
        answer.unwrap();
    }
    let told = recorder.told(6).await;
    let all = serde_json::to_string(&told).unwrap();
    assert!(!all.contains("5f0c6d1e"), "{all}");
    let [first, second, again] = [0, 2, 4].map(|at| text(&told[at], "mcp.session.id"));
    assert_eq!(first.len(), 16);
    assert_eq!(first, again);
    assert_ne!(first, second);
}

#[tokio::test]
async fn the_types_of_endless_arguments_are_not_endless() {
    let recorder = Recorder::new();
    let client = connect(ReportedServer::new(Kitchen::default(), recorder.clone())).await;
    let many: serde_json::Map<String, Value> =
        (0..1000).map(|n| (format!("a{n}"), n.into())).collect();
    client.call_tool(call("echo", many.into())).await.unwrap();
    let (start, _) = recorder.only_call().await;
    assert_eq!(start.data["parameter_types"].as_object().unwrap().len(), 64);
}

#[tokio::test]
async fn the_user_is_whom_the_hook_names() {
    let recorder = Recorder::new();
    let server = ReportedServer::new(Kitchen::default(), recorder.clone())
        .user_id(|context| Some(format!("user of {}", context.id)));
    let client = connect(server).await;
    client.call_tool(call("echo", json!({}))).await.unwrap();
    let (start, _) = recorder.only_call().await;
    let id = text(&start, "jsonrpc.request.id");
    assert_eq!(text(&start, "user_id"), format!("user of {id}"));
}
