//! A stand-in for the program `claude` that does as it is told: it takes the flags of the real one, speaks its lines in
//! both directions, and follows the script in its prompt and in its environment.
//!
//! | variable | |
//! |---|---|
//! | `CLAUDE_STAND_IN_SCRIPT` | directives that come before those of each prompt |
//! | `CLAUDE_STAND_IN_STATE` | directory of what it remembers of its sessions; one in the temporary directory by default |
//! | `CLAUDE_STAND_IN_PIDS` | directory in which each grandchild leaves an empty file named by its process id |
//! | `CLAUDE_STAND_IN_LOGGED_OUT` | it says that it is not logged in |
//! | `CLAUDE_STAND_IN_VERSION` | the version it claims to be |
//!
//! The directives are listed at `script::Directive`.

mod acts;
mod flags;
mod grandchild;
mod inbox;
mod lines;
mod script;
mod session;
mod tools;
mod turn;

use flags::{Flags, Wish};
use inbox::{Inbox, Input};
use serde_json::json;
use session::Session;
use std::io::Read as _;
use std::process::ExitCode;
use turn::{Ended, Host};

const VERSION: &str = "2.1.328";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match Flags::read(&arguments) {
        Ok(Wish::Version) => {
            let version = std::env::var("CLAUDE_STAND_IN_VERSION");
            println!("{} (Claude Code)", version.as_deref().unwrap_or(VERSION));
            ExitCode::SUCCESS
        }
        Ok(Wish::AuthStatus) => auth_status(),
        Ok(Wish::Grandchild(arguments)) => grandchild::live(&arguments),
        Ok(Wish::Run(flags)) => run(flags, arguments),
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn auth_status() -> ExitCode {
    let logged_in = std::env::var_os("CLAUDE_STAND_IN_LOGGED_OUT").is_none();
    let method = if logged_in { "api_key" } else { "none" };
    println!("{}", json!({"loggedIn": logged_in, "authMethod": method}));
    ExitCode::from(u8::from(!logged_in))
}

fn run(flags: Flags, arguments: Vec<String>) -> ExitCode {
    let session = match Session::open(&flags) {
        Ok(session) => session,
        Err(refusal) => {
            if let Some(line) = refusal.line {
                lines::write(&line);
            }
            eprintln!("{}", refusal.message);
            return ExitCode::FAILURE;
        }
    };
    // Two threads, so that a signal is heard while a line waits for its reader.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let code = runtime.block_on(serve(flags, arguments, session));
    // The thread that reads stdin cannot be woken.
    runtime.shutdown_background();
    ExitCode::from(code)
}

async fn serve(flags: Flags, arguments: Vec<String>, session: Session) -> u8 {
    let streams = flags.streams_input;
    let mut host = Host::new(flags, arguments, session);
    let mut inbox = Inbox::open(streams, host.session.clone());
    if !streams {
        let mut prompt = String::new();
        let _ = std::io::stdin().read_to_string(&mut prompt);
        let ended = host.turn(&mut inbox, &prompt).await;
        return ended.unwrap_or_else(|| host.exit_code());
    }
    loop {
        match inbox.next().await {
            Input::Prompt(prompt) => {
                if let Some(code) = host.turn(&mut inbox, &prompt).await {
                    return code;
                }
            }
            Input::Interrupt(id) => host.interrupted(Ended::Interrupt(id)),
            Input::Signal => {
                host.interrupted(Ended::Signal);
                return 0;
            }
            Input::End => return host.last_words(&mut inbox).await,
            Input::Answer { .. } => {}
        }
    }
}
