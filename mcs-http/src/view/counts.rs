use mcs_core::domain::StatusCounts;
use schemars::JsonSchema;
use serde::Serialize;

/// Tasks by status.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(rename = "StatusCounts")]
pub(crate) struct CountsView {
    pending: u64,
    processing: u64,
    input_required: u64,
    completed: u64,
    failed: u64,
    cancelled: u64,
}

impl From<StatusCounts> for CountsView {
    fn from(counts: StatusCounts) -> Self {
        Self {
            pending: counts.pending,
            processing: counts.processing,
            input_required: counts.input_required,
            completed: counts.completed,
            failed: counts.failed,
            cancelled: counts.cancelled,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mcs_core::domain::Status;

    #[test]
    fn every_status_is_counted_under_its_name() {
        let mut counts = StatusCounts::default();
        for (number, status) in (1..).zip(Status::ALL) {
            *counts.get_mut(status) = number;
        }
        let view = serde_json::to_value(CountsView::from(counts)).unwrap();
        assert_eq!(view.as_object().unwrap().len(), Status::ALL.len());
        for status in Status::ALL {
            assert_eq!(view[status.as_str()], counts.get(status));
        }
    }
}
