use super::process::{again, role};
use mcs_reporter::{AskError, Report, Reporter};
use std::path::Path;
use std::time::Duration;

/// In a process of its own, since tests beside it have threads.
#[test]
fn switched_off_there_is_no_file_and_no_thread() {
    const NAME: &str = "off::switched_off_there_is_no_file_and_no_thread";
    if let Some(folder) = role() {
        return switched_off(Path::new(&folder));
    }
    let folder = tempfile::tempdir().unwrap();
    let done = again(NAME, folder.path().to_str().unwrap())
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
}

fn switched_off(folder: &Path) {
    let before = threads();
    let path = folder.join("cache.db");
    let off = Reporter::builder()
        .enable_reporting(false)
        .local_cache_path(&path)
        .build()
        .unwrap();
    let from_file = Reporter::from_toml(&format!(
        "[interaction_logging]\nenable_interaction_logging = false\nlocal_cache_path = '{}'",
        path.display()
    ));
    for reporter in [off, from_file.unwrap(), Reporter::disabled()] {
        assert!(!reporter.reports());
        assert_eq!(reporter.report_interaction_start("i", ()), Report::Disabled);
        assert_eq!(reporter.start(()).complete(()), Report::Disabled);
        drop(reporter.start(()));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(asked(&reporter));
        assert_eq!(reporter.stats(), mcs_reporter::Stats::default());
    }
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0);
    assert_eq!(threads(), before);
}

async fn asked(reporter: &Reporter) {
    assert!(reporter.flush(Duration::ZERO).await.unwrap().is_complete());
    assert_eq!(reporter.shutdown(Duration::ZERO).await.unwrap().on_disk, 0);
    assert_eq!(reporter.check_health().await, Err(AskError::Disabled));
    assert_eq!(
        reporter.cleanup(Duration::ZERO).await,
        Err(AskError::Disabled)
    );
}

/// Threads of this process, where the system tells.
fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count)
}
