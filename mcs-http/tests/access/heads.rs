//! Heads and bodies that are too large, too slow, or no HTTP at all.

use crate::kit::{Kept, PATIENCE, Server};
use mcs_http::Options;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Duration, Instant, timeout};

async fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(server.address).await.unwrap()
}

/// What is answered until the connection ends.
async fn rest(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let read = timeout(PATIENCE, stream.read_to_end(&mut answer));
    read.await.expect("an end").unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let server = Server::start(Kept::Memory, Options::default()).await;
    for (name, value) in [
        ("cookie".to_owned(), "x".repeat(200_000)),
        (
            "authorization".to_owned(),
            format!("Bearer {}", "x".repeat(200_000)),
        ),
        ("x".repeat(70_000), "y".to_owned()),
    ] {
        let mut stream = connect(&server).await;
        let head =
            format!("GET /api/v1/tasks HTTP/1.1\r\nhost: localhost\r\n{name}: {value}\r\n\r\n");
        let _ = stream.write_all(head.as_bytes()).await;
        let answer = rest(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    }
    let mut stream = connect(&server).await;
    let many = "x: y\r\n".repeat(100);
    let head = format!("GET /api/v1/tasks HTTP/1.1\r\nhost: localhost\r\n{many}\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    assert!(rest(&mut stream).await.starts_with("HTTP/1.1 431"));
    let path = "x".repeat(70_000);
    let mut stream = connect(&server).await;
    let head = format!("GET /{path} HTTP/1.1\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    assert!(rest(&mut stream).await.starts_with("HTTP/1.1 414"));
    server.found("/api/v2/health").await;
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_as_it_comes() {
    let server = Server::start(Kept::Memory, Options::default()).await;
    let mut stream = connect(&server).await;
    let head = "POST /api/v1/tasks HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                transfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let part = format!("10000\r\n{}\r\n", " ".repeat(0x1_0000));
    let mut answer = [0; 12];
    let mut sent = 0;
    let sending = async {
        while stream.try_read(&mut answer).is_err() {
            if stream.write_all(part.as_bytes()).await.is_err() {
                break;
            }
            sent += 0x1_0000;
        }
    };
    timeout(PATIENCE, sending)
        .await
        .expect("it is refused before its end");
    assert_eq!(&answer, b"HTTP/1.1 413");
    // What is on its way in the buffers of the system comes on top.
    assert!(sent < 64 * 1024 * 1024, "{sent}");
    server.found("/api/v2/health").await;
}

#[tokio::test]
async fn who_is_not_known_sends_no_large_body() {
    let server = Server::start(Kept::Memory, Options::default()).await;
    let most = server.options.max_body_bytes;
    let chunk = format!("2000\r\n{}\r\n", " ".repeat(0x2000));
    let mut open = Vec::new();
    for (length, body) in [
        (format!("content-length: {most}"), ""),
        ("transfer-encoding: chunked".to_owned(), chunk.as_str()),
    ] {
        let mut stream = connect(&server).await;
        let head = format!(
            "POST /api/v1/session HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n{length}\r\n\r\n{body}"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        let read = timeout(PATIENCE, stream.read_exact(&mut answer));
        read.await.expect("at once").unwrap();
        assert_eq!(&answer, b"HTTP/1.1 413", "{length}");
        open.push(stream);
    }
    let task = serde_json::json!({"kind": "idle", "payload": {}});
    assert_eq!(server.post("/api/v1/tasks", &task).await.0, 201);
}

#[tokio::test]
async fn a_login_from_elsewhere_is_refused_before_its_body_is_read() {
    let server = Server::start(Kept::Memory, Options::default()).await;
    let mut stream = connect(&server).await;
    let head = "POST /api/v1/session HTTP/1.1\r\nhost: localhost\r\norigin: https://evil.example\r\n\
                content-type: application/json\r\ncontent-length: 20\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    let read = timeout(PATIENCE, stream.read_exact(&mut answer));
    read.await.expect("without its body").unwrap();
    assert_eq!(&answer, b"HTTP/1.1 403");
}

#[tokio::test]
async fn requests_in_a_row_are_answered_in_order() {
    let server = Server::start(Kept::Memory, Options::default()).await;
    let mut stream = connect(&server).await;
    let ask =
        |path: &str, more: &str| format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n{more}\r\n");
    let asked = ask("/api/v2/health", "")
        + &ask("/nothing", "")
        + &ask("/api/v1/tasks", "")
        + &ask("/api/v2/health", "connection: close\r\n");
    stream.write_all(asked.as_bytes()).await.unwrap();
    let answer = rest(&mut stream).await;
    let lines = answer.lines().filter(|line| line.contains("HTTP/1.1 "));
    let statuses: Vec<&str> = lines
        .map(|line| line.rsplit_once("HTTP/1.1 ").unwrap().1.get(..3).unwrap())
        .collect();
    assert_eq!(statuses, ["200", "404", "200", "200"], "{answer}");
}

#[tokio::test]
async fn two_lengths_are_no_request() {
    let server = Server::start(Kept::Memory, Options::default()).await;
    for lengths in [
        "content-length: 5\r\ncontent-length: 6\r\n",
        "content-length: -1\r\n",
        "content-length: 0x10\r\n",
        "transfer-encoding: identity, chunkedd\r\n",
    ] {
        let mut stream = connect(&server).await;
        let head = format!(
            "POST /api/v1/tasks HTTP/1.1\r\nhost: localhost\r\n{lengths}\r\nhello GET / HTTP/1.1\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let answer = rest(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{lengths}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
    }
}

/// The clock moves on by itself while everybody waits, so a minute takes no time.
#[tokio::test(start_paused = true)]
async fn a_head_that_comes_byte_by_byte_does_not_come_for_ever() {
    let server = Server::start(Kept::Memory, Options::default()).await;
    let mut stream = connect(&server).await;
    let began = Instant::now();
    let head = "GET /api/v1/tasks HTTP/1.1\r\nhost: localhost\r\nx-padding: ";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 64];
    let dripping = async {
        loop {
            tokio::time::sleep(Duration::from_secs(5)).await;
            if stream.write_all(b"x").await.is_err() {
                return;
            }
            match stream.try_read(&mut answer) {
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                _ => return,
            }
        }
    };
    timeout(Duration::from_mins(10), dripping)
        .await
        .expect("an end");
    let took = began.elapsed();
    assert!(took < Duration::from_mins(2), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_comes_byte_by_byte_does_not_come_for_ever() {
    let server = Server::start(Kept::Memory, Options::default()).await;
    let mut stream = connect(&server).await;
    let began = Instant::now();
    let head = "POST /api/v1/tasks HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                content-length: 100000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 1024];
    let dripping = async {
        loop {
            tokio::select! {
                read = stream.read(&mut answer) => return read.unwrap(),
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
            }
            stream.write_all(b" ").await.unwrap();
        }
    };
    let read = timeout(Duration::from_mins(10), dripping).await;
    let answer = String::from_utf8_lossy(&answer[..read.expect("an end")]).into_owned();
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(
        began.elapsed() < Duration::from_mins(1),
        "{:?}",
        began.elapsed()
    );
}
