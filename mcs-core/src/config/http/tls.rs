use crate::config::error::ConfigError;
use crate::config::source::Section;
use std::path::PathBuf;

/// What the service proves itself with over HTTPS. Both files are PEM, and are read again when they change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsConfig {
    /// The certificate, and behind it those of the authorities between it and one that clients know.
    pub cert: PathBuf,
    /// The certificate's private key.
    pub key: PathBuf,
}

impl TlsConfig {
    pub(super) fn read(section: &Section<'_>) -> Result<Option<Self>, ConfigError> {
        let (cert, key) = (section.get("cert")?, section.get("key")?);
        match (cert, key) {
            (None, None) => Ok(None),
            (Some(cert), Some(key)) => Ok(Some(Self { cert, key })),
            (Some(_), None) => Err(section.refuse(
                "key",
                "is missing; name the file of the private key, or leave out `http.tls.cert` too",
            )),
            (None, Some(_)) => Err(section.refuse(
                "cert",
                "is missing; name the file of the certificate, or leave out `http.tls.key` too",
            )),
        }
    }
}
