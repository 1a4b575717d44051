use crate::session::{call, connect, connect_in, open};
use crate::support::recorder::{Recorder, text};
use crate::support::server::Kitchen;
use mcs_reporter::{InteractionAction, ReportedServer};
use rmcp::model::{
    CallToolResponse, GetPromptRequestParams, ProtocolVersion, ReadResourceRequestParams,
    RequestMetaObject,
};
use serde_json::json;

#[tokio::test]
async fn a_tool_call_is_told_with_its_name_sizes_types_and_time() {
    let (recorder, client) = open().await;
    let arguments = json!({"dish": "soup", "plates": 2, "hot": true, "extras": ["salt"]});
    let answer = client
        .call_tool(call("echo", arguments.clone()))
        .await
        .unwrap();
    let (start, end) = recorder.only_call().await;
    let common = [
        ("request_type", "tools/call"),
        ("mcp.method.name", "tools/call"),
        ("tool", "echo"),
        ("gen_ai.tool.name", "echo"),
        ("gen_ai.operation.name", "execute_tool"),
    ];
    for (field, value) in common {
        assert_eq!(
            (text(&start, field), text(&end, field)),
            (value, value),
            "{field}"
        );
    }
    assert_eq!(text(&start, "mcp.protocol.version"), "2026-07-28");
    assert_eq!(start.data["input_size"], arguments.to_string().len());
    let types = json!({"dish": "string", "plates": "number", "hot": "boolean", "extras": "array"});
    assert_eq!(start.data["parameter_types"], types);
    assert_eq!(end.action, InteractionAction::Complete);
    assert_eq!(end.data["success"], true);
    assert_eq!(end.data["result_type"], "complete");
    assert_eq!(
        end.data["output_size"],
        serde_json::to_string(&answer).unwrap().len()
    );
    assert_eq!(end.data["content_types"], json!({"text": 1}));
    assert_eq!(end.data["structured"], true);
    assert!(end.data["processing_time"].as_f64().unwrap() > 0.0);
    assert!(end.data["performance_metrics"].is_object());
    assert!(!end.data.contains_key("cancelled"));
    assert!(end.at >= start.at);
    let (prefix, rest) = start.interaction_id.split_at(4);
    let (seconds, random) = rest.split_once('_').unwrap();
    assert_eq!((prefix, random.len()), ("int_", 8));
    let seconds = seconds.parse::<i64>().unwrap() - start.at.as_millis() / 1000;
    assert!((0..=1).contains(&seconds), "{start:?}");
}

#[tokio::test]
async fn prompts_and_resources_are_told() {
    let (recorder, client) = open().await;
    client
        .get_prompt(GetPromptRequestParams::new("menu"))
        .await
        .unwrap();
    let read = ReadResourceRequestParams::new("kitchen://stock/onions");
    client.read_resource(read).await.unwrap();
    let told = recorder.told(4).await;
    assert_eq!(text(&told[0], "request_type"), "prompts/get");
    assert_eq!(text(&told[1], "gen_ai.prompt.name"), "menu");
    assert_eq!(told[1].data["content_types"], json!({"text": 1}));
    assert_eq!(text(&told[2], "request_type"), "resources/read");
    assert_eq!(text(&told[3], "mcp.resource.uri"), "kitchen://stock/onions");
    assert_eq!(told[3].action, InteractionAction::Complete);
}

#[tokio::test]
async fn what_is_no_call_is_not_told() {
    let (recorder, client) = open().await;
    assert_eq!(client.list_all_tools().await.unwrap().len(), 7);
    client.list_all_prompts().await.unwrap();
    client.list_all_resources().await.unwrap();
    client.call_tool(call("echo", json!({}))).await.unwrap();
    recorder.only_call().await;
}

#[tokio::test]
async fn an_answer_that_is_a_task_or_a_question_completes_the_call() {
    let (recorder, client) = open().await;
    let answer = client
        .call_tool_once(call("task", json!({})))
        .await
        .unwrap();
    assert!(matches!(answer, CallToolResponse::Task(_)), "{answer:?}");
    let answer = client.call_tool_once(call("ask", json!({}))).await.unwrap();
    assert!(
        matches!(answer, CallToolResponse::InputRequired(_)),
        "{answer:?}"
    );
    let told = recorder.told(4).await;
    assert_eq!(told[1].action, InteractionAction::Complete);
    assert_eq!(text(&told[1], "result_type"), "task");
    assert_eq!(text(&told[1], "task_id"), "task-7");
    assert_eq!(told[3].action, InteractionAction::Complete);
    assert_eq!(text(&told[3], "result_type"), "input_required");
    assert_eq!(told[3].data["input_requests"], 0);
}

#[tokio::test]
async fn a_trace_is_taken_along() {
    const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01";
    let (recorder, client) = open().await;
    for value in [TRACE, "not a trace"] {
        let mut request = call("echo", json!({}));
        let mut meta = RequestMetaObject::new();
        meta.set_traceparent(value);
        request.meta = Some(meta);
        client.call_tool(request).await.unwrap();
    }
    let told = recorder.told(4).await;
    let traces: Vec<_> = told
        .iter()
        .map(|told| told.traceparent.as_deref())
        .collect();
    assert_eq!(traces, [Some(TRACE), Some(TRACE), None, None]);
}

#[tokio::test]
async fn a_session_of_an_earlier_protocol_is_told_alike() {
    let recorder = Recorder::new();
    let server =
        ReportedServer::new(Kitchen::default(), recorder.clone()).network_transport("pipe");
    let client = connect_in(server, ProtocolVersion::V_2025_11_25).await;
    client.call_tool(call("echo", json!({}))).await.unwrap();
    let (start, end) = recorder.only_call().await;
    assert_eq!(text(&start, "mcp.protocol.version"), "2025-11-25");
    assert_eq!(text(&start, "network.transport"), "pipe");
    assert_eq!(text(&end, "result_type"), "complete");
}

#[tokio::test]
async fn names_that_clients_make_up_are_cut() {
    let recorder = Recorder::new();
    let server = ReportedServer::new(Kitchen::default(), recorder.clone()).record_arguments(true);
    let client = connect(server).await;
    let mut request = call("echo", json!({}));
    request.name = "x".repeat(100_000).into();
    assert!(client.call_tool(request).await.is_err());
    let (start, end) = recorder.only_call().await;
    assert_eq!(text(&start, "tool").len(), 200);
    assert_eq!(text(&end, "error_message").len(), 1000);
}

#[tokio::test]
async fn nothing_is_told_where_nobody_listens() {
    let recorder = std::sync::Arc::new(Recorder::switched(false));
    let asked = |_: &_| panic!("nobody listens, so nobody is asked");
    let server = ReportedServer::new(Kitchen::default(), recorder.clone()).user_id(asked);
    let client = connect(server).await;
    client.call_tool(call("echo", json!({}))).await.unwrap();
    recorder.told(0).await;
}
