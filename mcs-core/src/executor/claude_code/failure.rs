use super::stream::{Run, shortened};
use crate::domain::{ErrorClass, Timestamp};
use crate::executor::ExecuteError;
use serde_json::{Value, json};
use std::time::Duration;

/// Most that details keep of each text, in bytes of JSON. Details that are too large would be dropped as a whole.
const DETAIL_BYTES: usize = 3 * 1024;
/// Most that a message says of the program's words, in bytes of JSON.
const SAID_BYTES: usize = 2 * 1024;
/// Longest time that a limit holds work back; what is said beyond it is not believed.
const LONGEST_HOLD: Duration = Duration::from_hours(7 * 24);
/// Exit codes from here on stand for signals, as shells count them.
const FIRST_SIGNAL_CODE: i32 = 128;
/// The number of the signal that nobody can refuse.
const KILL: i32 = 9;

/// How a run ended, beside what its lines said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Ending {
    /// The exit code, unless a signal ended it.
    pub(crate) code: Option<i32>,
    /// The signal that ended it.
    pub(crate) signal: Option<i32>,
    /// The end of what it wrote to stderr.
    pub(crate) stderr: String,
    pub(crate) duration_ms: u64,
}

impl Ending {
    /// Whether it was ended by force. Whoever is asked to end keeps in its session what it used.
    pub(crate) fn is_killed(&self) -> bool {
        self.killed_by() == Some(KILL)
    }

    /// The signal that ended it, also where the program turned it into an exit code.
    fn killed_by(&self) -> Option<i32> {
        let by_code = self.code.filter(|code| *code > FIRST_SIGNAL_CODE);
        self.signal.or(by_code.map(|code| code - FIRST_SIGNAL_CODE))
    }
}

/// Why a run came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Reason {
    MaxTurns,
    MaxBudget,
    Refusal,
    PromptTooLong,
    Authentication,
    Billing,
    Forbidden,
    NotFound,
    InvalidRequest,
    RateLimited,
    Overloaded,
    ApiError,
    UnknownSession,
    SessionInUse,
    RefusedToStart,
    StructuredOutputMissing,
    ToolsDenied,
    McpServerMissing,
    Interrupted,
    Killed,
    ExecutionFailed,
    NoResult,
}

impl Reason {
    /// Why the run failed; `None` if its last result says that it went well, and it was not killed in a turn after that.
    pub(crate) fn of(run: &Run, ending: &Ending) -> Option<Self> {
        match run.last() {
            Some(report) if report.is_success => {
                (!run.is_idle() && ending.killed_by().is_some()).then_some(Self::Killed)
            }
            // It was ended because of this, so how it ended says nothing.
            _ if run.is_unauthorised() => Some(Self::Authentication),
            Some(_) => Some(Self::of_result(run)),
            None => Some(Self::without_result(run, ending)),
        }
    }

    fn of_result(run: &Run) -> Self {
        let Some(report) = run.last() else {
            return Self::NoResult;
        };
        let said = report.said();
        let terminal = report.terminal_reason.as_deref().unwrap_or_default();
        let stopped = report.stop_reason.as_deref().unwrap_or_default();
        match (report.subtype.as_str(), terminal) {
            ("error_max_turns", _) | (_, "max_turns") => return Self::MaxTurns,
            ("error_max_budget_usd", _) | (_, "budget_exhausted") => return Self::MaxBudget,
            ("error_max_structured_output_retries", _) => return Self::StructuredOutputMissing,
            (_, "blocking_limit") => return Self::PromptTooLong,
            _ if stopped == "refusal" => return Self::Refusal,
            _ if mentions(&said, "prompt is too long") => return Self::PromptTooLong,
            _ if mentions(&said, UNKNOWN_SESSION) => return Self::UnknownSession,
            _ => {}
        }
        if let Some(reason) = report.status.and_then(Self::of_status) {
            return reason;
        }
        match run.api_error().unwrap_or_default() {
            "authentication_failed" | "oauth_org_not_allowed" => Self::Authentication,
            "billing_error" => Self::Billing,
            "rate_limit" => Self::RateLimited,
            "overloaded" => Self::Overloaded,
            "invalid_request" => Self::InvalidRequest,
            "model_not_found" => Self::NotFound,
            "" if terminal.starts_with("aborted") => Self::Interrupted,
            "" if run.last_retry().is_none() => Self::ExecutionFailed,
            _ => Self::ApiError,
        }
    }

    const fn of_status(status: u16) -> Option<Self> {
        Some(match status {
            401 => Self::Authentication,
            402 => Self::Billing,
            403 => Self::Forbidden,
            404 => Self::NotFound,
            413 => Self::PromptTooLong,
            429 => Self::RateLimited,
            529 => Self::Overloaded,
            408 | 409 | 500.. => Self::ApiError,
            400..500 => Self::InvalidRequest,
            _ => return None,
        })
    }

    fn without_result(run: &Run, ending: &Ending) -> Self {
        let said = &ending.stderr;
        if ending.killed_by().is_some() {
            Self::Killed
        } else if mentions(said, UNKNOWN_SESSION) {
            Self::UnknownSession
        } else if mentions(said, "already in use") {
            Self::SessionInUse
        } else if mentions(said, "not logged in") || mentions(said, "invalid api key") {
            Self::Authentication
        } else if run.lines() == 0 && ending.code != Some(0) && !said.trim().is_empty() {
            Self::RefusedToStart
        } else {
            Self::NoResult
        }
    }

    /// The name in an error's details.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::MaxTurns => "max_turns",
            Self::MaxBudget => "max_budget",
            Self::Refusal => "refusal",
            Self::PromptTooLong => "prompt_too_long",
            Self::Authentication => "authentication",
            Self::Billing => "billing",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::InvalidRequest => "invalid_request",
            Self::RateLimited => "rate_limited",
            Self::Overloaded => "overloaded",
            Self::ApiError => "api_error",
            Self::UnknownSession => "unknown_session",
            Self::SessionInUse => "session_in_use",
            Self::RefusedToStart => "refused_to_start",
            Self::StructuredOutputMissing => "structured_output_missing",
            Self::ToolsDenied => "tools_denied",
            Self::McpServerMissing => "mcp_server_missing",
            Self::Interrupted => "interrupted",
            Self::Killed => "killed",
            Self::ExecutionFailed => "execution_failed",
            Self::NoResult => "no_result",
        }
    }

    /// What happens next.
    pub(crate) const fn class(self) -> ErrorClass {
        match self {
            Self::RateLimited | Self::Overloaded => ErrorClass::RateLimited,
            Self::ApiError
            | Self::SessionInUse
            | Self::McpServerMissing
            | Self::Interrupted
            | Self::Killed
            | Self::ExecutionFailed
            | Self::NoResult => ErrorClass::Transient,
            Self::MaxTurns
            | Self::MaxBudget
            | Self::Refusal
            | Self::PromptTooLong
            | Self::Authentication
            | Self::Billing
            | Self::Forbidden
            | Self::NotFound
            | Self::InvalidRequest
            | Self::UnknownSession
            | Self::RefusedToStart
            | Self::StructuredOutputMissing
            | Self::ToolsDenied => ErrorClass::Permanent,
        }
    }

    /// What happened, and what to do about it.
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::MaxTurns => (
                "used all of its turns",
                "raise max_turns, or continue the task",
            ),
            Self::MaxBudget => (
                "spent its budget",
                "raise max_budget_usd, or continue the task",
            ),
            Self::Refusal => (
                "refused to answer",
                "change the prompt or use another model",
            ),
            Self::PromptTooLong => (
                "was given more than the model reads",
                "shorten the prompt, or begin a new session",
            ),
            Self::Authentication => (
                "is not logged in, or its key is not valid",
                "run `claude` and its command /login as the user this process runs as, or hand on a valid \
                 ANTHROPIC_API_KEY",
            ),
            Self::Billing => ("cannot pay for the call", "look at the account's billing"),
            Self::Forbidden => ("may not make the call", "look at what the account may use"),
            Self::NotFound => (
                "did not find what it asked for",
                "look at the name of the model",
            ),
            Self::InvalidRequest => ("made a call that the API refused", "change the task"),
            Self::RateLimited => (
                "reached the limit of the account",
                "the task waits and is tried again",
            ),
            Self::Overloaded => (
                "found the API overloaded",
                "the task waits and is tried again",
            ),
            Self::ApiError => ("got no answer from the API", "the task is tried again"),
            Self::UnknownSession => ("does not know the session", "create a new task"),
            Self::SessionInUse => ("runs in the session already", "the task is tried again"),
            Self::RefusedToStart => ("did not start", "look at the task and the configuration"),
            Self::StructuredOutputMissing => (
                "gave no answer of the form that json_schema asks for",
                "make the schema or the prompt clearer",
            ),
            Self::ToolsDenied => (
                "was denied tools",
                "allow them by allowed_tools or another permission_mode, or set on_denied to warn",
            ),
            Self::McpServerMissing => (
                "could not reach its MCP servers",
                "look at mcp_servers, or set on_mcp_failure to warn",
            ),
            Self::Interrupted => ("was interrupted", "the task is tried again"),
            Self::Killed => ("was killed", "the task is tried again"),
            Self::ExecutionFailed => ("failed while it ran", "the task is tried again"),
            Self::NoResult => ("ended without a result", "the task is tried again"),
        }
    }

    /// The error of a run that failed for this reason. `now` is what an announced end of a limit is counted from.
    pub(crate) fn error(self, run: &Run, ending: &Ending, now: Timestamp) -> ExecuteError {
        let (what, remedy) = self.words();
        let said = self.said(run, ending);
        let colon = if said.is_empty() { "" } else { ": " };
        let message = format!("Claude Code {what}{colon}{said}; {remedy}");
        let mut error =
            ExecuteError::new(self.class(), message).with_details(self.details(run, ending));
        if error.class == ErrorClass::RateLimited {
            error.retry_after = delay(run, now);
        }
        error
    }

    /// The program's own words about it.
    fn said(self, run: &Run, ending: &Ending) -> String {
        let text = match self {
            Self::ToolsDenied => {
                let tools = run.denials().iter().map(|denial| denial.tool.as_str());
                tools.collect::<Vec<_>>().join(", ")
            }
            Self::McpServerMissing => {
                let servers = run.missing_servers();
                let servers = servers.map(|(name, state)| format!("{name} is {state}"));
                servers.collect::<Vec<_>>().join(", ")
            }
            Self::Killed => ending
                .killed_by()
                .map(|signal| format!("signal {signal}"))
                .unwrap_or_default(),
            Self::Authentication if run.last().is_none() => {
                let retry = run.last_retry().map(|retry| retry.error.clone());
                retry.unwrap_or_else(|| ending.stderr.clone())
            }
            _ => run
                .last()
                .map_or_else(|| ending.stderr.clone(), super::stream::Report::said),
        };
        shortened(text.trim(), SAID_BYTES)
    }

    fn details(self, run: &Run, ending: &Ending) -> Value {
        let mut details = json!({
            "name": self.as_str(),
            "exit_code": ending.code,
            "signal": ending.signal,
            "session_id": run.session_id(),
        });
        let mut add = |name: &str, value: Value| {
            if !value.is_null() {
                details[name] = value;
            }
        };
        if let Some(report) = run.last() {
            add("subtype", json!(report.subtype));
            add("stop_reason", json!(report.stop_reason));
            add("terminal_reason", json!(report.terminal_reason));
            add("turns", json!(report.turns));
            add("text", some_text(report.text.as_deref()));
        }
        let retry = run.last_retry();
        let status = run.last().and_then(|report| report.status);
        add(
            "status",
            json!(status.or(retry.and_then(|retry| retry.status))),
        );
        add("last_message", some_text(run.said()));
        add("stderr", some_text(Some(&ending.stderr)));
        details
    }
}

/// How the program says that it does not know a session.
const UNKNOWN_SESSION: &str = "no conversation found with session id";

/// Whether `text` has `words`, which are in lower case.
fn mentions(text: &str, words: &str) -> bool {
    // Where it matters the program's words are short; a long answer of the model is not one of them.
    let start = super::stream::cut(text, SAID_BYTES).0;
    start.to_ascii_lowercase().contains(words)
}

fn some_text(text: Option<&str>) -> Value {
    let text = text.map(str::trim).filter(|text| !text.is_empty());
    json!(text.map(|text| shortened(text, DETAIL_BYTES)))
}

/// How long the API or the account asked to wait.
fn delay(run: &Run, now: Timestamp) -> Option<Duration> {
    let retry = run.last_retry();
    let asked = retry.map(|retry| Duration::from_millis(retry.delay_ms));
    let until_reset = run.resets_at().map(|seconds| {
        let left = seconds.saturating_mul(1000).saturating_sub(now.as_millis());
        Duration::from_millis(u64::try_from(left).unwrap_or_default())
    });
    let longest = asked.max(until_reset)?;
    Some(longest.min(LONGEST_HOLD))
}
