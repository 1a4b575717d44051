//! A task for Claude Code: what it does as it does it, then its answer, its cost, and the files it changed.
//!
//! `cargo run --example claude_code -- --directory ~/project "What is this project about?"`, with Claude Code installed
//! and logged in. `--claude PATH` names another program in its place.

use clap::Parser;
use mcs_core::config::Config;
use mcs_core::domain::{EventBatch, EventKind, Status, TaskId};
use mcs_core::engine::EngineEvent;
use mcs_core::service::Principal;
use serde_json::{Value, json};
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Gives a prompt to Claude Code in a directory.
#[derive(Parser)]
struct Options {
    /// What is to be done.
    prompt: String,
    /// Where. Claude Code may edit the files here.
    #[arg(long, default_value = ".")]
    directory: PathBuf,
    /// The program.
    #[arg(long, default_value = "claude")]
    claude: PathBuf,
}

#[tokio::main]
async fn main() -> ExitCode {
    run(Options::parse()).await.unwrap_or_else(|error| {
        // Where the program is missing or not logged in, this says what to do about it.
        eprintln!("claude_code: {error}");
        ExitCode::FAILURE
    })
}

async fn run(options: Options) -> Result<ExitCode, Box<dyn Error>> {
    let directory = options.directory.canonicalize()?;
    // Nothing is kept here; name a database and the task survives the end of this program.
    let mut config = Config::in_memory();
    config.directories.allowed = Some(vec![directory.clone()]);
    config.claude_code.path = options.claude;
    let service = mcs_core::open(&config).await?;
    let (tasks, me) = (service.tasks(), Principal::local());
    let mut events = service.engine().subscribe();
    let payload =
        json!({"prompt": options.prompt, "work_directory": directory, "max_budget_usd": 1});
    let task = service.new_task("claude_code", payload);
    let id = tasks.create(&me, task).await?.id;
    println!("task {id}");
    loop {
        match events.recv().await {
            Ok(EngineEvent::Batch(batch)) if tell(&batch, id) => break,
            // More happened at once than is kept; the end may have been among it.
            Err(_) if tasks.status(&me, id).await?.status.is_terminal() => break,
            _ => {}
        }
    }
    let outcome = tasks.result(&me, id).await?;
    if let Some(error) = outcome.task.error {
        println!("{}: {}", outcome.task.status, error.message);
    }
    let result = outcome.result.unwrap_or_default();
    let cost = outcome.task.usage.cost_usd;
    println!("\n{}\n\ncost: ${cost:.4}", result.joined_text());
    let structured = result.structured.unwrap_or_default();
    let files = structured["files_changed"]["files"].as_array();
    for file in files.into_iter().flatten() {
        println!("{}: {}", file["change"], file["path"]);
    }
    service.shutdown(Duration::from_secs(1)).await?;
    let failed = outcome.task.status != Status::Completed;
    Ok(ExitCode::from(u8::from(failed)))
}

/// Prints a line for each thing that was done, and returns whether the task has ended.
fn tell(batch: &EventBatch, id: TaskId) -> bool {
    let mut of_task = batch.events.iter().filter(|event| event.task == id);
    for event in of_task
        .clone()
        .filter(|event| event.kind == EventKind::Output)
    {
        let entry = event.detail.clone().unwrap_or_default();
        let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
        match text("type") {
            "message" => println!("{}", text("text")),
            "tool_call" => println!("- {} {}", text("name"), entry["input"]),
            "tool_result" if entry["is_error"] == true => println!("  failed: {}", text("text")),
            "warning" => println!("! {}", text("message")),
            _ => {}
        }
    }
    of_task.any(|event| event.kind.ends_as().is_some())
}
