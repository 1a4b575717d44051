//! What MCS promises, shown: a thousand tasks over MCP, and the server killed in the middle of them.
//!
//! `cargo run --release --example quickstart` needs nothing but Rust. Where `OPENAI_API_KEY`, `ANTHROPIC_API_KEY` or
//! `DEEPSEEK_API_KEY` is set, it asks that model one short question as well.

mod account;
mod server;
mod session;

use account::Account;
use indicatif::ProgressBar;
use session::Session;
use std::path::Path;
use std::time::Instant;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// How many tasks to show it with. Where a machine is so fast that the kill finds nothing left to interrupt, it is shown
/// again with the next number, on a fresh file.
const TASKS: [u32; 3] = [1000, 1500, 2000];
/// The calls that create the first half; the other half comes in one.
const CALLS: u32 = 5;
const KEYS: [(&str, &str); 3] = [
    ("OPENAI_API_KEY", "openai"),
    ("ANTHROPIC_API_KEY", "anthropic"),
    ("DEEPSEEK_API_KEY", "deepseek"),
];

#[tokio::main]
async fn main() -> Outcome<()> {
    // The program starts itself again as the server.
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [] => {
            for tasks in TASKS {
                if show(tasks).await? {
                    return Ok(());
                }
            }
            Err("every kill came too late, so nothing was interrupted and nothing is shown".into())
        }
        [hidden, file] if hidden == server::SERVE => server::serve(Path::new(file)).await,
        _ => Err("quickstart takes no arguments".into()),
    }
}

/// Shows it with so many tasks; `false` if all were done before the kill.
async fn show(tasks: u32) -> Outcome<bool> {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("tasks.db");
    println!("An MCP server is started and given {tasks} tasks.");
    let (began, bar) = (Instant::now(), ProgressBar::new(tasks.into()));
    let first = Session::start(&file).await?;
    let mut accepted = Vec::new();
    let half = tasks / 2;
    for _ in 0..CALLS {
        accepted.extend(first.create((half / CALLS).try_into()?).await?);
    }
    first.until_completed(u64::from(half / 2), &bar).await?;
    // Killed as soon as these are accepted, so that most of them cannot have run.
    accepted.extend(first.create(half.try_into()?).await?);
    first.kill().await?;

    // Nobody runs now, so this is exactly what the dead server left behind.
    let left = Account::of(&file, &accepted).await?;
    let (done, open) = (left.completed, left.open);
    bar.suspend(|| {
        println!("It was killed with SIGKILL when {done} were done and {open} were not.");
    });
    if open == 0 {
        bar.finish_and_clear();
        println!("That was too late to interrupt anything, so it is shown again with more tasks.");
        return Ok(false);
    }
    bar.suspend(|| println!("Another server is started on the same file."));
    let second = Session::start(&file).await?;
    second.until_completed(tasks.into(), &bar).await?;
    let took = began.elapsed().as_secs_f64();
    bar.finish_and_clear();
    for (key, provider) in KEYS {
        if std::env::var(key).is_ok_and(|key| !key.trim().is_empty()) {
            match second.ask(provider).await {
                Ok(answer) => println!("{provider} was asked as well: {answer}"),
                Err(error) => println!("{provider} was asked as well, in vain: {error}"),
            }
        }
    }
    second.end().await?;

    let end = Account::of(&file, &accepted).await?;
    println!();
    println!("  accepted       {:>6}", accepted.len());
    println!("  completed      {:>6}", end.completed);
    println!("  lost           {:>6}", end.open);
    println!("  settled twice  {:>6}", end.settled_twice);
    println!(
        "  rescued        {:>6}   ran when the first server died, and again after it",
        end.rescued
    );
    println!("  seconds        {took:>6.2}   with the kill and both starts");
    println!("  tasks a second {:>6.0}\n", f64::from(tasks) / took);
    if end.open > 0 || end.settled_twice > 0 || accepted.len() != tasks as usize {
        return Err("a task was lost or settled twice, which must not happen".into());
    }
    println!("Every task that was accepted was done, and none was done with twice.");
    Ok(true)
}
