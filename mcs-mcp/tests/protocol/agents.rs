//! The tools for work that agents do: questions and answers, sessions, starts by hand, and directories.

use crate::support::{Raw, service, structured, text};
use mcs_core::config::ToolSet;
use mcs_core::workspace::Roots;
use serde_json::{Value, json};
use std::fs;
use std::time::Duration;

async fn client() -> Raw {
    let (service, _) = service().await;
    Raw::connect(service, ToolSet::All, "2025-11-25").await
}

async fn create(client: &mut Raw, arguments: Value) -> String {
    let created = client.call("create_task", arguments).await;
    let id = structured(&created)["task_id"].as_str();
    id.expect("an id").to_owned()
}

/// The status of a task once it has asked.
async fn asked(client: &mut Raw, id: &str) -> Value {
    until(client, id, |status| status["status"] == "INPUT_REQUIRED").await
}

/// The status of a task once it is as wanted.
async fn until(client: &mut Raw, id: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let looking = async {
        loop {
            let status = client.call("get_task_status", json!({"task_id": id})).await;
            if wanted(structured(&status)) {
                return status;
            }
        }
    };
    let looked = tokio::time::timeout(Duration::from_mins(1), looking).await;
    looked.unwrap_or_else(|_| panic!("task {id} did not get there"))
}

/// The refusal of a call.
async fn refused(client: &mut Raw, tool: &str, arguments: Value) -> String {
    let result = client.call(tool, arguments).await;
    assert_eq!(result["isError"], true, "{result}");
    text(&result)
}

async fn result(client: &mut Raw, id: &str) -> Value {
    let done = client.call("wait_for_task", json!({"task_id": id})).await;
    assert_eq!(structured(&done)["status"], "COMPLETED", "{done}");
    done
}

#[tokio::test]
async fn a_tool_waits_for_a_decision() {
    let mut client = client().await;
    let id = create(&mut client, json!({"kind": "approving"})).await;
    let status = asked(&mut client, &id).await;
    for part in [
        "Claude Code wants to use Bash: touch y.txt.",
        "Tool Bash in /srv/x, input {\"command\":\"touch y.txt\"}.",
        "Without an answer it is denied at 2030-01-01T00:00:00.000Z.",
        "respond_to_task with this key and `decision` allow, allow_always or deny",
    ] {
        assert!(text(&status).contains(part), "{part}: {status}");
    }
    let looked = json!({"task_id": id, "timeout_seconds": 0});
    let looked = client.call("wait_for_task", looked).await;
    assert!(text(&looked).contains("Question `tool-1`"), "{looked}");
    let with = |more: Value| {
        let mut arguments = json!({"task_id": id});
        for (name, value) in more.as_object().expect("an object") {
            arguments[name] = value.clone();
        }
        arguments
    };
    for (arguments, wanted) in [
        (json!({}), "`decision` is missing"),
        (json!({"reason": "no"}), "`reason` belongs to `decision`"),
        (json!({"decision": "maybe"}), "`decision`"),
        (json!({"response": "yes"}), "`response` is no JSON object"),
        (json!({"response": {"decision": "maybe"}}), "allow_always"),
        (
            json!({"decision": "deny", "response": 1}),
            "`response` is given together",
        ),
        (
            json!({"decision": "deny", "key": "other"}),
            "use one of `tool-1`",
        ),
    ] {
        let refused = refused(&mut client, "respond_to_task", with(arguments)).await;
        assert!(refused.contains(wanted), "{refused}");
    }
    let deny = with(json!({"decision": "deny", "reason": "not here"}));
    let answered = client.call("respond_to_task", deny.clone()).await;
    let wanted = json!({"decision": "deny", "reason": "not here"});
    assert_eq!(structured(&answered)["response"], wanted);
    assert_eq!(structured(&answered)["key"], "tool-1");
    let done = result(&mut client, &id).await;
    assert!(text(&done).contains("not here"), "{done}");
    let late = refused(&mut client, "respond_to_task", deny).await;
    assert!(late.contains("COMPLETED"), "{late}");
}

#[tokio::test]
async fn of_several_questions_one_is_named() {
    let mut client = client().await;
    let id = create(&mut client, json!({"kind": "asking"})).await;
    let both = |status: &Value| {
        let questions = status["input_requests"].as_array();
        questions.is_some_and(|questions| questions.len() == 2)
    };
    let text = text(&until(&mut client, &id, both).await);
    assert!(
        text.contains("Question `") && text.contains("are open too"),
        "{text}"
    );
    let answer = json!({"task_id": id, "response": "yes"});
    let which = refused(&mut client, "respond_to_task", answer).await;
    assert!(which.contains("2 questions are open"), "{which}");
    for key in ["short", "long"] {
        let answer = json!({"task_id": id, "key": key, "response": {"any": ["thing"]}});
        let answered = client.call("respond_to_task", answer).await;
        assert_eq!(structured(&answered)["key"], key);
    }
    result(&mut client, &id).await;
}

#[tokio::test]
async fn a_manual_task_runs_when_it_is_told_to() {
    let (service, gate) = service().await;
    let mut client = Raw::connect(service, ToolSet::All, "2025-11-25").await;
    let manual = json!({"kind": "gated", "dispatch": "manual"});
    let created = client.call("create_task", manual).await;
    assert!(
        text(&created).contains("does not start by itself: call execute_task"),
        "{created}"
    );
    let id = structured(&created)["task_id"].as_str();
    let id = id.expect("an id").to_owned();
    let named = json!({"task_id": id});
    let status = client.call("get_task_status", named.clone()).await;
    assert!(
        text(&status).contains("To run it, call execute_task"),
        "{status}"
    );
    assert!(!text(&status).contains("free worker"), "{status}");
    assert_eq!(structured(&status)["dispatch"], "manual");
    assert_eq!(structured(&status)["status"], "PENDING");
    let started = client.call("execute_task", named.clone()).await;
    assert_eq!(structured(&started)["status"], "PROCESSING");
    assert_eq!(structured(&started)["attempt"], 1);
    let twice = refused(&mut client, "execute_task", named.clone()).await;
    assert!(twice.contains("is held by"), "{twice}");
    gate.open();
    result(&mut client, &id).await;
    let over = refused(&mut client, "execute_task", named).await;
    assert!(over.contains("COMPLETED"), "{over}");
}

#[tokio::test]
async fn a_session_goes_on_and_leaves_nothing_behind() {
    let mut client = client().await;
    let id = create(&mut client, json!({"kind": "talking", "prompt": "one"})).await;
    result(&mut client, &id).await;
    let next = json!({"task_id": id, "prompt": "two"});
    let next = client.call("continue_task", next).await;
    assert_eq!(structured(&next)["continues"], id.as_str());
    let next = structured(&next)["task_id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let done = result(&mut client, &next).await;
    assert!(text(&done).contains("one, two"), "{done}");
    let named = json!({"task_id": next});
    let removed = client.call("remove_worktree", named.clone()).await;
    assert_eq!(
        structured(&removed)["removed"],
        "removed the worktree /tmp/w"
    );
    let prompt = create(&mut client, json!({"prompt": "x"})).await;
    result(&mut client, &prompt).await;
    let refused_it = json!({"task_id": prompt, "prompt": "y"});
    let refused_it = refused(&mut client, "continue_task", refused_it).await;
    assert!(refused_it.contains("cannot be continued"), "{refused_it}");
    let nothing = client
        .call("remove_worktree", json!({"task_id": prompt}))
        .await;
    assert!(structured(&nothing).get("removed").is_none());
}

#[tokio::test]
async fn seed_names_are_taken_for_kinds() {
    let mut client = client().await;
    let standard = json!({"prompt": "x", "execution_mode": "Standard", "priority": "High"});
    let id = create(&mut client, standard).await;
    let status = client.call("get_task_status", json!({"task_id": id})).await;
    let fields = structured(&status);
    assert_eq!(
        (&fields["kind"], &fields["priority"]),
        (&json!("prompt"), &json!(8))
    );
    for (arguments, wanted) in [
        (
            json!({"prompt": "x", "execution_mode": "Fast"}),
            "Standard, ClaudeCode, Custom",
        ),
        (
            json!({"prompt": "x", "execution_mode": "Custom"}),
            "`kind` is missing",
        ),
        (
            json!({"prompt": "x", "execution_mode": "Standard", "kind": "gated"}),
            "leave one out",
        ),
    ] {
        let refused = refused(&mut client, "create_task", arguments).await;
        assert!(refused.contains(wanted), "{refused}");
    }
}

#[tokio::test]
async fn files_become_tasks_and_a_summary() {
    let made = tempfile::tempdir().expect("a directory");
    let path = fs::canonicalize(made.path()).expect("its path");
    let root = path.to_str().expect("UTF-8").to_owned();
    for (name, content) in [
        ("a.txt", "first"),
        ("b.txt", "second"),
        ("bad.task.toml", "kind = 'sized'\ncolour = 1"),
    ] {
        fs::write(path.join(name), content).expect("a file");
    }
    let (service, _) = service().await;
    let service = service.with_roots(Roots::new(vec![path]));
    let mut client = Raw::connect(service, ToolSet::Standard, "2025-11-25").await;
    let arguments = json!({
        "directory": root, "pattern": "*.txt", "prompt": "Say {name}: {content}", "kind": "talking", "tags": ["t"],
        "timeout_seconds": 30, "priority": "high",
    });
    let batch = client.call("execute_directory", arguments).await;
    let fields = structured(&batch);
    assert_eq!(
        (&fields["total"], &fields["tasks"][1]["file"]),
        (&json!(2), &json!("b.txt"))
    );
    assert!(fields.get("skipped").is_none());
    let id = fields["task_id"].as_str().expect("an id").to_owned();
    let one = fields["tasks"][1]["task_id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let done = result(&mut client, &one).await;
    assert!(text(&done).contains("Say b.txt: second"), "{done}");
    let summary = result(&mut client, &id).await;
    assert_eq!(structured(&summary)["structured"]["counts"]["completed"], 2);
    assert!(
        text(&summary).contains("2 completed, 0 failed"),
        "{summary}"
    );
    for (arguments, wanted) in [
        (
            json!({"directory": root}),
            "`bad.task.toml:2` unknown field `colour`",
        ),
        (json!({"directory": "/"}), "tasks may work only below"),
        (
            json!({"directory": root, "pattern": "*.none"}),
            "fits no file",
        ),
        (
            json!({"directory": root, "pattern": "*.txt", "prompt": "x"}),
            "says nothing of the file",
        ),
        (json!({"directory": root, "depth": 65}), "`depth`"),
        (json!({"directory": root, "priority": 11}), "`priority`"),
    ] {
        let refused = refused(&mut client, "execute_directory", arguments).await;
        assert!(refused.contains(wanted), "{refused}");
    }
}
