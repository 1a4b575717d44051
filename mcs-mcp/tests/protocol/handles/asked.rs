//! Questions as elicitations, and what is done with the answers.

use super::{create, follower, follows_tasks, get, is_acknowledged, until, update};
use crate::support::{Raw, service};
use serde_json::{Value, json};

/// What an approval looks like to a client.
fn approval() -> Value {
    json!({"method": "elicitation/create", "params": {
        "mode": "form",
        "message": "Claude Code wants to use Bash: touch y.txt\nTool Bash, input {\"command\":\"touch y.txt\"}\n\
            In /srv/x\nWithout an answer it is denied at 2030-01-01T00:00:00.000Z.",
        "requestedSchema": {
            "type": "object",
            "properties": {
                "decision": {"type": "string", "title": "Decision", "oneOf": [
                    {"const": "allow", "title": "Allow this once"},
                    {"const": "allow_always", "title": "Allow for the rest of this task"},
                    {"const": "deny", "title": "Deny"},
                ]},
                "reason": {"type": "string", "title": "Reason", "description": "Told to whoever wanted to use the tool."},
            },
            "required": ["decision"],
        },
    }})
}

async fn asking(client: &mut Raw, arguments: Value) -> (String, Value) {
    let id = create(client, arguments).await;
    let mut asked = until(client, &id, "input_required").await;
    assert!(asked["pollIntervalMs"].as_u64() >= Some(1000), "{asked}");
    (id, asked["inputRequests"].take())
}

/// The text of the task's result, which is the answer as it was stored.
async fn stored(client: &mut Raw, id: &str) -> Value {
    let done = until(client, id, "completed").await;
    let text = done["result"]["content"][0]["text"].as_str();
    serde_json::from_str(text.expect("a text")).expect("the answer is JSON")
}

#[tokio::test]
async fn an_approval_is_a_form_with_three_choices() {
    let (service, _) = service().await;
    let mut client = follower(service).await;
    let reason = json!({"decision": "deny", "reason": "not today"});
    let empty = json!({"decision": "allow_always", "reason": ""});
    for (response, wanted) in [
        (
            json!({"action": "accept", "content": {"decision": "allow"}}),
            json!({"decision": "allow"}),
        ),
        (json!({"action": "accept", "content": reason}), reason),
        (
            json!({"action": "accept", "content": empty}),
            json!({"decision": "allow_always"}),
        ),
        (
            json!({"action": "decline"}),
            json!({"decision": "deny", "reason": "the user declined"}),
        ),
        (
            json!({"action": "cancel"}),
            json!({"decision": "deny", "reason": "the user dismissed the question"}),
        ),
    ] {
        let (id, asked) = asking(&mut client, json!({"kind": "approving"})).await;
        assert_eq!(asked, json!({ "tool-1": approval() }));
        is_acknowledged(&update(&mut client, &id, json!({ "tool-1": response })).await);
        assert_eq!(stored(&mut client, &id).await, wanted);
    }
}

#[tokio::test]
async fn a_client_is_sent_what_it_can_be_asked_and_else_told_who_answers() {
    let (service, _) = service().await;
    let mut client = follower(service).await;
    let (id, asked) = asking(&mut client, json!({"kind": "approving"})).await;
    let mut forms = follows_tasks();
    forms["elicitation"] = json!({"form": {}});
    let mut pages = follows_tasks();
    pages["elicitation"] = json!({"url": {}});
    for can_not in [follows_tasks(), pages] {
        client = client.able(can_not);
        let told = get(&mut client, &id).await;
        assert_eq!(told["status"], "working", "{told}");
        assert_eq!(told.get("inputRequests"), None, "{told}");
        let message = told["statusMessage"].as_str().expect("a message");
        assert!(message.contains("respond_to_task"), "{message}");
    }
    client = client.able(forms);
    let told = get(&mut client, &id).await;
    assert_eq!(told["status"], "input_required", "{told}");
    assert_eq!(told["inputRequests"], asked, "{told}");
}

#[tokio::test]
async fn an_answer_that_does_not_fit_is_refused_and_the_question_stays() {
    let (service, _) = service().await;
    let mut client = follower(service).await;
    let (id, asked) = asking(&mut client, json!({"kind": "approving"})).await;
    for (response, wanted) in [
        (
            json!("yes"),
            "`inputResponses.tool-1.action` is missing or not known",
        ),
        (
            json!({"action": "agree"}),
            "\"accept\" | \"decline\" | \"cancel\"",
        ),
        (
            json!({"action": "accept"}),
            "`inputResponses.tool-1.content` is missing or no object",
        ),
        (
            json!({"action": "accept", "content": {}}),
            "`inputResponses.tool-1.content.decision` is missing",
        ),
        (
            json!({"action": "accept", "content": {"decision": "maybe"}}),
            "allow, allow_always, deny",
        ),
        (
            json!({"action": "accept", "content": {"decision": "allow", "mood": "good"}}),
            "`inputResponses.tool-1.content.mood` is not known",
        ),
        (
            json!({"action": "accept", "content": {"decision": "deny", "reason": "x".repeat(70_000)}}),
            "65536",
        ),
    ] {
        let refused = update(&mut client, &id, json!({ "tool-1": response })).await;
        assert_eq!(refused["error"]["code"], -32602, "{refused}");
        let message = refused["error"]["message"].as_str().expect("a message");
        assert!(message.contains(wanted), "{wanted}: {message}");
        let still = get(&mut client, &id).await;
        assert_eq!(still["inputRequests"], asked, "{still}");
    }
}

#[tokio::test]
async fn questions_are_answered_in_any_order_and_only_once() {
    let (service, _) = service().await;
    let mut client = follower(service.clone()).await;
    let id = create(&mut client, json!({"kind": "asking"})).await;
    let both = loop {
        let asked = until(&mut client, &id, "input_required").await;
        if asked["inputRequests"].as_object().map(serde_json::Map::len) == Some(2) {
            break asked;
        }
    };
    assert_eq!(both["statusMessage"], "It waits for 2 answers.");
    let short = &both["inputRequests"]["short"]["params"];
    assert_eq!(short["message"], "sure?", "{short}");
    let form = json!({
        "type": "object",
        "properties": {"answer": {"type": "string", "title": "Answer"}},
        "required": ["answer"],
    });
    assert_eq!(short["requestedSchema"], form, "{short}");
    let says = |text: &str| json!({"action": "accept", "content": {"answer": text}});

    let one_is_wrong = json!({"short": says("yes"), "long": {"action": "accept", "content": {}}});
    let refused = update(&mut client, &id, one_is_wrong).await;
    assert_eq!(refused["error"]["code"], -32602, "{refused}");
    assert_eq!(
        get(&mut client, &id).await["inputRequests"],
        both["inputRequests"]
    );

    let with_strangers = json!({"short": says("yes"), "never-asked": {"whatever": true}});
    is_acknowledged(&update(&mut client, &id, with_strangers).await);
    let one_left = get(&mut client, &id).await;
    assert_eq!(one_left["status"], "input_required", "{one_left}");
    assert!(
        one_left["inputRequests"].get("short").is_none(),
        "{one_left}"
    );
    is_acknowledged(&update(&mut client, &id, json!({"short": says("no, after all")})).await);
    is_acknowledged(&update(&mut client, &id, json!({"long": {"action": "decline"}})).await);
    let done = until(&mut client, &id, "completed").await;
    assert_eq!(done["result"]["content"][0]["text"], "answered");

    let who = mcs_core::service::Principal::local();
    let id = id.parse().expect("a task id");
    let task = service.tasks().status(&who, id).await.expect("the task");
    let mut kept = task.input_requests.iter();
    let mut kept = |key: &str| {
        let question = kept.find(|asked| asked.key == key).expect("the question");
        question
            .response
            .as_ref()
            .map(|json| json.as_str().to_owned())
    };
    assert_eq!(kept("short").as_deref(), Some("\"yes\""));
    assert_eq!(kept("long").as_deref(), Some(r#"{"action":"decline"}"#));
}

#[tokio::test]
async fn what_an_mcp_server_asks_is_passed_on_as_it_is() {
    let (service, _) = service().await;
    let mut client = follower(service).await;
    for (request, response, misfit) in [
        (
            json!({"method": "elicitation/create", "params": {
                "mode": "form",
                "message": "Which file?",
                "requestedSchema": {
                    "type": "object",
                    "properties": {"name": {"type": "string"}, "keep": {"type": "boolean", "default": true}},
                    "required": ["name"],
                },
            }}),
            json!({"action": "accept", "content": {"name": "a.txt", "keep": false}, "_meta": {"a": 1}}),
            json!({"content": {}}),
        ),
        (
            json!({"method": "sampling/createMessage", "params": {
                "messages": [{"role": "user", "content": {"type": "text", "text": "What is the capital of France?"}}],
                "maxTokens": 100,
            }}),
            json!({"role": "assistant", "content": {"type": "text", "text": "Paris"}, "model": "m"}),
            json!("Paris"),
        ),
        (
            json!({"method": "roots/list"}),
            json!({"roots": [{"uri": "file:///srv"}]}),
            json!([]),
        ),
    ] {
        let arguments = json!({"kind": "forwarding", "payload": {"request": request}});
        let (id, asked) = asking(&mut client, arguments).await;
        assert_eq!(asked["asked"]["method"], request["method"], "{asked}");
        if let Some(params) = request.get("params") {
            assert_eq!(&asked["asked"]["params"], params, "{asked}");
        }
        let refused = update(&mut client, &id, json!({ "asked": misfit })).await;
        assert_eq!(refused["error"]["code"], -32602, "{refused}");
        is_acknowledged(&update(&mut client, &id, json!({ "asked": response })).await);
        assert_eq!(stored(&mut client, &id).await, response);
    }
}
