use super::Template;
use crate::view::{hours_table, parts_tables};
use mcs_core::domain::{History, HistoryRequest, Stats};

pub(super) const TEMPLATE: Template = Template {
    name: "performance_review",
    title: "Review performance",
    description: "Reviews throughput, waiting times and cost of the last hours.",
    arguments: &[
        ("hours", "How many hours to look back, 1 to 48. Default 24."),
        ("queue", "Only what was done for tasks of this queue."),
        ("kind", "Only what was done for tasks of this kind."),
        ("model", "Only what was done with this model."),
    ],
    fill: |arguments, call| {
        Box::pin(async move {
            let hours = arguments.count("hours", 24, 48)?;
            let request = HistoryRequest {
                queue: arguments.owned("queue"),
                kind: arguments.owned("kind"),
                model: arguments.owned("model"),
                ..request(hours)
            };
            let statistics = call.tasks().statistics(call.principal(), &request).await?;
            Ok(format!(
                "Review the performance of this task system over the last {hours} hours{}: throughput, waiting and \
                 running times, failures and retries, tokens and cost. Point out what changed from hour to hour and \
                 propose improvements, with the figures that support them.\n\n{}\n\nWaiting now:\n{}",
                only(&request),
                tables(statistics.history.as_ref()),
                waiting(&statistics.stored)
            ))
        })
    },
};

/// The history of so many hours.
pub(super) fn request(hours: u32) -> HistoryRequest {
    HistoryRequest {
        hours: usize::try_from(hours).unwrap_or(usize::MAX),
        ..HistoryRequest::default()
    }
}

/// What is looked at, where that is not everything.
fn only(request: &HistoryRequest) -> String {
    let parts = [
        ("queue", &request.queue),
        ("kind", &request.kind),
        ("model", &request.model),
    ];
    let named = parts.into_iter().filter_map(|(part, name)| {
        let name = name.as_ref()?;
        Some(format!("{part} {}", crate::view::cut(name)))
    });
    let named = named.collect::<Vec<_>>().join(", ");
    if named.is_empty() {
        named
    } else {
        format!(" ({named} only)")
    }
}

fn tables(history: Option<&History>) -> String {
    history.map_or_else(
        || {
            "(the history is kept for the tasks of all owners together, which you may not see)"
                .into()
        },
        |history| format!("{}\n{}", hours_table(history), parts_tables(history)),
    )
}

fn waiting(stats: &Stats) -> String {
    let lines = stats.queues.iter().map(|(name, queue)| {
        format!(
            "- queue {name}: {} ready, {} running, oldest ready since {}",
            queue.ready,
            queue.counts.processing + queue.counts.input_required,
            queue
                .oldest_ready
                .map_or("-".to_owned(), |since| since.to_string()),
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}
