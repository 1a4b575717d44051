use std::io;
use std::path::PathBuf;

/// Why HTTPS is not served.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {}: {source}; check `http.tls` and the permissions", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file has not what it should have.
    #[error("{} has no {what} in the form PEM, which begins with -----BEGIN; check `http.tls`", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// What was looked for.
        what: &'static str,
    },
    /// The key is that of another certificate.
    #[error(
        "the key {} is not that of the certificate {}; name files that belong together in `http.tls`",
        key.display(), cert.display()
    )]
    Mismatch {
        /// The file of the certificate.
        cert: PathBuf,
        /// The file of the key.
        key: PathBuf,
    },
    /// The certificate or the key is none that can be used.
    #[error("{} cannot be used: {problem}; check `http.tls`", path.display())]
    Unusable {
        /// The file of the certificate or of the key.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The build speaks no HTTPS.
    #[error(
        "this build speaks no HTTPS; build mcs-http with the feature `tls`, or leave out `http.tls`"
    )]
    NotBuilt,
}
