use super::cache::AnswerCache;
use serde::de::{self, Deserialize, Deserializer, Visitor};
use std::fmt;
use std::time::Duration;

/// How old an answer may be that is given again: a number of seconds, or a text such as `1h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CacheTtl(Duration);

impl CacheTtl {
    pub(super) const fn duration(self) -> Duration {
        self.0
    }

    /// What is wrong with it, if anything is.
    pub(super) fn problem(self) -> Option<String> {
        if !self.0.is_zero() && self.0 <= AnswerCache::LONGEST {
            return None;
        }
        let shown = humantime::format_duration(self.0);
        let longest = humantime::format_duration(AnswerCache::LONGEST);
        Some(format!(
            "is {shown}; use more than 0s and at most {longest}, or leave it out"
        ))
    }

    fn from_seconds<E: de::Error>(seconds: f64) -> Result<Self, E> {
        let read = Duration::try_from_secs_f64(seconds);
        read.map(Self)
            .map_err(|_| E::custom(format!("`{seconds}` is no time in seconds")))
    }
}

impl<'de> Deserialize<'de> for CacheTtl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TtlVisitor)
    }
}

struct TtlVisitor;

impl Visitor<'_> for TtlVisitor {
    type Value = CacheTtl;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of seconds or a text such as \"1h\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<CacheTtl, E> {
        let read = humantime::parse_duration(text.trim());
        read.map(CacheTtl).map_err(|error| {
            E::custom(format!(
                "cache_ttl is `{text}` ({error}); write a time such as \"90s\", \"12h\" or \"7d\""
            ))
        })
    }

    fn visit_f64<E: de::Error>(self, seconds: f64) -> Result<CacheTtl, E> {
        CacheTtl::from_seconds(seconds)
    }

    fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<CacheTtl, E> {
        Ok(CacheTtl(Duration::from_secs(seconds)))
    }

    fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<CacheTtl, E> {
        u64::try_from(seconds)
            .map(|seconds| CacheTtl(Duration::from_secs(seconds)))
            .map_err(|_| {
                E::custom(format!(
                    "cache_ttl is {seconds}; use a number of seconds above 0"
                ))
            })
    }
}
