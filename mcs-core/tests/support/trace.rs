//! Traces that tasks come with.

use mcs_core::domain::Traceparent;

/// A span that somebody creates tasks in.
pub(crate) const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// Fails unless `told` is another span of the trace of `parent`.
pub(crate) fn is_child_of(parent: &str, told: &str) {
    let parent: Traceparent = parent.parse().unwrap();
    let child: Traceparent = told
        .parse()
        .unwrap_or_else(|error| panic!("`{told}` {error}"));
    assert_eq!(child.trace_id(), parent.trace_id(), "{told}");
    assert_ne!(child.span_id(), parent.span_id(), "{told}");
    assert!(told.ends_with("-01"), "{told}");
}
