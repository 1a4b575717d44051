use super::{Effect, Tool, describe, reply};
use crate::call::Call;
use crate::refusal::Refusal;
use crate::view::{EXECUTE, fitting};
use mcs_core::config::ToolSet;
use mcs_core::domain::{Dispatch, TaskId};
use mcs_core::executor::BatchTask;
use mcs_core::service::{DirectorySpec, Skipped};
use rmcp::model::CallToolResponse;
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};

/// Most tasks that an answer names.
const SHOWN: usize = 200;
/// Most bytes of JSON that tasks take of an answer, and files that were left out. The directory takes some, too.
const TASKS_BYTES: usize = 20 * 1024;
const SKIPPED_BYTES: usize = 6 * 1024;

pub(crate) struct ExecuteDirectory;

#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(transform = in_tools)]
pub(crate) struct Input {
    /// The directory, as an absolute path.
    directory: String,
    #[serde(flatten)]
    spec: DirectorySpec,
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

    async fn call(input: Self::Input, call: &Call<'_>) -> Result<CallToolResponse, Refusal> {
        let request = input.spec.into_request(input.directory)?;
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

/// Names the tool that goes with a field, and keeps out fields that are not known, which joining two types forgets.
fn in_tools(schema: &mut Schema) {
    schema.insert("additionalProperties".into(), false.into());
    describe(
        schema,
        "dispatch",
        "auto: they start by themselves. manual: each waits for `execute_task`. Default auto.",
    );
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
