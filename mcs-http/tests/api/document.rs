//! The document of the routes.

use crate::kit::{Kept, Server};
use mcs_http::Options;
use reqwest::Method;

#[tokio::test]
async fn the_document_is_kept_until_it_changes() {
    let server = Server::start(Kept::Memory, Options::default()).await;
    let get = || server.request(Method::GET, "/openapi.json");
    let first = get().send().await.unwrap();
    assert_eq!(first.status(), 200);
    let tag = first.headers()["etag"].clone();
    let document: serde_json::Value = first.json().await.unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    assert!(
        document["paths"]["/api/v1/tasks/{id}"]["get"].is_object(),
        "{document}"
    );
    let again = get().header("if-none-match", tag).send().await.unwrap();
    assert_eq!(again.status(), 304);
    assert!(again.bytes().await.unwrap().is_empty());
}
