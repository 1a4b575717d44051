//! The unit for systemd.

use crate::program::{has, skip};
use std::process::Command;

const UNIT: &str = include_str!("../../deploy/mcs.service");
/// Of ten, which is a service that may do everything.
const EXPOSURE: &str = "20";

#[test]
fn systemd_understands_the_unit_and_finds_it_safe() {
    if !has("systemd-analyze") {
        return skip("there is no `systemd-analyze`; install systemd");
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mcs.service");
    let installed = "/usr/local/bin/mcs";
    assert!(UNIT.contains(installed));
    std::fs::write(&path, UNIT.replace(installed, env!("CARGO_BIN_EXE_mcs"))).unwrap();
    let threshold = format!("--threshold={EXPOSURE}");
    for arguments in [
        &["verify", "--man=no"][..],
        &["security", "--offline=true", &threshold],
    ] {
        let mut command = Command::new("systemd-analyze");
        let done = command.args(arguments).arg(&path).output().unwrap();
        let said = String::from_utf8_lossy(&done.stdout).into_owned();
        let problems = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.success(), "{said}{problems}");
        assert!(!problems.contains("mcs.service"), "{problems}");
    }
}
