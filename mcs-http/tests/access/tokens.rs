//! Tokens of the configuration and of a token file.

use crate::kit::{Kept, Server, answer, json_of};
use mcs_core::provider::secret::Secret;
use mcs_core::service::{NewKey, Scope, TokenEntry, TokenFile};
use mcs_http::Options;
use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio::net::TcpListener;

pub(crate) const ANN: &str = "the-token-of-ann";
pub(crate) const BOB: &str = "the-token-of-bob";

/// The entry of a token, which may do all but administer.
pub(crate) fn entry(name: &str, token: &str) -> TokenEntry {
    TokenEntry::of(&Secret::new(token), NewKey::of_user(name, &[])).unwrap()
}

/// A service that knows ann and bob.
pub(crate) fn ann_and_bob() -> Options {
    Options {
        tokens: vec![entry("ann", ANN), entry("bob", BOB)],
        ..Options::default()
    }
}

#[tokio::test]
async fn a_token_of_the_configuration_is_known_by_its_hash() {
    let mut server = Server::start(Kept::Memory, ann_and_bob()).await;
    let (status, _) = server.get("/api/v1/session").await;
    assert_eq!(status, 401, "a token closes the door");
    server.token = Some(ANN.to_owned());
    let session = server.found("/api/v1/session").await;
    assert_eq!(
        session,
        json!({"name": "ann", "scopes": ["read", "write", "execute"], "access": "token"})
    );
    // The hash, which a reader of the configuration sees, is no token.
    server.token = Some(entry("ann", ANN).sha256.to_string());
    assert_eq!(server.get("/api/v1/session").await.0, 401);
}

#[tokio::test]
async fn what_is_no_token_of_this_server_lets_nobody_in() {
    let server = Server::start(Kept::Memory, ann_and_bob()).await;
    let long = format!("Bearer {}", "x".repeat(20_000));
    for wrong in [
        "",
        "Bearer",
        "Bearer ",
        "Bearer the-token-of-ann2",
        "Bearer THE-TOKEN-OF-ANN",
        "Bearer mcs_0123456789abcdef_00",
        "Bearer  , the-token-of-ann",
        "Basic dGhlLXRva2VuLW9mLWFubjo=",
        "Digest the-token-of-ann",
        "the-token-of-ann",
        "Token the-token-of-ann",
        "Bearer\tthe-token-of-ann",
        &long,
    ] {
        let request = server.request(Method::GET, "/api/v1/tasks");
        let got = request.header("authorization", wrong).send().await.unwrap();
        assert_eq!(got.status(), 401, "{wrong}");
        assert_eq!(got.headers()["www-authenticate"], "Bearer realm=\"mcs\"");
        let body = json_of(got).await;
        assert!(!body.to_string().contains("the-token"), "{body}");
    }
    // Nor does one in the address, where logs would keep it.
    let (status, _) = server.get(&format!("/api/v1/session?token={ANN}")).await;
    assert_eq!(status, 401);
}

#[tokio::test]
async fn scopes_bind_tokens() {
    let reader = NewKey::of_user("ann", &[Scope::Read]);
    let options = Options {
        tokens: vec![TokenEntry::of(&Secret::new(ANN), reader).unwrap()],
        ..Options::default()
    };
    let mut server = Server::start(Kept::Memory, options).await;
    server.token = Some(ANN.to_owned());
    server.found("/api/v1/tasks").await;
    let (status, body) = server
        .post("/api/v1/tasks", &json!({"kind": "idle", "payload": {}}))
        .await;
    assert_eq!(status, 403, "{body}");
    let (status, body) = server.post("/api/v2/keys", &json!({"name": "x"})).await;
    assert_eq!(status, 403, "{body}");
}

#[tokio::test]
async fn a_token_file_is_heeded_and_keeps_the_door_shut_while_it_is_empty() {
    let directory = tempfile::tempdir().unwrap();
    let file = TokenFile::new(directory.path().join("tokens"));
    let options = Options {
        token_file: Some(file.path().to_owned()),
        ..Options::default()
    };
    let empty = Server::start(Kept::Memory, options.clone()).await;
    assert_eq!(empty.get("/api/v1/session").await.0, 401);
    file.add(&entry("ann", ANN)).unwrap();
    let mut server = Server::start(Kept::Memory, options).await;
    server.token = Some(ANN.to_owned());
    assert_eq!(server.found("/api/v1/session").await["name"], "ann");
}

#[tokio::test]
async fn a_bad_token_file_is_named_at_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tokens");
    std::fs::write(&path, "# ours\nann:hunter2\n").unwrap();
    let options = Options {
        token_file: Some(path),
        ..Options::default()
    };
    let service = Server::start(Kept::Memory, Options::default()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let refused = mcs_http::serve(listener, service.service.clone(), options).await;
    let text = refused.unwrap_err().to_string();
    assert!(
        text.contains("tokens:2") && !text.contains("hunter2"),
        "{text}"
    );
}

#[tokio::test]
async fn a_token_is_enough_to_serve_other_machines_and_an_empty_file_is_not() {
    let service = Server::start(Kept::Memory, Options::default()).await;
    let options = ann_and_bob();
    options.stop.cancel();
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    mcs_http::serve(listener, service.service.clone(), options)
        .await
        .unwrap();
    let directory = tempfile::tempdir().unwrap();
    let options = Options {
        token_file: Some(directory.path().join("tokens")),
        ..Options::default()
    };
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let refused = mcs_http::serve(listener, service.service.clone(), options).await;
    let text = refused.unwrap_err().to_string();
    assert!(text.contains("--new-token"), "{text}");
}

#[tokio::test]
async fn a_revoked_key_is_none() {
    let server = Server::start(Kept::Sqlite, Options::default()).await;
    let admin = server.key(None, &[Scope::Admin]).await;
    let key = server.key(None, &[Scope::Read]).await;
    let server = server.with(&admin);
    let ask = async || {
        let request = server
            .client
            .get(format!("http://{}/api/v1/tasks", server.address));
        answer(request.bearer_auth(key.token.expose())).await.0
    };
    assert_eq!(ask().await, StatusCode::OK);
    let path = format!("/api/v2/keys/{}", key.key.id);
    let (status, _) = answer(server.request(Method::DELETE, &path)).await;
    assert_eq!(status, 200);
    assert_eq!(ask().await, StatusCode::UNAUTHORIZED);
}
