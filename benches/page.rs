//! What the page costs a browser: bytes, time until something is seen, and what its thread does while tasks finish.

#[path = "../mcs-http/tests/page/driver.rs"]
mod driver;
#[path = "../mcs-http/tests/page/session.rs"]
mod session;
mod support;

use driver::Programs;
use mcs_core::config::{Config, Database};
use mcs_core::service::{Principal, Service};
use mcs_http::{Options, ServeError, serve};
use serde_json::{Value, json};
use session::Session;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};
use support::{Arguments, Bar, Disk, KIND, NoOp, Outcome, Report, check, median, note, per_second};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

/// Tasks that are to finish in a second, and in how many batches they come.
const RATE: usize = 5000;
const BATCHES: usize = 20;
/// Tasks that are there before a page is opened.
const TASKS: usize = 2000;

#[tokio::main]
async fn main() -> Outcome {
    let arguments = Arguments::read();
    let mut report = Report::new("page", arguments.quick);
    let Some(programs) = Programs::find() else {
        note(format!("not measured: {}", Programs::MISSING));
        return Ok(());
    };
    let directory = arguments.directory()?;
    let mut disk = Disk::new()?;
    disk.sample(directory.path())?;
    let server = Server::start(&directory.path().join("page.db")).await?;
    let session = Session::open(&programs).await?;
    let pages = Pages {
        session: &session,
        root: format!("http://{}/", server.address),
        task: server.fill().await?,
    };
    // The browser ends whatever comes of it.
    let measured = measure(&arguments, &server, &pages, &mut report).await;
    session.close().await?;
    server.stop().await?;
    measured?;
    disk.sample(directory.path())?;
    report.end(&disk);
    Ok(())
}

async fn measure(
    arguments: &Arguments,
    server: &Server,
    pages: &Pages<'_>,
    report: &mut Report,
) -> Outcome {
    let all = pages.all();
    for (name, place) in &all {
        let (mut sizes, mut times) = (Vec::new(), Vec::new());
        for _ in 0..arguments.rounds(7) {
            let loaded = pages.load(place).await?;
            sizes.push(loaded.kilobytes);
            times.push(loaded.first_content_ms);
        }
        let whole = Bar::AtMost(150.0, String::new());
        report.alone(
            &format!("{name}: transferred"),
            "KiB",
            median(sizes),
            &whole,
        );
        let soon = Bar::AtMost(300.0, String::new());
        report.alone(
            &format!("{name}: first content"),
            "ms",
            median(times),
            &soon,
        );
    }
    let span = arguments.pick(Duration::from_secs(15), Duration::from_secs(2));
    let load = server.load();
    for (name, place) in &all {
        pages.load(place).await?;
        let before = (server.finished().await?, Instant::now());
        let busy = pages.watch(span).await?;
        let rate = per_second(server.finished().await? - before.0, before.1.elapsed());
        let bar = Bar::AtMost(50.0, format!("{rate:.0} tasks/s finish"));
        report.alone(
            &format!("{name}: longest task"),
            "ms",
            busy.longest_ms,
            &bar,
        );
        note(format!(
            "{} tasks over 50 ms; its thread was away from a timer for at most {:.0} ms",
            busy.long_tasks, busy.away_ms
        ));
    }
    load.stop().await
}

/// What a page was like to open, by a browser that had nothing of it.
struct Loaded {
    kilobytes: f64,
    first_content_ms: f64,
}

/// What the thread of a page did for a time.
struct Busy {
    long_tasks: u64,
    /// Of tasks under 50 ms nothing is told, so that this is 0 where none is over.
    longest_ms: f64,
    away_ms: f64,
}

struct Pages<'a> {
    session: &'a Session,
    root: String,
    /// The address of a task.
    task: String,
}

impl Pages<'_> {
    fn all(&self) -> [(&'static str, String); 3] {
        [
            ("overview", "#/".to_owned()),
            ("list", "#/tasks".to_owned()),
            ("task", self.task.clone()),
        ]
    }

    async fn load(&self, place: &str) -> Outcome<Loaded> {
        let nothing = json!({});
        // From elsewhere, since another address within a page would not load it.
        self.session.client.goto("about:blank").await?;
        let cleared = self.session.devtools("Network.clearBrowserCache", &nothing);
        cleared.await?;
        let url = format!("{}{place}", self.root);
        self.session.client.goto(&url).await?;
        let script = "
            if (!document.querySelector('main h1')) return null;
            const painted = performance.getEntriesByName('first-contentful-paint')[0];
            const sizes = performance.getEntriesByType('resource').filter(({ name }) => !name.includes('/api/'));
            const all = [...sizes, ...performance.getEntriesByType('navigation')];
            return painted && [painted.startTime, all.reduce((sum, { transferSize }) => sum + transferSize, 0)];";
        let patience = Instant::now();
        loop {
            let found = self.session.run(script, vec![]).await?;
            if let (Some(painted), Some(bytes)) = (found[0].as_f64(), found[1].as_f64()) {
                return Ok(Loaded {
                    kilobytes: bytes / 1024.0,
                    first_content_ms: painted,
                });
            }
            check(patience.elapsed() < Duration::from_secs(20), || {
                format!("{place} shows nothing")
            })?;
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Watches the page that is shown.
    async fn watch(&self, span: Duration) -> Outcome<Busy> {
        let begin = "
            window.watched = { long: 0, longest: 0, away: 0 };
            new PerformanceObserver((list) => {
                for (const { duration } of list.getEntries()) {
                    watched.long += 1;
                    watched.longest = Math.max(watched.longest, duration);
                }
            }).observe({ type: 'longtask' });
            let last = performance.now();
            setInterval(() => {
                const now = performance.now();
                watched.away = Math.max(watched.away, now - last - 10);
                last = now;
            }, 10);";
        self.session.run(begin, vec![]).await?;
        sleep(span).await;
        let script = "return [watched.long, watched.longest, watched.away]";
        let found: Value = self.session.run(script, vec![]).await?;
        let number = |index: usize| found[index].as_f64().unwrap_or(f64::NAN);
        Ok(Busy {
            long_tasks: found[0].as_u64().unwrap_or_default(),
            longest_ms: number(1),
            away_ms: number(2),
        })
    }
}

/// A service with its page.
struct Server {
    address: SocketAddr,
    service: Service,
    options: Options,
    serving: JoinHandle<Result<(), ServeError>>,
}

impl Server {
    async fn start(path: &Path) -> Outcome<Self> {
        let mut config = Config {
            database: Database::File(path.to_owned()),
            ..Config::default()
        };
        config.engine.concurrency = 100;
        let (executor, _) = NoOp::new(usize::MAX);
        let service = mcs_core::builder(&config).executor(executor).open().await?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let options = Options::default();
        let serving = tokio::spawn(serve(listener, service.clone(), options.clone()));
        Ok(Self {
            address,
            service,
            options,
            serving,
        })
    }

    /// Has tasks done, and returns the address of the page of one.
    async fn fill(&self) -> Outcome<String> {
        let made = submit(&self.service, TASKS).await?;
        let id = made.last().ok_or("no task was stored")?;
        while self.finished().await? < TASKS {
            sleep(Duration::from_millis(10)).await;
        }
        Ok(format!("#/tasks/{id}"))
    }

    async fn finished(&self) -> Outcome<usize> {
        let stats = self.service.tasks().stats(&Principal::local()).await?;
        Ok(usize::try_from(stats.counts.completed)?)
    }

    /// Has tasks come at the rate until it is stopped.
    fn load(&self) -> Load {
        let service = self.service.clone();
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let running = tokio::spawn(async move {
            let batches = u32::try_from(BATCHES)?;
            let mut ticks = interval(Duration::from_secs(1) / batches);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            while !stopped.is_cancelled() {
                ticks.tick().await;
                submit(&service, RATE / BATCHES).await?;
            }
            Ok(())
        });
        Load { stop, running }
    }

    async fn stop(self) -> Outcome {
        self.options.stop.cancel();
        self.serving.await??;
        self.service.shutdown(Duration::ZERO).await?;
        Ok(())
    }
}

/// Tasks that come.
struct Load {
    stop: CancellationToken,
    running: JoinHandle<Outcome>,
}

impl Load {
    async fn stop(self) -> Outcome {
        self.stop.cancel();
        self.running.await?
    }
}

/// Stores tasks that do nothing, and returns their ids.
async fn submit(service: &Service, count: usize) -> Outcome<Vec<String>> {
    let task = |number| service.new_task(KIND, json!({"prompt": format!("task {number}")}));
    let tasks = (0..count).map(task).collect();
    let made = service
        .tasks()
        .create_many(&Principal::local(), tasks)
        .await?;
    Ok(made.iter().map(|made| made.id.to_string()).collect())
}
