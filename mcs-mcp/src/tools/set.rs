use mcs_core::config::ToolSet;

/// Whether `shown` has the tools whose smallest set is `smallest`.
pub(crate) const fn includes(shown: ToolSet, smallest: ToolSet) -> bool {
    size(shown) >= size(smallest)
}

/// The name of a set in the configuration.
pub(crate) const fn name(set: ToolSet) -> &'static str {
    match set {
        ToolSet::Core => "core",
        ToolSet::Standard => "standard",
        ToolSet::All => "all",
    }
}

const fn size(set: ToolSet) -> u8 {
    match set {
        ToolSet::Core => 0,
        ToolSet::Standard => 1,
        ToolSet::All => 2,
    }
}
