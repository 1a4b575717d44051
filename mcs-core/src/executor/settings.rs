//! How executors that start programs are set up. They are plain data, so that a configuration reads the same in a build
//! without these executors.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

/// What Claude Code may do without asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PermissionMode {
    /// Files may be edited.
    AcceptEdits,
    /// What is not allowed is denied.
    DontAsk,
    /// Everything.
    BypassPermissions,
    /// Nothing is changed; a plan is made.
    Plan,
    /// As the program itself decides.
    Default,
    /// As `Default`, and a human decides where it would ask.
    Ask,
}

impl PermissionMode {
    /// Every mode.
    pub const ALL: [Self; 6] = [
        Self::AcceptEdits,
        Self::DontAsk,
        Self::BypassPermissions,
        Self::Plan,
        Self::Default,
        Self::Ask,
    ];

    /// The name in a payload.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AcceptEdits => "acceptEdits",
            Self::DontAsk => "dontAsk",
            Self::BypassPermissions => "bypassPermissions",
            Self::Plan => "plan",
            Self::Default => "default",
            Self::Ask => "ask",
        }
    }

    /// The name that the program knows.
    pub const fn flag(self) -> &'static str {
        match self {
            Self::Ask => Self::Default.as_str(),
            other => other.as_str(),
        }
    }
}

/// What is done about something that went wrong and did not end the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// The result says so.
    Warn,
    /// The task fails.
    Fail,
}

/// Whether a run is put into a sandbox, the strictest last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SandboxUse {
    /// No.
    Off,
    /// Where there is one.
    Auto,
    /// Yes, or it does not run.
    Required,
}

/// Whether and how tasks of the kind `command` are run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandConfig {
    /// Whether there is the kind at all.
    pub enabled: bool,
    /// The programs that may be run: names that are looked for on `PATH`, and paths. Any program if there are none.
    pub programs: Vec<String>,
    /// Variables of the environment that are handed on beside the usual ones. A `*` at the end of a name stands for any
    /// end.
    pub environment: Vec<String>,
    /// Whether a command runs in a sandbox.
    pub sandbox: SandboxUse,
    /// Whether a sandbox has the network.
    pub network: bool,
    /// What a command in a sandbox may write beside its directory. What is not there is left out.
    pub writable: Vec<PathBuf>,
    /// How much of its output a result has, in bytes. What is longer is in a file as a whole.
    pub output_bytes: usize,
    /// What a command may use of the machine.
    pub limits: CommandLimits,
}

/// What a command, and each process that comes from it, may use of the machine. Nothing is limited unless it says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CommandLimits {
    /// Address space, in bytes.
    pub memory_bytes: Option<u64>,
    /// Time on a processor, in seconds.
    pub cpu_seconds: Option<u64>,
    /// Files that are open at a time.
    pub open_files: Option<u64>,
    /// Processes of the same user at a time, those of others included. Root is not bound by it.
    pub processes: Option<u64>,
    /// The largest file that is written, in bytes.
    pub file_bytes: Option<u64>,
}

impl Default for CommandConfig {
    fn default() -> Self {
        Self {
            enabled: false,
            programs: Vec::new(),
            environment: Vec::new(),
            sandbox: SandboxUse::Off,
            network: true,
            writable: Vec::new(),
            output_bytes: 1024 * 1024,
            limits: CommandLimits::default(),
        }
    }
}

/// How tasks of the kind `claude_code` are run. What a task says itself wins, but for the budget, where the smaller one
/// does, and the sandbox, where the stricter one does.
#[derive(Debug, Clone, PartialEq)]
pub struct ClaudeCodeConfig {
    /// Whether there is the kind at all.
    pub enabled: bool,
    /// The program: a name that is looked for on `PATH`, or a path.
    pub path: PathBuf,
    /// The model of tasks that name none. `None` leaves it to the program.
    pub model: Option<String>,
    /// What tasks that do not say may do without asking.
    pub permission_mode: PermissionMode,
    /// Most turns of tasks that do not say.
    pub max_turns: Option<u32>,
    /// Most that a task may cost, in US dollars.
    pub max_budget_usd: Option<f64>,
    /// Longest time of one attempt, for tasks that do not say.
    pub timeout: Duration,
    /// Variables of the environment that are handed on beside those that the program itself needs. A `*` at the end of a
    /// name stands for any end.
    pub environment: Vec<String>,
    /// Whether it runs in a sandbox.
    pub sandbox: SandboxUse,
    /// Whether a sandbox has the network. Without it the program reaches no model.
    pub network: bool,
    /// How long a question waits for its answer before it is a denial.
    pub question_limit: Duration,
    /// What becomes of a task whose run was denied a tool.
    pub on_denied: Policy,
    /// What becomes of a task whose run had no connection to one of its MCP servers.
    pub on_mcp_failure: Policy,
    /// How often the program itself tries a failed call of the API again.
    pub max_retries: u32,
}

impl Default for ClaudeCodeConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            path: "claude".into(),
            model: None,
            permission_mode: PermissionMode::AcceptEdits,
            max_turns: None,
            max_budget_usd: None,
            timeout: Duration::from_hours(1),
            environment: Vec::new(),
            sandbox: SandboxUse::Off,
            network: true,
            question_limit: Duration::from_hours(24),
            on_denied: Policy::Warn,
            on_mcp_failure: Policy::Warn,
            max_retries: 2,
        }
    }
}
