//! How much is transferred until everything has been seen once.

use crate::surroundings::{Page, sources};

/// All pages and their libraries, compressed as browsers ask for it.
const MOST: usize = 150 * 1024;
/// Scripts and styles from this size on gain by being compressed.
const WORTH_IT: usize = 4096;

#[tokio::test]
async fn the_whole_page_is_small() {
    let page = Page::serve().await;
    let assets = page.assets().await;
    let mut paths = vec!["/".to_owned()];
    for (path, _) in sources() {
        if [".js", ".css", ".svg"]
            .iter()
            .any(|ending| path.ends_with(ending))
        {
            paths.push(format!("{assets}/{path}"));
        }
    }
    let (mut sum, mut largest) = (0, (0, String::new()));
    for path in &paths {
        let asked = page.get(path).header("accept-encoding", "gzip, br");
        let response = asked.send().await.unwrap();
        let coding = response.headers().get("content-encoding").cloned();
        let size = response.bytes().await.unwrap().len();
        assert!(
            coding.is_some_and(|it| it == "br") || size < WORTH_IT,
            "{path}"
        );
        sum += size;
        largest = largest.max((size, path.clone()));
    }
    println!(
        "{} files, {sum} bytes compressed; the largest: {largest:?}",
        paths.len()
    );
    assert!(sum <= MOST, "{sum} bytes are more than {MOST}");
}
