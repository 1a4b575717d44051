//! The whole of MCS as one service: the engine, REST, the coordinator and the page.
//!
//! `cargo run --release --example serve -- --db FILE --listen ADDRESS --config FILE`, every option optional. It is the
//! program `mcs`, which `cargo install --path mcs-http` installs.

use std::process::ExitCode;

fn main() -> ExitCode {
    mcs_http::cli::main()
}
