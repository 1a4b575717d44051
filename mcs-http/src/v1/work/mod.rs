//! What is done with tasks: workers take them, keep them and bring them back; callers start, end and continue them.

mod end;
mod execute;
mod follow;
mod hold;
mod next;
mod respond;
mod settle;
mod usage;

use crate::problem::Problem;
use crate::route::Routes;
use crate::view::{IdForm, StatusName};
use mcs_core::domain::{InvalidInput, Status, TaskId};
use mcs_core::service::ServiceError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

pub(crate) fn routes() -> Routes {
    next::routes()
        .merge(hold::routes())
        .merge(settle::routes())
        .merge(execute::routes())
        .merge(end::routes())
        .merge(respond::routes())
        .merge(follow::routes())
}

/// Nothing is needed. An empty object is as good as no body.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Empty {}

/// A task and where it stands now.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "TaskStatus")]
struct Standing {
    /// The task.
    #[schemars(with = "IdForm")]
    id: TaskId,
    /// Its status now.
    status: StatusName,
}

impl Standing {
    fn new(id: TaskId, status: Status) -> Self {
        let status = StatusName(status);
        Self { id, status }
    }
}

/// A time that a caller gives in seconds.
fn duration(field: &str, seconds: f64) -> Result<Duration, InvalidInput> {
    Duration::try_from_secs_f64(seconds).map_err(|_| {
        let problem = format!("is {seconds}; give a number of seconds, such as 30");
        InvalidInput::new(field, problem)
    })
}

/// A refusal of a task that the path names: what the core calls `task_id` is `id` there.
fn of_path(error: ServiceError) -> Problem {
    match error {
        ServiceError::Invalid(refused) if refused.field == "task_id" => {
            InvalidInput::new("id", refused.problem).into()
        }
        other => other.into(),
    }
}
