//! MCP: what a look at a task costs over pipes, what it costs that calls are durable, and tasks that many clients follow.
//!
//! The load comes from this process; each server is a process of its own.

mod support;

use serde_json::{Value, json};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use support::http::Server;
use support::mcp::{ANSWER, Client, Task, bare_http, bare_stdio, durable_http, status_stdio};
use support::{
    Arguments, Bar, Disk, KIND, Outcome, Percentiles, Pipes, Report, check, median, note,
    per_second, resident_mb,
};

/// Calls in flight, each on a connection of its own.
const IN_FLIGHT: usize = 64;
/// Tasks that are followed at a time.
const FOLLOWED: usize = 10_000;
/// How old a task is until it is asked for as seldom as one that takes long.
const SETTLED: Duration = Duration::from_secs(31);
/// For how long tasks are followed.
const FOLLOWING: Duration = Duration::from_secs(20);
/// Calls a second of fastmcp's tasks, from the call to its end with 64 in flight, as they were once measured on two cores: with
/// Redis, and in memory.
const FASTMCP: [(&str, f64); 2] = [("Redis", 128.0), ("memory", 166.0)];
/// How often its tasks are asked for here, though it says every five seconds.
const FASTMCP_POLLED: Duration = Duration::from_millis(10);
/// Names a Python that has `fastmcp[tasks]`, for it to be measured beside ours.
const FASTMCP_PYTHON: &str = "MCS_BENCH_FASTMCP";

fn main() -> Outcome {
    let arguments = Arguments::read();
    if let Some(child) = arguments.child.as_deref() {
        return serve(child, &arguments);
    }
    let runtime = tokio::runtime::Runtime::new()?;
    let mut report = Report::new("mcp", arguments.quick);
    let mut disk = Disk::new()?;
    let mut bench = Bench {
        arguments: &arguments,
        disk: &mut disk,
        report: &mut report,
    };
    bench.status()?;
    runtime.block_on(async {
        bench.durable().await?;
        bench.followed().await
    })?;
    report.end(&disk);
    Ok(())
}

/// What this program does when it is started again.
fn serve(child: &str, arguments: &Arguments) -> Outcome {
    let directory = arguments.path().ok_or("the child needs a directory")?;
    // One client on pipes is served by one thread, as the program does it.
    let one = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
    };
    match child {
        "bare" => tokio::runtime::Runtime::new()?.block_on(bare_http()),
        "durable" => tokio::runtime::Runtime::new()?.block_on(durable_http(directory)),
        "bare-stdio" => one()?.block_on(bare_stdio(directory)),
        "status-stdio" => one()?.block_on(status_stdio(directory)),
        _ => Err(format!("there is no child `{child}`").into()),
    }
}

struct Bench<'a> {
    arguments: &'a Arguments,
    disk: &'a mut Disk,
    report: &'a mut Report,
}

impl Bench<'_> {
    /// `get_task_status` of a finished task, against a tool by rmcp alone that gives the same answer.
    fn status(&mut self) -> Outcome {
        if !self.arguments.wants("status") {
            return Ok(());
        }
        let directory = self.arguments.directory()?;
        let (mut ours, _) = Pipes::start(&mut child("status-stdio", directory.path())?)?;
        let task = json!({"kind": KIND, "payload": {"prompt": "x".repeat(235)}});
        let created = ours.tool("create_task", &task)?;
        let id = created["structuredContent"]["task_id"].as_str();
        let id = json!({"task_id": id.ok_or("create_task gave no task")?});
        ours.tool("wait_for_task", &id)?;
        let answer = ours.tool("get_task_status", &id)?;
        check(answer["structuredContent"]["status"] == "COMPLETED", || {
            format!("the task is not completed: {answer}")
        })?;
        let bytes = serde_json::to_vec(&answer)?;
        std::fs::write(directory.path().join(ANSWER), &bytes)?;
        let (mut bare, _) = Pipes::start(&mut child("bare-stdio", directory.path())?)?;
        check(bare.tool("get_task_status", &id)? == answer, || {
            "the bare tool does not answer the same".to_owned()
        })?;
        let calls = self.arguments.pick(2000, 20);
        let mut pairs = Vec::new();
        for _ in 0..self.arguments.rounds(9) {
            let bare = p50_of(&mut bare, &id, calls)?;
            pairs.push((bare, p50_of(&mut ours, &id, calls)?));
        }
        bare.end()?;
        ours.end()?;
        let what = format!(
            "status: get_task_status of {} bytes over pipes, p50",
            bytes.len()
        );
        self.report.against(&what, "us", &pairs, &Bar::Times(1.3));
        Ok(())
    }

    /// Calls of a durable tool that does nothing, from the call until the client sees that its task is completed, against as
    /// many calls of the same tool by rmcp alone, which stores nothing and answers at once.
    async fn durable(&mut self) -> Outcome {
        if !self.arguments.wants("durable") && !self.arguments.wants("fastmcp") {
            return Ok(());
        }
        let each = self.arguments.pick(200, 3);
        let (mut pairs, mut requests, mut answered) = (Vec::new(), Vec::new(), Vec::new());
        let mut beside = Vec::new();
        for _ in 0..self.arguments.rounds(5) {
            let directory = self.arguments.directory()?;
            self.disk.sample(directory.path())?;
            let server = Server::start("bare", directory.path())?;
            let bare = calls(server.address, each, None).await?;
            server.end()?;
            let server = Server::start("durable", directory.path())?;
            let ours = calls(server.address, each, Some(Duration::MAX)).await?;
            server.end()?;
            if let Some(rate) = self.fastmcp().await? {
                beside.push((rate, ours.calls));
            }
            pairs.push((bare.calls, ours.calls));
            requests.push(ours.requests / ours.calls);
            answered.push(ours.requests);
        }
        let what = format!("durable: calls as tasks over HTTP, {IN_FLIGHT} in flight, FULL");
        self.report
            .against(&what, "calls/s", &pairs, &Bar::Percent(60.0));
        note(format!(
            "each call is {:.1} requests of ours, of which the server answers {:.0} a second, and one of bare",
            median(requests),
            median(answered)
        ));
        let bar = Bar::AtLeastTimes(30.0);
        for (kind, rate) in FASTMCP {
            let pairs: Vec<_> = pairs.iter().map(|(_, ours)| (rate, *ours)).collect();
            let what = format!("fastmcp: bare is its tasks in {kind} as they were once measured");
            self.report.against(&what, "calls/s", &pairs, &bar);
        }
        if beside.is_empty() {
            note(format!(
                "name a Python that has fastmcp[tasks] in {FASTMCP_PYTHON} to measure it here"
            ));
        } else {
            let what = "fastmcp: bare is its tasks in memory, measured here";
            self.report.against(what, "calls/s", &beside, &bar);
        }
        Ok(())
    }

    /// Calls a second of the same tool by fastmcp, if there is one.
    async fn fastmcp(&self) -> Outcome<Option<f64>> {
        let Some(python) = std::env::var_os(FASTMCP_PYTHON) else {
            return Ok(None);
        };
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/support/mcp/fastmcp_tool.py");
        let server = Server::spawn(Command::new(python).arg(script))?;
        let each = self.arguments.pick(20, 1);
        let rate = calls(server.address, each, Some(FASTMCP_POLLED)).await?;
        server.end()?;
        Ok(Some(rate.calls))
    }

    /// Tasks that do not end, each asked for as often as the server wants.
    async fn followed(&mut self) -> Outcome {
        if !self.arguments.wants("followed") {
            return Ok(());
        }
        let count = self.arguments.pick(FOLLOWED, IN_FLIGHT);
        let directory = self.arguments.directory()?;
        self.disk.sample(directory.path())?;
        let server = Server::start("durable", directory.path())?;
        let mut tasks = hold(server.address, count.div_ceil(IN_FLIGHT)).await?;
        let count = tasks.len();
        tokio::time::sleep(self.arguments.pick(SETTLED, Duration::ZERO)).await;
        // By now they are asked for less often than when they were new.
        let mut client = Client::open(server.address).await?;
        let interval = client.look(&tasks[0].id).await?;
        for task in &mut tasks {
            task.interval = interval;
        }
        let following = self.arguments.pick(FOLLOWING, Duration::from_millis(200));
        let (times, spent) = follow(server.address, tasks, following).await?;
        let memory = resident_mb(Some(server.id()))?;
        server.end()?;
        let what = format!("followed: {count} tasks in flight, p99 of tasks/get");
        let bar = Bar::AtMost(10_000.0, String::new());
        self.report.alone(&what, "us", times.p99(), &bar);
        note(format!(
            "{:.0} looks a second, p50 {:.0} us, each from the moment when it was due; the server holds {memory:.0} MB",
            per_second(times.len(), spent),
            times.p50()
        ));
        Ok(())
    }
}

/// This program, started again as the child `name`.
fn child(name: &str, directory: &Path) -> Outcome<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["--child", name, "--directory"])
        .arg(directory);
    Ok(command)
}

fn p50_of(server: &mut Pipes, id: &Value, calls: usize) -> Outcome<f64> {
    let mut times = Percentiles::new()?;
    for _ in 0..calls {
        let start = Instant::now();
        server.tool("get_task_status", id)?;
        times.record(start.elapsed());
    }
    Ok(times.p50())
}

/// What came of calls: how many a second, and how many requests they took a second.
struct Rate {
    calls: f64,
    requests: f64,
}

/// Makes `each` calls on each of the connections, one after the other: as tasks that are asked for at least so often, or as
/// calls that are answered at once.
async fn calls(address: SocketAddr, each: usize, tasks: Option<Duration>) -> Outcome<Rate> {
    let start = Instant::now();
    let callers: Vec<_> = (0..IN_FLIGHT)
        .map(|_| {
            tokio::spawn(async move {
                let mut client = Client::open(address).await?;
                for _ in 0..each {
                    match tasks {
                        Some(longest) => client.call_durably(longest).await?,
                        None => client.call().await?,
                    }
                }
                Outcome::Ok(client.requests)
            })
        })
        .collect();
    let mut requests = 0;
    for caller in callers {
        requests += caller.await??;
    }
    let spent = start.elapsed();
    Ok(Rate {
        calls: per_second(IN_FLIGHT * each, spent),
        requests: per_second(requests, spent),
    })
}

/// Begins `each` calls that do not end on each of the connections.
async fn hold(address: SocketAddr, each: usize) -> Outcome<Vec<Task>> {
    let callers: Vec<_> = (0..IN_FLIGHT)
        .map(|_| {
            tokio::spawn(async move {
                let mut client = Client::open(address).await?;
                let mut tasks = Vec::with_capacity(each);
                for _ in 0..each {
                    tasks.push(client.hold().await?);
                }
                Outcome::Ok(tasks)
            })
        })
        .collect();
    let mut tasks = Vec::new();
    for caller in callers {
        tasks.extend(caller.await??);
    }
    Ok(tasks)
}

/// When each task is to be looked at, the next first.
type Due = Arc<Mutex<BinaryHeap<Reverse<(Instant, String)>>>>;

/// Looks at each task whenever its interval is over, and says how long each look took from when it was due.
async fn follow(
    address: SocketAddr,
    tasks: Vec<Task>,
    following: Duration,
) -> Outcome<(Percentiles, Duration)> {
    let start = Instant::now();
    let end = start + following;
    // Clients do not all begin at the same moment.
    let begins = tasks.into_iter().map(|task| {
        let within = task.interval.mul_f64(fastrand::f64());
        Reverse((start + within, task.id))
    });
    let due: Due = Arc::new(Mutex::new(begins.collect()));
    let lookers: Vec<_> = (0..IN_FLIGHT)
        .map(|_| tokio::spawn(look(address, Arc::clone(&due), end)))
        .collect();
    let mut times = Percentiles::new()?;
    for looker in lookers {
        times.add(&looker.await??)?;
    }
    Ok((times, start.elapsed()))
}

async fn look(address: SocketAddr, due: Due, end: Instant) -> Outcome<Percentiles> {
    let lock = || due.lock().unwrap_or_else(PoisonError::into_inner);
    let mut client = Client::open(address).await?;
    let mut times = Percentiles::new()?;
    loop {
        let next = lock().pop();
        let Some(Reverse((at, id))) = next.filter(|Reverse((at, _))| *at < end) else {
            return Ok(times);
        };
        tokio::time::sleep_until(at.into()).await;
        let interval = client.look(&id).await?;
        times.record(at.elapsed());
        lock().push(Reverse((Instant::now() + interval, id)));
    }
}
