//! The data of an event as JSON, as far as it fits.

use crate::capped::Capped;
use mcs_core::domain::InvalidInput;
use mcs_core::reporter::InteractionAction;
use serde::Serialize;
use serde_json::{Map, Value};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What stands in the place of data that is too much.
#[derive(Debug, Serialize)]
pub(crate) struct Known {
    truncated: bool,
    r#type: &'static str,
    size_so_far: usize,
}

impl Known {
    /// Of data of that type, of which so many bytes were written or offered.
    pub(crate) const fn new(kind: &'static str, size_so_far: usize) -> Self {
        Self {
            truncated: true,
            r#type: kind,
            size_so_far,
        }
    }

    /// The same as a map.
    pub(crate) fn into_map(self) -> Map<String, Value> {
        Map::from_iter([
            ("truncated".to_owned(), self.truncated.into()),
            ("type".to_owned(), self.r#type.into()),
            ("size_so_far".to_owned(), self.size_so_far.into()),
        ])
    }
}

/// Refuses data that is no object.
pub(crate) fn not_an_object(action: InteractionAction, kind: &str) -> InvalidInput {
    let problem = format!("is of type {kind}; give an object, such as a struct or a map");
    InvalidInput::new(action.data_field(), problem)
}

/// Bytes of data, as far as they were counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    /// All of it was written.
    Whole(usize),
    /// It is more than the cap; so many were offered before it was stopped.
    Over(usize),
}

/// Writes data as JSON to the end of `into`, as far as the cap allows. What panics in `Serialize` is an error here.
pub(crate) fn write_capped<T: Serialize + ?Sized>(
    data: &T,
    action: InteractionAction,
    into: &mut Vec<u8>,
    cap: usize,
) -> Result<Size, InvalidInput> {
    let mut capped = Capped::new(into, cap);
    let written = catch_unwind(AssertUnwindSafe(|| {
        serde_json::to_writer(&mut capped, data)
    }));
    if capped.is_full() {
        return Ok(Size::Over(capped.size()));
    }
    match written {
        Ok(Ok(())) => Ok(Size::Whole(capped.size())),
        Ok(Err(error)) => Err(not_written(action.data_field(), &error)),
        Err(_) => Err(InvalidInput::new(
            action.data_field(),
            "cannot be written as JSON: its Serialize panicked",
        )),
    }
}

/// What a JSON text is, by how it begins.
pub(crate) fn kind_of(json: &[u8]) -> &'static str {
    match json.trim_ascii_start().first() {
        Some(b'{') => "object",
        Some(b'[') => "array",
        // Without a byte, its first piece was longer than the cap, as only a text is.
        Some(b'"') | None => "string",
        Some(b't' | b'f') => "boolean",
        Some(b'n') => "null",
        Some(_) => "number",
    }
}

/// Refuses what serde could not write.
pub(crate) fn not_written(field: &str, error: &serde_json::Error) -> InvalidInput {
    InvalidInput::new(field, format!("cannot be written as JSON: {error}"))
}
