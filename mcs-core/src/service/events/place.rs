use crate::domain::Cursor;
use std::fmt;
use std::str::FromStr;

/// The place of one event among all, or the end of a batch. Callers hand it back as they got it and do not look inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventPlace {
    seq: u64,
    index: u32,
}

/// A text that is no place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no place; use one as it was given, or leave it out to hear what comes from now on"
)]
pub struct BadEventPlace(String);

impl EventPlace {
    /// The index that no event has: the end of a batch.
    const END: u32 = u32::MAX;

    /// The place of the event with this index in batch `seq`.
    pub const fn new(seq: u64, index: u32) -> Self {
        Self { seq, index }
    }

    /// The end of batch `seq`: all its events come before it.
    pub const fn end_of(seq: u64) -> Self {
        Self::new(seq, Self::END)
    }

    /// The batch.
    pub(super) const fn seq(self) -> u64 {
        self.seq
    }

    /// Whether the event with this index in batch `seq` comes after it.
    pub(super) fn is_before(self, seq: u64, index: u32) -> bool {
        self < Self::new(seq, index)
    }

    /// What to give to a store so that the batch of the place comes first.
    pub(super) const fn before_its_batch(self) -> Cursor {
        Cursor(self.seq.saturating_sub(1))
    }
}

impl fmt::Display for EventPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Cursor(self.seq).fmt(f)?;
        if self.index == Self::END {
            return Ok(());
        }
        write!(f, ".{}", self.index)
    }
}

impl FromStr for EventPlace {
    type Err = BadEventPlace;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || BadEventPlace(text.chars().take(40).collect());
        let (batch, index) = match text.split_once('.') {
            Some((batch, index)) => (batch, Some(index)),
            None => (text, None),
        };
        let Cursor(seq) = batch.parse().map_err(|_| bad())?;
        let digits = |index: &str| index.bytes().all(|byte| byte.is_ascii_digit());
        let index = match index {
            None => Self::END,
            Some(index) if digits(index) => index.parse().map_err(|_| bad())?,
            Some(_) => return Err(bad()),
        };
        Ok(Self { seq, index })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_was_written() {
        for (place, text) in [
            (EventPlace::new(0, 0), "c0.0"),
            (EventPlace::new(255, 17), "cff.17"),
            (EventPlace::end_of(16), "c10"),
        ] {
            assert_eq!(place.to_string(), text);
            assert_eq!(text.parse(), Ok(place));
        }
        for bad in [
            "",
            "c",
            "5",
            "c1.",
            "c1.-1",
            "c1.+1",
            "c1.99999999999",
            "c1.2.3",
            "x1.2",
            "c1. 2",
        ] {
            let error = bad.parse::<EventPlace>().unwrap_err().to_string();
            assert!(error.contains("is no place"), "{error}");
        }
    }

    #[test]
    fn the_end_of_a_batch_comes_after_its_events_and_before_the_next() {
        let end = EventPlace::end_of(5);
        assert!(EventPlace::new(5, 9).is_before(5, 10) && !EventPlace::new(5, 9).is_before(5, 9));
        assert!(!end.is_before(5, 1_000_000) && end.is_before(6, 0));
    }
}
