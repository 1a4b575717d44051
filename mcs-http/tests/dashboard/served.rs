//! What is answered, and by which headers.

use crate::surroundings::{Page, between, header};
use axum::Router;
use mcs_core::config::{Config, Database};
use mcs_http::{Options, router};
use tokio::net::TcpListener;

#[tokio::test]
async fn the_page_allows_nothing_but_its_own_files() {
    let page = Page::serve().await;
    let response = page.get("/").send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(
        header(&response, "content-type"),
        "text/html; charset=utf-8"
    );
    let policy = header(&response, "content-security-policy");
    for rule in [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "frame-ancestors 'none'",
    ] {
        assert!(policy.contains(rule), "{policy} lacks {rule}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
}

#[tokio::test]
async fn every_file_that_the_page_names_has_its_type() {
    let page = Page::serve().await;
    let index = page.text("/").await;
    assert!(!index.contains("{{"), "a place is not filled in: {index}");
    let mut seen = 0;
    for path in between(&index, "=\"/assets/", "\"") {
        let response = page.get(&format!("/assets/{path}")).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        let wanted = match path.rsplit_once('.').unwrap().1 {
            "js" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "svg" => "image/svg+xml",
            other => panic!("{path} ends in {other}"),
        };
        assert_eq!(header(&response, "content-type"), wanted, "{path}");
        seen += 1;
    }
    assert!(seen > 10, "the page names {seen} files");
}

#[tokio::test]
async fn what_is_no_file_is_a_problem() {
    let page = Page::serve().await;
    let assets = page.assets().await;
    let missing = [
        "/assets/".to_owned(),
        "/assets/nothing.js".to_owned(),
        "/assets/0123456789abcdef/app.js".to_owned(),
        format!("{assets}/..%2f..%2fmod.rs"),
        format!("{assets}/%2e%2e/files.rs"),
        format!("{assets}/vendor/README.md"),
        format!("{assets}/vendor"),
    ];
    for path in missing {
        let response = page.get(&path).send().await.unwrap();
        assert_eq!(response.status(), 404, "{path}");
        assert_eq!(
            header(&response, "content-type"),
            "application/problem+json",
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_page_below_another_application_finds_its_files() {
    let config = Config {
        database: Database::Memory,
        ..Config::default()
    };
    let service = mcs_core::open(&config).await.unwrap();
    let whole = Router::new().nest("/hosted/mcs", router(service, Options::default()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move { axum::serve(listener, whole).await });
    let index = reqwest::get(format!("{root}/hosted/mcs")).await.unwrap();
    let index = index.text().await.unwrap();
    let scripts = between(&index, "=\"/hosted/mcs/assets/", "\"");
    assert!(!scripts.is_empty(), "{index}");
    for path in scripts {
        let file = reqwest::get(format!("{root}/hosted/mcs/assets/{path}"))
            .await
            .unwrap();
        assert_eq!(file.status(), 200, "{path}");
    }
    serving.abort();
}
