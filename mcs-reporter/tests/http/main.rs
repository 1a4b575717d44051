//! The HTTP transport against a server that misbehaves, byte by byte.
#![allow(clippy::unwrap_used, reason = "a helper of a test is a test")]
#![cfg(feature = "http")]

use mcs_reporter::{
    ANSWER_BYTES, ApiKey, HttpTransport, Method, Request, Response, Transport as _, TransportError,
};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const SOON: Duration = Duration::from_millis(300);

/// What a server does with a connection once it read the request.
enum Says {
    /// Sends these bytes and hangs up.
    Bytes(Vec<u8>),
    /// Sends these bytes and then resets the connection.
    Reset(Vec<u8>),
    /// Says nothing and keeps the connection.
    Nothing,
}

/// A server for one request. Returns where it is, and what it was sent.
async fn server(says: Says) -> (SocketAddr, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let request = read_request(&mut stream).await;
        match says {
            Says::Bytes(bytes) => {
                let _ = stream.write_all(&bytes).await;
                let _ = stream.shutdown().await;
            }
            Says::Reset(bytes) => {
                stream.write_all(&bytes).await.unwrap();
                stream.flush().await.unwrap();
                tokio::time::sleep(Duration::from_millis(50)).await;
                stream.set_zero_linger().unwrap();
            }
            // For longer than any of these tests waits.
            Says::Nothing => tokio::time::sleep(Duration::from_mins(1)).await,
        }
        request
    });
    (address, seen)
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(": ")?;
                name.eq_ignore_ascii_case("content-length")
                    .then(|| value.parse::<usize>().unwrap())
            });
            if body.len() >= length.unwrap_or(0) {
                return text;
            }
        }
        let mut part = [0; 4096];
        let count = stream.read(&mut part).await.unwrap();
        assert!(count > 0, "the request ended early: {text}");
        bytes.extend_from_slice(&part[..count]);
    }
}

fn request(address: SocketAddr) -> Request {
    Request {
        method: Method::Post,
        url: format!("http://{address}/api/v2/interactions"),
        key: ApiKey::new("sesame"),
        body: b"{\"n\": 1}".to_vec(),
        timeout: SOON,
    }
}

async fn send(says: Says) -> Result<Response, TransportError> {
    let (address, _seen) = server(says).await;
    let transport = HttpTransport::new(SOON).unwrap();
    transport.send(request(address)).await
}

fn http(head: &str, body: &str) -> Says {
    let head = format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n", body.len());
    Says::Bytes((head + body).into_bytes())
}

#[tokio::test]
async fn a_request_is_what_the_coordinator_expects() {
    let (address, seen) = server(http("200 OK\r\nContent-Type: application/json", "{}")).await;
    let transport = HttpTransport::new(SOON).unwrap();
    let answer = transport.send(request(address)).await.unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(answer.content_type.as_deref(), Some("application/json"));
    assert_eq!(answer.body, b"{}");
    let seen = seen.await.unwrap().to_lowercase();
    assert!(
        seen.starts_with("post /api/v2/interactions http/1.1\r\n"),
        "{seen}"
    );
    assert!(
        seen.contains("\r\nauthorization: bearer sesame\r\n"),
        "{seen}"
    );
    assert!(
        seen.contains("\r\ncontent-type: application/json\r\n"),
        "{seen}"
    );
    assert!(seen.contains("\r\nuser-agent: mcs-reporter/"), "{seen}");
    assert!(seen.ends_with("{\"n\": 1}"), "{seen}");
}

#[tokio::test]
async fn an_answer_is_handed_on_whatever_its_status() {
    for (head, retry_after) in [
        ("429 Too Many Requests\r\nRetry-After: 7", Some("7")),
        (
            "503 Service Unavailable\r\nRetry-After: Sun, 06 Nov 1994 08:49:37 GMT",
            Some("Sun, 06 Nov 1994 08:49:37 GMT"),
        ),
        ("500 Oh", None),
        ("413 Too Large", None),
    ] {
        let answer = send(http(head, "no")).await.unwrap();
        assert_eq!(answer.status.to_string(), head[..3]);
        assert_eq!(answer.retry_after.as_deref(), retry_after);
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (elsewhere, seen) = server(http("200 OK", "")).await;
    let head = format!("307 Temporary Redirect\r\nLocation: http://{elsewhere}/");
    let answer = send(http(&head, "")).await.unwrap();
    assert_eq!(answer.status, 307);
    assert!(!seen.is_finished(), "the key went elsewhere");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_no_answer() {
    let cut = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"results\": [".to_vec();
    for says in [
        Says::Bytes(cut.clone()),
        Says::Reset(cut),
        Says::Reset(Vec::new()),
        Says::Bytes(Vec::new()),
        Says::Bytes(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n".to_vec(),
        ),
        Says::Bytes(b"this is not HTTP\r\n\r\n".to_vec()),
    ] {
        let answer = send(says).await;
        assert!(
            matches!(answer, Err(TransportError::Broken(_))),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_waited_for_as_long_as_the_request_says() {
    let part = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{".to_vec();
    assert_eq!(send(Says::Nothing).await, Err(TransportError::Timeout));
    // A body that never ends is no better.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let held = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await;
        stream.write_all(&part).await.unwrap();
        std::future::pending::<()>().await;
    });
    let transport = HttpTransport::new(SOON).unwrap();
    let answer = transport.send(request(address)).await;
    assert_eq!(answer, Err(TransportError::Timeout));
    held.abort();
}

#[tokio::test]
async fn a_huge_answer_is_not_read() {
    let body = "x".repeat(ANSWER_BYTES + 1);
    assert_eq!(
        send(http("200 OK", &body)).await,
        Err(TransportError::TooLong)
    );
    let most = "x".repeat(ANSWER_BYTES);
    assert_eq!(
        send(http("200 OK", &most)).await.unwrap().body.len(),
        ANSWER_BYTES
    );
}

#[tokio::test]
async fn nobody_there_is_said_so() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let transport = HttpTransport::new(SOON).unwrap();
    let answer = transport.send(request(address)).await;
    assert!(
        matches!(answer, Err(TransportError::Connect(_))),
        "{answer:?}"
    );
}

#[tokio::test]
async fn errors_show_neither_the_key_nor_a_password_in_the_url() {
    let transport = HttpTransport::new(SOON).unwrap();
    let mut request = request("127.0.0.1:1".parse().unwrap());
    request.url = "http://somebody:hunter2@127.0.0.1:1/".to_owned();
    let error = transport.send(request.clone()).await.unwrap_err();
    let shown = format!("{error} {error:?} {transport:?}");
    assert!(
        !shown.contains("hunter2") && !shown.contains("sesame"),
        "{shown}"
    );
    // A key that no header can hold is an error, and is not shown either.
    request.key = ApiKey::new("ses\name");
    let error = transport.send(request).await.unwrap_err();
    assert!(!format!("{error:?}").contains("ses"), "{error:?}");
}
