//! How fast tasks are stored: a thousand a call, by many callers at once, and by one caller.

mod support;

use mcs_core::domain::NewTask;
use mcs_core::engine::Engine;
use mcs_core::executor::KindSpec;
use mcs_core::store::sqlite::{SqliteStore, Synchronous};
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};
use support::{
    Arguments, Bar, Bare, Disk, Files, KIND, Outcome, Percentiles, Report, full_or_normal,
    new_engine, note, open_store, per_second, stop, task, tasks,
};
use tokio::sync::oneshot;

/// Bytes of a payload.
const PAYLOAD: usize = 250;
/// Tasks in a call.
const BATCH: usize = 1000;
/// Callers at once.
const CALLERS: usize = 64;
/// What waits for the bare writer, at most.
const WAITING: usize = 1024;

#[tokio::main]
async fn main() -> Outcome {
    let arguments = Arguments::read();
    let directory = arguments.directory()?;
    let mut report = Report::new("submit", arguments.quick);
    let mut disk = Disk::new()?;
    let mut bench = Bench {
        arguments: &arguments,
        directory: directory.path(),
        disk: &mut disk,
        report: &mut report,
    };
    bench.many().await?;
    bench.callers().await?;
    bench.one(Synchronous::Full).await?;
    bench.one(Synchronous::Normal).await?;
    report.end(&disk);
    Ok(())
}

struct Bench<'a> {
    arguments: &'a Arguments,
    directory: &'a Path,
    disk: &'a mut Disk,
    report: &'a mut Report,
}

impl Bench<'_> {
    /// A thousand tasks a call, one call after the other.
    async fn many(&mut self) -> Outcome {
        if !self.arguments.wants("many") {
            return Ok(());
        }
        let calls = self.arguments.pick(100, 3);
        let mut pairs = Vec::new();
        for _ in 0..self.arguments.rounds(7) {
            let files = Files::new(self.directory);
            self.disk.sample(self.directory)?;
            let mut bare = Bare::create(&files.bare, Synchronous::Full).await?;
            let batch = tasks(BATCH, PAYLOAD);
            let start = Instant::now();
            for _ in 0..calls {
                bare.begin()?;
                bare.insert(&batch)?;
                bare.commit()?;
            }
            let bare_rate = per_second(calls * BATCH, start.elapsed());
            bare.close()?;

            let (engine, store) = submitter(&files.ours, Synchronous::Full).await?;
            let start = Instant::now();
            for _ in 0..calls {
                engine.submit_many(batch.clone()).await?;
            }
            pairs.push((bare_rate, per_second(calls * BATCH, start.elapsed())));
            stop(engine, &store).await?;
            files.compare()?;
        }
        self.report.against(
            "many: 1000 tasks a call, FULL",
            "tasks/s",
            &pairs,
            &Bar::Percent(50.0),
        );
        Ok(())
    }

    /// Many callers, a task a call.
    async fn callers(&mut self) -> Outcome {
        if !self.arguments.wants("callers") {
            return Ok(());
        }
        let each = self.arguments.pick(1000, 20);
        let mut pairs = Vec::new();
        for _ in 0..self.arguments.rounds(7) {
            let files = Files::new(self.directory);
            self.disk.sample(self.directory)?;
            let bare = Bare::create(&files.bare, Synchronous::Full).await?;
            let bare_rate = per_second(CALLERS * each, bare_callers(bare, each).await?);

            let (engine, store) = submitter(&files.ours, Synchronous::Full).await?;
            let start = Instant::now();
            let callers: Vec<_> = (0..CALLERS)
                .map(|_| {
                    let engine = engine.clone();
                    tokio::spawn(async move {
                        for _ in 0..each {
                            engine.submit(task(PAYLOAD)).await?;
                        }
                        Outcome::Ok(())
                    })
                })
                .collect();
            for caller in callers {
                caller.await??;
            }
            pairs.push((bare_rate, per_second(CALLERS * each, start.elapsed())));
            stop(engine, &store).await?;
            files.compare()?;
        }
        self.report.against(
            "callers: 64 callers, one task a call, FULL",
            "tasks/s",
            &pairs,
            &Bar::Percent(60.0),
        );
        Ok(())
    }

    /// One caller, a task a call.
    async fn one(&mut self, synchronous: Synchronous) -> Outcome {
        if !self.arguments.wants("one") {
            return Ok(());
        }
        let calls = self.arguments.pick(1000, 50);
        let (mut bare_times, mut times) = (Percentiles::new()?, Percentiles::new()?);
        let mut round_disk = Disk::new()?;
        for _ in 0..self.arguments.rounds(5) {
            let files = Files::new(self.directory);
            self.disk.sample(self.directory)?;
            round_disk.sample(self.directory)?;
            let mut bare = Bare::create(&files.bare, synchronous).await?;
            for _ in 0..calls {
                let start = Instant::now();
                bare.begin()?;
                bare.insert(&[task(PAYLOAD)])?;
                bare.commit()?;
                bare_times.record(start.elapsed());
            }
            bare.close()?;

            let (engine, store) = submitter(&files.ours, synchronous).await?;
            for _ in 0..calls {
                let start = Instant::now();
                engine.submit(task(PAYLOAD)).await?;
                times.record(start.elapsed());
            }
            stop(engine, &store).await?;
            files.compare()?;
            round_disk.sample(self.directory)?;
        }
        let level = full_or_normal(synchronous);
        let bar = match synchronous {
            Synchronous::Full => {
                Bar::AtMost(round_disk.p50() + 100.0, "sync p50 + 100 us".to_owned())
            }
            Synchronous::Normal => Bar::AtMost(80.0, String::new()),
        };
        let what = format!("one: one caller, {level}, p50");
        self.report.alone(&what, "us", times.p50(), &bar);
        note(format!(
            "p99 {:.0} us; bare p50 {:.0} us, p99 {:.0} us; sync p50 beside it {:.0} us",
            times.p99(),
            bare_times.p50(),
            bare_times.p99(),
            round_disk.p50()
        ));
        Ok(())
    }
}

/// An engine that takes tasks and runs none.
async fn submitter(path: &Path, synchronous: Synchronous) -> Outcome<(Engine, Arc<SqliteStore>)> {
    let store = open_store(path, synchronous)?;
    let kind = KindSpec::new(KIND, "Is stored.");
    let engine = new_engine(&store).kind(kind).start().await?;
    Ok((engine, store))
}

type Request = (NewTask, oneshot::Sender<()>);

/// Callers that send a task to a writer thread and wait for its answer; the writer commits what waits as one transaction.
async fn bare_callers(bare: Bare, each: usize) -> Outcome<Duration> {
    let (requests, waiting) = mpsc::sync_channel::<Request>(WAITING);
    let writer = std::thread::spawn(move || bare_writer(bare, &waiting));
    let start = Instant::now();
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let requests = requests.clone();
            tokio::spawn(async move {
                for _ in 0..each {
                    let (reply, replied) = oneshot::channel();
                    // Never full: there are fewer callers than places.
                    requests.send((task(PAYLOAD), reply))?;
                    replied.await?;
                }
                Outcome::Ok(())
            })
        })
        .collect();
    for caller in callers {
        caller.await??;
    }
    let spent = start.elapsed();
    drop(requests);
    writer.join().map_err(|_| "the bare writer panicked")??;
    Ok(spent)
}

fn bare_writer(mut bare: Bare, waiting: &mpsc::Receiver<Request>) -> Outcome {
    while let Ok(first) = waiting.recv() {
        let mut replies = Vec::new();
        bare.begin()?;
        let mut next = Some(first);
        while let Some((task, reply)) = next {
            bare.insert(&[task])?;
            replies.push(reply);
            next = waiting.try_recv().ok();
        }
        bare.commit()?;
        for reply in replies {
            // The caller waits for it.
            let _ = reply.send(());
        }
    }
    bare.close()
}
