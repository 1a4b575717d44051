use super::{Template, newest, rows};
use crate::view::stats_text;
use mcs_core::clock::{Clock, SystemClock};
use mcs_core::domain::HistoryRequest;
use std::time::Duration;

const DAY: Duration = Duration::from_hours(24);

pub(super) const TEMPLATE: Template = Template {
    name: "task_analysis",
    title: "Analyse tasks",
    description: "Looks for patterns in the tasks of the last days.",
    arguments: &[
        ("days", "How many days to look back, 1 to 90. Default 7."),
        ("status", "Only tasks with this status, such as FAILED."),
        ("kind", "Only tasks of this kind."),
        ("queue", "Only tasks in this queue."),
        ("tag", "Only tasks with this tag."),
    ],
    fill: |arguments, call| {
        Box::pin(async move {
            let days = arguments.count("days", 7, 90)?;
            let filter = arguments.filter(SystemClock.now(), Some(DAY * days))?;
            let tasks = newest(filter, call).await?;
            let request = HistoryRequest::default();
            let statistics = call.tasks().statistics(call.principal(), &request).await?;
            Ok(format!(
                "Analyse the tasks of the last {days} days: which kinds of work recur, what fails and what those \
                 failures share, what takes long, and what could be done better.\n\n\
                 Tasks, newest first:\n{}\n\nAll tasks for comparison:\n{}",
                rows(&tasks),
                stats_text(&statistics)
            ))
        })
    },
};
