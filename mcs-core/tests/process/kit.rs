//! What these tests share.

use mcs_core::process::{
    Child, DEFAULT_ENVIRONMENT, Identity, Lines, Spawner, Spec, allowed_environment,
};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// How long anything may take that happens at once, on a machine that does much else.
pub(crate) const LONG: Duration = Duration::from_mins(1);

/// The test child, which does `steps`.
pub(crate) fn stand_in(steps: &[&str]) -> Spec {
    let mut spec = program(env!("CARGO_BIN_EXE_process-stand-in"), steps);
    spec.label = "stand-in".into();
    spec
}

/// A shell that runs `script` with the test child as `$0`.
pub(crate) fn shell(script: &str) -> Spec {
    let stand_in = env!("CARGO_BIN_EXE_process-stand-in");
    program("/bin/sh", &["-c", script, stand_in])
}

fn program(program: &str, arguments: &[&str]) -> Spec {
    let mut spec = Spec::new(program, std::env::temp_dir());
    spec.arguments = arguments.iter().map(Into::into).collect();
    spec.environment = allowed_environment(&DEFAULT_ENVIRONMENT.map(str::to_owned));
    spec
}

pub(crate) async fn start(spec: Spec) -> Child {
    let spawner = Spawner::start().expect("its threads");
    spawner.spawn(spec).await.expect("a child")
}

/// The next line as a text.
pub(crate) async fn line(lines: &mut Lines) -> String {
    let line = tokio::time::timeout(LONG, lines.next()).await;
    let line = line.expect("a line in time").expect("its output");
    String::from_utf8(line.expect("one more line").bytes).expect("a text")
}

/// The processes that name themselves in the next lines, by their names.
pub(crate) async fn named<const N: usize>(lines: &mut Lines) -> BTreeMap<String, Identity> {
    let mut found = BTreeMap::new();
    while found.len() < N {
        let line = line(lines).await;
        let (name, pid) = line.split_once(' ').expect("a name and a pid");
        let identity = Identity::of(pid.parse().expect("a pid"));
        found.insert(name.to_owned(), identity.expect("a process"));
    }
    found
}

/// `word` for this run of the tests alone: others may run on the same machine.
pub(crate) fn label(word: &str) -> String {
    format!("{word}-of-{}", std::process::id())
}

/// How many processes carry `word` in their tag.
pub(crate) fn carrying(word: &str) -> usize {
    let entries = std::fs::read_dir("/proc").expect("the processes").flatten();
    let carries = |process: &Path| {
        let environment = std::fs::read(process.join("environ")).unwrap_or_default();
        let mut variables = environment.split(|byte| *byte == 0);
        variables.any(|variable| {
            let text = String::from_utf8_lossy(variable);
            text.starts_with("MCS_PROCESS=") && text.contains(word)
        })
    };
    entries.filter(|entry| carries(&entry.path())).count()
}

/// Waits until `is_so`, which some process makes true.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let waited = tokio::time::timeout(LONG, waiting).await;
    waited.unwrap_or_else(|_| panic!("not in time: {what}"));
}
