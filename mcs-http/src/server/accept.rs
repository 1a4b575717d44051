use super::Tls;
use super::linger::Lingering;
use super::peer::Told;
use super::stall::Stalling;
use crate::options::Options;
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::io::{self, ErrorKind};
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
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
    tls: Option<Arc<Tls>>,
}

/// A connection and where it comes from.
type Caller = (TcpStream, IpAddr);

/// Longest time that a connection may be idle, or take to send the head of a request.
const IDLE: Duration = Duration::from_mins(1);
/// Longest time that a client may take to read what is sent to it.
const STALL: Duration = Duration::from_secs(30);
/// Longest time that the two sides may take to agree on how to speak in secret.
#[cfg(feature = "tls")]
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Longest time that a client may go on to send after it was refused.
const LINGER: Duration = Duration::from_secs(2);
/// Largest head of a request, which is also what is read at a time.
const HEAD: usize = 64 * 1024;
/// Most headers.
const HEADERS: usize = 64;
/// Pause after the system had no place for a connection.
const PAUSE: Duration = Duration::from_millis(200);

impl Connections {
    pub(super) fn new(options: &Options, tls: Option<Tls>) -> Self {
        Self {
            places: Arc::new(Semaphore::new(options.max_connections)),
            running: TaskTracker::new(),
            stop: options.stop.clone(),
            kill: CancellationToken::new(),
            grace: options.shutdown_grace,
            tls: tls.map(Arc::new),
        }
    }

    /// Serves until it is told to stop, and then until the last connection has ended.
    pub(super) async fn serve(self, listener: TcpListener, router: Router) {
        while let Some(((stream, peer), place)) = self.next(&listener).await {
            let connection = Connection {
                routes: Told::new(router.clone(), peer),
                tls: self.tls.clone(),
                stop: self.stop.clone(),
            };
            let connection = connection.serve(stream);
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
        if timeout(self.grace, self.running.wait()).await.is_err() {
            tracing::warn!(
                connections = self.running.len(),
                "cutting off what is still running"
            );
            self.kill.cancel();
            self.running.wait().await;
        }
    }

    /// The next connection and its place, `None` once it is time to stop.
    async fn next(&self, listener: &TcpListener) -> Option<(Caller, OwnedSemaphorePermit)> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => None,
            next = self.accept(listener) => Some(next),
        }
    }

    async fn accept(&self, listener: &TcpListener) -> (Caller, OwnedSemaphorePermit) {
        loop {
            let Ok(place) = self.places.clone().acquire_owned().await else {
                // Nothing closes it.
                std::future::pending::<()>().await;
                continue;
            };
            match listener.accept().await {
                Ok((stream, address)) => return ((stream, address.ip()), place),
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

/// A connection whose client can neither stop it nor be cut off by it.
fn bounded(stream: TcpStream) -> Stalling<Lingering<TcpStream>> {
    Stalling::new(Lingering::new(stream, LINGER), STALL)
}

/// One connection and what it is served with.
struct Connection {
    routes: Told,
    tls: Option<Arc<Tls>>,
    stop: CancellationToken,
}

impl Connection {
    async fn serve(self, stream: TcpStream) {
        // Answers are small, and written as a whole.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection keeps its delay");
        }
        if !self.spoken_to(&stream).await {
            return;
        }
        match self.tls.clone() {
            // What speaking needs is many times what waiting does, so it has a place of its own.
            None => Box::pin(self.speak(bounded(stream))).await,
            Some(tls) => Box::pin(self.speak_in_secret(stream, &tls)).await,
        }
    }

    /// Waits until the client says something, for as long as that is worth it. Until then a connection costs next to nothing,
    /// since nothing is there yet to read it into.
    async fn spoken_to(&self, stream: &TcpStream) -> bool {
        tokio::select! {
            spoken = timeout(IDLE, stream.readable()) => matches!(spoken, Ok(Ok(()))),
            () = self.stop.cancelled() => false,
        }
    }

    #[cfg(feature = "tls")]
    async fn speak_in_secret(self, stream: TcpStream, tls: &Tls) {
        let accepted = async {
            let mut first = [0];
            stream.peek(&mut first).await?;
            tls.accept(first[0], bounded(stream)).await
        };
        match timeout(HANDSHAKE, accepted).await {
            Ok(Ok(stream)) => self.speak(stream).await,
            Ok(Err(error)) => tracing::debug!(%error, "no HTTPS with a client"),
            Err(_) => tracing::debug!("a client took too long for HTTPS"),
        }
    }

    #[cfg(not(feature = "tls"))]
    #[expect(clippy::unused_async, reason = "where there is HTTPS it waits for it")]
    async fn speak_in_secret(self, _: TcpStream, never: &Tls) {
        match *never {}
    }

    async fn speak(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(IDLE)
            .max_buf_size(HEAD)
            .max_headers(HEADERS);
        let serving = http.serve_connection(TokioIo::new(stream), self.routes);
        let mut serving = pin!(serving);
        let ended = tokio::select! {
            ended = serving.as_mut() => ended,
            () = self.stop.cancelled() => {
                serving.as_mut().graceful_shutdown();
                serving.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended early");
        }
    }
}
