//! What the service's reporter is told of the calls of a client.
#![cfg(feature = "reporter")]

use crate::support::{Raw, structured};
use mcs_core::config::{Config, ToolSet, builder};
use mcs_core::reporter::{Interaction, InteractionAction, InteractionReporter, Report};
use serde_json::json;
use std::sync::{Arc, Mutex};

#[derive(Debug, Default)]
struct Keeps(Mutex<Vec<Interaction>>);

impl InteractionReporter for Keeps {
    fn report(&self, interaction: Interaction) -> Report {
        self.0.lock().expect("nobody panics").push(interaction);
        Report::Accepted
    }

    fn is_enabled(&self) -> bool {
        true
    }
}

impl Keeps {
    /// Method, subject, and how it ended, of each call over MCP in the order of their ends.
    fn calls(&self) -> Vec<(String, String, String)> {
        let told = self.0.lock().expect("nobody panics");
        let text =
            |told: &Interaction, field: &str| told.data.get(field)?.as_str().map(str::to_owned);
        let ends = told
            .iter()
            .filter(|told| told.action != InteractionAction::Start);
        let calls = ends.filter_map(|end| {
            let method = text(end, "mcp.method.name")?;
            let start = told
                .iter()
                .find(|start| start.interaction_id == end.interaction_id)
                .expect("what ends began");
            assert_eq!(start.action, InteractionAction::Start);
            assert_eq!(text(start, "user_id").as_deref(), Some("local"));
            assert_eq!(text(start, "network.transport").as_deref(), Some("pipe"));
            let subjects = ["tool", "gen_ai.prompt.name", "mcp.resource.uri"];
            let subject = subjects.iter().find_map(|field| text(end, field));
            let error = text(end, "error_type").unwrap_or_else(|| "ok".to_owned());
            Some((method, subject.expect("it is of something"), error))
        });
        calls.collect()
    }
}

#[tokio::test]
async fn calls_and_attempts_are_told_to_the_services_reporter() {
    let keeps = Arc::new(Keeps::default());
    let service = builder(&Config::in_memory()).reporter(keeps.clone()).open();
    let service = service.await.expect("a service in memory opens");
    let mut client = Raw::connect(service, ToolSet::Standard, "2025-11-25").await;
    let created = client.call("create_task", json!({"prompt": "hello"})).await;
    let id = structured(&created)["task_id"].clone();
    client.call("wait_for_task", json!({"task_id": id})).await;
    client.call("create_task", json!({"promt": "hello"})).await;
    let read = json!({"uri": "data://system/stats"});
    client.request("resources/read", read).await;
    client
        .request("prompts/get", json!({"name": "system_health"}))
        .await;
    client
        .request("tools/call", json!({"name": "no_such_tool"}))
        .await;
    let call = |method: &str, subject: &str, ended: &str| {
        (method.to_owned(), subject.to_owned(), ended.to_owned())
    };
    let expected = [
        call("tools/call", "create_task", "ok"),
        call("tools/call", "wait_for_task", "ok"),
        call("tools/call", "create_task", "tool_error"),
        call("resources/read", "data://system/stats", "ok"),
        call("prompts/get", "system_health", "ok"),
        call("tools/call", "no_such_tool", "invalid_params"),
    ];
    assert_eq!(keeps.calls(), expected);
    let told = keeps.0.lock().expect("nobody panics");
    let attempts = told.iter().filter(|told| told.data.contains_key("attempt"));
    let actions: Vec<_> = attempts.map(|told| told.action).collect();
    assert_eq!(
        actions,
        [InteractionAction::Start, InteractionAction::Complete]
    );
    let all = serde_json::to_string(&*told).expect("JSON");
    assert!(
        !all.contains("hello"),
        "prompts are nobody's business: {all}"
    );
}
