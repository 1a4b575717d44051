//! The stand-in of the Anthropic API, to try Claude Code against by hand:
//! `cargo run -p mcs-core --example anthropic_stand_in -- 127.0.0.1:8099`

#[path = "mod.rs"]
mod anthropic;

use anthropic::Anthropic;

#[tokio::main]
async fn main() {
    let address = std::env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:0");
    let server = Anthropic::bind(address).await;
    for (name, value) in server.environment() {
        println!("export {name}={value}");
    }
    std::future::pending::<()>().await;
}
