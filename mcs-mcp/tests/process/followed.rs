//! Handles that are followed across processes: through kill -9, and with two servers on one file.

use crate::{SERVE, STUCK};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// Longest time for a task to get anywhere on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A server and its client, which follows tasks. It is killed when it is dropped.
struct Follower {
    server: Child,
    read: BufReader<ChildStdout>,
}

impl Follower {
    fn start(path: &Path, stuck: bool) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("this test"));
        command.env(SERVE, path).stdin(Stdio::piped());
        if stuck {
            command.env(STUCK, "1");
        }
        let mut server = command
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let read = BufReader::new(server.stdout.take().expect("a pipe"));
        Self { server, read }
    }

    fn ask(&mut self, method: &str, mut params: Value) -> Value {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities":
                {"elicitation": {}, "sampling": {}, "roots": {}, "extensions": {"io.modelcontextprotocol/tasks": {}}},
        });
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let input = self.server.stdin.as_mut().expect("a pipe");
        writeln!(input, "{request}").expect("the server reads");
        let mut line = String::new();
        self.read.read_line(&mut line).expect("the server writes");
        let mut answer: Value = serde_json::from_str(&line).expect("a line of JSON");
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].take()
    }

    fn call(&mut self, tool: &str, arguments: &Value) -> Value {
        self.ask("tools/call", json!({"name": tool, "arguments": arguments}))
    }

    /// The id of a task whose handle was given in place of its end.
    fn create(&mut self, mut task: Value) -> String {
        task["wait"] = true.into();
        let handle = self.call("create_task", &task);
        assert_eq!(handle["resultType"], "task", "{handle}");
        handle["taskId"].as_str().expect("an id").to_owned()
    }

    fn get(&mut self, id: &str) -> Value {
        self.ask("tasks/get", json!({"taskId": id}))
    }

    /// The task once it is as wanted.
    fn until(&mut self, id: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let task = self.get(id);
            if wanted(&task) {
                return task;
            }
            assert!(begun.elapsed() < PATIENCE, "it never got there: {task}");
            std::thread::yield_now();
        }
    }

    fn until_status(&mut self, id: &str, status: &str) -> Value {
        self.until(id, |task| task["status"] == status)
    }

    /// Waits until an attempt runs.
    fn until_it_runs(&mut self, id: &str) {
        self.until(id, |task| task["statusMessage"] == "Attempt 1 of 3 runs.");
    }

    fn answer(&mut self, id: &str, text: &str) {
        let answer = json!({"where": {"action": "accept", "content": {"answer": text}}});
        let params = json!({"taskId": id, "inputResponses": answer});
        let acknowledged = self.ask("tasks/update", params);
        assert_eq!(acknowledged, json!({"resultType": "complete"}));
    }

    fn cancel(&mut self, id: &str) {
        let acknowledged = self.ask("tasks/cancel", json!({"taskId": id}));
        assert_eq!(acknowledged, json!({"resultType": "complete"}));
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        // It is gone already, or it goes now without a word of farewell.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn text(task: &Value) -> &str {
    let text = task["result"]["content"][0]["text"].as_str();
    text.unwrap_or_else(|| panic!("no text in {task}"))
}

pub(crate) fn tasks_of_every_state_outlive_a_server_that_was_killed() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("tasks.db");
    let mut first = Follower::start(&path, true);
    let processing = first.create(json!({"kind": "long"}));
    first.until_it_runs(&processing);
    let manual = json!({"prompt": "by hand", "dispatch": "manual"});
    let pending = first.call("create_task", &manual)["structuredContent"]["task_id"].take();
    let pending = pending.as_str().expect("an id");
    assert_eq!(first.get(pending)["status"], "working");
    let asking = first.create(json!({"kind": "asking"}));
    let asked = first.until_status(&asking, "input_required");
    let answered = first.create(json!({"kind": "asking"}));
    first.until_status(&answered, "input_required");
    let cancelling = first.create(json!({"kind": "patient"}));
    first.until_it_runs(&cancelling);
    // Acknowledged, and nothing has come of it when the server goes.
    first.answer(&answered, "home");
    first.until_status(&answered, "working");
    first.cancel(&cancelling);

    let completed = first.create(json!({"prompt": "done before"}));
    let failed = first.create(json!({"kind": "failing"}));
    let cancelled = first.create(json!({"prompt": "not yet", "delay_seconds": 3600}));
    first.cancel(&cancelled);
    let ended = [
        (&completed, first.until_status(&completed, "completed")),
        (&failed, first.until_status(&failed, "completed")),
        (&cancelled, first.until_status(&cancelled, "cancelled")),
    ];
    assert_eq!(text(&ended[0].1), "done before");
    assert_eq!(ended[1].1["result"]["isError"], true);
    drop(first);

    let mut next = Follower::start(&path, false);
    for (id, before) in &ended {
        assert_eq!(&next.get(id), before, "what has ended stays as it is");
    }
    let again = next.until_status(&asking, "input_required");
    assert_eq!(again["inputRequests"], asked["inputRequests"]);
    next.answer(&asking, "away");
    let done = |next: &mut Follower, id: &str| {
        let done = next.until_status(id, "completed");
        text(&done).to_owned()
    };
    assert_eq!(done(&mut next, &asking), "\"away\"");
    let answered = next.until(&answered, |task| {
        assert_ne!(task["status"], "input_required", "it is not asked again");
        task["status"] == "completed"
    });
    assert_eq!(text(&answered), "\"home\"");
    assert_eq!(done(&mut next, &processing), "finished after all");
    let handle = next.call("execute_task", &json!({"task_id": pending, "wait": true}));
    assert!(
        handle["resultType"] == "task" || handle["isError"] == false,
        "{handle}"
    );
    assert_eq!(done(&mut next, pending), "by hand");
    next.until_status(&cancelling, "cancelled");
}

pub(crate) fn two_servers_share_tasks() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("tasks.db");
    let mut first = Follower::start(&path, false);
    // What the first server runs before the second is there stays with it.
    let asking = first.create(json!({"kind": "asking"}));
    let asked = first.until_status(&asking, "input_required");
    let patient = first.create(json!({"kind": "patient"}));
    first.until_it_runs(&patient);

    let mut second = Follower::start(&path, false);
    let seen = second.get(&asking);
    assert_eq!(seen["inputRequests"], asked["inputRequests"], "{seen}");
    second.answer(&asking, "there");
    second.cancel(&patient);
    let done = first.until_status(&asking, "completed");
    assert_eq!(text(&done), "\"there\"");
    assert_eq!(second.until_status(&asking, "completed"), done);
    let ended = second.until_status(&patient, "cancelled");
    assert_eq!(first.get(&patient), ended);

    let new = second.create(json!({"prompt": "of the second"}));
    assert_eq!(
        text(&first.until_status(&new, "completed")),
        "of the second"
    );
}
