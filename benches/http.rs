//! The service over HTTP: tasks that are stored and shown, pages of a million, and streams of events while tasks finish.
//!
//! The load comes from this process; each server is a process of its own.

mod support;

use mcs_core::store::TaskStore;
use mcs_core::store::sqlite::Synchronous;
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use support::http::{
    ANSWER, Connection, STORE, Server, Subscriber, TASKS, load, serve_bare, serve_drain,
    serve_ours, submit,
};
use support::{
    Arguments, Bar, Disk, KIND, Outcome, Percentiles, Report, check, example, median, note,
    open_store, resident_mb,
};

#[allow(dead_code, reason = "only what fills the file is of use here")]
#[path = "support/pages.rs"]
mod pages;

/// Connections of the load, and callers of the store beside it.
const CONNECTIONS: usize = 64;
/// Tasks that are stored where pages are read.
const MANY: usize = 1_000_000;
/// Subscribers that each follow one task.
const SUBSCRIBERS: usize = 1000;
/// The tasks that finish meanwhile.
const DRAINED: usize = 100_000;
/// How long a server that does nothing is left alone before its memory is read.
const REST: Duration = Duration::from_secs(3);

fn main() -> Outcome {
    let arguments = Arguments::read();
    let runtime = tokio::runtime::Runtime::new()?;
    if let Some(child) = arguments.child.as_deref() {
        return runtime.block_on(serve(child, &arguments));
    }
    let mut report = Report::new("http", arguments.quick);
    let mut disk = Disk::new()?;
    let mut bench = Bench {
        arguments: &arguments,
        disk: &mut disk,
        report: &mut report,
    };
    runtime.block_on(async {
        bench.create().await?;
        bench.show().await?;
        bench.pages().await?;
        bench.subscribers().await
    })?;
    bench.idle()?;
    report.end(&disk);
    Ok(())
}

/// What this program does when it is started again.
async fn serve(child: &str, arguments: &Arguments) -> Outcome {
    let directory = arguments.path().ok_or("the child needs a directory")?;
    match child.split_once(':').unwrap_or((child, "")) {
        ("bare", _) => serve_bare(directory).await,
        ("ours", _) => serve_ours(directory).await,
        ("submit", each) => submit(directory, CONNECTIONS, each.parse()?).await,
        ("drain", count) => serve_drain(directory, count.parse()?).await,
        _ => Err(format!("there is no child `{child}`").into()),
    }
}

struct Bench<'a> {
    arguments: &'a Arguments,
    disk: &'a mut Disk,
    report: &'a mut Report,
}

impl Bench<'_> {
    /// A task each request, durable before it is answered, against axum that keeps nothing and against the store without HTTP:
    /// the bar is taken from the slower of both.
    async fn create(&mut self) -> Outcome {
        if !self.arguments.wants("create") {
            return Ok(());
        }
        let each = self.arguments.pick(1000, 20);
        let body = json!({"kind": KIND, "payload": {"prompt": "x".repeat(235)}}).to_string();
        let requests = vec![Connection::post(TASKS, &body)];
        let (mut pairs, mut times) = (Vec::new(), Percentiles::new()?);
        let (mut axum_rates, mut submit_rates) = (Vec::new(), Vec::new());
        for _ in 0..self.arguments.rounds(5) {
            let directory = self.arguments.directory()?;
            self.disk.sample(directory.path())?;
            let bare = Server::start("bare", directory.path())?;
            let axum = load(bare.address, CONNECTIONS, each, requests.clone()).await?;
            bare.end()?;
            let submitted = submit_rate(directory.path(), each)?;
            let directory = self.arguments.directory()?;
            let ours = Server::start("ours", directory.path())?;
            let posted = load(ours.address, CONNECTIONS, each, requests.clone()).await?;
            ours.end()?;
            stored(directory.path(), CONNECTIONS * each).await?;
            pairs.push((axum.rate.min(submitted), posted.rate));
            times.add(&posted.times)?;
            axum_rates.push(axum.rate);
            submit_rates.push(submitted);
        }
        let what = format!("create: POST {TASKS}, {CONNECTIONS} connections, FULL");
        self.report
            .against(&what, "tasks/s", &pairs, &Bar::Percent(60.0));
        note(format!(
            "bare is the lower of axum, {:.0} requests/s, and the store with {CONNECTIONS} callers, {:.0} tasks/s",
            median(axum_rates),
            median(submit_rates)
        ));
        let bar = Bar::AtMost(20_000.0, String::new());
        self.report
            .alone("create: p99 of them", "us", times.p99(), &bar);
        Ok(())
    }

    /// One task, against axum that answers with the same bytes out of its memory.
    async fn show(&mut self) -> Outcome {
        if !self.arguments.wants("show") {
            return Ok(());
        }
        let each = self.arguments.pick(2000, 20);
        let directory = self.arguments.directory()?;
        let ours = Server::start("ours", directory.path())?;
        let mut client = Connection::open(ours.address).await?;
        let body = json!({"kind": KIND, "payload": {"prompt": "x".repeat(235)}}).to_string();
        let created: Value =
            serde_json::from_slice(client.call(&Connection::post(TASKS, &body)).await?)?;
        let id = created["id"].as_str().ok_or("the answer has no id")?;
        let request = Connection::get(&format!("{TASKS}/{id}"));
        let answer = client.call(&request).await?.to_vec();
        std::fs::write(directory.path().join(ANSWER), &answer)?;
        let bare = Server::start("bare", directory.path())?;
        let requests = vec![request];
        let mut pairs = Vec::new();
        for _ in 0..self.arguments.rounds(7) {
            let axum = load(bare.address, CONNECTIONS, each, requests.clone()).await?;
            let shown = load(ours.address, CONNECTIONS, each, requests.clone()).await?;
            pairs.push((axum.rate, shown.rate));
        }
        bare.end()?;
        ours.end()?;
        let bytes = answer.len();
        let what = format!("show: GET {TASKS}/{{id}} of {bytes} bytes, {CONNECTIONS} connections");
        self.report
            .against(&what, "requests/s", &pairs, &Bar::Percent(60.0));
        Ok(())
    }

    /// Pages of fifty out of a million, by filters as people use them, over four connections.
    async fn pages(&mut self) -> Outcome {
        if !self.arguments.wants("pages") {
            return Ok(());
        }
        let many = self.arguments.pick(MANY, 10_000);
        let directory = self.arguments.directory()?;
        let store = open_store(&directory.path().join(STORE), Synchronous::Normal)?;
        pages::Dataset::fill(&*store, many).await?;
        store.close().await?;
        let ours = Server::start("ours", directory.path())?;
        let mut worst: (f64, &str) = (0.0, "");
        for query in [
            "",
            "?status=COMPLETED",
            "?status=FAILED",
            "?status=PROCESSING",
            "?queue=queue-1&status=COMPLETED",
            "?kind=kind-2",
            "?kind=kind-rare",
            "?tag=tag-rare",
            "?owner=owner-7",
            "?fields=id,status,kind,queue,created_at&limit=200",
        ] {
            let requests = vec![Connection::get(&format!("{TASKS}{query}"))];
            let each = self.arguments.pick(250, 5);
            let read = load(ours.address, 4, each, requests).await?;
            if read.times.p99() > worst.0 {
                worst = (read.times.p99(), query);
            }
        }
        ours.end()?;
        let what = format!("pages: GET {TASKS} of {many}, worst p99 of 10 filters");
        let bar = Bar::AtMost(15_000.0, String::new());
        self.report.alone(&what, "us", worst.0, &bar);
        note(format!("the worst is `{}`", worst.1));
        Ok(())
    }

    /// Tasks that finish as fast as they can, alone and while subscribers follow.
    async fn subscribers(&mut self) -> Outcome {
        if !self.arguments.wants("subscribers") {
            return Ok(());
        }
        let count = self.arguments.pick(DRAINED, 2000);
        let followers = self.arguments.pick(SUBSCRIBERS, 20);
        let mut pairs = Vec::new();
        for _ in 0..self.arguments.rounds(5) {
            let alone = self.drained(count, 0).await?;
            pairs.push((alone, self.drained(count, followers).await?));
        }
        let what =
            format!("subscribers: {count} tasks with {followers} of one task each and one of all");
        self.report
            .against(&what, "tasks/s", &pairs, &Bar::Percent(80.0));
        note("bare is without subscribers; each of them saw all that it was to see");
        Ok(())
    }

    /// Drains `count` tasks and says how many a second, while `followers` each follow one and another one follows all. Without
    /// any, nobody follows.
    async fn drained(&mut self, count: usize, followers: usize) -> Outcome<f64> {
        let directory = self.arguments.directory()?;
        self.disk.sample(directory.path())?;
        let mut server = Server::start(&format!("drain:{count}"), directory.path())?;
        let mut following = Vec::new();
        if followers > 0 {
            for id in some_tasks(&server, followers).await? {
                let query = format!("?task={id}");
                let one = Subscriber::open(server.address, &query).await?;
                following.push(tokio::spawn(one.completed(1)));
            }
            let all = Subscriber::open(server.address, "").await?;
            following.push(tokio::spawn(all.completed(count)));
        }
        let asked = tokio::task::spawn_blocking(move || {
            let rate = server.ask("go");
            rate.map(|rate| (server, rate))
        });
        let (server, rate) = asked.await??;
        for one in following {
            one.await??;
        }
        server.end()?;
        Ok(rate.parse()?)
    }

    /// The program at rest: its memory, and the time from its start until it is ready.
    fn idle(&mut self) -> Outcome {
        if !self.arguments.wants("idle") {
            return Ok(());
        }
        let program = example("serve")?;
        let (mut fresh, mut again) = (Percentiles::new()?, Percentiles::new()?);
        let mut memory = Vec::new();
        for _ in 0..self.arguments.rounds(10) {
            let directory = self.arguments.directory()?;
            for times in [&mut fresh, &mut again] {
                let (spent, resident) = self.started(&program, directory.path())?;
                times.record(spent);
                memory.push(resident);
            }
        }
        let bar = Bar::AtMost(50_000.0, String::new());
        self.report.alone(
            "idle: start to ready, file there, p50",
            "us",
            again.p50(),
            &bar,
        );
        self.report.alone(
            "idle: start to ready, new file, p50",
            "us",
            fresh.p50(),
            &bar,
        );
        let bar = Bar::AtMost(30.0, String::new());
        self.report
            .alone("idle: memory at rest", "MB", median(memory), &bar);
        Ok(())
    }

    /// Starts the program and asks it until it is ready; then its memory at rest.
    fn started(&self, program: &Path, directory: &Path) -> Outcome<(Duration, f64)> {
        let address = free_address()?;
        let start = Instant::now();
        let mut child = Command::new(program)
            .args(["--listen", &address.to_string(), "--db"])
            .arg(directory.join(STORE))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let ready = until_ready(address, start);
        std::thread::sleep(self.arguments.pick(REST, Duration::ZERO));
        let resident = resident_mb(Some(child.id()));
        // What it keeps, it keeps through this too.
        child.kill()?;
        child.wait()?;
        Ok((ready?, resident?))
    }
}

/// What 64 callers store of the same tasks without HTTP, in a process of its own.
fn submit_rate(directory: &Path, each: usize) -> Outcome<f64> {
    let output = Command::new(std::env::current_exe()?)
        .args(["--child", &format!("submit:{each}"), "--directory"])
        .arg(directory)
        .output()?;
    check(output.status.success(), || {
        String::from_utf8_lossy(&output.stderr).into_owned()
    })?;
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}

/// Fails unless the file has so many tasks.
async fn stored(directory: &Path, count: usize) -> Outcome {
    let store = open_store(&directory.join(STORE), Synchronous::Full)?;
    let found = store.stats(None).await?.counts.total();
    store.close().await?;
    check(found == count as u64, || {
        format!("{found} tasks are stored, and {count} were acknowledged")
    })
}

/// Ids of tasks of the server, the newest first.
async fn some_tasks(server: &Server, count: usize) -> Outcome<Vec<String>> {
    let mut client = Connection::open(server.address).await?;
    let (mut ids, mut after) = (Vec::new(), String::new());
    while ids.len() < count {
        let page = Connection::get(&format!("{TASKS}?fields=id&limit=500{after}"));
        let page: Value = serde_json::from_slice(client.call(&page).await?)?;
        let found = page["tasks"].as_array().into_iter().flatten();
        ids.extend(found.filter_map(|task| task["id"].as_str().map(str::to_owned)));
        after = match page["next"].as_str() {
            Some(next) => format!("&after={next}"),
            None => break,
        };
    }
    ids.truncate(count);
    check(ids.len() == count, || {
        format!("there are {} tasks", ids.len())
    })?;
    Ok(ids)
}

/// An address that nobody listened on a moment ago.
fn free_address() -> Outcome<std::net::SocketAddr> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// Asks `/ready` again and again until it says yes.
fn until_ready(address: std::net::SocketAddr, start: Instant) -> Outcome<Duration> {
    use std::io::{Read, Write};
    const PATIENCE: Duration = Duration::from_secs(10);
    loop {
        if let Ok(mut stream) = std::net::TcpStream::connect(address) {
            stream.write_all(
                b"GET /ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
            )?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            if answer.starts_with("HTTP/1.1 200") {
                return Ok(start.elapsed());
            }
        }
        check(start.elapsed() < PATIENCE, || {
            format!(
                "nobody is ready at {address} after {} s",
                PATIENCE.as_secs()
            )
        })?;
        std::thread::sleep(Duration::from_micros(200));
    }
}
