use super::coordinator::Coordinator;
use super::process::{namespace, role, wrapped};
use super::{MEMORY, build, builder};
use mcs_reporter::{BuildError, Reporter};
use std::path::Path;

#[test]
fn what_is_missing_is_said_when_it_is_built() {
    let whole = || {
        Reporter::builder()
            .coordinator_url("http://c")
            .api_key("k")
            .mcp_id("m")
            .local_cache_path(MEMORY)
    };
    assert!(whole().build().is_ok());
    for (builder, field) in [
        (
            whole().coordinator_url(""),
            "`coordinator_url` is missing; give",
        ),
        (whole().api_key(""), "`api_key` is missing; give"),
        (whole().mcp_id(""), "`mcp_id` is empty; give"),
        (
            whole().mcp_id("a\u{1b}[0m"),
            "`mcp_id` contains the control character",
        ),
    ] {
        let error = builder.build().unwrap_err();
        assert!(matches!(error, BuildError::Invalid(_)), "{error:?}");
        assert!(error.to_string().contains(field), "{error}");
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, b"").unwrap();
    assert_refused(&file.join("cache.db"));
}

/// On a file system of its own that takes no writes, since there are users whom permissions do not stop.
#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_cannot_be_written_is_named() {
    const NAME: &str = "builds::a_folder_that_cannot_be_written_is_named";
    const MOUNT: &str = r#"mount -t tmpfs -o ro tmpfs "$MCS_TEST_ROLE" && exec "$0" "$@""#;
    if let Some(directory) = role() {
        return assert_refused(&Path::new(&directory).join("cache.db"));
    }
    let Some(mut words) = namespace() else { return };
    words.extend(["sh", "-c", MOUNT]);
    let directory = tempfile::tempdir().unwrap();
    let done = wrapped(words, NAME, directory.path().to_str().unwrap())
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
}

fn assert_refused(path: &Path) {
    let error = builder(path, &Coordinator::up()).build().unwrap_err();
    let BuildError::Journal { path: folder, .. } = &error else {
        panic!("{error:?}");
    };
    assert!(
        folder.starts_with(path.parent().unwrap()),
        "{}",
        folder.display()
    );
    let said = error.to_string();
    assert!(
        said.contains("cache.db.segments") && said.contains("make it writable, or"),
        "{said}"
    );
}

#[tokio::test]
async fn in_memory_there_are_no_files() {
    // The path would be a file's name like any other.
    let reporter = build(MEMORY, &Coordinator::up());
    assert!(reporter.report_interaction_start("i", ()).is_accepted());
    super::delivered(&reporter).await;
    assert!(!Path::new(MEMORY).exists());
    assert!(!Path::new(":memory:.segments").exists());
}

#[test]
fn the_key_shows_nowhere() {
    let builder = builder(MEMORY, &Coordinator::up());
    assert!(!format!("{builder:?}").contains("sesame"));
    let reporter = builder.build().unwrap();
    assert!(!format!("{reporter:?}").contains("sesame"));
}
