//! Who may do what.

use crate::surroundings::{Kept, Server, answer, call, event, named, of};
use mcs_core::domain::interaction::InteractionFilter;
use mcs_core::provider::secret::Secret;
use mcs_core::service::{Principal, Scope};
use mcs_http::Options;
use reqwest::{Method, StatusCode};
use serde_json::json;
use std::time::{SystemTime, UNIX_EPOCH};

/// Every route that needs a key.
const ROUTES: [(Method, &str); 11] = [
    (Method::POST, "/api/v2/validate"),
    (Method::POST, "/api/v2/interactions"),
    (Method::POST, "/api/v2/interactions/batch"),
    (Method::GET, "/api/v2/interactions"),
    (Method::GET, "/api/v2/interactions/int_1_a"),
    (Method::GET, "/api/v2/interactions/stream"),
    (Method::GET, "/api/v2/interactions/export"),
    (Method::GET, "/api/v2/statistics"),
    (Method::POST, "/api/v2/keys"),
    (Method::GET, "/api/v2/keys"),
    (Method::DELETE, "/api/v2/keys/0123456789abcdef"),
];

#[tokio::test]
async fn without_a_key_everything_is_open_to_the_machine_and_nothing_to_web_pages() {
    Server::each(async |server| {
        server.found("/api/v2/interactions").await;
        // Clients send the key that they are configured with, whether or not anybody made it.
        let configured = server
            .request(Method::POST, "/api/v2/validate")
            .bearer_auth("test_key");
        let (status, body) = answer(configured).await;
        assert_eq!((status, &body["name"]), (StatusCode::OK, &json!("local")));
        for (header, value) in [
            ("Origin", "http://evil.example"),
            ("Origin", "null"),
            ("Host", "evil.example:8080"),
        ] {
            for (method, path) in &ROUTES {
                let page = server.request(method.clone(), path).header(header, value);
                let (status, body) = answer(page).await;
                assert_eq!(status, 403, "{method} {path} with {header} {value}");
                assert!(body["detail"].as_str().unwrap().contains(value), "{body}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn the_first_key_closes_every_route_but_health() {
    Server::each(async |server| {
        let made = server.key(Some("weather"), &[]).await;
        let token = made.token.expose();
        for (method, path) in &ROUTES {
            for wrong in [
                "",
                "Bearer ",
                "Basic YTpi",
                "Bearer test_key",
                &format!("Bearer {token}0"),
            ] {
                let request = server.request(method.clone(), path);
                let (status, body) = answer(request.header("Authorization", wrong)).await;
                assert_eq!(status, 401, "{method} {path} with {wrong:?}: {body}");
            }
            let request = server.request(method.clone(), path).send().await.unwrap();
            assert_eq!(request.status(), 401, "{method} {path} without a key");
            assert_eq!(
                request.headers()["www-authenticate"],
                "Bearer realm=\"mcs\""
            );
        }
        assert_eq!(
            server.found("/api/v2/health").await,
            json!({"status": "ok"})
        );
        assert_eq!(server.with(&made).kept_by_nobody().await, 0);
    })
    .await;
}

impl Server {
    /// What a look at the store finds, whoever may read.
    async fn kept_by_nobody(&self) -> usize {
        let (interactions, local) = (self.service.interactions(), Principal::local());
        let page = interactions.list(&local, InteractionFilter::default(), None, 10);
        page.await.unwrap().items.len()
    }
}

#[tokio::test]
async fn a_key_reports_as_its_own_server_only() {
    Server::each(async |server| {
        let made = server.key(Some("weather"), &[]).await;
        let server = server.with(&made);
        let [start, end] = call("int_1_a", 1.0);
        server.report(&start).await;
        let (status, body) = server
            .post("/api/v2/interactions", &of(end.clone(), "tides"))
            .await;
        assert_eq!(status, 403, "{body}");
        assert!(body["detail"].as_str().unwrap().contains("tides"), "{body}");
        let answers = server
            .batch(&[named(of(end.clone(), "tides"), "a"), named(end, "b")])
            .await;
        assert_eq!(
            (&answers[0]["status"], &answers[0]["event_id"]),
            (&json!("rejected"), &json!("a"))
        );
        assert!(
            answers[0]["error"].as_str().unwrap().contains("tides"),
            "{answers:?}"
        );
        assert_eq!(answers[1]["status"], "stored");
        assert_eq!(server.kept_by_nobody().await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_key_that_reports_neither_reads_nor_administers() {
    Server::each(async |server| {
        let made = server.key(Some("weather"), &[]).await;
        let server = server.with(&made);
        for (method, path) in &ROUTES[3..] {
            let request = server.request(method.clone(), path).json(&json!({}));
            let (status, body) = answer(request).await;
            let scope = if path.contains("keys") {
                "`admin`"
            } else {
                "`read`"
            };
            assert_eq!(status, 403, "{method} {path}: {body}");
            assert!(body["detail"].as_str().unwrap().contains(scope), "{body}");
        }
        let reader = server.key(None, &[Scope::Read]).await;
        let server = server.with(&reader);
        let (status, body) = server
            .post("/api/v2/interactions", &call("int_1_a", 1.0)[0])
            .await;
        assert_eq!(status, 403, "{body}");
        let (status, body) = server
            .post("/api/v2/interactions/batch", &json!({"events": []}))
            .await;
        assert_eq!(status, 403, "{body}");
    })
    .await;
}

#[tokio::test]
async fn a_key_sees_its_own_server_and_an_admin_sees_all() {
    Server::each(async |server| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let now = now.as_secs_f64();
        for mcp_id in ["weather", "tides"] {
            for event in call("int_1_a", now) {
                server.report(&of(event, mcp_id)).await;
            }
        }
        let weather = server
            .key(Some("weather"), &[Scope::Read, Scope::Report])
            .await;
        let server = server.with(&weather);
        let page = server.found("/api/v2/interactions").await;
        assert_eq!(page["interactions"].as_array().unwrap().len(), 1, "{page}");
        assert_eq!(page["interactions"][0]["mcp_id"], "weather");
        assert_eq!(server.kept().await, 2);
        let none = server.found("/api/v2/interactions?mcp_id=tides").await;
        assert_eq!(none["interactions"], json!([]));
        let (status, _) = server
            .get("/api/v2/interactions/int_1_a?mcp_id=tides")
            .await;
        assert_eq!(status, 404);
        // One hour may end while this runs.
        let statistics = async |server: &Server| {
            let found = server.found("/api/v2/statistics?hours=2").await;
            let servers = found["servers"].as_array().unwrap().iter();
            let mut names: Vec<_> = servers.map(|one| one["mcp_id"].clone()).collect();
            names.sort_by_key(ToString::to_string);
            names
        };
        assert_eq!(statistics(&server).await, ["weather"]);
        let admin = server.key(None, &[Scope::Admin]).await;
        let server = server.with(&admin);
        assert_eq!(statistics(&server).await, ["tides", "weather"]);
        assert_eq!(server.kept().await, 4);
        let (status, body) = server.get("/api/v2/interactions/int_1_a").await;
        assert_eq!(status, 409, "whose is meant? {body}");
    })
    .await;
}

#[tokio::test]
async fn a_revoked_key_is_refused_at_once() {
    Server::each(async |server| {
        let made = server.key(Some("weather"), &[]).await;
        let server = server.with(&made);
        server
            .report(&event("start", "int_1_a", 1.0, &json!({})))
            .await;
        let keys = server.service.keys();
        keys.revoke(&Principal::local(), &made.key.id)
            .await
            .unwrap();
        let (status, body) = server.post("/api/v2/validate", &json!({})).await;
        assert_eq!(status, 401, "{body}");
        let next = event("start", "int_1_b", 1.0, &json!({}));
        let (status, _) = server.post("/api/v2/interactions", &next).await;
        assert_eq!(status, 401);
    })
    .await;
}

#[tokio::test]
async fn the_configured_key_does_everything_and_keeps_everybody_else_out() {
    let options = Options {
        admin_key: Some(Secret::new("0123456789abcdef")),
        ..Options::default()
    };
    let mut server = Server::start(Kept::Memory, options).await;
    let (status, _) = server.get("/api/v2/interactions").await;
    assert_eq!(status, 401, "a loopback with a key is not open");
    server.token = Some("0123456789abcdeF".to_owned());
    assert_eq!(server.get("/api/v2/keys").await.0, 401);
    server.token = Some("0123456789abcdef".to_owned());
    assert_eq!(server.found("/api/v2/keys").await["keys"], json!([]));
    let (_, body) = server.post("/api/v2/validate", &json!({})).await;
    let scopes = json!(["read", "write", "execute", "report", "metrics", "admin"]);
    assert_eq!(
        body,
        json!({"valid": true, "name": "admin", "mcp_id": null, "scopes": scopes})
    );
    server
        .report(&of(call("int_1_a", 1.0)[0].clone(), "tides"))
        .await;
    // Whoever has the key is no stranger's page, whatever name it found the server by.
    let proxied = server.request(Method::GET, "/api/v2/interactions");
    let proxied = proxied
        .header("Host", "mcs.example")
        .header("Origin", "https://mcs.example");
    assert_eq!(answer(proxied).await.0, 200);
}
