use reqwest::header::HeaderMap;
use std::time::{Duration, SystemTime};

/// What the headers of an answer say about trying again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct RetryHint {
    /// Whether to; wins over the status.
    pub(crate) should: Option<bool>,
    /// How long to wait before.
    pub(crate) after: Option<Duration>,
}

impl RetryHint {
    /// Longest wait that is believed; a longer one is cut to it.
    const LONGEST: Duration = Duration::from_hours(366 * 24);

    /// Reads `x-should-retry`, and for the wait `retry-after-ms`, then `retry-after` in seconds or as a date, then the
    /// reset of the limit that is used up: OpenAI's as a span, Anthropic's as a time.
    pub(crate) fn from_headers(headers: &HeaderMap, now: SystemTime) -> Self {
        let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
        let should = match text("x-should-retry") {
            Some("true") => Some(true),
            Some("false") => Some(false),
            _ => None,
        };
        let after = text("retry-after-ms")
            .and_then(|text| from_number(text, 0.001))
            .or_else(|| text("retry-after").and_then(|text| from_seconds_or_date(text, now)))
            .or_else(|| from_resets(text, now));
        Self {
            should,
            after: after.map(|after| after.min(Self::LONGEST)),
        }
    }
}

fn from_number(text: &str, unit: f64) -> Option<Duration> {
    let seconds = text.parse::<f64>().ok()? * unit;
    // A negative wait, or one that is no number, says nothing; one beyond all bounds is cut by the caller.
    if seconds.is_nan() || seconds < 0.0 {
        return None;
    }
    Some(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

fn from_seconds_or_date(text: &str, now: SystemTime) -> Option<Duration> {
    from_number(text, 1.0).or_else(|| {
        let date = httpdate::parse_http_date(text).ok()?;
        Some(date.duration_since(now).unwrap_or(Duration::ZERO))
    })
}

/// The longest reset among the limits of which nothing remains.
fn from_resets<'a>(header: impl Fn(&str) -> Option<&'a str>, now: SystemTime) -> Option<Duration> {
    let reset_of_used_up = |remaining: String, reset: String| {
        let used_up = header(&remaining)?.parse::<i64>().ok()? <= 0;
        header(&reset).filter(|_| used_up)
    };
    let spans = ["requests", "tokens"].into_iter().filter_map(|limit| {
        let [remaining, reset] =
            ["remaining", "reset"].map(|what| format!("x-ratelimit-{what}-{limit}"));
        reset_of_used_up(remaining, reset).and_then(from_span)
    });
    let limits = ["requests", "tokens", "input-tokens", "output-tokens"];
    let times = limits.into_iter().filter_map(|limit| {
        let [remaining, reset] =
            ["remaining", "reset"].map(|what| format!("anthropic-ratelimit-{limit}-{what}"));
        reset_of_used_up(remaining, reset).and_then(|time| until(time, now))
    });
    spans.chain(times).max()
}

/// How long it is until a time such as `2026-11-20T12:00:00Z`.
fn until(time: &str, now: SystemTime) -> Option<Duration> {
    let time = SystemTime::from(time.parse::<jiff::Timestamp>().ok()?);
    Some(time.duration_since(now).unwrap_or(Duration::ZERO))
}

/// A span such as `1h2m3.5s`, `6m0s` or `20ms`.
fn from_span(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut span = Duration::ZERO;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let (number, tail) = rest.split_at(end);
        let (unit, length) = [
            ("ms", 0.001),
            ("s", 1.0),
            ("m", 60.0),
            ("h", 3600.0),
            ("d", 86400.0),
        ]
        .into_iter()
        .find(|(unit, _)| tail.starts_with(unit))
        .map(|(unit, seconds)| (seconds, unit.len()))?;
        span = span.checked_add(from_number(number, unit)?)?;
        rest = &tail[length..];
    }
    (!text.is_empty()).then_some(span)
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::{HeaderName, HeaderValue};
    use std::time::UNIX_EPOCH;

    fn hint(headers: &[(&'static str, &'static str)]) -> RetryHint {
        let headers = headers.iter().map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        });
        // Sun, 06 Nov 1994 08:49:37 GMT
        let now = UNIX_EPOCH + Duration::from_secs(784_111_777);
        RetryHint::from_headers(&headers.collect(), now)
    }

    fn after(headers: &[(&'static str, &'static str)]) -> Option<u64> {
        hint(headers)
            .after
            .map(|after| u64::try_from(after.as_millis()).unwrap())
    }

    #[test]
    fn milliseconds_come_before_seconds_and_dates() {
        assert_eq!(
            after(&[("retry-after-ms", "1500"), ("retry-after", "9")]),
            Some(1500)
        );
        assert_eq!(
            after(&[("retry-after-ms", "soon"), ("retry-after", "9")]),
            Some(9000)
        );
        assert_eq!(after(&[("retry-after", " 0.25 ")]), Some(250));
        assert_eq!(
            after(&[("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT")]),
            Some(30_000)
        );
        assert_eq!(
            after(&[("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT")]),
            Some(0)
        );
    }

    #[test]
    fn nonsense_says_nothing_and_too_much_is_cut() {
        for nonsense in ["", "soon", "-1", "NaN", "1994-11-06"] {
            assert_eq!(
                hint(&[("retry-after", nonsense)]),
                RetryHint::default(),
                "{nonsense}"
            );
        }
        let longest = Some(u64::try_from(RetryHint::LONGEST.as_millis()).unwrap());
        assert_eq!(after(&[("retry-after", "1e300")]), longest);
        assert_eq!(after(&[("retry-after", "inf")]), longest);
    }

    #[test]
    fn the_reset_of_a_used_up_limit_is_a_wait() {
        let requests = [
            ("x-ratelimit-remaining-requests", "0"),
            ("x-ratelimit-reset-requests", "6m0.5s"),
        ];
        assert_eq!(after(&requests), Some(360_500));
        let left = [
            ("x-ratelimit-remaining-tokens", "5"),
            ("x-ratelimit-reset-tokens", "6m0s"),
        ];
        assert_eq!(after(&left), None);
        let times = [
            ("anthropic-ratelimit-requests-remaining", "0"),
            ("anthropic-ratelimit-requests-reset", "1994-11-06T08:49:47Z"),
            ("anthropic-ratelimit-input-tokens-remaining", "0"),
            (
                "anthropic-ratelimit-input-tokens-reset",
                "1994-11-06T08:50:07.5Z",
            ),
            ("anthropic-ratelimit-output-tokens-remaining", "9"),
            (
                "anthropic-ratelimit-output-tokens-reset",
                "1994-11-06T09:50:07Z",
            ),
        ];
        assert_eq!(after(&times), Some(30_500));
        assert_eq!(until("yesterday", UNIX_EPOCH), None);
        assert_eq!(from_span("20ms"), Some(Duration::from_millis(20)));
        assert_eq!(from_span("1h2m3s"), Some(Duration::from_secs(3723)));
        for nonsense in ["", "5", "s", "1.2.3s", "1w"] {
            assert_eq!(from_span(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn should_retry_is_true_false_or_nothing() {
        assert_eq!(hint(&[("x-should-retry", "true")]).should, Some(true));
        assert_eq!(hint(&[("x-should-retry", "false")]).should, Some(false));
        assert_eq!(hint(&[("x-should-retry", "maybe")]).should, None);
    }
}
