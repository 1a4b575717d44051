//! The inspector as a program.

use crate::node::{self, Node};
use serde_json::Value;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::Semaphore;

const PACKAGE: &str = "@modelcontextprotocol/inspector";
/// Longest one run may take. It takes a second where nothing else runs.
const PATIENCE: Duration = Duration::from_mins(1);
/// Most that run at a time.
const AT_ONCE: usize = 4;

/// A server that it connects to.
pub(crate) enum Server {
    /// A program, and what is to be in its environment.
    Pipes(PathBuf, String),
    /// An endpoint.
    Url(String),
}

/// The program and a home for what it keeps.
pub(crate) struct Inspector {
    node: Node,
    home: TempDir,
    places: Semaphore,
}

impl Inspector {
    /// The inspector, if this machine has it.
    pub(crate) fn find() -> Option<Self> {
        let version = "@modelcontextprotocol/inspector@2.12.0";
        Some(Self {
            node: node::find(&[(PACKAGE, version)])?,
            home: tempfile::tempdir().expect("a directory"),
            places: Semaphore::new(AT_ONCE),
        })
    }

    /// The result of one request, in a session of its own where the era has sessions. It ends well or the test fails.
    pub(crate) async fn ask(&self, server: &Server, era: &str, words: &[&str]) -> Value {
        let _place = self.places.acquire().await.expect("nobody closes it");
        let script = format!("{PACKAGE}/clients/launcher/build/index.js");
        let mut command = self.node.run(&script);
        command
            .arg("--cli")
            .env("HOME", self.home.path())
            .stdin(Stdio::null());
        match server {
            Server::Pipes(program, variable) => command.arg(program).args(["-e", variable]),
            Server::Url(url) => command.args(["--server-url", url, "--transport", "http"]),
        };
        command.args(["--protocol-era", era, "--format", "json", "--quiet"]);
        let run = tokio::time::timeout(PATIENCE, command.args(words).output()).await;
        let run = run.expect("the inspector ends").expect("node runs");
        let said = String::from_utf8_lossy(&run.stdout);
        let erred = String::from_utf8_lossy(&run.stderr);
        assert!(run.status.success(), "{era} {words:?}: {said}{erred}");
        let mut said: Value = serde_json::from_str(&said).expect("JSON");
        said["result"].take()
    }

    /// The result of a tool that answered well.
    pub(crate) async fn call(
        &self,
        server: &Server,
        era: &str,
        tool: &str,
        arguments: &Value,
    ) -> Value {
        let arguments = arguments.to_string();
        let words = [
            "--method",
            "tools/call",
            "--tool-name",
            tool,
            "--tool-args-json",
            &arguments,
        ];
        let result = self.ask(server, era, &words).await;
        assert_ne!(result["isError"], true, "{era} {words:?}: {result}");
        result
    }
}
