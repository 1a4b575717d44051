use super::check::{MILLISECOND, Problem, check_range, check_time, check_variables};
use super::error::ConfigError;
use super::source::Section;
use super::value::Choice;
use crate::domain::{check_name, limits};
use crate::executor::settings::{ClaudeCodeConfig, PermissionMode, Policy, SandboxUse};

/// Most retries that the program is asked to make by itself.
const MOST_RETRIES: u32 = 100;
/// Most turns of a run.
const MOST_TURNS: u32 = 100_000;
/// Most that a run may cost, in US dollars.
const MOST_USD: f64 = 1e9;

impl Choice for PermissionMode {
    const ALL: &'static [(&'static str, Self)] = &[
        ("acceptEdits", Self::AcceptEdits),
        ("dontAsk", Self::DontAsk),
        ("bypassPermissions", Self::BypassPermissions),
        ("plan", Self::Plan),
        ("default", Self::Default),
        ("ask", Self::Ask),
    ];
}

impl Choice for Policy {
    const ALL: &'static [(&'static str, Self)] = &[("warn", Self::Warn), ("fail", Self::Fail)];
}

impl Choice for SandboxUse {
    const ALL: &'static [(&'static str, Self)] = &[
        ("off", Self::Off),
        ("auto", Self::Auto),
        ("required", Self::Required),
    ];
}

/// Takes over what the file and the environment say.
pub(super) fn read(
    config: &mut ClaudeCodeConfig,
    section: &Section<'_>,
) -> Result<(), ConfigError> {
    section.set("enabled", &mut config.enabled)?;
    section.set("path", &mut config.path)?;
    config.model = section.get("model")?;
    section.set("permission_mode", &mut config.permission_mode)?;
    config.max_turns = section.get("max_turns")?;
    config.max_budget_usd = section.get("max_budget_usd")?;
    section.set("timeout", &mut config.timeout)?;
    section.set("environment", &mut config.environment)?;
    section.set("sandbox", &mut config.sandbox)?;
    section.set("network", &mut config.network)?;
    section.set("question_limit", &mut config.question_limit)?;
    section.set("on_denied", &mut config.on_denied)?;
    section.set("on_mcp_failure", &mut config.on_mcp_failure)?;
    section.set("max_retries", &mut config.max_retries)
}

/// Refuses values that no run can have.
pub(super) fn check(config: &ClaudeCodeConfig) -> Result<(), Problem> {
    let key = |name: &str| format!("claude_code.{name}");
    if let Some(model) = &config.model {
        check_name("model", model).map_err(|error| Problem::new(key("model"), error.problem))?;
    }
    if let Some(turns) = config.max_turns {
        check_range(&key("max_turns"), turns, (1, MOST_TURNS))?;
    }
    if let Some(budget) = config.max_budget_usd
        && !(budget > 0.0 && budget <= MOST_USD)
    {
        let problem = format!("is {budget}; use more than 0 US dollars, or leave it out");
        return Err(Problem::new(key("max_budget_usd"), problem));
    }
    check_time(
        &key("timeout"),
        config.timeout,
        (MILLISECOND, limits::LONGEST),
    )?;
    let question_limit = config.question_limit;
    check_time(
        &key("question_limit"),
        question_limit,
        (MILLISECOND, limits::LONGEST),
    )?;
    check_range(&key("max_retries"), config.max_retries, (0, MOST_RETRIES))?;
    check_variables(&key("environment"), &config.environment)
}
