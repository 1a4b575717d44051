//! What the stdio server costs its client: how soon it answers, how soon a task is stored, and how much memory it holds.

mod support;

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use support::{
    Arguments, Bar, Disk, Outcome, Percentiles, Report, check, example, note, resident_mb,
};

/// Time between two calls, in which the server runs the task and comes to rest.
const PAUSE: Duration = Duration::from_millis(10);
/// How long a server that does nothing is left alone before its memory is read.
const REST: Duration = Duration::from_secs(3);

fn main() -> Outcome {
    let arguments = Arguments::read();
    let directory = arguments.directory()?;
    let program = example("stdio")?;
    let mut report = Report::new("stdio", arguments.quick);
    let mut disk = Disk::new()?;
    if arguments.wants("start") {
        start(&arguments, directory.path(), &program, &mut report)?;
    }
    if arguments.wants("create") || arguments.wants("idle") {
        create(
            &arguments,
            directory.path(),
            &program,
            &mut disk,
            &mut report,
        )?;
    }
    report.end(&disk);
    Ok(())
}

/// From the start of the process to the answer to `initialize`.
fn start(arguments: &Arguments, directory: &Path, program: &Path, report: &mut Report) -> Outcome {
    let (mut fresh, mut again) = (Percentiles::new()?, Percentiles::new()?);
    for number in 0..arguments.rounds(30) {
        let file = directory.join(format!("start-{number}.db"));
        for times in [&mut fresh, &mut again] {
            let (server, spent) = Server::start(program, &file)?;
            times.record(spent);
            server.end()?;
        }
    }
    let bar = Bar::AtMost(20_000.0, String::new());
    report.alone(
        "start: to the first answer, file there, p50",
        "us",
        again.p50(),
        &bar,
    );
    report.alone(
        "start: to the first answer, new file, p50",
        "us",
        fresh.p50(),
        &bar,
    );
    note(format!(
        "p99 {:.0} us and {:.0} us",
        again.p99(),
        fresh.p99()
    ));
    Ok(())
}

/// Calls of `create_task`, and the memory of the server that took them.
fn create(
    arguments: &Arguments,
    directory: &Path,
    program: &Path,
    disk: &mut Disk,
    report: &mut Report,
) -> Outcome {
    disk.sample(directory)?;
    let (mut server, _) = Server::start(program, &directory.join("create.db"))?;
    sleep(arguments.pick(REST, PAUSE));
    let before = resident_mb(Some(server.child.id()))?;
    let mut times = Percentiles::new()?;
    let mut beside = Disk::new()?;
    for _ in 0..arguments.pick(500, 20) {
        // A disk that was left alone for a while takes longer than one that is kept busy, and here it always was.
        sleep(PAUSE);
        beside.sample_once(directory)?;
        sleep(PAUSE);
        times.record(server.create_task()?);
    }
    sleep(arguments.pick(REST, PAUSE));
    let after = resident_mb(Some(server.child.id()))?;
    server.end()?;
    let bar = Bar::AtMost(500.0 + beside.p50(), "0.5 ms + sync".to_owned());
    report.alone("create: create_task, p50", "us", times.p50(), &bar);
    note(format!(
        "p99 {:.0} us; sync p50 beside it {:.0} us, one after each pause of 10 ms; p99 {:.0} us",
        times.p99(),
        beside.p50(),
        beside.p99()
    ));
    let bar = Bar::AtMost(20.0, String::new());
    report.alone("idle: memory after these calls", "MB", after, &bar);
    note(format!("{before:.1} MB before them"));
    Ok(())
}

/// A server and the pipes to it.
struct Server {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    calls: u64,
}

impl Server {
    /// Starts one and says how long it took until it answered `initialize`.
    fn start(program: &Path, file: &Path) -> Outcome<(Self, Duration)> {
        let start = Instant::now();
        let mut child = Command::new(program)
            .arg("--db")
            .arg(file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("the server has no pipes".into());
        };
        let mut server = Self {
            child,
            input,
            output: BufReader::new(output),
            calls: 0,
        };
        let client = json!({
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "bench", "version": "1"},
        });
        server.call("initialize", &client)?;
        let spent = start.elapsed();
        server.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))?;
        Ok((server, spent))
    }

    /// Creates a task that the echo answers.
    fn create_task(&mut self) -> Outcome<Duration> {
        let prompt = "x".repeat(200);
        let arguments = json!({"prompt": prompt, "provider": "echo"});
        let call = json!({"name": "create_task", "arguments": arguments});
        let start = Instant::now();
        let answer = self.call("tools/call", &call)?;
        let spent = start.elapsed();
        check(answer["structuredContent"]["task_id"].is_string(), || {
            format!("create_task answered {answer}")
        })?;
        Ok(spent)
    }

    fn call(&mut self, method: &str, params: &Value) -> Outcome<Value> {
        self.calls += 1;
        let id = self.calls;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}))?;
        loop {
            let mut line = String::new();
            let read = self.output.read_line(&mut line)?;
            check(read > 0, || {
                format!("the server ended instead of answering {method}")
            })?;
            let mut message: Value = serde_json::from_str(&line)?;
            // Notifications may come between.
            if message["id"] == id {
                check(message["error"].is_null(), || {
                    format!("{method} failed: {message}")
                })?;
                return Ok(message["result"].take());
            }
        }
    }

    fn send(&mut self, message: &Value) -> Outcome {
        let mut line = message.to_string();
        line.push('\n');
        self.input.write_all(line.as_bytes())?;
        Ok(self.input.flush()?)
    }

    /// Closes its input and waits for its end.
    fn end(self) -> Outcome {
        let Self {
            mut child,
            input,
            output,
            ..
        } = self;
        drop(input);
        let status = child.wait()?;
        drop(output);
        check(status.success(), || {
            format!("the server ended with {status}")
        })
    }
}
