//! One run of the program, from its first line to the end of its whole tree.

use super::approvals::{Answered, Approvals};
use super::control::{self, Incoming, Request};
use super::failure::Ending;
use super::input::Input;
use super::stream::{Entry, Run, Step, cut, read};
use crate::domain::{LogLevel, limits};
use crate::executor::Context;
use crate::process::{Child, Exit, Ladder, Line, Lines, Signal};
use std::io;
use std::time::Duration;
use tokio::time::{Instant, sleep_until, timeout};

/// How long the program may take for the last result after it was interrupted. It has the cost.
const INTERRUPT: Duration = Duration::from_secs(5);
/// How long it may take to end after it was told to. It stores the session's cost and ends what it started.
const TERMINATE: Duration = Duration::from_secs(5);
/// How long killing and sweeping may take.
const KILL: Duration = Duration::from_secs(1);
/// How long all of it takes at most, with room for what is stored afterwards.
pub(super) const TIME_TO_END: Duration = Duration::from_secs(13);
/// How long the program may be silent after its last result, when nothing goes on in the background.
const IDLE: Duration = Duration::from_secs(30);
/// How long it may be silent after a result when something went on in the background: its end brings another turn, in which
/// the program has to hear what it is told.
const SETTLE: Duration = Duration::from_secs(2);
/// How long it may take to end by itself once it has closed its output.
const EXIT: Duration = Duration::from_secs(5);
/// How long what it left in the pipe may take to be read once its tree is gone.
const DRAIN: Duration = Duration::from_secs(5);
/// While it is being ended: how often to look whether there is less time than there was.
const LOOK: Duration = Duration::from_millis(100);
/// How often progress is told.
const PROGRESS_EVERY: Duration = Duration::from_millis(500);

/// A run that is over.
#[derive(Debug)]
pub(super) struct Over {
    pub(super) run: Run,
    pub(super) ending: Ending,
}

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    /// It works.
    Working,
    /// It said what may be its last result, and nothing goes on in the background any more.
    Settling(Instant),
    /// It said its last result and is about to end.
    Leaving(Instant),
    /// It was interrupted and is to say its last result.
    Interrupted(Instant),
    /// It was told to end.
    Terminated(Instant),
    /// All of it is gone but for what is left to read.
    Gone(Instant),
}

struct Conversation<'a> {
    context: &'a Context,
    child: Child,
    input: Input,
    approvals: Approvals<'a>,
    run: Run,
    phase: Phase,
    has_exited: bool,
    is_open: bool,
    told_at: Option<Instant>,
}

/// Says `prompt` to the program and follows it to its end, which comes early where the attempt shall end.
pub(super) async fn follow<'a>(
    mut child: Child,
    prompt: &str,
    approvals: Approvals<'a>,
    context: &'a Context,
) -> Over {
    let began = Instant::now();
    let mut input = Input::new(child.take_stdin());
    // There is room: these are its first lines.
    let _ = input.say(control::request("initialize", Request::Initialize));
    let _ = input.say(control::user_message(prompt));
    let lines = child.take_lines();
    let mut conversation = Conversation {
        context,
        child,
        input,
        approvals,
        run: Run::default(),
        phase: Phase::Working,
        has_exited: false,
        is_open: lines.is_some(),
        told_at: None,
    };
    if let Some(lines) = lines {
        conversation.go_on(lines).await;
    }
    let exit = conversation.end().await;
    let Conversation { child, run, .. } = conversation;
    let spent = began.elapsed();
    let ending = Ending {
        code: exit.code,
        signal: exit.signal,
        stderr: child.stderr_tail(),
        duration_ms: u64::try_from(spent.as_millis()).unwrap_or(u64::MAX),
    };
    Over { run, ending }
}

impl Conversation<'_> {
    /// Until the end of the output.
    async fn go_on(&mut self, mut lines: Lines) {
        while self.is_open {
            let alarm = self.alarm();
            let is_ending = self.is_ending();
            tokio::select! {
                biased;
                () = self.context.cancelled(), if !is_ending => self.interrupt(),
                () = sleep_until(alarm.unwrap_or_else(Instant::now)), if alarm.is_some() => {
                    self.next_phase().await;
                }
                // Before the lines, or a program that never stops to write would never be told anything.
                () = self.input.write(), if self.input.has_work() => {}
                answered = self.approvals.next(), if self.approvals.is_waiting() => {
                    self.answer(answered).await;
                }
                line = lines.next() => self.take(line).await,
                _ = self.child.wait(), if !self.has_exited => self.exited().await,
            }
        }
    }

    async fn take(&mut self, line: io::Result<Option<Line>>) {
        let line = match line {
            Ok(Some(line)) => line,
            Ok(None) => {
                self.is_open = false;
                return;
            }
            Err(error) => {
                self.is_open = false;
                self.warn(&format!("the output could not be read to its end: {error}"))
                    .await;
                return;
            }
        };
        let event = read(&line.bytes);
        if event.is_worth_keeping() {
            let text = String::from_utf8_lossy(&line.bytes);
            let (text, _) = cut(&text, limits::LOG_LINE_BYTES);
            self.context.log(LogLevel::Debug, text).await;
        }
        match self.run.fold(event) {
            Step::Quiet => {}
            Step::Entries(entries) => {
                for entry in entries {
                    self.tell(entry).await;
                }
            }
            Step::Delta(text) => self.context.delta(text),
            Step::Control(incoming) => self.control(incoming).await,
        }
        self.after_line();
    }

    /// What a line changes about where the run stands.
    fn after_line(&mut self) {
        let is_done = self.run.is_idle() && self.run.in_background() == 0;
        match self.phase {
            Phase::Working if self.run.is_unauthorised() => self.terminate(),
            Phase::Working | Phase::Settling(_) | Phase::Leaving(_)
                if is_done && !self.approvals.has_open() =>
            {
                if self.run.had_background() && !matches!(self.phase, Phase::Leaving(_)) {
                    self.phase = Phase::Settling(Instant::now() + SETTLE);
                } else {
                    self.leave();
                }
            }
            // Something in the background brought another turn.
            Phase::Settling(_) | Phase::Leaving(_) => self.phase = Phase::Working,
            Phase::Interrupted(_) if self.run.is_idle() => self.input.close(),
            _ => {}
        }
    }

    async fn control(&mut self, incoming: Incoming) {
        let lines = match incoming {
            Incoming::Tool(request) => {
                self.progress(&format!("asks to use {}", request.tool));
                self.approvals.request(request)
            }
            Incoming::Cancel { request_id } => {
                self.approvals.cancel(&request_id);
                Vec::new()
            }
            Incoming::Other {
                request_id,
                subtype,
            } => vec![control::unsupported(&request_id, &subtype)],
            Incoming::Response {
                request_id,
                error: Some(error),
            } => {
                self.warn(&format!(
                    "Claude Code refused the request `{request_id}`: {error}"
                ))
                .await;
                Vec::new()
            }
            Incoming::Response { error: None, .. } => Vec::new(),
        };
        self.say(lines).await;
    }

    async fn answer(&mut self, answered: Option<Answered>) {
        let Some(answered) = answered else {
            return;
        };
        let lines = self.approvals.answered(answered).await;
        self.say(lines).await;
        self.after_line();
    }

    async fn say(&mut self, lines: Vec<String>) {
        for line in lines {
            if !self.input.say(line) && !self.is_ending() {
                self.warn("Claude Code does not read the answers to its requests and was ended")
                    .await;
                self.terminate();
                return;
            }
        }
    }

    async fn tell(&mut self, entry: Entry) {
        match &entry {
            Entry::Warning { message } => {
                self.context.log(LogLevel::Warn, message.clone()).await;
            }
            Entry::ToolCall { name, .. } => {
                let doing = format!("uses {name}");
                self.progress(&doing);
            }
            Entry::Message { .. } => self.progress("answers"),
            Entry::Thinking { .. } => self.progress("thinks"),
            Entry::Retry { error, .. } => {
                let doing = format!("asks the API again after a failure: {error}");
                self.progress(&doing);
            }
            Entry::ToolResult { .. } | Entry::Cost { .. } => {}
        }
        self.context.output(entry.to_json()).await;
    }

    async fn warn(&mut self, message: &str) {
        let entry = self.run.warn(message);
        self.tell(entry).await;
    }

    fn progress(&mut self, doing: &str) {
        let now = Instant::now();
        // It shares a bounded channel with the deltas and must not crowd them out.
        if self
            .told_at
            .is_none_or(|at| now.duration_since(at) >= PROGRESS_EVERY)
        {
            self.told_at = Some(now);
            self.context.progress(None, format!("Claude Code {doing}"));
        }
    }

    fn is_ending(&self) -> bool {
        matches!(
            self.phase,
            Phase::Interrupted(_) | Phase::Terminated(_) | Phase::Gone(_)
        )
    }

    /// When the phase is to be looked at.
    fn alarm(&self) -> Option<Instant> {
        match self.phase {
            Phase::Working => None,
            Phase::Settling(until) | Phase::Leaving(until) | Phase::Gone(until) => Some(until),
            Phase::Interrupted(until) | Phase::Terminated(until) => {
                Some(until.min(Instant::now() + LOOK))
            }
        }
    }

    /// Nothing more is to come.
    fn leave(&mut self) {
        self.input.close();
        self.phase = Phase::Leaving(Instant::now() + IDLE);
    }

    /// The attempt shall end: the program is asked for its last result.
    fn interrupt(&mut self) {
        self.approvals.give_up();
        if self.run.session_id().is_none() {
            // It has not begun, so it has nothing to tell and would not hear of it until it has.
            self.terminate();
            return;
        }
        if self.run.is_idle() {
            self.input.close();
        } else {
            // Where it cannot be said, the next step comes after its time all the same.
            let _ = self
                .input
                .say(control::request("interrupt", Request::Interrupt));
        }
        self.phase = Phase::Interrupted(Instant::now() + self.share(INTERRUPT, 2));
    }

    fn terminate(&mut self) {
        self.approvals.give_up();
        self.input.close();
        self.child.signal(Signal::Terminate);
        self.phase = Phase::Terminated(Instant::now() + self.share(TERMINATE, 1));
    }

    /// The part of the time that is left which a step may take when `steps` come until the end is by force.
    fn share(&self, whole: Duration, steps: u32) -> Duration {
        let left = self.context.time_left();
        let for_steps = left.saturating_sub(KILL.min(left / 4));
        whole.min(for_steps / steps)
    }

    async fn next_phase(&mut self) {
        let now = Instant::now();
        match self.phase {
            Phase::Working => {}
            Phase::Settling(_) => self.leave(),
            Phase::Leaving(_) => self.terminate(),
            Phase::Interrupted(until) => {
                let until = until.min(now + self.share(INTERRUPT, 2));
                self.phase = Phase::Interrupted(until);
                if until <= now {
                    self.terminate();
                }
            }
            Phase::Terminated(until) => {
                let until = until.min(now + self.share(TERMINATE, 1));
                self.phase = Phase::Terminated(until);
                if until <= now {
                    self.exited().await;
                }
            }
            Phase::Gone(_) => self.is_open = false,
        }
    }

    /// The program has ended, or is made to: what it left is ended too, which also closes the output.
    async fn exited(&mut self) {
        self.has_exited = true;
        let was_ending = self.is_ending();
        let swept = self.child.end().await;
        if !was_ending && swept.ended > 0 {
            let left = format!("{} processes that it left behind were ended", swept.ended);
            self.warn(&left).await;
        }
        self.phase = Phase::Gone(Instant::now() + DRAIN);
    }

    /// Nothing more is to be read: waits for the end of the program, or brings it about.
    async fn end(&mut self) -> Exit {
        self.approvals.give_up();
        self.input.close();
        if !self.has_exited {
            let patience = EXIT.min(self.context.time_left() / 2);
            let left_alone = async {
                while self.input.has_work() {
                    self.input.write().await;
                }
                self.child.wait().await
            };
            if timeout(patience, left_alone).await.is_err() {
                let ladder = Ladder::terminate(self.share(TERMINATE, 1));
                self.child.stop(&ladder).await;
            }
            self.exited().await;
        }
        self.child.wait().await
    }
}
