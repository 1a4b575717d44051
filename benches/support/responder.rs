use super::Outcome;
use mcs_core::domain::interaction::{BatchAnswer, EventAnswer, EventBatchBody, EventOutcome};
use serde::Deserialize;
use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A coordinator that keeps nothing but the ids of events, and takes its time to answer.
#[derive(Debug)]
pub(crate) struct Responder {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

/// What arrived.
#[derive(Debug, Default)]
struct Seen {
    ids: HashSet<String>,
    twice: usize,
}

#[derive(Debug, Deserialize)]
struct Id {
    event_id: String,
}

impl Responder {
    /// Starts one that waits for `delay` before each answer. It runs until the process ends.
    pub(crate) fn start(delay: Duration) -> Outcome<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let seen: Arc<Mutex<Seen>> = Arc::default();
        let of_server = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let seen = Arc::clone(&of_server);
                // A client that hangs up ends its thread.
                std::thread::spawn(move || serve(&stream, delay, &seen));
            }
        });
        Ok(Self { address, seen })
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many events arrived, and how many of them arrived again.
    pub(crate) fn arrived(&self) -> (usize, usize) {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        (seen.ids.len(), seen.twice)
    }
}

/// An address at which nobody listens.
pub(crate) fn nobody() -> Outcome<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    Ok(format!("http://{}", listener.local_addr()?))
}

fn serve(stream: &TcpStream, delay: Duration, seen: &Mutex<Seen>) -> Outcome {
    let mut reader = BufReader::new(stream);
    loop {
        let Some((line, length)) = read_head(&mut reader)? else {
            return Ok(());
        };
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let answer = if line.contains("/interactions") {
            answer(&body, seen)?
        } else {
            "{\"status\":\"ok\"}".to_owned()
        };
        std::thread::sleep(delay);
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            answer.len()
        );
        let mut stream = stream;
        stream.write_all(format!("{head}{answer}").as_bytes())?;
    }
}

/// The first line of a request and the length of its body, or nothing if there is no more.
fn read_head(reader: &mut impl BufRead) -> Outcome<Option<(String, usize)>> {
    let mut first = String::new();
    if reader.read_line(&mut first)? == 0 {
        return Ok(None);
    }
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim().to_ascii_lowercase();
        if line.is_empty() {
            return Ok(Some((first, length)));
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse()?;
        }
    }
}

fn answer(body: &[u8], seen: &Mutex<Seen>) -> Outcome<String> {
    let batch: EventBatchBody<Id> = match serde_json::from_slice(body) {
        Ok(batch) => batch,
        Err(_) => EventBatchBody {
            events: vec![serde_json::from_slice(body)?],
        },
    };
    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    let answers = batch.events.into_iter().map(|event| {
        if !seen.ids.insert(event.event_id.clone()) {
            seen.twice += 1;
        }
        EventAnswer {
            event_id: event.event_id,
            status: EventOutcome::Stored,
            error: None,
        }
    });
    let results = answers.collect();
    Ok(serde_json::to_string(&BatchAnswer { results })?)
}
