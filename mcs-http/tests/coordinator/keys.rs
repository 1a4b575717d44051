//! Keys over HTTP.

use crate::surroundings::{Server, answer};
use mcs_core::service::Scope;
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn a_key_is_made_shown_once_used_and_revoked() {
    Server::each(async |mut server| {
        let admin = server.key(None, &[Scope::Admin]).await;
        server = server.with(&admin);
        let (status, made) = server
            .post("/api/v2/keys", &json!({"mcp_id": "weather"}))
            .await;
        assert_eq!(status, 201, "{made}");
        assert_eq!(made["scopes"], json!(["report"]));
        assert_eq!(made["name"], "weather");
        let token = made["token"].as_str().unwrap().to_owned();
        let id = made["id"].as_str().unwrap();

        let listed = server.found("/api/v2/keys").await;
        assert_eq!(listed["keys"].as_array().unwrap().len(), 2);
        assert!(!listed.to_string().contains("token"), "{listed}");
        let first = server.found("/api/v2/keys?limit=1").await;
        let next = first["next"].as_str().unwrap();
        let second = server
            .found(&format!("/api/v2/keys?limit=1&cursor={next}"))
            .await;
        assert_eq!(json!([first["keys"][0], second["keys"][0]]), listed["keys"]);
        assert_eq!(second["next"], json!(null), "a full page may be the last");

        let validate = || {
            server
                .client
                .post(format!("http://{}/api/v2/validate", server.address))
        };
        let (status, body) = answer(validate().bearer_auth(&token)).await;
        assert_eq!(status, 200);
        assert_eq!(
            body,
            json!({"valid": true, "name": "weather", "mcp_id": "weather", "scopes": ["report"]})
        );
        let revoke = server.request(Method::DELETE, &format!("/api/v2/keys/{id}"));
        let (status, revoked) = answer(revoke).await;
        assert_eq!(status, 200, "{revoked}");
        assert!(revoked["revoked_at"].is_string());
        assert_eq!(answer(validate().bearer_auth(&token)).await.0, 401);
    })
    .await;
}

#[tokio::test]
async fn keys_that_make_no_sense_are_refused_by_their_field() {
    Server::each(async |server| {
        for (body, status, part) in [
            (json!({}), 422, "name"),
            (json!({"name": "x".repeat(300)}), 422, "300 bytes"),
            (json!({"name": "ops", "scopes": ["report"]}), 422, "mcp_id"),
            (json!({"mcp_id": "m", "scopes": ["admin"]}), 422, "admin"),
            (json!({"name": "ops", "scopes": ["root"]}), 400, "root"),
            (json!({"name": "ops", "scope": "read"}), 400, "`scope`"),
            (json!([]), 400, "not what this route takes"),
            (json!("x"), 400, "not what this route takes"),
        ] {
            let (found, answer) = server.post("/api/v2/keys", &body).await;
            assert_eq!(found, status, "{body}: {answer}");
            assert!(answer.to_string().contains(part), "{body}: {answer}");
        }
        for id in ["0123456789abcdef", "x", "%00", "%ff"] {
            let revoke = server.request(Method::DELETE, &format!("/api/v2/keys/{id}"));
            let wanted = if id == "%ff" { 400 } else { 404 };
            assert_eq!(answer(revoke).await.0, wanted, "{id}");
        }
        assert_eq!(server.found("/api/v2/keys").await["keys"], json!([]));
    })
    .await;
}
