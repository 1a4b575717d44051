use super::usage::{UsageBody, UsedUp};
use super::{Standing, duration};
use crate::access::Caller;
use crate::app::App;
use crate::problem::Problem;
use crate::request::{Checked, Nothing, Query, TaskPath};
use crate::route::{Operation, Routes, Tag};
use crate::view::{Answer, ContentForm};
use axum::extract::State;
use axum::http::StatusCode;
use mcs_core::domain::{Content, ErrorClass, InvalidInput, LeaseNumber, TaskResult};
use mcs_core::executor::ExecuteError;
use mcs_core::service::{Scope, ServiceError};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

pub(super) fn routes() -> Routes {
    Routes::new()
        .route(
            Operation::post("/api/v1/tasks/{id}/complete", "completeTask")
                .tag(Tag::Work)
                .needs(Scope::Execute)
                .says("Brings back a task that the caller holds, with its result.")
                .task_id()
                .body::<CompleteBody>()
                .example("text", json!({"lease": 1, "text": "It is done."}))
                .example("structured", json!({"lease": 1, "result": {
                    "content": [{"type": "text", "text": "3 files"}], "structured": {"files": 3}}}))
                .answers::<Standing>(200, "The task has finished.")
                .refuses(&[409]),
            complete,
        )
        .route(
            Operation::post("/api/v1/tasks/{id}/fail", "failTask")
                .tag(Tag::Work)
                .needs(Scope::Execute)
                .says("Brings back a task that the caller holds and could not do.")
                .more(
                    "What the class says decides what happens: `transient` and `timeout` are tried again after a while as \
                     long as there are attempts, `rate_limited` is tried again without using up an attempt, and the \
                     others end the task. The status says which it was: PENDING is tried again.",
                )
                .task_id()
                .body::<FailBody>()
                .example("try again", json!({"lease": 1, "message": "the disk was full"}))
                .example("give up", json!({"lease": 1, "message": "there is no such file", "retryable": false}))
                .answers::<Standing>(200, "It is stored.")
                .refuses(&[409]),
            fail,
        )
        .route(
            Operation::post("/api/v1/tasks/{id}/release", "releaseTask")
                .tag(Tag::Work)
                .needs(Scope::Execute)
                .says("Brings back a task that the caller holds and did not do.")
                .more("The next who asks is given it, and it costs no attempt.")
                .task_id()
                .body::<ReleaseBody>()
                .example("release", json!({"lease": 1}))
                .answers::<Standing>(200, "Somebody else may take it.")
                .refuses(&[409]),
            release,
        )
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Complete")]
struct CompleteBody {
    /// The number of the lease.
    #[schemars(range(min = 1))]
    lease: u64,
    /// The result.
    result: Option<ResultBody>,
    /// The result, if it is one text. Use this or `result`.
    text: Option<String>,
    /// What the attempt used.
    usage: Option<UsageBody>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ResultOfAttempt")]
struct ResultBody {
    /// What a reader sees, in order.
    #[schemars(with = "Option<Vec<ContentForm>>")]
    content: Option<Vec<Value>>,
    /// The same for programs: any JSON.
    structured: Option<Value>,
    /// The work was done and its outcome is an error, as when a tool reports one.
    is_error: Option<bool>,
    /// What is said beside the answer, by names of one's own.
    #[serde(rename = "_meta")]
    meta: Option<Map<String, Value>>,
}

async fn complete(
    State(app): State<App>,
    caller: Caller,
    TaskPath(id): TaskPath,
    _: Query<Nothing>,
    Checked(body, ..): Checked<CompleteBody>,
) -> Result<Answer<Standing>, Problem> {
    let field = if body.text.is_some() {
        "text"
    } else {
        "result"
    };
    let result = match (body.text, body.result) {
        (Some(_), Some(_)) => {
            let problem = "is given beside `result`; leave one out";
            return Err(InvalidInput::new("text", problem).into());
        }
        (Some(text), None) => TaskResult::text(text),
        (None, result) => result.unwrap_or_default().into_result()?,
    };
    let (tasks, lease) = (app.service.tasks(), LeaseNumber(body.lease));
    let UsedUp(usage) = body.usage.into();
    let status = tasks.complete(&caller.principal, id, lease, result, usage);
    let status = status.await.map_err(|refused| match refused {
        ServiceError::Invalid(refused) if refused.field == "result" => {
            InvalidInput::new(field, refused.problem).into()
        }
        other => Problem::from(other),
    });
    Ok(Answer(StatusCode::OK, Standing::new(id, status?)))
}

impl ResultBody {
    fn into_result(self) -> Result<TaskResult, InvalidInput> {
        let blocks = self.content.unwrap_or_default().into_iter().enumerate();
        let block = |(index, block)| {
            serde_json::from_value::<Content>(block).map_err(|error| {
                let field = format!("result.content[{index}]");
                InvalidInput::new(field, format!("is no block of a result: {error}"))
            })
        };
        Ok(TaskResult {
            content: blocks.map(block).collect::<Result<_, _>>()?,
            structured: self.structured,
            is_error: Some(self.is_error.unwrap_or_default()),
            meta: self.meta,
        })
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Fail")]
struct FailBody {
    /// The number of the lease.
    #[schemars(range(min = 1))]
    lease: u64,
    /// What happened and what to do.
    message: String,
    /// What kind of failure it was. Left out: as `retryable` says.
    #[schemars(with = "Option<String>",
        extend("enum" = ["transient", "rate_limited", "permanent", "cancelled", "timeout", "budget"]))]
    class: Option<String>,
    /// Whether trying again may help: `transient` or `permanent`. Use this or `class`. Left out: true.
    retryable: Option<bool>,
    /// How long to wait before the next attempt, at least, in seconds.
    #[schemars(range(min = 0, max = 3_153_600_000_u64))]
    retry_after_seconds: Option<f64>,
    /// More for programs: any JSON.
    details: Option<Value>,
    /// What the attempt used.
    usage: Option<UsageBody>,
}

impl FailBody {
    fn class(&self) -> Result<ErrorClass, InvalidInput> {
        let Some(name) = self.class.as_deref() else {
            return Ok(match self.retryable {
                Some(false) => ErrorClass::Permanent,
                _ => ErrorClass::Transient,
            });
        };
        let mut known = ErrorClass::ALL.into_iter();
        let class = known.find(|class| class.as_str().eq_ignore_ascii_case(name));
        // The schema has let no other name pass.
        let class = class.unwrap_or(ErrorClass::Transient);
        if self
            .retryable
            .is_none_or(|said| said == class.is_retryable())
        {
            return Ok(class);
        }
        let problem =
            format!("is the opposite of what the class `{name}` says; leave one of them out");
        Err(InvalidInput::new("retryable", problem))
    }
}

async fn fail(
    State(app): State<App>,
    caller: Caller,
    TaskPath(id): TaskPath,
    _: Query<Nothing>,
    Checked(body, ..): Checked<FailBody>,
) -> Result<Answer<Standing>, Problem> {
    let after = body.retry_after_seconds;
    let after = after.map(|after| duration("retry_after_seconds", after));
    let error = ExecuteError {
        retry_after: after.transpose()?,
        details: body.details.clone(),
        ..ExecuteError::new(body.class()?, body.message)
    };
    let (tasks, lease) = (app.service.tasks(), LeaseNumber(body.lease));
    let UsedUp(usage) = body.usage.into();
    let status = tasks.fail(&caller.principal, id, lease, error, usage);
    Ok(Answer(StatusCode::OK, Standing::new(id, status.await?)))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Release")]
struct ReleaseBody {
    /// The number of the lease.
    #[schemars(range(min = 1))]
    lease: u64,
}

async fn release(
    State(app): State<App>,
    caller: Caller,
    TaskPath(id): TaskPath,
    _: Query<Nothing>,
    Checked(body, ..): Checked<ReleaseBody>,
) -> Result<Answer<Standing>, Problem> {
    let (tasks, lease) = (app.service.tasks(), LeaseNumber(body.lease));
    let status = tasks.release(&caller.principal, id, lease).await?;
    Ok(Answer(StatusCode::OK, Standing::new(id, status)))
}
