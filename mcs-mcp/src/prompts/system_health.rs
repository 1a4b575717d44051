use super::{Template, newest, rows};
use crate::view::stats_text;
use mcs_core::domain::{Status, TaskFilter};

pub(super) const TEMPLATE: Template = Template {
    name: "system_health",
    title: "Report on health",
    description: "Reports whether tasks flow as they should, from the statistics and the newest failures.",
    arguments: &[],
    fill: |_, call| {
        Box::pin(async move {
            let stats = call.tasks().stats(call.principal()).await?;
            let queues = call.queues().list(call.principal()).await?;
            let paused: Vec<&str> = queues
                .iter()
                .filter(|queue| queue.paused)
                .map(|queue| &*queue.name)
                .collect();
            let paused = if paused.is_empty() {
                "none".to_owned()
            } else {
                paused.join(", ")
            };
            let failed = TaskFilter {
                status: Some(Status::Failed),
                ..TaskFilter::default()
            };
            let failed = newest(failed, call).await?;
            Ok(format!(
                "Report on the health of this task system. Say whether tasks flow, where they pile up, which failures \
                 repeat, and what to do, most urgent first.\n\nStatistics:\n{}\n\nPaused queues: {paused}\n\n\
                 Newest failed tasks:\n{}",
                stats_text(&stats),
                rows(&failed)
            ))
        })
    },
};
