use super::lines::{Denial, Init, Retry};
use super::meter::Meter;
#[cfg(test)]
use super::read;
use super::report::DENIALS;
use super::{Entry, Event, Report};
use crate::executor::claude_code::control::Incoming;
use crate::executor::claude_code::usage::{ModelUsage, Totals};
use std::collections::BTreeMap;

/// Most warnings of a run that are kept.
const WARNINGS: usize = 100;
/// The states of an MCP server that is there, or may yet be, or is not wanted.
const SERVER_IS_FINE: [&str; 3] = ["connected", "pending", "disabled"];

/// What the lines of a run say when they are taken together.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Run {
    session_id: Option<String>,
    model: Option<String>,
    mcp_servers: BTreeMap<String, String>,
    lines: u64,
    results: u64,
    last: Option<Box<Report>>,
    /// What the session had used when the process began in it.
    carried: Option<Totals>,
    /// Whether nothing went on since the last result.
    at_rest: bool,
    in_background: usize,
    had_background: bool,
    denials: Vec<Denial>,
    retry: Option<Retry>,
    api_error: Option<String>,
    resets_at: Option<i64>,
    meter: Meter,
    warnings: Vec<String>,
    unwarned: u64,
    said: Option<String>,
}

/// What is to be done about one line.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Step {
    /// Nothing.
    Quiet,
    /// These belong to the task's events.
    Entries(Vec<Entry>),
    /// More of an answer for whoever listens.
    Delta(String),
    /// The control protocol wants something, or answers.
    Control(Incoming),
}

impl Run {
    /// Reads a line and takes it in.
    #[cfg(test)]
    pub(crate) fn line(&mut self, line: &[u8]) -> Step {
        self.fold(read(line))
    }

    /// Takes in what a line said.
    pub(crate) fn fold(&mut self, event: Event) -> Step {
        if event == Event::Blank {
            return Step::Quiet;
        }
        self.lines += 1;
        let entries = match event {
            Event::Delta(text) => return Step::Delta(text),
            Event::Control(incoming) => return Step::Control(incoming),
            Event::Metered(metered) => {
                self.meter.count(metered);
                Vec::new()
            }
            Event::Init(init) => self.init(init),
            Event::Assistant { entries, error } => self.assistant(entries, error),
            Event::User(entries) => {
                self.at_rest = false;
                entries
            }
            Event::Retry(retry) => self.retry(retry),
            Event::Denied(denial) => self.denied(denial).into_iter().collect(),
            Event::Background(tasks) => {
                self.in_background = tasks;
                self.had_background |= tasks > 0;
                Vec::new()
            }
            Event::RateLimit {
                rejected,
                resets_at,
            } => {
                self.resets_at = resets_at.filter(|_| rejected);
                Vec::new()
            }
            Event::Result(report) => self.result(report),
            Event::NotJson(text) => self.not_json(&text).into_iter().collect(),
            Event::Replay | Event::Partial | Event::Other { .. } | Event::Blank => Vec::new(),
        };
        if entries.is_empty() {
            Step::Quiet
        } else {
            Step::Entries(entries)
        }
    }

    fn init(&mut self, init: Init) -> Vec<Entry> {
        self.at_rest = false;
        self.session_id = init.session_id.or(self.session_id.take());
        self.model = init.model.or(self.model.take());
        let mut entries = Vec::new();
        for (name, state) in init.mcp_servers {
            let is_news = self.mcp_servers.get(&name) != Some(&state);
            if is_news && !is_fine(&state) {
                entries.push(self.warn(&format!("the MCP server `{name}` is not there: {state}")));
            }
            self.mcp_servers.insert(name, state);
        }
        entries
    }

    fn assistant(&mut self, entries: Vec<Entry>, error: Option<String>) -> Vec<Entry> {
        self.at_rest = false;
        if error.is_none() {
            // The API answers again, so what went before is no reason for how the run ends.
            self.retry = None;
        }
        self.api_error = error;
        let last = entries.iter().rev().find_map(|entry| match entry {
            Entry::Message {
                text, parent: None, ..
            } => Some(text),
            _ => None,
        });
        if let Some(text) = last {
            self.said = Some(text.clone());
        }
        entries
    }

    fn retry(&mut self, retry: Retry) -> Vec<Entry> {
        self.at_rest = false;
        let entry = Entry::Retry {
            error_status: retry.status,
            error: retry.error.clone(),
            attempt: retry.attempt,
            max_retries: retry.max_retries,
            delay_ms: retry.delay_ms,
        };
        self.retry = Some(retry);
        vec![entry]
    }

    fn denied(&mut self, denial: Denial) -> Option<Entry> {
        let is_known = self
            .denials
            .iter()
            .any(|known| known.tool_use_id == denial.tool_use_id);
        if is_known || self.denials.len() >= DENIALS {
            return None;
        }
        let why = denial.message.as_deref().unwrap_or("it was not permitted");
        let warning = format!("{} was denied: {why}", denial.tool);
        self.denials.push(denial);
        Some(self.warn(&warning))
    }

    fn result(&mut self, report: Box<Report>) -> Vec<Entry> {
        self.at_rest = true;
        self.results += 1;
        // Without a beginning the process may not have looked at what the session has.
        if let (1, Some(_), Some(since)) = (self.results, &self.model, &report.since) {
            self.carried = Some(report.totals.before(since));
        }
        self.meter.reset();
        self.session_id = report.session_id.clone().or(self.session_id.take());
        let mut entries: Vec<Entry> = Vec::new();
        for denial in &report.denials {
            entries.extend(self.denied(denial.clone()));
        }
        let sum = report.totals.sum();
        entries.push(Entry::Cost {
            cost_usd: sum.cost_usd,
            turns: report.turns,
            input_tokens: sum.input_tokens,
            cached_tokens: sum.cached_tokens,
            output_tokens: sum.output_tokens,
        });
        self.last = Some(report);
        entries
    }

    /// A program that writes something else for ever is told of for as long as warnings are kept, and is then counted.
    fn not_json(&mut self, text: &str) -> Option<Entry> {
        if self.warnings.len() >= WARNINGS {
            self.unwarned += 1;
            return None;
        }
        Some(self.warn(&format!("the program wrote a line that is no JSON: {text}")))
    }

    /// Keeps a warning for the result and makes its entry.
    pub(crate) fn warn(&mut self, message: &str) -> Entry {
        let entry = Entry::warning(message);
        if self.warnings.len() < WARNINGS {
            self.warnings.push(super::shortened(message, 1024));
        } else {
            self.unwarned += 1;
        }
        entry
    }

    /// The session that runs, as the program says.
    pub(crate) fn session_id(&self) -> Option<&str> {
        self.session_id.as_deref()
    }

    /// The model that answers.
    pub(crate) fn model(&self) -> Option<&str> {
        self.model.as_deref()
    }

    /// Lines so far, empty ones apart.
    pub(crate) const fn lines(&self) -> u64 {
        self.lines
    }

    /// Results so far.
    pub(crate) const fn results(&self) -> u64 {
        self.results
    }

    /// The last result.
    pub(crate) fn last(&self) -> Option<&Report> {
        self.last.as_deref()
    }

    /// What the session used up to its last result.
    pub(crate) fn totals(&self) -> Totals {
        self.last()
            .map(|report| report.totals.clone())
            .unwrap_or_default()
    }

    /// What the session had used when this process began in it, if the process says so.
    pub(crate) const fn carried(&self) -> Option<&Totals> {
        self.carried.as_ref()
    }

    /// Tokens by model that were used since the last result, as far as the stream tells. Of a process that was killed
    /// nothing else is known, and no later result will tell it: see `Base::forget`.
    pub(crate) fn unreported(&self) -> BTreeMap<String, ModelUsage> {
        self.meter.read()
    }

    /// Whether nothing went on since the last result. More may come all the same: give it a moment.
    pub(crate) const fn is_idle(&self) -> bool {
        self.at_rest
    }

    /// How many tasks the program says go on in the background; their end brings another turn.
    pub(crate) const fn in_background(&self) -> usize {
        self.in_background
    }

    /// Whether there ever was one.
    pub(crate) const fn had_background(&self) -> bool {
        self.had_background
    }

    /// Whether the API does not know who asks. The program would try again for minutes; end it.
    pub(crate) fn is_unauthorised(&self) -> bool {
        self.retry
            .as_ref()
            .is_some_and(|retry| retry.status == Some(401))
    }

    /// The last failure of the API that is not made up for by an answer since.
    pub(crate) const fn last_retry(&self) -> Option<&Retry> {
        self.retry.as_ref()
    }

    /// The kind of failure that the program spoke of last, such as `authentication_failed`.
    pub(crate) fn api_error(&self) -> Option<&str> {
        self.api_error.as_deref()
    }

    /// When the account's limit ends, in seconds since 1970, if it is reached.
    pub(crate) const fn resets_at(&self) -> Option<i64> {
        self.resets_at
    }

    /// MCP servers that are not there, with their states.
    pub(crate) fn missing_servers(&self) -> impl Iterator<Item = (&str, &str)> {
        let servers = self.mcp_servers.iter();
        servers
            .filter(|(_, state)| !is_fine(state))
            .map(|(name, state)| (name.as_str(), state.as_str()))
    }

    /// Tool calls that were not permitted.
    pub(crate) fn denials(&self) -> &[Denial] {
        &self.denials
    }

    /// What a reader should know of the run.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let mut warnings = self.warnings.clone();
        if self.unwarned > 0 {
            warnings.push(format!("{} more warnings were left out", self.unwarned));
        }
        warnings
    }

    /// What the model said last, as far as an entry keeps it.
    pub(crate) fn said(&self) -> Option<&str> {
        self.said.as_deref()
    }
}

fn is_fine(state: &str) -> bool {
    SERVER_IS_FINE.contains(&state)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_are_no_json_are_told_of_until_they_are_too_many() {
        let mut run = Run::default();
        let told = (0..1000).filter(|_| run.line(b"Segmentation fault") != Step::Quiet);
        assert_eq!(told.count(), WARNINGS);
        assert_eq!(run.line(b"[\"result\"]"), Step::Quiet);
        let warnings = run.warnings();
        assert_eq!(warnings.len(), WARNINGS + 1);
        assert_eq!(warnings[WARNINGS], "901 more warnings were left out");
        assert_eq!((run.lines(), run.results()), (1001, 0));
    }

    #[test]
    fn a_run_is_idle_until_something_goes_on() {
        let mut run = Run::default();
        let result: &[u8] = br#"{"is_error":false,"type":"result"}"#;
        for (line, is_idle) in [
            (result, true),
            (br#"{"type":"system","subtype":"task_notification"}"#, true),
            (br#"{"type":"system","subtype":"init"}"#, false),
            (result, true),
            (br#"{"type":"assistant","message":{}}"#, false),
            (result, true),
            (br#"{"type":"system","subtype":"api_retry"}"#, false),
        ] {
            run.line(line);
            assert_eq!(run.is_idle(), is_idle, "{}", String::from_utf8_lossy(line));
        }
        run.line(br#"{"type":"system","subtype":"background_tasks_changed","tasks":[{},{}]}"#);
        assert_eq!(run.in_background(), 2);
    }

    #[test]
    fn a_server_that_is_not_there_is_told_of_once() {
        let init =
            br#"{"type":"system","subtype":"init","mcp_servers":[{"name":"a","status":"failed"}]}"#;
        let mut run = Run::default();
        assert_ne!(run.line(init), Step::Quiet);
        assert_eq!(run.line(init), Step::Quiet);
        assert_eq!(run.missing_servers().collect::<Vec<_>>(), [("a", "failed")]);
        let there = br#"{"type":"system","subtype":"init","mcp_servers":[{"name":"a","status":"connected"}]}"#;
        run.line(there);
        assert_eq!(run.missing_servers().count(), 0);
    }
}
