use super::stall::Stalling;
use crate::options::Options;
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::io::{self, ErrorKind};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The connections of one listener.
#[derive(Debug)]
pub(super) struct Connections {
    places: Arc<Semaphore>,
    running: TaskTracker,
    /// Ends connections once their requests are answered.
    stop: CancellationToken,
    /// Ends them whatever they do.
    kill: CancellationToken,
    grace: Duration,
}

/// Longest time that a connection may be idle, or take to send the head of a request.
const IDLE: Duration = Duration::from_mins(1);
/// Longest time that a client may take to read what is sent to it.
const STALL: Duration = Duration::from_secs(30);
/// Largest head of a request, which is also what is read at a time.
const HEAD: usize = 64 * 1024;
/// Most headers.
const HEADERS: usize = 64;
/// Pause after the system had no place for a connection.
const PAUSE: Duration = Duration::from_millis(200);

impl Connections {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            places: Arc::new(Semaphore::new(options.max_connections)),
            running: TaskTracker::new(),
            stop: options.stop.clone(),
            kill: CancellationToken::new(),
            grace: options.shutdown_grace,
        }
    }

    /// Serves until it is told to stop, and then until the last connection has ended.
    pub(super) async fn serve(self, listener: TcpListener, router: Router) {
        while let Some((stream, place)) = self.next(&listener).await {
            let connection = connection(stream, router.clone(), self.stop.clone());
            let kill = self.kill.clone();
            self.running.spawn(async move {
                let _place = place;
                tokio::select! {
                    () = connection => {}
                    () = kill.cancelled() => {}
                }
            });
        }
        // Clients that come now are refused at once instead of waiting for nothing.
        drop(listener);
        self.running.close();
        if tokio::time::timeout(self.grace, self.running.wait())
            .await
            .is_err()
        {
            tracing::warn!(
                connections = self.running.len(),
                "cutting off what is still running"
            );
            self.kill.cancel();
            self.running.wait().await;
        }
    }

    /// The next connection and its place, `None` once it is time to stop.
    async fn next(&self, listener: &TcpListener) -> Option<(TcpStream, OwnedSemaphorePermit)> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => None,
            next = self.accept(listener) => Some(next),
        }
    }

    async fn accept(&self, listener: &TcpListener) -> (TcpStream, OwnedSemaphorePermit) {
        loop {
            let Ok(place) = self.places.clone().acquire_owned().await else {
                // Nothing closes it.
                std::future::pending::<()>().await;
                continue;
            };
            match listener.accept().await {
                Ok((stream, _)) => return (stream, place),
                Err(error) if is_of_the_client(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, "cannot take connections; trying again");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}

/// Whether only this one connection came to nothing.
fn is_of_the_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset
    )
}

async fn connection(stream: TcpStream, router: Router, stop: CancellationToken) {
    // Answers are small, and written as a whole.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection keeps its delay");
    }
    let io = TokioIo::new(Stalling::new(stream, STALL));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .max_buf_size(HEAD)
        .max_headers(HEADERS);
    let serving = http.serve_connection(io, TowerToHyperService::new(router));
    let mut serving = pin!(serving);
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        () = stop.cancelled() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}
