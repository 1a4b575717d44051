//! What a kill cannot show: that the log is synced between the last write of a commit and its acknowledgement. The system
//! calls of a child are traced, and their order is looked at.
#![allow(clippy::unwrap_used, reason = "a helper of a test is a test")]
#![cfg(target_os = "linux")]

mod support;

use mcs_core::domain::{NewTask, TaskId};
use mcs_core::store::TaskStore;
use mcs_core::store::sqlite::{SqliteOptions, SqliteStore, Synchronous};
use serde_json::json;
use std::collections::HashMap;
use std::io::Write;
use std::path::Path;
use support::{role, skip, which, wrapped};

const LOG: &str = "tasks.db-wal>";
const ACKNOWLEDGED: &str = "acknowledged";
/// Commits with one caller, and with several at a time.
const SINGLE: usize = 20;
const SHARED: usize = 20;
const CALLERS: usize = 16;

#[test]
fn every_acknowledgement_of_full_comes_after_a_sync() {
    const NAME: &str = "every_acknowledgement_of_full_comes_after_a_sync";
    if let Some(path) = role() {
        return acknowledge(Path::new(&path), Synchronous::Full);
    }
    if let Some(trace) = trace(NAME) {
        let found = read(&trace);
        assert_eq!(found.acknowledged, SINGLE + SHARED * CALLERS, "{trace}");
        assert_eq!(found.unsynced, Vec::<String>::new(), "{trace}");
    }
}

/// The counterpart that shows that a missing sync would be seen.
#[test]
fn an_acknowledgement_of_normal_waits_for_no_sync() {
    const NAME: &str = "an_acknowledgement_of_normal_waits_for_no_sync";
    if let Some(path) = role() {
        return acknowledge(Path::new(&path), Synchronous::Normal);
    }
    if let Some(trace) = trace(NAME) {
        let found = read(&trace);
        assert_eq!(found.acknowledged, SINGLE + SHARED * CALLERS, "{trace}");
        // All of them, unless the machine is so slow that the store finds time to move its log into the file.
        assert!(found.unsynced.len() > found.acknowledged / 2, "{trace}");
    }
}

/// Stores tasks, and writes a line for each once its store says that it is kept. No line is written while the store
/// has something to do, so that whatever was written to the log belongs to what is acknowledged next.
fn acknowledge(path: &Path, synchronous: Synchronous) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let options = SqliteOptions {
            synchronous,
            ..SqliteOptions::new(path)
        };
        let store = SqliteStore::open(&options).unwrap();
        let insert = || store.insert(vec![NewTask::new("work", json!("x".repeat(2000)))], None);
        for _ in 0..SINGLE {
            say(insert().await.unwrap()[0].id);
        }
        for _ in 0..SHARED {
            let callers = (0..CALLERS).map(|_| insert());
            for inserted in futures_util::future::join_all(callers).await {
                say(inserted.unwrap()[0].id);
            }
        }
        store.close().await.unwrap();
    });
}

fn say(id: TaskId) {
    let line = format!("{ACKNOWLEDGED} {id}\n");
    std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
}

/// The system calls of the child of `test`, or nothing where they cannot be traced.
fn trace(test: &str) -> Option<String> {
    if which("strace").is_none() {
        skip("there is no `strace` on PATH; install the package `strace`");
        return None;
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("trace");
    let file = file.to_str().unwrap();
    let calls = "trace=write,writev,pwrite64,pwritev,fsync,fdatasync,sync_file_range";
    let strace = ["strace", "-f", "-y", "-s", "100", "-e", calls, "-o", file];
    let database = directory.path().join("tasks.db");
    let done = wrapped(strace, test, database.to_str().unwrap())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    if said.contains("ptrace") {
        skip(&format!(
            "this process may not trace another, as in a container without CAP_SYS_PTRACE: {said}"
        ));
        return None;
    }
    assert!(done.status.success(), "{said}");
    Some(std::fs::read_to_string(file).unwrap())
}

/// What a trace shows.
#[derive(Debug, Default)]
struct Found {
    acknowledged: usize,
    /// Acknowledgements after a write to the log that was not synced yet.
    unsynced: Vec<String>,
}

/// Goes through a trace. A call that another thread's interrupts counts from where it ends, which is the latest that it
/// took effect; an acknowledgement counts from where it begins.
fn read(trace: &str) -> Found {
    let mut found = Found::default();
    let mut interrupted: HashMap<&str, &str> = HashMap::new();
    let mut dirty = false;
    for line in trace.lines() {
        let (process, call) = line.split_once(' ').unwrap_or_default();
        let call = call.trim_start();
        if call.starts_with("write(1<") && call.contains(ACKNOWLEDGED) {
            found.acknowledged += 1;
            if dirty {
                found.unsynced.push(line.to_owned());
            }
            continue;
        }
        if call.ends_with("<unfinished ...>") {
            interrupted.insert(process, call);
            continue;
        }
        let begun = if call.starts_with("<... ") {
            interrupted.remove(process).unwrap_or_default()
        } else {
            call
        };
        if begun.contains(LOG) {
            let is_sync = begun.starts_with("fsync(") || begun.starts_with("fdatasync(");
            dirty = !(is_sync && call.ends_with("= 0"));
        }
    }
    found
}
