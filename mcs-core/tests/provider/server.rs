//! An HTTP server that does exactly what a test tells it to, down to the packet.

use serde_json::Value;
use std::fmt::Write;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// The key that tests use and that no error may show.
pub(crate) const KEY: &str = "test-key-0123456789";

/// What the server does with a connection once it has read a request.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Writes the bytes at once.
    Send(Vec<u8>),
    /// Stops the clock, so that it jumps to the next timeout, and waits until the client hangs up.
    Silence,
    /// Stops the clock and writes the bytes again and again, so long apart.
    Repeat(Vec<u8>, Duration),
    /// Waits until the client hangs up.
    Hold,
}

/// What a client sent.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) head: String,
    pub(crate) body: Value,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self
            .head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(": "));
        lines
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }
}

/// A server on loopback. It answers each request with the steps of its place and then closes the connection.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    requests: mpsc::Receiver<Request>,
    hangups: mpsc::Receiver<()>,
}

impl Server {
    /// A server that answers every request alike.
    pub(crate) async fn start(steps: Vec<Step>) -> Self {
        Self::start_with(vec![], steps).await
    }

    /// A server that answers the first requests one by one, and all that follow with `then`.
    pub(crate) async fn start_with(first: Vec<Vec<Step>>, then: Vec<Step>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (requested, requests) = mpsc::channel(64);
        let (hung_up, hangups) = mpsc::channel(64);
        tokio::spawn(async move {
            let mut first = first.into_iter();
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(
                    socket,
                    first.next().unwrap_or_else(|| then.clone()),
                    requested.clone(),
                    hung_up.clone(),
                ));
            }
        });
        Self {
            address,
            requests,
            hangups,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The next request it got.
    pub(crate) async fn request(&mut self) -> Request {
        self.requests.recv().await.unwrap()
    }

    /// How many requests it got that nobody has looked at.
    pub(crate) fn unseen(&self) -> usize {
        self.requests.len()
    }

    /// Returns when a client has hung up on it.
    pub(crate) async fn hangup(&mut self) {
        self.hangups.recv().await.unwrap();
    }
}

async fn serve(
    mut socket: TcpStream,
    steps: Vec<Step>,
    requested: mpsc::Sender<Request>,
    hung_up: mpsc::Sender<()>,
) {
    socket.set_nodelay(true).unwrap();
    let Some(request) = read_request(&mut socket).await else {
        return;
    };
    requested.send(request).await.unwrap();
    for step in steps {
        let end = match step {
            Step::Send(bytes) => socket.write_all(&bytes).await,
            Step::Silence => {
                tokio::time::pause();
                hold(&mut socket).await
            }
            Step::Hold => hold(&mut socket).await,
            Step::Repeat(bytes, every) => {
                tokio::time::pause();
                repeat(&mut socket, &bytes, every).await
            }
        };
        if end.is_err() {
            // A test that is over no longer listens.
            let _ = hung_up.send(()).await;
            return;
        }
    }
}

async fn read_request(socket: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if socket.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).unwrap();
    let mut request = Request {
        head,
        body: Value::Null,
    };
    let length: usize = request
        .header("content-length")
        .map_or(0, |length| length.parse().unwrap());
    while bytes.len() < head_end + 4 + length {
        socket.read_buf(&mut bytes).await.ok()?;
    }
    request.body = serde_json::from_slice(&bytes[head_end + 4..]).unwrap();
    Some(request)
}

async fn hold(socket: &mut TcpStream) -> std::io::Result<()> {
    while socket.read(&mut [0; 64]).await? > 0 {}
    Err(std::io::ErrorKind::ConnectionReset.into())
}

async fn repeat(socket: &mut TcpStream, bytes: &[u8], every: Duration) -> std::io::Result<()> {
    loop {
        socket.write_all(bytes).await?;
        tokio::time::sleep(every).await;
    }
}

/// An answer with its length told, and with more of its head than that.
pub(crate) fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Vec<Step> {
    let mut head = format!(
        "HTTP/1.1 {status} Because\r\ncontent-length: {}\r\nconnection: close\r\n",
        body.len()
    );
    if headers.iter().all(|(name, _)| *name != "content-type") {
        head.push_str("content-type: application/json\r\n");
    }
    for (name, value) in headers {
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    vec![Step::Send(format!("{head}\r\n{body}").into_bytes())]
}

/// The head of a stream whose parts follow by [`part`].
pub(crate) fn stream_head() -> Step {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nx-request-id: req-7\r\n\
                transfer-encoding: chunked\r\nconnection: close\r\n\r\n";
    Step::Send(head.into())
}

/// A part of a stream, as one chunk of the transfer.
pub(crate) fn part(text: &str) -> Step {
    Step::Send(chunked(text))
}

pub(crate) fn chunked(text: &str) -> Vec<u8> {
    format!("{:x}\r\n{text}\r\n", text.len()).into_bytes()
}

/// The regular end of a stream's transfer.
pub(crate) fn stream_end() -> Step {
    Step::Send(b"0\r\n\r\n".to_vec())
}

/// A whole stream that is sent in `parts`.
pub(crate) fn stream(parts: &[&str]) -> Vec<Step> {
    let parts = parts.iter().map(|text| part(text));
    std::iter::once(stream_head())
        .chain(parts)
        .chain([stream_end()])
        .collect()
}

/// An event of any data.
pub(crate) fn event(data: &Value) -> String {
    format!("data: {data}\n\n")
}
