//! The real Claude Code, if this machine has it.

use crate::support;
use std::path::PathBuf;

/// Names the program where it is not on PATH.
const VARIABLE: &str = "MCS_TEST_CLAUDE";

/// The program, or `None` after having said how to get it.
pub(crate) fn find() -> Option<PathBuf> {
    let named = std::env::var_os(VARIABLE).map(PathBuf::from);
    let found = named.or_else(|| support::which("claude"));
    let found = found.filter(|path| path.is_file());
    if found.is_none() {
        support::skip(
            "there is no Claude Code; `npm install @anthropic-ai/claude-code-linux-x64` (or that of this machine), \
             and set MCS_TEST_CLAUDE to the program `claude` in it, or put it on PATH",
        );
    }
    found
}
