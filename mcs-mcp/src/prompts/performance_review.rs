use super::Template;
use crate::view::mean_seconds;
use mcs_core::clock::{Clock, SystemClock};
use mcs_core::domain::{HourlyStats, Stats, Timestamp};
use std::fmt::Write;
use std::time::Duration;

const HOUR: Duration = Duration::from_hours(1);

pub(super) const TEMPLATE: Template = Template {
    name: "performance_review",
    title: "Review performance",
    description: "Reviews throughput, waiting times and cost of the last hours.",
    arguments: &[("hours", "How many hours to look back, 1 to 48. Default 24.")],
    fill: |arguments, call| {
        Box::pin(async move {
            let hours = arguments.count("hours", 24, 48)?;
            let stats = call.tasks().stats(call.principal()).await?;
            Ok(format!(
                "Review the performance of this task system over the last {hours} hours: throughput, waiting and \
                 running times, failures and retries, tokens and cost. Point out what changed from hour to hour and \
                 propose improvements, with the figures that support them.\n\n{}\n\nWaiting now:\n{}",
                table(&stats.hours, SystemClock.now().minus(HOUR * hours)),
                waiting(&stats)
            ))
        })
    },
};

pub(super) fn table(hours: &[HourlyStats], since: Timestamp) -> String {
    let mut table = String::from(
        "| hour | created | completed | failed | cancelled | retries | mean wait s | mean run s | tokens in | tokens out | USD |\n\
         |---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    // An hour that began before the time but reaches into it belongs to it.
    for hour in hours.iter().filter(|hour| hour.hour.plus(HOUR) > since) {
        let finished = hour.completed + hour.failed + hour.cancelled;
        // Writing to a text cannot fail.
        let _ = writeln!(
            table,
            "| {} | {} | {} | {} | {} | {} | {:.3} | {:.3} | {} | {} | {:.4} |",
            hour.hour,
            hour.created,
            hour.completed,
            hour.failed,
            hour.cancelled,
            hour.retried,
            mean_seconds(hour.wait_ms, finished),
            mean_seconds(hour.run_ms, finished),
            hour.input_tokens,
            hour.output_tokens,
            hour.cost_usd,
        );
    }
    table
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_asked_hours_are_shown() {
        let at = |hour: i64| HourlyStats::empty(Timestamp::from_millis(hour * 3_600_000));
        let table = table(
            &[at(1), at(2), at(3)],
            Timestamp::from_millis(2 * 3_600_000 + 1),
        );
        assert_eq!(table.lines().count(), 2 + 2, "{table}");
    }
}
