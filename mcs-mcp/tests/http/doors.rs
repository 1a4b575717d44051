use crate::kit::{Client, Waits, modern, options, read};
use mcs_mcp::http::{Endpoint, HttpOptions, serve};
use serde_json::json;
use tokio::net::TcpListener;

fn client(options: HttpOptions) -> Client {
    Client::new(&Endpoint::new(Waits::new(), options))
}

#[tokio::test]
async fn pages_of_strangers_are_kept_out() {
    let client = client(options(&Waits::new()));
    let ask = async |host: &str, origin: &str| {
        let mut request = modern("tools/list", json!({}), &[("mcp-method", "tools/list")]);
        let headers = request.headers_mut();
        headers.insert("host", host.parse().unwrap());
        if !origin.is_empty() {
            headers.insert("origin", origin.parse().unwrap());
        }
        client.send(request).await.status().as_u16()
    };
    for origin in [
        "",
        "http://localhost:6274",
        "http://127.0.0.1",
        "http://[::1]:80",
    ] {
        assert_eq!(ask("127.0.0.1:1", origin).await, 200, "{origin}");
    }
    for origin in [
        "http://evil.example",
        "null",
        "http://localhost.evil.example",
    ] {
        assert_eq!(ask("127.0.0.1:1", origin).await, 403, "{origin}");
    }
    assert_eq!(ask("evil.example", "").await, 403);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_not_read() {
    let client = client(HttpOptions {
        max_body_bytes: 1000,
        ..options(&Waits::new())
    });
    let large = json!({"name": "echo", "arguments": {"text": "x".repeat(1000)}});
    let headers = [("mcp-method", "tools/call"), ("mcp-name", "echo")];
    let refused = client.send(modern("tools/call", large, &headers)).await;
    assert_eq!(refused.status(), 413);
    let small = json!({"name": "echo", "arguments": {}});
    let taken = client.send(modern("tools/call", small, &headers)).await;
    assert_eq!(taken.status(), 200);
    assert!(read(taken).await.contains("at once"));
}

#[tokio::test]
async fn a_listener_for_other_machines_is_not_served_without_keys() {
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let refused = serve(listener, Waits::new(), HttpOptions::default()).await;
    let why = refused.unwrap_err().to_string();
    assert!(
        why.contains("0.0.0.0") && why.contains("127.0.0.1"),
        "{why}"
    );
}
