//! What happens at the end of the input.

use crate::service::{Shared, TOKEN};
use mcs_mcp::{ConnectOptions, connect_pipes};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Builder;

#[tokio::test]
async fn an_answer_is_written_whole_before_the_program_ends() {
    let shared = Shared::start().await;
    // Far less than the answer has.
    let (near, far) = tokio::io::duplex(64);
    let options = ConnectOptions::new(shared.url()).token(Some(TOKEN));
    // As in the program, whatever is still under way ends with it.
    let program = std::thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let (read, write) = tokio::io::split(far);
        runtime
            .block_on(connect_pipes(&options, read, write))
            .unwrap();
    });
    let (mut read, mut write) = tokio::io::split(near);
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }}});
    write
        .write_all(format!("{list}\n").as_bytes())
        .await
        .unwrap();
    // The answer has come, and most of it waits for room.
    let mut text = vec![read.read_u8().await.unwrap()];
    write.shutdown().await.unwrap();
    drop(write);
    read.read_to_end(&mut text).await.unwrap();
    let listed: Value = serde_json::from_slice(&text).unwrap();
    assert!(listed["result"]["tools"].is_array(), "{listed}");
    program.join().unwrap();
}
