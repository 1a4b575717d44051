use super::performance_review::request;
use super::{Template, newest, rows};
use crate::view::{hours_table, stored_text};
use mcs_core::clock::{Clock, SystemClock};
use mcs_core::domain::{Status, TaskFilter};
use std::time::Duration;

pub(super) const TEMPLATE: Template = Template {
    name: "system_health",
    title: "Report on health",
    description: "Reports whether tasks flow as they should, from the statistics and the newest failures.",
    arguments: &[
        (
            "queue",
            "Only this queue. Left out: all of them. The totals are of all queues either way.",
        ),
        ("hours", "How many hours to look back, 1 to 48. Default 24."),
    ],
    fill: |arguments, call| {
        Box::pin(async move {
            let hours = arguments.count("hours", 24, 48)?;
            let now = SystemClock.now();
            let within = Duration::from_hours(hours.into());
            let filter = arguments.filter(now, Some(within))?;
            let asked = |name: &str| filter.queue.as_deref().is_none_or(|queue| queue == name);
            let request = request(hours);
            let mut statistics = call.tasks().statistics(call.principal(), &request).await?;
            statistics.stored.queues.retain(|name, _| asked(name));
            let table = statistics.history.as_ref().map(hours_table);
            let queues = call.queues().list(call.principal()).await?;
            let paused: Vec<&str> = queues
                .iter()
                .filter(|queue| queue.paused && asked(&queue.name))
                .map(|queue| &*queue.name)
                .collect();
            let paused = if paused.is_empty() {
                "none".to_owned()
            } else {
                paused.join(", ")
            };
            let about = filter.queue.as_ref().map_or(String::new(), |queue| {
                format!(", and of its queue {queue} above all")
            });
            let failed = TaskFilter {
                status: Some(Status::Failed),
                ..filter
            };
            let failed = newest(failed, call).await?;
            Ok(format!(
                "Report on the health of this task system over the last {hours} hours{about}. Say whether tasks flow, where they pile up, which failures \
                 repeat, and what to do, most urgent first.\n\nStatistics:\n{}\n\nPaused queues: {paused}\n\n\
                 Hours of all queues:\n{}\n\n\
                 Newest failed tasks of those created in that time:\n{}",
                stored_text(&statistics.stored),
                table.unwrap_or_else(|| {
                    "(kept for the tasks of all owners together, which you may not see)".into()
                }),
                rows(&failed)
            ))
        })
    },
};
