//! Claude Code asks before it acts, and a person at the terminal answers: yes, always, or no with a reason.
//!
//! `cargo run --example approve -- --directory ~/project "Rename main.rs to app.rs"`. The task waits for as long as the
//! person does, with its clock stopped. Where MCS is an MCP server, an agent answers with the tool that is printed here.

use clap::Parser;
use mcs_core::config::Config;
use mcs_core::domain::{Approval, ApprovalAnswer, Decision, InputRequest, TaskId};
use mcs_core::service::{Principal, Tasks};
use serde_json::json;
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader, Lines, Stdin, stdin};

/// Gives a prompt to Claude Code, which asks before it uses a tool.
#[derive(Parser)]
struct Options {
    /// What is to be done.
    prompt: String,
    /// Where.
    #[arg(long, default_value = ".")]
    directory: PathBuf,
    /// The program.
    #[arg(long, default_value = "claude")]
    claude: PathBuf,
}

#[tokio::main]
async fn main() -> ExitCode {
    let ran = run(Options::parse()).await;
    // Where the program is missing or not logged in, this says what to do about it.
    let ran = ran.inspect_err(|error| eprintln!("approve: {error}"));
    ExitCode::from(u8::from(ran.is_err()))
}

async fn run(options: Options) -> Result<(), Box<dyn Error>> {
    let directory = options.directory.canonicalize()?;
    let mut config = Config::in_memory();
    config.directories.allowed = Some(vec![directory.clone()]);
    config.claude_code.path = options.claude;
    let service = mcs_core::open(&config).await?;
    let (tasks, me) = (service.tasks(), Principal::local());
    let payload = json!({
        "prompt": options.prompt, "work_directory": directory, "permission_mode": "ask",
    });
    let task = service.new_task("claude_code", payload);
    let id = tasks.create(&me, task).await?.id;
    let mut typed = BufReader::new(stdin()).lines();
    let mut events = service.engine().subscribe();
    let task = loop {
        let task = tasks.status(&me, id).await?;
        if task.status.is_terminal() {
            break task;
        }
        let mut asked = task.input_requests.iter();
        match asked.find(|asked| asked.response.is_none()) {
            Some(question) => answer(&tasks, &me, id, question, &mut typed).await?,
            None => drop(events.recv().await),
        }
    };
    let result = tasks.result(&me, id).await?.result.unwrap_or_default();
    let error = task.error.map(|error| error.message).unwrap_or_default();
    println!("{}: {}{error}", task.status, result.joined_text());
    println!("cost: ${:.4}", task.usage.cost_usd);
    service.shutdown(Duration::from_secs(1)).await?;
    Ok(())
}

/// Shows a question and passes on what is typed. Who types nothing more says no.
async fn answer(
    tasks: &Tasks<'_>,
    me: &Principal,
    id: TaskId,
    question: &InputRequest,
    typed: &mut Lines<BufReader<Stdin>>,
) -> Result<(), Box<dyn Error>> {
    let approval = Approval::of(&question.request).ok_or("a question that is no approval")?;
    println!("\n{}\n  {}", approval.message, approval.input);
    let over_mcp = json!({"task_id": id, "key": question.key, "decision": "allow"});
    println!("  over MCP: respond_to_task {over_mcp}");
    println!("[y]es, [a]lways in this task, or why not?");
    let said = typed.next_line().await?.unwrap_or_default();
    let answer = match said.trim() {
        "y" | "yes" => ApprovalAnswer::new(Decision::Allow),
        "a" | "always" => ApprovalAnswer::new(Decision::AllowAlways),
        "" => ApprovalAnswer::new(Decision::Deny),
        reason => ApprovalAnswer::deny(reason),
    };
    // Somebody else may have answered meanwhile, or the task may be over; the loop looks again.
    let taken = tasks.respond(me, id, Some(&question.key), answer.to_json());
    if let Err(error) = taken.await {
        println!("not taken: {error}");
    }
    Ok(())
}
