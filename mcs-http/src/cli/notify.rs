//! Tells the manager of services how this one stands, where there is one that wants to know (`Type=notify` of systemd).

/// The service answers.
pub(super) const READY: &str = "READY=1";
/// The service ends.
pub(super) const STOPPING: &str = "STOPPING=1";

/// Tells it. That nobody hears it is no reason not to serve.
pub(super) fn notify(state: &str) {
    if let Err(error) = send(state) {
        tracing::warn!(%error, state, "the manager of services could not be told");
    }
}

#[cfg(target_os = "linux")]
fn send(state: &str) -> std::io::Result<()> {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::net::{SocketAddr, UnixDatagram};
    let Some(place) = std::env::var_os("NOTIFY_SOCKET") else {
        return Ok(());
    };
    // A name that begins with @ is not that of a file.
    let address = match place.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(&place)?,
    };
    let socket = UnixDatagram::unbound()?;
    // Whoever does not listen must not be waited for.
    socket.set_nonblocking(true)?;
    socket.send_to_addr(state.as_bytes(), &address).map(drop)
}

#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it may fail")]
fn send(_: &str) -> std::io::Result<()> {
    Ok(())
}
