use std::fmt;

/// Where an engine stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineState {
    /// It takes tasks up.
    Running,
    /// It runs no kind of task, and leaves them to other processes.
    HandsOff,
    /// It takes up no more, and ends what runs.
    Stopping,
    /// It has ended.
    Stopped,
}

impl EngineState {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::HandsOff => "hands_off",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
        }
    }
}

impl fmt::Display for EngineState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
