use super::{Effect, Tool, reply};
use crate::refusal::Refusal;
use crate::server::Call;
use crate::view::{StatsView, stats_text};
use mcs_core::config::ToolSet;
use rmcp::model::CallToolResult;
use schemars::JsonSchema;
use serde::Deserialize;

pub(crate) struct GetStatistics;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Input {}

impl Tool for GetStatistics {
    type Input = Input;
    type Output = StatsView;
    const NAME: &'static str = "get_statistics";
    const TITLE: &'static str = "Statistics";
    const DESCRIPTION: &'static str = "Counts tasks by status, kind and queue, and tells the throughput, times, \
        tokens and cost of the latest hours.";
    const SET: ToolSet = ToolSet::Standard;
    const EFFECT: Effect = Effect::Reads;

    async fn call(Input {}: Self::Input, call: &Call<'_>) -> Result<CallToolResult, Refusal> {
        let stats = call.tasks().stats(call.principal()).await?;
        reply(stats_text(&stats), &StatsView::from(&stats))
    }
}
