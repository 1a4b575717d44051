use tokio_util::sync::CancellationToken;

/// Cancels `stop`, which may be [`crate::Options::stop`], once the process is told to end: by Ctrl-C, or by SIGTERM where
/// there is such a thing.
pub async fn cancel_when_told(stop: CancellationToken) {
    tokio::select! {
        () = interrupted() => {}
        () = terminated() => {}
    }
    stop.cancel();
}

async fn interrupted() {
    if let Err(error) = tokio::signal::ctrl_c().await {
        tracing::warn!(%error, "Ctrl-C is not heard");
        std::future::pending::<()>().await;
    }
}

#[cfg(unix)]
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut signals) => drop(signals.recv().await),
        Err(error) => {
            tracing::warn!(%error, "SIGTERM is not heard");
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(not(unix))]
async fn terminated() {
    std::future::pending::<()>().await;
}
