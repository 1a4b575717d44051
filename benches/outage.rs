//! What an outage of the coordinator costs: the time until what waits has arrived once it is back, and memory meanwhile.

mod support;

use mcs_core::config::{Config, Database};
use mcs_core::service::Service;
use mcs_http::Options;
use mcs_reporter::Reporter;
use mcs_reporter::payload::ResultData;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};
use support::{Arguments, Bar, Disk, Outcome, Report, check, nobody, resident_mb};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Events that wait when the coordinator comes back.
const BACKLOG: usize = 1000;
/// How long it is away: after the last of these the pauses between attempts have grown long.
const OUTAGES: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(10),
    Duration::from_secs(40),
];
/// How long the backlog may take, in seconds.
const DRAINED: f64 = 2.0;
/// When the benchmark gives up.
const LONGEST: Duration = Duration::from_mins(2);
/// How the benchmark starts itself again, to look at its memory.
const MEMORY: &str = "memory";
/// How often the child looks at itself, and how often in a row it has to be at rest.
const LOOK_EVERY: Duration = Duration::from_millis(100);
const LOOKS: usize = 30;

#[tokio::main]
async fn main() -> Outcome {
    let arguments = Arguments::read();
    if arguments.child.as_deref() == Some(MEMORY) {
        return wait_for_nobody(&arguments).await;
    }
    let mut report = Report::new("outage", arguments.quick);
    let mut disk = Disk::new()?;
    if arguments.wants("backlog") {
        let outages = &OUTAGES[..arguments.pick(OUTAGES.len(), 1)];
        for outage in outages {
            let directory = arguments.directory()?;
            disk.sample(directory.path())?;
            let took = backlog(directory.path(), *outage).await?;
            let what = format!(
                "backlog: {BACKLOG} events after {} s, default throttle",
                outage.as_secs()
            );
            let bar = Bar::AtMost(DRAINED, String::new());
            report.alone(&what, "s", took.as_secs_f64(), &bar);
        }
    }
    if arguments.wants("memory") {
        memory(&arguments, &mut report)?;
    }
    report.end(&disk);
    Ok(())
}

/// Reports while nobody is there, and returns the time from the coordinator's return until it has everything.
async fn backlog(directory: &Path, outage: Duration) -> Outcome<Duration> {
    let url = nobody()?;
    let reporter = reporter(&directory.join("reporter.db"), &url)?;
    for number in 0..BACKLOG {
        tell(&reporter, number)?;
    }
    tokio::time::sleep(outage).await;
    let address = url.trim_start_matches("http://").parse()?;
    let coordinator = Coordinator::start(&directory.join("coordinator.db"), address).await?;
    let back = Instant::now();
    let flushed = reporter.flush(LONGEST).await?;
    let took = back.elapsed();
    check(flushed.is_complete(), || format!("{flushed:?}"))?;
    let delivered = usize::try_from(reporter.stats().delivered)?;
    check(delivered == BACKLOG, || format!("{delivered} arrived"))?;
    reporter.shutdown(Duration::ZERO).await?;
    coordinator.stop().await?;
    Ok(took)
}

/// What a process uses while a million events wait, beside what it uses while one does.
fn memory(arguments: &Arguments, report: &mut Report) -> Outcome {
    let text = arguments.of_child(MEMORY)?;
    let figures: Vec<f64> = text
        .split_whitespace()
        .map(str::parse)
        .collect::<Result<_, _>>()?;
    let &[before, after] = figures.as_slice() else {
        return Err(format!("the child said: {text}").into());
    };
    let what = format!("memory: with {} events waiting", waiting(arguments));
    let how = format!("more than the {before:.1} with one");
    report.alone(&what, "MB more", after - before, &Bar::AtMost(20.0, how));
    Ok(())
}

fn waiting(arguments: &Arguments) -> usize {
    arguments.pick(1_000_000, 10_000)
}

/// The child: prints its memory with one event and with many.
async fn wait_for_nobody(arguments: &Arguments) -> Outcome {
    let directory = arguments.directory()?;
    let reporter = reporter(&directory.path().join("memory.db"), &nobody()?)?;
    tell(&reporter, 0)?;
    let before = at_rest(&reporter, 1).await?;
    let events = waiting(arguments);
    for number in 1..events {
        tell(&reporter, number)?;
    }
    println!("{before} {}", at_rest(&reporter, events).await?);
    reporter.shutdown(Duration::ZERO).await?;
    Ok(())
}

/// Returns once nothing moves while `events` wait, with the most memory until then.
async fn at_rest(reporter: &Reporter, events: usize) -> Outcome<f64> {
    let (mut calm, mut most, start) = (0, 0.0, Instant::now());
    while calm < LOOKS {
        tokio::time::sleep(LOOK_EVERY).await;
        most = resident_mb(None)?.max(most);
        // An event that is being moved into the index is counted in both places.
        let waiting = usize::try_from(reporter.stats().waiting)?;
        calm = if waiting == events { calm + 1 } else { 0 };
        check(start.elapsed() < LONGEST, || format!("{waiting} wait"))?;
    }
    Ok(most)
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

fn tell(reporter: &Reporter, number: usize) -> Outcome {
    let result = ResultData {
        output_size: Some(number as u64),
        processing_time: Some(0.25),
        adapter_used: Some("x".repeat(150)),
        ..ResultData::default()
    };
    let answer =
        reporter.report_interaction_complete(&format!("int_1700000000_{number:08x}"), result);
    check(answer.is_accepted(), || format!("{answer:?}"))
}

/// The coordinator, on a file.
struct Coordinator {
    service: Service,
    stop: CancellationToken,
    serving: JoinHandle<Result<(), mcs_http::ServeError>>,
}

impl Coordinator {
    async fn start(path: &Path, address: SocketAddr) -> Outcome<Self> {
        let config = Config {
            database: Database::from(path),
            ..Config::default()
        };
        let service = mcs_core::open(&config).await?;
        let listener = TcpListener::bind(address).await?;
        let options = Options::default();
        let stop = options.stop.clone();
        let serving = tokio::spawn(mcs_http::serve(listener, service.clone(), options));
        Ok(Self {
            service,
            stop,
            serving,
        })
    }

    async fn stop(self) -> Outcome {
        self.stop.cancel();
        self.serving.await??;
        self.service.shutdown(Duration::ZERO).await?;
        Ok(())
    }
}
