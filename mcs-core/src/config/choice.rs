use super::value::Choice;
use tracing::level_filters::LevelFilter;

/// When the store syncs a commit to the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Synchronous {
    /// Before it is acknowledged: an acknowledged task survives the loss of power.
    #[default]
    Full,
    /// At checkpoints: the end of the process loses nothing, the loss of power may lose the latest moments.
    Normal,
}

/// Which tools an MCP server offers. Each costs its client tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ToolSet {
    /// Create, status, list, result, wait, cancel and retry.
    Core,
    /// Those and statistics.
    #[default]
    Standard,
    /// Every tool there is.
    All,
}

impl Choice for Synchronous {
    const ALL: &'static [(&'static str, Self)] = &[("full", Self::Full), ("normal", Self::Normal)];
}

impl Choice for ToolSet {
    const ALL: &'static [(&'static str, Self)] = &[
        ("core", Self::Core),
        ("standard", Self::Standard),
        ("all", Self::All),
    ];
}

impl Choice for LevelFilter {
    const ALL: &'static [(&'static str, Self)] = &[
        ("off", Self::OFF),
        ("error", Self::ERROR),
        ("warn", Self::WARN),
        ("info", Self::INFO),
        ("debug", Self::DEBUG),
        ("trace", Self::TRACE),
    ];
}
