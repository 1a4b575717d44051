//! The tools, a file each. A new one is a file that implements [`Tool`] and a line in [`entries`].

mod cancel_task;
mod cancel_tasks;
mod catalogue;
mod continue_task;
mod create_task;
mod execute_directory;
mod execute_task;
mod get_statistics;
mod get_task_result;
mod get_task_status;
mod list_tasks;
mod purge_tasks;
mod queues;
mod remove_worktree;
mod respond_to_task;
mod retry_task;
pub(crate) mod set;
mod wait_for_task;
mod waiting;

pub(crate) use catalogue::Catalogue;

use crate::call::Call;
use crate::refusal::Refusal;
use mcs_core::config::ToolSet;
use mcs_core::domain::{InvalidInput, TaskId};
use mcs_core::schema;
use rmcp::model::{
    self, CallToolResponse, CallToolResult, ContentBlock, JsonObject, MetaObject, ToolAnnotations,
};
use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};

/// What tells Claude Code how much of an answer to show: a page as text and again as a value, with what is around them.
const RESULT_CHARS: (&str, usize) = ("anthropic/maxResultSizeChars", 100_000);

/// One tool.
pub(crate) trait Tool: 'static {
    /// What it takes. Its schema is shown, and arguments are checked against it before they are parsed.
    type Input: DeserializeOwned + JsonSchema + Send;
    /// What its structured content looks like.
    type Output: JsonSchema;

    /// Its name on the wire.
    const NAME: &'static str;
    /// Its name for people.
    const TITLE: &'static str;
    /// What it does and when to use it, for a model.
    const DESCRIPTION: &'static str;
    /// The smallest set that has it.
    const SET: ToolSet;
    /// What a call does to the world.
    const EFFECT: Effect;
    /// Whether its answers are pages, which are of no use if a client cuts them.
    const PAGES: bool = false;

    /// Parses, calls the service once, and converts its answer.
    fn call(
        input: Self::Input,
        call: &Call<'_>,
    ) -> impl Future<Output = Result<CallToolResponse, Refusal>> + Send;
}

/// What a call of a tool does to the world, as the protocol's annotations say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing changes.
    Reads,
    /// Something is added that may reach out of this machine, as a prompt to a model does.
    Starts,
    /// Something ends for good. A second call changes nothing more.
    Ends,
    /// Something is switched that can be switched back. A second call changes nothing more.
    Switches,
}

impl Effect {
    fn annotations(self, title: &str) -> ToolAnnotations {
        ToolAnnotations::with_title(title)
            .read_only(self == Self::Reads)
            .destructive(self == Self::Ends)
            .idempotent(self != Self::Starts)
            .open_world(self == Self::Starts)
    }
}

type Answer<'a> = Pin<Box<dyn Future<Output = Result<CallToolResponse, Refusal>> + Send + 'a>>;

/// A tool with its types erased.
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) set: ToolSet,
    define: fn() -> model::Tool,
    definition: OnceLock<model::Tool>,
    call: for<'a> fn(JsonObject, &'a Call<'a>) -> Answer<'a>,
}

impl Entry {
    fn of<T: Tool>() -> Self {
        Self {
            name: T::NAME,
            set: T::SET,
            define: define::<T>,
            definition: OnceLock::new(),
            call: |arguments, call| {
                Box::pin(async move {
                    let input = serde_json::from_value(arguments.into()).map_err(|error| {
                        InvalidInput::new("arguments", format!("are refused: {error}"))
                    })?;
                    T::call(input, call).await
                })
            },
        }
    }

    /// What clients are told of the tool. Made on first use, because the first answer must not wait for schemas.
    pub(crate) fn definition(&self) -> &model::Tool {
        self.definition.get_or_init(self.define)
    }

    /// Checks the arguments and makes the call.
    pub(crate) async fn call(
        &self,
        mut arguments: JsonObject,
        call: &Call<'_>,
    ) -> Result<CallToolResponse, Refusal> {
        let known = &self.definition().input_schema;
        schema::make_whole(known, &mut arguments);
        schema::check(known, &arguments)?;
        (self.call)(arguments, call).await
    }
}

fn define<T: Tool>() -> model::Tool {
    let tool = model::Tool::new(T::NAME, T::DESCRIPTION, schema::of::<T::Input>())
        .with_title(T::TITLE)
        .with_raw_output_schema(Arc::new(schema::of::<T::Output>()))
        .with_annotations(T::EFFECT.annotations(T::TITLE));
    if !T::PAGES {
        return tool;
    }
    let mut meta = MetaObject::new();
    meta.insert(RESULT_CHARS.0.to_owned(), RESULT_CHARS.1.into());
    tool.with_meta(meta)
}

/// Every tool, in the order in which they are listed.
pub(crate) fn entries() -> [Entry; 18] {
    [
        Entry::of::<create_task::CreateTask>(),
        Entry::of::<get_task_status::GetTaskStatus>(),
        Entry::of::<list_tasks::ListTasks>(),
        Entry::of::<get_task_result::GetTaskResult>(),
        Entry::of::<wait_for_task::WaitForTask>(),
        Entry::of::<cancel_task::CancelTask>(),
        Entry::of::<retry_task::RetryTask>(),
        Entry::of::<respond_to_task::RespondToTask>(),
        Entry::of::<continue_task::ContinueTask>(),
        Entry::of::<execute_task::ExecuteTask>(),
        Entry::of::<execute_directory::ExecuteDirectory>(),
        Entry::of::<get_statistics::GetStatistics>(),
        Entry::of::<remove_worktree::RemoveWorktree>(),
        Entry::of::<queues::ListQueues>(),
        Entry::of::<queues::PauseQueue>(),
        Entry::of::<queues::ResumeQueue>(),
        Entry::of::<cancel_tasks::CancelTasks>(),
        Entry::of::<purge_tasks::PurgeTasks>(),
    ]
}

/// A result with a text for a model and the same for programs.
pub(crate) fn reply(
    text: impl Into<String>,
    structured: &impl Serialize,
) -> Result<CallToolResponse, Refusal> {
    let mut result = CallToolResult::success(vec![ContentBlock::text(text)]);
    result.structured_content = Some(serde_json::to_value(structured)?);
    Ok(result.into())
}

/// Reads a task id.
pub(crate) fn task_id(text: &str) -> Result<TaskId, InvalidInput> {
    text.trim().parse().map_err(|_| {
        let shown = schema::shortened(text);
        let problem = format!(
            "is `{shown}`, which is no task id; use the one that create_task or list_tasks returned"
        );
        InvalidInput::new("task_id", problem)
    })
}

/// Says something else of a field than the core does, which knows of no tools.
pub(crate) fn describe(schema: &mut Schema, field: &str, words: &str) {
    if let Some(property) = schema.pointer_mut(&format!("/properties/{field}")) {
        property["description"] = words.into();
    }
}
