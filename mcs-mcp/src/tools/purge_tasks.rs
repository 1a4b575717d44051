use super::{Effect, Tool, reply};
use crate::call::Call;
use crate::confirm::{Change, Confirmation};
use crate::refusal::Refusal;
use mcs_core::config::ToolSet;
use mcs_core::domain::{InvalidInput, Status, TaskFilter, Timestamp, limits};
use rmcp::model::CallToolResponse;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::time::Duration;

pub(crate) struct PurgeTasks;

#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Input {
    /// Only tasks that ended so.
    #[schemars(with = "Option<Ended>")]
    status: Option<String>,
    /// Only tasks that finished longer ago than this, in seconds.
    #[schemars(range(min = 0, max = 3_153_600_000_i64))]
    older_than_seconds: Option<f64>,
    /// Only tasks of this kind.
    kind: Option<String>,
    /// Only tasks in this queue.
    queue: Option<String>,
    /// Only tasks with this tag.
    tag: Option<String>,
    /// Only tasks of this principal.
    owner: Option<String>,
    /// true once the user has agreed. Needed only where the client cannot ask its user itself.
    #[serde(skip_serializing)]
    confirm: Option<bool>,
}

/// How a task can have ended.
pub(crate) struct Ended;

impl JsonSchema for Ended {
    fn schema_name() -> Cow<'static, str> {
        "Ended".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names = Status::ALL
            .into_iter()
            .filter(|status| status.is_terminal());
        json_schema!({"type": "string", "enum": names.map(Status::as_str).collect::<Vec<_>>()})
    }
}

#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct Output {
    /// How many tasks were removed.
    removed: usize,
    /// Whether tasks that match may be left: call again to remove more.
    more: bool,
    /// Whether the user said no.
    declined: bool,
}

impl Tool for PurgeTasks {
    type Input = Input;
    type Output = Output;
    const NAME: &'static str = "purge_tasks";
    const TITLE: &'static str = "Remove finished tasks";
    const DESCRIPTION: &'static str = "Removes finished tasks for good, with their payloads, results and logs: all that \
        match every filter that is given, up to 10000 in a call. The user is asked first.";
    const SET: ToolSet = ToolSet::All;
    const EFFECT: Effect = Effect::Ends;

    async fn call(input: Self::Input, call: &Call<'_>) -> Result<CallToolResponse, Refusal> {
        let change = Change {
            tool: Self::NAME,
            arguments: serde_json::to_value(&input)?,
            confirm: input.confirm == Some(true),
            words: (
                "Remove",
                "finished tasks for good, with their results and logs",
            ),
        };
        let age = input.older_than_seconds.unwrap_or(0.0);
        let age = Duration::from_secs_f64(age).min(limits::LONGEST);
        let filter = input.into_filter()?;
        let (tasks, who) = (call.tasks(), call.principal());
        let before = |until: Timestamp| Some(until.minus(age));
        let confirmation = change
            .confirmed(call, async |until| {
                let counted = tasks.count_to_purge(who, &filter, before(until));
                Ok(counted.await?)
            })
            .await?;
        let extent = match confirmation {
            Confirmation::Given(extent) => extent,
            Confirmation::Open(question) => return Ok(question),
            Confirmation::Declined => {
                let output = Output {
                    declined: true,
                    ..Output::default()
                };
                return reply("The user declined, and nothing was removed.", &output);
            }
        };
        let purged = tasks
            .purge(who, &filter, before(extent.until), extent.limit)
            .await?;
        let more = if purged.more {
            " More may match; call again for those."
        } else {
            ""
        };
        let output = Output {
            removed: purged.done,
            more: purged.more,
            declined: false,
        };
        reply(
            format!("Removed {} finished tasks.{more}", purged.done),
            &output,
        )
    }
}

impl Input {
    fn into_filter(self) -> Result<TaskFilter, InvalidInput> {
        Ok(TaskFilter {
            status: self.status.as_deref().map(str::parse).transpose()?,
            kind: self.kind,
            queue: self.queue,
            tag: self.tag,
            owner: self.owner,
            ..TaskFilter::default()
        })
    }
}
