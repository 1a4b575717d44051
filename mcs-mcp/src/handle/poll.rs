use rmcp::model::TaskStatus;
use std::time::Duration;

/// How long a client waits between two looks at a task that is younger than this. What is quick is noticed quickly, and
/// what takes long is not asked for in vain.
const STEPS: [(Duration, Duration); 5] = [
    (Duration::from_millis(20), Duration::from_millis(5)),
    (Duration::from_millis(250), Duration::from_millis(10)),
    (Duration::from_secs(1), Duration::from_millis(50)),
    (Duration::from_secs(5), Duration::from_millis(250)),
    (Duration::from_secs(30), Duration::from_secs(1)),
];
/// The same for all that are older.
const LONGEST: Duration = Duration::from_secs(5);
/// People do not answer sooner.
const ASKED: Duration = Duration::from_secs(1);

/// When to look at a task of this age again; `None` once it has ended.
pub(super) fn interval(age: Duration, status: TaskStatus) -> Option<Duration> {
    let step = STEPS.iter().find(|(below, _)| age < *below);
    let interval = step.map_or(LONGEST, |(_, interval)| *interval);
    match status {
        TaskStatus::InputRequired => Some(interval.max(ASKED)),
        ended if ended.is_terminal() => None,
        _ => Some(interval),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rmcp::model::TaskStatus as S;

    /// The age, and the interval while it works and while it waits for an answer, all in milliseconds.
    const GOLDEN: [(u64, u64, u64); 12] = [
        (0, 5, 1_000),
        (19, 5, 1_000),
        (20, 10, 1_000),
        (249, 10, 1_000),
        (250, 50, 1_000),
        (999, 50, 1_000),
        (1_000, 250, 1_000),
        (4_999, 250, 1_000),
        (5_000, 1_000, 1_000),
        (29_999, 1_000, 1_000),
        (30_000, 5_000, 5_000),
        (u64::MAX, 5_000, 5_000),
    ];

    #[test]
    fn every_age_has_its_interval() {
        for (age, working, asked) in GOLDEN {
            let age = Duration::from_millis(age);
            let after = |status| interval(age, status).map(|interval| interval.as_millis());
            assert_eq!(after(S::Working), Some(working.into()), "{age:?}");
            assert_eq!(after(S::InputRequired), Some(asked.into()), "{age:?}");
            for ended in [S::Completed, S::Failed, S::Cancelled] {
                assert_eq!(after(ended), None, "{age:?}");
            }
        }
    }
}
