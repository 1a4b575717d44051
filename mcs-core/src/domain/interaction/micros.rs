use crate::domain::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::str::FromStr;

const PER_SECOND: f64 = 1e6;

/// A point in time with microsecond precision, since a call may take less than a millisecond. Written as RFC 3339 in UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Micros(i64);

impl Micros {
    /// The earliest time there is.
    pub const MIN: Self = Self(i64::MIN);
    /// The latest time there is.
    pub const MAX: Self = Self(i64::MAX);

    /// `micros` microseconds after the Unix epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the Unix epoch.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// `seconds` after the Unix epoch, rounded to the next microsecond. `None` for what is no number and for times that
    /// the calendar does not hold.
    pub fn from_unix_seconds(seconds: f64) -> Option<Self> {
        let micros = (seconds * PER_SECOND).round();
        // The range of the calendar is far inside of that of the integer.
        #[expect(clippy::cast_possible_truncation)]
        let micros = micros.is_finite().then_some(micros as i64)?;
        jiff::Timestamp::from_microsecond(micros).ok()?;
        Some(Self(micros))
    }

    /// Seconds since the Unix epoch.
    #[expect(
        clippy::cast_precision_loss,
        reason = "exact to the microsecond until the year 2255"
    )]
    pub fn as_unix_seconds(self) -> f64 {
        self.0 as f64 / PER_SECOND
    }

    /// The microseconds that passed since `earlier`, zero if it lies ahead.
    pub fn since(self, earlier: Self) -> u64 {
        u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0)
    }

    /// The start of the hour it lies in.
    pub const fn hour(self) -> Timestamp {
        const HOUR: i64 = 3_600_000;
        Timestamp::from_millis(self.0.div_euclid(HOUR * 1000) * HOUR)
    }
}

impl From<Timestamp> for Micros {
    fn from(time: Timestamp) -> Self {
        Self(time.as_millis().saturating_mul(1000))
    }
}

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(time) => write!(f, "{time:.6}"),
            Err(_) => write!(f, "{} us", self.0),
        }
    }
}

impl fmt::Debug for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Micros {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<jiff::Timestamp>()
            .map(|time| Self(time.as_microsecond()))
    }
}

impl Serialize for Micros {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Micros {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|error| {
            de::Error::custom(format!(
                "`{text}` is not an RFC 3339 time such as 2026-11-20T10:00:00.000001Z: {error}"
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_of_a_float_come_back() {
        for seconds in [0.0, 1_700_000_000.25, 1_763_633_640.123_456, -1.5] {
            let time = Micros::from_unix_seconds(seconds).unwrap();
            assert!((time.as_unix_seconds() - seconds).abs() < 1e-6, "{seconds}");
        }
        for nonsense in [
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            1e300,
            -1e18,
            1e12,
        ] {
            assert_eq!(Micros::from_unix_seconds(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn it_is_written_and_read_as_rfc_3339() {
        let time = Micros::from_micros(1_763_633_640_123_456);
        assert_eq!(time.to_string(), "2025-11-20T10:14:00.123456Z");
        assert_eq!(time.to_string().parse::<Micros>().unwrap(), time);
        assert_eq!(Micros::MAX.to_string(), "9223372036854775807 us");
    }

    #[test]
    fn an_hour_begins_below_also_before_1970() {
        assert_eq!(
            Micros::from_micros(-1).hour(),
            Timestamp::from_millis(-3_600_000)
        );
        assert_eq!(
            Micros::from_micros(7_199_999_999).hour(),
            Timestamp::from_millis(3_600_000)
        );
        assert_eq!(Micros::MIN.since(Micros::MAX), 0);
    }
}
