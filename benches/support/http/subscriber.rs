use super::Connection;
use crate::support::{Outcome, check};
use std::net::SocketAddr;

/// Follows events until it has seen what it waits for.
#[derive(Debug)]
pub(crate) struct Subscriber(Connection);

impl Subscriber {
    /// Asks for the events that `query` selects.
    pub(crate) async fn open(address: SocketAddr, query: &str) -> Outcome<Self> {
        let connection = Connection::open(address).await?;
        let request = Connection::get(&format!("/api/v1/events{query}"));
        Ok(Self(connection.follow(&request).await?))
    }

    /// Reads until `count` tasks have completed. A stream that ends before has lost its subscriber.
    pub(crate) async fn completed(mut self, count: usize) -> Outcome {
        let mut seen = 0;
        while seen < count {
            let line = self.0.line().await?;
            let line = line.ok_or_else(|| format!("the stream ended after {seen} of {count}"))?;
            check(!line.starts_with("event: dropped"), || {
                format!("the server dropped a subscriber that had seen {seen} of {count}")
            })?;
            if line.starts_with("data:") && line.contains("\"completed\"") {
                seen += 1;
            }
        }
        Ok(())
    }
}
