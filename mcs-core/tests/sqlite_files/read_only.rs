//! Files on a file system that cannot be written.

use super::support::{namespace, role, wrapped};
use super::{make, open, refusal};
use mcs_core::store::StoreError;
use std::path::Path;

#[tokio::test]
async fn a_file_system_that_is_read_only() {
    const NAME: &str = "read_only::a_file_system_that_is_read_only";
    if let Some(directory) = role() {
        return refuse(Path::new(&directory));
    }
    let Some(mut words) = namespace() else {
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tasks.db");
    make(&path, 1).await;
    // Root may write where permissions forbid it, but not here.
    let mount = r#"mount --bind "$MCS_TEST_ROLE" "$MCS_TEST_ROLE" &&
        mount -o remount,bind,ro "$MCS_TEST_ROLE" && exec "$0" "$@""#;
    words.extend(["sh", "-c", mount]);
    let role = directory.path().to_str().unwrap();
    let done = wrapped(words, NAME, role).output().unwrap();
    assert!(done.status.success(), "{done:?}");
    open(&path).unwrap();
}

fn refuse(directory: &Path) {
    for name in ["tasks.db", "new.db"] {
        let error = refusal(&directory.join(name));
        assert!(matches!(error, StoreError::ReadOnly { .. }), "{error:?}");
        let text = error.to_string();
        assert!(text.contains("check its owner and permissions"), "{text}");
    }
}
