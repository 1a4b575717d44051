//! The header `Retry-After`.

use std::time::{Duration, SystemTime};

/// Longest wait that a coordinator can ask for. A slip of its clock or configuration must not silence a reporter for days.
pub(crate) const LONGEST: Duration = Duration::from_mins(10);

/// The wait that `value` asks for: seconds, or a date that is compared with `wall`. `None` if it is neither.
pub(crate) fn parse(value: &str, wall: SystemTime) -> Option<Duration> {
    let value = value.trim();
    let wait = match value.parse::<f64>() {
        Ok(seconds) if seconds.is_finite() && seconds >= 0.0 => {
            Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST)
        }
        Ok(_) => return None,
        Err(_) => until(value, wall)?,
    };
    Some(wait.min(LONGEST))
}

fn until(date: &str, wall: SystemTime) -> Option<Duration> {
    let date = jiff::fmt::rfc2822::DateTimeParser::new()
        .parse_timestamp(date)
        .ok()?;
    let wait = SystemTime::from(date).duration_since(wall);
    Some(wait.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_are_understood_and_bounded() {
        let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let cases = [
            ("0", Some(0)),
            (" 120 ", Some(120)),
            ("1.5", Some(1)),
            ("86400", Some(600)),
            ("1e300", Some(600)),
            ("-1", None),
            ("NaN", None),
            ("soon", None),
            ("", None),
            // Sun, 06 Nov 1994 08:49:37 GMT is `wall`.
            ("Sun, 06 Nov 1994 08:50:07 GMT", Some(30)),
            ("Sun, 06 Nov 1994 08:49:07 GMT", Some(0)),
            ("Mon, 07 Nov 1994 08:49:37 GMT", Some(600)),
        ];
        for (value, seconds) in cases {
            let wait = parse(value, wall).map(|wait| wait.as_secs());
            assert_eq!(wait, seconds, "{value:?}");
        }
    }
}
