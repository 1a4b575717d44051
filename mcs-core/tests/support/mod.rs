//! What tests share that need a second process or a tool of the machine.
#![allow(dead_code, reason = "not every test uses all of it")]

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;

/// Tells a test that it runs as somebody's child, and in which role.
const ROLE: &str = "MCS_TEST_ROLE";

/// The role in which this process runs a test again, if it is a child.
pub(crate) fn role() -> Option<String> {
    std::env::var(ROLE).ok()
}

/// This test binary again, to run the one test named `test` in `role`. The arguments come last, so that a shell may
/// stand before it.
pub(crate) fn again(test: &str, role: &str) -> Command {
    wrapped(std::iter::empty::<&str>(), test, role)
}

/// As [`again`], behind `words`, a program and its first arguments that start what follows them.
pub(crate) fn wrapped<S: AsRef<OsStr>>(
    words: impl IntoIterator<Item = S>,
    test: &str,
    role: &str,
) -> Command {
    let exe = std::env::current_exe().expect("the path of this test");
    let mut words = words.into_iter();
    let mut command = match words.next() {
        Some(program) => {
            let mut command = Command::new(program);
            command.args(words).arg(exe);
            command
        }
        None => Command::new(exe),
    };
    command
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(ROLE, role);
    command
}

/// Says why a test does not run here, and fails where everything must.
pub(crate) fn skip(why: &str) {
    assert!(
        std::env::var_os("MCS_TEST_REQUIRE_ALL").is_none_or(|all| all != "1"),
        "{why}"
    );
    eprintln!("skipped: {why}");
}

/// Where `program` is on PATH.
pub(crate) fn which(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|directory| directory.join(program))
        .find(|file| file.is_file())
}

/// The words that start a program which may mount file systems that nobody else sees, or nothing where that is not
/// allowed.
pub(crate) fn namespace() -> Option<Vec<&'static str>> {
    // Root needs no user namespace, and has none in many containers.
    let ways = [vec!["unshare", "-m"], vec!["unshare", "-r", "-m"]];
    let works = |way: &&Vec<&str>| {
        let mut probe = Command::new(way[0]);
        probe
            .args(&way[1..])
            .args(["mount", "-t", "tmpfs", "tmpfs", "/tmp"]);
        probe.output().is_ok_and(|done| done.status.success())
    };
    let way = ways.iter().find(works).cloned();
    if way.is_none() {
        skip("`unshare` cannot make a mount namespace here; run as root or allow user namespaces");
    }
    way
}
