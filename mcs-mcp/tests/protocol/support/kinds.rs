use async_trait::async_trait;
use mcs_core::config::{Config, builder};
use mcs_core::domain::{Approval, Content, InvalidInput, LogLevel, NewTask, Task, TaskResult};
use mcs_core::executor::{Context, ExecuteError, Executor, KindSpec, Outcome};
use mcs_core::service::Service;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Opens what tasks of kind `gated` wait for.
#[derive(Debug, Clone)]
pub(crate) struct Gate(Arc<Semaphore>);

impl Gate {
    /// Lets one task through.
    pub(crate) fn open(&self) {
        self.0.add_permits(1);
    }
}

/// A service in memory with the kinds `approving`, `asking`, `forwarding`, `quizzing`, `prompt`, `talking`, `gated`,
/// `failing` and `sized`.
pub(crate) async fn service() -> (Service, Gate) {
    open(Config::in_memory()).await
}

/// As [`service`], with a configuration of one's own.
pub(crate) async fn open(mut config: Config) -> (Service, Gate) {
    let gate = Gate(Arc::new(Semaphore::new(0)));
    // The kinds are the same whatever the core was built with.
    config.claude_code.enabled = false;
    let service = builder(&config)
        .executor(Gated(gate.clone()))
        .executor(Asking)
        .executor(Approving)
        .executor(Quizzing)
        .executor(Talking)
        .executor(Failing)
        .executor(Forwarding)
        .executor(Sized)
        .open()
        .await
        .expect("the service opens");
    (service, gate)
}

/// Reports progress and logs a line of each level, then waits for the gate, and logs a last line.
#[derive(Debug)]
struct Gated(Gate);

#[async_trait]
impl Executor for Gated {
    fn kind(&self) -> KindSpec {
        KindSpec::new("gated", "waits until it is let through")
    }

    async fn execute(&self, _: &Task, context: &Context) -> Result<Outcome, ExecuteError> {
        context.progress(Some(40.0), "waiting at the gate");
        context.log(LogLevel::Debug, "a detail").await;
        context.log(LogLevel::Info, "at the gate").await;
        context.log(LogLevel::Warn, "the gate is shut").await;
        context.log(LogLevel::Error, "nobody opens").await;
        tokio::select! {
            permit = self.0.0.acquire() => permit.expect("the gate is never closed").forget(),
            () = context.cancelled() => return Err(ExecuteError::cancelled()),
        }
        context.log(LogLevel::Warn, "the gate is open").await;
        Ok(Outcome::Done(TaskResult::text("let through")))
    }
}

#[derive(Debug)]
struct Failing;

#[async_trait]
impl Executor for Failing {
    fn kind(&self) -> KindSpec {
        KindSpec::new("failing", "fails for good")
    }

    async fn execute(&self, task: &Task, _: &Context) -> Result<Outcome, ExecuteError> {
        let error = ExecuteError::permanent("the dish is broken; buy another");
        let details = match payload_of(task)["details"].take() {
            Value::Null => json!({"shards": "x".repeat(5000)}),
            asked => asked,
        };
        Err(error.with_details(details))
    }
}

/// Asks what its payload has as `request`, and answers with the answer.
#[derive(Debug)]
struct Forwarding;

#[async_trait]
impl Executor for Forwarding {
    fn kind(&self) -> KindSpec {
        KindSpec::new("forwarding", "asks what it is given")
    }

    async fn execute(&self, task: &Task, context: &Context) -> Result<Outcome, ExecuteError> {
        let request = payload_of(task)["request"].take();
        match context.ask("asked", request.into()).await {
            Ok(answer) => Ok(Outcome::Done(TaskResult::text(answer.as_str()))),
            Err(_) => Err(ExecuteError::cancelled()),
        }
    }
}

/// Asks one short question and one long one, and waits for the answers.
#[derive(Debug)]
struct Asking;

#[async_trait]
impl Executor for Asking {
    fn kind(&self) -> KindSpec {
        KindSpec::new("asking", "asks a person")
    }

    async fn execute(&self, _: &Task, context: &Context) -> Result<Outcome, ExecuteError> {
        let long = json!({"essay": "x".repeat(5000)});
        let (short, long) = tokio::join!(
            context.ask("short", json!("sure?").into()),
            context.ask("long", long.into())
        );
        match short.and(long) {
            Ok(_) => Ok(Outcome::Done(TaskResult::text("answered"))),
            Err(_) => Err(ExecuteError::cancelled()),
        }
    }
}

/// Asks as many questions at once as its payload says, each of 4000 bytes, and waits for the answers.
#[derive(Debug)]
struct Quizzing;

#[async_trait]
impl Executor for Quizzing {
    fn kind(&self) -> KindSpec {
        KindSpec::new("quizzing", "asks many things")
    }

    async fn execute(&self, task: &Task, context: &Context) -> Result<Outcome, ExecuteError> {
        let count = payload_of(task)["questions"].as_u64().unwrap_or(0);
        let questions = (0..count).map(|number| async move {
            let question = json!("x".repeat(4000));
            context.ask(&format!("q{number}"), question.into()).await
        });
        match futures_util::future::try_join_all(questions).await {
            Ok(_) => Ok(Outcome::Done(TaskResult::text("answered"))),
            Err(_) => Err(ExecuteError::cancelled()),
        }
    }
}

/// Asks whether it may use a tool, and answers with the answer.
#[derive(Debug)]
struct Approving;

#[async_trait]
impl Executor for Approving {
    fn kind(&self) -> KindSpec {
        KindSpec::new("approving", "asks for a tool")
    }

    async fn execute(&self, _: &Task, context: &Context) -> Result<Outcome, ExecuteError> {
        let approval = Approval {
            message: "Claude Code wants to use Bash: touch y.txt".into(),
            tool: "Bash".into(),
            input: json!({"command": "touch y.txt"}),
            work_directory: Some("/srv/x".into()),
            expires_at: "2030-01-01T00:00:00Z".parse().ok(),
        };
        let question = approval.to_json().expect("a question is JSON");
        match context.ask("tool-1", question).await {
            Ok(answer) => Ok(Outcome::Done(TaskResult::text(answer.as_str()))),
            Err(_) => Err(ExecuteError::cancelled()),
        }
    }
}

/// Answers with its prompt, goes on with another, and leaves a worktree behind.
#[derive(Debug)]
struct Talking;

#[async_trait]
impl Executor for Talking {
    fn kind(&self) -> KindSpec {
        KindSpec::new("talking", "says what it is told")
    }

    async fn execute(&self, task: &Task, _: &Context) -> Result<Outcome, ExecuteError> {
        Ok(Outcome::Done(TaskResult::text(said(task))))
    }

    fn follow_up(&self, finished: &Task, prompt: &str) -> Result<NewTask, InvalidInput> {
        let prompt = format!("{}, {prompt}", said(finished));
        Ok(NewTask::new("talking", json!({ "prompt": prompt })))
    }

    async fn clean_up(&self, _: &Task) -> Result<Option<String>, ExecuteError> {
        Ok(Some("removed the worktree /tmp/w".into()))
    }
}

fn said(task: &Task) -> String {
    let payload = payload_of(task);
    payload["prompt"].as_str().unwrap_or_default().to_owned()
}

fn payload_of(task: &Task) -> Value {
    let payload = task.payload.as_ref();
    let payload = payload.and_then(|payload| payload.parse().ok());
    payload.unwrap_or_default()
}

/// Answers with a text of `bytes` bytes, or with what its payload asks for.
#[derive(Debug)]
struct Sized;

#[async_trait]
impl Executor for Sized {
    fn kind(&self) -> KindSpec {
        let schema = json!({"type": "object", "properties": {"bytes": {"type": "integer"}}, "required": ["bytes"]});
        KindSpec::new("sized", "answers with so many bytes").with_schema(schema)
    }

    async fn execute(&self, task: &Task, _: &Context) -> Result<Outcome, ExecuteError> {
        let payload: Value = task
            .payload
            .as_ref()
            .and_then(|payload| payload.parse().ok())
            .expect("the payload was checked");
        let bytes = payload["bytes"]
            .as_u64()
            .and_then(|bytes| usize::try_from(bytes).ok());
        let mut text = "0123456789é".repeat(bytes.unwrap_or(0) / 12 + 1);
        text.truncate(text.floor_char_boundary(bytes.unwrap_or(0)));
        let mut result = TaskResult::text(text.clone());
        if payload["structured"] == true {
            result = result.with_structured(json!({ "text": text }));
        }
        for bytes in payload["pictures"].as_array().into_iter().flatten() {
            let bytes = bytes.as_u64().and_then(|bytes| usize::try_from(bytes).ok());
            let data = "A".repeat(bytes.unwrap_or(0));
            result.content.push(Content::image(data, "image/png"));
        }
        Ok(Outcome::Done(result))
    }
}
