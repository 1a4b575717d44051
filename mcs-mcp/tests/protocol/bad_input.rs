//! Input that no tool can use: a clear answer, nothing stored, and a server that lives on.

use crate::support::{Raw, service, text};
use mcs_core::config::ToolSet;
use mcs_core::service::{Principal, Service};
use serde_json::{Map, Value, json};

const HUGE: usize = 10 * 1024 * 1024;
const GHOST: &str = "01900000-0000-7000-8000-000000000000";

async fn client() -> (Raw, Service) {
    let (service, _) = service().await;
    (
        Raw::connect(service.clone(), ToolSet::All, "2025-11-25").await,
        service,
    )
}

async fn stored(service: &Service) -> u64 {
    let stats = service.tasks().stats(&Principal::local()).await;
    stats.expect("the store counts").counts.total()
}

/// The refusal of a call, which must be one, be readable, and name what is wrong.
async fn refused(client: &mut Raw, tool: &str, arguments: Value, named: &str) -> String {
    let shown: String = arguments.to_string().chars().take(100).collect();
    let result = client.call(tool, arguments).await;
    let text = text(&result);
    assert_eq!(result["isError"], true, "{tool} {shown}: {result}");
    assert!(text.contains(named), "{tool} {shown}: {text}");
    assert!(text.len() < 1000, "{tool} {shown}: {} bytes", text.len());
    for leak in [
        "invalid type",
        "at line",
        "missing field",
        "unknown variant",
        "panicked",
    ] {
        assert!(!text.contains(leak), "{tool} {shown}: {text}");
    }
    text
}

/// Every tool and the fields it has, as a client sees them.
async fn tools(client: &mut Raw) -> Vec<(String, Map<String, Value>)> {
    let mut answer = client.request("tools/list", json!({})).await;
    let Value::Array(tools) = answer["result"]["tools"].take() else {
        panic!("no tools");
    };
    let each = tools.into_iter().map(|mut tool| {
        let name = tool["name"].as_str().expect("a name").to_owned();
        let Value::Object(fields) = tool["inputSchema"]["properties"].take() else {
            return (name, Map::new());
        };
        (name, fields)
    });
    each.collect()
}

/// Arguments with which a call of `tool` gets as far as looking at the rest.
fn fine(tool: &str) -> Value {
    match tool {
        "create_task" => json!({"prompt": "x"}),
        "list_tasks" | "get_statistics" | "list_queues" => json!({}),
        "respond_to_task" => json!({"task_id": GHOST, "response": 1}),
        "continue_task" => json!({"task_id": GHOST, "prompt": "x"}),
        "execute_directory" => json!({"directory": "/"}),
        "pause_queue" | "resume_queue" => json!({"queue": "q"}),
        _ => json!({"task_id": GHOST}),
    }
}

#[tokio::test]
async fn every_field_of_every_tool_refuses_another_type() {
    let (mut client, service) = client().await;
    for (tool, fields) in tools(&mut client).await {
        for (field, schema) in fields {
            for wrong in [
                json!(true),
                json!([[]]),
                json!({"a": {"b": 1}}),
                json!(-7.5),
                json!("\u{1}"),
            ] {
                let names = schema["type"].as_str();
                let fits = match &wrong {
                    // An object field takes any object, and a text field any text; their rules come further below.
                    Value::Object(_) => names == Some("object"),
                    Value::String(_) => names == Some("string"),
                    Value::Bool(_) => names == Some("boolean"),
                    _ => false,
                };
                // A payload and an answer may be any JSON; the kind's own schema is looked at further below.
                if fits || field == "payload" || field == "response" {
                    continue;
                }
                let mut arguments = fine(&tool);
                arguments[&field] = wrong;
                refused(&mut client, &tool, arguments, &format!("`{field}")).await;
            }
        }
    }
    assert_eq!(stored(&service).await, 0);
}

#[tokio::test]
async fn every_tool_refuses_fields_it_does_not_have_and_misses_those_it_needs() {
    let (mut client, service) = client().await;
    for (tool, fields) in tools(&mut client).await {
        let mut arguments = fine(&tool);
        arguments["colour"] = json!("red");
        refused(
            &mut client,
            &tool,
            arguments,
            "`colour` is not a known field",
        )
        .await;
        if fields.contains_key("task_id") {
            refused(&mut client, &tool, json!({}), "`task_id` is missing").await;
            refused(
                &mut client,
                &tool,
                json!({"task_di": GHOST}),
                "did you mean `task_id`?",
            )
            .await;
            let ghost = refused(&mut client, &tool, fine(&tool), GHOST).await;
            assert!(ghost.contains("list_tasks"), "{ghost}");
            for bad in ["", "7", "\0", &"f".repeat(HUGE)] {
                let mut arguments = fine(&tool);
                arguments["task_id"] = json!(bad);
                refused(&mut client, &tool, arguments, "no task id").await;
            }
        }
    }
    assert_eq!(stored(&service).await, 0);
}

#[tokio::test]
async fn names_are_not_empty_not_huge_and_without_control_characters() {
    let (mut client, service) = client().await;
    let huge = "x".repeat(HUGE);
    for field in [
        "queue",
        "category",
        "unique_key",
        "provider",
        "model",
        "kind",
    ] {
        for (bad, problem) in [
            ("", "is empty"),
            ("a\0b", "contains a NUL byte"),
            ("a\nb", "contains the control character"),
            (huge.as_str(), "bytes; at most 200"),
        ] {
            let mut arguments = json!({"prompt": "x"});
            if field == "kind" {
                arguments = json!({});
            }
            arguments[field] = json!(bad);
            let text = refused(&mut client, "create_task", arguments, &format!("`{field}`")).await;
            assert!(text.contains(problem), "{field}: {text}");
        }
    }
    for bad in ["", "a\0b", huge.as_str()] {
        refused(
            &mut client,
            "create_task",
            json!({"prompt": "x", "tags": ["ok", bad]}),
            "`tags[1]`",
        )
        .await;
        refused(&mut client, "pause_queue", json!({"queue": bad}), "`queue`").await;
    }
    for bad in ["a\0b", huge.as_str()] {
        refused(
            &mut client,
            "create_task",
            json!({"prompt": "x", "work_directory": bad}),
            "`work_directory`",
        )
        .await;
        refused(
            &mut client,
            "cancel_task",
            json!({"task_id": GHOST, "reason": bad}),
            "`reason`",
        )
        .await;
    }
    refused(
        &mut client,
        "create_task",
        json!({"prompt": "x", "metadata": {"a": huge}}),
        "`metadata`",
    )
    .await;
    assert_eq!(stored(&service).await, 0);
}

#[tokio::test]
async fn prompts_are_not_empty_and_no_text_of_a_payload_has_nul() {
    let (mut client, service) = client().await;
    for (arguments, named) in [
        (json!({"prompt": ""}), "prompt"),
        (json!({"prompt": "a\0b"}), "NUL"),
        (json!({"prompt": "x", "system": "a\0b"}), "NUL"),
        (
            json!({"prompt": "x", "metadata": {"a\0b": 1}}),
            "`metadata` contains a NUL",
        ),
        (
            json!({"kind": "gated", "payload": {"deep": [{"a": "\0"}]}}),
            "`payload` contains a NUL",
        ),
        (
            json!({"tasks": [{"prompt": "x"}, {"prompt": "\0"}]}),
            "`tasks[1].payload` contains a NUL",
        ),
    ] {
        refused(&mut client, "create_task", arguments, named).await;
    }
    assert_eq!(stored(&service).await, 0);
}

#[tokio::test]
async fn a_prompt_of_ten_megabytes_is_no_mistake() {
    let (mut client, _) = client().await;
    let created = client
        .call("create_task", json!({"prompt": "x".repeat(HUGE)}))
        .await;
    assert_eq!(created["isError"], false, "{created}");
    let id = created["structuredContent"]["task_id"].clone();
    let done = client.call("wait_for_task", json!({"task_id": id})).await;
    assert_eq!(
        done["structuredContent"]["total_bytes"],
        HUGE,
        "{}",
        text(&done).len()
    );
}

#[tokio::test]
async fn contradictions_and_unknown_kinds_are_refused() {
    let (mut client, service) = client().await;
    for (arguments, named) in [
        (json!({}), "`prompt` is missing"),
        (
            json!({"prompt": "x", "payload": {"prompt": "y"}}),
            "`prompt` is given twice",
        ),
        (
            json!({"prompt": "x", "payload": [1]}),
            "`payload` is no object",
        ),
        (
            json!({"prompt": "x", "kind": "sized"}),
            "`payload` does not fit the kind",
        ),
        (json!({"kind": "gatde"}), "gated"),
        (
            json!({"kind": "sized", "payload": {"bytes": "many"}}),
            "bytes",
        ),
        (json!({"prompt": "x", "priority": 11}), "`priority` is 11"),
        (
            json!({"prompt": "x", "priority": "asap"}),
            "low, normal, high, critical",
        ),
        (
            json!({"prompt": "x", "max_attempts": 0}),
            "`max_attempts` is 0",
        ),
        (
            json!({"prompt": "x", "timeout_seconds": 0}),
            "`timeout_seconds` is 0",
        ),
        (
            json!({"prompt": "x", "delay_seconds": 1e300}),
            "`delay_seconds`",
        ),
        (
            json!({"prompt": "x", "budget_usd": -1}),
            "`budget_usd` is -1",
        ),
        (
            json!({"prompt": "x", "deadline": "soon"}),
            "`deadline` is `soon`; use an RFC 3339 time",
        ),
        (
            json!({"prompt": "x", "tasks": [{"prompt": "y"}]}),
            "`tasks`",
        ),
        (json!({"tasks": []}), "`tasks` has 0 entries"),
        (
            json!({"tasks": [{"prompt": "y"}, {"prompt": "z", "qeue": "q"}]}),
            "`tasks[1].qeue`",
        ),
        (
            json!({"tasks": [{"prompt": "y"}, {"kind": "sized", "payload": {}}]}),
            "tasks[1]",
        ),
    ] {
        refused(&mut client, "create_task", arguments, named).await;
    }
    for (arguments, named) in [
        (json!({"status": "DONE"}), "one of PENDING"),
        (json!({"limit": 0}), "from 1 to 500"),
        (json!({"limit": 501}), "from 1 to 500"),
        (json!({"offset": -1}), "`offset` is -1"),
        (json!({"cursor": "nowhere"}), "is not a cursor"),
        (json!({"created_after": "yesterday"}), "`created_after`"),
    ] {
        refused(&mut client, "list_tasks", arguments, named).await;
    }
    for part in [json!("structurd"), json!(5)] {
        let arguments = json!({"task_id": GHOST, "part": part});
        refused(
            &mut client,
            "get_task_result",
            arguments,
            "one of text, structured",
        )
        .await;
    }
    let never = json!({"prompt": "x", "dispatch": "never"});
    refused(&mut client, "create_task", never, "one of auto, manual").await;
    let long = json!({"task_id": GHOST, "timeout_seconds": 46});
    refused(&mut client, "wait_for_task", long, "from 0 to 45").await;
    assert_eq!(stored(&service).await, 0);
}

#[tokio::test]
async fn an_unknown_tool_is_a_protocol_error_that_names_the_nearest() {
    let (service, _) = service().await;
    let mut client = Raw::connect(service, ToolSet::Core, "2025-11-25").await;
    for (name, hint) in [
        ("create_tusk", "Did you mean create_task?"),
        ("pause_queue", "start it with the set all"),
        ("zzz", "tools/list"),
    ] {
        let answer = client.request("tools/call", json!({ "name": name })).await;
        assert_eq!(answer["error"]["code"], -32602, "{answer}");
        let message = answer["error"]["message"].as_str().unwrap_or_default();
        assert!(message.contains(hint), "{message}");
    }
}

#[tokio::test]
async fn what_the_transport_cannot_take_gets_no_answer_and_the_server_lives_on() {
    let (mut client, service) = client().await;
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let deep = format!(r#"{{"jsonrpc":"2.0","id":900,"method":"tools/call","params":{nested}}}"#);
    let call =
        json!({"name": "create_task", "arguments": {"prompt": "x".repeat(17 * 1024 * 1024)}});
    let long =
        json!({"jsonrpc": "2.0", "id": 901, "method": "tools/call", "params": call}).to_string();
    for line in [deep.as_str(), long.as_str(), "{", "\u{0}", ""] {
        client.line(line).await;
    }
    // The next answer is that of the next request, so the lines before it had none.
    let ping = client.post("ping", json!({})).await;
    assert_eq!(client.read().await["id"], ping);
    assert_eq!(stored(&service).await, 0);
}

#[tokio::test]
async fn well_formed_lines_that_are_no_requests_are_answered_and_the_server_lives_on() {
    let (mut client, service) = client().await;
    for line in [
        "[]",
        "7",
        r#"{"jsonrpc":"1.0","id":5,"method":"ping"}"#,
        r#"{"id":5}"#,
    ] {
        client.line(line).await;
        let answer = client.read().await;
        assert_eq!(answer["error"]["code"], -32600, "{line}: {answer}");
    }
    for params in [
        json!({"name": 5}),
        json!({"name": "create_task", "arguments": [1]}),
        json!([]),
        json!({}),
    ] {
        let id = client.post("tools/call", params.clone()).await;
        let answer = client.read().await;
        assert!(answer["error"]["code"].is_i64(), "{params}: {answer}");
        assert!(
            answer["id"] == id || answer["id"].is_null(),
            "{params}: {answer}"
        );
    }
    assert_eq!(stored(&service).await, 0);
}
