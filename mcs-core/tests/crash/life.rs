//! A process that is going to be killed, and what it said until then.

use async_trait::async_trait;
use mcs_core::domain::{EventKind, NewTask, Task, TaskId, TaskResult};
use mcs_core::engine::{Engine, EngineEvent};
use mcs_core::executor::{Context, ExecuteError, Executor, KindSpec, Outcome};
use mcs_core::store::sqlite::{SqliteOptions, SqliteStore};
use serde_json::json;
use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Callers that submit at a time.
const CALLERS: u32 = 4;
/// Tasks that each of them submits at most, so that the last engine has something left but not for long.
const EACH: u32 = 60;

/// What one or several processes said, in order.
#[derive(Debug, Default)]
pub(crate) struct Lives(Vec<(Word, TaskId)>);

/// What a process says of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    /// Its submitter was told that it is stored.
    Stored,
    /// Its executor was called.
    Ran,
    /// Its completion was told to subscribers.
    Completed,
}

impl Lives {
    /// Everything that a process says until its end. Half of a line at the end was not said.
    pub(crate) fn listen(output: impl Read) -> Self {
        let mut output = BufReader::new(output);
        let (mut line, mut said) = (String::new(), Vec::new());
        while output.read_line(&mut line).unwrap_or(0) > 0 && line.ends_with('\n') {
            said.extend(Word::parse(line.trim_end()));
            line.clear();
        }
        Self(said)
    }

    pub(crate) fn extend(&mut self, later: Self) {
        self.0.extend(later.0);
    }

    /// The tasks of which `word` was said.
    pub(crate) fn of(&self, word: Word) -> HashSet<TaskId> {
        let said = self.0.iter().filter(|(said, _)| *said == word);
        said.map(|(_, id)| *id).collect()
    }

    /// A task that was told to have completed never runs again. For processes of which one started after the other.
    pub(crate) fn check_order(&self) {
        let mut completed = HashSet::new();
        for (word, id) in &self.0 {
            match word {
                Word::Completed => drop(completed.insert(*id)),
                Word::Ran => assert!(!completed.contains(id), "{id} ran after it had completed"),
                Word::Stored => {}
            }
        }
    }
}

impl Word {
    const ALL: [(Self, &str); 3] = [
        (Self::Stored, "stored"),
        (Self::Ran, "ran"),
        (Self::Completed, "completed"),
    ];

    fn say(self, id: TaskId) {
        let text = Self::ALL
            .iter()
            .find(|(word, _)| *word == self)
            .map(|(_, text)| text);
        // One write, which a kill cannot cut, past the capture of the test harness.
        let line = format!("{} {id}\n", text.expect("every word has a text"));
        std::io::stdout()
            .lock()
            .write_all(line.as_bytes())
            .expect("somebody listens");
    }

    fn parse(line: &str) -> Option<(Self, TaskId)> {
        // The first line stands behind what the test harness says of the test that it begins.
        let mut words = line.rsplit(' ');
        let (id, text) = (words.next()?, words.next()?);
        let (word, _) = Self::ALL.iter().find(|(_, known)| *known == text)?;
        Some((*word, id.parse().ok()?))
    }
}

/// Takes a few milliseconds and never fails.
#[derive(Debug)]
struct Work {
    speaks: bool,
}

#[async_trait]
impl Executor for Work {
    fn kind(&self) -> KindSpec {
        KindSpec::new("work", "Takes a few milliseconds.")
    }

    async fn execute(&self, task: &Task, _: &Context) -> Result<Outcome, ExecuteError> {
        if self.speaks {
            Word::Ran.say(task.id);
        }
        tokio::time::sleep(Duration::from_millis(fastrand::u64(0..8))).await;
        Ok(Outcome::Done(TaskResult::text(task.id.to_string())))
    }
}

/// An engine on `path` that knows a dead process at once and calls nobody dead for being slow.
pub(crate) async fn engine(path: &Path, speaks: bool) -> Engine {
    let store = SqliteStore::open(&SqliteOptions::new(path)).unwrap();
    Engine::builder(Arc::new(store))
        .executor(Work { speaks })
        .heartbeat(Duration::from_millis(100))
        .start()
        .await
        .unwrap()
}

/// Submits and runs tasks until it is killed.
pub(crate) fn live(path: &Path) {
    // Whatever goes wrong in a task of the runtime ends the process, which its parent sees.
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        report(panic);
        std::process::exit(1);
    }));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let engine = engine(path, true).await;
        for caller in 0..CALLERS {
            tokio::spawn(submit(engine.clone(), caller));
        }
        let mut events = engine.subscribe();
        while let Ok(event) = events.recv().await {
            let EngineEvent::Batch(batch) = event else {
                continue;
            };
            for event in &batch.events {
                if event.kind == EventKind::Completed {
                    Word::Completed.say(event.task);
                }
            }
        }
    });
}

/// Submits one task a call, and now and then several.
async fn submit(engine: Engine, caller: u32) {
    let task = |number: u32| NewTask::new("work", json!({"caller": caller, "number": number}));
    let mut number = 0;
    while number < EACH {
        let many = if fastrand::u8(..8) == 0 { 10 } else { 1 };
        let tasks = (number..number + many).map(task).collect();
        for inserted in engine.submit_many(tasks).await.unwrap() {
            Word::Stored.say(inserted.id);
        }
        number += many;
    }
}
