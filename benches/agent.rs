//! What a run of Claude Code costs beside the program itself: the time for each line it prints, on the whole way from the
//! pipe to the events in the store, and the memory of fifty runs side by side.

mod support;

use mcs_core::domain::{Cursor, EventKind, NewTask, Status, TaskId};
use mcs_core::engine::Engine;
use mcs_core::executor::claude_code::{ClaudeCode, Places};
use mcs_core::executor::settings::ClaudeCodeConfig;
use mcs_core::process::Spawner;
use mcs_core::provider::models::ModelTable;
use mcs_core::store::TaskStore;
use mcs_core::store::sqlite::{SqliteStore, Synchronous};
use mcs_core::workspace::Roots;
use serde_json::json;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::{
    Arguments, Bar, Disk, Outcome, Report, check, median, micros, new_engine, note, open_store,
    peak_mb, stop,
};

#[path = "support/claude.rs"]
mod claude;

use claude::Talk;

/// Lines of one run.
const LINES: usize = 10_000;
/// Runs side by side.
const RUNS: usize = 50;
/// Longest time of all of them.
const LONGEST: Duration = Duration::from_mins(5);
/// What a line may take of us, in microseconds.
const PER_LINE: f64 = 20.0;
/// What the process of the runs side by side may hold, in MB.
const MEMORY: f64 = 150.0;
/// How the benchmark starts itself again, to look at its memory.
const SIDE: &str = "side";
/// Batches of events that are read at once.
const PAGE: usize = 500;

fn main() -> Outcome {
    if claude::stood_in()? {
        return Ok(());
    }
    let arguments = Arguments::read();
    let runtime = tokio::runtime::Runtime::new()?;
    if arguments.child.as_deref() == Some(SIDE) {
        return runtime.block_on(side(&arguments));
    }
    let mut report = Report::new("agent", arguments.quick);
    let mut disk = Disk::new()?;
    for talk in [Talk::Usual, Talk::Messages] {
        if arguments.wants(talk.name()) {
            runtime.block_on(line(&arguments, talk, &mut disk, &mut report))?;
        }
    }
    if arguments.wants(SIDE) {
        memory(&arguments, &mut report)?;
    }
    report.end(&disk);
    Ok(())
}

/// One run at a time, in turns with a bare reader of the same child.
async fn line(arguments: &Arguments, talk: Talk, disk: &mut Disk, report: &mut Report) -> Outcome {
    let directory = arguments.directory()?;
    disk.sample(directory.path())?;
    let lines = arguments.pick(LINES, 200);
    let house = House::open(directory.path()).await?;
    let (mut bare, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..arguments.rounds(9) {
        let each = |time: Duration| micros(time) / f64_of(lines);
        bare.push(each(claude::bare(talk, lines)?));
        let start = Instant::now();
        house.run(talk, lines, 1).await?;
        ours.push(each(start.elapsed()));
    }
    house.close().await?;
    let more = bare
        .iter()
        .zip(&ours)
        .map(|(bare, ours)| ours - bare)
        .collect();
    let what = format!("{}: each of {lines} lines, over a bare reader", talk.name());
    let how = format!("bare {:.2}, ours {:.2}", median(bare), median(ours));
    report.alone(&what, "us", median(more), &Bar::AtMost(PER_LINE, how));
    Ok(())
}

/// What the child of the benchmark found out.
fn memory(arguments: &Arguments, report: &mut Report) -> Outcome {
    let told = arguments.of_child(SIDE)?;
    let (peak, spent) = told
        .trim()
        .split_once(' ')
        .ok_or("the child said something else")?;
    let (runs, lines) = size(arguments);
    let what = format!("{SIDE}: most memory while {runs} runs printed {lines} lines each");
    report.alone(
        &what,
        "MB",
        peak.parse()?,
        &Bar::AtMost(MEMORY, String::new()),
    );
    note(format!("no line was lost; all of it took {spent} s"));
    Ok(())
}

fn size(arguments: &Arguments) -> (usize, usize) {
    arguments.pick((RUNS, LINES), (3, 200))
}

/// The child: runs side by side, and fails unless each line arrived.
async fn side(arguments: &Arguments) -> Outcome {
    let directory = arguments.directory()?;
    let (runs, lines) = size(arguments);
    let house = House::open(directory.path()).await?;
    let start = Instant::now();
    let tasks = house.run(Talk::Messages, lines, runs).await?;
    let (spent, peak) = (start.elapsed(), peak_mb()?);
    house.all_arrived(&tasks, lines).await?;
    house.close().await?;
    println!("{peak:.1} {:.1}", spent.as_secs_f64());
    Ok(())
}

/// An engine that runs the stand-in.
struct House {
    engine: Engine,
    store: Arc<SqliteStore>,
    directory: String,
}

impl House {
    async fn open(directory: &Path) -> Outcome<Self> {
        let store = open_store(&directory.join("agent.db"), Synchronous::Full)?;
        let config = ClaudeCodeConfig {
            path: std::env::current_exe()?,
            ..ClaudeCodeConfig::default()
        };
        let places = Places {
            roots: Roots::new(vec![directory.to_owned()]),
            worktrees: directory.join("worktrees"),
            runs: directory.join("runs"),
        };
        let executor = ClaudeCode::new(
            config,
            places,
            Spawner::start()?,
            Arc::clone(&store) as _,
            ModelTable::builtin(),
        );
        let engine = new_engine(&store)
            .executor(executor)
            .default_concurrency(RUNS)
            .start()
            .await?;
        Ok(Self {
            engine,
            store,
            directory: directory
                .to_str()
                .ok_or("a path that is no text")?
                .to_owned(),
        })
    }

    /// Runs so many tasks side by side to their end.
    async fn run(&self, kind: Talk, lines: usize, runs: usize) -> Outcome<Vec<TaskId>> {
        let payload = json!({"prompt": kind.prompt(lines), "work_directory": self.directory});
        let task = NewTask::new(ClaudeCode::KIND, payload).max_attempts(1);
        let stored = self.engine.submit_many(vec![task; runs]).await?;
        let tasks: Vec<TaskId> = stored.iter().map(|inserted| inserted.id).collect();
        for id in &tasks {
            let task = self
                .engine
                .wait(*id, LONGEST)
                .await?
                .ok_or("a task is gone")?;
            check(task.status == Status::Completed, || {
                format!("{:?}: {:?}", task.status, task.error)
            })?;
        }
        Ok(tasks)
    }

    /// Fails unless each of these tasks has an event for each of its lines, in their order.
    async fn all_arrived(&self, tasks: &[TaskId], lines: usize) -> Outcome {
        let mut next: HashMap<TaskId, usize> = tasks.iter().map(|id| (*id, 1)).collect();
        let mut after = Cursor(0);
        loop {
            let batches = self.store.events(after, PAGE).await?;
            let Some(last) = batches.last() else {
                break;
            };
            after = Cursor(last.seq);
            for event in batches.iter().flat_map(|batch| &batch.events) {
                let text = event
                    .detail
                    .as_ref()
                    .and_then(|detail| detail["text"].as_str());
                let (EventKind::Output, Some(text)) = (event.kind, text) else {
                    continue;
                };
                let number = text
                    .split(' ')
                    .next()
                    .and_then(|number| number.parse().ok());
                let expected = next
                    .get_mut(&event.task)
                    .ok_or("an event of another task")?;
                check(number == Some(*expected), || {
                    format!("line {expected} is missing: {text}")
                })?;
                *expected += 1;
            }
        }
        let short = next.values().find(|next| **next != lines + 1);
        check(short.is_none(), || {
            format!("the lines end before {short:?}")
        })
    }

    async fn close(self) -> Outcome {
        stop(self.engine, &self.store).await
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "there are some thousands of lines"
)]
fn f64_of(count: usize) -> f64 {
    count as f64
}
