//! What keeps a service from starting is said in one line.

use crate::program::{Program, mcs, output};
use std::net::TcpListener;
use std::path::Path;

/// Fails unless `mcs` ends with `code` and a single line that has all `parts`.
fn refuses(directory: &Path, arguments: &[&str], code: i32, parts: &[&str]) {
    let mut command = mcs(directory, arguments);
    let done = output(command.env("RUST_LOG", "off"));
    let error = String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.code(), Some(code), "{arguments:?}: {error}");
    assert_eq!(error.lines().count(), 1, "{error}");
    assert!(error.starts_with("mcs: "), "{error}");
    for part in parts {
        assert!(error.contains(part), "{part} is not in: {error}");
    }
    assert!(done.stdout.is_empty(), "nothing was served");
}

#[test]
fn a_port_that_is_taken_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let arguments = ["--listen", &address];
    refuses(
        directory.path(),
        &arguments,
        1,
        &[&address, "--listen", "MCS_HTTP_ADDRESS"],
    );
    assert!(!directory.path().join("mcs.db").exists(), "no file is made");
    refuses(
        directory.path(),
        &["--listen", "192.0.2.1:0"],
        1,
        &["192.0.2.1:0"],
    );
}

#[test]
fn other_machines_are_not_let_in_without_a_key() {
    let directory = tempfile::tempdir().unwrap();
    let arguments = ["--listen", "0.0.0.0:0"];
    refuses(
        directory.path(),
        &arguments,
        2,
        &["0.0.0.0", "MCS_HTTP_ADMIN_KEY"],
    );
}

#[test]
fn a_wrong_configuration_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    std::fs::write(at("wrong.toml"), "[engine]\nconcurency = 3\n").unwrap();
    std::fs::write(at("torn.toml"), "[engine\n").unwrap();
    for (file, part) in [
        ("wrong.toml", "concurrency"),
        ("torn.toml", "torn.toml:1"),
        ("missing.toml", "missing.toml"),
    ] {
        refuses(directory.path(), &["--config", file], 2, &[file, part]);
    }
}

#[test]
fn a_file_that_cannot_be_used_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let serve = |file: &str, part: &str| {
        let arguments = ["--db", file, "--listen", "127.0.0.1:0"];
        refuses(directory.path(), &arguments, 1, &[file, part]);
    };
    std::fs::write(
        at("notes.txt"),
        "These are notes and no database.\n".repeat(200),
    )
    .unwrap();
    serve("notes.txt", "not an MCS database");
    serve("missing/mcs.db", "");
    // Somebody else holds it.
    let locked = rusqlite::Connection::open(at("locked.db")).unwrap();
    locked
        .execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;")
        .unwrap();
    serve("locked.db", "locked");
}

#[test]
fn a_wrong_command_line_is_explained() {
    let directory = tempfile::tempdir().unwrap();
    for (arguments, part) in [
        (&["--lisen", "x"][..], "--listen"),
        (&["--listen", "8080"], "8080"),
        (&["--new-token", "ann:everything"], "everything"),
        (&["serv"], "serve"),
    ] {
        let done = output(&mut mcs(directory.path(), arguments));
        let error = String::from_utf8(done.stderr).unwrap();
        assert_eq!(done.status.code(), Some(2), "{error}");
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn the_second_of_two_on_one_port_leaves_the_first_alone() {
    let directory = tempfile::tempdir().unwrap();
    let first = Program::serve(directory.path(), &[]);
    let address = first.url.trim_start_matches("http://").to_owned();
    refuses(directory.path(), &["--listen", &address], 1, &[&address]);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (status, _) = runtime.block_on(first.get("/api/v2/health"));
    assert_eq!(status, 200);
}
