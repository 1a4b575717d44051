use super::task_spec::{PrioritySchema, read_priority};
use super::{Effect, Tool, reply};
use crate::refusal::Refusal;
use crate::server::Call;
use crate::view::{EXECUTE, fitting};
use mcs_core::config::ToolSet;
use mcs_core::domain::{Dispatch, InvalidInput, TaskId};
use mcs_core::executor::BatchTask;
use mcs_core::service::{DirectoryRequest, Skipped, TaskFields};
use rmcp::model::CallToolResult;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::time::Duration;

/// Most tasks that an answer names.
const SHOWN: usize = 200;
/// Most bytes of JSON that tasks take of an answer, and files that were left out. The directory takes some, too.
const TASKS_BYTES: usize = 20 * 1024;
const SKIPPED_BYTES: usize = 6 * 1024;

pub(crate) struct ExecuteDirectory;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Input {
    /// The directory, as an absolute path.
    directory: String,
    /// Which files, as a glob from there: `*` within a name, `**` over directories. Left out: `**/*.task.{toml,md}`.
    pattern: Option<String>,
    /// One prompt for each file, with {file} (absolute path), {relative}, {name}, {stem}, {directory} or {content} in it.
    /// Left out: the files say what to do, in TOML, or in Markdown with TOML between two lines `+++`.
    prompt: Option<String>,
    /// Whether files and directories whose names begin with a dot are looked at. Default false.
    hidden: Option<bool>,
    /// How many levels of directories are looked at; 1 is the directory itself. Default 16.
    #[schemars(range(min = 1, max = 64))]
    depth: Option<usize>,
    /// The kind of each task whose file does not say otherwise, as are all fields below. Default prompt.
    kind: Option<String>,
    /// Standard for kind prompt, `ClaudeCode` for `claude_code`, or Custom for what `kind` names.
    execution_mode: Option<String>,
    /// What the payloads have in common.
    payload: Option<Map<String, Value>>,
    /// The LLM provider.
    provider: Option<String>,
    /// The model.
    model: Option<String>,
    /// How urgent they are: 1 to 10, 10 first, or a name (low 3, normal 5, high 8, critical 10). Default 5.
    #[schemars(with = "Option<PrioritySchema>")]
    priority: Option<Value>,
    /// The queue they wait in. Default "default".
    queue: Option<String>,
    /// Labels to find them by.
    #[schemars(length(max = 50))]
    tags: Option<Vec<String>>,
    /// Where they work. Left out: in the directory.
    work_directory: Option<String>,
    /// Longest time of one attempt, in seconds.
    #[schemars(extend("exclusiveMinimum" = 0), range(max = 3_153_600_000_u64))]
    timeout_seconds: Option<f64>,
    /// Most attempts of each.
    #[schemars(range(min = 1, max = 1000))]
    max_attempts: Option<u32>,
    /// Most that each may cost, in US dollars.
    #[schemars(extend("exclusiveMinimum" = 0))]
    budget_usd: Option<f64>,
    /// auto: they start by themselves. manual: each waits for `execute_task`. Default auto.
    #[schemars(with = "Option<DispatchName>")]
    dispatch: Option<Dispatch>,
    /// Take them even while their kind cannot run here, and let them wait until it can. Default false.
    wait_for_executor: Option<bool>,
}

/// What `dispatch` may be.
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) enum DispatchName {
    Auto,
    Manual,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Output {
    /// The batch: it completes once all of its tasks have finished, and cancelling it cancels them.
    #[schemars(with = "String")]
    task_id: TaskId,
    /// The directory, with links followed.
    directory: String,
    /// How many tasks it has.
    total: usize,
    /// Each file with its task, as far as they fit; at most the first 200.
    tasks: Vec<Made>,
    /// Files that match and were left out, as far as they fit.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Option<Vec<LeftOut>>")]
    skipped: Vec<LeftOut>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Made {
    /// The path from the directory.
    file: String,
    /// Its task.
    #[schemars(with = "String")]
    task_id: TaskId,
}

#[derive(Debug, Serialize, JsonSchema)]
struct LeftOut {
    /// The path from the directory.
    file: String,
    /// Why.
    reason: String,
}

impl Tool for ExecuteDirectory {
    type Input = Input;
    type Output = Output;
    const NAME: &'static str = "execute_directory";
    const TITLE: &'static str = "Make tasks of files";
    const DESCRIPTION: &'static str = "Makes a task of each file in a directory that matches a pattern, all or none, and \
        returns a batch task at once: either files that describe tasks, or any files with one `prompt` for each. Call \
        wait_for_task with the batch's task_id for a summary of all of them.";
    const SET: ToolSet = ToolSet::Standard;
    const EFFECT: Effect = Effect::Starts;

    async fn call(input: Self::Input, call: &Call<'_>) -> Result<CallToolResult, Refusal> {
        let request = request(input)?;
        let manual = request.defaults.dispatch == Some(Dispatch::Manual);
        let tasks = call.tasks();
        let batch = tasks.execute_directory(call.principal(), request).await?;
        let total = batch.tasks.len();
        let left_out = match batch.skipped.len() {
            0 => String::new(),
            count => format!(" {count} files were left out."),
        };
        let start = if manual {
            format!(" They are manual: for each of them, {EXECUTE}.")
        } else {
            String::new()
        };
        let mut made: Vec<Made> = batch.tasks.into_iter().map(Made::from).collect();
        made.truncate(fitting(&made, TASKS_BYTES).min(SHOWN));
        let named = match made.len() {
            all if all == total => String::new(),
            some => format!(" The first {some} are named here; list_tasks shows the others."),
        };
        let mut skipped: Vec<LeftOut> = batch.skipped.into_iter().map(LeftOut::from).collect();
        skipped.truncate(fitting(&skipped, SKIPPED_BYTES));
        let text = format!(
            "Created {total} tasks of files in {}, and batch {} for all of them.{named}{left_out}{start} \
             Call wait_for_task with the batch's task_id for the summary.",
            batch.directory, batch.task_id
        );
        let output = Output {
            task_id: batch.task_id,
            directory: batch.directory,
            total,
            tasks: made,
            skipped,
        };
        reply(text, &output)
    }
}

fn request(input: Input) -> Result<DirectoryRequest, InvalidInput> {
    let priority = input.priority.as_ref().map(read_priority).transpose()?;
    Ok(DirectoryRequest {
        directory: input.directory,
        pattern: input.pattern,
        prompt: input.prompt,
        hidden: input.hidden.unwrap_or_default(),
        depth: input.depth,
        defaults: TaskFields {
            kind: input.kind,
            execution_mode: input.execution_mode,
            payload: input.payload,
            provider: input.provider,
            model: input.model,
            priority,
            queue: input.queue,
            tags: input.tags.unwrap_or_default(),
            work_directory: input.work_directory,
            timeout: input.timeout_seconds.map(Duration::from_secs_f64),
            max_attempts: input.max_attempts,
            budget_usd: input.budget_usd,
            dispatch: input.dispatch,
            wait_for_executor: input.wait_for_executor,
            ..TaskFields::default()
        },
    })
}

impl From<BatchTask> for Made {
    fn from(made: BatchTask) -> Self {
        Self {
            file: made.file,
            task_id: made.task_id,
        }
    }
}

impl From<Skipped> for LeftOut {
    fn from(skipped: Skipped) -> Self {
        Self {
            file: skipped.file,
            reason: skipped.reason,
        }
    }
}
