use crate::{Outcome, server::SERVE};
use indicatif::ProgressBar;
use mcs_core::domain::TaskId;
use rmcp::model::CallToolRequestParams;
use rmcp::service::{RoleClient, RunningService, ServiceExt};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};

const PATIENCE: Duration = Duration::from_mins(1);
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// A server in a process of its own, and the MCP client that talks to it.
pub(crate) struct Session {
    server: Child,
    client: RunningService<RoleClient, ()>,
}

impl Session {
    pub(crate) async fn start(file: &Path) -> Outcome<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(SERVE).arg(file).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut server = command.spawn()?;
        let pipes = server.stdout.take().zip(server.stdin.take());
        let client = ().serve(pipes.ok_or("the server has no pipes")?).await?;
        Ok(Self { server, client })
    }

    /// Creates `count` tasks in one call. They were durable before the answer was sent.
    pub(crate) async fn create(&self, count: usize) -> Outcome<Vec<TaskId>> {
        let task = json!({"prompt": "Hello", "provider": "echo"});
        let tasks = json!({"tasks": vec![task; count]});
        let reply = self.call("create_task", tasks).await?;
        let created = reply["tasks"].as_array().into_iter().flatten();
        let ids = created.map(|task| task["task_id"].as_str().unwrap_or_default());
        ids.map(|id| Ok(id.parse()?)).collect()
    }

    /// Watches until so many tasks have completed.
    pub(crate) async fn until_completed(&self, count: u64, bar: &ProgressBar) -> Outcome<()> {
        let began = Instant::now();
        while bar.position() < count {
            if began.elapsed() > PATIENCE {
                return Err(format!("{} of {count} completed in a minute", bar.position()).into());
            }
            tokio::time::sleep(LOOK_EVERY).await;
            let statistics = self.call("get_statistics", json!({})).await?;
            let completed = statistics["statuses"]["COMPLETED"].as_u64();
            bar.set_position(completed.unwrap_or_default());
        }
        Ok(())
    }

    /// Asks a model one small question.
    pub(crate) async fn ask(&self, provider: &str) -> Outcome<String> {
        let prompt = "Greet a durable task in five words.";
        let task = json!({"prompt": prompt, "provider": provider, "max_attempts": 1});
        let created = self.call("create_task", task).await?;
        let wait = json!({"task_id": created["task_id"], "timeout_seconds": 45});
        let answer = self.call("wait_for_task", wait).await?;
        Ok(answer["text"].as_str().unwrap_or_default().to_owned())
    }

    /// SIGKILL: the server has no chance to say goodbye.
    pub(crate) async fn kill(mut self) -> Outcome<()> {
        Ok(self.server.kill().await?)
    }

    pub(crate) async fn end(mut self) -> Outcome<()> {
        self.client.cancel().await?;
        self.server.wait().await?;
        Ok(())
    }

    async fn call(&self, tool: &'static str, arguments: Value) -> Outcome<Value> {
        let arguments = arguments.as_object().cloned().unwrap_or_default();
        let request = CallToolRequestParams::new(tool).with_arguments(arguments);
        let result = self.client.call_tool(request).await?;
        match result.structured_content {
            Some(content) if result.is_error != Some(true) => Ok(content),
            _ => {
                let texts = result.content.iter().filter_map(|part| part.as_text());
                Err(texts
                    .map(|part| part.text.as_str())
                    .collect::<String>()
                    .into())
            }
        }
    }
}
