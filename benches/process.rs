//! What children cost: reading a line of their output, and the time from a cancel until nothing of them is left.

mod support;

use mcs_core::process::{
    Child, DEFAULT_ENVIRONMENT, Identity, Ladder, Spawner, Spec, TAG_VARIABLE, allowed_environment,
};
use std::io::Write;
use std::process::Command;
use std::time::{Duration, Instant};
use support::{Arguments, Bar, Disk, Outcome, Percentiles, Report, check, note};

/// Lines of a child's output, about as long as those of a model's stream.
const LINE: usize = 200;
/// Of the whole way of a line, from the child to the task's events, in microseconds.
const LINE_BAR: f64 = 20.0;
/// From a cancel until nothing is left, in milliseconds.
const OBEYS_BAR: f64 = 2_000.0;
const REFUSES_BAR: f64 = 12_000.0;
/// How long a child may take to end once it is told to.
const GRACE: Duration = Duration::from_secs(5);
/// Children that are cancelled at random moments, and how late.
const RANDOM: usize = 200;
const LATEST_MS: u64 = 50;
/// How the benchmark starts itself again.
const WRITES: &str = "writes";
const FAMILY: &str = "family";
const STAYS: &str = "stays";

fn main() -> Outcome {
    let arguments = Arguments::read();
    match arguments.child.as_deref() {
        Some(FAMILY) => family(),
        Some(STAYS) => stay(),
        Some(words) if words.starts_with(WRITES) => write(words),
        _ => measure(&arguments),
    }
}

#[tokio::main]
async fn measure(arguments: &Arguments) -> Outcome {
    let mut report = Report::new("process", arguments.quick);
    let mut disk = Disk::new()?;
    disk.sample(arguments.directory()?.path())?;
    let spawner = Spawner::start()?;
    if arguments.wants("lines") {
        lines(arguments, &spawner, &mut report).await?;
    }
    if arguments.wants("cancel") {
        let obeys = cancels(arguments.pick(100, 3), "", &spawner).await?;
        tell(&mut report, "a child that obeys", &obeys, OBEYS_BAR);
        // Each takes the whole grace: they run side by side.
        let refuses = cancels(arguments.pick(20, 2), "trap '' INT TERM; ", &spawner).await?;
        tell(
            &mut report,
            "one that ignores all but KILL",
            &refuses,
            REFUSES_BAR,
        );
    }
    if arguments.wants("random") {
        random(arguments, &spawner).await?;
    }
    report.end(&disk);
    Ok(())
}

/// Reads many lines, and the same lines with nothing but a buffer in between.
async fn lines(arguments: &Arguments, spawner: &Spawner, report: &mut Report) -> Outcome {
    let count = arguments.pick(1_000_000, 20_000);
    let words = format!("{WRITES} {count}");
    let mut pairs = Vec::new();
    for _ in 0..arguments.rounds(5) {
        let bare = per_line(count, bare(&words, count)?);
        let mut child = spawner.spawn(again(&words)?).await?;
        let mut lines = child.take_lines().ok_or("it has no output")?;
        let (began, mut read) = (Instant::now(), 0);
        while let Some(line) = lines.next().await? {
            read += usize::from(line.bytes.len() == LINE && !line.more && !line.cut);
        }
        let took = began.elapsed();
        check(read == count, || format!("{read} of {count} lines arrived"))?;
        child.end().await;
        pairs.push((bare, per_line(count, took)));
    }
    let ours = support::median(pairs.iter().map(|pair| pair.1).collect());
    let bare = support::median(pairs.iter().map(|pair| pair.0).collect());
    let bar = Bar::AtMost(LINE_BAR, "of the whole way".to_owned());
    report.alone("lines: one of 200 bytes, read", "us", ours, &bar);
    note(format!(
        "the same lines through the standard library take {bare:.2} us each"
    ));
    Ok(())
}

/// The time that the standard library takes for as many lines.
fn bare(words: &str, count: usize) -> Outcome<Duration> {
    use std::io::{BufRead, BufReader};
    let mut child = Command::new(std::env::current_exe()?)
        .args(["--child", words])
        .stdout(std::process::Stdio::piped())
        .spawn()?;
    let output = child.stdout.take().ok_or("it has no output")?;
    let began = Instant::now();
    let read = BufReader::new(output)
        .split(b'\n')
        .map_while(Result::ok)
        .count();
    let took = began.elapsed();
    child.wait()?;
    check(read == count, || format!("{read} of {count} lines arrived"))?;
    Ok(took)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a benchmark counts to a few millions"
)]
fn per_line(count: usize, took: Duration) -> f64 {
    support::micros(took) / count as f64
}

/// The times from a cancel until nothing is left, for children that a shell starts after `before`.
async fn cancels(count: usize, before: &str, spawner: &Spawner) -> Outcome<Percentiles> {
    let cancels = (0..count).map(|_| {
        let (spawner, before) = (spawner.clone(), before.to_owned());
        tokio::spawn(async move { cancel(&before, &spawner).await })
    });
    let mut times = Percentiles::new()?;
    for cancel in cancels.collect::<Vec<_>>() {
        times.record(cancel.await??);
    }
    Ok(times)
}

async fn cancel(before: &str, spawner: &Spawner) -> Outcome<Duration> {
    let mut spec = again(FAMILY)?;
    let script = format!("{before}exec \"$0\" \"$@\"");
    let program = std::mem::replace(&mut spec.program, "/bin/sh".into());
    spec.arguments
        .splice(0..0, ["-c".into(), script.into(), program.into()]);
    let mut child = spawner.spawn(spec).await?;
    let own = members(&mut child).await?;
    let began = Instant::now();
    child.stop(&Ladder::terminate(GRACE)).await;
    let took = began.elapsed();
    check(own.iter().all(|one| !one.is_alive()), || {
        "a process survived its end".to_owned()
    })?;
    Ok(took)
}

/// The child, its child and one in a session of its own, once all of them run.
async fn members(child: &mut Child) -> Outcome<Vec<Identity>> {
    let mut lines = child.take_lines().ok_or("it has no output")?;
    let mut members = Vec::new();
    while members.len() < 3 {
        let line = lines.next().await?.ok_or("it said too little")?;
        let pid = String::from_utf8(line.bytes)?.parse()?;
        members.push(Identity::of(pid).ok_or("a process ended by itself")?);
    }
    Ok(members)
}

/// Ends children at random moments of their lives, mostly before they have started what they start.
async fn random(arguments: &Arguments, spawner: &Spawner) -> Outcome {
    let count = arguments.pick(RANDOM, 20);
    let ends = (0..count).map(|number| {
        let (spawner, spec) = (spawner.clone(), again(FAMILY));
        tokio::spawn(async move {
            let mut child = spawner.spawn(spec?).await?;
            tokio::time::sleep(Duration::from_millis(fastrand::u64(..LATEST_MS))).await;
            // Half of them are dropped, as where a runtime does not wait.
            if number % 2 == 0 {
                child.end().await;
            }
            Outcome::Ok(())
        })
    });
    for end in ends.collect::<Vec<_>>() {
        end.await??;
    }
    spawner.idle().await;
    let left = survivors();
    check(left == 0, || {
        format!("{left} processes survived {count} cancels")
    })?;
    note(format!(
        "random: {count} cancels within {LATEST_MS} ms of a start, 0 survivors"
    ));
    Ok(())
}

/// Processes that carry the tag of this one, whatever program they run.
fn survivors() -> usize {
    let own = format!("={}.", std::process::id());
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let carries = |process: &std::path::Path| {
        let environment = std::fs::read(process.join("environ")).unwrap_or_default();
        let mut variables = environment.split(|byte| *byte == 0);
        variables.any(|variable| {
            let text = String::from_utf8_lossy(variable);
            text.strip_prefix(TAG_VARIABLE)
                .is_some_and(|value| value.contains(&own))
        })
    };
    entries.filter(|entry| carries(&entry.path())).count()
}

fn tell(report: &mut Report, who: &str, times: &Percentiles, bar: f64) {
    for (name, percent) in [("p50", 50.0), ("p99", 99.0)] {
        let what = format!("cancel: {who}, until nothing of three processes is left, {name}");
        let bar = Bar::AtMost(bar, String::new());
        report.alone(&what, "ms", times.at(percent) / 1e3, &bar);
    }
}

/// This program as the child `words`.
fn again(words: &str) -> Outcome<Spec> {
    let mut spec = Spec::new(std::env::current_exe()?, std::env::temp_dir());
    spec.arguments = vec!["--child".into(), words.into()];
    spec.environment = allowed_environment(&DEFAULT_ENVIRONMENT.map(str::to_owned));
    spec.label = "benchmark".into();
    Ok(spec)
}

/// The child that writes as many lines as it is told.
fn write(words: &str) -> Outcome {
    let count: usize = words.trim_start_matches(WRITES).trim().parse()?;
    let line = "x".repeat(LINE) + "\n";
    let mut output = std::io::BufWriter::with_capacity(64 * 1024, std::io::stdout().lock());
    for _ in 0..count {
        output.write_all(line.as_bytes())?;
    }
    Ok(output.flush()?)
}

/// The child that starts one in its group and one in a session of its own.
fn family() -> Outcome {
    for program in ["", "setsid"] {
        let own = std::env::current_exe()?;
        let mut command = match program {
            "" => Command::new(own),
            program => {
                let mut command = Command::new(program);
                command.arg(own);
                command
            }
        };
        command.args(["--child", STAYS]).spawn()?;
    }
    stay()
}

/// The child that says who it is and stays.
fn stay() -> Outcome {
    println!("{}", std::process::id());
    loop {
        std::thread::park();
    }
}
