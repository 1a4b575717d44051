//! What each tool does, with a client that checks nothing but what it is told.

use crate::support::{Gate, Raw, service, structured, text};
use mcs_core::config::ToolSet;
use serde_json::{Value, json};

pub(crate) async fn client() -> (Raw, Gate) {
    let (service, gate) = service().await;
    (
        Raw::connect(service, ToolSet::All, "2025-11-25").await,
        gate,
    )
}

pub(crate) async fn create(client: &mut Raw, arguments: Value) -> Value {
    let created = client.call("create_task", arguments).await;
    structured(&created)["task_id"].clone()
}

#[tokio::test]
async fn a_prompt_runs_and_its_result_is_the_same_wherever_it_is_read() {
    let (mut client, _) = client().await;
    let created = client
        .call(
            "create_task",
            json!({"prompt": "hi", "priority": "high", "tags": ["a"]}),
        )
        .await;
    let fields = structured(&created);
    assert_eq!(
        (&fields["status"], &fields["created"]),
        (&json!("PENDING"), &json!(true))
    );
    assert!(text(&created).contains("wait_for_task"), "{created}");
    let id = fields["task_id"].clone();
    let waited = client
        .call(
            "wait_for_task",
            json!({"task_id": id, "timeout_seconds": 45}),
        )
        .await;
    let read = client.call("get_task_result", json!({"task_id": id})).await;
    assert_eq!(waited, read);
    assert_eq!(read["content"], json!([{"type": "text", "text": "hi"}]));
    let fields = structured(&read);
    assert_eq!(
        (&fields["task_id"], &fields["status"], &fields["text"]),
        (&id, &json!("COMPLETED"), &json!("hi"))
    );
    let status = client.call("get_task_status", json!({"task_id": id})).await;
    let fields = structured(&status);
    assert_eq!(
        (&fields["priority"], &fields["tags"]),
        (&json!(8), &json!(["a"]))
    );
    assert_eq!(fields["payload"]["prompt"], "hi");
    assert!(text(&status).contains("Call get_task_result"), "{status}");
}

#[tokio::test]
async fn a_task_that_has_not_finished_says_what_to_do() {
    let (mut client, gate) = client().await;
    let id = create(&mut client, json!({"kind": "gated"})).await;
    let early = client
        .call(
            "wait_for_task",
            json!({"task_id": id, "timeout_seconds": 0}),
        )
        .await;
    assert_eq!(structured(&early)["task_id"], id);
    assert_eq!(structured(&early)["finished"], false);
    let early = client.call("get_task_result", json!({"task_id": id})).await;
    assert_eq!(early["isError"], false);
    assert!(text(&early).contains("wait_for_task"), "{early}");
    gate.open();
    let done = client.call("wait_for_task", json!({"task_id": id})).await;
    assert_eq!(text(&done), "let through");
}

#[tokio::test]
async fn a_wait_that_its_caller_cancels_leaves_the_task_and_the_server_alone() {
    let (mut client, gate) = client().await;
    let id = create(&mut client, json!({"kind": "gated"})).await;
    let params =
        json!({"name": "wait_for_task", "arguments": {"task_id": id, "timeout_seconds": 45}});
    let call = client.post("tools/call", params).await;
    let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": call}});
    client.line(&cancel.to_string()).await;
    gate.open();
    let done = client.call("wait_for_task", json!({"task_id": id})).await;
    assert_eq!(structured(&done)["status"], "COMPLETED");
}

#[tokio::test]
async fn a_failed_task_tells_why_and_can_be_retried() {
    let (mut client, _) = client().await;
    let id = create(&mut client, json!({"kind": "failing"})).await;
    let failed = client.call("wait_for_task", json!({"task_id": id})).await;
    assert_eq!(failed["isError"], true);
    assert!(
        text(&failed).contains("the dish is broken; buy another. Trying again"),
        "{failed}"
    );
    let fields = &failed["structuredContent"];
    assert_eq!(
        (&fields["task_id"], &fields["status"]),
        (&id, &json!("FAILED"))
    );
    assert_eq!(fields["error"]["class"], "permanent");
    assert!(fields["error"].get("details").is_none());
    assert_eq!(fields["error"]["details_bytes"], 5013);
    assert_eq!(
        client.call("get_task_result", json!({"task_id": id})).await,
        failed
    );
    let retried = client.call("retry_task", json!({"task_id": id})).await;
    let fields = structured(&retried);
    assert_eq!(fields["retry_of"], id);
    assert_ne!(fields["task_id"], id);
}

#[tokio::test]
async fn a_pending_task_is_cancelled_at_once_and_a_running_one_soon() {
    let (mut client, _gate) = client().await;
    let later = create(
        &mut client,
        json!({"prompt": "later", "delay_seconds": 3600}),
    )
    .await;
    let status = client
        .call("get_task_status", json!({"task_id": later}))
        .await;
    assert_eq!(structured(&status)["wait_reason"], "scheduled");
    let cancelled = client.call("cancel_task", json!({"task_id": later})).await;
    assert_eq!(structured(&cancelled)["status"], "CANCELLED");
    let again = client.call("cancel_task", json!({"task_id": later})).await;
    assert!(text(&again).contains("had finished before"), "{again}");
    let running = create(&mut client, json!({"kind": "gated"})).await;
    while structured(
        &client
            .call("get_task_status", json!({"task_id": running}))
            .await,
    )["status"]
        == "PENDING"
    {}
    let asked = client
        .call(
            "cancel_task",
            json!({"task_id": running, "reason": "enough"}),
        )
        .await;
    assert_eq!(structured(&asked)["cancel_requested"], true);
    let ended = client
        .call("wait_for_task", json!({"task_id": running}))
        .await;
    assert_eq!(
        (&ended["isError"], &ended["structuredContent"]["status"]),
        (&json!(true), &json!("CANCELLED"))
    );
}

#[tokio::test]
async fn a_task_that_asks_says_where_the_question_is_and_can_be_cancelled() {
    let (mut client, _) = client().await;
    let metadata = json!({"note": "x".repeat(5000)});
    let arguments = json!({"kind": "asking", "metadata": metadata});
    let id = create(&mut client, arguments).await;
    let named = json!({"task_id": id});
    let status = loop {
        let status = client.call("get_task_status", named.clone()).await;
        let questions = structured(&status)["input_requests"].as_array();
        if questions.is_some_and(|questions| questions.len() == 2) {
            break status;
        }
    };
    let fields = structured(&status);
    assert_eq!(fields["status"], "INPUT_REQUIRED");
    assert!(fields.get("metadata").is_none());
    assert_eq!(fields["metadata_bytes"], 5011);
    let questions = fields["input_requests"].as_array().expect("questions");
    let question = |key: &str| questions.iter().find(|question| question["key"] == key);
    assert_eq!(
        question("short"),
        Some(&json!({"key": "short", "request": "sure?"}))
    );
    assert_eq!(
        question("long"),
        Some(&json!({"key": "long", "request_bytes": 5012}))
    );
    let early = client.call("get_task_result", named.clone()).await;
    assert!(text(&early).contains("get_task_status shows"), "{early}");
    let asked = client.call("cancel_task", named.clone()).await;
    assert_eq!(structured(&asked)["cancel_requested"], true);
    assert_eq!(structured(&asked)["status"], "INPUT_REQUIRED", "{asked}");
    let ended = client.call("wait_for_task", named).await;
    assert_eq!(ended["structuredContent"]["status"], "CANCELLED");
}

#[tokio::test]
async fn many_tasks_are_created_together_or_not_at_all() {
    let (mut client, _) = client().await;
    let tasks: Vec<Value> = (0..3)
        .map(|n| json!({"prompt": format!("p{n}"), "tags": ["batch"]}))
        .collect();
    let created = client.call("create_task", json!({ "tasks": tasks })).await;
    assert_eq!(
        structured(&created)["tasks"].as_array().map(Vec::len),
        Some(3)
    );
    assert_eq!(
        structured(&created)["task_id"],
        structured(&created)["tasks"][0]["task_id"]
    );
    let wrong =
        json!({"tasks": [{"prompt": "a", "tags": ["batch"]}, {"prompt": "b", "queue": ""}]});
    let refused = client.call("create_task", wrong).await;
    assert_eq!(refused["isError"], true);
    assert!(
        text(&refused).contains("`tasks[1].queue` is empty"),
        "{refused}"
    );
    let listed = client.call("list_tasks", json!({"tag": "batch"})).await;
    assert_eq!(structured(&listed)["count"], 3);
}

#[tokio::test]
async fn a_unique_key_returns_the_first_task_and_refuses_other_work() {
    let (mut client, _) = client().await;
    let id = create(&mut client, json!({"prompt": "once", "unique_key": "k"})).await;
    let again = client
        .call("create_task", json!({"prompt": "once", "unique_key": "k"}))
        .await;
    assert_eq!(
        (
            &structured(&again)["task_id"],
            &structured(&again)["created"]
        ),
        (&id, &json!(false))
    );
    let other = client
        .call("create_task", json!({"prompt": "other", "unique_key": "k"}))
        .await;
    assert_eq!(other["isError"], true);
    assert!(text(&other).contains("use another key"), "{other}");
}

#[tokio::test]
async fn lists_are_newest_first_filtered_and_paged_both_ways() {
    let (mut client, _) = client().await;
    for n in 0..5 {
        create(
            &mut client,
            json!({"prompt": format!("p{n}"), "queue": "q", "delay_seconds": 3600}),
        )
        .await;
    }
    create(
        &mut client,
        json!({"prompt": "x".repeat(5000), "queue": "other", "delay_seconds": 3600}),
    )
    .await;
    let previews = |list: &Value| -> Vec<String> {
        let rows = structured(list)["tasks"].as_array().expect("rows").iter();
        rows.map(|row| row["preview"].as_str().unwrap_or_default().to_owned())
            .collect()
    };
    let first = client
        .call(
            "list_tasks",
            json!({"queue": "q", "limit": 2, "status": "pending"}),
        )
        .await;
    assert_eq!(previews(&first), ["p4", "p3"]);
    let cursor = structured(&first)["next_cursor"].clone();
    assert!(
        text(&first).contains("call list_tasks") && text(&first).contains("and no offset"),
        "{first}"
    );
    let second = client
        .call(
            "list_tasks",
            json!({"queue": "q", "limit": 2, "cursor": cursor}),
        )
        .await;
    assert_eq!(previews(&second), ["p2", "p1"]);
    let skipped = client
        .call(
            "list_tasks",
            json!({"queue": "q", "limit": 2.0, "offset": 4}),
        )
        .await;
    assert_eq!(previews(&skipped), ["p0"]);
    assert!(structured(&skipped).get("next_cursor").is_none());
    let long = client.call("list_tasks", json!({"queue": "other"})).await;
    let preview = &previews(&long)[0];
    assert!(
        preview.starts_with("xxx") && preview.ends_with("bytes in all]") && preview.len() < 260,
        "{preview}"
    );
    let old = client
        .call(
            "list_tasks",
            json!({"created_before": "2020-01-01T00:00:00Z"}),
        )
        .await;
    assert_eq!(structured(&old)["count"], 0);
}

#[tokio::test]
async fn a_list_too_long_for_one_answer_ends_early_with_a_cursor() {
    let (mut client, _) = client().await;
    let tasks: Vec<Value> = (0..200)
        .map(|n| json!({"prompt": format!("{n} {}", "x".repeat(300)), "delay_seconds": 3600}))
        .collect();
    client.call("create_task", json!({ "tasks": tasks })).await;
    let (mut seen, mut cursor) = (std::collections::HashSet::new(), Value::Null);
    loop {
        let page = client
            .call("list_tasks", json!({"limit": 500, "cursor": cursor}))
            .await;
        let fields = structured(&page);
        assert!(fields.to_string().len() < 36 * 1024);
        let rows = fields["tasks"].as_array().expect("rows").iter();
        seen.extend(rows.map(|row| row["task_id"].to_string()));
        cursor = fields["next_cursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!(seen.len(), 200);
}

#[tokio::test]
async fn statistics_count_and_queues_pause() {
    let (mut client, _) = client().await;
    let paused = client.call("pause_queue", json!({"queue": "slow"})).await;
    assert_eq!(structured(&paused)["paused"], true);
    let id = create(&mut client, json!({"prompt": "x", "queue": "slow"})).await;
    let waited = client
        .call(
            "wait_for_task",
            json!({"task_id": id, "timeout_seconds": 0.1}),
        )
        .await;
    assert_eq!(structured(&waited)["status"], "PENDING");
    assert!(
        text(&waited).contains("Its queue slow is paused")
            && text(&waited).contains("resume_queue"),
        "{waited}"
    );
    let stats = client.call("get_statistics", json!({})).await;
    assert_eq!(structured(&stats)["statuses"]["PENDING"], 1);
    assert_eq!(structured(&stats)["queues"]["slow"]["ready"], 1);
    let history = &structured(&stats)["history"];
    assert_eq!(history["total"]["created"], 1);
    assert_eq!(history["total"]["run_seconds"], json!({}), "nothing ran");
    let queues = client.call("list_queues", json!({})).await;
    assert!(text(&queues).contains("slow (paused)"), "{queues}");
    client.call("resume_queue", json!({"queue": "slow"})).await;
    let done = client.call("wait_for_task", json!({"task_id": id})).await;
    assert_eq!(structured(&done)["status"], "COMPLETED");
}

#[tokio::test]
async fn statistics_tell_what_was_done_by_queue_kind_model_and_hour() {
    let (mut client, _) = client().await;
    let first = create(&mut client, json!({"prompt": "x", "queue": "q"})).await;
    let second = create(&mut client, json!({"prompt": "y"})).await;
    for id in [&first, &second] {
        let done = client.call("wait_for_task", json!({"task_id": id})).await;
        assert_eq!(structured(&done)["status"], "COMPLETED");
    }
    let all = client.call("get_statistics", json!({})).await;
    let history = &structured(&all)["history"];
    assert_eq!(history["total"]["completed"], 2);
    assert_eq!(history["total"]["success_rate"], 1.0);
    assert!(history["total"]["run_seconds"]["p95"].is_number(), "{all}");
    assert_eq!(history["queues"]["q"]["completed"], 1);
    assert_eq!(history["kinds"]["prompt"]["completed"], 2);
    let models = history["models"].as_object().expect("an object");
    let model = models.keys().next().expect("the default model").clone();
    assert_eq!(models[&model]["completed"], 2);
    assert_eq!(history["names_left_out"], 0);
    assert!(text(&all).contains("Kind prompt: 2 created"), "{all}");
    let one = client
        .call(
            "get_statistics",
            json!({"queue": "q", "model": model, "hours": 1}),
        )
        .await;
    let history = &structured(&one)["history"];
    // An hour may have ended since.
    assert!(history["total"]["completed"].as_u64() <= Some(1), "{one}");
    assert!(history["queues"].get("default").is_none());
    for hours in [0, 49] {
        let refused = client.call("get_statistics", json!({"hours": hours})).await;
        assert_eq!(refused["isError"], true);
        assert!(text(&refused).contains("`hours` is"), "{refused}");
    }
}
