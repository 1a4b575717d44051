//! What a report costs the call it is made in, whatever the coordinator does, and what becomes of a burst.

mod support;

use mcs_reporter::payload::ResultData;
use mcs_reporter::{Report as Answer, Reporter};
use std::fs::OpenOptions;
use std::hint::spin_loop;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};
use support::{
    Arguments, Bar, Disk, Outcome, Percentiles, Report, Responder, check, nobody, note, per_second,
};

/// Time between two reports, in which a server does its work.
const PAUSE: Duration = Duration::from_micros(20);
/// How long a slow coordinator takes.
const SLOW: Duration = Duration::from_secs(2);
/// What `report` may take, in microseconds: in the middle, and one in a hundred.
const P50: f64 = 3.0;
const P99: f64 = 20.0;

#[tokio::main]
async fn main() -> Outcome {
    let arguments = Arguments::read();
    let directory = arguments.directory()?;
    let mut report = Report::new("report", arguments.quick);
    let mut disk = Disk::new()?;
    disk.sample(directory.path())?;
    let events = arguments.pick(200_000, 2_000);
    let bytes = record_bytes().await?;
    note(format!("{bytes} bytes a record"));
    let bare = bare(directory.path(), bytes, events)?;
    let up = Responder::start(Duration::ZERO)?;
    let slow = Responder::start(SLOW)?;
    for (name, url) in [("up", up.url()), ("down", nobody()?), ("slow", slow.url())] {
        if !arguments.wants(name) {
            continue;
        }
        let path = directory.path().join(format!("{name}.db"));
        let ours = paced(&path, &url, events).await?;
        let what = |percent: &str| format!("report, coordinator {name}, {percent}");
        report.alone(&what("p50"), "us", ours.p50(), &at_most(P50, bare.p50()));
        report.alone(&what("p99"), "us", ours.p99(), &at_most(P99, bare.p99()));
        note(format!("one in a thousand takes {:.0} us", ours.at(99.9)));
    }
    if arguments.wants("burst") {
        burst(&arguments, directory.path(), &mut report, events).await?;
    }
    disk.sample(directory.path())?;
    report.end(&disk);
    Ok(())
}

fn at_most(most: f64, bare: f64) -> Bar {
    Bar::AtMost(most, format!("a bare append took {bare:.2}"))
}

fn reporter(path: &Path, url: &str) -> Outcome<Reporter> {
    let reporter = Reporter::builder()
        .coordinator_url(url)
        .api_key("bench")
        .mcp_id("bench")
        .local_cache_path(path)
        .build()?;
    Ok(reporter)
}

/// What a tool call of some server reports.
fn result(number: usize) -> ResultData {
    let text = |key: &str, length| (key.to_owned(), "x".repeat(length).into());
    ResultData {
        output_size: Some(number as u64),
        processing_time: Some(0.25),
        adapter_used: Some("base".to_owned()),
        other: [text("tool", 12), text("session", 36), text("summary", 120)]
            .into_iter()
            .collect(),
        ..ResultData::default()
    }
}

/// The bytes that one event takes in the journal.
async fn record_bytes() -> Outcome<usize> {
    let reporter = reporter(Path::new(":memory:"), &nobody()?)?;
    let answer = reporter.report_interaction_complete("int_1700000000_0a1b2c3d", result(1));
    check(answer.is_accepted(), || format!("{answer:?}"))?;
    let bytes = reporter.stats().bytes;
    reporter.shutdown(Duration::ZERO).await?;
    Ok(usize::try_from(bytes)?)
}

/// Appends of as many bytes to a file, and nothing else.
fn bare(directory: &Path, bytes: usize, events: usize) -> Outcome<Percentiles> {
    let path = directory.join("bare");
    let mut file = OpenOptions::new().append(true).create(true).open(&path)?;
    let record = vec![b'x'; bytes];
    let mut times = Percentiles::new()?;
    for _ in 0..events {
        let start = Instant::now();
        file.write_all(&record)?;
        times.record(start.elapsed());
        pause();
    }
    std::fs::remove_file(path)?;
    Ok(times)
}

/// Reports one after the other with pauses.
async fn paced(path: &Path, url: &str, events: usize) -> Outcome<Percentiles> {
    let reporter = reporter(path, url)?;
    let data = result(1);
    let mut times = Percentiles::new()?;
    for _ in 0..events {
        let start = Instant::now();
        let answer = reporter.report_interaction_complete("int_1700000000_0a1b2c3d", &data);
        times.record(start.elapsed());
        check(answer.is_accepted(), || format!("{answer:?}"))?;
        pause();
    }
    reporter.shutdown(Duration::ZERO).await?;
    Ok(times)
}

/// As many reports as there are, as fast as they go, while the coordinator takes what it gets.
async fn burst(
    arguments: &Arguments,
    directory: &Path,
    report: &mut Report,
    events: usize,
) -> Outcome {
    let responder = Responder::start(Duration::ZERO)?;
    let path = directory.join("burst.db");
    let reporter = Reporter::builder()
        .coordinator_url(responder.url())
        .api_key("bench")
        .mcp_id("bench")
        .local_cache_path(&path)
        // The throttle would make a wait of minutes out of it.
        .requests_per_second(10_000)
        .build()?;
    let start = Instant::now();
    let mut refused = 0;
    for number in 0..events {
        let answer =
            reporter.report_interaction_complete("int_1700000000_0a1b2c3d", result(number));
        refused += u32::from(answer != Answer::Accepted);
    }
    let spent = start.elapsed();
    note(format!("{:.0} reports a second", per_second(events, spent)));
    report.alone(
        "burst, refused",
        "events",
        f64::from(refused),
        &Bar::AtMost(0.0, String::new()),
    );
    let limit = arguments.pick(Duration::from_mins(2), Duration::from_secs(30));
    let flushed = reporter.flush(limit).await?;
    let (arrived, twice) = responder.arrived();
    note(format!(
        "{:.0} a second delivered",
        per_second(arrived, start.elapsed())
    ));
    check(flushed.is_complete(), || format!("{flushed:?}"))?;
    check(twice == 0, || format!("{twice} events arrived again"))?;
    let lost = u32::try_from(events - arrived)?;
    let none = Bar::AtMost(0.0, String::new());
    report.alone("burst, lost", "events", f64::from(lost), &none);
    check(lost == 0, || format!("{arrived} of {events} arrived"))?;
    reporter.shutdown(Duration::ZERO).await?;
    Ok(())
}

/// Passes the time without giving the processor away, which would make a measurement of the scheduler out of this one.
fn pause() {
    let start = Instant::now();
    while start.elapsed() < PAUSE {
        spin_loop();
    }
}
