use super::linger::Lingering;
use super::stall::Stalling;
use super::tls_error::TlsError;
use crate::watched::Watched;
use mcs_core::config::TlsConfig;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::ServerCertVerifier;
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::{CertificateError, Error, RootCertStore, ServerConfig};
use tokio_rustls::server::TlsStream;

/// What the server proves itself with, renewed when its files are.
#[derive(Debug)]
pub(crate) struct Tls(Watched<ServerConfig>);

/// For how long nobody looks for a renewed certificate.
const REST: Duration = Duration::from_mins(1);
/// What a client that speaks plain HTTP is told, which it can read.
const PLAIN: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\nconnection: close\r\n\
    content-length: 44\r\n\r\nthis port speaks HTTPS; ask https:// instead";

impl Tls {
    /// Reads the files, and blocks for as long as that takes.
    pub(crate) fn open(files: &TlsConfig) -> Result<Self, TlsError> {
        let watched = vec![files.cert.clone(), files.key.clone()];
        let files = files.clone();
        Watched::new(watched, REST, move || load(&files)).map(Self)
    }

    /// Shakes hands with a client that sent `first` first.
    pub(super) async fn accept(
        &self,
        first: u8,
        mut stream: Stalling<Lingering<TcpStream>>,
    ) -> io::Result<TlsStream<Stalling<Lingering<TcpStream>>>> {
        if first.is_ascii_uppercase() {
            stream.write_all(PLAIN).await?;
            stream.shutdown().await?;
            let problem = "the client speaks plain HTTP";
            return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
        }
        let config = self.0.current().await;
        TlsAcceptor::from(config).accept(stream).await
    }
}

fn load(TlsConfig { cert, key }: &TlsConfig) -> Result<ServerConfig, TlsError> {
    let certificates = certificates(cert)?;
    let private =
        PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable(key, "private key", error))?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    warn_if_over(cert, &certificates, &provider);
    let refuse = |error: Error| match error {
        Error::InconsistentKeys(_) => TlsError::Mismatch {
            cert: cert.clone(),
            key: key.clone(),
        },
        Error::InvalidCertificate(_) => unusable(cert, &error),
        _ => unusable(key, &error),
    };
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| {
            let builder = builder.with_no_client_auth();
            builder.with_single_cert(certificates, private)
        })
        .map_err(refuse)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    const WHAT: &str = "certificate";
    let found = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    let found: Vec<_> = found.map_err(|error| unreadable(path, WHAT, error))?;
    if found.is_empty() {
        return Err(unreadable(path, WHAT, pem::Error::NoItemsFound));
    }
    Ok(found)
}

fn unreadable(path: &Path, what: &'static str, error: pem::Error) -> TlsError {
    let path = PathBuf::from(path);
    match error {
        pem::Error::Io(source) => TlsError::Read { path, source },
        pem::Error::NoItemsFound => TlsError::Missing { path, what },
        error => unusable(&path, &error),
    }
}

fn unusable(path: &Path, problem: &impl ToString) -> TlsError {
    TlsError::Unusable {
        path: path.to_owned(),
        problem: problem.to_string(),
    }
}

/// A certificate whose time is over, or not yet come, is served all the same: a renewed one is taken up when it comes, and a
/// client may be told to accept it. But whoever runs the server should know before its clients do.
fn warn_if_over(
    path: &Path,
    certificates: &[CertificateDer<'static>],
    provider: &Arc<CryptoProvider>,
) {
    let [own, between @ ..] = certificates else {
        return;
    };
    match verified(own, between, provider) {
        Err(Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        )) => tracing::warn!(
            "the certificate {} is past its time and clients refuse it; renew it, and it is taken up within a minute",
            path.display()
        ),
        Err(Error::InvalidCertificate(
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. },
        )) => tracing::warn!(
            "the certificate {} is not valid yet and clients refuse it; check the clock of this machine",
            path.display()
        ),
        _ => {}
    }
}

/// Looks at a certificate as a client would that trusts it. Of what that finds, only the time matters here.
fn verified(
    own: &CertificateDer<'_>,
    between: &[CertificateDer<'_>],
    provider: &Arc<CryptoProvider>,
) -> Result<(), Error> {
    let mut trusted = RootCertStore::empty();
    trusted.add(own.clone().into_owned())?;
    let verifier =
        WebPkiServerVerifier::builder_with_provider(trusted.into(), provider.clone()).build();
    let verifier = verifier.map_err(|error| Error::General(error.to_string()))?;
    let name =
        ServerName::try_from("localhost").map_err(|error| Error::General(error.to_string()))?;
    let seen = verifier.verify_server_cert(own, between, &name, &[], UnixTime::now());
    seen.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn renew(files: &TlsConfig) {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
        std::fs::write(&files.cert, params.self_signed(&key).unwrap().pem()).unwrap();
        std::fs::write(&files.key, key.serialize_pem()).unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_renewed_certificate_is_taken_up_and_a_broken_one_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let files = TlsConfig {
            cert: directory.path().join("cert.pem"),
            key: directory.path().join("key.pem"),
        };
        renew(&files);
        let tls = Tls::open(&files).unwrap();
        let after_a_minute = async || {
            tokio::time::advance(REST).await;
            tls.0.current().await
        };
        let first = tls.0.current().await;
        assert!(Arc::ptr_eq(&first, &after_a_minute().await));
        renew(&files);
        let second = after_a_minute().await;
        assert!(!Arc::ptr_eq(&first, &second));
        std::fs::write(&files.key, "half a key").unwrap();
        assert!(Arc::ptr_eq(&second, &after_a_minute().await));
    }
}
