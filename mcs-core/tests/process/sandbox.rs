//! The sandbox, where there is bubblewrap.

use crate::kit::{LONG, carrying, label, line, shell, stand_in, start, until};
use crate::support::{again, role, skip};
use mcs_core::process::{Child, Ladder, Sandbox, Signal, Spec};
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

/// Whether there is one, and if not, says so.
fn is_here() -> bool {
    match Sandbox::available() {
        Ok(()) => true,
        Err(error) => {
            skip(&error.to_string());
            false
        }
    }
}

fn within(mut spec: Spec, directory: &Path, network: bool) -> Spec {
    directory.clone_into(&mut spec.directory);
    spec.sandbox = Some(Sandbox {
        network,
        readable: Vec::new(),
        writable: Vec::new(),
        private_tmp: false,
    });
    spec
}

fn outside() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

async fn said(child: &mut Child) -> Vec<String> {
    let (mut lines, mut all) = (child.take_lines().unwrap(), Vec::new());
    while let Some(line) = lines.next().await.unwrap() {
        all.push(String::from_utf8(line.bytes).unwrap());
    }
    all
}

#[tokio::test]
async fn only_the_work_directory_can_be_written() {
    if !is_here() {
        return;
    }
    let (work, other) = (outside(), outside());
    let at =
        |home: &tempfile::TempDir, name: &str| home.path().join(name).to_str().unwrap().to_owned();
    let (own, foreign) = (at(&work, "own"), at(&other, "foreign"));
    let steps = ["write", &own, "write", &foreign, "directory"];
    let mut spec = within(stand_in(&steps), work.path(), true);
    let mut child = start(spec.clone()).await;
    let all = said(&mut child).await;
    assert_eq!(all[0], "written");
    assert!(
        all[1].starts_with("refused: Read-only file system"),
        "{}",
        all[1]
    );
    assert_eq!(all[2], work.path().display().to_string());
    assert!(Path::new(&own).exists() && !Path::new(&foreign).exists());
    assert!(child.wait().await.is_success());
    // What is named may be written too; what is named and is not there hinders nobody.
    if let Some(sandbox) = &mut spec.sandbox {
        sandbox.writable = vec![other.path().to_owned(), "/nowhere".into()];
    }
    assert_eq!(said(&mut start(spec).await).await[1], "written");
    assert!(Path::new(&foreign).exists());
}

#[tokio::test]
async fn root_has_no_rights_to_undo_it() {
    if !is_here() {
        return;
    }
    // Whoever runs the tests as root sees what only root could do.
    let (work, other) = (outside(), outside());
    let foreign = other.path().join("foreign");
    let script = format!(
        "mount -o remount,rw,bind / && echo remounted || echo refused; \"$0\" write {}",
        foreign.display()
    );
    let all = said(&mut start(within(shell(&script), work.path(), true)).await).await;
    assert_eq!(all[0], "refused");
    assert!(all[1].starts_with("refused"), "{}", all[1]);
    assert!(!foreign.exists());
}

#[tokio::test]
async fn what_listens_in_the_directory_of_services_is_not_reached() {
    if !is_here() {
        return;
    }
    let Ok(services) = tempfile::tempdir_in("/run") else {
        return skip("only root may make a socket in /run; run the tests as root");
    };
    let work = outside();
    let elsewhere = work.path().join("socket");
    let service = services.path().join("socket");
    let _listeners =
        [&elsewhere, &service].map(|path| std::os::unix::net::UnixListener::bind(path).unwrap());
    let steps = [&elsewhere, &service].map(|path| ["connect-unix", path.to_str().unwrap()]);
    for network in [true, false] {
        let spec = within(stand_in(steps.as_flattened()), work.path(), network);
        let all = said(&mut start(spec).await).await;
        assert_eq!(all[0], "connected", "one's own can be reached");
        assert!(all[1].starts_with("refused: No such file"), "{}", all[1]);
    }
}

#[tokio::test]
async fn its_temporary_directory_is_its_own() {
    if !is_here() {
        return;
    }
    // The work directory, a program and what may be written show even if they are in the hidden one.
    let (work, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let at =
        |home: &tempfile::TempDir, name: &str| home.path().join(name).to_str().unwrap().to_owned();
    let program = at(&other, "program");
    std::fs::copy(env!("CARGO_BIN_EXE_process-stand-in"), &program).unwrap();
    let hidden = at(&other, "hidden");
    let private = std::env::temp_dir().join(format!("private-{}", std::process::id()));
    let steps = [
        "write",
        &at(&work, "own"),
        "write",
        private.to_str().unwrap(),
        "write",
        &hidden,
    ];
    let mut spec = within(stand_in(&steps), work.path(), true);
    spec.program = program.into();
    if let Some(sandbox) = &mut spec.sandbox {
        sandbox.private_tmp = true;
    }
    let all = said(&mut start(spec).await).await;
    assert_eq!(
        all.iter().filter(|said| *said == "written").count(),
        3,
        "{all:?}"
    );
    assert!(work.path().join("own").exists());
    assert!(!private.exists() && !Path::new(&hidden).exists());
}

#[tokio::test]
async fn the_network_is_there_or_not() {
    if !is_here() {
        return;
    }
    let work = outside();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    for network in [true, false] {
        let spec = within(stand_in(&["connect", &address]), work.path(), network);
        let all = said(&mut start(spec).await).await;
        assert_eq!(all[0] == "connected", network, "{all:?}");
    }
}

#[tokio::test]
async fn a_signal_reaches_the_program_inside_and_what_it_says_then_arrives() {
    if !is_here() {
        return;
    }
    let work = outside();
    let script = "trap 'echo bye; exit 5' TERM; trap 'echo asked' INT; echo ready; while :; do sleep 0.01; done";
    let mut child = start(within(shell(script), work.path(), true)).await;
    let mut lines = child.take_lines().unwrap();
    assert_eq!(line(&mut lines).await, "ready");
    child.signal(Signal::Interrupt);
    assert_eq!(line(&mut lines).await, "asked");
    let exit = child.stop(&Ladder::terminate(LONG)).await;
    assert_eq!(exit.code, Some(5));
    assert_eq!(line(&mut lines).await, "bye");
}

#[tokio::test]
async fn even_what_cleared_its_environment_and_lost_its_parent_ends_with_it() {
    let label = label("sandboxed");
    if !is_here() {
        return;
    }
    let work = outside();
    // The inner one, two processes down, tells that it lives by writing on and on.
    let sign = work.path().join("sign");
    let script = "trap '' TERM; (setsid env -i sh -c 'while :; do date +%N > sign; sleep 0.01; done' &) & wait; echo ready; \
                  while :; do sleep 1; done";
    let mut spec = within(shell(script), work.path(), true);
    spec.label.clone_from(&label);
    let mut child = start(spec).await;
    line(&mut child.take_lines().unwrap()).await;
    let mut former = None;
    until("it writes", || {
        let now = std::fs::read_to_string(&sign).ok();
        let changed = former.is_some() && now != former;
        former = now;
        changed
    })
    .await;
    let exit = child
        .stop(&Ladder::terminate(Duration::from_millis(100)))
        .await;
    assert_eq!(exit.signal, Some(9));
    assert_eq!(carrying(&label), 0);
    // Whoever wrote it is gone: a removed sign does not come back. Its end was seen through, so that this needs no wait.
    std::fs::remove_file(&sign).unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!sign.exists());
}

#[tokio::test]
async fn it_ends_with_the_spawner_that_started_it() {
    let label = label("dropped-sandbox");
    if !is_here() {
        return;
    }
    let work = outside();
    let mut spec = within(stand_in(&["say", "ready", "hang"]), work.path(), false);
    spec.label.clone_from(&label);
    let mut child = start(spec).await;
    line(&mut child.take_lines().unwrap()).await;
    assert!(carrying(&label) > 0);
    drop(child);
    until("all of it is gone", || carrying(&label) == 0).await;
}

#[tokio::test]
async fn it_ends_with_the_process_that_started_it_even_if_that_is_killed() {
    const NAME: &str = "sandbox::it_ends_with_the_process_that_started_it_even_if_that_is_killed";
    if !is_here() {
        return;
    }
    let work = outside();
    if role().is_some() {
        let mut child = start(within(
            stand_in(&["say", "ready", "hang"]),
            work.path(),
            true,
        ))
        .await;
        line(&mut child.take_lines().unwrap()).await;
        println!("\nready");
        child.wait().await;
        return;
    }
    let mut host = again(NAME, "host").stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(host.stdout.take().unwrap()).lines();
    let is_ready = lines.any(|line| line.is_ok_and(|line| line == "ready"));
    // The tag of what it started begins with its pid.
    let tag = format!("={}.", host.id());
    let before = carrying(&tag);
    host.kill().unwrap();
    host.wait().unwrap();
    assert!(is_ready && before > 0, "{before}");
    until("all of it is gone", || carrying(&tag) == 0).await;
}
