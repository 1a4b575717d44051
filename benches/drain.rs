//! How fast waiting tasks are claimed, run and settled, with an executor that does nothing.

mod support;

use mcs_core::domain::Json;
use mcs_core::store::TaskStore;
use mcs_core::store::sqlite::Synchronous;
use std::time::{Duration, Instant};
use support::{
    Arguments, Bar, Bare, Disk, Files, NoOp, Outcome, Report, check, full_or_normal, new_engine,
    note, open_store, per_second, stop, tasks,
};

/// Tasks that run at once, and so those that are claimed but not settled.
const CONCURRENCY: usize = 100;
/// Tasks that the bare loop settles and claims in one transaction.
const BATCH: usize = 50;
/// Tasks in one call while the file is filled.
const FILL: usize = 1000;

/// One sort of work.
struct Work {
    name: &'static str,
    synchronous: Synchronous,
    payload: usize,
    tasks: usize,
    bar: Bar,
}

#[tokio::main]
async fn main() -> Outcome {
    let arguments = Arguments::read();
    let directory = arguments.directory()?;
    let mut report = Report::new("drain", arguments.quick);
    let mut disk = Disk::new()?;
    let work = |name, synchronous, payload, tasks: usize, least| Work {
        name,
        synchronous,
        payload,
        tasks: arguments.pick(tasks, tasks / 50),
        bar: Bar::Percent(least),
    };
    let works = [
        work("small", Synchronous::Full, 250, 50_000, 40.0),
        work("small", Synchronous::Normal, 250, 50_000, 40.0),
        work("large", Synchronous::Full, 32 * 1024, 5_000, 60.0),
        work("large", Synchronous::Normal, 32 * 1024, 5_000, 60.0),
    ];
    for work in works.iter().filter(|work| arguments.wants(work.name)) {
        let (mut pairs, mut commits) = (Vec::new(), Vec::new());
        for _ in 0..arguments.rounds(5) {
            disk.sample(directory.path())?;
            let files = Files::new(directory.path());
            let bare = per_second(work.tasks, bare(&files, work).await?);
            let ours = per_second(work.tasks, ours(&files, work).await?);
            pairs.push((bare, ours));
            files.compare()?;
            commits.push(files.commits()?);
        }
        let what = format!(
            "{}: {} tasks of {} bytes, {CONCURRENCY} at a time, {}",
            work.name,
            work.tasks,
            work.payload,
            full_or_normal(work.synchronous)
        );
        report.against(&what, "tasks/s", &pairs, &work.bar);
        let median =
            |each: fn(&(f64, f64)) -> f64| support::median(commits.iter().map(each).collect());
        note(format!(
            "commits, filling the file included: bare {:.0}, ours {:.0}",
            median(|(bare, _)| *bare),
            median(|(_, ours)| *ours)
        ));
    }
    report.end(&disk);
    Ok(())
}

/// Settles and claims fifty in one transaction until nothing waits.
async fn bare(files: &Files, work: &Work) -> Outcome<Duration> {
    let mut bare = Bare::create(&files.bare, work.synchronous).await?;
    for count in calls(work.tasks) {
        bare.begin()?;
        bare.insert(&tasks(count, work.payload))?;
        bare.commit()?;
    }
    bare.checkpoint()?;
    let result = Json::new(&NoOp::result())?;
    let start = Instant::now();
    let mut held = Vec::new();
    loop {
        bare.begin()?;
        bare.settle(&held, result.as_str())?;
        held = bare.claim(BATCH)?;
        bare.commit()?;
        if held.is_empty() {
            break;
        }
    }
    let spent = start.elapsed();
    bare.close()?;
    Ok(spent)
}

/// From the start of an engine until everything that waited is settled.
async fn ours(files: &Files, work: &Work) -> Outcome<Duration> {
    let store = open_store(&files.ours, work.synchronous)?;
    for count in calls(work.tasks) {
        store.insert(tasks(count, work.payload), None).await?;
    }
    // What was stored is in the file, so that the drain does not pay for it.
    store.close().await?;
    let store = open_store(&files.ours, work.synchronous)?;
    let (executor, reached) = NoOp::new(work.tasks);
    let start = Instant::now();
    let engine = new_engine(&store)
        .executor(executor)
        .default_concurrency(CONCURRENCY)
        .start()
        .await?;
    reached.notified().await;
    let expected = u64::try_from(work.tasks)?;
    let mut looks = 0;
    while store.stats(None).await?.counts.completed < expected {
        looks += 1;
        check(looks < 10_000, || {
            format!("{expected} tasks ran and not all were settled")
        })?;
        tokio::task::yield_now().await;
    }
    let spent = start.elapsed();
    stop(engine, &store).await?;
    Ok(spent)
}

/// The sizes of the calls that store `tasks`.
fn calls(tasks: usize) -> impl Iterator<Item = usize> {
    (0..tasks)
        .step_by(FILL)
        .map(move |done| FILL.min(tasks - done))
}
