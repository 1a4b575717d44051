//! The tools for queues, which share their shapes.

use super::{Effect, Tool, reply};
use crate::call::Call;
use crate::refusal::Refusal;
use crate::view::{ANSWER_BYTES, fitting};
use mcs_core::config::ToolSet;
use mcs_core::domain::QueueInfo;
use rmcp::model::CallToolResponse;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an answer has beside its queues, in bytes of JSON.
const FRAME_BYTES: usize = 64;

pub(crate) struct ListQueues;
pub(crate) struct PauseQueue;
pub(crate) struct ResumeQueue;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Named {
    /// The queue.
    queue: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct QueueView {
    /// Its name.
    queue: String,
    /// Whether its tasks wait until it is resumed.
    paused: bool,
    /// Most of its tasks that run at a time, where that was set at run time.
    #[serde(skip_serializing_if = "Option::is_none")]
    concurrency: Option<u32>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct QueueList {
    /// Every queue that had a task or was changed, by name; those that are paused first where not all fit.
    queues: Vec<QueueView>,
    /// How many did not fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<usize>,
}

impl From<&QueueInfo> for QueueView {
    fn from(queue: &QueueInfo) -> Self {
        Self {
            queue: queue.name.to_string(),
            paused: queue.paused,
            concurrency: queue.concurrency,
        }
    }
}

impl Tool for ListQueues {
    type Input = Nothing;
    type Output = QueueList;
    const NAME: &'static str = "list_queues";
    const TITLE: &'static str = "List queues";
    const DESCRIPTION: &'static str = "Lists the queues and says which are paused.";
    const SET: ToolSet = ToolSet::All;
    const EFFECT: Effect = Effect::Reads;

    async fn call(Nothing {}: Self::Input, call: &Call<'_>) -> Result<CallToolResponse, Refusal> {
        let queues = call.queues().list(call.principal()).await?;
        let mut queues: Vec<QueueView> = queues.iter().map(QueueView::from).collect();
        let (all, bytes) = (queues.len(), ANSWER_BYTES - FRAME_BYTES);
        let mut left_out = None;
        if fitting(&queues, bytes) < all {
            queues.sort_by_key(|queue| !queue.paused);
            queues.truncate(fitting(&queues, bytes));
            left_out = Some(all - queues.len());
        }
        let names = queues.iter().map(|queue| {
            let paused = if queue.paused { " (paused)" } else { "" };
            format!("{}{paused}", queue.queue)
        });
        let names = names.collect::<Vec<_>>().join(", ");
        let more = left_out.map_or(String::new(), |count| format!(" and {count} more"));
        let text = format!("{all} queues: {names}{more}.");
        reply(text, &QueueList { queues, left_out })
    }
}

impl Tool for PauseQueue {
    type Input = Named;
    type Output = QueueView;
    const NAME: &'static str = "pause_queue";
    const TITLE: &'static str = "Pause a queue";
    const DESCRIPTION: &'static str = "Lets no more tasks of a queue start until resume_queue is called. What runs \
        goes on, and new tasks are accepted.";
    const SET: ToolSet = ToolSet::All;
    const EFFECT: Effect = Effect::Switches;

    async fn call(input: Self::Input, call: &Call<'_>) -> Result<CallToolResponse, Refusal> {
        let queue = call.queues().pause(call.principal(), &input.queue).await?;
        let text = format!(
            "Queue {} is paused: its tasks wait until resume_queue is called.",
            queue.name
        );
        reply(text, &QueueView::from(&queue))
    }
}

impl Tool for ResumeQueue {
    type Input = Named;
    type Output = QueueView;
    const NAME: &'static str = "resume_queue";
    const TITLE: &'static str = "Resume a queue";
    const DESCRIPTION: &'static str = "Lets the tasks of a paused queue start again.";
    const SET: ToolSet = ToolSet::All;
    const EFFECT: Effect = Effect::Switches;

    async fn call(input: Self::Input, call: &Call<'_>) -> Result<CallToolResponse, Refusal> {
        let queue = call.queues().resume(call.principal(), &input.queue).await?;
        let text = format!(
            "Queue {} runs: its tasks start as slots are free.",
            queue.name
        );
        reply(text, &QueueView::from(&queue))
    }
}
