use super::waiting::{self, wait, wait_for_new};
use super::{Effect, Tool, describe, reply};
use crate::call::Call;
use crate::refusal::Refusal;
use crate::view::{EXECUTE, StatusName};
use mcs_core::clock::{Clock, SystemClock};
use mcs_core::config::ToolSet;
use mcs_core::domain::{Dispatch, InvalidInput, Json, NewTask, Status, TaskId};
use mcs_core::service::TaskSpec;
use mcs_core::store::Inserted;
use rmcp::model::CallToolResponse;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::{Map, Value, json};
use std::borrow::Cow;

/// Most tasks that one call creates.
const MOST_TASKS: usize = 1000;

/// Fields that go with other tools and resources, which their descriptions name.
const IN_TOOLS: [(&str, &str); 3] = [
    (
        "kind",
        "What the task is made of. Default prompt. The kinds and their payloads are in `data://tasks/schema`.",
    ),
    (
        "model",
        "The model. Left out: the provider's default. See `data://models/available`.",
    ),
    (
        "dispatch",
        "auto: it starts by itself. manual: it waits for `execute_task`. Default auto.",
    ),
];

/// What the field says that is there for one task and not for many.
const WAIT: &str =
    "Wait for its end, at most 45 seconds, and return what wait_for_task returns. Default false.";

pub(crate) struct CreateTask;

/// One task, or a list of them.
#[derive(Debug)]
pub(crate) enum Input {
    One {
        spec: Box<TaskSpec>,
        /// Whether the answer is the end of the task.
        wait: bool,
    },
    Many(Vec<TaskSpec>),
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Output {
    /// The task; of many, the first.
    #[schemars(with = "String")]
    task_id: TaskId,
    /// Its status when this was written.
    status: StatusName,
    /// Whether this call created it. false: an equal task with this `unique_key` was there already. Left out after waiting.
    #[schemars(with = "Option<bool>")]
    created: bool,
    /// Of many, all of them, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Option<Vec<Created>>")]
    tasks: Vec<Created>,
}

#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[expect(clippy::struct_field_names, reason = "the names on the wire")]
pub(crate) struct Created {
    /// The task.
    #[schemars(with = "String")]
    task_id: TaskId,
    /// Its status when this was written.
    status: StatusName,
    /// Whether this call created it.
    created: bool,
}

impl Tool for CreateTask {
    type Input = Input;
    type Output = Output;
    const NAME: &'static str = "create_task";
    const TITLE: &'static str = "Create a task";
    const DESCRIPTION: &'static str = "Creates a durable task and returns its task_id at once; the work goes on by \
        itself, also after this conversation or the server ends. Give `prompt` for a model, with `execution_mode` \
        ClaudeCode for Claude Code, or `kind` and `payload` for other work, or `tasks` for many (all are created or none). Then call wait_for_task or get_task_result.";
    const SET: ToolSet = ToolSet::Core;
    const EFFECT: Effect = Effect::Starts;

    async fn call(input: Self::Input, call: &Call<'_>) -> Result<CallToolResponse, Refusal> {
        match input {
            Input::One { spec, wait } => one(*spec, wait, call).await,
            Input::Many(specs) => many(specs, call).await,
        }
    }
}

async fn one(spec: TaskSpec, waits: bool, call: &Call<'_>) -> Result<CallToolResponse, Refusal> {
    let task = spec.into_new_task(SystemClock.now(), blank(call))?;
    let manual = task.dispatch == Dispatch::Manual;
    if waits && manual {
        let problem = "is given for a task that does not start by itself; leave it out, and call execute_task with `wait`";
        return Err(InvalidInput::new("wait", problem).into());
    }
    let inserted = call.tasks().create(call.principal(), task).await?;
    if waits {
        let waited = if inserted.created {
            wait_for_new(inserted.id, call).await
        } else {
            wait(inserted.id, waiting::LONGEST, call).await
        };
        match waited {
            Ok(answer) => return Ok(answer),
            // The task is there, so its id must get to the caller all the same.
            Err(refusal) => tracing::debug!(task = %inserted.id, %refusal, "nothing to wait for"),
        }
    }
    let Created {
        task_id,
        status,
        created,
    } = shown(inserted, call).await?;
    let text = if created && manual {
        format!(
            "Created task {task_id} ({}). It is manual and does not start by itself: {EXECUTE}, and then wait_for_task.",
            status.0
        )
    } else if created {
        format!(
            "Created task {task_id} ({}). Call wait_for_task with this task_id for its result.",
            status.0
        )
    } else {
        format!(
            "Nothing was created: task {task_id} ({}) has this unique_key and the same work. \
             Call wait_for_task or get_task_result with its task_id.",
            status.0
        )
    };
    let output = Output {
        task_id,
        status,
        created,
        tasks: Vec::new(),
    };
    reply(text, &output)
}

async fn many(specs: Vec<TaskSpec>, call: &Call<'_>) -> Result<CallToolResponse, Refusal> {
    let now = SystemClock.now();
    let mut tasks = Vec::with_capacity(specs.len());
    for (index, spec) in specs.into_iter().enumerate() {
        let within = |refused: InvalidInput| refused.within(&format!("tasks[{index}]"));
        tasks.push(spec.into_new_task(now, blank(call)).map_err(within)?);
    }
    let manual = tasks.iter().any(|task| task.dispatch == Dispatch::Manual);
    let inserted = call.tasks().create_many(call.principal(), tasks).await?;
    let mut all = Vec::with_capacity(inserted.len());
    for inserted in inserted {
        all.push(shown(inserted, call).await?);
    }
    let Some(first) = all.first().copied() else {
        return Err(InvalidInput::new("tasks", "is empty; give at least one task").into());
    };
    let fresh = all.iter().filter(|task| task.created).count();
    let start = if manual {
        format!("Manual ones do not start by themselves: for each, {EXECUTE}. ")
    } else {
        String::new()
    };
    let text = format!(
        "Created {fresh} of {} tasks; the others were there already. The first is {}. {start}\
         Call list_tasks to see how they do, and get_task_result with a task_id for a result.",
        all.len(),
        first.task_id
    );
    let output = Output {
        task_id: first.task_id,
        status: first.status,
        created: first.created,
        tasks: all,
    };
    reply(text, &output)
}

/// The configured defaults.
fn blank<'a>(call: &'a Call<'_>) -> impl Fn(String, Json) -> NewTask + 'a {
    |kind, payload| call.service().new_task(kind, payload)
}

/// A task that this call created is PENDING without asking; one that was there can have any status.
async fn shown(inserted: Inserted, call: &Call<'_>) -> Result<Created, Refusal> {
    let status = if inserted.created {
        Status::Pending
    } else {
        call.tasks()
            .status(call.principal(), inserted.id)
            .await?
            .status
    };
    Ok(Created {
        task_id: inserted.id,
        status: StatusName(status),
        created: inserted.created,
    })
}

impl<'de> Deserialize<'de> for Input {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut fields = Map::deserialize(deserializer)?;
        fields.retain(|_, value| !value.is_null());
        let Some(tasks) = fields.remove("tasks") else {
            let wait = fields.remove("wait").is_some_and(|wait| wait == true);
            let spec = serde_json::from_value(fields.into()).map_err(de::Error::custom)?;
            return Ok(Self::One { spec, wait });
        };
        if fields.remove("wait").is_some_and(|wait| wait == true) {
            let problem = "`wait` stands beside `tasks`; it goes with one task, so leave it out and wait for each";
            return Err(de::Error::custom(problem));
        }
        if let Some(stray) = fields.keys().next() {
            let problem = format!("`{stray}` stands beside `tasks`; put it into each of them");
            return Err(de::Error::custom(problem));
        }
        let specs = serde_json::from_value(tasks).map_err(de::Error::custom)?;
        Ok(Self::Many(specs))
    }
}

impl JsonSchema for Input {
    fn schema_name() -> Cow<'static, str> {
        "CreateTask".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = TaskSpec::json_schema(generator);
        for (field, words) in IN_TOOLS {
            describe(&mut schema, field, words);
        }
        let each = schema.clone().to_value();
        let tasks = json!({
            "type": "array",
            "description": "Many tasks to create at once, each with the fields above: all of them or none.",
            "minItems": 1,
            "maxItems": MOST_TASKS,
            "items": each_without_words(each),
        });
        if let Some(Value::Object(properties)) = schema.get_mut("properties") {
            properties.insert(
                "wait".into(),
                json!({"type": "boolean", "description": WAIT}),
            );
            properties.insert("tasks".into(), tasks);
        }
        schema
    }
}

/// The words are above already; saying them twice would cost every conversation their tokens twice.
fn each_without_words(mut schema: Value) -> Value {
    if let Value::Object(object) = &mut schema {
        object.remove("description");
        object.remove("title");
        if let Some(Value::Object(properties)) = object.get_mut("properties") {
            for property in properties.values_mut().filter_map(Value::as_object_mut) {
                property.remove("description");
            }
        }
    }
    schema
}
