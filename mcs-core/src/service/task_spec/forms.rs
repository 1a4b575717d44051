//! How single fields look where a caller writes them.

use crate::domain::{InvalidInput, limits};
use schemars::JsonSchema;
use std::time::Duration;

/// What a priority may look like.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) enum PriorityForm {
    Number(#[schemars(range(min = 1, max = 10))] u8),
    Name(PriorityName),
}

#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) enum PriorityName {
    Low,
    Normal,
    High,
    Critical,
}

/// What `dispatch` may be.
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) enum DispatchForm {
    Auto,
    Manual,
}

/// Reads a number of seconds.
pub(super) fn seconds(field: &str, given: Option<f64>) -> Result<Option<Duration>, InvalidInput> {
    let read = |seconds: f64| {
        let read = Duration::try_from_secs_f64(seconds).ok();
        read.filter(|read| *read <= limits::LONGEST).ok_or_else(|| {
            let most = limits::LONGEST.as_secs();
            InvalidInput::new(
                field,
                format!("is {seconds}; give seconds from 0 to {most}"),
            )
        })
    };
    given.map(read).transpose()
}
