//! A kind of task that does on the page what an agent does: talk, use tools, ask, and take its time.

use async_trait::async_trait;
use mcs_core::domain::{
    Approval, ApprovalAnswer, Decision, ErrorClass, LogLevel, Task, TaskResult, Usage,
};
use mcs_core::executor::{Context, ExecuteError, Executor, KindSpec, Outcome};
use serde_json::{Value, json};
use tokio::sync::watch;

/// Works until it is let go.
#[derive(Debug)]
pub(crate) struct Agent {
    go: watch::Receiver<bool>,
}

impl Agent {
    pub(crate) const KIND: &str = "agent";

    /// One that waits until `go` says that it may finish.
    pub(crate) fn new(go: watch::Receiver<bool>) -> Self {
        Self { go }
    }
}

#[async_trait]
impl Executor for Agent {
    fn kind(&self) -> KindSpec {
        KindSpec::new(Self::KIND, "Talks, uses a tool, and asks if it is to.").with_schema(json!({
            "type": "object",
            "properties": {
                "prompt": {"type": "string", "minLength": 1, "description": "What is to be done."},
                "asks": {"type": ["boolean", "null"], "description": "Whether it asks before it uses its tool."},
                "fails": {"type": ["boolean", "null"], "description": "Whether it fails at once."},
                "steps": {"type": "integer", "minimum": 1, "maximum": 9, "description": "How many steps it takes."},
                "mood": {"enum": ["calm", "eager"]},
                "tools": {"type": "array", "items": {"type": "string"}},
                "limits": {
                    "type": "object",
                    "properties": {"turns": {"type": ["integer", "null"], "minimum": 1}},
                },
                "place": {"anyOf": [{"type": "boolean"}, {"type": "object", "properties": {"base": {"type": "string"}}}]},
            },
            "required": ["prompt"],
            "additionalProperties": false,
        }))
    }

    async fn execute(&self, task: &Task, context: &Context) -> Result<Outcome, ExecuteError> {
        let payload: Value = task.payload.as_ref().unwrap().parse().unwrap();
        if payload["fails"] == true {
            let error = ExecuteError::new(ErrorClass::Permanent, "it was meant to fail");
            return Err(error.with_details(json!({"exit_code": 7})));
        }
        let begun = format!("it has begun: {}", payload["prompt"]);
        context.log(LogLevel::Info, &begun).await;
        context.log(LogLevel::Warn, "it is only a test").await;
        context.progress(Some(40.0), "2 of 5 steps");
        for entry in [
            json!({"type": "message", "text": "I look at the file first."}),
            json!({"type": "tool_call", "id": "t1", "name": "Read", "input": {"file_path": "/srv/notes.txt"}}),
            json!({"type": "tool_result", "id": "t1", "is_error": false, "text": "remember the milk"}),
        ] {
            context.output(entry.into()).await;
        }
        context.delta("I am writing ");
        let decision = match payload["asks"] {
            Value::Bool(true) => Some(ask(context).await?),
            _ => None,
        };
        let mut go = self.go.clone();
        tokio::select! {
            _ = go.wait_for(|go| *go) => {}
            () = context.cancelled() => return Err(ExecuteError::cancelled()),
        }
        context.record_usage(Usage {
            input_tokens: 1200,
            output_tokens: 340,
            cost_usd: 0.0421,
            ..Usage::default()
        });
        let answer = format!("done: {}", payload["prompt"].as_str().unwrap());
        let structured = json!({
            "decision": decision,
            "files_changed": {"files": [{"path": "notes.txt", "change": "modified"}], "total": 1},
        });
        Ok(Outcome::Done(
            TaskResult::text(answer).with_structured(structured),
        ))
    }
}

/// Asks whether a tool may be used, and returns the answer in a word.
async fn ask(context: &Context) -> Result<String, ExecuteError> {
    let question = Approval {
        message: "The agent wants to use Bash: rm notes.txt".into(),
        tool: "Bash".into(),
        input: json!({"command": "rm notes.txt"}),
        work_directory: Some("/srv".into()),
        expires_at: None,
    };
    let key = format!("tool-{}", context.lease().0);
    let answer = context.ask(key, question.to_json().unwrap()).await;
    let answer = answer.map_err(|_| ExecuteError::cancelled())?;
    let answer = ApprovalAnswer::parse(&answer).unwrap();
    Ok(match answer.decision {
        Decision::Deny => format!("deny: {}", answer.reason.unwrap_or_default()),
        other => other.as_str().to_owned(),
    })
}
