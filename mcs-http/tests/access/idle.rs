//! Connections that are there and say nothing.

use crate::kit::{Kept, Server};
use mcs_http::Options;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const CONNECTIONS: usize = 5000;
/// Both ends of each are in this process, and some files besides.
const FILES: u64 = 2 * CONNECTIONS as u64 + 500;
/// Most memory that one may cost here, the client's end and what the system's allocator rounds up included.
const BYTES: u64 = 48 * 1024;

/// Lets this process have so many files open, or says why not.
fn make_room() -> Result<(), String> {
    let now = getrlimit(Resource::Nofile);
    if now.current.is_none_or(|current| current >= FILES) {
        return Ok(());
    }
    let raised = Rlimit {
        current: Some(FILES),
        maximum: now.maximum,
    };
    setrlimit(Resource::Nofile, raised).map_err(|error| {
        format!("this needs {FILES} open files ({error}); `ulimit -Hn {FILES}` as root allows them")
    })
}

/// Bytes of this process that are in memory.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib: u64 = line
        .unwrap()
        .split_whitespace()
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    kib * 1024
}

#[tokio::test]
async fn five_thousand_keep_nobody_out_and_cost_little() {
    if let Err(reason) = make_room() {
        assert!(
            std::env::var("MCS_TEST_REQUIRE_ALL").as_deref() != Ok("1"),
            "{reason}"
        );
        eprintln!("skipped: {reason}");
        return;
    }
    let server = Server::start(Kept::Memory, Options::default()).await;
    server.found("/api/v2/health").await;
    let before = resident();
    let mut held = Vec::with_capacity(CONNECTIONS);
    for index in 0..CONNECTIONS {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        // Every other one has asked something before it fell silent.
        if index % 2 == 0 {
            stream
                .write_all(b"GET /api/v2/health HTTP/1.1\r\nhost: localhost\r\n\r\n")
                .await
                .unwrap();
            assert!(stream.read(&mut [0; 1024]).await.unwrap() > 0);
        }
        held.push(stream);
    }
    let each = resident().saturating_sub(before) / CONNECTIONS as u64;
    println!("{each} bytes a connection");
    assert!(each < BYTES, "{each} bytes a connection");
    let began = Instant::now();
    for _ in 0..20 {
        let fresh = reqwest::get(format!("http://{}/api/v1/session", server.address)).await;
        assert_eq!(fresh.unwrap().status(), 200);
    }
    println!("20 new callers took {:?}", began.elapsed());
    drop(held);
}
