//! A server on standard input and output that forwards to a service over HTTP.
//!
//! Several clients share one engine so, and what they began goes on when they end. Messages are passed on as they are, in
//! both eras: a session of an earlier protocol has its own over HTTP, which is opened again by what the client once sent when
//! the service lost it; requests of 2026-07-28 go with the headers that say of them what their bodies say.
//!
//! What a session watches is watched in the next one too, and what the service asked in one is withdrawn when it is lost:
//! ids of its requests say which session they are of, so that no answer of a user lands on another question.
//!
//! While the service is away, as for a restart, a new request waits a while for it. One that was under way is answered with
//! an error that says so, since nobody knows whether it took effect. Headers for annotated arguments (`Mcp-Param-*`) are not
//! made.

mod asked;
mod call;
mod lines;
mod listen;
mod message;
mod options;
mod pump;
mod remote;
mod session;
mod standing;
mod tell;

pub use options::{ConnectError, ConnectOptions};

use pump::Pump;
use remote::Remote;
use rmcp::transport::stdio_pipes;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

/// Longest time that answers to requests under way may take after the end of input, and that writing them may then.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// Serves one client on standard input and output with the service that `options` name, until the end of input.
pub async fn connect_stdio(options: &ConnectOptions) -> Result<(), ConnectError> {
    let (read, write) = stdio_pipes();
    connect_pipes(options, read, write).await
}

/// As [`connect_stdio`], on any pair of pipes.
pub async fn connect_pipes<R, W>(
    options: &ConnectOptions,
    read: R,
    write: W,
) -> Result<(), ConnectError>
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    let remote = Remote::new(options)?;
    let input = lines::read(read);
    let (output, mut writing) = lines::write(write);
    Pump::new(remote, output).run(input).await;
    // A client may read slowly what was answered before it ended the input, but not as slowly as it likes.
    if timeout(LAST_ANSWERS, &mut writing).await.is_err() {
        writing.abort();
    }
    Ok(())
}
