//! Who may call what, for every operation of the document.

use crate::document::{Operation, operations};
use crate::kit::{Kept, Server, answer};
use mcs_core::service::{NewToken, Scope};
use mcs_http::Options;
use reqwest::Method;

async fn call(server: &Server, operation: &Operation, token: &str) -> u16 {
    let request = server.request(operation.method.clone(), &operation.sample);
    let (status, body) = answer(request.bearer_auth(token)).await;
    assert!(body["detail"].is_string(), "{operation:?}: {body}");
    status.as_u16()
}

/// A key with what users have, but not those scopes.
async fn key_without(server: &Server, scopes: &[String]) -> NewToken {
    let missing = |scope: &Scope| scopes.iter().any(|name| name == scope.as_str());
    let others = [Scope::Read, Scope::Write, Scope::Execute].into_iter();
    let others: Vec<_> = others.filter(|scope| !missing(scope)).collect();
    server.key(None, &others).await
}

#[tokio::test]
async fn nobody_passes_without_a_key_and_its_scope() {
    let server = Server::start(Kept::Memory, Options::default()).await;
    let known = server.key(None, &[Scope::Read]).await;
    let mut guarded = 0;
    for operation in operations(&server).await {
        if operation.open {
            continue;
        }
        guarded += 1;
        let request = server.request(operation.method.clone(), &operation.sample);
        assert_eq!(answer(request).await.0, 401, "{operation:?}");
        let wrong = known.token.expose().to_owned() + "x";
        assert_eq!(
            call(&server, &operation, &wrong).await,
            401,
            "{operation:?}"
        );
        for scope in &operation.scopes {
            let key = key_without(&server, std::slice::from_ref(scope)).await;
            let status = call(&server, &operation, key.token.expose()).await;
            assert_eq!(status, 403, "{operation:?} without {scope}");
        }
    }
    assert!(guarded > 4, "{guarded} operations need a key");
}

#[tokio::test]
async fn a_path_takes_only_its_methods() {
    let server = Server::start(Kept::Memory, Options::default()).await;
    let all = operations(&server).await;
    for operation in &all {
        let taken = |method: &Method| {
            let mut same = all.iter().filter(|other| other.path == operation.path);
            same.any(|other| other.method == *method)
        };
        let methods = [
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ];
        for method in methods.into_iter().filter(|method| !taken(method)) {
            let request = server.request(method.clone(), &operation.sample);
            let (status, body) = answer(request).await;
            assert_eq!(status, 405, "{method} {}: {body}", operation.sample);
            assert!(
                body["detail"].as_str().unwrap().contains(method.as_str()),
                "{body}"
            );
        }
    }
}
