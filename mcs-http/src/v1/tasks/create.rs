use crate::access::Caller;
use crate::app::App;
use crate::problem::Problem;
use crate::request::{Items, JsonBody, Mount, Nothing, Query, Trace, read};
use crate::route::{Operation, Routes, Tag};
use crate::view::{Answer, IdForm, StatusName};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use mcs_core::clock::{Clock, SystemClock};
use mcs_core::domain::{InvalidInput, NewTask, Status, TaskId, Timestamp, check_name, limits};
use mcs_core::service::{Scope, ServiceError, TaskSpec};
use mcs_core::store::Inserted;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

pub(super) fn routes() -> Routes {
    Routes::new().route(
        Operation::post("/api/v1/tasks", "createTasks")
            .tag(Tag::Tasks)
            .needs(Scope::Write)
            .says("Creates a task, or all of an array of tasks or none.")
            .more(
                "The answer comes once they are durable. With an idempotency key a second call with the same work finds \
                 the first task: give `unique_key` in the body or the header `Idempotency-Key`; of an array, the task \
                 with the index n gets the key `<Idempotency-Key>#n`.",
            )
            .header(KEY, "The `unique_key` of a task that names none.")
            .header(Trace::HEADER, Trace::MEANING)
            .query::<Nothing>()
            .body::<CreateBody>()
            .example(
                "prompt",
                json!({"prompt": "Say hello in three languages.", "priority": "high"}),
            )
            .example(
                "claude_code",
                json!({"execution_mode": "ClaudeCode", "prompt": "List the files here.",
                    "work_directory": "/srv/project", "priority": "High", "dispatch": "manual"}),
            )
            .example(
                "many",
                json!([{"kind": "command", "payload": {"program": "date"}}, {"prompt": "Hello."}]),
            )
            .answers::<CreatedBody>(201, "What was created.")
            .sets("Location", "Where the task is, if it is one.")
            .answers::<CreatedBody>(200, "An equal task with this key was there already, or all of them were.")
            .sets("Location", "Where the task is, if it is one.")
            .refuses(&[409]),
        create,
    )
}

const KEY: &str = "Idempotency-Key";

/// A task that was created or found.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[expect(clippy::struct_field_names, reason = "the names on the wire")]
struct Created {
    /// Its id.
    #[schemars(with = "IdForm")]
    id: TaskId,
    /// Where it stands. Left out of a task that was there already where the caller may not read, or it was removed since.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<StatusName>,
    /// Whether this call created it. false: an equal task with this key was there already.
    created: bool,
}

/// Tasks that were created or found, in the order of the request.
#[derive(Debug, Serialize, JsonSchema)]
struct CreatedMany {
    tasks: Vec<Created>,
}

/// What is answered: of one task itself, of an array all of them.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
enum CreatedBody {
    One(Created),
    Many(CreatedMany),
}

/// What is taken: a task, or an array of tasks.
struct CreateBody;

impl JsonSchema for CreateBody {
    fn schema_name() -> Cow<'static, str> {
        "CreateTasks".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let each = generator.subschema_for::<TaskSpec>();
        json_schema!({
            "oneOf": [
                each,
                {"type": "array", "items": each, "minItems": 1, "maxItems": limits::SUBMIT_TASKS},
            ],
        })
    }
}

async fn create(
    State(app): State<App>,
    caller: Caller,
    _: Query<Nothing>,
    trace: Trace,
    mount: Mount,
    headers: HeaderMap,
    body: JsonBody,
) -> Result<Response, Problem> {
    let defaults = Defaults {
        key: key(&headers)?,
        now: SystemClock.now(),
        app: &app,
    };
    let text: &RawValue = body.parse()?;
    if text.get().starts_with('[') {
        let tasks = defaults.tasks(text)?;
        let _place = body.into_place();
        return many(&app, &caller, trace, tasks).await;
    }
    let task = defaults.task(read(text)?, None)?;
    let _place = body.into_place();
    let tasks = app.service.tasks().in_trace(trace.0);
    let inserted = tasks.create(&caller.principal, task).await?;
    let created = shown(&app, &caller, &[inserted]).await?.remove(0);
    let answer = Answer(status(created.created), CreatedBody::One(created));
    Ok((mount.location(created.id), answer).into_response())
}

async fn many(
    app: &App,
    caller: &Caller,
    trace: Trace,
    tasks: Vec<NewTask>,
) -> Result<Response, Problem> {
    let kinds: Vec<_> = tasks.iter().map(|task| task.kind.clone()).collect();
    let inserted = app.service.tasks().in_trace(trace.0);
    let inserted = inserted.create_many(&caller.principal, tasks).await;
    let inserted = inserted.map_err(|error| placed(error, &kinds))?;
    let tasks = shown(app, caller, &inserted).await?;
    let status = status(tasks.iter().any(|task| task.created));
    Ok(Answer(status, CreatedBody::Many(CreatedMany { tasks })).into_response())
}

/// The core names the kind that it does not know; the caller wants to know where it stands.
fn placed(error: ServiceError, kinds: &[Arc<str>]) -> Problem {
    let ServiceError::UnknownKind { kind, .. } = &error else {
        return error.into();
    };
    match kinds.iter().position(|named| **named == **kind) {
        Some(index) => InvalidInput::new(format!("tasks[{index}].kind"), error.to_string()).into(),
        None => error.into(),
    }
}

const fn status(created: bool) -> StatusCode {
    if created {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    }
}

/// A task that this call created is PENDING without asking; one that was there can have any status, and may be gone by now.
async fn shown(app: &App, caller: &Caller, inserted: &[Inserted]) -> Result<Vec<Created>, Problem> {
    let there: Vec<TaskId> = inserted
        .iter()
        .filter(|inserted| !inserted.created)
        .map(|inserted| inserted.id)
        .collect();
    let mut found = HashMap::new();
    if !there.is_empty() && caller.principal.scopes.has(Scope::Read) {
        let tasks = app.service.tasks();
        let statuses = tasks.statuses(&caller.principal, &there).await?;
        found.extend(
            statuses
                .into_iter()
                .flatten()
                .map(|task| (task.id, task.status)),
        );
    }
    let shown = inserted.iter().map(|&Inserted { id, created }| {
        let status = if created {
            Some(Status::Pending)
        } else {
            found.get(&id).copied()
        };
        Created {
            id,
            status: status.map(StatusName),
            created,
        }
    });
    Ok(shown.collect())
}

/// What a request says of all its tasks.
struct Defaults<'a> {
    key: Option<&'a str>,
    now: Timestamp,
    app: &'a App,
}

impl Defaults<'_> {
    /// The tasks of an array. An error names the field as `tasks[3].queue`.
    fn tasks(&self, text: &RawValue) -> Result<Vec<NewTask>, Problem> {
        let items: Items<'_, { limits::SUBMIT_TASKS }> =
            serde_json::from_str(text.get()).map_err(|error| {
                Problem::malformed(format!("the body is no array of tasks: {error}"))
            })?;
        let count = items.count();
        if count == 0 || count > limits::SUBMIT_TASKS {
            let most = limits::SUBMIT_TASKS;
            let problem = format!("has {count} entries; give 1 to {most} in one call");
            return Err(InvalidInput::new("tasks", problem).into());
        }
        let tasks = items.iter().enumerate().map(|(index, text)| {
            let place = format!("tasks[{index}]");
            let spec = read(text).map_err(|refused| refused.within(&place))?;
            let task = self.task(spec, Some(index));
            task.map_err(|refused| refused.within(&place))
        });
        Ok(tasks.collect::<Result<_, InvalidInput>>()?)
    }

    fn task(&self, mut spec: TaskSpec, index: Option<usize>) -> Result<NewTask, InvalidInput> {
        if let Some(key) = self.key {
            let key = index.map_or_else(|| key.to_owned(), |index| format!("{key}#{index}"));
            let own = spec.unique_key.get_or_insert_with(|| key.clone());
            if *own != key && index.is_none() {
                let problem = format!("is not the {KEY} of the request; give one of them");
                return Err(InvalidInput::new("unique_key", problem));
            }
        }
        let blank = |kind, payload| self.app.service.new_task(kind, payload);
        spec.into_new_task(self.now, blank)
    }
}

fn key(headers: &HeaderMap) -> Result<Option<&str>, InvalidInput> {
    let Some(value) = headers.get(KEY) else {
        return Ok(None);
    };
    let refuse = |_| InvalidInput::new(KEY, "has characters beyond ASCII; use letters and digits");
    let key = value.to_str().map_err(refuse)?;
    check_name(KEY, key)?;
    Ok(Some(key))
}
