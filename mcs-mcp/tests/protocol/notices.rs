//! What a client hears while its call waits, and what its requests carry along: progress, log lines, traces.

use crate::support::{ERAS, Gate, Raw, service, structured};
use crate::tools::create;
use mcs_core::config::ToolSet;
use mcs_core::domain::TaskId;
use mcs_core::service::{Principal, Service};
use serde_json::{Value, json};
use std::time::Duration;

const LEVEL: &str = "io.modelcontextprotocol/logLevel";

async fn client(version: &'static str) -> (Raw, Gate, Service) {
    let (service, gate) = service().await;
    let client = Raw::connect(service.clone(), ToolSet::All, version).await;
    (client, gate, service)
}

/// Waits for a task, with `_meta` in the request.
async fn wait(client: &mut Raw, id: &Value, seconds: f64, meta: Value) -> Value {
    let arguments = json!({"task_id": id, "timeout_seconds": seconds});
    let params = json!({"name": "wait_for_task", "arguments": arguments, "_meta": meta});
    client.request("tools/call", params).await
}

fn params<'a>(client: &'a Raw, method: &str) -> Vec<&'a Value> {
    let notifications = client.notifications.iter();
    let meant = notifications.filter(|message| message["method"] == method);
    meant.map(|message| &message["params"]).collect()
}

/// A task that does not start by itself.
async fn manual(client: &mut Raw) -> Value {
    create(client, json!({"kind": "gated", "dispatch": "manual"})).await
}

/// Starts a task while its client waits.
async fn start(service: &Service, id: &Value) {
    tokio::time::sleep(Duration::from_secs(3)).await;
    let task = id.as_str().and_then(|id| id.parse().ok()).expect("an id");
    let started = service.tasks().execute(&Principal::local(), task).await;
    started.expect("it starts");
}

/// A task that has come to the gate, which its client knows.
async fn at_the_gate(client: &mut Raw, service: &Service) -> Value {
    let id = create(client, json!({"kind": "gated"})).await;
    let task: TaskId = id.as_str().and_then(|id| id.parse().ok()).expect("an id");
    let (tasks, who) = (service.tasks(), Principal::local());
    let mut log = tasks.follow_log(&who, task, 3).await.expect("it is there");
    let last = tokio::time::timeout(Duration::from_mins(1), log.next()).await;
    last.expect("it comes to the gate")
        .expect("its log is read");
    id
}

#[tokio::test(start_paused = true)]
async fn progress_comes_only_to_who_asks_every_ten_seconds_and_grows() {
    let (mut client, gate, service) = client("2025-11-25").await;
    let id = at_the_gate(&mut client, &service).await;
    let quiet = wait(&mut client, &id, 45.0, json!({})).await;
    let quiet = structured(&quiet["result"]);
    assert_eq!(quiet["status"], "PROCESSING");
    assert!(
        client.notifications.is_empty(),
        "{:?}",
        client.notifications
    );
    wait(&mut client, &id, 45.0, json!({"progressToken": "p"})).await;
    let reports = params(&client, "notifications/progress");
    let times = reports.iter().map(|report| report["progress"].as_f64());
    let times: Vec<f64> = times.map(|time| time.expect("a number")).collect();
    assert_eq!(times.len(), 4, "{times:?}");
    assert!(
        times.windows(2).all(|pair| pair[1] >= pair[0] + 10.0),
        "{times:?}"
    );
    for report in &reports {
        assert_eq!(report["progressToken"], "p");
        assert_eq!(report["total"], 45.0);
    }
    let message = reports[0]["message"].as_str().unwrap_or_default();
    let told = message.contains("PROCESSING") && message.contains("40 % waiting at the gate");
    assert!(told, "{message}");
    gate.open();
}

#[tokio::test(start_paused = true)]
async fn a_change_is_told_early_once() {
    let (mut client, gate, service) = client("2026-07-28").await;
    let id = manual(&mut client).await;
    let waiting = wait(&mut client, &id, 20.0, json!({"progressToken": 7}));
    tokio::join!(waiting, start(&service, &id));
    let reports = params(&client, "notifications/progress");
    let times = reports.iter().map(|report| report["progress"].as_f64());
    let times: Vec<f64> = times.map(|time| time.expect("a number")).collect();
    assert_eq!(times.len(), 2, "{times:?}");
    assert!((3.0..4.0).contains(&times[0]), "{times:?}");
    assert!(times[1] >= times[0] + 10.0, "{times:?}");
    gate.open();
}

#[tokio::test(start_paused = true)]
async fn log_lines_come_only_to_who_asks_in_the_way_of_its_revision() {
    for version in ERAS {
        let (mut client, gate, service) = client(version).await;
        let modern = version == "2026-07-28";
        let id = manual(&mut client).await;
        // Neither is the way of the other.
        let stray = if modern {
            json!({})
        } else {
            json!({LEVEL: "debug"})
        };
        wait(&mut client, &id, 0.1, stray).await;
        assert!(client.notifications.is_empty(), "{version}");
        let set = client
            .request("logging/setLevel", json!({"level": "notice"}))
            .await;
        let code = &set["error"]["code"];
        assert_eq!(
            *code,
            if modern { json!(-32601) } else { Value::Null },
            "{set}"
        );
        let meta = if modern {
            json!({LEVEL: "notice"})
        } else {
            json!({})
        };
        let waiting = wait(&mut client, &id, 30.0, meta.clone());
        tokio::join!(waiting, start(&service, &id));
        let lines = params(&client, "notifications/message");
        let lines: Vec<_> = lines
            .iter()
            .map(|line| (&line["level"], &line["data"]["text"]))
            .collect();
        let (warning, error) = (json!("warning"), json!("error"));
        let texts = [json!("the gate is shut"), json!("nobody opens")];
        assert_eq!(
            lines,
            [(&warning, &texts[0]), (&error, &texts[1])],
            "{version}"
        );
        // What was written before a call is not told again, and what is written last comes before the answer.
        client.notifications.clear();
        let opening = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            gate.open();
        };
        let (done, ()) = tokio::join!(wait(&mut client, &id, 30.0, meta), opening);
        assert_eq!(structured(&done["result"])["status"], "COMPLETED");
        let lines = params(&client, "notifications/message");
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert_eq!(lines[0]["data"]["text"], "the gate is open");
        assert_eq!(lines[0]["logger"], "task");
    }
}

#[tokio::test]
async fn a_level_that_there_is_not_is_refused() {
    let (mut client, _, _) = client("2026-07-28").await;
    let id = json!("01900000-0000-7000-8000-000000000000");
    let refused = wait(&mut client, &id, 0.0, json!({LEVEL: "loud"})).await;
    assert_eq!(refused["error"]["code"], -32602, "{refused}");
    let message = refused["error"]["message"].as_str().unwrap_or_default();
    assert!(message.contains("\"loud\"; use debug, info"), "{message}");
}

#[tokio::test]
async fn a_server_that_logs_says_so() {
    let (mut client, _, _) = client("2026-07-28").await;
    let found = client.request("server/discover", json!({})).await;
    assert_eq!(
        found["result"]["capabilities"]["logging"],
        json!({}),
        "{found}"
    );
}

#[tokio::test]
async fn tasks_are_made_in_the_trace_of_the_request() {
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    for (given, kept) in [(trace, Some(trace)), ("nonsense", None)] {
        let (mut client, _, service) = client("2026-07-28").await;
        let params = json!({
            "name": "create_task", "arguments": {"prompt": "x"}, "_meta": {"traceparent": given},
        });
        let made = client.request("tools/call", params).await;
        let id = structured(&made["result"])["task_id"].clone();
        let id: TaskId = id.as_str().and_then(|id| id.parse().ok()).expect("an id");
        let task = service.tasks().get(&Principal::local(), id).await;
        assert_eq!(task.expect("it is there").traceparent.as_deref(), kept);
    }
}

#[tokio::test(start_paused = true)]
async fn the_log_of_a_task_that_the_call_makes_is_heard_from_its_first_line_on() {
    let (mut client, gate, _) = client("2026-07-28").await;
    gate.open();
    let params = json!({
        "name": "create_task", "arguments": {"kind": "gated", "wait": true}, "_meta": {LEVEL: "debug"},
    });
    let done = client.request("tools/call", params).await;
    assert_eq!(structured(&done["result"])["status"], "COMPLETED", "{done}");
    let lines = texts(&client);
    assert_eq!(lines.first(), Some(&json!("a detail")), "{lines:?}");
    assert_eq!(lines.last(), Some(&json!("the gate is open")), "{lines:?}");
    assert_eq!(lines.len(), 5, "{lines:?}");
}

/// The texts of the log lines that came.
fn texts(client: &Raw) -> Vec<Value> {
    let lines = params(client, "notifications/message").into_iter();
    lines.map(|line| line["data"]["text"].clone()).collect()
}

#[tokio::test]
async fn the_server_has_an_icon_that_is_small_and_needs_no_network() {
    let (mut client, _, _) = client("2025-11-25").await;
    let hello = client.initialize("2025-11-25").await;
    let icons = &hello["result"]["serverInfo"]["icons"];
    let source = icons[0]["src"].as_str().unwrap_or_default();
    assert!(source.starts_with("data:image/svg+xml,"), "{hello}");
    assert!(source.len() < 250, "{}", source.len());
}
