//! A service with a few kinds of its own, and a client that writes lines.

mod kinds;
mod raw;

pub(crate) use kinds::{Gate, service};
pub(crate) use raw::{ERAS, Raw};

use serde_json::Value;

/// The text of a tool's result.
pub(crate) fn text(result: &Value) -> String {
    let blocks = result["content"].as_array().expect("a result has content");
    let texts = blocks.iter().filter_map(|block| block["text"].as_str());
    texts.collect::<Vec<_>>().join("\n")
}

/// The structured content of a tool's result that is no error.
pub(crate) fn structured(result: &Value) -> &Value {
    assert_ne!(result["isError"], true, "{result}");
    &result["structuredContent"]
}
