//! Values of which nobody promised the type.

use super::text::{NAME_BYTES, cut};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// A part of a line that is looked into only where somebody needs it, and may be of any type.
pub(crate) type Raw<'a> = Option<&'a RawValue>;

/// A string that is borrowed where it has no escapes. `None` for a value of another type.
pub(crate) fn string(raw: Raw<'_>) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    serde_json::from_str::<Text<'_>>(raw?.get())
        .ok()
        .map(|text| text.0)
}

/// A short string; empty for a value of another type.
pub(crate) fn name(raw: Raw<'_>) -> String {
    string(raw)
        .map(|text| cut(&text, NAME_BYTES).0)
        .unwrap_or_default()
}

/// A short string that is not empty.
pub(crate) fn some_name(raw: Raw<'_>) -> Option<String> {
    Some(name(raw)).filter(|name| !name.is_empty())
}

pub(crate) fn list(raw: Raw<'_>) -> Vec<&RawValue> {
    raw.and_then(|raw| serde_json::from_str(raw.get()).ok())
        .unwrap_or_default()
}

/// Whether a value is `true`.
pub(crate) fn flag(raw: Raw<'_>) -> bool {
    raw.is_some_and(|raw| raw.get() == "true")
}

/// A number that counts something; a fraction is rounded down, and what is no such number is 0.
pub(crate) fn count(raw: Raw<'_>) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a cast from float saturates"
    )]
    let rounded = |number: f64| number as u64;
    raw.map_or(0, |raw| {
        let text = raw.get();
        text.parse()
            .unwrap_or_else(|_| text.parse().map_or(0, rounded))
    })
}

/// An HTTP status.
pub(crate) fn status(raw: Raw<'_>) -> Option<u16> {
    raw.and_then(|raw| raw.get().parse().ok())
}
