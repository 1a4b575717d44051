use crate::kit::{Client, Waits, modern, options, read};
use mcs_mcp::http::Endpoint;
use serde_json::{Value, json};

const MISMATCH: i64 = -32020;

/// The status and the code of the error, if there is one.
async fn ask(method: &str, params: &Value, headers: &[(&str, &str)]) -> (u16, Option<i64>) {
    let handler = Waits::new();
    let client = Client::new(&Endpoint::new(handler.clone(), options(&handler)));
    let answer = client.send(modern(method, params.clone(), headers)).await;
    let status = answer.status().as_u16();
    let body: Value = serde_json::from_str(&read(answer).await).unwrap();
    (status, body["error"]["code"].as_i64())
}

#[tokio::test]
async fn what_the_headers_say_is_what_the_body_says() {
    let call = json!({"name": "echo", "arguments": {}});
    let right = [("mcp-method", "tools/call"), ("mcp-name", "echo")];
    assert_eq!(ask("tools/call", &call, &right).await, (200, None));
    for wrong in [
        &[("mcp-method", "tools/call")][..],
        &[("mcp-name", "echo")],
        &[("mcp-method", "tools/list"), ("mcp-name", "echo")],
        &[("mcp-method", "tools/call"), ("mcp-name", "other")],
        &[right[0], right[1], ("mcp-name", "echo")],
    ] {
        let refused = ask("tools/call", &call, wrong).await;
        assert_eq!(refused, (400, Some(MISMATCH)), "{wrong:?}");
    }
}

#[tokio::test]
async fn the_name_of_a_request_about_a_task_is_the_id_of_the_task() {
    for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
        let params = json!({"taskId": "t1", "inputResponses": {}});
        let named = |name| [("mcp-method", method), ("mcp-name", name)];
        let (_, taken) = ask(method, &params, &named("t1")).await;
        assert_ne!(taken, Some(MISMATCH), "{method}");
        let refused = ask(method, &params, &named("t2")).await;
        assert_eq!(refused, (400, Some(MISMATCH)), "{method}");
        let refused = ask(method, &params, &[("mcp-method", method)]).await;
        assert_eq!(refused, (400, Some(MISMATCH)), "{method}");
    }
}

#[tokio::test]
async fn the_version_in_the_header_is_that_of_the_body() {
    let handler = Waits::new();
    let client = Client::new(&Endpoint::new(handler.clone(), options(&handler)));
    let mut request = modern("tools/list", json!({}), &[("mcp-method", "tools/list")]);
    let version = "2025-06-18".parse().unwrap();
    request
        .headers_mut()
        .insert("mcp-protocol-version", version);
    let refused = client.send(request).await;
    assert_eq!(refused.status(), 400);
    assert!(read(refused).await.contains("-32020"));
}
