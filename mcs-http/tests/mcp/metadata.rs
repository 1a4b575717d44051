use crate::client::modern;
use crate::kit::{Kept, Server};
use mcs_core::service::Scope;
use mcs_http::{McpOptions, Options};
use reqwest::Method;
use serde_json::{Value, json};

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// The address that the answer says the document has.
fn pointed_to(answer: &reqwest::Response) -> String {
    let how = answer.headers()["www-authenticate"].to_str().unwrap();
    let (_, rest) = how.split_once("resource_metadata=\"").unwrap();
    rest.trim_end_matches('"').to_owned()
}

#[tokio::test]
async fn who_has_no_key_is_told_where_to_learn_how_to_get_one() {
    let mut server = Server::start(Kept::Memory, Options::default()).await;
    let key = server.key(None, &[Scope::Read]).await;
    let refused = modern(&server, "tools/list", json!({})).send().await;
    let refused = refused.unwrap();
    assert_eq!(refused.status(), 401);
    let how = refused.headers()["www-authenticate"].to_str().unwrap();
    assert!(how.contains("scope=\"read write\""), "{how}");
    let address = pointed_to(&refused);
    let own = format!("http://{}", server.address);
    assert_eq!(address, format!("{own}{WELL_KNOWN}/mcp"));
    let document = server.client.get(&address).send().await.unwrap();
    let document: Value = document.json().await.unwrap();
    assert_eq!(document["resource"], format!("{own}/mcp"));
    assert_eq!(document["bearer_methods_supported"], json!(["header"]));
    assert!(
        document.get("authorization_servers").is_none(),
        "none is known"
    );
    server = server.with(&key);
    let taken = modern(&server, "tools/list", json!({})).send().await;
    assert_eq!(taken.unwrap().status(), 200);
}

#[tokio::test]
async fn what_is_configured_is_what_is_told() {
    let options = Options {
        public_url: Some("https://mcs.example.com/".to_owned()),
        mcp: McpOptions {
            authorization_servers: vec!["https://login.example.com".to_owned()],
            ..McpOptions::default()
        },
        ..Options::default()
    };
    let server = Server::start(Kept::Memory, options).await;
    server.key(None, &[Scope::Read]).await;
    for path in [WELL_KNOWN.to_owned(), format!("{WELL_KNOWN}/mcp")] {
        let document = server.found(&path).await;
        assert_eq!(document["resource"], "https://mcs.example.com/mcp");
        let servers = &document["authorization_servers"];
        assert_eq!(*servers, json!(["https://login.example.com"]));
    }
    let refused = server.request(Method::GET, "/mcp").send().await.unwrap();
    let address = pointed_to(&refused);
    assert_eq!(address, format!("https://mcs.example.com{WELL_KNOWN}/mcp"));
}

#[tokio::test]
async fn a_host_that_is_none_is_not_repeated() {
    let server = Server::start(Kept::Memory, Options::default()).await;
    server.key(None, &[Scope::Read]).await;
    let request = server.request(Method::GET, "/mcp");
    let refused = request.header("host", "x\", error=\"y").send().await;
    let refused = refused.unwrap();
    assert!(!pointed_to(&refused).contains("error"), "{refused:?}");
}

#[tokio::test]
async fn pages_of_others_are_kept_out_whatever_they_come_with() {
    let options = Options {
        cors_origins: vec!["https://app.example.com".to_owned()],
        ..Options::default()
    };
    let mut server = Server::start(Kept::Memory, options).await;
    let key = server.key(None, &[Scope::Read]).await;
    server = server.with(&key);
    let own = format!("http://{}", server.address);
    for (origin, status) in [
        (own.as_str(), 200),
        ("https://app.example.com", 200),
        ("https://evil.example", 403),
        ("null", 403),
    ] {
        let request = modern(&server, "tools/list", json!({})).header("origin", origin);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), status, "{origin}");
    }
    let asked = server
        .request(Method::OPTIONS, "/mcp")
        .header("origin", "https://app.example.com")
        .header("access-control-request-method", "POST")
        .header(
            "access-control-request-headers",
            "mcp-method,mcp-name,mcp-session-id,mcp-protocol-version",
        );
    let allowed = asked.send().await.unwrap();
    assert_eq!(allowed.status(), 200);
    let headers = allowed.headers()["access-control-allow-headers"].to_str();
    assert!(headers.unwrap().contains("mcp-protocol-version"));
}
