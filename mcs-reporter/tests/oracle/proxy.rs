//! A coordinator seen through a bad network: every request may meet a fault.

use fastrand::Rng;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Longest request that the proxy carries.
const REQUEST_BYTES: usize = 4 * 1024 * 1024;
/// How long nothing listens when the coordinator is taken away.
const AWAY: Duration = Duration::from_millis(300);

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// Nothing: it is answered.
    None,
    /// The connection is reset while the body is still being read.
    ResetInBody,
    /// The coordinator does its work and the connection is reset before the answer.
    AnswerLost,
    /// The answer comes, but later.
    Late,
    /// The answer comes after the reporter has given up.
    TooLate,
    /// 429 with Retry-After, and nothing is done.
    TooMany,
    /// 500, and nothing is done.
    ServerError,
    /// The work is done and half of the answer's JSON arrives.
    Truncated,
    /// The work is done and a page of HTML says so.
    WrongType,
    /// 503 from something in between, and nothing is done.
    Unavailable,
    /// The listener goes away for a while.
    Away,
}

impl Fault {
    const ALL: [Self; 11] = [
        Self::None,
        Self::ResetInBody,
        Self::AnswerLost,
        Self::Late,
        Self::TooLate,
        Self::TooMany,
        Self::ServerError,
        Self::Truncated,
        Self::WrongType,
        Self::Unavailable,
        Self::Away,
    ];

    /// Half of the requests meet one.
    fn pick(rng: &mut Rng) -> Self {
        if rng.bool() {
            return Self::None;
        }
        Self::ALL[rng.usize(1..Self::ALL.len())]
    }
}

/// How the faults that take time are timed: around the time-out of the reporter.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Delays {
    pub(crate) late: Duration,
    pub(crate) too_late: Duration,
}

/// A running proxy.
#[derive(Debug)]
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    upstream: SocketAddr,
    delays: Delays,
    rng: Mutex<Rng>,
    healed: watch::Sender<bool>,
    /// How often each fault was met.
    met: Mutex<BTreeMap<Fault, usize>>,
}

impl Proxy {
    /// Carries requests to `upstream`, with faults drawn from `seed`.
    pub(crate) async fn start(upstream: SocketAddr, seed: u64, delays: Delays) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            upstream,
            delays,
            rng: Mutex::new(Rng::with_seed(seed)),
            healed: watch::Sender::new(false),
            met: Mutex::default(),
        });
        tokio::spawn(listen(listener, address, shared.clone()));
        Self { address, shared }
    }

    /// From now on every request is answered.
    pub(crate) fn heal(&self) {
        self.shared.healed.send_replace(true);
    }

    /// How often each fault was met.
    pub(crate) fn met(&self) -> BTreeMap<Fault, usize> {
        self.shared.met.lock().unwrap().clone()
    }
}

async fn listen(mut listener: TcpListener, address: SocketAddr, shared: Arc<Shared>) {
    loop {
        let Ok((client, _)) = listener.accept().await else {
            return;
        };
        let fault = shared.draw();
        if fault == Fault::Away {
            reset(client);
            drop(listener);
            tokio::time::sleep(AWAY).await;
            listener = TcpListener::bind(address).await.unwrap();
            continue;
        }
        let shared = shared.clone();
        tokio::spawn(async move { serve(client, fault, &shared).await });
    }
}

impl Shared {
    fn draw(&self) -> Fault {
        if *self.healed.borrow() {
            return Fault::None;
        }
        let fault = Fault::pick(&mut self.rng.lock().unwrap());
        *self.met.lock().unwrap().entry(fault).or_default() += 1;
        fault
    }

    /// Waits, unless everything has been healed meanwhile.
    async fn wait(&self, time: Duration) {
        let mut healed = self.healed.subscribe();
        let _ = tokio::time::timeout(time, healed.wait_for(|healed| *healed)).await;
    }
}

/// One request a connection: each draws its own fault.
async fn serve(mut client: TcpStream, fault: Fault, shared: &Shared) {
    if fault == Fault::ResetInBody {
        let mut some = [0; 300];
        let _ = client.read(&mut some).await;
        return reset(client);
    }
    let Some(request) = read_request(&mut client).await else {
        return;
    };
    match fault {
        Fault::TooMany => {
            let head = "HTTP/1.1 429 Too Many Requests\r\nretry-after: 1";
            return answer(client, head, b"{}").await;
        }
        Fault::ServerError => {
            return answer(client, "HTTP/1.1 500 Internal Server Error", b"oops").await;
        }
        Fault::Unavailable => {
            return answer(client, "HTTP/1.1 503 Service Unavailable", b"").await;
        }
        _ => {}
    }
    let Some(response) = forward(shared.upstream, &request).await else {
        return reset(client);
    };
    match fault {
        Fault::AnswerLost => return reset(client),
        Fault::Late => shared.wait(shared.delays.late).await,
        Fault::TooLate => shared.wait(shared.delays.too_late).await,
        Fault::Truncated => {
            let body = body_of(&response);
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json";
            return answer(client, head, &body[..body.len() / 2]).await;
        }
        Fault::WrongType => {
            let head = "HTTP/1.1 200 OK\r\ncontent-type: text/html";
            return answer(client, head, b"<html>all is well</html>").await;
        }
        _ => {}
    }
    let _ = client.write_all(&response).await;
    let _ = client.shutdown().await;
}

/// Sends the request on, on a connection of its own, and reads until its end.
async fn forward(upstream: SocketAddr, request: &[u8]) -> Option<Vec<u8>> {
    let mut server = TcpStream::connect(upstream).await.ok()?;
    let end = request.windows(2).position(|pair| pair == b"\r\n")?;
    server.write_all(&request[..end]).await.ok()?;
    server.write_all(b"\r\nconnection: close").await.ok()?;
    server.write_all(&request[end..]).await.ok()?;
    let mut response = Vec::new();
    server.read_to_end(&mut response).await.ok()?;
    Some(response)
}

async fn answer(mut client: TcpStream, head: &str, body: &[u8]) {
    let head = format!(
        "{head}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let _ = client.write_all(head.as_bytes()).await;
    let _ = client.write_all(body).await;
    let _ = client.shutdown().await;
}

/// A whole request, head and body.
async fn read_request(client: &mut TcpStream) -> Option<Vec<u8>> {
    let mut request = Vec::new();
    loop {
        if let Some(end) = end_of_head(&request)
            && request.len() >= end + content_length(&request[..end])
        {
            return Some(request);
        }
        let read = client.read_buf(&mut request).await.ok()?;
        if read == 0 || request.len() > REQUEST_BYTES {
            return None;
        }
    }
}

fn end_of_head(bytes: &[u8]) -> Option<usize> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    Some(end + 4)
}

fn content_length(head: &[u8]) -> usize {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let mut lines = head.lines();
    let length = lines.find_map(|line| line.strip_prefix("content-length:"));
    length.map_or(0, |length| length.trim().parse().unwrap())
}

fn body_of(response: &[u8]) -> &[u8] {
    end_of_head(response).map_or(&[], |end| &response[end..])
}

/// Ends the connection as a crash does, without a farewell.
fn reset(client: TcpStream) {
    let _ = client.set_zero_linger();
    drop(client);
}
