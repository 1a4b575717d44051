//! Sessions of the page.

use crate::kit::{Kept, Server, answer, json_of};
use crate::tokens::{ANN, BOB, ann_and_bob, entry};
use mcs_core::service::{NewKey, Scope, TokenEntry, TokenFile};
use mcs_http::Options;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

const PATH: &str = "/api/v1/session";

async fn log_in(server: &Server, token: &str) -> Response {
    let request = server.request(Method::POST, PATH);
    request.json(&json!({"token": token})).send().await.unwrap()
}

/// The cookie of an answer, as a browser sends it back.
fn cookie(answer: &Response) -> String {
    let set = answer.headers()["set-cookie"].to_str().unwrap();
    set.split(';').next().unwrap().to_owned()
}

async fn logged_in(server: &Server, token: &str) -> String {
    let answer = log_in(server, token).await;
    assert_eq!(answer.status(), 204);
    cookie(&answer)
}

/// A request as the server's own page sends it.
fn page(server: &Server, method: Method, path: &str, cookie: &str) -> RequestBuilder {
    let request = server.request(method, path).header("cookie", cookie);
    request.header("origin", format!("http://{}", server.address))
}

async fn who(server: &Server, cookie: &str) -> (u16, Value) {
    let request = server.request(Method::GET, PATH).header("cookie", cookie);
    let (status, body) = answer(request).await;
    (status.as_u16(), body)
}

#[tokio::test]
async fn a_page_logs_in_works_and_logs_out() {
    let server = Server::start(Kept::Memory, ann_and_bob()).await;
    let answered = log_in(&server, ANN).await;
    let set = answered.headers()["set-cookie"].to_str().unwrap();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"] {
        assert!(set.contains(part), "{set}");
    }
    assert!(!set.contains(ANN) && !set.contains("Secure"), "{set}");
    let cookie = cookie(&answered);
    let (status, body) = who(&server, &cookie).await;
    assert_eq!(status, 200);
    assert_eq!(
        (&body["name"], &body["access"]),
        (&json!("ann"), &json!("session"))
    );
    let create = page(&server, Method::POST, "/api/v1/tasks", &cookie);
    let (status, body) = answer(create.json(&json!({"kind": "idle", "payload": {}}))).await;
    assert_eq!(status, 201, "{body}");
    let out = page(&server, Method::DELETE, PATH, &cookie).send().await;
    let out = out.unwrap();
    assert_eq!(out.status(), 204);
    assert!(
        out.headers()["set-cookie"]
            .to_str()
            .unwrap()
            .contains("Max-Age=0")
    );
    assert_eq!(who(&server, &cookie).await.0, 401);
    let again = page(&server, Method::DELETE, PATH, &cookie).send().await;
    assert_eq!(again.unwrap().status(), 204, "to log out twice is no error");
}

#[tokio::test]
async fn a_page_that_came_over_https_gets_a_cookie_for_https_alone() {
    let server = Server::start(Kept::Memory, ann_and_bob()).await;
    let request = server.request(Method::POST, PATH);
    let request = request
        .header("host", "mcs.example")
        .header("origin", "https://mcs.example");
    let answered = request.json(&json!({"token": ANN})).send().await.unwrap();
    let set = answered.headers()["set-cookie"].to_str().unwrap();
    assert!(set.ends_with("; Secure"), "{set}");
    assert!(set.starts_with("__Host-mcs_session="), "{set}");
    let mut back = server.request(Method::GET, PATH);
    back = back.header("host", "mcs.example");
    let back = back.header("cookie", cookie(&answered));
    assert_eq!(answer(back).await.0, 200);
}

#[tokio::test]
async fn a_wrong_token_opens_no_session() {
    let server = Server::start(Kept::Memory, ann_and_bob()).await;
    let answered = log_in(&server, "hunter2-hunter2").await;
    assert!(answered.headers().get("set-cookie").is_none());
    let body = json_of(answered).await;
    assert_eq!(body["status"], 401);
    assert!(!body.to_string().contains("hunter2"), "{body}");
    let (status, body) = server.post(PATH, &json!({"token": 5})).await;
    assert_eq!((status.as_u16(), &body["field"]), (422, &json!("token")));
}

#[tokio::test]
async fn other_pages_have_no_use_of_the_cookie() {
    let server = Server::start(Kept::Memory, ann_and_bob()).await;
    let cookie = logged_in(&server, ANN).await;
    let task = json!({"kind": "idle", "payload": {}});
    let post = || {
        let request = server.request(Method::POST, "/api/v1/tasks");
        request.header("cookie", &cookie).json(&task)
    };
    let (status, body) = answer(post()).await;
    assert_eq!(
        status, 403,
        "without an Origin nobody knows whose page it is: {body}"
    );
    for origin in [
        "https://evil.example",
        "null",
        "http://127.0.0.1:1",
        "http://localhost",
    ] {
        let (status, body) = answer(post().header("origin", origin)).await;
        assert_eq!(status, 403, "{body}");
        let read = server.request(Method::GET, PATH).header("cookie", &cookie);
        assert_eq!(answer(read.header("origin", origin)).await.0, 403);
        let out = server
            .request(Method::DELETE, PATH)
            .header("cookie", &cookie);
        assert_eq!(answer(out.header("origin", origin)).await.0, 403);
        // Nor does another page log the browser in as somebody of its choice.
        let login = server.request(Method::POST, PATH).header("origin", origin);
        let login = login.json(&json!({"token": BOB}));
        assert_eq!(answer(login).await.0, 403);
    }
    assert_eq!(who(&server, &cookie).await.0, 200, "nobody logged it out");
    let mine = format!("http://{}", server.address);
    assert_eq!(answer(post().header("origin", mine)).await.0, 201);
}

#[tokio::test]
async fn nobody_goes_on_with_a_session_that_somebody_else_chose() {
    let server = Server::start(Kept::Memory, ann_and_bob()).await;
    let port = server.address.port();
    let chosen = format!("mcs_session_{port}={}", "a".repeat(64));
    assert_eq!(who(&server, &chosen).await.0, 401);
    let login = page(&server, Method::POST, PATH, &chosen).json(&json!({"token": ANN}));
    let fresh = cookie(&login.send().await.unwrap());
    assert_ne!(fresh, chosen);
    assert_eq!(who(&server, &chosen).await.0, 401);
    // The session from before the login is over, whoever knows it.
    let login = page(&server, Method::POST, PATH, &fresh).json(&json!({"token": BOB}));
    let newer = cookie(&login.send().await.unwrap());
    assert_eq!(who(&server, &fresh).await.0, 401);
    assert_eq!(who(&server, &newer).await.1["name"], "bob");
}

#[tokio::test]
async fn a_token_that_is_sent_counts_more_than_a_cookie() {
    let server = Server::start(Kept::Memory, ann_and_bob()).await;
    let cookie = logged_in(&server, ANN).await;
    let both = server.request(Method::GET, PATH).header("cookie", &cookie);
    let (_, body) = answer(both.bearer_auth(BOB)).await;
    assert_eq!(body["name"], "bob");
    let wrong = server.request(Method::GET, PATH).header("cookie", &cookie);
    assert_eq!(answer(wrong.bearer_auth("nonsense")).await.0, 401);
}

#[tokio::test]
async fn a_revoked_key_ends_its_sessions() {
    let server = Server::start(Kept::Memory, Options::default()).await;
    let key = server.key(None, &[Scope::Read]).await;
    let admin = server.key(None, &[Scope::Admin]).await;
    let cookie = logged_in(&server, key.token.expose()).await;
    assert_eq!(who(&server, &cookie).await.0, 200);
    let server = server.with(&admin);
    let path = format!("/api/v2/keys/{}", key.key.id);
    assert_eq!(answer(server.request(Method::DELETE, &path)).await.0, 200);
    let asked = server
        .client
        .get(format!("http://{}{PATH}", server.address));
    let (status, body) = answer(asked.header("cookie", cookie)).await;
    assert_eq!(status, 401, "{body}");
}

#[tokio::test]
async fn a_token_whose_line_is_gone_ends_its_sessions() {
    let directory = tempfile::tempdir().unwrap();
    let file = TokenFile::new(directory.path().join("tokens"));
    file.add(&entry("ann", ANN)).unwrap();
    let options = Options {
        token_file: Some(file.path().to_owned()),
        ..Options::default()
    };
    let server = Server::start(Kept::Memory, options).await;
    let cookie = logged_in(&server, ANN).await;
    std::fs::write(file.path(), "").unwrap();
    // It is believed for a moment, and the file is looked at again after that.
    let gone = async {
        while who(&server, &cookie).await.0 != 401 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(crate::kit::PATIENCE, gone)
        .await
        .unwrap();
}

#[tokio::test]
async fn what_a_token_may_no_more_do_neither_its_sessions_nor_its_streams_may() {
    let directory = tempfile::tempdir().unwrap();
    let file = TokenFile::new(directory.path().join("tokens"));
    let scopes = [Scope::Read, Scope::Admin];
    let secret = mcs_core::provider::secret::Secret::new(ANN);
    let of = |scopes| TokenEntry::of(&secret, NewKey::of_user("ann", scopes)).unwrap();
    file.add(&of(&scopes)).unwrap();
    let options = Options {
        token_file: Some(file.path().to_owned()),
        ..Options::default()
    };
    let server = Server::start(Kept::Memory, options).await;
    let cookie = logged_in(&server, ANN).await;
    let stream = server.request(Method::GET, "/api/v1/events");
    let stream = stream.bearer_auth(ANN).send().await.unwrap();
    assert_eq!(stream.status(), 200);
    std::fs::remove_file(file.path()).unwrap();
    file.add(&of(&scopes[..1])).unwrap();
    let told = tokio::time::timeout(crate::kit::PATIENCE, stream.text());
    let told = told.await.expect("the stream ends").unwrap();
    assert!(told.contains("was changed meanwhile"), "{told}");
    let pause = page(&server, Method::POST, "/api/v1/queues/q/pause", &cookie);
    assert_eq!(answer(pause).await.0, 401);
    let (status, body) = who(&server, &logged_in(&server, ANN).await).await;
    assert_eq!((status, &body["scopes"]), (200, &json!(["read"])));
}

#[tokio::test]
async fn people_behind_one_proxy_do_not_use_up_each_others_logins() {
    let server = Server::start(Kept::Memory, ann_and_bob()).await;
    for _ in 0..60 {
        logged_in(&server, ANN).await;
    }
}

#[tokio::test]
async fn an_open_server_needs_no_session() {
    let server = Server::start(Kept::Memory, Options::default()).await;
    let session = server.found(PATH).await;
    assert_eq!(
        (&session["name"], &session["access"]),
        (&json!("local"), &json!("open"))
    );
    assert_eq!(log_in(&server, "anything").await.status(), 401);
}
