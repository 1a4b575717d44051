use super::Connection;
use crate::support::{Outcome, Percentiles, per_second};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

/// What came of a load.
#[derive(Debug)]
pub(crate) struct Load {
    /// Answers a second.
    pub(crate) rate: f64,
    /// How long each took.
    pub(crate) times: Percentiles,
}

/// Sends `each` requests over each of so many connections, one after the other, going round `requests`.
pub(crate) async fn load(
    address: SocketAddr,
    connections: usize,
    each: usize,
    requests: Vec<Vec<u8>>,
) -> Outcome<Load> {
    let requests = Arc::new(requests);
    let mut open = Vec::with_capacity(connections);
    for _ in 0..connections {
        open.push(Connection::open(address).await?);
    }
    let start = Instant::now();
    let senders: Vec<_> = open
        .into_iter()
        .enumerate()
        .map(|(number, connection)| {
            let requests = Arc::clone(&requests);
            tokio::spawn(send(connection, requests, number, each))
        })
        .collect();
    let mut times = Percentiles::new()?;
    for sender in senders {
        times.add(&sender.await??)?;
    }
    let rate = per_second(connections * each, start.elapsed());
    Ok(Load { rate, times })
}

async fn send(
    mut connection: Connection,
    requests: Arc<Vec<Vec<u8>>>,
    first: usize,
    each: usize,
) -> Outcome<Percentiles> {
    let mut times = Percentiles::new()?;
    let requests = requests.iter().cycle().skip(first % requests.len());
    for request in requests.take(each) {
        let start = Instant::now();
        connection.call(request).await?;
        times.record(start.elapsed());
    }
    Ok(times)
}
