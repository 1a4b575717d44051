use super::{Effect, Tool, reply};
use crate::call::Call;
use crate::refusal::Refusal;
use crate::view::{StatsView, stats_text};
use mcs_core::config::ToolSet;
use mcs_core::domain::HistoryRequest;
use rmcp::model::CallToolResponse;
use schemars::JsonSchema;
use serde::Deserialize;

pub(crate) struct GetStatistics;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Input {
    /// How many hours of history, the one that has begun included. Default 24.
    #[serde(default)]
    #[schemars(with = "Option<usize>", range(min = 1, max = 48))]
    hours: Option<usize>,
    /// Only the history of this queue.
    #[serde(default)]
    queue: Option<String>,
    /// Only the history of this kind.
    #[serde(default)]
    kind: Option<String>,
    /// Only the history of this model.
    #[serde(default)]
    model: Option<String>,
}

impl Tool for GetStatistics {
    type Input = Input;
    type Output = StatsView;
    const NAME: &'static str = "get_statistics";
    const TITLE: &'static str = "Statistics";
    const DESCRIPTION: &'static str = "Counts tasks by status, kind and queue, and tells what was done in the last \
        hours by queue, kind, model and hour: throughput, success and retries, waiting and running times (p50, p95), \
        tokens and cost.";
    const SET: ToolSet = ToolSet::Standard;
    const EFFECT: Effect = Effect::Reads;

    async fn call(input: Self::Input, call: &Call<'_>) -> Result<CallToolResponse, Refusal> {
        let usual = HistoryRequest::default();
        let request = HistoryRequest {
            hours: input.hours.unwrap_or(usual.hours),
            queue: input.queue,
            kind: input.kind,
            model: input.model,
        };
        let statistics = call.tasks().statistics(call.principal(), &request).await?;
        reply(
            stats_text(&statistics),
            &StatsView::of(&statistics, &request),
        )
    }
}
