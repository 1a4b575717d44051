//! Answers are read by models, so none is longer than 32 KiB, and each says what it leaves out.

use crate::support::{Raw, service, structured, text};
use mcs_core::config::ToolSet;
use mcs_core::workspace::Roots;
use serde_json::{Value, json};
use std::fs;
use std::time::Duration;

const ANSWER_BYTES: usize = 32 * 1024;

async fn client() -> Raw {
    let (service, _) = service().await;
    Raw::connect(service, ToolSet::All, "2025-11-25").await
}

async fn create(client: &mut Raw, arguments: Value) -> String {
    let created = client.call("create_task", arguments).await;
    let id = structured(&created)["task_id"].as_str();
    id.expect("an id").to_owned()
}

#[track_caller]
fn assert_bounded(result: &Value) {
    let bytes = structured(result).to_string().len();
    assert!(bytes <= ANSWER_BYTES, "{bytes} bytes for programs");
    let bytes = text(result).len();
    assert!(bytes <= ANSWER_BYTES, "{bytes} bytes of text");
}

#[tokio::test]
async fn a_status_shows_as_many_open_questions_as_fit() {
    let mut client = client().await;
    let questions = json!({"kind": "quizzing", "payload": {"questions": 300}});
    let id = create(&mut client, questions).await;
    let looking = async {
        loop {
            let status = client.call("get_task_status", json!({"task_id": id})).await;
            let fields = structured(&status);
            let shown = fields["input_requests"].as_array().map_or(0, Vec::len);
            let left_out = fields["input_requests_left_out"].as_u64().unwrap_or(0);
            if shown as u64 + left_out == 300 {
                return status;
            }
        }
    };
    let status = tokio::time::timeout(Duration::from_mins(1), looking).await;
    let status = status.expect("it asks them all");
    assert_bounded(&status);
    let shown = structured(&status)["input_requests"].as_array();
    let shown = shown.expect("a list");
    assert!((5..10).contains(&shown.len()), "{}", shown.len());
    assert!(
        text(&status).contains("and 289 more are open too"),
        "{status}"
    );
    let first = json!({"task_id": id, "key": shown[0]["key"], "response": "yes"});
    let answered = client.call("respond_to_task", first).await;
    assert_eq!(structured(&answered)["key"], shown[0]["key"]);
    client.call("cancel_task", json!({"task_id": id})).await;
}

#[tokio::test]
async fn a_long_answer_is_not_sent_back() {
    let mut client = client().await;
    let questions = json!({"kind": "quizzing", "payload": {"questions": 1}});
    let id = create(&mut client, questions).await;
    let long = "x".repeat(60_000);
    let looking = async {
        loop {
            let answer = json!({"task_id": id, "key": "q0", "response": long});
            let answered = client.call("respond_to_task", answer).await;
            // It may not have asked yet.
            if answered["isError"] != true {
                return answered;
            }
        }
    };
    let answered = tokio::time::timeout(Duration::from_mins(1), looking).await;
    let answered = answered.expect("it asks");
    assert_bounded(&answered);
    assert_eq!(structured(&answered)["response_bytes"], 60_002);
    assert_eq!(structured(&answered).get("response"), None);
}

#[tokio::test]
async fn of_many_files_with_long_names_the_first_are_named() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = fs::canonicalize(directory.path()).expect("it is there");
    let deep = path.join("d".repeat(200));
    fs::create_dir(&deep).expect("a directory");
    for number in 0..150 {
        let name = format!("{number:03}{}.txt", "n".repeat(200));
        fs::write(deep.join(name), "x").expect("a file");
    }
    #[cfg(unix)]
    for number in 0..40 {
        let name = format!("z{number:03}{}.txt", "n".repeat(200));
        std::os::unix::fs::symlink("nowhere", deep.join(name)).expect("a link");
    }
    let (service, _) = service().await;
    let service = service.with_roots(Roots::new(vec![path.clone()]));
    let mut client = Raw::connect(service, ToolSet::Standard, "2025-11-25").await;
    let arguments = json!({
        "directory": path, "pattern": "**/*.txt", "prompt": "Say {name}", "kind": "talking", "dispatch": "manual",
    });
    let batch = client.call("execute_directory", arguments).await;
    assert_bounded(&batch);
    let fields = structured(&batch);
    assert_eq!(fields["total"], 150);
    let named = fields["tasks"].as_array().expect("a list");
    assert!((30..100).contains(&named.len()), "{}", named.len());
    let words = format!("The first {} are named here", named.len());
    assert!(text(&batch).contains(&words), "{batch}");
    assert!(text(&batch).contains("call execute_task"), "{batch}");
    let id = json!({"task_id": fields["task_id"], "reason": "over"});
    client.call("cancel_task", id).await;
}
