//! The program `mcs`: the whole service behind one command line.

mod addresses;
mod arguments;
mod failure;
mod keys;
mod logging;
mod new_token;
mod notify;
mod serve;
mod stdio;

pub use keys::KeyChange;

use crate::metrics;
use arguments::{Arguments, Command};
use failure::Failure;
use mcs_core::config::Config;
use std::process::ExitCode;
use tracing_subscriber::filter::LevelFilter;

/// Does what the arguments of the process say, and returns what it is to end with: 0, 1 where something failed, and 2
/// where the command line or the configuration is to be changed first.
pub fn main() -> ExitCode {
    let arguments = Arguments::read(std::env::args_os()).unwrap_or_else(|error| error.exit());
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("mcs: {failure}");
            failure.exit_code()
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = configuration(arguments)?;
    let serves = arguments.serves();
    // Of the rest, people and scripts want the answer.
    let log = if serves || arguments.is_stdio() {
        config.log
    } else {
        config.log.min(LevelFilter::WARN)
    };
    logging::start(log)?;
    if serves {
        metrics::install()?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_name("mcs")
        .enable_all()
        .build()
        .map_err(Failure::Runtime)?;
    let done = match (&arguments.new_token, &arguments.command) {
        (Some(order), _) => runtime.block_on(new_token::run(&config, order)),
        (None, Some(Command::Keys(change))) => runtime.block_on(keys::run(&config, change)),
        (None, Some(Command::Stdio { connect })) => {
            runtime.block_on(stdio::serve(&config, connect.as_deref()))
        }
        (None, Some(Command::Serve) | None) => runtime.block_on(serve::serve(&config)),
    };
    // What blocks, such as the resolution of a name, is not waited for.
    runtime.shutdown_background();
    done
}

/// The configuration with what the command line says.
fn configuration(arguments: &Arguments) -> Result<Config, Failure> {
    let environment = |name: &str| std::env::var(name).ok();
    let mut config = Config::load(arguments.config.as_deref(), environment)?;
    arguments.apply(&mut config);
    Ok(config)
}
