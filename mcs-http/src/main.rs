//! MCS as a service of its own: `mcs --help` says how.

use std::process::ExitCode;

fn main() -> ExitCode {
    mcs_http::cli::main()
}
