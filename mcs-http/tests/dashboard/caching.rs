//! A browser asks for little twice.

use crate::surroundings::{Page, header};

#[tokio::test]
async fn the_page_is_asked_for_again_and_its_files_are_not() {
    let page = Page::serve().await;
    let index = page.get("/").send().await.unwrap();
    assert_eq!(header(&index, "cache-control"), "no-cache");
    let app = format!("{}/app.js", page.assets().await);
    let app = page.get(&app).send().await.unwrap();
    assert_eq!(
        header(&app, "cache-control"),
        "public, max-age=31536000, immutable"
    );
    let bare = page.get("/assets/app.js").send().await.unwrap();
    assert_eq!(header(&bare, "cache-control"), "no-cache");
    assert_eq!(header(&bare, "etag"), header(&app, "etag"));
}

#[tokio::test]
async fn what_is_known_is_not_sent_again() {
    let page = Page::serve().await;
    for path in ["/", "/assets/app.js"] {
        let first = page.get(path).send().await.unwrap();
        let etag = header(&first, "etag");
        let strong = etag.trim_start_matches("W/").to_owned();
        for known in [
            etag.clone(),
            strong,
            format!("\"other\", {etag}"),
            "*".to_owned(),
        ] {
            let second = page
                .get(path)
                .header("if-none-match", &known)
                .send()
                .await
                .unwrap();
            assert_eq!(second.status(), 304, "{path} {known}");
            assert_eq!(header(&second, "etag"), etag);
            assert_eq!(second.bytes().await.unwrap().len(), 0);
        }
        let other = page
            .get(path)
            .header("if-none-match", "\"other\"")
            .send()
            .await
            .unwrap();
        assert_eq!(other.status(), 200, "{path}");
    }
}

#[tokio::test]
async fn different_files_have_different_tags() {
    let page = Page::serve().await;
    let mut tags = Vec::new();
    for path in ["/", "/assets/app.js", "/assets/api.js"] {
        tags.push(header(&page.get(path).send().await.unwrap(), "etag"));
    }
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), 3);
}
