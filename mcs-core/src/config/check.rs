use crate::domain::limits;
use std::fmt::Display;
use std::time::Duration;

pub(super) const MILLISECOND: Duration = Duration::from_millis(1);

/// A value that is of the right type and still wrong.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) key: String,
    pub(super) problem: String,
}

impl Problem {
    pub(super) fn new(key: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            problem: problem.into(),
        }
    }
}

pub(super) fn check_concurrency(key: &str, value: usize) -> Result<(), Problem> {
    check_range(key, value, (1, limits::QUEUE_CONCURRENCY))
}

pub(super) fn check_range<T: Copy + PartialOrd + Display>(
    key: &str,
    value: T,
    (least, most): (T, T),
) -> Result<(), Problem> {
    if value >= least && value <= most {
        return Ok(());
    }
    Err(Problem::new(
        key,
        format!("is {value}; use {least} to {most}"),
    ))
}

pub(super) fn check_time(
    key: &str,
    value: Duration,
    (least, most): (Duration, Duration),
) -> Result<(), Problem> {
    if value >= least && value <= most {
        return Ok(());
    }
    let bounds = if most == limits::LONGEST {
        format!("at least {} and at most a hundred years", shown(least))
    } else {
        format!("{} to {}", shown(least), shown(most))
    };
    Err(Problem::new(
        key,
        format!("is {}; use {bounds}", shown(value)),
    ))
}

/// Names of variables of the environment, where a `*` at the end stands for any end.
pub(super) fn check_variables(key: &str, names: &[String]) -> Result<(), Problem> {
    let odd = |name: &&String| {
        let start = name.strip_suffix('*').unwrap_or(name);
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
        name.is_empty() || !start.chars().all(fits)
    };
    let Some(name) = names.iter().find(odd) else {
        return Ok(());
    };
    let problem = format!(
        "has `{name}`, which is no name of a variable; write names such as \"GITHUB_TOKEN\" or \"NPM_*\""
    );
    Err(Problem::new(key, problem))
}

/// A time as the configuration writes it.
pub(super) fn shown(time: Duration) -> humantime::FormattedDuration {
    humantime::format_duration(time)
}
