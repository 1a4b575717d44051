use super::{Effect, Tool, reply};
use crate::call::Call;
use crate::confirm::{Change, Confirmation};
use crate::refusal::Refusal;
use mcs_core::config::ToolSet;
use mcs_core::domain::{InvalidInput, Status, TaskFilter, Timestamp, check_text, limits};
use mcs_core::schema;
use mcs_core::service::Changed;
use rmcp::model::CallToolResponse;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The reason of a caller that gives none.
const NO_REASON: &str = "cancelled with others over MCP";

pub(crate) struct CancelTasks;

#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Input {
    /// Only tasks with this status.
    #[schemars(with = "Option<Unfinished>")]
    status: Option<String>,
    /// Only tasks of this kind.
    kind: Option<String>,
    /// Only tasks in this queue.
    queue: Option<String>,
    /// Only tasks with this tag.
    tag: Option<String>,
    /// Only tasks of this principal.
    owner: Option<String>,
    /// Only tasks created before this time (RFC 3339).
    created_before: Option<String>,
    /// Why, for whoever looks at the tasks later.
    reason: Option<String>,
    /// true once the user has agreed. Needed only where the client cannot ask its user itself.
    #[serde(skip_serializing)]
    confirm: Option<bool>,
}

/// A status that is not the last.
pub(crate) struct Unfinished;

impl JsonSchema for Unfinished {
    fn schema_name() -> Cow<'static, str> {
        "Unfinished".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names = Status::ALL
            .into_iter()
            .filter(|status| !status.is_terminal());
        json_schema!({"type": "string", "enum": names.map(Status::as_str).collect::<Vec<_>>()})
    }
}

#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct Output {
    /// How many tasks are cancelled now.
    cancelled: usize,
    /// Of how many the worker was asked to end them and may not have done so yet.
    requested: usize,
    /// Whether tasks that match may be left: call again to cancel more.
    more: bool,
    /// Whether the user said no.
    declined: bool,
}

impl Tool for CancelTasks {
    type Input = Input;
    type Output = Output;
    const NAME: &'static str = "cancel_tasks";
    const TITLE: &'static str = "Cancel many tasks";
    const DESCRIPTION: &'static str = "Ends all unfinished tasks that match every filter that is given, up to 10000 in \
        a call; the tasks of a batch only if they match too. The user is asked first.";
    const SET: ToolSet = ToolSet::All;
    const EFFECT: Effect = Effect::Ends;

    async fn call(input: Self::Input, call: &Call<'_>) -> Result<CallToolResponse, Refusal> {
        let change = Change {
            tool: Self::NAME,
            arguments: serde_json::to_value(&input)?,
            confirm: input.confirm == Some(true),
            words: ("Cancel", "unfinished tasks"),
        };
        let reason = input.reason.clone().unwrap_or_else(|| NO_REASON.to_owned());
        check_text("reason", &reason, limits::TEXT_BYTES)?;
        let filter = input.into_filter()?;
        let (tasks, who) = (call.tasks(), call.principal());
        let confirmation = change
            .confirmed(call, async |until| {
                let filter = before(&filter, until);
                Ok(tasks.count_to_cancel(who, &filter).await?)
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
                return reply("The user declined, and nothing was cancelled.", &output);
            }
        };
        let filter = before(&filter, extent.until);
        let changed = tasks.cancel_many(who, &filter, &reason, extent.limit);
        told(changed.await?)
    }
}

fn told(changed: Changed) -> Result<CallToolResponse, Refusal> {
    let asked = match changed.requested {
        0 => String::new(),
        count => format!(" The workers of {count} that run were asked to end them."),
    };
    let more = if changed.more {
        " More may match; call again for those."
    } else {
        ""
    };
    let output = Output {
        cancelled: changed.done,
        requested: changed.requested,
        more: changed.more,
        declined: false,
    };
    reply(
        format!("Cancelled {} tasks.{asked}{more}", changed.done),
        &output,
    )
}

/// The same tasks as far as they were there before a time.
fn before(filter: &TaskFilter, until: Timestamp) -> TaskFilter {
    let created_before = filter.created_before.map_or(until, |time| time.min(until));
    TaskFilter {
        created_before: Some(created_before),
        ..filter.clone()
    }
}

impl Input {
    fn into_filter(self) -> Result<TaskFilter, InvalidInput> {
        let created_before = self.created_before.as_deref();
        let created_before = created_before.map(|text| schema::read_time("created_before", text));
        Ok(TaskFilter {
            status: self.status.as_deref().map(str::parse).transpose()?,
            kind: self.kind,
            queue: self.queue,
            tag: self.tag,
            owner: self.owner,
            created_before: created_before.transpose()?,
            ..TaskFilter::default()
        })
    }
}
