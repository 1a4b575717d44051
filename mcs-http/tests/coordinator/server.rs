//! Bounds, slow clients, and the end.

use crate::broken::{Broken, FullDisk};
use crate::surroundings::{Kept, PATIENCE, Server, call, event};
use mcs_core::config::Config;
use mcs_core::engine::Engine;
use mcs_core::provider::models::ModelTable;
use mcs_core::service::Service;
use mcs_core::store::MemoryStore;
use mcs_http::Options;
use reqwest::Method;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Writes `text` to a connection of its own and reads until its end.
async fn raw(server: &Server, text: &str) -> String {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    timeout(PATIENCE, read).await.expect("an end").unwrap();
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn what_is_no_http_and_heads_without_end_are_refused() {
    let server = Server::start(Kept::Memory, Options::default()).await;
    assert!(
        raw(&server, "hello\r\n\r\n")
            .await
            .starts_with("HTTP/1.1 400")
    );
    let many = "x: y\r\n".repeat(1000);
    let many = format!("GET /api/v2/health HTTP/1.1\r\nhost: localhost\r\n{many}\r\n");
    assert!(raw(&server, &many).await.starts_with("HTTP/1.1 431"));
    server.found("/api/v2/health").await;
}

#[tokio::test]
async fn a_body_of_a_gigabyte_is_refused_by_its_announcement() {
    let server = Server::start(Kept::Memory, Options::default()).await;
    let head = "POST /api/v2/interactions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                content-length: 1073741824\r\n\r\n";
    let answer = raw(&server, head).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(answer.contains("1073741824 bytes"), "{answer}");
}

#[tokio::test]
async fn connections_beyond_the_bound_wait_for_their_turn() {
    let options = Options {
        max_connections: 2,
        ..Options::default()
    };
    let server = Server::start(Kept::Memory, options).await;
    let ask = "GET /api/v2/health HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(ask.as_bytes()).await.unwrap();
        assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0);
        held.push(stream);
    }
    let mut third = TcpStream::connect(server.address).await.unwrap();
    third.write_all(ask.as_bytes()).await.unwrap();
    // Nobody can show that no answer will come; a client that leaves lets this one in.
    assert!(third.try_read(&mut [0; 4096]).is_err());
    held.pop();
    let mut answer = [0; 4096];
    let answered = third.read(&mut answer);
    assert!(
        timeout(PATIENCE, answered)
            .await
            .expect("its turn")
            .unwrap()
            > 0
    );
}

#[tokio::test]
async fn a_server_that_is_told_to_stop_answers_what_it_has_and_ends() {
    let mut server = Server::start(Kept::Memory, Options::default()).await;
    server.report(&call("int_1_a", 1.0)[0]).await;
    // Half a request is on its way when the server is told.
    let body = event("start", "int_1_b", 1.0, &json!({})).to_string();
    let mut half = TcpStream::connect(server.address).await.unwrap();
    let head = format!(
        "POST /api/v2/interactions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         expect: 100-continue\r\n\r\n",
        body.len()
    );
    half.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 4096];
    let read = half.read(&mut answer).await.unwrap();
    assert!(
        answer[..read].starts_with(b"HTTP/1.1 100"),
        "the handler is at work"
    );
    server.options.stop.cancel();
    half.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    half.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    timeout(PATIENCE, &mut server.serving)
        .await
        .expect("it ends")
        .unwrap()
        .unwrap();
    assert!(
        TcpStream::connect(server.address).await.is_err(),
        "nobody listens any more"
    );
}

#[tokio::test]
async fn a_client_that_never_finishes_is_cut_off_at_the_end() {
    let options = Options {
        shutdown_grace: Duration::from_millis(10),
        ..Options::default()
    };
    let mut server = Server::start(Kept::Memory, options).await;
    let mut half = TcpStream::connect(server.address).await.unwrap();
    let head = "POST /api/v2/interactions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                content-length: 10\r\nexpect: 100-continue\r\n\r\n";
    half.write_all(head.as_bytes()).await.unwrap();
    assert!(half.read(&mut [0; 4096]).await.unwrap() > 0);
    server.options.stop.cancel();
    timeout(PATIENCE, &mut server.serving)
        .await
        .expect("it ends")
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let options = Options {
        request_timeout: Duration::from_millis(50),
        ..Options::default()
    };
    let server = Server::start(Kept::Memory, options).await;
    let head = "POST /api/v2/interactions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                content-length: 10\r\n\r\n{";
    let answer = raw(&server, head).await;
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.to_lowercase().contains("retry-after: 1"), "{answer}");
}

#[tokio::test]
async fn clients_that_announce_much_and_send_little_keep_nobody_out() {
    let server = Server::start(Kept::Memory, Options::default()).await;
    let head = "POST /api/v2/interactions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                expect: 100-continue\r\n";
    let mut slow = Vec::new();
    // Together they announce twice the memory that bodies may have.
    for n in 0..64 {
        let (length, part) = match n % 2 {
            0 => ("transfer-encoding: chunked", "1\r\n{\r\n"),
            _ => ("content-length: 2097152", "{"),
        };
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let head = format!("{head}{length}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0);
        stream.write_all(part.as_bytes()).await.unwrap();
        slow.push(stream);
    }
    server.report(&call("int_1_a", 1.0)[0]).await;
}

#[tokio::test]
async fn keys_that_cannot_be_looked_up_are_not_waited_for() {
    let options = Options {
        request_timeout: Duration::from_millis(50),
        ..Options::default()
    };
    let engine = Engine::builder(Arc::new(MemoryStore::new()));
    let engine = engine.start().await.unwrap();
    let service = Service::new(engine, Arc::new(Broken::Hanging), ModelTable::builtin());
    let mut server = Server::of(service, options).await;
    server.token = Some(format!("mcs_0123456789abcdef_{}", "0".repeat(64)));
    let (status, body) = server.post("/api/v2/validate", &json!({})).await;
    assert_eq!(status, 503, "{body}");
}

#[tokio::test]
async fn a_router_inside_of_another_application_needs_a_key() {
    let server = Server::start(Kept::Memory, Options::default()).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let inner = mcs_http::router(server.service.clone(), Options::default());
    let outer = axum::Router::new().nest("/mcs", inner);
    let serving = tokio::spawn(async move { axum::serve(listener, outer).await });
    let ask = async |path: &str, token: &str| {
        let url = format!("http://{address}/mcs{path}");
        let answer = server
            .client
            .get(url)
            .bearer_auth(token)
            .send()
            .await
            .unwrap();
        answer.status().as_u16()
    };
    assert_eq!(ask("/api/v2/health", "none").await, 200);
    assert_eq!(ask("/api/v2/interactions", "none").await, 401);
    let admin = server.key(None, &[mcs_core::service::Scope::Admin]).await;
    assert_eq!(ask("/api/v2/interactions", admin.token.expose()).await, 200);
    assert_eq!(ask("/api/v2/nothing", admin.token.expose()).await, 404);
    serving.abort();
}

#[tokio::test]
async fn health_says_when_it_is_over() {
    let server = Server::start(Kept::Memory, Options::default()).await;
    let service = server.service.clone();
    let options = server.options.clone();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    // A router that somebody else serves on may outlive the end.
    let router = mcs_http::router(service, options.clone());
    let serving = tokio::spawn(async move { axum::serve(listener, router).await });
    options.stop.cancel();
    let health = server
        .client
        .request(Method::GET, format!("http://{address}/api/v2/health"));
    let answer = health.send().await.unwrap();
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.headers()["retry-after"], "1");
    serving.abort();
}

#[tokio::test]
async fn health_is_bad_where_nothing_can_be_stored() {
    let service = mcs_core::builder(&Config::in_memory()).store(Arc::new(MemoryStore::new()));
    let server = Server::of(service.open().await.unwrap(), Options::default()).await;
    let (status, body) = server.get("/api/v2/health").await;
    assert_eq!(status, 503, "{body}");
    assert!(
        body["detail"].as_str().unwrap().contains("no store"),
        "{body}"
    );
}

#[tokio::test]
async fn health_is_bad_after_a_report_that_found_the_disk_full() {
    let store = Arc::new(FullDisk::default());
    let service = mcs_core::builder(&Config::in_memory()).interactions(store.clone());
    let server = Server::of(service.open().await.unwrap(), Options::default()).await;
    server.found("/api/v2/health").await;
    let [start, end] = call("int_1_a", 1.0);
    for (path, body) in [
        ("/api/v2/interactions", start),
        ("/api/v2/interactions/batch", json!({"events": [end]})),
    ] {
        store.full.store(true, Ordering::Relaxed);
        assert_eq!(server.post(path, &body).await.0, 503);
        let (status, answer) = server.get("/api/v2/health").await;
        assert_eq!(status, 503, "{answer}");
        assert!(
            answer["detail"].as_str().unwrap().contains("full"),
            "{answer}"
        );
        // Whoever tries all the same finds out first.
        store.full.store(false, Ordering::Relaxed);
        assert_eq!(server.post(path, &body).await.0, 200);
        server.found("/api/v2/health").await;
    }
}

/// The clock moves on by itself while everybody waits, so a minute takes no time.
#[tokio::test(start_paused = true)]
async fn connections_that_say_nothing_do_not_stay() {
    let server = Server::start(Kept::Memory, Options::default()).await;
    for said in ["", "GET /api/v2/health HTTP/1.1\r\nhost: loc"] {
        let mut idle = TcpStream::connect(server.address).await.unwrap();
        idle.write_all(said.as_bytes()).await.unwrap();
        let began = tokio::time::Instant::now();
        let mut rest = Vec::new();
        idle.read_to_end(&mut rest).await.unwrap();
        assert!(
            began.elapsed() >= Duration::from_secs(59),
            "{said:?}: {:?}",
            began.elapsed()
        );
    }
}
