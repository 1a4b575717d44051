//! HTTPS.

use crate::kit::{Kept, PATIENCE, Server, answer};
use crate::tokens::{ANN, ann_and_bob};
use mcs_core::config::TlsConfig;
use mcs_http::Options;
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use reqwest::{Certificate, Client};
use serde_json::json;
use std::path::Path;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// A certificate for the loopback, in files.
struct Files {
    directory: TempDir,
    tls: TlsConfig,
    pem: String,
}

impl Files {
    fn new() -> Self {
        Self::valid_until(4000)
    }

    fn valid_until(year: i32) -> Self {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let mut params = CertificateParams::new(names).unwrap();
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(year, 1, 1);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        let directory = tempfile::tempdir().unwrap();
        let tls = TlsConfig {
            cert: directory.path().join("cert.pem"),
            key: directory.path().join("key.pem"),
        };
        std::fs::write(&tls.cert, &pem).unwrap();
        std::fs::write(&tls.key, key.serialize_pem()).unwrap();
        Self {
            directory,
            tls,
            pem,
        }
    }

    fn options(&self) -> Options {
        Options {
            tls: Some(self.tls.clone()),
            ..ann_and_bob()
        }
    }

    /// A client that trusts this certificate and no other.
    fn client(&self) -> Client {
        let trusted = Certificate::from_pem(self.pem.as_bytes()).unwrap();
        let client = Client::builder().timeout(PATIENCE);
        client.tls_certs_only([trusted]).build().unwrap()
    }
}

#[tokio::test]
async fn it_is_spoken_with_those_who_trust_the_certificate() {
    let files = Files::new();
    let server = Server::start(Kept::Memory, files.options()).await;
    let client = files.client();
    let url = |path: &str| format!("https://{}{path}", server.address);
    let got = answer(client.get(url("/api/v1/session")).bearer_auth(ANN)).await;
    assert_eq!((got.0.as_u16(), &got.1["name"]), (200, &json!("ann")));
    let login = client
        .post(url("/api/v1/session"))
        .json(&json!({"token": ANN}));
    let login = login.send().await.unwrap();
    let cookie = login.headers()["set-cookie"].to_str().unwrap();
    assert!(cookie.contains("; Secure"), "{cookie}");
    let stranger = Files::new().client();
    assert!(stranger.get(url("/api/v2/health")).send().await.is_err());
}

#[tokio::test]
async fn who_speaks_plain_http_is_told_and_others_wait_for_nobody() {
    let files = Files::new();
    let server = Server::start(Kept::Memory, files.options()).await;
    let mut plain = TcpStream::connect(server.address).await.unwrap();
    plain
        .write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await
        .unwrap();
    let mut answer = [0; 1024];
    let read = timeout(PATIENCE, plain.read(&mut answer))
        .await
        .unwrap()
        .unwrap();
    let text = String::from_utf8_lossy(&answer[..read]);
    assert!(
        text.starts_with("HTTP/1.1 400") && text.contains("https://"),
        "{text}"
    );
    // Some begin to shake hands and stop, and some send what is nothing at all.
    let mut stopped = Vec::new();
    for begun in [&b"\x16"[..], b"\x16\x03\x01\x02\x00", b"\x00\xff\x00"] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(begun).await.unwrap();
        stopped.push(stream);
    }
    let url = format!("https://{}/api/v2/health", server.address);
    assert_eq!(files.client().get(url).send().await.unwrap().status(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_stops_ends() {
    let files = Files::new();
    let server = Server::start(Kept::Memory, files.options()).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"\x16\x03\x01\x02\x00").await.unwrap();
    let began = tokio::time::Instant::now();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
    assert!(
        began.elapsed() <= std::time::Duration::from_secs(11),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn an_expired_certificate_is_served_until_it_is_renewed_and_clients_refuse_it() {
    let files = Files::valid_until(2001);
    let server = Server::start(Kept::Memory, files.options()).await;
    let url = format!("https://{}/api/v2/health", server.address);
    assert!(files.client().get(&url).send().await.is_err());
    assert!(!server.serving.is_finished());
}

async fn refusal(tls: TlsConfig) -> String {
    let service = Server::start(Kept::Memory, Options::default()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let options = Options {
        tls: Some(tls),
        ..Options::default()
    };
    let served = mcs_http::serve(listener, service.service.clone(), options);
    let served = timeout(PATIENCE, served)
        .await
        .expect("it is refused at the start");
    served.unwrap_err().to_string()
}

#[tokio::test]
async fn files_that_cannot_be_used_are_named_at_the_start() {
    let (one, other) = (Files::new(), Files::new());
    let named = |path: &Path| path.display().to_string();
    let missing = one.directory.path().join("missing.pem");
    let junk = one.directory.path().join("junk.pem");
    std::fs::write(
        &junk,
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    )
    .unwrap();
    let with = |cert: &Path, key: &Path| TlsConfig {
        cert: cert.to_owned(),
        key: key.to_owned(),
    };
    for (tls, parts) in [
        (
            with(&one.tls.cert, &other.tls.key),
            [named(&other.tls.key), "not that of the certificate".into()],
        ),
        (
            with(&missing, &one.tls.key),
            [named(&missing), "cannot read".into()],
        ),
        (
            with(&one.tls.key, &one.tls.key),
            [named(&one.tls.key), "no certificate".into()],
        ),
        (
            with(&one.tls.cert, &one.tls.cert),
            [named(&one.tls.cert), "no private key".into()],
        ),
        (
            with(&junk, &one.tls.key),
            [named(&junk), "cannot be used".into()],
        ),
    ] {
        let text = refusal(tls).await;
        for part in parts {
            assert!(text.contains(&part), "{part}: {text}");
        }
    }
}
