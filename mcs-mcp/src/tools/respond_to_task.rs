use super::{Effect, Tool, reply, task_id};
use crate::call::Call;
use crate::refusal::Refusal;
use crate::view::task::shown;
use mcs_core::config::ToolSet;
use mcs_core::domain::{InvalidInput, Json, TaskId};
use rmcp::model::CallToolResponse;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(crate) struct RespondToTask;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Input {
    /// The task that asks.
    task_id: String,
    /// Which question, by its key. Left out: the one that is open.
    key: Option<String>,
    /// The answer to whether a tool may be used: this once, for the rest of this task, or not.
    decision: Option<DecisionName>,
    /// With `decision`: why, for whoever wanted to use the tool.
    reason: Option<String>,
    /// The answer to any other question, in the shape it asks for.
    #[schemars(with = "Option<Value>")]
    response: Option<Json>,
}

/// What can be said to a tool.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum DecisionName {
    Allow,
    AllowAlways,
    Deny,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Output {
    /// The task.
    #[schemars(with = "String")]
    task_id: TaskId,
    /// The question that has its answer now.
    key: String,
    /// The answer as it is stored; left out over 4096 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Value>")]
    response: Option<Json>,
    /// Size of a `response` that was left out, in bytes of JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    response_bytes: Option<usize>,
}

impl Tool for RespondToTask {
    type Input = Input;
    type Output = Output;
    const NAME: &'static str = "respond_to_task";
    const TITLE: &'static str = "Answer a task's question";
    const DESCRIPTION: &'static str = "Answers the question of a task that is INPUT_REQUIRED, and the task goes on. \
        Where it asks whether a tool may be used, give `decision`, else `response`. Decide only what the user decides \
        or left to you.";
    const SET: ToolSet = ToolSet::Standard;
    const EFFECT: Effect = Effect::Starts;

    async fn call(input: Self::Input, call: &Call<'_>) -> Result<CallToolResponse, Refusal> {
        let id = task_id(&input.task_id)?;
        let key = input.key.clone();
        let response = response(input)?;
        let tasks = call.tasks();
        let answered = tasks
            .respond(call.principal(), id, key.as_deref(), response.clone())
            .await?;
        let text = format!(
            "Answered the question {} of task {id}. Call wait_for_task to see what comes of it.",
            answered.key
        );
        let (response, response_bytes) = shown(Some(&response));
        let output = Output {
            task_id: id,
            key: answered.key,
            response,
            response_bytes,
        };
        reply(text, &output)
    }
}

fn response(input: Input) -> Result<Json, InvalidInput> {
    let refuse = |field, problem| Err(InvalidInput::new(field, problem));
    match (input.decision, input.response) {
        (Some(_), Some(_)) => refuse(
            "response",
            "is given together with `decision`; use `decision` for a tool, `response` for any other question",
        ),
        (Some(decision), None) => {
            let mut answer = json!({ "decision": decision });
            if let Some(reason) = input.reason {
                answer["reason"] = reason.into();
            }
            Ok(answer.into())
        }
        (None, _) if input.reason.is_some() => refuse(
            "reason",
            "belongs to `decision`, which is missing; give one, or put the reason into `response`",
        ),
        (None, Some(response)) => Ok(response),
        (None, None) => refuse(
            "decision",
            "is missing; give allow, allow_always or deny for a tool, or `response` for any other question",
        ),
    }
}
