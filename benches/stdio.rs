//! What the stdio server costs its client: how soon it answers, how soon a task is stored, and how much memory it holds.

mod support;

use serde_json::json;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};
use support::{
    Arguments, Bar, Disk, Outcome, Percentiles, Pipes, Report, check, example, note, resident_mb,
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
            let (server, spent) = Pipes::start(&mut serve(program, &file))?;
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
    let (mut server, _) = Pipes::start(&mut serve(program, &directory.join("create.db")))?;
    sleep(arguments.pick(REST, PAUSE));
    let before = resident_mb(Some(server.id()))?;
    let mut times = Percentiles::new()?;
    let mut beside = Disk::new()?;
    for _ in 0..arguments.pick(500, 20) {
        // A disk that was left alone for a while takes longer than one that is kept busy, and here it always was.
        sleep(PAUSE);
        beside.sample_once(directory)?;
        sleep(PAUSE);
        times.record(create_task(&mut server)?);
    }
    sleep(arguments.pick(REST, PAUSE));
    let after = resident_mb(Some(server.id()))?;
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

/// The server on a file.
fn serve(program: &Path, file: &Path) -> Command {
    let mut command = Command::new(program);
    command.arg("--db").arg(file);
    command
}

/// Creates a task that the echo answers.
fn create_task(server: &mut Pipes) -> Outcome<Duration> {
    let arguments = json!({"prompt": "x".repeat(200), "provider": "echo"});
    let start = Instant::now();
    let answer = server.tool("create_task", &arguments)?;
    let spent = start.elapsed();
    check(answer["structuredContent"]["task_id"].is_string(), || {
        format!("create_task answered {answer}")
    })?;
    Ok(spent)
}
