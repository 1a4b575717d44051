//! What a million tasks cost: a claim, a page of a list, and memory.

mod support;

use mcs_core::executor::KindSpec;
use mcs_core::store::sqlite::Synchronous;
use support::{
    Arguments, Bar, Disk, Files, KIND, Outcome, Percentiles, Report, new_engine, note, open_store,
    resident_mb, stop, tasks,
};

#[path = "support/backlog.rs"]
mod backlog;
#[path = "support/pages.rs"]
mod pages;

/// Waiting tasks of the large file and of the small one.
const MANY: usize = 1_000_000;
const FEW: usize = 10_000;
/// Tasks in a claim.
const CLAIM: usize = 50;
/// Tasks in one submit.
const BATCH: usize = 1000;
/// Bytes of a payload.
const PAYLOAD: usize = 250;
/// How the benchmark starts itself again, to look at its memory.
const MEMORY: &str = "memory";

fn main() -> Outcome {
    let arguments = Arguments::read();
    let runtime = tokio::runtime::Runtime::new()?;
    if arguments.child.as_deref() == Some(MEMORY) {
        return runtime.block_on(fill(&arguments));
    }
    let mut report = Report::new("scale", arguments.quick);
    let mut disk = Disk::new()?;
    if arguments.wants("claim") {
        runtime.block_on(claim(&arguments, &mut disk, &mut report))?;
    }
    if arguments.wants("pages") {
        runtime.block_on(list(&arguments, &mut disk, &mut report))?;
    }
    if arguments.wants("memory") {
        memory(&arguments, &mut report)?;
    }
    report.end(&disk);
    Ok(())
}

/// Claims of fifty, in turns from a file where many wait and from one where few do. In NORMAL, since a sync is as slow on
/// both and would hide the difference.
async fn claim(arguments: &Arguments, disk: &mut Disk, report: &mut Report) -> Outcome {
    let directory = arguments.directory()?;
    disk.sample(directory.path())?;
    let files = Files::new(directory.path());
    let many = arguments.pick(MANY, FEW * 2);
    let few = open_store(&files.bare, Synchronous::Normal)?;
    let large = open_store(&files.ours, Synchronous::Normal)?;
    backlog::fill(&*few, FEW).await?;
    backlog::fill(&*large, many).await?;
    let (mut few_times, mut large_times) = (Percentiles::new()?, Percentiles::new()?);
    let mut pairs = Vec::new();
    // A file keeps a twentieth of its ready tasks at the least, so that it never runs dry.
    for _ in 0..FEW / 2 / CLAIM - 5 {
        let one = backlog::claim(&*few, CLAIM).await?;
        let other = backlog::claim(&*large, CLAIM).await?;
        few_times.record(one);
        large_times.record(other);
        pairs.push((support::micros(one), support::micros(other)));
    }
    let what = format!("claim: {CLAIM} of {many} waiting, against {FEW} (bare is the latter)");
    report.against(&what, "us", &pairs, &Bar::Times(1.5));
    note(format!(
        "p99 {:.0} us of {FEW}, {:.0} us of {many}; half of the waiting are scheduled or held",
        few_times.p99(),
        large_times.p99()
    ));
    Ok(())
}

/// Pages of fifty, with each filter alone and with each status beside it.
async fn list(arguments: &Arguments, disk: &mut Disk, report: &mut Report) -> Outcome {
    let directory = arguments.directory()?;
    disk.sample(directory.path())?;
    let path = directory.path().join("pages.db");
    let store = open_store(&path, Synchronous::Normal)?;
    let many = arguments.pick(MANY, FEW);
    let dataset = pages::Dataset::fill(&*store, many).await?;
    let rounds = arguments.pick(200, 5);
    for (name, filters) in dataset.filters() {
        let mut worst: Option<(f64, String)> = None;
        let mut all = Percentiles::new()?;
        for filter in &filters {
            let times = dataset.read(&*store, filter, rounds).await?;
            all.add(&times)?;
            if worst.as_ref().is_none_or(|(p99, _)| times.p99() > *p99) {
                worst = Some((times.p99(), pages::name(filter)));
            }
        }
        let (p99, which) = worst.unwrap_or_default();
        let what = format!(
            "pages: 50 of {many} by {name}, worst p99 of {} filters",
            filters.len()
        );
        report.alone(&what, "us", p99, &Bar::AtMost(10_000.0, String::new()));
        note(format!(
            "p50 of all {:.0} us; the worst is {which}",
            all.p50()
        ));
    }
    Ok(())
}

/// Memory of a process that stored a million tasks through an engine.
fn memory(arguments: &Arguments, report: &mut Report) -> Outcome {
    let resident: f64 = arguments.of_child(MEMORY)?.trim().parse()?;
    let many = arguments.pick(MANY, FEW);
    let what = format!("memory: of an engine that stored {many} tasks");
    report.alone(&what, "MB", resident, &Bar::AtMost(100.0, String::new()));
    Ok(())
}

/// The child: stores the tasks, prints its memory.
async fn fill(arguments: &Arguments) -> Outcome {
    let directory = arguments.directory()?;
    let path = directory.path().join("memory.db");
    let store = open_store(&path, Synchronous::Normal)?;
    let kind = KindSpec::new(KIND, "Is stored.");
    let engine = new_engine(&store).kind(kind).start().await?;
    for _ in 0..arguments.pick(MANY, FEW) / BATCH {
        engine.submit_many(tasks(BATCH, PAYLOAD)).await?;
    }
    println!("{:.1}", resident_mb(None)?);
    stop(engine, &store).await
}
