use crate::anthropic::Anthropic;
use crate::{CLAUDE, SERVE};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// Clients kill a server that has not ended about so long after they closed its input.
const PATIENCE: Duration = Duration::from_secs(2);
const LONG: Duration = Duration::from_mins(1);
/// It sleeps the first time only.
const SCRIPT: &str = r#"=> use Bash {"command": "test -e pid || { echo $$ > new; mv new pid; exec sleep 86399; }", "description": "sleeps once"}
=> say done"#;

/// A client that goes while Claude Code works, and comes back.
pub(crate) async fn a_client_that_goes_leaves_nobody_and_finds_its_task_again(claude: &Path) {
    let directory = tempfile::tempdir().expect("a directory");
    let place = directory.path().canonicalize().expect("a path");
    let api = Anthropic::start().await;
    let start = || {
        let mut server = Command::new(std::env::current_exe().expect("this test"));
        server
            .env(SERVE, place.join("tasks.db"))
            .env(CLAUDE, claude)
            .env("HOME", &place)
            .envs(api.environment());
        Talk::start(server)
    };
    let mut first = start().await;
    let payload = json!({"prompt": SCRIPT, "work_directory": place, "allowed_tools": ["Bash"]});
    let task = json!({"kind": "claude_code", "payload": payload});
    let id = first.call("create_task", task).await["task_id"].clone();
    let pid = place.join("pid");
    let began = Instant::now();
    while !pid.exists() {
        assert!(began.elapsed() < LONG, "it never came so far");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let took = first.finish().await;
    eprintln!("claude_code: the server ended {took:?} after its input");
    assert!(took < PATIENCE, "{took:?}");
    let pid = std::fs::read_to_string(pid).expect("a file");
    assert!(!Path::new("/proc").join(pid.trim()).exists(), "{pid}");

    let mut next = start().await;
    let done = next
        .call(
            "wait_for_task",
            json!({"task_id": id, "timeout_seconds": 45}),
        )
        .await;
    assert_eq!(done["status"], "COMPLETED", "{done}");
    next.finish().await;
}

/// A server and a client that writes one line for each line it reads.
struct Talk {
    server: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Talk {
    async fn start(mut command: Command) -> Self {
        let mut server = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the server starts");
        let input = server.stdin.take().expect("a pipe");
        let output = server.stdout.take().expect("a pipe");
        let mut talk = Self {
            server,
            input,
            output: BufReader::new(output).lines(),
        };
        let hello = json!({
            "protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": {"name": "pipe", "version": "1"},
        });
        talk.ask("initialize", hello).await;
        talk
    }

    async fn ask(&mut self, method: &str, params: Value) -> Value {
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let line = format!("{request}\n");
        let written = self.input.write_all(line.as_bytes()).await;
        written.expect("the server reads");
        let line = tokio::time::timeout(LONG, self.output.next_line()).await;
        let line = line.expect("an answer in time").expect("the server writes");
        let mut answer: Value =
            serde_json::from_str(&line.expect("a line")).expect("a line of JSON");
        answer["result"].take()
    }

    async fn call(&mut self, tool: &str, arguments: Value) -> Value {
        let call = json!({"name": tool, "arguments": arguments});
        let mut result = self.ask("tools/call", call).await;
        result["structuredContent"].take()
    }

    /// Closes the input and returns how long the server took to end.
    async fn finish(mut self) -> Duration {
        drop(self.input);
        let closed = Instant::now();
        let status = tokio::time::timeout(LONG, self.server.wait()).await;
        let status = status.expect("it ends in time").expect("it ends");
        assert!(status.success(), "{status}");
        closed.elapsed()
    }
}
