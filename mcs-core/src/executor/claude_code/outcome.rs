use super::failure::{Ending, Reason};
use super::stream::{Denial, Run};
use super::usage::ModelUsage;
use crate::domain::{TaskResult, Timestamp, limits};
use crate::executor::ExecuteError;
use crate::executor::settings::Policy;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What a task wants of a run that ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// An answer of the form of its schema.
    pub(crate) structured_output: bool,
    pub(crate) on_denied: Policy,
    pub(crate) on_mcp_failure: Policy,
}

/// What a run did to the place it worked in.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Traces {
    /// Files that are not as they were; `None` where nobody can tell.
    pub(crate) files_changed: Option<Value>,
    /// The worktree of the task's own.
    pub(crate) worktree: Option<String>,
    /// Its branch.
    pub(crate) branch: Option<String>,
}

/// What the task used, over all of its attempts.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Spent {
    pub(crate) cost_usd: f64,
    pub(crate) models: BTreeMap<String, ModelUsage>,
}

/// What came of a run that is over. Success is what its last result says it is, and what the task wants of it.
pub(crate) fn conclude(
    run: &Run,
    ending: &Ending,
    wanted: Wanted,
    spent: &Spent,
    traces: &Traces,
    now: Timestamp,
) -> Result<TaskResult, ExecuteError> {
    let failed = |reason: Reason| {
        let mut error = reason.error(run, ending, now);
        let details = error.details.get_or_insert_default();
        details["cost_usd"] = json!(spent.cost_usd);
        for (name, value) in traces.fields() {
            details[name] = value;
        }
        fit(details);
        Err(error)
    };
    if let Some(reason) = Reason::of(run, ending) {
        return failed(reason);
    }
    let Some(report) = run.last() else {
        return failed(Reason::NoResult);
    };
    if wanted.structured_output && report.structured.is_none() {
        return failed(Reason::StructuredOutputMissing);
    }
    if wanted.on_denied == Policy::Fail && !run.denials().is_empty() {
        return failed(Reason::ToolsDenied);
    }
    if wanted.on_mcp_failure == Policy::Fail && run.missing_servers().next().is_some() {
        return failed(Reason::McpServerMissing);
    }
    let mut warnings = run.warnings();
    if !run.is_idle() {
        warnings.push("the run went on after its last result and ended without another".to_owned());
    }
    let mut structured = json!({
        "session_id": run.session_id(),
        "model": run.model(),
        "result": report.text,
        "structured_output": report.structured,
        "turns": report.turns,
        "cost_usd": spent.cost_usd,
        "usage": spent.models,
        "permission_denials": run.denials().iter().map(denied).collect::<Vec<_>>(),
        "warnings": warnings,
        "exit_code": ending.code,
        "duration_ms": ending.duration_ms,
    });
    for (name, value) in traces.fields() {
        structured[name] = value;
    }
    let text = report.text.clone().unwrap_or_default();
    Ok(TaskResult::text(text).with_structured(structured))
}

impl Traces {
    /// What there is to tell.
    fn fields(&self) -> Map<String, Value> {
        let fields = [
            ("files_changed", self.files_changed.clone()),
            ("worktree", self.worktree.clone().map(Value::from)),
            ("branch", self.branch.clone().map(Value::from)),
        ];
        let told = fields.into_iter();
        told.filter_map(|(name, value)| Some((name.to_owned(), value?)))
            .collect()
    }
}

/// Takes files off the list until the details are stored: what is too large would be dropped as a whole, with the reason
/// and the session. How many files there are in all stays.
fn fit(details: &mut Value) {
    while details.to_string().len() > limits::DETAILS_BYTES {
        let files = details.pointer_mut("/files_changed/files");
        let files = files.and_then(Value::as_array_mut);
        let Some(files) = files.filter(|files| !files.is_empty()) else {
            return;
        };
        files.truncate(files.len() / 2);
    }
}

fn denied(denial: &Denial) -> Value {
    json!({
        "tool": denial.tool,
        "tool_use_id": denial.tool_use_id,
        "message": denial.message,
    })
}
