//! How soon a task runs: from the submit until its executor is entered, on an engine with nothing else to do.

mod support;

use async_trait::async_trait;
use mcs_core::domain::{Task, TaskResult};
use mcs_core::executor::{Context, ExecuteError, Executor, KindSpec, Outcome as Ended};
use mcs_core::store::sqlite::Synchronous;
use std::time::{Duration, Instant};
use support::{
    Arguments, Bar, Disk, Files, KIND, Outcome, Percentiles, Report, full_or_normal, new_engine,
    note, open_store, stop, task,
};
use tokio::sync::mpsc;

/// Time between two tasks, in which the engine settles the one and comes to rest.
const PAUSE: Duration = Duration::from_millis(20);
/// Bytes of a payload.
const PAYLOAD: usize = 250;
/// Tasks between two looks at the disk.
const SAMPLE_EVERY: usize = 100;

/// Tells when it is entered.
#[derive(Debug)]
struct Stopwatch(mpsc::Sender<Instant>);

#[async_trait]
impl Executor for Stopwatch {
    fn kind(&self) -> KindSpec {
        KindSpec::new(KIND, "Tells when it is entered.")
    }

    async fn execute(&self, _: &Task, _: &Context) -> Result<Ended, ExecuteError> {
        let entered = Instant::now();
        let told = self.0.send(entered).await;
        told.map_err(|_| ExecuteError::permanent("nobody takes the time"))?;
        Ok(Ended::Done(TaskResult::text("done")))
    }
}

#[tokio::main]
async fn main() -> Outcome {
    let arguments = Arguments::read();
    let directory = arguments.directory()?;
    let mut report = Report::new("latency", arguments.quick);
    let mut disk = Disk::new()?;
    for synchronous in [Synchronous::Full, Synchronous::Normal] {
        let level = full_or_normal(synchronous);
        if !arguments.wants(level) {
            continue;
        }
        let mut times = Percentiles::new()?;
        let mut beside = Disk::new()?;
        let files = Files::new(directory.path());
        let store = open_store(&files.ours, synchronous)?;
        let (sender, mut entered) = mpsc::channel(1);
        let engine = new_engine(&store)
            .executor(Stopwatch(sender))
            .start()
            .await?;
        for number in 0..arguments.pick(600, 20) {
            if number % SAMPLE_EVERY == 0 {
                disk.sample(directory.path())?;
            }
            // A disk that was left alone for a while takes longer than one that is kept busy, and here it always was.
            tokio::time::sleep(PAUSE).await;
            beside.sample_once(directory.path())?;
            tokio::time::sleep(PAUSE).await;
            let start = Instant::now();
            engine.submit(task(PAYLOAD)).await?;
            let at = entered.recv().await.ok_or("the engine ended")?;
            times.record(at.saturating_duration_since(start));
        }
        stop(engine, &store).await?;
        for (name, percent, spare) in [("p50", 50.0, 400.0), ("p99", 99.0, 3000.0)] {
            let bar = Bar::AtMost(
                2.0f64.mul_add(beside.p50(), spare),
                format!("{} ms + 2 sync", spare / 1000.0),
            );
            let what = format!("{level}: submit to executor entered, {name}");
            report.alone(&what, "us", times.at(percent), &bar);
        }
        note(format!(
            "sync p50 beside it {:.0} us, one after each pause of 20 ms; p99 {:.0} us",
            beside.p50(),
            beside.p99()
        ));
    }
    report.end(&disk);
    Ok(())
}
